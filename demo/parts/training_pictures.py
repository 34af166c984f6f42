"""Pictures of a model's folder: the film of its training, and its digits beside the nearest real ones.

The folder may come from anybody. A picture that is missing, damaged or too large counts as absent. The page gets copies
that are made here, never the files themselves.
"""

import functools
import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from dcgan.hub.download import MAX_BYTES

ROWS = 3 * 30 + 2  # pixel rows that are shown of a frame: the first three rows of digits
MAX_SHOWN = 80  # frames: WebP allows a height of 16,383 pixels
MAX_FRAMES, MAX_SIDE, MAX_PIXELS = 2_000, 640, 2**27  # of progress.webp; pixels in all frames together
NOVELTY_SIZE = (1204, 124)  # of novelty.png: scripts/evaluate.py writes 2 rows of 20 digits, twice as large as they are


@dataclass(frozen=True)
class Shown:
    """A picture that the browser fetches by its sha256, and the epochs of the frames in it, if it is a film."""

    content: bytes
    digest: str
    epochs: tuple[int, ...] = ()


def load_animation(path: Path) -> tuple[np.ndarray, list[int]]:
    """Return up to `MAX_SHOWN` frames one below the other, (frames * ROWS, W) uint8, and their epochs, from 1.

    Raises `ValueError` for an animation that is too large, before it decodes a frame, and whatever Pillow raises.
    """
    with Image.open(path, formats=("WEBP",)) as animation:
        count = animation.n_frames
        if count > MAX_FRAMES or max(animation.size) > MAX_SIDE or count * np.prod(animation.size) > MAX_PIXELS:
            raise ValueError("the animation is too large")
        shown = sorted({round(at) for at in np.linspace(0, count - 1, MAX_SHOWN)})
        frames = []
        for at in shown:
            animation.seek(at)
            frames.append(np.asarray(animation.convert("L").crop((0, 0, animation.width, ROWS))))
    return np.concatenate(frames), [at + 1 for at in shown]


def encode(picture: np.ndarray) -> bytes:
    """Return a grey picture in 16 tones, as a lossless WebP: smaller than a lossy one, and the paper stays clean."""
    buffer = io.BytesIO()
    tones = (picture.astype(int) + 8) // 17 * 17
    Image.fromarray(tones.astype(np.uint8)).save(buffer, format="WEBP", lossless=True, method=2)
    return buffer.getvalue()


def read_film(path: Path) -> Shown:
    sheet, epochs = load_animation(path)
    content = encode(sheet)
    return Shown(content, hashlib.sha256(content).hexdigest(), tuple(epochs))


def read_novelty(path: Path) -> Shown:
    with Image.open(path, formats=("PNG",)) as picture:
        if picture.size != NOVELTY_SIZE:
            raise ValueError(f"the picture's size is not {NOVELTY_SIZE}")
        content = encode(np.asarray(picture.convert("L")))
    return Shown(content, hashlib.sha256(content).hexdigest())


@functools.lru_cache(maxsize=32)
def _shown(path: Path, changed: float, read: Callable[[Path], Shown]) -> Shown | None:
    """changed: the file's modification time, so that a new file is read again."""
    try:
        return read(path)
    except Exception:  # Pillow raises many kinds for damaged files
        return None


def shown(folder: Path, name: str, read: Callable[[Path], Shown]) -> Shown | None:
    """Return a picture of a model's folder; None if it cannot be shown."""
    try:
        status = (folder / name).stat()
    except OSError:
        return None
    return _shown(folder / name, status.st_mtime, read) if status.st_size <= MAX_BYTES[name] else None


def film(folder: Path) -> Shown | None:
    """Return the frames of progress.webp, one below the other."""
    return shown(folder, "progress.webp", read_film)


def novelty(folder: Path) -> Shown | None:
    """Return novelty.png: generated digits above the real ones that are nearest to them."""
    return shown(folder, "novelty.png", read_novelty)


def address(picture: Shown) -> str:
    """Return the picture's address below `/dcgan/`."""
    return f"pictures/{picture.digest}"


def find(folders: list[Path], digest: str) -> bytes | None:
    """Return the content, WebP, of the picture with a sha256."""
    pictures = (read(folder) for folder in folders for read in (film, novelty))
    return next((one.content for one in pictures if one is not None and one.digest == digest), None)
