"""The Training tab: how this model came to be, told by the files of its own folder."""

import contextlib
import functools
import json
from datetime import datetime, timezone
from functools import partial
from html import escape
from pathlib import Path

import gradio as gr
import numpy as np
import pandas as pd
from PIL import Image, ImageSequence, UnidentifiedImageError

from dcgan.hub.card import recipe_text, summary
from dcgan.model_folder import Model
from demo.api import register_endpoint
from demo.links import View, copy_link
from demo.models import Entry, Models
from demo.parts.downloads import asked_model
from demo.parts.inputs import show_input_errors
from demo.parts.pictures import data_uri, encode_webp
from demo.parts.player import player

ROWS = 3 * 30 + 2  # of a progress frame: three hands, or thirty seeds
MAX_FRAMES = 80  # WebP holds pictures of up to 16,383 pixels
CURVES = {  # title: {key of history.jsonl: what the legend says}
    "Losses": {"loss_d": "discriminator", "loss_g": "generator"},
    "Real, says the discriminator": {
        "probability_real": "real digits",
        "probability_fake": "generated digits",
    },
    "Quality after each epoch": {
        "precision": "precision",
        "recall": "recall",
        "coverage": "coverage",
        "label_accuracy": "label accuracy",
    },
}
COLOURS = ["#4a86c5", "#d1703f", "#5aa469", "#a07cc0"]  # told apart on paper and on slate


def read_history(folder: Path) -> list[dict]:
    """The entries of history.jsonl; none where it is missing or damaged: it comes from anybody's repo."""
    try:
        lines = (folder / "history.jsonl").read_text(encoding="utf-8").splitlines()
        entries = [json.loads(line) for line in lines]
    except (OSError, ValueError, RecursionError):
        return []
    return [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("epoch"), int)]


