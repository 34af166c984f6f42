"""The Write tab: numbers in one handwriting."""

import gradio as gr
import numpy as np
from PIL import Image

from dcgan import InputError
from dcgan.images import enlarge, to_pil
from dcgan.latents.codes import latent_of
from dcgan.latents.handwriting import Written, write
from dcgan.model_folder import Model
from demo.api import asked_model, register_endpoint
from demo.links import View, copy_link
from demo.models import Models
from demo.parts.controls import browser_view, hand_control
from demo.parts.inputs import number, one_of, whole_number
from demo.parts.pictures import STYLES, styled

HANDS = 10  # to choose from at a time
MAX_SCALE, MAX_SPACING = 8, 12
DEFAULTS = {
    "text": "2026",
    "hand": "0",
    "variation": 0.15,
    "spacing": 3,
    "size": 1,
    "style": "white on black",
    "first": 0,
}
NO_DIGITS = '<p class="note without-digits">Choose the conditional model above to write numbers.</p>'


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
        text: digits, spaces, line breaks and the signs - . / : , up to 200 characters in 12 lines
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


def build(models: Models, model_name: gr.Radio, tab: gr.Tab) -> View:
    """Build the tab inside the page that is being built."""
    with gr.Row(elem_classes="tab-row"):
        with gr.Column(elem_classes="first"):
            text = gr.Textbox(
                DEFAULTS["text"], label="Write", info="digits, spaces, line breaks and - . / : ,", lines=2, max_lines=6
            )
            hand = hand_control("Hand", DEFAULTS["hand"])
        with gr.Column(elem_classes="view"):
            browser_view("write", NO_DIGITS)
        with gr.Column(elem_classes="more"):
            first = gr.Number(DEFAULTS["first"], label="Ten hands from seed", precision=0, step=HANDS)
            variation = gr.Slider(
                0, 1, DEFAULTS["variation"], step=0.05, label="Variation", info="0: repeated digits are identical"
            )
            spacing = gr.Slider(0, MAX_SPACING, DEFAULTS["spacing"], step=1, label="Spacing", info="pixels")
            copy_link()
            # Of the endpoint: the page saves what it shows.
            size = gr.Slider(1, MAX_SCALE, DEFAULTS["size"], step=1, label="Size of the download", visible=False)
            style = gr.Radio(list(STYLES), value=DEFAULTS["style"], label="Download as", visible=False)
    picture = gr.Image(format="png", visible=False, label="picture", image_mode=None)
    boxes = gr.JSON(visible=False, label="boxes")
    register_endpoint(
        "write", endpoint, models, [model_name, text, hand, variation, spacing, size, style], [picture, boxes]
    )
    return View("write", {"text": text, "hand": hand, "variation": variation, "spacing": spacing, "first": first})
