"""Write numbers in one handwriting: the generator makes the digits, the signs between them are drawn as lines."""

import math
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

SIGNS = {  # strokes of each upright sign: points (x, y) in pixels on a line 28 pixels high, joined; one point is a dot
    "-": [[(1, 14), (9, 14)]],
    ".": [[(1, 22)]],
    ",": [[(2, 22), (0, 26)]],
    ":": [[(1, 11)], [(1, 20)]],
    "/": [[(9, 4), (0, 25)]],
    "+": [[(1, 14), (11, 14)], [(6, 9), (6, 19)]],
    "=": [[(1, 11), (10, 11)], [(1, 17), (10, 17)]],
    "(": [[(5, 3), (3, 6.5), (1.5, 10), (1, 14), (1.5, 18), (3, 21.5), (5, 25)]],
    ")": [[(1, 3), (3, 6.5), (4.5, 10), (5, 14), (4.5, 18), (3, 21.5), (1, 25)]],
    "%": [
        [(3.8, 4.4), (6.4, 5.4), (7.4, 8), (6.4, 10.6), (3.8, 11.6), (1.2, 10.6), (0.2, 8), (1.2, 5.4), (3.8, 4.4)],
        [(15.7, 4), (3.3, 24)],
        [(15.2, 16.4), (17.8, 17.4), (18.8, 20), (17.8, 22.6), (15.2, 23.6), (12.6, 22.6), (11.6, 20), (12.6, 17.4)]
        + [(15.2, 16.4)],
    ],
}
THICKNESS, SLANT = (1.5, 5), (-0.3, 0.4)  # what a sign takes from a hand: pixels; pixels to the right for one up
SPACE = 12  # pixels
LINE = 28
MIDDLE = LINE / 2  # of a line: what a slant does not move
MAX_CHARACTERS, MAX_LINES = 200, 12
OVERSAMPLING = 8  # of the signs, for soft edges


@dataclass(frozen=True)
class Written:
    """image: (H, W) uint8, white on black. boxes: (character, left, top, width, height) in pixels for every character
    but spaces, in reading order."""

    image: np.ndarray
    boxes: list[tuple[str, int, int, int, int]]


def check_text(text: str) -> list[str]:
    """Return the lines of a text. Raises `InputError` if it is too long or has characters that cannot be written."""
    lines = text[: 4 * MAX_CHARACTERS].replace("\r", "").rstrip().split("\n")
    if len(text) > MAX_CHARACTERS or len(lines) > MAX_LINES:
        raise InputError(f"the text is too long: at most {MAX_CHARACTERS} characters in {MAX_LINES} lines")
    if not any(character.isascii() and character.isdigit() for character in text):
        raise InputError("the text has no digit: type some, for example 2026")
    if unknown := sorted(set("".join(lines)) - set("0123456789 ") - set(SIGNS)):
        raise InputError(
            f"{' '.join(unknown[:5])!r} cannot be written: use digits, spaces, line breaks and {' '.join(SIGNS)}"
        )
    return lines


def varied(latent: Tensor, count: int, variation: float) -> Tensor:
    """Return `count` variants (count, latent_dim) of a latent: nobody writes a digit the same way twice.

    variation: 0 (all the same) to 1 (another hand each time). The expected length is kept. Raises `InputError`.
    """
    if not 0 <= variation <= 1:
        raise InputError(f"variation is {variation}: it must be from 0 to 1")
    rngs = [torch.Generator().manual_seed(2**31 + place) for place in range(count)]  # so a text is reproducible
    noise = torch.stack([torch.randn(len(latent), generator=rng) for rng in rngs])
    return (1 - variation**2) ** 0.5 * latent + variation * noise


def pen_of(images: np.ndarray) -> tuple[float, float]:
    """Return the thickness and the slant that signs take from digits (N, 28, 28) uint8: medians, within the limits."""
    measured = stroke_statistics(images)
    thickness, slant = (float(np.median(measured[name])) for name in ("thickness", "slant"))
    return float(np.clip(thickness, *THICKNESS)), float(np.clip(slant, *SLANT))


