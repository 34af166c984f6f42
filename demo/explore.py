"""The Explore tab: a map between four hands, directions that mean something, arithmetic with hands."""

import json
from functools import partial
from html import escape

import gradio as gr
import numpy as np
import torch
from gradio.components.api_component import Api
from PIL import Image
from torch import Tensor

from dcgan import InputError
from dcgan.data import to_uint8
from dcgan.directions import Direction
from dcgan.folder import Model
from dcgan.hands import encode, latent_of, quantise
from dcgan.images import grid, to_pil
from dcgan.interpolation import Key, ends, grid_of
from dcgan.sampling import crop, generate
from demo.api import offer
from demo.controls import digit_control, hand_control
from demo.files import asked_model
from demo.inputs import ANY, answer_mistakes, asked_digit, fitting, fitting_list, keys, number, quietly
from demo.links import View, copy_link
from demo.models import FOUND_DIRECTIONS, Models
from demo.pictures import download_link, figure, hand_data, ink, png_uri

MAP_SIZE = 13  # pictures along each side
REACH = 4.0  # of a slider, in standard deviations of a latent
NAMED = ("thickness", "slant", "width")  # of the measured directions, in their order
MAX_TRAY = 6
SEND = (
    '<div class="actions"><button type="button" data-send="first">Interpolate: start here</button>'
    '<button type="button" data-send="last">Interpolate: end here</button>{write}{directions}</div>'
)
WRITE = '<button type="button" data-send="write">Write in this hand</button>'
DIRECTIONS = '<button type="button" data-send="directions">Change it by directions</button>'
WAIT = '<p class="note">The directions of this model are worked out, which takes a second or two.</p>'
OPTIONS = {"trigger_mode": "always_last", "show_progress": "hidden", "api_visibility": "private"}


def actions(model: Model, directions: bool = True) -> str:
    return SEND.format(write=WRITE if model.config.num_classes else "", directions=DIRECTIONS if directions else "")


def pictures(model: Model, latents: Tensor, labels: Tensor | None) -> np.ndarray:
    """Latents (N, latent_dim) and labels or label weights -> (N, C, 28, 28) uint8."""
    return crop(to_uint8(generate(model.generator, latents, labels)).numpy(), model.config.border)


def label_digits(labels: Tensor | None, count: int) -> list[int | None]:
    """The digit that weighs most in each label."""
    return [None] * count if labels is None else labels.argmax(dim=1).tolist()


# --- the map ---


def mapped(model: Model, corners, digit) -> tuple[list[Key], np.ndarray, list[str]]:
    """The four corners, and row by row the map's pictures (169, C, 28, 28) and the codes of their hands."""
    found = keys(corners, "corners", 4, 4, model.config)
    asked = asked_digit(digit, model.config.num_classes)
    found = [(hand, own if asked is None else asked) for hand, own in found]
    images, latents, labels = grid_of(model.generator, found, MAP_SIZE)
    digits = label_digits(labels, len(images))
    codes = [encode(latent, digit) for latent, digit in zip(latents, digits, strict=True)]
    return found, crop(images, model.config.border), codes


def draw_map(models: Models, model_name: str, exact, corners, digit) -> str:
    """The map as one picture, and the codes of all its places; `explore.js` moves over it."""
    model = models[model_name]
    found, images, codes = mapped(model, fitting_list(model.config, corners), fitting(model.config, digit))
    scale = 1 if exact else 3
    sheet = grid(images, MAP_SIZE, gap=0)
    if not exact:
        sheet = sheet.resize((sheet.width * scale, sheet.height * scale), 3)  # bicubic: near pictures are alike
    names = ", ".join(str(hand)[:12] for hand, _ in found)
    file = f"{model.file_name}_map_{'_'.join(str(hand)[:12] for hand, _ in found)}.png"
    return (
        f'<div class="map{" exact" if exact else ""}" data-size="{MAP_SIZE}" data-codes="{escape(json.dumps(codes))}"'
        f" style=\"--map: url('{png_uri(sheet)}'); --size: {MAP_SIZE}\">"
        f'<div class="field frame" tabindex="0" role="slider" aria-label="map between the corners {escape(names)}: '
        f'move with the arrow keys" aria-valuemin="1" aria-valuemax="{MAP_SIZE**2}" aria-valuenow="1">'
        '<div class="here"></div></div>'
        '<div class="under" data-hand="" data-digit=""><div class="stage frame" role="img" '
        f'aria-label="the digit under the pointer"></div>{actions(model)}</div></div>'
        f'<p class="downloads"><span>Move over the map; click to stay.</span>'
        f"{download_link(png_uri(grid(images, MAP_SIZE, gap=0)), file, 'map, exact pixels (PNG)')}</p>"
    )


