"""The endpoint `write`: numbers in one handwriting."""

import gradio as gr
import numpy as np
from PIL import Image

from dcgan import InputError
from dcgan.images import enlarge, to_pil
from dcgan.latents.codes import latent_of
from dcgan.latents.handwriting import Written, write
from dcgan.model_folder import Model
from demo.api import asked_model, register_endpoint
from demo.models import Models
from demo.parts.inputs import number, one_of, whole_number
from demo.parts.pictures import STYLES, styled

MAX_SCALE, MAX_SPACING = 8, 12


def write_text(model: Model, text, hand, variation, spacing) -> Written:
    """Return the text as an image. Raises `InputError`."""
    if not isinstance(text, str):
        raise InputError("text must be a string of digits")
    spacing = whole_number(spacing, "spacing", 0, MAX_SPACING)
    latent, _ = latent_of("" if hand is None else hand, model.config)
    return write(model.generator, latent, text, variation=number(variation, "variation"), spacing=spacing)


def export(image: np.ndarray, size, style) -> Image.Image:
    """Return the image in one of the `STYLES`: exact pixels, or `size` times larger and smooth."""
    one_of(style, "style", STYLES)
    size, picture = whole_number(size, "size", 1, MAX_SCALE), to_pil(image)
    return styled(enlarge(picture, size, smooth=True) if size > 1 else picture, style)


def endpoint(models: Models, model, text, hand, variation, spacing, size, style) -> tuple[Image.Image, list[dict]]:
    """Write numbers in one handwriting. Only for a model that knows digits.

    Args:
        model: name of a model that knows digits, as the endpoint `models` lists them
        text: digits, spaces, line breaks and the signs - . / : , + = ( ) %; up to 200 characters in 12 lines
        hand: a seed, or the code of a hand
        variation: 0 to 1; 0 repeats a digit exactly, 1 writes each in another hand
        spacing: pixels between two characters, 0 to 12
        size: 1 for exact pixels (a line is 28 pixels high); 2 to 8: that many times larger and smooth
        style: white on black, ink on paper, or ink, transparent

    Returns:
        picture: PNG
        boxes: for each character but spaces, in reading order: the character, left, top, width and height in pixels
    """
    done = write_text(asked_model(models, model), text, hand, variation, spacing)
    picture = export(done.image, size, style)
    boxes = [
        {"character": character}
        | dict(zip(("left", "top", "width", "height"), (int(size) * pixels for pixels in box), strict=True))
        for character, *box in done.boxes
    ]
    return picture, boxes


def register(models: Models, model_name: gr.Radio) -> None:
    """Add the endpoint to the page that is being built."""
    inputs = [
        gr.Textbox("2026", label="Write", visible=False),
        gr.Textbox("0", label="Hand", visible=False),
        gr.Slider(0, 1, 0.15, step=0.05, label="Variation", visible=False),
        gr.Slider(0, MAX_SPACING, 3, step=1, label="Spacing", visible=False),
        gr.Slider(1, MAX_SCALE, 1, step=1, label="Size", visible=False),
        gr.Radio(list(STYLES), value="white on black", label="Style", visible=False),
    ]
    outputs = [
        gr.Image(format="png", visible=False, label="picture", image_mode=None),
        gr.JSON(visible=False, label="boxes"),
    ]
    register_endpoint("write", endpoint, models, [model_name, *inputs], outputs, keep=True)
