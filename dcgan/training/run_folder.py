"""A run's folder: a checkpoint beside a model folder that is whole after every epoch."""

import functools
import json
import platform
import subprocess
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from dcgan import InputError
from dcgan.config import ModelConfig, TrainConfig
from dcgan.files import is_free, write_text
from dcgan.hub.card import write_card
from dcgan.images import grid, save_animation, save_png
from dcgan.model_folder import save_weights, write_config
from dcgan.networks import Discriminator, Generator
from dcgan.training import checkpoint
from dcgan.training.loop import fixed_samples, is_finished, steps_per_epoch, train
from dcgan.training.progress import Progress
from dcgan.training.step import Run, new_run

FRAME_MILLISECONDS, LAST_FRAME_MILLISECONDS = 200, 2000


def check_run_folder(out: Path, model_config: ModelConfig, config: TrainConfig) -> dict | None:
    """Return the contents of the checkpoint in `out`, or None if `out` is free for a new run. Writes nothing.

    Raises `InputError` if the folder holds something else, or a run with other settings.
    """
    if (out / checkpoint.NAME).exists():
        state = checkpoint.read_checkpoint(out)
        checkpoint.check_same_settings(state, model_config, config)
        return state
    existing = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not existing.is_dir():
        raise InputError(f"{existing} is a file: --out must name a folder")
    if not is_free(out):
        raise InputError(f"{out} holds something else (no {checkpoint.NAME}): use a new or an empty folder")
    return None


def open_run(state: dict | None, out: Path, model_config: ModelConfig, config: TrainConfig, device) -> Run:
    """Return the run of `check_run_folder`'s state, extended if it has fewer epochs, or a new one. Creates `out`."""
    run = new_run(model_config, config, device) if state is None else checkpoint.load_checkpoint(state, device)
    if config.epochs > run.config.epochs:
        checkpoint.extend_run(run, config.epochs)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out} cannot be created: {error.strerror}") from None
    return run


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
    `measure` gets the generator, and what it returns joins the history entry. Else like `train`.
    """
    progress = progress or Progress(run.config, steps_per_epoch(run.config, len(images)))
    for generator, discriminator in train(run, images, labels, should_stop=should_stop, progress=progress):
        checkpoint.save_checkpoint(run, out)
        try:
            run.history[-1] |= measure(generator)
        except Exception as error:  # whatever it is, training is worth more than one measurement
            progress.line(f"epoch {len(run.history)} was not measured: {type(error).__name__}: {error}")
        else:
            checkpoint.save_checkpoint(run, out)
        progress.end_epoch(run.history[-1])
        write_model_folder(out, run, generator, discriminator, len(images))
    if run.seconds:  # stopped within an epoch
        checkpoint.save_checkpoint(run, out)
    return is_finished(run, len(images))


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
        "torch": torch.__version__,
        "recipe": run.config.to_dict(),
    }
    if run.previous_ends:
        training["mean_with_ends_of_epochs"] = list(run.previous_ends)
    save_weights(generator, out / "model.safetensors", **git_commit())
    save_weights(discriminator, out / "discriminator.safetensors", **git_commit())
    write_config(out, run.model_config, training)
    write_text(out / "history.jsonl", "".join(json.dumps(entry) + "\n" for entry in run.history))
    save_png(grid(fixed_samples(generator, 10), 10), out / "samples.png")
    frames = [grid(frame, 10) for frame in run.frames]
    durations = [FRAME_MILLISECONDS] * (len(frames) - 1) + [LAST_FRAME_MILLISECONDS]
    save_animation(frames, out / "progress.webp", durations)
    write_card(out)