def sign_strokes(character: str, slant: float, way: int = 0) -> list[list[tuple[float, float]]]:
    """Return the strokes of a sign as points (x, y) in pixels, y from 0 to 28 down a line. The leftmost point has x 0.

    A point of `SIGNS` moves to the right by slant * (14 - y). A pen with a round tip draws from each point of a stroke
    to the next; a stroke of one point is a dot. way: any number but 0 turns, moves and stretches each stroke a little,
    always alike for the same number.
    """
    strokes = SIGNS[character]
    if way:
        rng = np.random.default_rng([ord(character), way])
        strokes = [_unsteady(np.array(stroke), rng) for stroke in strokes]
    strokes = [[(x + slant * (MIDDLE - y), float(y)) for x, y in stroke] for stroke in strokes]
    left = min(x for stroke in strokes for x, _ in stroke)
    return [[(x - left, y) for x, y in stroke] for stroke in strokes]


def _unsteady(stroke: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a stroke's points (N, 2), turned, moved and stretched a little."""
    middle = stroke.mean(axis=0)
    return (stroke - middle) @ rng.normal(np.eye(2), 0.06) + rng.normal(middle, 0.4)


def sign(character: str, thickness: float, slant: float, way: int = 0) -> np.ndarray:
    """Return a sign as an image (28, W) uint8: the ink in the middle of the fewest columns that hold it.

    thickness: in pixels. slant, way: see `sign_strokes`.
    """
    strokes = sign_strokes(character, slant, way)
    right = max(x for stroke in strokes for x, _ in stroke)
    width = math.ceil(right + thickness)
    picture = Image.new("L", (width * OVERSAMPLING, LINE * OVERSAMPLING))
    pen, radius = ImageDraw.Draw(picture), thickness * OVERSAMPLING / 2
    for stroke in strokes:
        # Pillow counts from the middle of the first pixel.
        points = [((x + (width - right) / 2) * OVERSAMPLING - 0.5, y * OVERSAMPLING - 0.5) for x, y in stroke]
        if len(points) > 1:
            pen.line(points, fill=255, width=round(2 * radius))
        for x, y in points:  # round ends
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(picture.resize((width, LINE), Image.Resampling.BOX))


def trimmed(glyph: np.ndarray) -> np.ndarray:
    """Return a glyph (28, W) without the empty columns at its sides."""
    columns = np.flatnonzero(glyph.max(axis=0) >= 32)
    return glyph[:, columns[0] : columns[-1] + 1] if len(columns) else glyph


def write(
    generator: Generator, latent: Tensor, text: str, *, variation: float = 0.15, spacing: int = 2, margin: int = 6
) -> Written:
    """Return a text in the handwriting of a latent (latent_dim,), at MNIST's scale: a line is 28 pixels high.

    variation: see `varied`. spacing: pixels between characters. margin: pixels around the text. Raises `InputError`
    for text that cannot be written, and for an unconditional model.
    """
    config = generator.config
    lines = check_text(text)
    if not config.num_classes:
        raise InputError("this model is unconditional: it cannot write a number")
    digits = [int(character) for line in lines for character in line if character.isdigit()]
    latents = varied(latent, len(digits), variation)
    drawn = to_28x28(to_uint8(generate(generator, latents, torch.tensor(digits))).numpy(), config.border)
    thickness, slant = pen_of(drawn)
    placed, glyphs = [], iter(drawn)
    for number, line in enumerate(lines):
        left, top = margin, margin + number * (LINE + 2)
        for character in line:
            if character == " ":
                left += SPACE
                continue
            glyph = trimmed(next(glyphs)) if character.isdigit() else sign(character, thickness, slant)
            placed.append((character, left, top, glyph))
            left += glyph.shape[1] + spacing
    width = max(left + glyph.shape[1] for _, left, _, glyph in placed)
    image = np.zeros((top + LINE + margin, width + margin), np.uint8)
    for _, left, top, glyph in placed:
        place = image[top : top + LINE, left : left + glyph.shape[1]]
        np.maximum(place, glyph, out=place)  # ink over ink
    return Written(image, [(character, left, top, glyph.shape[1], LINE) for character, left, top, glyph in placed])
