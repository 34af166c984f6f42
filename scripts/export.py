"""Write samples to an .npz file, a grid as PNG or SVG, or a folder of PNGs."""

import html
import math
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch

from dcgan import InputError
from dcgan.data import to_float
from dcgan.files import is_free, write_file, write_text
from dcgan.images import grid, save_png, to_pil
from dcgan.ink import UNITS, grey_picture, trace
from dcgan.latents.sampling import Samples, crop

MAX_GRID = 10_000  # images in one PNG, which then has 3,000 x 3,000 pixels, or in one SVG
PITCH, INK_COLOUR = 30, "#211f1b"  # of an SVG's grid, in pixels of a digit


def check_target(path: Path, count: int) -> None:
    """Raise `InputError` if the samples cannot be written to the path. Writes nothing."""
    if path.suffix not in ("", ".npz", ".png", ".svg"):
        raise InputError(f"{path} ends in {path.suffix}: use .npz, .png or .svg (a grid), or no suffix (a folder)")
    if path.suffix in (".png", ".svg") and count > MAX_GRID:
        raise InputError(f"a grid of {count:,} images is too large: at most {MAX_GRID:,}, or use .npz")
    if not path.name:
        raise InputError(f"{path} is the current folder: name a file or a new folder")
    if path.suffix and path.is_dir():
        raise InputError(f"{path} is a folder: name a file, or a folder without a suffix")
    if not path.suffix and not is_free(path):
        raise InputError(f"{path} already exists: name a new or empty folder")
    if not path.absolute().parent.is_dir():
        raise InputError(f"{path.absolute().parent} is not a folder: create it first")


def write_samples(path: Path, chunks: Iterable[Samples], count: int, border: int, title: str = "digits") -> None:
    """Write `count` samples in the format of the path's suffix, atomically.

    `.npz`: `images` (N, 28, 28) uint8, `seeds` (N,) int64 and, for a conditional model, `labels` (N,) uint8.
    `.png`: a grid. `.svg`: a grid of outlines, with a title. No suffix: a folder with a PNG per seed. Memory holds the
    output once for .npz, .png and .svg, and one chunk for a folder. Raises `InputError`.
    """
    try:
        if path.suffix == ".npz":
            arrays = collect(chunks, count, border)
            write_file(path, lambda temporary: np.savez(temporary, **arrays))
        elif path.suffix == ".png":
            images = collect(chunks, count, border)["images"]
            save_png(grid(images, columns_of(count)), path)
        elif path.suffix == ".svg":
            write_text(path, to_svg(chunks, columns_of(count), count, title))
        else:
            write_folder(path, chunks, border)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from None


def columns_of(count: int) -> int:
    """Return the number of columns of a grid."""
    return min(count, 10) if count <= 100 else math.ceil(math.sqrt(count))


def to_svg(chunks: Iterable[Samples], columns: int, count: int, title: str) -> str:
    """Return a grid as SVG: one path for each digit, in 1 / UNITS of a pixel. A blank picture has an empty path."""
    pitch, paths = PITCH * UNITS, []
    for chunk in chunks:
        for picture in to_float(torch.from_numpy(chunk.images)).numpy():
            x, y = (pitch * at - UNITS for at in (len(paths) % columns, len(paths) // columns))  # 28 of 30 pixels
            path = trace(grey_picture(picture)).path
            paths.append(f'<path transform="translate({x} {y})" d="{path}"/>')
    box = f"0 0 {columns * pitch} {-(-count // columns) * pitch}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" fill="{INK_COLOUR}">'
    return "\n".join([head, f"<title>{html.escape(title)}</title>", *paths, "</svg>\n"])


def collect(chunks: Iterable[Samples], count: int, border: int) -> dict[str, np.ndarray]:
    """Return the arrays of the .npz file, filled chunk by chunk. Images of three channels stay (N, 3, H, W)."""
    arrays: dict[str, np.ndarray] = {}
    done = 0
    for chunk in chunks:
        images = crop(chunk.images, border)
        parts = {"images": images[:, 0] if images.shape[1] == 1 else images, "seeds": chunk.seeds}
        if chunk.labels is not None:
            parts["labels"] = chunk.labels
        for name, part in parts.items():
            if name not in arrays:
                try:
                    arrays[name] = np.empty((count, *part.shape[1:]), part.dtype)
                except MemoryError:
                    raise InputError(f"{count:,} images do not fit into memory: use a smaller --count") from None
            arrays[name][done : done + len(part)] = part
        done += len(images)
    return arrays


def write_folder(path: Path, chunks: Iterable[Samples], border: int) -> None:
    """Write a folder of `seed-0000000042.png` or, with labels, `seed-0000000042-digit-7.png`."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")  # another process may write to this folder
    temporary.mkdir()
    try:
        for chunk in chunks:
            for i, image in enumerate(crop(chunk.images, border)):
                digit = "" if chunk.labels is None else f"-digit-{chunk.labels[i]}"
                to_pil(image).save(temporary / f"seed-{chunk.seeds[i]:010d}{digit}.png")
        temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
