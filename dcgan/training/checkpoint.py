"""Checkpoints: the whole of a `Run` in one file, written atomically, read without pickle's dangers."""

import dataclasses
import io
import pickle
import shutil
from pathlib import Path

import numpy as np
import torch

from dcgan import InputError
from dcgan.config import ModelConfig, TrainConfig
from dcgan.files import write_file
from dcgan.networks import Discriminator, Generator
from dcgan.training.loop import FRAME_COLUMNS, FRAME_ROWS
from dcgan.training.step import Run, new_run

NAME = "checkpoint.pt"
FORMAT_VERSION = 1
NETWORKS = ("generator", "discriminator", "averaged", "optimizer_g", "optimizer_d")


def save_checkpoint(run: Run, folder: Path) -> None:
    """Replace the folder's checkpoint in one step: a crash leaves the old one whole."""
    state = {name: getattr(run, name).state_dict() for name in NETWORKS}
    state |= {
        "format_version": FORMAT_VERSION,
        "model_config": run.model_config.to_dict(),
        "config": run.config.to_dict(),
        "device": run.device.type,
        "latent_rng": run.latent_rng.get_state(),
        "step": run.step,
        "totals": run.totals,
        "seconds": run.seconds,
        "history": run.history,
        "ends": run.ends,
        "earlier": run.earlier,
        "frames": torch.from_numpy(np.stack(run.frames)) if run.frames else None,
    }
    buffer = io.BytesIO()  # written by Python, so that a full disk is an OSError
    torch.save(state, buffer)
    write_file(folder / NAME, lambda temporary: temporary.write_bytes(buffer.getbuffer()))


def read_checkpoint(folder: Path) -> dict:
    """The raw contents of the folder's checkpoint. Raises `InputError` if it cannot be used."""
    path = folder / NAME
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, KeyError, pickle.UnpicklingError) as error:
        raise InputError(f"{path} cannot be read ({type(error).__name__}): delete it to start again") from None
    if not isinstance(state, dict) or state.get("format_version") != FORMAT_VERSION:
        raise InputError(f"{path} was written by another version: delete it to start again")
    return state


def differences(was: dict, now: dict) -> str:
    """What differs between two sets of settings, as a part of a sentence; empty where nothing does."""
    return "; ".join(
        f"{name} was {was.get(name)!r}, now {now.get(name)!r}"
        for name in sorted(was.keys() | now.keys())
        if was.get(name) != now.get(name)
    )


def check_same_settings(state: dict, model_config: ModelConfig, config: TrainConfig) -> None:
    """Refuse to resume with other settings, listing every difference. A finished run may get more epochs."""
    finished = len(state["history"]) == state["config"].get("epochs")
    saved = {**state["model_config"], **state["config"]}
    asked = {**model_config.to_dict(), **config.to_dict()}
    if finished and asked["epochs"] > saved["epochs"]:
        saved["epochs"] = asked["epochs"]
    if different := differences(saved, asked):
        raise InputError(f"this run was begun with other settings ({different}): use those, or another --out")


def load_checkpoint(state: dict, device: torch.device, epochs: int | None = None) -> Run:
    """A `Run` as it was when `save_checkpoint` was called, on the given device.

    epochs: of a finished run, more than it had. Its learning rates rise once more, to where a run of that
    length has them now, and fall to 0 at the new end (a warm restart: Loshchilov & Hutter 2017); the averaged
    generator that it ended with is kept in `ends`.
    """
    config = TrainConfig(**state["config"])
    longer = dataclasses.replace(config, epochs=epochs or config.epochs)
    run = new_run(ModelConfig(**state["model_config"]), longer, device)
    for name in NETWORKS:
        getattr(run, name).load_state_dict(state[name])
    if state["device"] == run.device.type:  # random streams differ between kinds of device
        run.latent_rng.set_state(state["latent_rng"])
    else:
        run.latent_rng.manual_seed(run.config.seed + state["step"])
    run.step, run.seconds, run.history = state["step"], state["seconds"], state["history"]
    run.totals, run.earlier = state["totals"].to(device), state.get("earlier", [])
    run.ends = {at: {name: part.to(device) for name, part in end.items()} for at, end in state.get("ends", {}).items()}
    if longer != config:
        run.ends[config.epochs] = {name: part.clone() for name, part in run.averaged.named_parameters()}
    run.frames = [] if state["frames"] is None else list(state["frames"].numpy())
    return run


def check_space(folder: Path, model_config: ModelConfig, config: TrainConfig) -> None:
    """Refuse to start what the disk cannot hold: two checkpoints (old and new) and the model folder."""
    with torch.device("meta"):
        size_g, size_d = (
            sum(parameter.numel() for parameter in network.parameters()) * 4
            for network in (Generator(model_config), Discriminator(model_config))
        )
    frames = config.epochs * FRAME_COLUMNS * FRAME_ROWS * (model_config.image_size - 2 * model_config.border) ** 2
    checkpoint = 4 * size_g + 3 * size_d + frames * model_config.image_channels  # weights, average, Adam's moments
    needed = 2 * checkpoint + size_g + size_d + 2 * frames + 2**20
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise InputError(
            f"{folder} has {free / 2**20:,.0f} MiB of free space and this run needs {needed / 2**20:,.0f} MiB"
        )
