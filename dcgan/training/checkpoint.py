"""Checkpoints: a whole `Run` in one file. The newest two are kept, each with a checksum of its own.

They are written atomically and read without unpickling code. A damaged newest one is recognised; then the older one is
used, from which training gives the same weights again.
"""

import dataclasses
import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from dcgan import InputError
from dcgan.config import ModelConfig, TrainConfig
from dcgan.files import write_file
from dcgan.training.loop import frame_shape
from dcgan.training.step import NETWORKS, OPTIMIZERS, Run, check_state, new_run, not_finite

NAME, PREVIOUS = "checkpoint.pt", "checkpoint.previous.pt"
FORMAT_VERSION = 2  # 1 had no checksum
MARK, DIGEST_BYTES = b"sha256:", 32  # a file ends with the mark, and the digest of all that is before it
TAIL = len(MARK) + DIGEST_BYTES
ADAM = ("step", "exp_avg", "exp_avg_sq")  # what Adam knows of each weight
ENTRY = {"epoch", "step", "loss_d", "loss_g", "probability_real", "probability_fake", "seconds", "images_per_second"}


def save_checkpoint(run: Run, folder: Path) -> None:
    """Replace the folder's checkpoint in one step, and keep the one before it. A crash leaves a whole one.

    Raises `Diverged`, and writes nothing, if a number of the run is not finite.
    """
    state = run.state_dict()
    check_state(state, run.step)
    buffer = io.BytesIO()  # torch.save to a path does not raise OSError on a full disk; Python's own write does
    torch.save({"format_version": FORMAT_VERSION} | state, buffer)
    buffer.write(MARK + hashlib.sha256(buffer.getbuffer()).digest())
    write_file(folder / NAME, lambda temporary: temporary.write_bytes(buffer.getbuffer()), folder / PREVIOUS)


def read_checkpoint(path: Path) -> dict:
    """Return the contents of a checkpoint on the CPU. Raises `InputError` if it is damaged."""
    try:
        content = path.read_bytes()
        whole, mark, digest = content[:-TAIL], content[-TAIL:-DIGEST_BYTES], content[-DIGEST_BYTES:]
        if mark != MARK:  # of earlier code: a zip archive has a checksum of each of its files
            whole = content
            if (name := zipfile.ZipFile(io.BytesIO(whole)).testzip()) is not None:
                raise InputError(f"{path} is damaged: the checksum of {name} is wrong")
        elif hashlib.sha256(whole).digest() != digest:
            raise InputError(f"{path} is damaged: its checksum is wrong")
        state = torch.load(io.BytesIO(whole), map_location="cpu", weights_only=True)
    except InputError:
        raise
    except Exception as error:  # damaged bytes raise errors of many kinds
        raise InputError(f"{path} cannot be read ({type(error).__name__})") from None
    version = state.get("format_version") if isinstance(state, dict) else None
    if version not in (1, FORMAT_VERSION):
        raise InputError(f"{path} was written by another version")
    if version == FORMAT_VERSION and mark != MARK:
        raise InputError(f"{path} is damaged: it has no checksum")
    if (place := not_finite(state)) is not None:
        raise InputError(f"{path} is damaged: {place} holds a number that is not finite")
    old = {"epoch_sums": state["totals"]} if "totals" in state else {}  # its name in earlier code
    return {"measured": True} | old | state


def load_checkpoint(path: Path, device: torch.device | str) -> Run:
    """Return the run of a checkpoint, on the given device. Raises `InputError` if it cannot be used."""
    state = read_checkpoint(path)
    try:
        run = new_run(ModelConfig.from_dict(state["model_config"]), TrainConfig.from_dict(state["config"]), device)
        if (misfit := first_misfit(state, run)) is None:
            run.load_state_dict(state)
            return run
    except InputError as error:
        raise InputError(f"{path} cannot be used: {error}") from None
    except (torch.OutOfMemoryError, torch.AcceleratorError):  # says nothing of the checkpoint
        raise
    except (LookupError, TypeError, AttributeError, RuntimeError) as error:
        misfit = f"contents ({type(error).__name__})"
    raise InputError(f"{path} cannot be used: its {misfit} does not fit the rest")


