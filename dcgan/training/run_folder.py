"""A run's folder: a checkpoint beside a model folder that is whole after every epoch."""

import functools
import hashlib
import json
import platform
import subprocess
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageSequence

from dcgan import InputError
from dcgan.config import Config, ModelConfig, TrainConfig
from dcgan.files import write_text
from dcgan.hub import download as hub
from dcgan.hub.card import write_card
from dcgan.images import cut, grid, save_animation, save_png
from dcgan.latents.sampling import crop, sample
from dcgan.model_folder import Model, save_weights, write_config
from dcgan.networks import Discriminator, Generator
from dcgan.training import checkpoint
from dcgan.training.loop import FRAME_COLUMNS, FRAME_ROWS
from dcgan.training.step import Run, new_run

FRAME_MILLISECONDS, LAST_FRAME_MILLISECONDS = 200, 2000


def check_run_folder(out: Path, model_config: ModelConfig, config: TrainConfig) -> dict | None:
    """The checkpoint in `out` if a run can be resumed from it, None if `out` is free for a new run.

    Writes nothing. Raises `InputError` if the folder holds something else or another run.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file: --out must name a folder")
    if (out / checkpoint.NAME).exists():
        state = checkpoint.read_checkpoint(out)
        checkpoint.check_same_settings(state, model_config, config)
        return state
    if out.is_dir() and any(out.iterdir()):
        raise InputError(f"{out} holds something else (no {checkpoint.NAME}): use an empty or a new folder")
    existing = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    if not existing.is_dir():
        raise InputError(f"{existing} is a file: no folder can be made in it")
    checkpoint.check_space(existing, model_config, config)
    return None


def open_run(
    state: dict | None, out: Path, model_config: ModelConfig, config: TrainConfig, device, model: Model | None = None
) -> Run:
    """Resume the run of `check_run_folder`'s state, or begin a new one, from a model if there is one.

    Creates the folder.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out} cannot be created: {error.strerror}") from None
    if state is None:
        return new_run(model_config, config, device) if model is None else go_on(model, config, device)
    return checkpoint.load_checkpoint(state, device, config.epochs)


def check_start(model: Model, model_config: ModelConfig, config: TrainConfig) -> None:
    """Refuse to go on from a model of another shape, or whose folder does not tell of a whole training."""
    recipe, done = model.training.get("recipe"), model.training.get("epochs_done")
    if not isinstance(recipe, dict) or not isinstance(model.training.get("steps_done"), int):
        raise InputError(f"{model.name} does not say how it was trained: it cannot be trained on")
    fixed = {name: getattr(config, name) for name in ("batch_size", "images")}  # what makes a step, and an epoch
    was = model.config.to_dict() | {name: recipe.get(name) for name in fixed}
    if different := checkpoint.differences(was, model_config.to_dict() | fixed):
        raise InputError(f"{model.name} is another model ({different}): give its settings, or another --start-from")
    if done != recipe.get("epochs"):
        raise InputError(f"{model.name} is in the midst of its training ({done} of {recipe.get('epochs')} epochs)")
    if config.epochs <= done:
        raise InputError(f"epochs is {config.epochs}: {model.name} has had {done}, it must be more")
    if model.commit is not None:
        hub.pull_training_files(model.name.partition("@")[0], model.commit)
    read_story(model)


def read_story(model: Model) -> tuple[list[dict], list[np.ndarray]]:
    """The history of a model's training and the pictures after every epoch, from its folder."""
    try:
        lines = (model.folder / "history.jsonl").read_text(encoding="utf-8").splitlines()
        history = [json.loads(line) for line in lines]
        with Image.open(model.folder / "progress.webp") as animation:
            colours = "L" if model.config.image_channels == 1 else "RGB"
            sheets = [sheet.convert(colours) for sheet in ImageSequence.Iterator(animation)]
        frames = [cut(sheet, FRAME_COLUMNS, FRAME_ROWS) for sheet in sheets]
        side = model.config.image_size - 2 * model.config.border
        if any(frame.shape[2:] != (side, side) for frame in frames):
            raise ValueError("progress.webp has pictures of another size")
    except (OSError, ValueError) as error:
        raise InputError(f"the history of {model.name} cannot be read ({error}): it cannot be trained on") from None
    if not len(history) == len(frames) == model.training["epochs_done"]:
        raise InputError(f"{model.name} has a history of {len(history)} epochs and {len(frames)} pictures: not its own")
    return history, frames


def go_on(model: Model, config: TrainConfig, device: torch.device) -> Run:
    """A run that trains a model of `check_start` on from its folder, where its checkpoint is gone or elsewhere.

    The folder has neither Adam's moments nor the generator that was averaged: the first start at 0, the second from
    its average. A model that is itself a mean of ends counts for as many in the mean of all.
    """
    run = new_run(model.config, config, device)
    for network, trained in (
        (run.generator, model.generator),
        (run.averaged, model.generator),
        (run.discriminator, model.discriminator),
    ):
        network.load_state_dict(trained.state_dict())
    run.history, run.frames = read_story(model)
    run.step = model.training["steps_done"]
    run.latent_rng.manual_seed(config.seed + run.step)
    weights = {name: weight.clone() for name, weight in run.averaged.named_parameters()}
    run.ends = dict.fromkeys([*model.training.get("mean_with_ends_of_epochs", []), len(run.history)], weights)
    run.earlier = [*model.training.get("earlier_recipes", []), model.training["recipe"]]
    return run


def device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"CPU ({platform.machine()}, {threads} thread{'s' if threads > 1 else ''})"


def config_hash(*configs: Config) -> str:
    """Names a recipe: equal settings, equal hash."""
    settings = [config.to_dict() for config in configs]
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


@functools.cache
def git_commit() -> dict[str, str]:
    """The commit of the code that trains, if it runs from a git checkout; `-dirty` where it was changed."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return {}
    return {"git_commit": done.stdout.strip()}


def write_model_folder(out: Path, run: Run, generator: Generator, discriminator: Discriminator, images: int) -> None:
    """Everything of the model folder; the networks come recalibrated."""
    training = {
        "dataset": "MNIST, training split",
        "images": images,
        "epochs_done": len(run.history),
        "steps_done": run.step,
        "device": device_name(run.device),
        "torch": torch.__version__,
        "recipe": run.config.to_dict(),
    }
    if run.ends:
        training["mean_with_ends_of_epochs"] = list(run.ends)
    if run.earlier:
        training["earlier_recipes"] = run.earlier
    origin = {"config_hash": config_hash(run.model_config, run.config)} | git_commit()
    save_weights(generator, out / "model.safetensors", **origin)
    save_weights(discriminator, out / "discriminator.safetensors", **origin)
    write_config(out, run.model_config, training)
    write_text(out / "history.jsonl", "".join(json.dumps(entry) + "\n" for entry in run.history))
    save_png(sample_sheet(generator), out / "samples.png")
    frames = [grid(frame, FRAME_COLUMNS) for frame in run.frames]
    durations = [FRAME_MILLISECONDS] * (len(frames) - 1) + [LAST_FRAME_MILLISECONDS]
    save_animation(frames, out / "progress.webp", durations)
    write_card(out)


def sample_sheet(generator: Generator):
    """10x10 from fixed seeds: rows hands (seeds 0-9), columns digits; without digits seeds 0-99."""
    config = generator.config
    if config.num_classes:
        samples = sample(generator, [seed for seed in range(10) for _ in range(10)], list(range(10)) * 10)
    else:
        samples = sample(generator, range(100))
    return grid(crop(samples.images, config.border), 10)
