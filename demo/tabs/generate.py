"""The Generate tab: a sheet of generated digits with their seeds. A click shows one large."""

import csv
import io
import zipfile

import gradio as gr
from PIL import Image

from dcgan.evaluation.scores import Scores, score_images
from dcgan.images import grid, to_pil
from dcgan.ink import VIEW_BOX
from dcgan.latents.sampling import Samples, consecutive_seeds, crop, sample
from dcgan.model_folder import Model
from demo.api import asked_model, register_endpoint
from demo.links import View, copy_link
from demo.models import Models
from demo.parts.controls import browser_view, digit_control, seed_control
from demo.parts.downloads import encoder
from demo.parts.inputs import ANY, asked_digit, number, whole_number
from demo.parts.pictures import png_bytes, trace_seeds

MAX_COUNT = 100
ORDERS = ["by seed", "most convincing first", "least convincing first"]
DEFAULTS = {"seed": 0, "count": 40, "digit": ANY, "truncation": 1.0, "order": "by seed"}


def sample_sheet(model: Model, seed, count, digit, truncation) -> Samples:
    """Return the samples that were asked for. Raises `InputError`."""
    seeds = consecutive_seeds(whole_number(seed, "seed"), whole_number(count, "count", 1, MAX_COUNT))
    return sample(model.generator, seeds, asked_digit(digit), number(truncation, "truncation"))


def sheet_name(model: Model, samples: Samples, digit, truncation) -> str:
    """Return a file name that says how the pictures were made."""
    parts = [model.file_name, f"seed-{samples.seeds[0]}", f"count-{len(samples.seeds)}"]
    if str(digit) != ANY:
        parts.append(f"digit-{digit}")
    if truncation < 1:
        parts.append(f"truncation-{truncation:g}")
    return "_".join(parts)


def sheet_grid(model: Model, samples: Samples) -> Image.Image:
    return grid(crop(samples.images, model.config.border), min(10, len(samples.seeds)))


def describe(samples: Samples, scores: Scores) -> list[dict]:
    """Return the seed, digit and scores of each picture, in order of seed."""
    return [
        {
            "seed": int(samples.seeds[i]),
            "digit": None if samples.labels is None else int(samples.labels[i]),
            "read": int(scores.digits[i]),
            "confidence": round(float(scores.confidence[i]), 4),
            "realness": round(float(scores.realness[i]), 4),
        }
        for i in range(len(samples.seeds))
    ]


def archive(model: Model, seed, count, digit, truncation) -> tuple[str, bytes, str]:
    """Return a zip of the sheet's pictures and a table of them: file name, content, media type."""
    samples = sample_sheet(model, seed, count, digit, truncation)
    rows = describe(samples, score_images(model, samples.images, samples.labels))
    table, buffer = io.StringIO(), io.BytesIO()
    writer = csv.DictWriter(table, ["file", *rows[0], "truncation", "model", "commit"], lineterminator="\n")
    writer.writeheader()
    with zipfile.ZipFile(buffer, "w") as package:
        for image, row in zip(crop(samples.images, model.config.border), rows, strict=True):
            asked = "" if row["digit"] is None else f"-digit-{row['digit']}"
            file = f"seed-{row['seed']:010d}{asked}.png"
            package.writestr(file, png_bytes(to_pil(image)))
            origin = {"truncation": truncation, "model": model.name, "commit": model.commit}
            writer.writerow({"file": file} | row | origin)
        package.writestr("digits.csv", table.getvalue())
    return f"{sheet_name(model, samples, digit, truncation)}.zip", buffer.getvalue(), "application/zip"


def first_sheet(model: Model) -> str:
    """Return the digits that the page begins with as HTML: traced, so that they need no weights in the browser."""
    seeds = consecutive_seeds(DEFAULTS["seed"], DEFAULTS["count"])
    figures = []
    for seed, (digit, ink) in zip(seeds, trace_seeds(model.generator, seeds), strict=True):
        label = f"a generated {'digit' if digit is None else digit}, seed {seed}"
        figures.append(
            f'<figure><button type="button" class="pick" data-seed="{seed}">'
            f'<svg class="glyph" viewBox="{VIEW_BOX}" role="img" aria-label="{label}">'
            f'<path d="{ink.path}"></path></svg></button>'
            f"<figcaption>{seed}</figcaption></figure>"
        )
    return f'<div class="sheet">{"".join(figures)}</div>'


def endpoint(models: Models, model, seed, count, digit, truncation) -> tuple[Image.Image, list[dict]]:
    """Generate handwritten digits. Picture i has the seed `seed + i` and is the same whatever the count.

    Args:
        model: name of the model, as the endpoint `models` lists them
        seed: whole number from 0 to 4294967295, of the first picture
        count: how many pictures, 1 to 100
        digit: 0 to 9, or any: each seed decides
        truncation: above 0 and at most 1; lower values give more typical, less varied digits

    Returns:
        grid: PNG, 28×28 pixels each, 10 a row, 2 pixels of black around each, white ink on black
        digits: for each its seed and digit, what the classifier reads and how surely, and how probably it is real
    """
    model = asked_model(models, model)
    samples = sample_sheet(model, seed, count, digit, truncation)
    return sheet_grid(model, samples), describe(samples, score_images(model, samples.images, samples.labels))


def build(models: Models, model_name: gr.Radio, tab: gr.Tab) -> View:
    """Build the tab inside the page that is being built."""
    with gr.Row(elem_classes="tab-row"):
        with gr.Column(elem_classes="first"):
            seed = seed_control("Seed", DEFAULTS["seed"])
            digit = digit_control("Digit")
        with gr.Column(elem_classes="view"):
            browser_view("generate", first_sheet(models[model_name.value]), [encoder(models, archive)])
        with gr.Column(elem_classes="more"):
            count = gr.Slider(1, MAX_COUNT, DEFAULTS["count"], step=1, label="How many")
            truncation = gr.Slider(
                0.1,
                1.0,
                DEFAULTS["truncation"],
                step=0.05,
                label="Truncation ψ",
                info="lower: more typical, less varied; 1: the model as trained",
            )
            order = gr.Radio(
                ORDERS,
                value=DEFAULTS["order"],
                label="Order",
                info="convincing: the discriminator thinks it is real",
                elem_classes="chips",
            )
            copy_link()

    grid_picture = gr.Image(format="png", visible=False, label="grid")
    listed = gr.JSON(visible=False, label="digits")
    register_endpoint(
        "generate", endpoint, models, [model_name, seed, count, digit, truncation], [grid_picture, listed]
    )
    controls = {"seed": seed, "count": count, "digit": digit, "truncation": truncation, "order": order}
    return View("generate", controls, {"open": {"kind": "text", "value": ""}})  # open: the seed of the large digit
