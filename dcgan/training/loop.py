"""The trainer: one readable step, and a loop that schedules logging, sampling and saving.

Every random choice is a function of the seed and the step, or drawn from a generator whose state
the checkpoint keeps: a resumed run continues exactly where it stopped (to the bit on a CPU).
"""

import copy
import io
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import get_ema_multi_avg_fn
from tqdm import tqdm

from dcgan.config import ModelConfig, TrainConfig
from dcgan.data import to_float
from dcgan.latents.sampling import crop, sample
from dcgan.networks import Discriminator, Generator

R1_EVERY = 8  # steps, with 8 times the weight: as good, and most of its time saved (Karras et al. 2020, appendix B)
LOG_EVERY = 50  # steps between two looks at the losses: each look waits for the device
RECALIBRATION_BATCHES, RECALIBRATION_BATCH = 32, 128
FRAME_COLUMNS, FRAME_ROWS = 10, 6  # the fixed-seed grid of every epoch


class NonFiniteLoss(RuntimeError):
    """A loss became infinite or NaN; the message names the step."""


@dataclass
class Run:
    """Everything that training changes: what a checkpoint holds."""

    model_config: ModelConfig
    config: TrainConfig
    device: torch.device
    generator: Generator
    discriminator: Discriminator
    averaged: Generator  # exponential moving average of the generator's weights (EMA)
    optimizer_g: torch.optim.Adam
    optimizer_d: torch.optim.Adam
    latent_rng: torch.Generator
    step: int = 0
    totals: Tensor | None = None  # of this epoch so far: see `train_step`
    seconds: float = 0.0  # of this epoch so far
    history: list[dict] = field(default_factory=list)  # one entry per epoch
    frames: list[np.ndarray] = field(default_factory=list)  # (60, 28, 28) uint8 per epoch
    ends: dict[int, dict[str, Tensor]] = field(default_factory=dict)  # epochs -> averaged weights it once ended with
    earlier: list[dict] = field(default_factory=list)  # the recipes of runs that it goes on from (their folders)


def new_run(model_config: ModelConfig, config: TrainConfig, device: torch.device | str) -> Run:
    device = torch.device(device)
    with torch.random.fork_rng(devices=[]):  # nobody else's random state is touched
        torch.manual_seed(config.seed)
        generator, discriminator = Generator(model_config), Discriminator(model_config)
    generator.to(device, memory_format=torch.channels_last)
    discriminator.to(device, memory_format=torch.channels_last)
    averaged = copy.deepcopy(generator).requires_grad_(False).eval()
    betas = (config.beta1, config.beta2)
    return Run(
        model_config=model_config,
        config=config,
        device=device,
        generator=generator,
        discriminator=discriminator,
        averaged=averaged,
        optimizer_g=torch.optim.Adam(generator.parameters(), config.learning_rate_g, betas, fused=True),
        optimizer_d=torch.optim.Adam(discriminator.parameters(), config.learning_rate_d, betas, fused=True),
        latent_rng=torch.Generator(device).manual_seed(config.seed),
        totals=torch.zeros(4, device=device),
    )


def arithmetic(run: Run) -> torch.autocast:
    """The precision of the forward passes; weights, losses and their sums stay float32."""
    precision = run.config.precision
    bfloat16 = run.device.type == "cuda" if precision == "auto" else precision == "bfloat16"
    return torch.autocast(run.device.type, torch.bfloat16, enabled=bfloat16)


def gradient_penalty(discriminator: Discriminator, real: Tensor, labels: Tensor | None) -> Tensor:
    """R1: mean over real images of the squared length of D's gradient there (Mescheder et al. 2018, eq. 9).

    In float32, whatever the precision of the rest: it is a difference of small numbers.
    """
    real = real.detach().requires_grad_(True)
    (slope,) = torch.autograd.grad(discriminator(real, labels).sum(), real, create_graph=True)
    return slope.square().sum(dim=(1, 2, 3)).mean()