def read_measures(folder: Path) -> list[tuple[str, str]]:
    """(measure, its mean and range) of evaluation.json, formatted; none where it is missing or damaged."""
    try:
        return summary(json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))["runs"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return []


@functools.lru_cache(maxsize=8)
def sprite(path: Path, changed: float) -> tuple[str, list[int]]:
    """The frames of progress.webp one below the other as a data URI, and which epochs they are.

    changed: when the file was; a new file is read again.
    """
    with Image.open(path) as animation:
        frames = [np.asarray(frame.convert("L"))[:ROWS] for frame in ImageSequence.Iterator(animation)]
    epochs = sorted({round(at) for at in np.linspace(0, len(frames) - 1, MAX_FRAMES)})
    sheet = Image.fromarray(np.concatenate([frames[epoch] for epoch in epochs]))
    return data_uri(encode_webp(sheet), "image/webp"), [epoch + 1 for epoch in epochs]


def frames_player(folder: Path) -> str:
    path = folder / "progress.webp"
    try:
        uri, epochs = sprite(path, path.stat().st_mtime)
    except (OSError, UnidentifiedImageError, ValueError):
        return '<p class="note">There are no pictures of its training in this model\'s folder.</p>'
    names = [f"epoch {epoch} of {epochs[-1]}" for epoch in epochs]
    what = "the same seeds after every epoch of training"
    return player(uri, names, what, loop="once", milliseconds=160, tall=True)


def table(rows: list[tuple[str, str]], caption: str) -> str:
    cells = "".join(f"<tr><th scope='row'>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return f"<table><caption>{escape(caption)}</caption>{cells}</table>"


def origin(entry: Entry) -> str:
    """Where the weights come from."""
    model = entry.model
    if model.commit is not None:
        return f"the Hub, {model.name}, commit {model.commit[:12]}"
    if model.name == entry.name:
        return "bundled with this page" if "/" not in model.name else f"the folder {Path(model.name).name}"
    return f"the bundled {model.name}, which stands in for {entry.name}"


def facts(entry: Entry, history: list[dict]) -> list[tuple[str, str]]:
    """The recipe and where the weights come from."""
    model, training = entry.model, entry.model.training
    written = datetime.fromtimestamp((model.folder / "model.safetensors").stat().st_mtime, timezone.utc)
    rows = [("weights from", origin(entry)), ("here since", f"{written:%Y-%m-%d}")]
    config = model.config
    size = f"latent {config.latent_dim} → {config.image_size}×{config.image_size}, base_channels {config.base_channels}"
    rows.append(("networks", size + (", told the digit" if config.num_classes else ", not told the digit")))
    if isinstance(images := training.get("images"), int):
        rows.append(("data", f"{training.get('dataset', 'MNIST')}, {images:,} images"))
    if history:
        seconds = sum(time for entry in history if isinstance(time := entry.get("seconds"), (int, float)))
        rows.append(("trained", f"{len(history)} epochs, {seconds / 60:.0f} minutes on {training.get('device', '?')}"))
    with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError):  # it comes from anybody's repo
        rows.append(("recipe", recipe_text(training)))
    return rows


def own_way(model: Model) -> str:
    preset = "mnist-conditional" if model.config.num_classes else "mnist"
    return (
        '<p class="note">Train your own, on a GPU or a patient CPU, and show it here:</p>'
        f"<pre><code>python scripts/train.py --preset {preset} --out runs/mine\n"
        "DCGAN_MODEL=runs/mine python app.py</code></pre>"
    )


def draw(models: Models, model_name: str, exact) -> str:
    """The frames of the training, the recipe, and the measured table as HTML."""
    entry = models.entries[model_name]
    history, measures = read_history(entry.model.folder), read_measures(entry.model.folder)
    quality = (
        table(measures, "measured: mean and range over sampling seeds")
        if measures
        else '<p class="note">Its quality was not measured: python scripts/evaluate.py does it.</p>'
    )
    tables = f'<div class="tables">{table(facts(entry, history), "recipe")}{quality}</div>'
    return frames_player(entry.model.folder) + tables + own_way(entry.model)


def endpoint(models: Models, model) -> dict:
    """How a model came to be, as the files of its folder tell it.

    Args:
        model: name of the model, as the endpoint `models` lists them

    Returns:
        record: its history (an object for each epoch), its recipe, its measures (means and ranges), where it is from
    """
    asked_model(models, model)
    entry = models.entries[model]
    return {
        "history": read_history(entry.model.folder),
        "recipe": entry.model.training.get("recipe"),
        "measures": dict(read_measures(entry.model.folder)),
        "origin": origin(entry),
    }


def curve_data(history: list[dict], curves: dict[str, str]) -> pd.DataFrame:
    """Long form: epoch, value, curve; what a history does not have is left out."""
    rows = [
        (entry["epoch"], float(entry[key]), name)
        for key, name in curves.items()
        for entry in history
        if isinstance(entry.get(key), (int, float))
    ]
    return pd.DataFrame(rows, columns=["epoch", "value", "curve"])


def draw_curves(models: Models, model_name: str) -> list[gr.LinePlot]:
    """Updates of the plots; one without data is not there."""
    history = read_history(models[model_name].folder)
    data = [curve_data(history, curves) for curves in CURVES.values()]
    return [gr.LinePlot(value=frame, visible=len(frame) > 0) for frame in data]


def build(models: Models, model_name: gr.Radio, exact: gr.Checkbox, javascript: str, tab: gr.Tab) -> View:
    """Lay out the tab inside the page, which is being built."""
    show = show_input_errors(partial(draw, models))
    view = gr.HTML(show(model_name.value, False), elem_id="training", apply_default_css=False, js_on_load=javascript)
    history = read_history(models[model_name.value].folder)
    plots = []
    with gr.Row(elem_classes="plots"):
        for title, curves in CURVES.items():
            data = curve_data(history, curves)
            colours = dict(zip(curves.values(), COLOURS, strict=False))
            plots.append(
                gr.LinePlot(
                    data,
                    x="epoch",
                    y="value",
                    color="curve",
                    title=title,
                    color_map=colours,
                    x_title="epoch",
                    y_title=" ",
                    height=260,
                    min_width=260,
                    visible=len(data) > 0,
                    buttons=["fullscreen"],
                )
            )
    copy_link("training", {"model": model_name, "exact": exact})
    register_endpoint("training", endpoint, models, [model_name], gr.JSON(visible=False, label="record"))
    gr.on([model_name.change, tab.select], partial(draw_curves, models), model_name, plots,
          show_progress="hidden", api_visibility="private")  # fmt: skip
    return View("training", {}, show, view)
