"""The arithmetic of the Explore tab: hands less hands plus hands (paper, section 6.3.2)."""

from functools import partial

import gradio as gr
import torch
from PIL import Image
from torch import Tensor

from dcgan.images import to_pil
from dcgan.latents.codes import encode, quantise
from dcgan.latents.interpolation import key_latents
from dcgan.model_folder import Model
from demo.api import asked_model, register_endpoint
from demo.links import View, copy_link
from demo.models import Models
from demo.parts.actions import actions, label_digits, pictures
from demo.parts.controls import LIVE, digit_control, wire_fields
from demo.parts.inputs import ANY, asked_digit, digit_or_any, fitting_list, keys, show_input_errors
from demo.parts.pictures import download_link, figure, hand_data, ink, png_uri

MAX_TRAY = 6


def combined(model: Model, trays: tuple[str, str, str], digit) -> tuple[list, Tensor, Tensor | None]:
    """Mean of A less mean of B plus mean of C (paper, section 6.3.2): the trays' (latents, labels), the
    result's latent, quantised, and its label weights."""
    config = model.config
    asked = asked_digit(digit, config.num_classes)
    filled = []
    for name, tray in zip("ABC", trays, strict=True):
        found = keys(tray, f"tray {name}", 1, MAX_TRAY, config)
        filled.append(key_latents(found, config))
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
    filled, latent, label = combined(model, trays, digit_or_any(model.config, digit))
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


def build(models: Models, model_name: gr.Radio, exact: gr.Checkbox, javascript: str) -> View:
    show = show_input_errors(partial(draw_arithmetic, models))
    # Bold threes less thin threes plus thin eights: bold eights. Without digits, just seeds.
    starts = {"a": "50:3 45:3 82:3", "b": "97:3 26:3 89:3", "c": "96:8 3:8 10:8"}
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
    gr.on([digit.input, exact.input], show, inputs, view, **LIVE)
    wire_fields(list(trays.values()), partial(draw_arithmetic, models), inputs, view)
    drawn = [gr.Image(format="png", visible=False, label="picture"), gr.JSON(visible=False, label="result")]
    register_endpoint("arithmetic", arithmetic_endpoint, models, [model_name, *controls.values()], drawn)
    return View(
        "arithmetic", controls, show, view, outer="explore", sends=True, digits=[digit], lists=[*trays.values()]
    )