def mismatch_loss(run: Run, real: Tensor, labels: Tensor) -> Tensor:
    """D's loss on real images under a wrong label, as on generated ones (GAN-CLS: Reed et al. 2016, section 4.2).

    Without it D only learns by and by that a fine 7 is no answer to "a 1". Every wrong digit is as likely.
    """
    num_classes = run.model_config.num_classes
    step = torch.randint(1, num_classes, labels.shape, generator=run.latent_rng, device=run.device)
    with arithmetic(run):
        logits = run.discriminator(real, (labels + step) % num_classes).float()
    return F.softplus(logits).mean()


def train_step(run: Run, real: Tensor, labels: Tensor | None, factor: float = 1.0) -> Tensor:
    """One discriminator and one generator update (paper, section 4; losses: Goodfellow et al. 2014).

    real: (N, C, S, S) float in [-1, 1]; labels (N,) int64 or None, used for the generated images too,
    so that both batches hold the same digits. factor: share left of the weight of wrong labels; it falls
    with the learning rates, because the labels are learnt by then and it costs diversity.

    Returns, on the device, the losses of D and G and the mean probability of being real that D gives to
    real and to generated images: (4,).
    """
    generator, discriminator = run.generator, run.discriminator
    latents = torch.randn(len(real), run.model_config.latent_dim, generator=run.latent_rng, device=run.device)
    with arithmetic(run):
        fake = generator(latents, labels)
        real_logits = discriminator(real, labels).float()
        fake_logits = discriminator(fake.detach(), labels).float()
    targets = torch.full_like(real_logits, run.config.real_label)  # one-sided smoothing (Salimans et al. 2016)
    loss_d = F.binary_cross_entropy_with_logits(real_logits, targets) + F.softplus(fake_logits).mean()
    if run.config.mismatch_weight:
        loss_d = loss_d + factor * run.config.mismatch_weight * mismatch_loss(run, real, labels)
    run.optimizer_d.zero_grad()
    loss_d.backward()
    if run.config.r1_gamma and run.step % R1_EVERY == 0:
        (run.config.r1_gamma / 2 * R1_EVERY * gradient_penalty(discriminator, real, labels)).backward()
    run.optimizer_d.step()

    discriminator.requires_grad_(False)  # the generator's step needs no gradient of D's weights
    with arithmetic(run):
        judged = discriminator(fake, labels).float()
    loss_g = F.softplus(-judged).mean()  # non-saturating
    run.optimizer_g.zero_grad()
    loss_g.backward()
    run.optimizer_g.step()
    discriminator.requires_grad_(True)

    update_average(run)
    probabilities = [real_logits.detach().sigmoid().mean(), fake_logits.detach().sigmoid().mean()]
    return torch.stack([loss_d.detach(), loss_g.detach(), *probabilities])


def update_average(run: Run) -> None:
    """EMA of the weights only: BatchNorm's statistics are recalibrated when they are needed."""
    decay = min(run.config.ema_decay, (1 + run.step) / (10 + run.step))  # the start forgets fast
    average = get_ema_multi_avg_fn(decay)
    average(list(run.averaged.parameters()), list(run.generator.parameters()), None)


def generator_to_keep(run: Run) -> Generator:
    """The averaged generator; of a run that was trained on, a new one: the mean of all that it ended with.

    Where the learning rates fell to 0 and rose again, the mean of the ends is better than each of them
    (SWA: Izmailov et al. 2018, algorithm 1; the mean of GAN generators: Yazıcı et al. 2019).
    """
    if not run.ends:
        return run.averaged
    generator = copy.deepcopy(run.averaged)
    with torch.no_grad():
        for name, weight in generator.named_parameters():
            weight.copy_(torch.stack([weight, *(end[name] for end in run.ends.values())]).mean(dim=0))
    return generator


