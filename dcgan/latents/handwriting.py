"""Numbers written in one hand: digits by the generator, the signs between them drawn plainly."""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from dcgan import InputError
from dcgan.data import to_uint8
from dcgan.latents.directions import stroke_statistics
from dcgan.latents.sampling import generate, to_28x28
from dcgan.networks import Generator

SIGNS = {  # strokes of each sign: points (x, y) in pixels of a line 28 high; one point is a dot
    "-": [[(1, 14), (9, 14)]],
    ".": [[(1, 22)]],
    ",": [[(2, 22), (0, 26)]],
    ":": [[(1, 11)], [(1, 20)]],
    "/": [[(9, 4), (0, 25)]],
}
SPACE = 12  # pixels
LINE = 28
MAX_CHARACTERS, MAX_LINES = 200, 12
OVERSAMPLING = 8  # of the signs, for soft edges


@dataclass(frozen=True)
class Written:
    """image (H, W) uint8, white ink on black; boxes: for every character but spaces, in reading order,
    (character, left, top, width, height) in pixels of the image."""

    image: np.ndarray
    boxes: list[tuple[str, int, int, int, int]]


def check_text(text: str) -> list[str]:
    """The lines of a text that can be written. Raises `InputError` naming what cannot."""
    lines = text.replace("\r", "").rstrip().split("\n")
    if not any(character.isascii() and character.isdigit() for character in text):
        raise InputError("there is no digit to write: type some, 2026 for example")
    if unknown := sorted(set("".join(lines)) - set("0123456789 ") - set(SIGNS)):
        allowed = " ".join(SIGNS)
        raise InputError(f"{' '.join(unknown[:5])!r} cannot be written: only digits, spaces, line breaks and {allowed}")
    if len(text) > MAX_CHARACTERS or len(lines) > MAX_LINES:
        raise InputError(
            f"the text has {len(text)} characters in {len(lines)} lines: at most {MAX_CHARACTERS} in {MAX_LINES}"
        )
    return lines


def varied(latent: Tensor, count: int, variation: float) -> Tensor:
    """(count, latent_dim): the hand, a little different each time it writes, as hands are.

    variation in [0, 1]: 0 is always the same, 1 is another hand each time. Length in latent space is
    kept on average. The difference is a function of the place in the text.
    """
    if not 0 <= variation <= 1:
        raise InputError(f"variation is {variation}: it must be from 0 to 1")
    noise = torch.stack(
        [torch.randn(len(latent), generator=torch.Generator().manual_seed(2**31 + place)) for place in range(count)]
    )
    return (1 - variation**2) ** 0.5 * latent + variation * noise


def sign(character: str, thickness: float) -> np.ndarray:
    """(28, w) uint8, a sign as thick as the hand's strokes."""
    width = max(x for stroke in SIGNS[character] for x, _ in stroke) + thickness + 1
    picture = Image.new("L", (round(width * OVERSAMPLING), LINE * OVERSAMPLING))
    pen, radius = ImageDraw.Draw(picture), thickness * OVERSAMPLING / 2
    for stroke in SIGNS[character]:
        points = [((x + thickness / 2 + 0.5) * OVERSAMPLING, y * OVERSAMPLING) for x, y in stroke]
        if len(points) > 1:
            pen.line(points, fill=255, width=round(2 * radius))
        for x, y in points:  # round ends
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    small = picture.resize((max(1, round(width)), LINE), Image.Resampling.BOX)
    return np.asarray(small)


def trimmed(glyph: np.ndarray) -> np.ndarray:
    """A glyph (28, w) without the empty columns at its sides."""
    columns = np.flatnonzero(glyph.max(axis=0) >= 32)
    return glyph[:, columns[0] : columns[-1] + 1] if len(columns) else glyph


def write(
    generator: Generator, latent: Tensor, text: str, *, variation: float = 0.15, spacing: int = 2, margin: int = 6
) -> Written:
    """The text in the hand of a latent (latent_dim,), at MNIST's size: a line is 28 pixels high.

    spacing: pixels between two characters. Raises `InputError` for what cannot be written, and for a
    model without digits.
    """
    config = generator.config
    lines = check_text(text)
    if not config.num_classes:
        raise InputError("this model does not know digits: it cannot write numbers")
    digits = [int(character) for line in lines for character in line if character.isdigit()]
    latents = varied(latent, len(digits), variation)
    drawn = to_28x28(to_uint8(generate(generator, latents, torch.tensor(digits))).numpy(), config.border)
    thickness = float(np.clip(np.median(stroke_statistics(drawn)["thickness"]), 1.5, 5))
    glyphs = iter(drawn)
    rows = []
    for line in lines:
        row, x = [], 0
        for character in line:
            if character == " ":
                x += SPACE
                continue
            glyph = trimmed(next(glyphs) if character.isdigit() else sign(character, thickness))
            row.append((character, x, glyph))
            x += glyph.shape[1] + spacing
        rows.append(row)
    width = max((x + glyph.shape[1] for row in rows for _, x, glyph in row), default=1)
    pitch = LINE + 2
    image = np.zeros((2 * margin + pitch * len(rows) - 2, 2 * margin + width), np.uint8)
    boxes = []
    for number, row in enumerate(rows):
        for character, x, glyph in row:
            left, top = margin + x, margin + number * pitch
            place = image[top : top + glyph.shape[0], left : left + glyph.shape[1]]
            np.maximum(place, glyph, out=place)  # ink over ink
            boxes.append((character, left, top, glyph.shape[1], LINE))
    return Written(image, boxes)
