"""Pictures and files that several tabs make."""

import base64
import io

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from dcgan.data import to_uint8
from dcgan.ink import Ink, grey_picture, trace
from dcgan.latents.sampling import crop, generate, latent_from_seed
from dcgan.model_folder import Model
from dcgan.networks import Generator

FIRST_SEED = 1512  # of the wall, and the hand, that the page begins with: none of its bundled digits is broken


def generate_cropped(model: Model, latents: Tensor, labels: Tensor | None) -> np.ndarray:
    """Return the images (N, C, 28, 28) uint8 of latents (N, latent_dim) and labels or label weights."""
    return crop(to_uint8(generate(model.generator, latents, labels)).numpy(), model.config.border)


def trace_seeds(generator: Generator, seeds: range) -> list[tuple[int | None, Ink]]:
    """Return for each seed its digit, None without classes, and its picture as ink."""
    config = generator.config
    latents, digits = zip(
        *(latent_from_seed(seed, config.latent_dim, config.num_classes) for seed in seeds), strict=True
    )
    pictures = generate(generator, torch.stack(latents), torch.tensor(digits) if config.num_classes else None).numpy()
    return [(digit, trace(grey_picture(picture))) for digit, picture in zip(digits, pictures, strict=True)]


CROPPED = 28  # pixels of a digit's side, as MNIST has it
STEPS = np.linspace(0, 1, 6)[:-1, None]  # points on each curve of an outline


def outline(loop: np.ndarray) -> np.ndarray:
    """Return points (N, 2) on the closed quadratic B-spline of control points (K, 2)."""
    start, end = (loop + np.roll(loop, 1, axis=0)) / 2, (loop + np.roll(loop, -1, axis=0)) / 2
    curves = (1 - STEPS) ** 2 * start[:, None] + 2 * STEPS * (1 - STEPS) * loop[:, None] + STEPS**2 * end[:, None]
    return curves.reshape(-1, 2)


def fill_ink(pen: ImageDraw.ImageDraw, ink: Ink, corner, scale: float, colour, paper) -> None:
    """Draw ink in a colour, its holes in the colour of the paper.

    corner: where the picture's left upper corner lies (x, y), in pixels. scale: pixels to one unit of the ink.
    """
    for loop in ink.loops:  # a hole comes after what it is in, and turns the other way
        x, y = loop.T
        turns = np.sum(np.roll(x, -1) * y - x * np.roll(y, -1)) > 0
        points = [tuple(point) for point in outline(loop) * scale + corner]
        pen.polygon(points, fill=colour if turns else paper)


def label_digits(labels: Tensor | None, count: int) -> list[int | None]:
    """Return for each of `count` labels the digit that weighs most."""
    return [None] * count if labels is None else labels.argmax(dim=1).tolist()


def png_bytes(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", compress_level=4)
    return buffer.getvalue()


PAPER_COLOUR, INK_COLOUR = (251, 248, 240), (33, 31, 27)
STYLES = {"white on black": "", "ink on paper": "_paper", "ink, transparent": "_transparent"}


def styled(image: Image.Image, style: str) -> Image.Image:
    """Return a grey white-on-black picture in one of the `STYLES`: as it is, RGB, or RGBA with a transparent paper."""
    if style == "white on black":
        return image
    ink, alpha = Image.new("RGB", image.size, INK_COLOUR), image.convert("L")
    if style == "ink on paper":
        return Image.composite(ink, Image.new("RGB", image.size, PAPER_COLOUR), alpha)
    ink.putalpha(alpha)
    return ink


def data_uri(encoded: bytes, media_type: str) -> str:
    return f"data:{media_type};base64," + base64.b64encode(encoded).decode()
