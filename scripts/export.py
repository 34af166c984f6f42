"""Samples to files: an .npz for programs, a grid for looking, a folder of PNGs for everything else."""

import math
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from dcgan import InputError
from dcgan.files import is_free, write_file
from dcgan.images import grid, save_png, to_pil
from dcgan.latents.sampling import Samples, crop

MAX_GRID = 10_000  # pictures in one PNG: 3,000 pixels square


def check_target(path: Path, count: int) -> None:
    """Refuse, before any work, a place that cannot take the samples; writes nothing."""
    if path.suffix not in ("", ".npz", ".png"):
        raise InputError(f"{path} ends in {path.suffix}: use .npz, .png (a grid), or a folder's name")
    if path.suffix == ".png" and count > MAX_GRID:
        raise InputError(f"a grid of {count:,} pictures is too large to look at: at most {MAX_GRID:,}, or use .npz")
    if not path.name:
        raise InputError(f"{path} is where you are: name a file, or a new folder")
    if path.suffix and path.is_dir():
        raise InputError(f"{path} is a folder: name a file, or a folder without a suffix")
    if not path.suffix and not is_free(path):
        raise InputError(f"{path} exists already: name a new or empty folder")
    if not path.absolute().parent.is_dir():
        raise InputError(f"{path.absolute().parent} is no folder: create it first")


def cropped(chunks: Iterable[Samples], border: int) -> Iterator[tuple[np.ndarray, Samples]]:
    for chunk in chunks:
        yield crop(chunk.images, border), chunk


def write_samples(path: Path, chunks: Iterable[Samples], count: int, border: int) -> None:
    """Write `count` samples as the path's suffix says; the file or folder appears whole or not at all.

    `.npz` holds `images` uint8 (N, 28, 28), `seeds` int64 (N,) and, where the model knows digits,
    `labels` uint8 (N,); `.png` is a grid; no suffix is a folder with a PNG per seed. Memory holds the
    output once for .npz and .png, one chunk for a folder. Raises `InputError`.
    """
    try:
        if path.suffix == ".npz":
            arrays = collect(chunks, count, border)
            write_file(path, lambda temporary: np.savez(temporary, **arrays))
        elif path.suffix == ".png":
            images = collect(chunks, count, border)["images"]
            columns = min(count, 10) if count <= 100 else math.ceil(math.sqrt(count))
            save_png(grid(images, columns), path)
        else:
            write_folder(path, chunks, border)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from None


def collect(chunks: Iterable[Samples], count: int, border: int) -> dict[str, np.ndarray]:
    """All samples in arrays of their final size, filled chunk by chunk; grey images lose their channel."""
    arrays: dict[str, np.ndarray] = {}
    done = 0
    for images, chunk in cropped(chunks, border):
        parts = {"images": images[:, 0] if images.shape[1] == 1 else images, "seeds": chunk.seeds}
        if chunk.labels is not None:
            parts["labels"] = chunk.labels
        for name, part in parts.items():
            if name not in arrays:
                try:
                    arrays[name] = np.empty((count, *part.shape[1:]), part.dtype)
                except MemoryError:
                    raise InputError(f"{count:,} images do not fit into memory: ask for fewer at a time") from None
            arrays[name][done : done + len(part)] = part
        done += len(images)
    return arrays


def write_folder(path: Path, chunks: Iterable[Samples], border: int) -> None:
    """`seed-0000000042.png`, or `seed-0000000042-digit-7.png`, one picture each."""
    temporary = path.with_name(f".{path.name}.partial")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        for images, chunk in cropped(chunks, border):
            for i, image in enumerate(images):
                digit = "" if chunk.labels is None else f"-digit-{chunk.labels[i]}"
                to_pil(image).save(temporary / f"seed-{chunk.seeds[i]:010d}{digit}.png")
        temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