def map_endpoint(models: Models, model, corners, digit) -> tuple[Image.Image, list[list[str]]]:
    """A map of 13×13 digits between four hands, one in each corner.

    Args:
        model: name of the model, as the endpoint `models` lists them
        corners: four hands, like `3 14:8 15 92`: top left, top right, bottom left, bottom right
        digit: 0 to 9 for all of the map, or any: then the corners decide, and their digits turn into each other

    Returns:
        map: PNG, 28×28 pixels each, without gaps, white ink on black
        hands: 13 rows of 13 codes, which can be used wherever a hand is asked for
    """
    _, images, codes = mapped(asked_model(models, model), corners, digit)
    rows = [codes[start : start + MAP_SIZE] for start in range(0, len(codes), MAP_SIZE)]
    return grid(images, MAP_SIZE, gap=0), rows


def build_map(models: Models, model_name: gr.Radio, exact: gr.Checkbox, javascript: str) -> View:
    show = answer_mistakes(partial(draw_map, models))
    with gr.Row(elem_classes="tab-row"):
        with gr.Column(elem_classes="first"):
            corners = gr.Textbox(
                "3 14 15 92", label="Corners", info="four seeds: top left, top right, bottom left, bottom right"
            )
            with gr.Row(elem_classes="seed-row"):
                roll = gr.Button("Roll the dice", min_width=80)
            js = "() => Array.from({length: 4}, () => Math.floor(Math.random() * 1000000)).join(' ')"
            roll.click(None, None, corners, js=js, api_visibility="private")
            digit = digit_control("Digit", models.knows_digits(model_name.value), "8")
        with gr.Column(elem_classes="view"):
            initial = (model_name.value, False, corners.value, "8" if models.knows_digits(model_name.value) else ANY)
            view = gr.HTML(show(*initial), elem_id="map", apply_default_css=False, js_on_load=javascript)
        with gr.Column(elem_classes="more"):
            controls = {"corners": corners, "digit": digit}
            copy_link("map", {"model": model_name, "exact": exact} | controls)
    inputs = [model_name, exact, *controls.values()]
    gr.on([digit.input, exact.input, corners.submit], show, inputs, view, **OPTIONS)
    corners.change(quietly(partial(draw_map, models)), inputs, view, **OPTIONS)
    any_digit = digit_control("Digit", False)  # the map's own starts with a digit, which not every model knows
    drawn = [gr.Image(format="png", visible=False, label="map"), gr.JSON(visible=False, label="hands")]
    offer("map", map_endpoint, models, [model_name, corners, any_digit], drawn)
    return View("map", controls, show, view, outer="explore", digits=[digit], lists=[corners])


# --- directions ---


def moved(model: Model, directions: list[Direction], hand, digit, amounts) -> tuple[Tensor, int | None]:
    """The latent of a hand moved along the directions, as a code holds it, and its digit."""
    latent, own = latent_of("" if hand is None else hand, model.config, asked_digit(digit, model.config.num_classes))
    for direction, amount in zip(directions, amounts, strict=True):
        latent = latent + number(amount, direction.name, -REACH, REACH) * direction.vector
    return quantise(latent), own


