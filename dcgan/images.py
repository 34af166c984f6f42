"""Images to files: grids, PNG, animations. All lossless."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from dcgan.files import write_file


def to_pil(image: np.ndarray) -> Image.Image:
    """Return an image (H, W), (1, H, W) or (3, H, W) uint8 as a PIL image, grey or RGB."""
    if image.ndim == 3:
        image = image[0] if image.shape[0] == 1 else np.ascontiguousarray(image.transpose(1, 2, 0))
    return Image.fromarray(image)


def grid(images: np.ndarray, columns: int, gap: int = 2) -> Image.Image:
    """Return images (N, C, H, W) or (N, H, W) uint8 as one image, row by row, with a black gap in pixels."""
    if images.ndim == 3:
        images = images[:, None]
    count, channels, height, width = images.shape
    rows = -(-count // columns)
    sheet = np.zeros((channels, rows * (height + gap) + gap, columns * (width + gap) + gap), np.uint8)
    for i, image in enumerate(images):
        top, left = gap + (i // columns) * (height + gap), gap + (i % columns) * (width + gap)
        sheet[:, top : top + height, left : left + width] = image
    return to_pil(sheet)


def enlarge(image: Image.Image, factor: int, *, smooth: bool = False) -> Image.Image:
    """Return an image `factor` times larger, by nearest neighbour, or smooth by Lanczos."""
    size = (image.width * factor, image.height * factor)
    return image.resize(size, Image.Resampling.LANCZOS if smooth else Image.Resampling.NEAREST)


def save_png(image: Image.Image, path: str | Path) -> None:
    """Write an image as PNG, atomically."""
    write_file(path, lambda temporary: image.save(temporary, format="PNG", optimize=True))


ANIMATIONS = {".gif": ("GIF", {"optimize": False}), ".webp": ("WEBP", {"lossless": True})}


def encode_animation(frames: Sequence[Image.Image], suffix: str, milliseconds: int | Sequence[int]) -> bytes:
    """Return an endless loop as .gif or .webp. Both are exact: a grey frame has no more than GIF's 256 colours.

    milliseconds: the duration of all frames, or of each. Raises `ValueError` for another suffix.
    """
    if suffix not in ANIMATIONS:
        raise ValueError(f"{suffix!r} is not an animation format: use {' or '.join(ANIMATIONS)}")
    name, options = ANIMATIONS[suffix]
    buffer = io.BytesIO()
    frames[0].save(
        buffer, format=name, save_all=True, append_images=frames[1:], duration=milliseconds, loop=0, **options
    )
    return buffer.getvalue()


def save_animation(frames: Sequence[Image.Image], path: str | Path, milliseconds: int | Sequence[int]) -> None:
    """Write an animation, atomically. The path's suffix is the format: see `encode_animation`."""
    encoded = encode_animation(frames, Path(path).suffix.lower(), milliseconds)
    write_file(path, lambda temporary: temporary.write_bytes(encoded))
