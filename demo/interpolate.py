"""The Interpolate tab: the way from one digit to another, to scrub, to watch and to take along."""

from functools import partial
from html import escape

import gradio as gr
import numpy as np
from PIL import Image

from dcgan.folder import Model
from dcgan.images import grid
from dcgan.sampling import MAX_SEED, crop, interpolate
from demo.controls import digit_control, digit_for, seed_control
from demo.inputs import ANY, answer_mistakes, asked_digit, whole_number
from demo.models import Models
from demo.pictures import data_uri, download_link, encode_loop, file_for_client, for_screen, png_uri

MAX_STEPS = 60
FRAME_MILLISECONDS = 80
DEFAULTS = {"seed_a": 15, "digit_a": ANY, "seed_b": 24, "digit_b": ANY, "steps": 24, "path": "spherical"}


def way(model: Model, seed_a, digit_a, seed_b, digit_b, steps, path) -> tuple[np.ndarray, str]:
    """The frames (steps, C, 28, 28) of a visitor's wishes, and a file name that says how to make them again."""
    seeds = (
        whole_number(seed_a, "seed A", 0, MAX_SEED),
        whole_number(seed_b, "seed B", 0, MAX_SEED),
    )
    steps = whole_number(steps, "steps", 2, MAX_STEPS)
    digits = tuple(asked_digit(digit, model.config.num_classes) for digit in (digit_a, digit_b))
    frames = interpolate(model.generator, seeds, digits, steps, spherical=path == "spherical")
    ends = "_to_".join(
        f"seed-{seed}" + ("" if digit is None else f"-digit-{digit}") for seed, digit in zip(seeds, digits, strict=True)
    )
    return crop(frames, model.config.border), f"{model.file_name}_{ends}_{path}"


def strip(frames: np.ndarray, exact: bool) -> Image.Image:
    """All frames side by side, without gaps: the page shows one of them at a time."""
    pictures = [for_screen(frame, exact) for frame in frames]
    sheet = Image.new(pictures[0].mode, (len(pictures) * pictures[0].width, pictures[0].height))
    for i, picture in enumerate(pictures):
        sheet.paste(picture, (i * picture.width, 0))
    return sheet


@answer_mistakes
def show(models: Models, model_name: str, seed_a, digit_a, seed_b, digit_b, steps, path, exact) -> str:
    """Stage, slider and strip as HTML; interpolate.js moves through the frames without the server."""
    frames, name = way(models[model_name], seed_a, digit_a, seed_b, digit_b, steps, path)
    last = len(frames) - 1
    cells = "".join(
        f'<button type="button" class="frame" data-index="{i}" style="--at: {i / last:.6f}"'
        f' aria-label="step {i + 1} of {last + 1}"></button>'
        for i in range(last + 1)
    )
    links = download_link(
        data_uri(encode_loop(frames, FRAME_MILLISECONDS), "image/gif"), f"{name}.gif", "loop (GIF)"
    ) + download_link(png_uri(grid(frames, len(frames))), f"{name}.png", "strip, exact pixels (PNG)")
    return (
        f'<div class="way{" exact" if exact else ""}" data-last="{last}"'
        f" style=\"--frames: {last + 1}; --strip: url('{png_uri(strip(frames, exact))}')\">"
        '<div class="stage frame" role="img" aria-label="the digit on the way from A to B"></div>'
        '<div class="transport"><button type="button" class="play">Play</button>'
        f'<span>A</span><input type="range" class="position" min="0" max="{last}" value="0" step="1"'
        ' aria-label="position between A and B"><span>B</span></div>'
        f'<div class="strip" tabindex="-1">{cells}</div></div>'
        f'<p class="downloads"><span>{escape(f"{last + 1} steps, {path}")}</span>{links}</p>'
    )


@answer_mistakes
def interpolation(
    models: Models, model_name: str, seed_a, digit_a, seed_b, digit_b, steps, path
) -> tuple[str, Image.Image]:
    """The endpoint: the looping GIF, and the strip in exact pixels."""
    frames, name = way(models[model_name], seed_a, digit_a, seed_b, digit_b, steps, path)
    return file_for_client(encode_loop(frames, FRAME_MILLISECONDS), f"{name}.gif"), grid(frames, len(frames))


def build(page: gr.Blocks, models: Models, model_name: gr.Radio, javascript: str) -> None:
    """Lay out the tab inside the page, which is being built; `javascript` moves through the frames."""
    first, show_these = model_name.value, partial(show, models)
    with_digits = models.knows_digits(first)
    with gr.Row(elem_classes="tab-row"):
        with gr.Column(elem_classes="first"):
            seed_a, digit_a = seed_control("Seed A", DEFAULTS["seed_a"]), digit_control("Digit A", with_digits)
            seed_b, digit_b = seed_control("Seed B", DEFAULTS["seed_b"]), digit_control("Digit B", with_digits)
        with gr.Column(elem_classes="view"):
            view = gr.HTML(show_these(first, *DEFAULTS.values(), False), elem_id="way", js_on_load=javascript)
        with gr.Column(elem_classes="more"):
            steps = gr.Slider(2, MAX_STEPS, DEFAULTS["steps"], step=1, label="Steps")
            path = gr.Radio(
                ["spherical", "linear"],
                value=DEFAULTS["path"],
                label="Path",
                info="spherical stays where digits are; linear cuts the corner",
                elem_classes="chips",
            )
            exact = gr.Checkbox(False, label="Exact pixels")

    inputs = [model_name, seed_a, digit_a, seed_b, digit_b, steps, path]
    model_name.change(
        lambda name: [digit_for(models, name)] * 2,
        model_name,
        [digit_a, digit_b],
        show_progress="hidden",
        api_visibility="private",
    ).then(show_these, [*inputs, exact], view, show_progress="hidden", api_visibility="private")
    gr.on(
        [
            page.load,
            seed_a.change,
            seed_b.change,
            digit_a.input,
            digit_b.input,
            steps.change,
            path.change,
            exact.change,
        ],
        show_these,
        [*inputs, exact],
        view,
        trigger_mode="always_last",
        show_progress="hidden",
        api_visibility="private",
    )
    gif = gr.File(visible=False, label="The way there and back as a looping GIF, 224×224")
    picture = gr.Image(format="png", visible=False, label="All steps side by side, 28×28 each, white ink on black")
    gr.Button(visible=False).click(
        partial(interpolation, models),
        inputs,
        [gif, picture],
        api_name="interpolate",
        api_description="The way from the picture of one seed (and digit) to another's, both ends included.",
    )
