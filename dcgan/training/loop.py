"""The training loop: it schedules steps, logging, measuring and saving.

Every random choice is a function of the seed and the step, or drawn from a generator whose state
the checkpoint keeps: a resumed run continues exactly where it stopped (to the bit on a CPU).
"""

import io
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from dcgan.config import TrainConfig
from dcgan.data import to_float
from dcgan.latents.sampling import crop, sample
from dcgan.networks import Discriminator, Generator
from dcgan.training.progress import Progress
from dcgan.training.recalibrate import recalibrated_networks
from dcgan.training.step import Run, train_step

LOG_EVERY = 50  # steps between two looks at the losses: each look waits for the device
FRAME_COLUMNS, FRAME_ROWS = 10, 6  # the fixed-seed grid of every epoch


class NonFiniteLoss(RuntimeError):
    """A loss became infinite or NaN; the message names the step."""


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
