"""A run's folder: a checkpoint beside a model folder that is whole after every epoch."""

import contextlib
import functools
import itertools
import json
import platform
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from dcgan import InputError
from dcgan.config import ModelConfig, TrainConfig
from dcgan.files import locked, partial_files, write_text
from dcgan.hub.card import write_card
from dcgan.images import grid, save_animation, save_png
from dcgan.model_folder import load_folder, save_weights, write_config
from dcgan.networks import Discriminator, Generator
from dcgan.training.checkpoint import restore_run, save_checkpoint
from dcgan.training.device import kernels, resolve_precision
from dcgan.training.loop import fixed_samples, is_finished, steps_per_epoch, train
from dcgan.training.progress import Progress
from dcgan.training.recalibrate import recalibrated_networks
from dcgan.training.step import Run, new_run

MADE = ("history.jsonl", "samples.png", "progress.webp", "README.md")  # beside the weights and the config
FRAME_MILLISECONDS, LAST_FRAME_MILLISECONDS = 200, 2000


@contextmanager
def hold_folder(out: Path) -> Iterator[None]:
    """Create `out` if it does not exist, and keep every other trainer out of it within the context.

    The lock ends with the process, however that ends. A new folder that is still empty at the end is removed. Raises
    `InputError` if `out` is no folder, is held by another trainer, or cannot be written to, now or within the context.
    """
    try:
        missing = list(itertools.takewhile(lambda path: not path.exists(), (out, *out.absolute().parents)))
        existing = missing[-1].absolute().parent if missing else out
        if not existing.is_dir():
            raise InputError(f"{existing} is a file: --out must name a folder")
        out.mkdir(parents=True, exist_ok=True)
        with locked(out, f"another training is writing to {out}: wait for its end, or use another --out"):
            try:
                with tempfile.TemporaryFile(dir=out):  # fails in a read-only folder, before hours of training
                    pass
                yield
            finally:
                with contextlib.suppress(OSError):  # not empty
                    for path in missing:
                        path.rmdir()
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{out} cannot be written ({reason}); a checkpoint that was there is unchanged") from None


def open_run(
    out: Path,
    model_config: ModelConfig,
    config: TrainConfig,
    device: torch.device | str,
    log: Callable[[str], None] = lambda text: None,
) -> Run:
    """Return the run in `out` (see `restore_run`), or a new one, which is saved at once. `out` must be held.

    Raises `InputError` if the folder holds something else, or a run that cannot be used or had other settings.
    """
    run = restore_run(out, model_config, config, device, log)
    left = partial_files(out)
    if run is None and (others := sorted(set(out.iterdir()) - set(left))):
        raise InputError(f"{out} holds something else ({others[0].name}): use a new or an empty folder")
    for path in left:
        path.unlink()
    if run is None:
        run = new_run(model_config, config, device)
        save_checkpoint(run, out)  # a disk without room for it is noticed before hours of training
    return run


@kernels(tf32=False, benchmark=False)  # for sampling and measuring: `train` sets its own
def train_in_folder(
    run: Run,
    out: Path,
    images: Tensor,
    labels: Tensor,
    *,
    measure: Callable[[Generator], dict[str, float]] = lambda generator: {},
    should_stop: Callable[[], bool] = lambda: False,
    progress: Progress | None = None,
) -> bool:
    """Train the run and keep `out` up to date; return whether it finished.

    After each epoch the checkpoint is saved before anything else, so that no later error loses the epoch. Then
    `measure` gets the generator, and what it returns joins the history entry. What a killed trainer left undone after
    its last epoch is done first. Else like `train`.
    """
    progress = progress or Progress(run.config, steps_per_epoch(run.config, len(images)))

    def finish_epoch(generator: Generator, discriminator: Discriminator) -> None:
        if not run.measured:
            try:
                run.history[-1] |= measure(generator)
            except Exception as error:  # whatever it is, training is worth more than one measurement
                progress.line(f"epoch {len(run.history)} was not measured: {type(error).__name__}: {error}")
            run.measured = True
            save_checkpoint(run, out)
            progress.end_epoch(run.history)
        write_model_folder(out, run, generator, discriminator, len(images))

    if run.history and run.step == run.history[-1]["step"] and not (run.measured and is_whole(out, run)):
        finish_epoch(*recalibrated_networks(run, images, labels))
    for networks in train(run, images, labels, should_stop=should_stop, progress=progress):
        save_checkpoint(run, out)
        finish_epoch(*networks)
    if run.seconds:  # stopped within an epoch
        save_checkpoint(run, out)
    return is_finished(run, len(images))


def is_whole(out: Path, run: Run) -> bool:
    """Return whether the model folder is of this step. If so, its weights stay as they were measured, to the bit."""
    try:
        done = load_folder(out, out.name).training.get("steps_done")
    except InputError:
        return False
    return done == run.step and all((out / name).is_file() for name in MADE)


def device_name(device: torch.device) -> str:
    """Return the name of a GPU, or the architecture and the number of threads of a CPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"CPU ({platform.machine()}, {threads} thread{'s' if threads > 1 else ''})"


@functools.cache
def git_commit() -> dict[str, str]:
    """Return the commit of this code as {"git_commit": …}, with `-dirty` if files were changed; {} outside of git."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return {}
    return {"git_commit": done.stdout.strip()}


def write_model_folder(out: Path, run: Run, generator: Generator, discriminator: Discriminator, images: int) -> None:
    """Write all files of the model folder. The networks must be recalibrated; `images` is how many were trained on."""
    training = {
        "dataset": "MNIST, training split",
        "images": images,
        "epochs_done": len(run.history),
        "steps_done": run.step,
        "device": device_name(run.device),
        "precision": resolve_precision(run.config.precision, run.device),
        "torch": torch.__version__,
        "recipe": run.config.to_dict(),
    }
    save_weights(generator, out / "model.safetensors", **git_commit())
    save_weights(discriminator, out / "discriminator.safetensors", **git_commit())
    write_text(out / "history.jsonl", "".join(json.dumps(entry) + "\n" for entry in run.history))
    save_png(grid(fixed_samples(generator, 10), 10), out / "samples.png")
    frames = [grid(frame, 10) for frame in run.frames]
    durations = [FRAME_MILLISECONDS] * (len(frames) - 1) + [LAST_FRAME_MILLISECONDS]
    save_animation(frames, out / "progress.webp", durations)
    write_config(out, run.model_config, training)  # after these, because `is_whole` trusts its step
    write_card(out)
