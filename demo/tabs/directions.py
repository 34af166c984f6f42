"""Explore, Directions: move a hand along directions of latent space, measured ones (thickness) and unnamed ones."""

from functools import partial

import gradio as gr
import torch
from gradio.components.api_component import Api
from PIL import Image
from torch import Tensor

from dcgan import InputError
from dcgan.images import to_pil
from dcgan.latents.codes import encode, latent_of, quantise
from dcgan.latents.directions import Direction
from dcgan.model_folder import Model
from demo.api import asked_model, register_endpoint
from demo.links import View, copy_link
from demo.models import FOUND_DIRECTIONS, Models
from demo.parts.controls import LIVE, browser_call, digit_control, hand_control, script, wire_fields
from demo.parts.inputs import asked_digit, digit_or_any, number, show_input_errors
from demo.parts.pictures import download_link, figure, generate_cropped, hand_data, ink, png_uri, send_buttons

REACH = 4.0  # of a slider, in standard deviations of a latent
NAMED = ("thickness", "slant", "width")  # of the measured directions, in their order
WAIT = '<p class="note">Computing the directions of this model. This takes a second or two.</p>'


def move_hand(model: Model, directions: list[Direction], hand, digit, amounts) -> tuple[Tensor, int | None]:
    """Return the latent (latent_dim,) of a hand moved along the directions, quantised as in a code, and its digit."""
    latent, own = latent_of("" if hand is None else hand, model.config, asked_digit(digit))
    for direction, amount in zip(directions, amounts, strict=True):
        latent = latent + number(amount, direction.name, -REACH, REACH) * direction.vector
    return quantise(latent), own


def render(models: Models, model_name: str, exact, hand, digit, *amounts) -> str:
    """Return the hand before and after the move, and all its digits, as HTML."""
    model = models[model_name]
    digit = digit_or_any(model.config, digit)
    latent, own = move_hand(model, models.directions(model), hand, digit, amounts)
    start, _ = latent_of(hand or "", model.config, own)
    if model.config.num_classes:
        labels = torch.tensor([own, own, *range(10)])
        latents = torch.cat([torch.stack([start, latent]), latent.expand(10, -1)])
    else:
        labels, latents = None, torch.stack([start, latent])
    images = generate_cropped(model, latents, labels)
    row = "".join(ink(image, exact, f"a {i} in this hand") for i, image in enumerate(images[2:]))
    code = encode(latent, own)
    file = f"{model.file_name}_{str(hand).strip()[:12]}_moved.png"
    return (
        f'<div class="moved{" exact" if exact else ""}" {hand_data(code, own)}><div class="pair">'
        f"{figure(images[0], exact, 'before', 'before')}"
        f"{figure(images[1], exact, 'the hand, moved along the directions', 'after', 'big')}</div>"
        f'<div class="ten">{row}</div>{send_buttons(model, directions=False)}'
        f'<p class="downloads"><span>Code of this hand, for any hand field: '
        f"<code>{code[:16]}…</code></span>"
        f'<button type="button" class="download" data-copy="{code}">copy the code</button>'
        f"{download_link(png_uri(to_pil(images[1])), file, 'after, exact pixels (PNG)')}</p></div>"
    )


def slider_label(direction: Direction) -> str:
    if direction.correlation is None:
        return direction.name
    return f"{direction.name} (r = {direction.correlation:.2f})"


def slider_labels(models: Models, model_name: str) -> list[gr.Slider]:
    """Return updates of the sliders: the labels with the model's correlations."""
    return [gr.Slider(label=slider_label(direction)) for direction in models.directions(models[model_name])]


