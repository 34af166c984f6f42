"""The Your digit tab: draw a digit, and see the closest digit that the generator can draw."""

import base64
import binascii
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import gradio as gr
import numpy as np
import torch
from gradio.utils import get_upload_folder
from PIL import Image, ImageOps

from dcgan import InputError
from dcgan.data import to_model_size
from dcgan.evaluation.scores import Scores, likely_digits, score_images
from dcgan.images import to_pil
from dcgan.latents.codes import encode
from dcgan.latents.inversion import INK, Inversion, invert, normalise_drawing
from dcgan.latents.sampling import check_digit
from dcgan.model_folder import Model
from demo.api import asked_model, register_endpoint
from demo.links import View, copy_link
from demo.models import Models
from demo.parts.controls import QUIET, browser_call, browser_view, digit_control
from demo.parts.inputs import ANY, asked_digit, show_input_errors

PAD = 112  # pixels along each side of what the browser sends
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")  # Pillow would start Ghostscript for PostScript
MAX_PIXELS = 2_000_000  # of a picture that a program sends
TRIED = 2  # likeliest digits to try if the visitor names none
INVITATION = """
<p class="note invitation">Draw a digit with the mouse or a finger. The page centres and scales it like the digits of
MNIST. Then it finds the closest digit that the generator can draw, and writes the other digits in that hand.<br>With
the keyboard: arrow keys move the pen, the space bar lifts and lowers it, Delete clears.</p>
"""
CANVAS = """
<div class="pad"><canvas width="280" height="280" tabindex="0" role="img"
aria-label="a sheet to draw a digit on; arrow keys move the pen, space lifts and lowers it"></canvas>
<div class="actions"><button type="button" class="undo">Undo</button>
<button type="button" class="clear">Clear</button></div></div>
"""


def pack(image: np.ndarray) -> str:
    """Return an image (28, 28) uint8 as a text for a link."""
    return base64.urlsafe_b64encode(zlib.compress(image.tobytes(), 9)).decode().rstrip("=")


def unpack(text: str) -> np.ndarray:
    """Return the image (28, 28) uint8 of a text from `pack`. Raises `InputError` for any other text."""
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        pixels = zlib.decompressobj().decompress(packed, 28 * 28 + 1)
    except (binascii.Error, ValueError, zlib.error):
        pixels = b""
    if len(pixels) != 28 * 28:
        raise InputError("the drawing in this link is damaged: draw it again")
    return np.frombuffer(pixels, np.uint8).reshape(28, 28)


def find(model: Model, image: np.ndarray, digit, progress: Callable) -> tuple[Inversion, Scores]:
    """Return the best latent for a drawing (28, 28) uint8, and the scores of the drawing and of its likeness."""
    config = model.config
    asked = asked_digit(digit)
    check_digit(asked, config.num_classes)
    tried = () if not config.num_classes else (asked,) if asked is not None else likely_digits(image, TRIED)
    found = invert(model.generator, image, tried, progress=progress)
    both = torch.from_numpy(np.stack([image, found.image]))
    labels = None if found.digit is None else np.full(2, found.digit, np.uint8)
    scores = score_images(model, to_model_size(both, config.image_size, config.image_channels).numpy(), labels)
    return found, scores


def judged(scores: Scores) -> list[dict]:
    """Return for each picture what the classifier reads, how surely, and how probably it is real."""
    return [
        {"read": int(digit), "confidence": round(float(sure), 4), "realness": round(float(real), 4)}
        for digit, sure, real in zip(scores.digits, scores.confidence, scores.realness, strict=True)
    ]


def answer(models: Models, model_name: str, drawing, digit, progress=gr.Progress()) -> dict | None:  # noqa: B008
    """Return what `yours.js` shows of a drawing, None without one."""
    if not drawing:
        return None
    model, image = models[model_name], unpack(drawing)
    digit = digit if model.config.num_classes else ANY  # its hidden control may hold one
    found, scores = find(model, image, digit, lambda share: progress(share, desc="searching"))
    yours, likeness = judged(scores)
    return {
        "model": model_name,
        "pixels": base64.b64encode(image.tobytes()).decode(),
        "code": encode(found.latent, found.digit),
        "digit": found.digit,
        "error": found.error,
        "yours": yours,
        "likeness": likeness,
    }


