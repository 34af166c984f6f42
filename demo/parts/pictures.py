"""Pictures as HTML with data URIs. Nothing is written to the host's disk for them."""

import base64
import io
import json
import tempfile
from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
from gradio.utils import get_upload_folder
from PIL import Image
from torch import Tensor

from dcgan.data import to_uint8
from dcgan.images import enlarge, to_pil
from dcgan.latents.sampling import crop, generate
from dcgan.model_folder import Model

SMOOTH = 4  # a picture is enlarged this many times for the screen
ANIMATION_SCALE = 8
SEND = (
    '<div class="actions"><button type="button" data-send="first">Interpolate: start here</button>'
    '<button type="button" data-send="last">Interpolate: end here</button>{write}{directions}</div>'
)
WRITE = '<button type="button" data-send="write">Write in this hand</button>'
DIRECTIONS = '<button type="button" data-send="directions">Adjust in Directions</button>'


def send_buttons(model: Model, directions: bool = True) -> str:
    """Return buttons that send a hand to other tabs."""
    return SEND.format(write=WRITE if model.config.num_classes else "", directions=DIRECTIONS if directions else "")


def generate_cropped(model: Model, latents: Tensor, labels: Tensor | None) -> np.ndarray:
    """Return the images (N, C, 28, 28) uint8 of latents (N, latent_dim) and labels or label weights."""
    return crop(to_uint8(generate(model.generator, latents, labels)).numpy(), model.config.border)


def label_digits(labels: Tensor | None, count: int) -> list[int | None]:
    """Return for each of `count` labels the digit that weighs most."""
    return [None] * count if labels is None else labels.argmax(dim=1).tolist()


def for_screen(image: np.ndarray, exact: bool) -> Image.Image:
    """Return the picture as the page shows it: smoothly enlarged, or its exact pixels, which CSS enlarges."""
    return to_pil(image) if exact else enlarge(to_pil(image), SMOOTH, smooth=True)


def png_bytes(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", compress_level=4)
    return buffer.getvalue()


def png_uri(image: Image.Image) -> str:
    return data_uri(png_bytes(image), "image/png")


def download_link(uri: str, filename: str, text: str) -> str:
    return f'<a class="download" download="{escape(filename)}" href="{uri}">{escape(text)}</a>'


def encode_webp(image: Image.Image) -> bytes:
    """Return a lossy WebP, for pictures that are only shown."""
    buffer = io.BytesIO()
    image.save(buffer, format="WEBP", quality=70, method=2)
    return buffer.getvalue()


def ink(image: np.ndarray, exact: bool, alt: str, attributes: str = "") -> str:
    """Return an <img> of a white-on-black picture. CSS shows it as ink on paper, or in dark mode as chalk on slate."""
    return f'<img class="ink" src="{png_uri(for_screen(image, exact))}" alt="{escape(alt)}"{attributes}>'


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


def figure(image: np.ndarray, exact: bool, alt: str, caption: str, kind: str = "", below: str = "") -> str:
    """Return a picture with its caption and HTML below it."""
    return f'<figure class="{kind}">{ink(image, exact, alt)}<figcaption>{escape(caption)}</figcaption>{below}</figure>'


def hand_data(code: str, digit: int | None) -> str:
    """Return the attributes that `common.js` reads when it sends a hand to another tab."""
    return f'data-hand="{escape(code)}" data-digit="{"" if digit is None else digit}"'


def encode_button(text: str, request: dict) -> str:
    """Return a button for a file that is made only when a visitor asks for it; see `demo.parts.downloads`."""
    return f'<button type="button" class="download" data-encode="{escape(json.dumps(request))}">{escape(text)}</button>'


def there_and_back(frames: Sequence[np.ndarray], milliseconds: int) -> tuple[list[Image.Image], list[int]]:
    """Return the enlarged frames forth and back, and their durations in milliseconds. It rests at both ends."""
    large = [enlarge(to_pil(frame), ANIMATION_SCALE) for frame in frames]
    durations = [milliseconds] * (2 * len(large) - 2)
    durations[0] = durations[len(large) - 1] = 5 * milliseconds
    return large + large[-2:0:-1], durations


def data_uri(encoded: bytes, media_type: str) -> str:
    return f"data:{media_type};base64," + base64.b64encode(encoded).decode()


def file_for_client(encoded: bytes, filename: str) -> str:
    """Write a file for a client of the API into Gradio's folder, which deletes it later. Return its path."""
    parent = Path(get_upload_folder())
    parent.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(dir=parent)) / filename
    path.write_bytes(encoded)
    return str(path)