def draw_directions(models: Models, model_name: str, exact, hand, digit, *amounts) -> str:
    """The moved hand, large; before it where it came from, and below all its digits."""
    model = models[model_name]
    digit = fitting(model.config, digit)
    latent, own = moved(model, models.directions(model_name), hand, digit, amounts)
    start, _ = latent_of(hand or "", model.config, own)
    if model.config.num_classes:
        labels = torch.tensor([own, own, *range(10)])
        latents = torch.cat([torch.stack([start, latent]), latent.expand(10, -1)])
    else:
        labels, latents = None, torch.stack([start, latent])
    images = pictures(model, latents, labels)
    row = "".join(ink(image, exact, f"a {i} in this hand") for i, image in enumerate(images[2:]))
    code = encode(latent, own)
    file = f"{model.file_name}_{str(hand).strip()[:12]}_moved.png"
    return (
        f'<div class="moved{" exact" if exact else ""}" {hand_data(code, own)}><div class="pair">'
        f"{figure(images[0], exact, 'before', 'before')}"
        f"{figure(images[1], exact, 'the hand, moved along the directions', 'after', 'big')}</div>"
        f'<div class="ten">{row}</div>{actions(model, directions=False)}'
        f'<p class="downloads"><span>Its code, to be typed wherever a hand is asked for: '
        f"<code>{code[:16]}…</code></span>"
        f'<button type="button" class="download" data-copy="{code}">copy the code</button>'
        f"{download_link(png_uri(to_pil(images[1])), file, 'after, exact pixels (PNG)')}</p></div>"
    )


def slider_label(direction: Direction) -> str:
    if direction.correlation is None:
        return direction.name
    return f"{direction.name} (r = {direction.correlation:.2f})"


def slider_labels(models: Models, model_name: str) -> list[gr.Slider]:
    """Updates of the sliders for another model: its own correlations."""
    return [gr.Slider(label=slider_label(direction)) for direction in models.directions(model_name)]


def move_endpoint(models: Models, model, hand, digit, amounts) -> tuple[Image.Image, dict]:
    """A hand moved along directions of latent space, like thickness or slant.

    Args:
        model: name of the model, as the endpoint `models` lists them
        hand: a seed, or the code of a hand
        digit: 0 to 9, or any: then the hand writes its own
        amounts: how far along each, -4 to 4, by names of the endpoint `directions`: {"thickness": 2, "slant": -1.5}

    Returns:
        picture: PNG, 28×28 pixels, white ink on black
        moved: the code of the moved hand, and the digit it writes
    """
    chosen = asked_model(models, model)
    directions = models.directions(model)
    names = [direction.name for direction in directions]
    if not isinstance(amounts, dict) or not set(amounts) <= set(names):
        raise InputError(f"amounts must be an object of numbers; its names may be {', '.join(names)}")
    latent, own = moved(chosen, directions, hand, digit, [amounts.get(name, 0) for name in names])
    (picture,) = pictures(chosen, latent[None], None if own is None else torch.tensor([own]))
    return to_pil(picture), {"hand": encode(latent, own), "digit": own}


def list_directions(models: Models, model) -> list[dict]:
    """Directions of latent space: more thickness, slant and width, measured; then the first layer's strongest (SeFa).

    Args:
        model: name of the model, as the endpoint `models` lists them

    Returns:
        directions: of each its name, unit vector, and correlation with what its name says, on samples not fitted to
    """
    asked_model(models, model)
    return [
        {
            "name": direction.name,
            "correlation": direction.correlation and round(direction.correlation, 4),
            "vector": [round(value, 6) for value in direction.vector.tolist()],
        }
        for direction in models.directions(model)
    ]


