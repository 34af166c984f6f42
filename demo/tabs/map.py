"""Explore, Map: the digits between four hands. The pointer shows one large."""

import json
from functools import partial
from html import escape

import gradio as gr
import numpy as np
from PIL import Image

from dcgan.images import grid
from dcgan.latents.codes import encode
from dcgan.latents.interpolation import Key, latent_map
from dcgan.latents.sampling import crop
from dcgan.model_folder import Model
from demo.api import asked_model, register_endpoint
from demo.links import View, copy_link
from demo.models import Models
from demo.parts.controls import LIVE, browser_call, dice_button, digit_control, script, wire_fields
from demo.parts.inputs import ANY, asked_digit, digit_or_any, keys_for, parse_keys, show_input_errors
from demo.parts.pictures import download_link, label_digits, png_uri, send_buttons

MAP_SIZE = 13  # pictures along each side


def hand_map(model: Model, corners, digit) -> tuple[list[Key], np.ndarray, list[str]]:
    """Return the four corners, the pictures (169, C, 28, 28) uint8 row by row, and the codes of their hands."""
    asked = asked_digit(digit)
    keys = [(hand, own if asked is None else asked) for hand, own in parse_keys(corners, "corners")]
    images, latents, labels = latent_map(model.generator, keys, MAP_SIZE)
    digits = label_digits(labels, len(images))
    codes = [encode(latent, digit) for latent, digit in zip(latents, digits, strict=True)]
    return keys, crop(images, model.config.border), codes


def render(models: Models, model_name: str, exact, corners, digit) -> str:
    """Return the map as one picture, with the codes of all its places, as HTML for `map.js`."""
    model = models[model_name]
    keys, images, codes = hand_map(model, keys_for(model.config, corners), digit_or_any(model.config, digit))
    sheet = shown = grid(images, MAP_SIZE, gap=0)
    if not exact:  # bicubic: near pictures are alike
        shown = sheet.resize((sheet.width * 3, sheet.height * 3), Image.Resampling.BICUBIC)
    names = ", ".join(str(hand)[:12] for hand, _ in keys)
    file = f"{model.file_name}_map_{'_'.join(str(hand)[:12] for hand, _ in keys)}.png"
    return (
        f'<div class="map{" exact" if exact else ""}" data-size="{MAP_SIZE}" data-codes="{escape(json.dumps(codes))}"'
        f" style=\"--map: url('{png_uri(shown)}'); --size: {MAP_SIZE}\">"
        f'<div class="field frame" tabindex="0" role="slider" aria-label="map between the corners {escape(names)}: '
        f'move with the arrow keys" aria-valuemin="1" aria-valuemax="{MAP_SIZE**2}" aria-valuenow="1">'
        '<div class="here"></div></div>'
        '<div class="under" data-hand="" data-digit=""><div class="stage frame" role="img" '
        f'aria-label="the digit under the pointer"></div>{send_buttons(model)}</div></div>'
        f'<p class="downloads"><span>Move over the map. A click keeps the place.</span>'
        f"{download_link(png_uri(sheet), file, 'map, exact pixels (PNG)')}</p>"
    )


def endpoint(models: Models, model, corners, digit) -> tuple[Image.Image, list[list[str]]]:
    """Generate a map of 13×13 digits between four hands, one in each corner.

    Args:
        model: name of the model, as the endpoint `models` lists them
        corners: four hands, like `3 14:8 15 92`: top left, top right, bottom left, bottom right
        digit: 0 to 9 for the whole map, or any: the corners' digits, which turn into each other

    Returns:
        map: PNG, 28×28 pixels each, without gaps, white ink on black
        hands: 13 rows of 13 codes; a code can be used as a hand in any endpoint
    """
    _, images, codes = hand_map(asked_model(models, model), corners, digit)
    rows = [codes[start : start + MAP_SIZE] for start in range(0, len(codes), MAP_SIZE)]
    return grid(images, MAP_SIZE, gap=0), rows


def build(models: Models, model_name: gr.Radio, exact: gr.Checkbox, tab: gr.Tab) -> View:
    """Build the tab inside the page that is being built."""
    show = show_input_errors(partial(render, models))
    with gr.Row(elem_classes="tab-row"):
        with gr.Column(elem_classes="first"):
            corners = gr.Textbox(
                "3 14 15 92", label="Corners", info="four seeds: top left, top right, bottom left, bottom right"
            )
            with gr.Row(elem_classes="seed-row"):
                dice_button(corners, browser_call("rollHands", 4))
            digit = digit_control("Digit", models.knows_digits(model_name.value), "8")
        with gr.Column(elem_classes="view"):
            initial = (model_name.value, False, corners.value, "8" if models.knows_digits(model_name.value) else ANY)
            view = gr.HTML(show(*initial), elem_id="map", apply_default_css=False, js_on_load=script("map"))
        with gr.Column(elem_classes="more"):
            controls = {"corners": corners, "digit": digit}
            copy_link("map", {"model": model_name, "exact": exact} | controls)
    inputs = [model_name, exact, *controls.values()]
    gr.on([digit.input, exact.input], show, inputs, view, **LIVE)
    wire_fields([corners], partial(render, models), inputs, view)
    any_digit = digit_control("Digit", False)  # of the endpoint: its default must work for every model
    drawn = [gr.Image(format="png", visible=False, label="map"), gr.JSON(visible=False, label="hands")]
    register_endpoint("map", endpoint, models, [model_name, corners, any_digit], drawn)
    return View("map", controls, show, view, outer="explore", sends=True, digits=[digit], lists=[corners])