def received(event: gr.EventData) -> str:
    """Return the drawing that the browser sent as a text for a link; "" for an empty sheet."""
    text = event._data.get("pixels")
    try:
        pixels = base64.b64decode(text if isinstance(text, str) and len(text) < 2 * PAD**2 else "", validate=True)
    except (binascii.Error, ValueError):
        pixels = b""
    if len(pixels) != PAD**2:
        raise InputError("the drawing did not arrive: draw it again")
    drawing = np.frombuffer(pixels, np.uint8).reshape(PAD, PAD)
    return pack(normalise_drawing(drawing)) if drawing.any() else ""


def extract_ink(path: str) -> np.ndarray:
    """Return the ink of a picture file as (H, W) uint8, white on black.

    Ink is what differs from the paper. The paper's colour is the median along the picture's edge. Raises `InputError`
    if the file is none of `FORMATS` or has more than `MAX_PIXELS`.
    """
    try:
        with Image.open(path, formats=FORMATS) as file:
            width, height = file.size
            if width * height > MAX_PIXELS:
                raise InputError(f"picture has {width}×{height} pixels: it must have at most {MAX_PIXELS:,}")
            upright = ImageOps.exif_transpose(file).convert("RGBA")
    except InputError:
        raise
    except Exception:  # Pillow raises many kinds for damaged files
        raise InputError(f"picture cannot be read: send a file of type {', '.join(FORMATS)}") from None
    paper = Image.new("RGBA", upright.size, "white")
    paper.alpha_composite(upright)
    grey = np.asarray(paper.convert("L")).astype(np.int32)
    edge = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    ink = np.abs(grey - int(np.median(edge)))
    if ink.max() >= INK:  # stretch faint ink to full contrast; anything fainter is a stain
        ink = ink * 255 // ink.max()
    return ink.astype(np.uint8)


def uploaded_file(picture: object) -> str:
    """Return the path of an uploaded picture.

    Gradio stores uploads in its own folder, but passes on any path that comes without its `meta` mark. So the path is
    checked here. Raises `InputError` for anything but a path in that folder.
    """
    path = picture.get("path") if isinstance(picture, dict) else None
    try:
        inside = isinstance(path, str) and Path(path).resolve().is_relative_to(Path(get_upload_folder()).resolve())
    except (ValueError, OSError):  # a NUL character, a lone surrogate, a name that is too long
        inside = False
    if not inside:
        raise InputError("picture is missing: upload a picture of a digit")
    return path


def endpoint(models: Models, model, picture, digit, progress=gr.Progress()) -> tuple:  # noqa: B008
    """Find the hand with which the generator draws a digit best.

    Args:
        model: name of the model, as the endpoint `models` lists them
        picture: one digit in any colours, at most 2 million pixels; it is centred and scaled like MNIST
        digit: 0 to 9, or any: the two likeliest are tried

    Returns:
        likeness: PNG of the closest digit that the generator draws, 28×28 pixels, white ink on black
        found: the hand's code and digit, the root mean square error in grey levels, and the scores of both pictures
    """
    chosen = asked_model(models, model)
    found, scores = find(chosen, normalise_drawing(extract_ink(uploaded_file(picture))), digit, progress)
    yours, likeness = judged(scores)
    return to_pil(found.image), {
        "hand": encode(found.latent, found.digit),
        "digit": found.digit,
        "error": round(found.error, 2),
        "yours": yours,
        "likeness": likeness,
    }


def build(models: Models, model_name: gr.Radio, tab: gr.Tab) -> View:
    """Build the tab inside the page that is being built."""
    with gr.Row(elem_classes="tab-row"):
        with gr.Column(elem_classes="first"):
            pad = browser_view("pad", CANVAS, events=("drawn",))
        with gr.Column(elem_classes="view"):
            view = browser_view("yours", INVITATION)
        with gr.Column(elem_classes="more"):
            digit = digit_control("It is a")
            drawing = gr.Textbox("", visible="hidden", label="Drawing")
            copy_link()
    pad.drawn(show_input_errors(received), None, drawing, **QUIET)
    found = gr.JSON(visible=False)
    search = gr.on(
        [drawing.change, digit.input, model_name.change, tab.select],
        show_input_errors(partial(answer, models)),
        [model_name, drawing, digit],
        found,
        trigger_mode="always_last",
        show_progress="full",
        show_progress_on=view,
        api_visibility="private",
    )
    search.then(None, found, None, js=browser_call("found"), api_visibility="private")
    picture = gr.Image(visible=False, label="Picture")
    likeness = gr.Image(format="png", visible=False, label="likeness")
    register_endpoint(
        "invert", endpoint, models, [model_name, picture, digit], [likeness, gr.JSON(visible=False, label="found")]
    )
    return View("yours", {"drawing": drawing, "digit": digit})
