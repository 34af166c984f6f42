"""The training loop: it runs the steps, sets the learning rates, and stops if a loss is not finite.

Every random choice is a function of the seed and the step, or is drawn from a generator whose state is in the
checkpoint. So a resumed run gives the same weights as an uninterrupted one (on a CPU to the bit).
"""

import io
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from dcgan import InputError
from dcgan.config import TrainConfig
from dcgan.data import to_float
from dcgan.latents.sampling import crop, sample
from dcgan.networks import Discriminator, Generator
from dcgan.training.device import kernels
from dcgan.training.graph import step_function
from dcgan.training.progress import Progress
from dcgan.training.recalibrate import recalibrated_networks
from dcgan.training.step import Diverged, Run, check_state

LOG_EVERY = 50  # steps between two looks at the losses: each look is a CPU-GPU sync point
FRAME_ROWS = 6  # of the grid with fixed seeds that is kept of every epoch


def steps_per_epoch(config: TrainConfig, count: int) -> int:
    """Return the steps of an epoch over `count` images; a last, smaller batch is dropped. Raises `InputError`."""
    if count < config.batch_size:
        raise InputError(f"batch_size is {config.batch_size}: it must be at most the number of images, {count}")
    return count // config.batch_size


def is_finished(run: Run, count: int) -> bool:
    """Return whether the run has done all its steps over `count` images."""
    return run.step >= steps_per_epoch(run.config, count) * run.config.epochs


def train(
    run: Run,
    images: Tensor,
    labels: Tensor,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    progress: Progress | None = None,
) -> Iterator[tuple[Generator, Discriminator]]:
    """Train until the last epoch, or until `should_stop()`; yield the recalibrated networks after each epoch.

    images: (N, C, S, S) uint8 and labels (N,) uint8, both on the run's device. When it yields, `run` holds the epoch's
    history entry and frame. `should_stop` is asked after each step; stopped within an epoch, it ends without a yield.
    Raises `Diverged`, and `InputError` if there are too few images for a batch, or not those that the run began with.
    """
    config, batch_size, steps = run.config, run.config.batch_size, steps_per_epoch(run.config, len(images))
    if run.step // steps != len(run.history):
        raise InputError(f"step {run.step} is not in epoch {len(run.history) + 1} of {steps} steps: other images?")
    progress = progress or Progress(config, steps, io.StringIO())
    run.generator.train()
    run.discriminator.train()
    step = step_function(run)
    stopped = False
    while not stopped and run.step < steps * config.epochs:
        epoch, done = divmod(run.step, steps)
        order = data_order(config, epoch, len(images)).to(run.device)
        progress.start_epoch(epoch, done)
        pending, started = [], time.monotonic()
        with kernels(tf32=True, benchmark=True):
            while done < steps and not stopped:
                decay = decay_factor(config, run.step / (steps * config.epochs))
                batch = order[done * batch_size : (done + 1) * batch_size]
                classes = labels[batch].long() if run.model_config.num_classes else None
                losses = step(to_float(images[batch]), classes, decay)
                run.epoch_sums += losses
                pending.append(losses)
                run.step, done = run.step + 1, done + 1
                stopped = should_stop()
                if len(pending) == LOG_EVERY or done == steps or stopped:
                    check_finite(pending, run.step - len(pending) + 1)
                    pending = []
                    seconds = run.seconds + time.monotonic() - started
                    progress.update(epoch, done, (run.epoch_sums / done).tolist(), done * batch_size / seconds)
        run.seconds += time.monotonic() - started
        progress.close()
        if done == steps:
            with kernels(tf32=False, benchmark=False):
                networks = recalibrated_networks(run, images, labels)
                frame = fixed_samples(networks[0], FRAME_ROWS)
            check_state({type(network).__name__: network.state_dict() for network in networks}, run.step)
            run.history.append(history_entry(run, epoch, steps))
            run.measured = False
            run.frames.append(frame)
            run.epoch_sums.zero_()
            run.seconds = 0.0
            yield networks


def history_entry(run: Run, epoch: int, steps: int) -> dict:
    """Return a line of history.jsonl: means over the epoch, and the seconds spent in its steps."""
    names = ("loss_d", "loss_g", "probability_real", "probability_fake")
    values = {
        **dict(zip(names, (run.epoch_sums / steps).tolist(), strict=True)),
        "learning_rate_g": float(run.optimizer_g.param_groups[0]["lr"]),
        "seconds": run.seconds,
        "images_per_second": steps * run.config.batch_size / run.seconds,
    }
    return {"epoch": epoch + 1, "step": run.step} | {name: float(f"{value:.6g}") for name, value in values.items()}


def fixed_samples(generator: Generator, rows: int) -> np.ndarray:
    """Return the first pictures of a model, (10 * rows, C, 28, 28) uint8.

    For a conditional model, a row is a seed (from 0) and a column a digit; else they are the seeds from 0.
    """
    config, places = generator.config, range(10 * rows)
    seeds, digits = ([i // 10 for i in places], [i % 10 for i in places]) if config.num_classes else (places, None)
    return crop(sample(generator, seeds, digits).images, config.border)


def decay_factor(config: TrainConfig, progress: float) -> float:
    """Return the factor of the learning rates at `progress` in [0, 1]: 1, then falling linearly to 0."""
    if progress <= config.decay_start or config.decay_start == 1.0:
        return 1.0
    return (1.0 - progress) / (1.0 - config.decay_start)


def data_order(config: TrainConfig, epoch: int, count: int) -> Tensor:
    """Return the permutation of an epoch, a function of seed and epoch alone."""
    rng = torch.Generator("cpu").manual_seed((config.seed * 1_000_003 + epoch) % 2**32)
    return torch.randperm(count, generator=rng)


def check_finite(pending: list[Tensor], first_step: int) -> None:
    """Raise `Diverged` if one of the losses since the last look is not finite."""
    finite = torch.isfinite(torch.stack(pending)).all(dim=1)
    if not finite.all():
        step = first_step + int((~finite).nonzero()[0])
        raise Diverged(f"the loss of step {step}")
