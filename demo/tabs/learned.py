"""How it learned: the film of the training, what the model is, and how good it is."""

import contextlib
import functools
import io
from functools import partial
from html import escape
from pathlib import Path

import gradio as gr
import numpy as np
import pandas as pd
from PIL import Image

from dcgan.model_folder import Model, read_history
from demo.api.arithmetic import TRAYS
from demo.api.training import facts, measures
from demo.links import View, choice_part
from demo.models import Models
from demo.parts.controls import browser_view
from demo.parts.inputs import ANY, DIGITS
from demo.parts.pictures import data_uri

ROWS = 3 * 30 + 2  # pixel rows that are shown of a frame: the first three rows of digits
MAX_SHOWN = 80  # frames: WebP allows a height of 16,383 pixels
MAX_FRAMES, MAX_SIDE, MAX_PIXELS = 2_000, 640, 2**27  # of progress.webp; pixels in all frames together
CURVES = {  # title: {key of history.jsonl: name in the legend}
    "Losses": {"loss_d": "discriminator", "loss_g": "generator"},
    "Discriminator: probability of being real": {
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
COLOURS = ["#4a86c5", "#d1703f", "#5aa469", "#a07cc0"]  # distinct on the light and on the dark page


def load_animation(path: Path) -> tuple[np.ndarray, list[int]]:
    """Return up to `MAX_SHOWN` frames one below the other, (frames * ROWS, W) uint8, and their epochs, from 1.

    Raises `ValueError` for an animation that is too large, before it decodes a frame, and whatever Pillow raises.
    """
    with Image.open(path, formats=("WEBP",)) as animation:
        count = animation.n_frames
        if count > MAX_FRAMES or max(animation.size) > MAX_SIDE or count * np.prod(animation.size) > MAX_PIXELS:
            raise ValueError("the animation is too large")
        shown = sorted({round(at) for at in np.linspace(0, count - 1, MAX_SHOWN)})
        frames = []
        for at in shown:
            animation.seek(at)
            frames.append(np.asarray(animation.convert("L").crop((0, 0, animation.width, ROWS))))
    return np.concatenate(frames), [at + 1 for at in shown]


def encode_webp(image: Image.Image) -> bytes:
    """Return a lossy WebP, for pictures that are only shown."""
    buffer = io.BytesIO()
    image.save(buffer, format="WEBP", quality=70, method=2)
    return buffer.getvalue()


@functools.lru_cache(maxsize=8)
def sprite(path: Path, changed: float) -> tuple[str, list[int]] | None:
    """Return the frames of progress.webp as a data URI, and their epochs; None if it cannot be shown.

    changed: the file's modification time, so that a new file is read again.
    """
    try:
        sheet, epochs = load_animation(path)
    except Exception:  # Pillow raises many kinds for damaged files
        return None
    return data_uri(encode_webp(Image.fromarray(sheet)), "image/webp"), epochs


def film(folder: Path) -> str:
    """Return the frames of the training as HTML, which `training.js` plays."""
    path, found = folder / "progress.webp", None
    with contextlib.suppress(OSError):
        found = sprite(path, path.stat().st_mtime)
    if found is None:
        return '<p class="note">This model\'s folder has no pictures of its training.</p>'
    uri, epochs = found
    return (
        f'<div class="film" data-epochs="{epochs}" style="--frames: {len(epochs)}; --film: url(\'{uri}\')">'
        '<div class="stage" role="img" aria-label="the same seeds after every epoch of training"></div></div>'
    )


def table(rows: list[tuple[str, str]], caption: str) -> str:
    cells = "".join(f"<tr><th scope='row'>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return f"<table><caption>{escape(caption)}</caption>{cells}</table>"


def train_your_own_html(model: Model) -> str:
    preset = "mnist-conditional" if model.config.num_classes else "mnist"
    return (
        '<p class="note">Train your own model and show it here (a GPU is faster):</p>'
        f"<pre><code>python scripts/train.py --preset {preset} --out runs/mine\n"
        "DCGAN_MODEL=runs/mine python app.py</code></pre>"
    )


def render(models: Models, model_name: str) -> str:
    """Return the tab's HTML: the frames of the training, the recipe and the measurements."""
    entry = models.entries[model_name]
    folder, rows = entry.model.folder, measures(entry.model.folder)
    quality = (
        table(rows, "measured: mean and range over sampling seeds")
        if rows
        else '<p class="note">Not measured. python scripts/evaluate.py MODEL --write measures these weights.</p>'
    )
    tables = f'<div class="tables">{table(facts(entry), "recipe")}{quality}</div>'
    return film(folder) + tables + train_your_own_html(entry.model)


def curve_data(history: list[dict], curves: dict[str, str]) -> pd.DataFrame:
    """Return the columns epoch, value and curve: a row for each number that the history has."""
    rows = [
        (entry["epoch"], float(entry[key]), name) for key, name in curves.items() for entry in history if key in entry
    ]
    return pd.DataFrame(rows, columns=["epoch", "value", "curve"])


def draw_curves(models: Models, model_name: str) -> list[gr.LinePlot]:
    """Return updates of the plots. A plot without data is hidden."""
    history = read_history(models[model_name].folder)
    data = [curve_data(history, curves) for curves in CURVES.values()]
    return [gr.LinePlot(value=frame, visible=len(frame) > 0) for frame in data]


def build(models: Models, model_name: gr.Radio, exact: gr.Checkbox, tab: gr.Tab) -> View:
    """Build the tab inside the page that is being built. The film and the tables come when it is opened."""
    view = browser_view("learned")
    with gr.Row(elem_id="shared"):
        if not model_name.is_rendered:
            model_name.render()
        exact.render()
    plots = []
    with gr.Accordion("Losses and quality, epoch by epoch", open=False), gr.Row(elem_classes="plots"):
        for title, curves in CURVES.items():
            plots.append(
                gr.LinePlot(
                    x="epoch",
                    y="value",
                    color="curve",
                    title=title,
                    color_map=dict(zip(curves.values(), COLOURS, strict=False)),
                    x_title="epoch",
                    y_title=" ",
                    height=260,
                    min_width=260,
                    visible=False,
                    buttons=["fullscreen"],
                )
            )
    opened = [model_name.change, tab.select]
    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    gr.on(opened, partial(render, models), model_name, view, **quiet)
    gr.on(opened, partial(draw_curves, models), model_name, plots, **quiet)
    parts = {name: {"kind": "text", "value": text} for name, text in TRAYS.items()}  # of the sum of hands
    return View("learned", {}, parts | {"digit": choice_part(ANY, DIGITS)})
