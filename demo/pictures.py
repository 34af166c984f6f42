"""Pictures as data URIs: nothing is written to the host's disk for a visitor who only looks."""

import base64
import io
import tempfile
from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
from gradio.utils import get_upload_folder
from PIL import Image

from dcgan.images import encode_animation, enlarge, to_pil

SMOOTH = 4  # times that a picture is enlarged for the screen, so that it looks like ink
ANIMATION_SCALE = 8


def for_screen(image: np.ndarray, exact: bool) -> Image.Image:
    """The picture as the page shows it: smoothly enlarged, or its exact pixels (CSS enlarges them)."""
    return to_pil(image) if exact else enlarge(to_pil(image), SMOOTH, smooth=True)


def png_uri(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", compress_level=4)
    return data_uri(buffer.getvalue(), "image/png")


def download_link(uri: str, filename: str, text: str) -> str:
    return f'<a class="download" download="{escape(filename)}" href="{uri}">{escape(text)}</a>'


def there_and_back(frames: Sequence[np.ndarray], milliseconds: int) -> tuple[list[Image.Image], list[int]]:
    """A loop without a jump: forth, a rest, back, a rest; enlarged, with durations in milliseconds."""
    large = [enlarge(to_pil(frame), ANIMATION_SCALE) for frame in frames]
    durations = [milliseconds] * (2 * len(large) - 2)
    durations[0] = durations[len(large) - 1] = 5 * milliseconds
    return large + large[-2:0:-1], durations


def encode_loop(frames: Sequence[np.ndarray], milliseconds: int) -> bytes:
    """`there_and_back` as a GIF."""
    images, durations = there_and_back(frames, milliseconds)
    return encode_animation(images, ".gif", durations)


def data_uri(encoded: bytes, media_type: str) -> str:
    return f"data:{media_type};base64," + base64.b64encode(encoded).decode()


def file_for_client(encoded: bytes, filename: str) -> str:
    """A file of its own in Gradio's folder, for clients of the API; Gradio deletes it after a while."""
    parent = Path(get_upload_folder())
    parent.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(dir=parent)) / filename
    path.write_bytes(encoded)
    return str(path)
