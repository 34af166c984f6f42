"""Checkpoints: a whole `Run` in one file, written atomically and read without unpickling code."""

import dataclasses
import io
import pickle
from pathlib import Path

import torch

from dcgan import InputError
from dcgan.config import ModelConfig, TrainConfig
from dcgan.files import write_file
from dcgan.training.step import Run, new_run

NAME = "checkpoint.pt"
FORMAT_VERSION = 1
WAY_OUT = "move the folder aside, or use another --out"
OLD_KEYS = {"totals": "epoch_sums", "ends": "previous_ends"}  # names that earlier code gave two entries


def save_checkpoint(run: Run, folder: Path) -> None:
    """Replace the folder's checkpoint in one step. A crash leaves the old one whole."""
    buffer = io.BytesIO()  # torch.save to a path does not raise OSError on a full disk; Python's own write does
    torch.save({"format_version": FORMAT_VERSION} | run.state_dict(), buffer)
    write_file(folder / NAME, lambda temporary: temporary.write_bytes(buffer.getbuffer()))


def read_checkpoint(folder: Path) -> dict:
    """Return the contents of the folder's checkpoint on the CPU. Raises `InputError` if it cannot be used."""
    path = folder / NAME
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, KeyError, pickle.UnpicklingError) as error:
        raise InputError(f"{path} cannot be read ({type(error).__name__}): {WAY_OUT}") from None
    if not isinstance(state, dict) or state.get("format_version") != FORMAT_VERSION:
        raise InputError(f"{path} was written by another version: {WAY_OUT}")
    return {"previous_ends": {}} | {OLD_KEYS.get(key, key): value for key, value in state.items()}


def saved_configs(state: dict) -> tuple[ModelConfig, TrainConfig]:
    """Return the configs of a checkpoint."""
    return ModelConfig.from_dict(state["model_config"]), TrainConfig.from_dict(state["config"])


def check_same_settings(state: dict, model_config: ModelConfig, config: TrainConfig) -> None:
    """Raise `InputError` if a run was begun with other settings. A finished run may get more epochs."""
    saved_model_config, saved_config = saved_configs(state)
    if len(state["history"]) == saved_config.epochs < config.epochs:
        saved_config = dataclasses.replace(saved_config, epochs=config.epochs)
    saved = saved_model_config.to_dict() | saved_config.to_dict()
    asked = model_config.to_dict() | config.to_dict()
    different = [f"{name} was {saved[name]!r}, now {asked[name]!r}" for name in saved if saved[name] != asked[name]]
    if different:
        raise InputError(f"this run had other settings ({'; '.join(different)}): use those, or another --out")


def load_checkpoint(state: dict, device: torch.device | str) -> Run:
    """Return the `Run` of a checkpoint's contents, on the given device."""
    run = new_run(*saved_configs(state), device)
    run.load_state_dict(state)
    return run


def extend_run(run: Run, epochs: int) -> None:
    """Give a finished run more epochs in all, with a warm restart (Loshchilov & Hutter 2017).

    The learning rates rise to where a run of that length has them now, and fall to 0 at the new end. The averaged
    weights of the old end are kept in `run.previous_ends`.
    """
    weights = {name: weight.clone() for name, weight in run.averaged.named_parameters()}
    run.previous_ends[run.config.epochs] = weights
    run.config = dataclasses.replace(run.config, epochs=epochs)