@contextmanager
def recalibrating(network: nn.Module) -> Iterator[None]:
    """Inside, every forward pass adds to fresh BatchNorm statistics: their plain mean over the passes."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # cumulative mean
    network.train()
    try:
        with torch.no_grad():
            yield
    finally:
        network.eval()
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


def recalibrated_networks(run: Run, images: Tensor, labels: Tensor) -> tuple[Generator, Discriminator]:
    """The generator to keep and the discriminator, with BatchNorm statistics of their own.

    D's come from real and generated images in equal parts, so that its logits are balanced in eval mode.
    """
    generator, discriminator = generator_to_keep(run), copy.deepcopy(run.discriminator)
    rng = torch.Generator("cpu").manual_seed(run.config.seed)
    picks = torch.randint(len(images), (RECALIBRATION_BATCHES, RECALIBRATION_BATCH), generator=rng)
    latents = torch.randn(*picks.shape, run.model_config.latent_dim, generator=rng)
    batches = [
        (latent.to(run.device), pick, labels[pick].long() if run.model_config.num_classes else None)
        for latent, pick in zip(latents, picks.to(run.device), strict=True)
    ]
    with recalibrating(generator):
        for latent, _, label in batches:
            generator(latent, label)
    with recalibrating(discriminator):
        for latent, pick, label in batches:
            discriminator(to_float(images[pick]), label)
            discriminator(generator(latent, label), label)
    return generator, discriminator


def fixed_samples(generator: Generator, seed: int = 0) -> np.ndarray:
    """The grid that shows progress, (60, C, 28, 28) uint8: a row is a hand, a column a digit.

    Without digits, simply the first 60 seeds.
    """
    config = generator.config
    count = FRAME_COLUMNS * FRAME_ROWS
    if config.num_classes:
        seeds = [seed + row for row in range(FRAME_ROWS) for _ in range(FRAME_COLUMNS)]
        samples = sample(generator, seeds, list(range(FRAME_COLUMNS)) * FRAME_ROWS)
    else:
        samples = sample(generator, range(seed, seed + count))
    return crop(samples.images, config.border)


def decay_factor(config: TrainConfig, progress: float) -> float:
    """Share of the learning rate at `progress` in [0, 1]: constant, then linear to 0."""
    if progress <= config.decay_start or config.decay_start == 1.0:
        return 1.0
    return (1.0 - progress) / (1.0 - config.decay_start)


def data_order(config: TrainConfig, epoch: int, count: int) -> Tensor:
    """The permutation of an epoch: a function of seed and epoch alone."""
    rng = torch.Generator("cpu").manual_seed((config.seed * 1_000_003 + epoch) % 2**32)
    return torch.randperm(count, generator=rng)


def check_finite(pending: list[Tensor], first_step: int) -> None:
    """One look at the losses of the steps since the last look: the only wait for the device."""
    finite = torch.isfinite(torch.stack(pending)).all(dim=1)
    if not finite.all():
        step = first_step + int((~finite).nonzero()[0])
        raise NonFiniteLoss(
            f"the loss of step {step} is not finite: training stopped; the last checkpoint is kept, if there is one "
            "(try a lower learning rate)"
        )


class Progress:
    """A tqdm bar on a terminal, plain lines in a log."""

    def __init__(self, config: TrainConfig, steps_per_epoch: int, stream=None):
        self.config, self.steps_per_epoch = config, steps_per_epoch
        self.stream = stream or sys.stderr
        self.terminal = self.stream.isatty()
        self.bar: tqdm | None = None
        self.last_line = time.monotonic()

    def line(self, text: str) -> None:
        if self.bar is not None:
            self.bar.clear()
        print(text, file=self.stream, flush=True)

    def start_epoch(self, epoch: int, done: int) -> None:
        if self.terminal:
            self.bar = tqdm(
                total=self.steps_per_epoch * self.config.batch_size,
                initial=done * self.config.batch_size,
                desc=f"epoch {epoch + 1}/{self.config.epochs}",
                unit=" images",
                file=self.stream,
                leave=False,
                dynamic_ncols=True,
            )

    def update(self, epoch: int, done: int, mean: list[float], rate: float) -> None:
        losses = f"D {mean[0]:.3f}  G {mean[1]:.3f}  D(real) {mean[2]:.2f}  D(fake) {mean[3]:.2f}"
        if self.bar is not None:
            self.bar.update(done * self.config.batch_size - self.bar.n)
            self.bar.set_postfix_str(losses)
        elif time.monotonic() - self.last_line > 60:
            share = done / self.steps_per_epoch
            self.line(f"epoch {epoch + 1}/{self.config.epochs}  {share:4.0%}  {losses}  {rate:,.0f} images/s")
            self.last_line = time.monotonic()

    def end_epoch(self, entry: dict) -> None:
        self.close()
        self.line(
            f"epoch {entry['epoch']}/{self.config.epochs}  loss D {entry['loss_d']:.3f}  G {entry['loss_g']:.3f}  "
            f"D(real) {entry['probability_real']:.2f}  D(fake) {entry['probability_fake']:.2f}  "
            f"{entry['seconds']:.1f} s  {entry['images_per_second']:,.0f} images/s"
        )
        self.last_line = time.monotonic()

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None


def train(
    run: Run,
    images: Tensor,
    labels: Tensor,
    *,
    save: Callable[[Run], None] = lambda run: None,
    end_epoch: Callable[[Run, Generator, Discriminator], None] = lambda run, generator, discriminator: None,
    measure: Callable[[Generator], dict[str, float]] = lambda generator: {},
    should_stop: Callable[[], bool] = lambda: False,
    progress: Progress | None = None,
) -> bool:
    """Train until the last epoch, or until `should_stop`; returns whether it finished.

    images: (N, C, S, S) uint8 and labels (N,) uint8, both on the run's device. After an epoch `measure`
    gets the averaged generator, what it returns becomes a part of the epoch's history entry; then `save`
    gets the run and `end_epoch` the recalibrated networks to write down; on a stop only `save` is called.

    Raises `NonFiniteLoss` with the step's number, without saving.
    """
    config, batch_size = run.config, run.config.batch_size
    steps_per_epoch = len(images) // batch_size  # the rest of a permutation waits for another epoch
    total_steps = steps_per_epoch * config.epochs
    progress = progress or Progress(config, steps_per_epoch, io.StringIO())
    run.generator.train()
    run.discriminator.train()
    while run.step < total_steps:
        epoch, done = divmod(run.step, steps_per_epoch)
        order = data_order(config, epoch, len(images)).to(run.device)
        progress.start_epoch(epoch, done)
        pending, started, stopped = [], time.monotonic(), False
        while done < steps_per_epoch and not stopped:
            factor = decay_factor(config, run.step / total_steps)
            for optimizer, rate in (
                (run.optimizer_g, config.learning_rate_g),
                (run.optimizer_d, config.learning_rate_d),
            ):
                optimizer.param_groups[0]["lr"] = rate * factor
            batch = order[done * batch_size : (done + 1) * batch_size]
            classes = labels[batch].long() if run.model_config.num_classes else None
            losses = train_step(run, to_float(images[batch]), classes, factor)
            run.totals += losses
            pending.append(losses)
            run.step, done = run.step + 1, done + 1
            stopped = should_stop()
            if len(pending) == LOG_EVERY or done == steps_per_epoch or stopped:
                check_finite(pending, run.step - len(pending) + 1)
                pending = []
                seconds = run.seconds + time.monotonic() - started
                progress.update(epoch, done, (run.totals / done).tolist(), done * batch_size / seconds)
        run.seconds += time.monotonic() - started
        if done < steps_per_epoch:
            progress.close()
            save(run)
            return False
        generator, discriminator = recalibrated_networks(run, images, labels)
        run.history.append(epoch_entry(run, epoch, steps_per_epoch) | measure(generator))
        run.frames.append(fixed_samples(generator))
        run.totals.zero_()
        run.seconds = 0.0
        progress.end_epoch(run.history[-1])
        save(run)  # first: a folder with a model but no checkpoint could not be resumed
        end_epoch(run, generator, discriminator)
        if stopped and run.step < total_steps:
            return False
    return True


def epoch_entry(run: Run, epoch: int, steps: int) -> dict:
    """A line of history.jsonl: means over the epoch; seconds without recalibration and saving."""
    loss_d, loss_g, real, fake = (run.totals / steps).tolist()
    images = steps * run.config.batch_size
    entry = {
        "epoch": epoch + 1,
        "step": run.step,
        "loss_d": loss_d,
        "loss_g": loss_g,
        "probability_real": real,
        "probability_fake": fake,
        "learning_rate_g": run.optimizer_g.param_groups[0]["lr"],
        "seconds": run.seconds,
        "images_per_second": images / run.seconds,
    }
    return {key: float(f"{value:.6g}") if isinstance(value, float) else value for key, value in entry.items()}
