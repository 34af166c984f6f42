"""The Generate tab: a sheet of generated digits with their seeds. A click shows one large."""

import csv
import io
import zipfile
from functools import partial
from html import escape

import gradio as gr
from PIL import Image

from dcgan.evaluation.scores import Scores, score_images
from dcgan.images import enlarge, grid, to_pil
from dcgan.latents.sampling import Samples, consecutive_seeds, crop, sample
from dcgan.model_folder import Model
from demo.api import asked_model, register_endpoint
from demo.links import View, copy_link
from demo.models import Models
from demo.parts.controls import LIVE, digit_control, script, seed_control, wire_fields
from demo.parts.downloads import encoder
from demo.parts.inputs import (
    ANY,
    asked_digit,
    digit_or_any,
    number,
    show_input_errors,
    whole_number,
)
from demo.parts.pictures import download_link, encode_button, ink, png_bytes, png_uri, styled

MAX_COUNT = 100
GRID_SCALE = 8
ORDERS = {"by seed": 0, "most convincing first": -1, "least convincing first": 1}  # sign of the sort
DEFAULTS = {"seed": 0, "count": 40, "digit": ANY, "truncation": 1.0, "order": "by seed"}
DIALOG = """
<dialog class="inspector" aria-label="one digit"><form method="dialog">
<button class="close" aria-label="close">×</button></form>
<div class="large" data-hand="" data-digit=""><div class="picture"></div>
<p class="about"></p><div class="actions">
<button type="button" data-step="-1" aria-label="previous digit">←</button>
<button type="button" data-step="1" aria-label="next digit">→</button>
<a class="download one">this digit, exact pixels (PNG)</a>
<button type="button" data-send="first">Interpolate: start here</button>
<button type="button" data-send="last">Interpolate: end here</button>
<button type="button" data-send="write" data-digits>Write in this hand</button>
<button type="button" data-send="directions">Adjust in Directions</button>
</div></div></dialog>
"""


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


def render(models: Models, model_name: str, exact, seed, count, digit, truncation, order) -> str:
    """Return the sheet as HTML: the pictures with their seeds, the downloads, and the dialog for one digit."""
    model = models[model_name]
    digit = digit_or_any(model.config, digit)
    samples = sample_sheet(model, seed, count, digit, truncation)
    rows = describe(samples, score_images(model, samples.images, samples.labels))
    images = crop(samples.images, model.config.border)
    figures = []
    for i in sorted(range(len(rows)), key=lambda i: ORDERS[order] * rows[i]["realness"]):
        row = rows[i]
        what = "digit" if row["digit"] is None else str(row["digit"])
        facts = {
            "hand": row["seed"],
            "digit": "" if row["digit"] is None else row["digit"],
            "read": f"{row['read']} ({row['confidence']:.1%} sure)",
            "real": f"{row['realness']:.1%}",
            "png": png_uri(to_pil(images[i])),
        }
        data = " ".join(f'data-{name}="{value}"' for name, value in facts.items())
        picture = ink(images[i], exact, f"a generated {what}, seed {row['seed']}")
        figures.append(
            f'<figure><button type="button" class="pick" {data}>{picture}</button>'
            f"<figcaption>{row['seed']}</figcaption></figure>"
        )
    name, picture = sheet_name(model, samples, digit, truncation), sheet_grid(model, samples)
    request = {"model": model_name, "seed": seed, "count": count, "digit": digit, "truncation": truncation}
    links = [
        download_link(png_uri(picture), f"{name}.png", "grid, exact pixels (PNG)"),
        download_link(
            png_uri(enlarge(picture, GRID_SCALE)), f"{name}_x{GRID_SCALE}.png", f"grid, {GRID_SCALE}× larger"
        ),
        download_link(png_uri(styled(picture, "ink on paper")), f"{name}_paper.png", "grid on paper"),
        encode_button("all as a zip", request),
    ]
    return (
        f'<div class="sheet{" exact" if exact else ""}" data-model="{escape(model.file_name)}">{"".join(figures)}</div>'
        '<p class="downloads"><span>The number below a digit is its seed. Click a digit to see it large.</span>'
        f"{''.join(links)}</p>{DIALOG}"
    )


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


def build(models: Models, model_name: gr.Radio, exact: gr.Checkbox, tab: gr.Tab) -> View:
    """Build the tab inside the page that is being built."""
    first, show = model_name.value, show_input_errors(partial(render, models))
    with gr.Row(elem_classes="tab-row"):
        with gr.Column(elem_classes="first"):
            seed = seed_control("Seed", DEFAULTS["seed"])
            digit = digit_control("Digit", models.knows_digits(first))
        with gr.Column(elem_classes="view"):
            sheet = gr.HTML(
                show(first, False, *DEFAULTS.values()),
                elem_id="sheet",
                apply_default_css=False,
                js_on_load=script("generate"),
                server_functions=[encoder(models, archive)],
            )
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
                list(ORDERS),
                value=DEFAULTS["order"],
                label="Order",
                info="convincing: the discriminator thinks it is real",
                elem_classes="chips",
            )
            controls = {"seed": seed, "count": count, "digit": digit, "truncation": truncation, "order": order}
            copy_link("generate", {"model": model_name, "exact": exact} | controls)

    inputs = [model_name, exact, *controls.values()]
    gr.on([count.change, digit.input, truncation.change, order.input, exact.input],
          show, inputs, sheet, **LIVE)  # fmt: skip
    wire_fields([seed], partial(render, models), inputs, sheet)
    grid_picture = gr.Image(format="png", visible=False, label="grid")
    listed = gr.JSON(visible=False, label="digits")
    register_endpoint(
        "generate", endpoint, models, [model_name, seed, count, digit, truncation], [grid_picture, listed]
    )
    return View("generate", controls, show, sheet, sends=True, digits=[digit])
