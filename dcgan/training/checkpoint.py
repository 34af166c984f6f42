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

from dcgan import InputError
from dcgan.config import ModelConfig, TrainConfig
from dcgan.files import write_file
from dcgan.training.step import Run, check_state, new_run, not_finite

NAME, PREVIOUS = "checkpoint.pt", "checkpoint.previous.pt"
FORMAT_VERSION = 2  # 1 had no checksum
MARK, DIGEST_BYTES = b"sha256:", 32  # a file ends with the mark, and the digest of all that is before it
TAIL = len(MARK) + DIGEST_BYTES


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
        run.load_state_dict(state)
        return run
    except InputError as error:
        raise InputError(f"{path} cannot be used: {error}") from None
    except (torch.OutOfMemoryError, torch.AcceleratorError):  # says nothing of the checkpoint
        raise
    except (LookupError, TypeError, AttributeError, RuntimeError) as error:
        raise InputError(f"{path} cannot be used: its parts do not fit ({type(error).__name__})") from None


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
