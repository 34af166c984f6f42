"""Training progress: a tqdm bar on a terminal, plain lines in a log."""

import itertools
import sys
import time

from tqdm import tqdm

from dcgan.config import TrainConfig

LINE_SECONDS = 60  # between two lines of a log within an epoch
COLLAPSE_EPOCHS, NEAR_0 = 5, 0.05  # when to warn of a collapse


class Progress:
    """Shows the losses and the speed; `stream` is stderr unless given."""

    def __init__(self, config: TrainConfig, steps_per_epoch: int, stream=None):
        self.config, self.steps_per_epoch = config, steps_per_epoch
        self.stream, self.bar = stream or sys.stderr, None
        self.last_line = time.monotonic()

    def line(self, text: str) -> None:
        """Print a line, above the bar if there is one."""
        if self.bar is not None:
            self.bar.clear()
        print(text, file=self.stream, flush=True)
        self.last_line = time.monotonic()

    def start_epoch(self, epoch: int, done: int) -> None:
        """Open the bar of an epoch (counted from 0) of which `done` steps are done."""
        if self.stream.isatty():
            self.bar = tqdm(
                total=self.steps_per_epoch * self.config.batch_size,
                initial=done * self.config.batch_size,
                desc=f"epoch {epoch + 1}/{self.config.epochs}",
                unit=" images",
                file=self.stream,
                leave=False,
                dynamic_ncols=True,
            )

    def update(self, epoch: int, done: int, means: list[float], rate: float) -> None:
        """Show the means of this epoch so far (see `update_networks`) and the images per second."""
        losses = f"D {means[0]:.3f}  G {means[1]:.3f}  D(real) {means[2]:.2f}  D(fake) {means[3]:.2f}"
        if self.bar is not None:
            self.bar.update(done * self.config.batch_size - self.bar.n)
            self.bar.set_postfix_str(losses)
        elif time.monotonic() - self.last_line > LINE_SECONDS:
            share = done / self.steps_per_epoch
            self.line(f"epoch {epoch + 1}/{self.config.epochs}  {share:4.0%}  {losses}  {rate:,.0f} images/s")

    def end_epoch(self, history: list[dict]) -> None:
        """Print the line of the last history entry, and once, if training seems to have collapsed, a warning."""
        self.close()
        entry = history[-1]
        self.line(
            f"epoch {entry['epoch']}/{self.config.epochs}  loss D {entry['loss_d']:.3f}  G {entry['loss_g']:.3f}  "
            f"D(real) {entry['probability_real']:.2f}  D(fake) {entry['probability_fake']:.2f}  "
            f"{entry['seconds']:.1f} s  {entry['images_per_second']:,.0f} images/s"
        )
        troubles = list(itertools.takewhile(bool, (self.trouble(entry) for entry in reversed(history))))
        if len(troubles) == COLLAPSE_EPOCHS:  # not at each epoch after that
            self.line(f"warning: for {COLLAPSE_EPOCHS} epochs, {troubles[0]}, with another --out")

    def trouble(self, entry: dict) -> str | None:
        """Return what a history entry says of a collapse, with advice; None if it says nothing of one."""
        if min(entry.get("recall", 1.0), entry.get("coverage", 1.0)) < NEAR_0:
            return (
                "recall or coverage has been near 0: the generator makes few kinds of digits, or none. "
                "If it stays so, try lower learning rates or another --seed"
            )
        if entry["probability_real"] > self.config.real_label - NEAR_0 and entry["probability_fake"] < NEAR_0:
            return (
                "the discriminator has been right about nearly every image, and the generator learns little from it. "
                "If it stays so, try a higher --r1-gamma or a lower --learning-rate-d"
            )
        return None

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None