def build_directions(models: Models, model_name: gr.Radio, exact: gr.Checkbox, javascript: str, tab: gr.Tab) -> View:
    """Nothing is measured for the page to open: the tab does it when it is, unless that is done by then."""
    show = answer_mistakes(partial(draw_directions, models))
    with gr.Row(elem_classes="tab-row"):
        with gr.Column(elem_classes="first"):
            hand = hand_control("Hand", "5")
            digit = digit_control("Digit", models.knows_digits(model_name.value))
        with gr.Column(elem_classes="view"):
            view = gr.HTML(WAIT, elem_id="moved", apply_default_css=False, js_on_load=javascript)
        with gr.Column(elem_classes="more"):
            sliders = []
            for i, name in enumerate([*NAMED, *(f"direction {i + 1}" for i in range(FOUND_DIRECTIONS))]):
                info = None
                if i == 0:
                    info = "measured on 3,000 samples; r is the correlation on 1,000 others"
                if i == len(NAMED):
                    info = "strongest in the first layer's weights (SeFa); what they do is for you to name"
                sliders.append(gr.Slider(-REACH, REACH, 0, step=0.1, label=name, info=info))
            reset = gr.Button("All back to 0", size="sm")
            names = [*NAMED, *(f"direction{i + 1}" for i in range(FOUND_DIRECTIONS))]
            controls = {"hand": hand, "digit": digit} | dict(zip(names, sliders, strict=True))
            copy_link("directions", {"model": model_name, "exact": exact} | controls)
    inputs = [model_name, exact, *controls.values()]
    triggers = [digit.input, exact.input, hand.submit, *(slider.change for slider in sliders)]
    gr.on(triggers, show, inputs, view, **OPTIONS)
    hand.change(quietly(partial(draw_directions, models)), inputs, view, **OPTIONS)
    reset.click(None, None, sliders, js=f"() => Array({len(sliders)}).fill(0)", api_visibility="private")
    gr.on([model_name.change, tab.select], partial(slider_labels, models), model_name, sliders,
          show_progress="hidden", api_visibility="private")  # fmt: skip
    offer("directions", list_directions, models, [model_name], gr.JSON(visible=False, label="directions"))
    amounts = Api({}, {"type": "object", "additionalProperties": {"type": "number"}}, "Amounts")  # gr.JSON has no type
    drawn = [gr.Image(format="png", visible=False, label="picture"), gr.JSON(visible=False, label="moved")]
    offer("move", move_endpoint, models, [model_name, hand, digit, amounts], drawn)
    return View("directions", controls, show, view, outer="explore", digits=[digit])


# --- arithmetic ---


def combined(model: Model, trays: tuple[str, str, str], digit) -> tuple[list, Tensor, Tensor | None]:
    """Mean of A less mean of B plus mean of C (paper, section 6.3.2): the trays' (latents, labels), the
    result's latent, quantised, and its label weights."""
    config = model.config
    asked = asked_digit(digit, config.num_classes)
    filled = []
    for name, tray in zip("ABC", trays, strict=True):
        found = keys(tray, f"tray {name}", 1, MAX_TRAY, config)
        filled.append(ends(found, config))
    a, b, c = (latents.mean(dim=0) for latents, _ in filled)
    labels = None
    if config.num_classes:
        a_label, b_label, c_label = (labels.mean(dim=0) for _, labels in filled)
        labels = (a_label - b_label + c_label).clamp_min(0)
        labels = labels / labels.sum().clamp_min(1e-9) if labels.sum() > 0 else a_label
        labels = labels if asked is None else torch.eye(config.num_classes)[asked]
    return filled, quantise(a - b + c), labels