def first_misfit(state: dict, run: Run) -> str | None:
    """Return the name of a part of a checkpoint that does not fit the new run of its configs; None if all fit."""
    history, step = state["history"], state["step"]
    if not isinstance(history, list) or not all(is_entry(entry, i, history[0]) for i, entry in enumerate(history, 1)):
        return "history"
    if type(step) is not int or step < 0 or (history and step // history[0]["step"] != len(history)):
        return "step"
    expected = {name: getattr(run, name).state_dict() for name in NETWORKS}
    expected |= {"epoch_sums": run.epoch_sums, "seconds": 0.0, "measured": True, "device": "cpu"}
    for name in OPTIMIZERS:
        weights = getattr(run, name).param_groups[0]["params"] if step else []
        expected[name] = {i: dict(zip(ADAM, (torch.zeros(()), w, w), strict=True)) for i, w in enumerate(weights)}
    expected["frames"] = torch.empty(len(history), *frame_shape(run.model_config)).byte() if history else None
    if state["device"] == run.device.type:
        expected["latent_rng"] = run.latent_rng.get_state()
    saved = state | {name: state[name]["state"] for name in OPTIMIZERS}
    return next((name for name, like in expected.items() if not fits(saved[name], like)), None)


def is_entry(entry: object, epoch: int, first: dict) -> bool:
    """Return whether this is the history entry of an epoch. first: that of the first epoch."""
    if not isinstance(entry, dict) or not entry.keys() >= ENTRY:
        return False
    numbers = all(type(value) in (int, float) for value in entry.values())
    return numbers and first["step"] > 0 and (entry["epoch"], entry["step"]) == (epoch, epoch * first["step"])


def fits(value: object, like: object) -> bool:
    """Return whether a value has the type of another: the shape and dtype of a tensor, the keys of a dict."""
    if isinstance(like, Tensor):
        return isinstance(value, Tensor) and (value.shape, value.dtype) == (like.shape, like.dtype)
    if isinstance(like, dict):
        same = isinstance(value, dict) and value.keys() == like.keys()
        return same and all(fits(value[key], like[key]) for key in like)
    return type(value) is type(like)


def restore_run(
    folder: Path,
    model_config: ModelConfig,
    config: TrainConfig,
    device: torch.device | str,
    log: Callable[[str], None],
) -> Run | None:
    """Return the run of the folder's newest usable checkpoint, or None if there is no checkpoint.

    A finished run with fewer epochs than `config` gets more. A damaged newest checkpoint is named to `log`, and the
    older one takes its place. Raises `InputError` if none can be used, or the run had other settings.
    """
    newest, previous = folder / NAME, folder / PREVIOUS
    paths, problems = [path for path in (newest, previous) if path.exists()], []
    for path in paths:
        try:
            run = load_checkpoint(path, device)
        except InputError as error:
            problems.append(str(error))
            continue
        check_same_settings(run, model_config, config)
        if path == previous:
            problem = problems[0] if problems else f"{newest} is missing"
            log(f"{problem}: using {previous.name}, from step {run.step:,}")
            previous.replace(newest)  # so that the next save does not put the damaged one in its place
        run.config = config
        return run
    if problems:
        raise InputError(f"{'; '.join(problems)}: move {folder} aside, or use another --out, to start again")
    return None


def check_same_settings(run: Run, model_config: ModelConfig, config: TrainConfig) -> None:
    """Raise `InputError` if a run was begun with other settings. A finished run may get more epochs."""
    saved_config = run.config
    if len(run.history) == saved_config.epochs < config.epochs:
        saved_config = dataclasses.replace(saved_config, epochs=config.epochs)
    saved = run.model_config.to_dict() | saved_config.to_dict()
    asked = model_config.to_dict() | config.to_dict()
    different = [f"{name} was {saved[name]!r}, now {asked[name]!r}" for name in saved if saved[name] != asked[name]]
    if different:
        raise InputError(f"this run had other settings ({'; '.join(different)}): use those, or another --out")