def move_endpoint(models: Models, model, hand, digit, amounts) -> tuple[Image.Image, dict]:
    """Move a hand along directions of latent space, for example thickness or slant.

    Args:
        model: name of the model, as the endpoint `models` lists them
        hand: a seed, or the code of a hand
        digit: 0 to 9, or any: the hand's own digit
        amounts: how far along each, -4 to 4, by the names that `directions` lists: {"thickness": 2, "slant": -1.5}

    Returns:
        picture: PNG, 28×28 pixels, white ink on black
        moved: the code of the moved hand, and its digit
    """
    chosen = asked_model(models, model)
    directions = models.directions(chosen)
    names = [direction.name for direction in directions]
    if not isinstance(amounts, dict) or not set(amounts) <= set(names):
        raise InputError(f"amounts must be an object of numbers with the names {', '.join(names)}")
    latent, own = move_hand(chosen, directions, hand, digit, [amounts.get(name, 0) for name in names])
    (picture,) = generate_cropped(chosen, latent[None], None if own is None else torch.tensor([own]))
    return to_pil(picture), {"hand": encode(latent, own), "digit": own}


def list_directions(models: Models, model) -> list[dict]:
    """List directions of latent space: thickness, slant and width, then the strongest of the first layer (SeFa).

    Args:
        model: name of the model, as the endpoint `models` lists them

    Returns:
        directions: for each its name, its unit vector, and its correlation with the named property on held-out samples
    """
    chosen = asked_model(models, model)
    return [
        {
            "name": direction.name,
            "correlation": direction.correlation and round(direction.correlation, 4),
            "vector": [round(value, 6) for value in direction.vector.tolist()],
        }
        for direction in models.directions(chosen)
    ]


def build(models: Models, model_name: gr.Radio, exact: gr.Checkbox, tab: gr.Tab) -> View:
    """Build the tab inside the page that is being built. The directions are computed when the tab is opened."""
    show = show_input_errors(partial(render, models))
    with gr.Row(elem_classes="tab-row"):
        with gr.Column(elem_classes="first"):
            hand = hand_control("Hand", "5")
            digit = digit_control("Digit", models.knows_digits(model_name.value))
        with gr.Column(elem_classes="view"):
            view = gr.HTML(WAIT, elem_id="moved", apply_default_css=False, js_on_load=script())
        with gr.Column(elem_classes="more"):
            sliders = []
            for i, name in enumerate([*NAMED, *(f"direction {i + 1}" for i in range(FOUND_DIRECTIONS))]):
                info = None
                if i == 0:
                    info = "fitted on 3,000 samples; r: correlation on 1,000 others"
                if i == len(NAMED):
                    info = "the strongest in the first layer (SeFa), without names"
                sliders.append(gr.Slider(-REACH, REACH, 0, step=0.1, label=name, info=info))
            reset = gr.Button("All back to 0", size="sm")
            names = [*NAMED, *(f"direction{i + 1}" for i in range(FOUND_DIRECTIONS))]
            controls = {"hand": hand, "digit": digit} | dict(zip(names, sliders, strict=True))
            copy_link("directions", {"model": model_name, "exact": exact} | controls)
    inputs = [model_name, exact, *controls.values()]
    triggers = [digit.input, exact.input, *(slider.change for slider in sliders)]
    gr.on(triggers, show, inputs, view, **LIVE)
    wire_fields([hand], partial(render, models), inputs, view)
    reset.click(None, None, sliders, js=browser_call("zeros", len(sliders)), api_visibility="private")
    gr.on([model_name.change, tab.select], partial(slider_labels, models), model_name, sliders,
          show_progress="hidden", api_visibility="private")  # fmt: skip
    register_endpoint("directions", list_directions, models, [model_name], gr.JSON(visible=False, label="directions"))
    amounts = Api({}, {"type": "object", "additionalProperties": {"type": "number"}}, "Amounts")  # gr.JSON has no type
    drawn = [gr.Image(format="png", visible=False, label="picture"), gr.JSON(visible=False, label="moved")]
    register_endpoint("move", move_endpoint, models, [model_name, hand, digit, amounts], drawn)
    return View("directions", controls, show, view, outer="explore", sends=True, digits=[digit])
