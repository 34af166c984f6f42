"""The endpoint `invert`: the hand with which the generator draws a picture best."""

from collections.abc import Callable
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
from demo.api import asked_model, digit_choice, register_endpoint
from demo.models import Models
from demo.parts.inputs import asked_digit
from demo.parts.work import check

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")  # Pillow would start Ghostscript for PostScript
MAX_PIXELS = 2_000_000  # of a picture that a program sends
TRIED = 2  # likeliest digits to try if the visitor names none


def find(model: Model, image: np.ndarray, digit, progress: Callable) -> tuple[Inversion, Scores]:
    """Return the best latent for a drawing (28, 28) uint8, and the scores of the drawing and of its likeness."""
    config = model.config
    asked = asked_digit(digit)
    check_digit(asked, config.num_classes)
    tried = () if not config.num_classes else (asked,) if asked is not None else likely_digits(image, TRIED)

    def step(share: float) -> None:
        check()
        progress(share)

    found = invert(model.generator, image, tried, progress=step)
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


def register(models: Models, model_name: gr.Radio) -> None:
    """Add the endpoint to the page that is being built."""
    picture = gr.Image(visible=False, label="Picture")
    outputs = [gr.Image(format="png", visible=False, label="likeness"), gr.JSON(visible=False, label="found")]
    register_endpoint("invert", endpoint, models, [model_name, picture, digit_choice()], outputs, heavy=True)
