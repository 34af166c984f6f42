"""Pictures as data URIs: nothing is written to the host's disk for a visitor who only looks."""

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

from dcgan.images import enlarge, to_pil

SMOOTH = 4  # times that a picture is enlarged for the screen, so that it looks like ink
ANIMATION_SCALE = 8


def for_screen(image: np.ndarray, exact: bool) -> Image.Image:
    """The picture as the page shows it: smoothly enlarged, or its exact pixels (CSS enlarges them)."""
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
    """Lossy: for what is only looked at."""
    buffer = io.BytesIO()
    image.save(buffer, format="WEBP", quality=70, method=2)
    return buffer.getvalue()


def ink(image: np.ndarray, exact: bool, alt: str, attributes: str = "") -> str:
    """An <img> of a white-on-black picture that the page shows as ink on paper, or as chalk on slate."""
    return f'<img class="ink" src="{png_uri(for_screen(image, exact))}" alt="{escape(alt)}"{attributes}>'


PAPER_COLOUR, INK_COLOUR = (251, 248, 240), (33, 31, 27)
STYLES = {"white on black": "", "ink on paper": "_paper", "ink, transparent": "_transparent"}


def styled(image: Image.Image, style: str) -> Image.Image:
    """A grey white-on-black picture as it is, as ink on paper (RGB), or as ink on nothing (RGBA)."""
    if style == "white on black":
        return image
    ink, alpha = Image.new("RGB", image.size, INK_COLOUR), image.convert("L")
    if style == "ink on paper":
        return Image.composite(ink, Image.new("RGB", image.size, PAPER_COLOUR), alpha)
    ink.putalpha(alpha)
    return ink


def figure(image: np.ndarray, exact: bool, alt: str, caption: str, kind: str = "", below: str = "") -> str:
    """A picture with its caption, and HTML below it."""
    told = f"<figcaption>{escape(caption)}</figcaption>{below}"
    return f'<figure class="{kind}">{ink(image, exact, alt)}{told}</figure>'


def hand_data(code: str, digit: int | None) -> str:
    """The attributes from which `common.js` sends a hand to another tab."""
    return f'data-hand="{escape(code)}" data-digit="{"" if digit is None else digit}"'


def encode_button(text: str, request: dict) -> str:
    """A button for a file that is made only when it is asked for; see `demo.parts.downloads`."""
    return f'<button type="button" class="download" data-encode="{escape(json.dumps(request))}">{escape(text)}</button>'


def there_and_back(frames: Sequence[np.ndarray], milliseconds: int) -> tuple[list[Image.Image], list[int]]:
    """A loop without a jump: forth, a rest, back, a rest; enlarged, with durations in milliseconds."""
    large = [enlarge(to_pil(frame), ANIMATION_SCALE) for frame in frames]
    durations = [milliseconds] * (2 * len(large) - 2)
    durations[0] = durations[len(large) - 1] = 5 * milliseconds
    return large + large[-2:0:-1], durations


def data_uri(encoded: bytes, media_type: str) -> str:
    return f"data:{media_type};base64," + base64.b64encode(encoded).decode()


def file_for_client(encoded: bytes, filename: str) -> str:
    """A file of its own in Gradio's folder, for clients of the API; Gradio deletes it after a while."""
    parent = Path(get_upload_folder())
    parent.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(dir=parent)) / filename
    path.write_bytes(encoded)
    return str(path)