def draw_arithmetic(models: Models, model_name: str, exact, tray_a, tray_b, tray_c, digit) -> str:
    """Three trays with their means, and what comes out."""
    model = models[model_name]
    trays = tuple(fitting_list(model.config, tray) for tray in (tray_a, tray_b, tray_c))
    filled, latent, label = combined(model, trays, fitting(model.config, digit))
    html = []
    for name, sign, (latents, labels) in zip("ABC", ("", "−", "+"), filled, strict=True):
        mean_label = None if labels is None else labels.mean(dim=0, keepdim=True)
        each = pictures(model, latents, labels)
        (mean,) = pictures(model, latents.mean(dim=0, keepdim=True), mean_label)
        shown = "".join(ink(image, exact, f"tray {name}") for image in each)
        html.append(
            f'<div class="sign">{sign}</div><div class="tray"><div class="members">{shown}</div>'
            f"{figure(mean, exact, f'mean of tray {name}', f'mean of {name}')}</div>"
        )
    labels = None if label is None else label[None]
    (result,) = pictures(model, latent[None], labels)
    (own,) = label_digits(labels, 1)
    big = figure(result, exact, "A less B plus C", "A − B + C", "big")
    link = download_link(png_uri(to_pil(result)), f"{model.file_name}_a-b+c.png", "A − B + C, exact pixels (PNG)")
    return (
        f'<div class="arithmetic{" exact" if exact else ""}" {hand_data(encode(latent, own), own)}>'
        f'<div class="sum">{"".join(html)}<div class="sign">=</div>{big}</div>'
        f'{actions(model)}<p class="downloads">{link}</p></div>'
    )


def arithmetic_endpoint(models: Models, model, a, b, c, digit) -> tuple[Image.Image, dict]:
    """Arithmetic with hands: the mean of A less the mean of B plus the mean of C.

    Args:
        model: name of the model, as the endpoint `models` lists them
        a: 1 to 6 hands, like `26:3 62:3 83:3`: seeds or codes, each with the digit asked of it or none
        b: 1 to 6 hands, which are taken away
        c: 1 to 6 hands, which are added
        digit: 0 to 9, or any: then the digits of A, B and C are reckoned like the hands, and may come out mixed

    Returns:
        picture: PNG, 28×28 pixels, white ink on black
        result: the code of the hand that comes out, and the digit that weighs most in the picture
    """
    chosen = asked_model(models, model)
    _, latent, label = combined(chosen, (a, b, c), digit)
    labels = None if label is None else label[None]
    (picture,) = pictures(chosen, latent[None], labels)
    (own,) = label_digits(labels, 1)
    return to_pil(picture), {"hand": encode(latent, own), "digit": own}


def build_arithmetic(models: Models, model_name: gr.Radio, exact: gr.Checkbox, javascript: str) -> View:
    show = answer_mistakes(partial(draw_arithmetic, models))
    # Bold threes less thin threes plus thin eights: bold eights. Without digits, just seeds.
    starts = {"a": "26:3 62:3 83:3", "b": "59:3 78:3 73:3", "c": "68:8 52:8 57:8"}
    starts = {name: fitting_list(models[model_name.value].config, text) for name, text in starts.items()}
    with gr.Row(elem_classes="tab-row"):
        with gr.Column(elem_classes="first"):
            trays = {
                name: gr.Textbox(value, label=f"Tray {name.upper()}", info="1 to 6 seeds" if name == "a" else None)
                for name, value in starts.items()
            }
        with gr.Column(elem_classes="view"):
            initial = (model_name.value, False, *starts.values(), ANY)
            view = gr.HTML(show(*initial), elem_id="arithmetic", apply_default_css=False, js_on_load=javascript)
        with gr.Column(elem_classes="more"):
            digit = digit_control("Digit of the result", models.knows_digits(model_name.value))
            controls = trays | {"digit": digit}
            copy_link("arithmetic", {"model": model_name, "exact": exact} | controls)
    inputs = [model_name, exact, *controls.values()]
    gr.on([digit.input, exact.input, *(tray.submit for tray in trays.values())], show, inputs, view, **OPTIONS)
    gr.on([tray.change for tray in trays.values()], quietly(partial(draw_arithmetic, models)), inputs, view, **OPTIONS)
    drawn = [gr.Image(format="png", visible=False, label="picture"), gr.JSON(visible=False, label="result")]
    offer("arithmetic", arithmetic_endpoint, models, [model_name, *controls.values()], drawn)
    return View("arithmetic", controls, show, view, outer="explore", digits=[digit], lists=[*trays.values()])
