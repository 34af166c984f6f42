"""The Write tab: numbers in one handwriting."""

import functools
from functools import partial

import gradio as gr
import numpy as np
from PIL import Image

from dcgan import InputError
from dcgan.images import enlarge, grid, to_pil
from dcgan.latents.codes import latent_of
from dcgan.latents.handwriting import Written, write
from dcgan.latents.sampling import MAX_SEED, consecutive_seeds, crop, sample
from dcgan.model_folder import Model
from dcgan.networks import Generator
from demo.api import asked_model, register_endpoint
from demo.links import View, copy_link
from demo.models import Models
from demo.parts.controls import LIVE, hand_control, script, wire_fields
from demo.parts.inputs import number, one_of, show_input_errors, whole_number
from demo.parts.pictures import STYLES, download_link, ink, png_uri, styled

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
NO_DIGITS = (
    '<p class="note">This model does not know which digit is which, so it cannot write numbers. '
    "Choose the conditional model above.</p>"
)


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


@functools.lru_cache(maxsize=64)
def hand_pictures(generator: Generator, first: int, exact: bool) -> list[str]:
    """Return for each of ten seeds an <img> of its digits 0 to 9. Cached, since they stay while a visitor types."""
    seeds = [seed for seed in consecutive_seeds(first, HANDS) for _ in range(10)]
    images = crop(sample(generator, seeds, list(range(10)) * HANDS).images, generator.config.border)
    return [
        ink(
            np.asarray(grid(images[10 * row : 10 * row + 10], 10, gap=0)),
            exact,
            f"the digits 0 to 9 in the hand of seed {first + row}",
        )
        for row in range(HANDS)
    ]


def hand_rows(model: Model, first: int, chosen: str, exact) -> str:
    """Return ten hands to pick from, as HTML."""
    rows = []
    for row, picture in enumerate(hand_pictures(model.generator, first, bool(exact))):
        hand = str(first + row)
        rows.append(
            f'<button type="button" class="hand" data-pick="{hand}" aria-pressed="{str(hand == chosen).lower()}">'
            f"<span>{hand}</span>{picture}</button>"
        )
    return f'<div class="hands" role="group" aria-label="hands to choose from">{"".join(rows)}</div>'


def render(models: Models, model_name: str, exact, text, hand, variation, spacing, size, style, first) -> str:
    """Return the writing, its download and ten hands to pick from, as HTML."""
    model = models[model_name]
    if not model.config.num_classes:
        return NO_DIGITS
    first = whole_number(first, "ten hands from seed", 0, MAX_SEED - HANDS + 1)
    image = write_text(model, text, hand, variation, spacing).image
    hand = str(hand).strip()
    seen = " ".join(text.split())
    picture = ink(image, exact, f"{seen}, written by hand {hand[:12]}", f' style="--wide: {image.shape[1]}"')
    name = "".join(c if c.isdigit() else "-" for c in seen)[:40] + f"_hand-{hand[:12]}{STYLES.get(style, '')}"
    name += f"_x{size}" if size > 1 else ""
    link = download_link(png_uri(export(image, size, style)), f"{name}.png", f"this writing, {style} (PNG)")
    return (
        f'<div class="writing{" exact" if exact else ""}">{picture}</div>'
        f'<p class="downloads"><span>Pick another hand below: one seed, one handwriting.</span>{link}</p>'
        f"{hand_rows(model, first, hand, exact)}"
    )


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


def picked(event: gr.EventData) -> str:
    """Return the hand that was clicked."""
    return str(event._data.get("hand", ""))[:12]


def build(models: Models, model_name: gr.Radio, exact: gr.Checkbox, tab: gr.Tab) -> View:
    """Build the tab inside the page that is being built."""
    known, show = model_name.value, show_input_errors(partial(render, models))
    with gr.Row(elem_classes="tab-row"):
        with gr.Column(elem_classes="first"):
            text = gr.Textbox(
                DEFAULTS["text"], label="Write", info="digits, spaces, line breaks and - . / : ,", lines=2, max_lines=6
            )
            hand = hand_control("Hand", DEFAULTS["hand"])
        with gr.Column(elem_classes="view"):
            view = gr.HTML(
                show(known, False, *DEFAULTS.values()),
                elem_id="write",
                apply_default_css=False,
                js_on_load=script("write"),
            )
        with gr.Column(elem_classes="more"):
            first = gr.Number(DEFAULTS["first"], label="Ten hands from seed", precision=0, step=HANDS)
            variation = gr.Slider(
                0, 1, DEFAULTS["variation"], step=0.05, label="Variation", info="0: repeated digits are identical"
            )
            spacing = gr.Slider(0, MAX_SPACING, DEFAULTS["spacing"], step=1, label="Spacing", info="pixels")
            size = gr.Slider(
                1, MAX_SCALE, DEFAULTS["size"], step=1, label="Size of the download", info="1: exact pixels"
            )
            style = gr.Radio(list(STYLES), value=DEFAULTS["style"], label="Download as", elem_classes="chips")
            controls = {"text": text, "hand": hand, "variation": variation, "spacing": spacing, "size": size}
            controls |= {"style": style, "first": first}
            copy_link("write", {"model": model_name, "exact": exact} | controls)

    inputs = [model_name, exact, *controls.values()]
    gr.on([variation.change, spacing.change, size.change, style.input, exact.input],
          show, inputs, view, **LIVE)  # fmt: skip
    wire_fields([text, hand, first], partial(render, models), inputs, view)
    view.pick(picked, None, hand, show_progress="hidden", api_visibility="private")
    picture = gr.Image(format="png", visible=False, label="picture", image_mode=None)
    boxes = gr.JSON(visible=False, label="boxes")
    register_endpoint(
        "write", endpoint, models, [model_name, text, hand, variation, spacing, size, style], [picture, boxes]
    )
    return View("write", controls, show, view)
