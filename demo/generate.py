"""The Generate tab: a sheet of digits, each with the seed that makes it again."""

from functools import partial

import gradio as gr
from PIL import Image

from dcgan import InputError
from dcgan.folder import Model
from dcgan.images import enlarge, grid
from dcgan.sampling import MAX_SEED, Samples, check_truncation, consecutive_seeds, crop, sample
from demo.controls import digit_control, digit_for, seed_control
from demo.inputs import ANY, answer_mistakes, asked_digit, whole_number
from demo.models import Models
from demo.pictures import download_link, for_screen, png_uri

MAX_COUNT = 100
GRID_SCALE = 8
DEFAULTS = {"seed": 0, "count": 40, "digit": ANY, "truncation": 1.0, "exact": False}


def sample_page(model: Model, seed, count, digit, truncation) -> Samples:
    """The samples of a visitor's wishes, every one of them checked."""
    count = whole_number(count, "how many", 1, MAX_COUNT)
    seed = whole_number(seed, "seed", 0, MAX_SEED)
    if truncation is None:
        raise InputError("truncation is empty: it must be above 0 and at most 1")
    check_truncation(truncation)
    return sample(
        model.generator,
        consecutive_seeds(seed, count),
        asked_digit(digit, model.config.num_classes),
        truncation,
    )


def sheet_name(model: Model, samples: Samples, digit, truncation) -> str:
    """A file name from which the same pictures can be made again."""
    parts = [model.file_name, f"seed-{samples.seeds[0]}", f"count-{len(samples.seeds)}"]
    if str(digit) != ANY:
        parts.append(f"digit-{digit}")
    if truncation < 1:
        parts.append(f"truncation-{truncation:g}")
    return "_".join(parts)


def sheet_grid(model: Model, samples: Samples) -> Image.Image:
    return grid(crop(samples.images, model.config.border), min(10, len(samples.seeds)))


@answer_mistakes
def show(models: Models, model_name: str, seed, count, digit, truncation, exact) -> str:
    """The sheet as HTML: figures with their seeds, and the downloads."""
    model = models[model_name]
    samples = sample_page(model, seed, count, digit, truncation)
    figures = []
    for i, image in enumerate(crop(samples.images, model.config.border)):
        what = "digit" if samples.labels is None else str(samples.labels[i])
        figures.append(
            f'<figure><img src="{png_uri(for_screen(image, exact))}" alt="a generated {what}, seed {samples.seeds[i]}">'
            f"<figcaption>{samples.seeds[i]}</figcaption></figure>"
        )
    name, picture = sheet_name(model, samples, digit, truncation), sheet_grid(model, samples)
    links = download_link(png_uri(picture), f"{name}.png", "grid, exact pixels (PNG)") + download_link(
        png_uri(enlarge(picture, GRID_SCALE)), f"{name}_x{GRID_SCALE}.png", f"grid, {GRID_SCALE}× larger (PNG)"
    )
    return (
        f'<div class="sheet{" exact" if exact else ""}">{"".join(figures)}</div>'
        f'<p class="downloads"><span>Below each digit is its seed.</span>{links}</p>'
    )


@answer_mistakes
def generate(models: Models, model_name: str, seed, count, digit, truncation) -> tuple[Image.Image, list[dict]]:
    """The endpoint: the grid in exact pixels, and the seed (and digit) of each picture, row by row."""
    model = models[model_name]
    samples = sample_page(model, seed, count, digit, truncation)
    labels = [None] * len(samples.seeds) if samples.labels is None else samples.labels.tolist()
    listed = [{"seed": seed, "digit": label} for seed, label in zip(samples.seeds.tolist(), labels, strict=True)]
    return sheet_grid(model, samples), listed


def build(page: gr.Blocks, models: Models, model_name: gr.Radio) -> None:
    """Lay out the tab inside the page, which is being built."""
    first, show_these = model_name.value, partial(show, models)
    with gr.Row(elem_classes="tab-row"):
        with gr.Column(elem_classes="first"):
            seed = seed_control("Seed", DEFAULTS["seed"])
            digit = digit_control("Digit", models.knows_digits(first))
        with gr.Column(elem_classes="view"):
            sheet = gr.HTML(show_these(first, *DEFAULTS.values()), elem_id="sheet")
        with gr.Column(elem_classes="more"):
            count = gr.Slider(1, MAX_COUNT, DEFAULTS["count"], step=1, label="How many")
            truncation = gr.Slider(
                0.1,
                1.0,
                DEFAULTS["truncation"],
                step=0.05,
                label="Truncation ψ",
                info="1 shows the model as it is; lower is more typical and less varied",
            )
            exact = gr.Checkbox(DEFAULTS["exact"], label="Exact pixels")

    inputs = [model_name, seed, count, digit, truncation]
    # A model without digits cannot be asked for one: back to "any" before anything is drawn.
    model_name.change(
        partial(digit_for, models), model_name, digit, show_progress="hidden", api_visibility="private"
    ).then(show_these, [*inputs, exact], sheet, show_progress="hidden", api_visibility="private")
    gr.on(  # at load too: the weights may be newer than the page
        [page.load, seed.change, count.change, digit.input, truncation.change, exact.change],
        show_these,
        [*inputs, exact],
        sheet,
        trigger_mode="always_last",
        show_progress="hidden",
        api_visibility="private",
    )
    picture = gr.Image(format="png", visible=False, label="Grid of 28×28 pictures, 10 a row, white ink on black")
    listed = gr.JSON(visible=False, label="Seed and digit of each picture, row by row")
    gr.Button(visible=False).click(
        partial(generate, models),
        inputs,
        [picture, listed],
        api_name="generate",
        api_description="Digits of consecutive seeds: picture i has the seed `seed + i`, whatever the count. "
        "A digit of `any` lets the seed decide.",
    )
