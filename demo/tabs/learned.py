"""How it learned: the film of the training, what the model is, and how good it is."""

import json
from collections.abc import Sequence
from functools import partial
from html import escape
from pathlib import Path

import gradio as gr
import numpy as np

from dcgan.model_folder import Model, read_evaluation, read_history
from demo.api.arithmetic import TRAYS
from demo.api.training import facts, measures
from demo.links import View, choice_part
from demo.models import Models
from demo.parts import training_pictures as pictures
from demo.parts.controls import browser_view
from demo.parts.curves import plot
from demo.parts.inputs import ANY, DIGITS

STORY = (
    "A forger makes digits from random numbers. A critic guesses which are real. Each learns from the other's mistakes."
)
CURVES = {  # title: {key of history.jsonl: name in the legend}
    "Losses": {"loss_d": "discriminator", "loss_g": "generator"},
    "The critic's guess: real": {
        "probability_real": "real digits",
        "probability_fake": "generated digits",
    },
    "Quality after each epoch": {
        "precision": "precision",
        "recall": "recall",
        "coverage": "coverage",
        "label_accuracy": "labels",
    },
}


def guesses(history: list[dict], epochs: Sequence[int]) -> list[tuple[float, float] | None]:
    """Return the critic's mean guesses (generated, real digits) in each of some epochs; None where it is not known."""
    found = {entry["epoch"]: (entry.get("probability_fake"), entry.get("probability_real")) for entry in history}
    pairs = [found.get(epoch, (None, None)) for epoch in epochs]
    known = [all(value is not None and 0 <= value <= 1 for value in pair) for pair in pairs]
    return [pair if is_known else None for pair, is_known in zip(pairs, known, strict=True)]


def film_html(folder: Path) -> str:
    """Return the film of the training as HTML, which `learned.js` plays."""
    film = pictures.film(folder)
    if film is None:
        return '<p class="note">This model\'s folder has no pictures of its training.</p>'
    told = json.dumps(guesses(read_history(folder), film.epochs))
    about = f'data-picture="{pictures.address(film)}" data-epochs="{list(film.epochs)}" data-guesses="{told}"'
    return (
        f'<div class="film" {about}>'
        '<div class="stage" role="img" aria-label="the same digits after every epoch of training"></div></div>'
    )


def copies_html(folder: Path) -> str:
    """Return generated digits above the nearest real ones as HTML; nothing if these weights were not measured."""
    evaluation, picture = read_evaluation(folder), pictures.novelty(folder)
    values = [run["novelty"] for run in evaluation["runs"] if "novelty" in run] if evaluation else []
    if not values or picture is None or not all(0 <= value < 100 for value in values):
        return ""
    halves = '<div class="half"></div><div class="half"></div>'  # one below the other on a phone
    return (
        f'<h2>Nobody\'s copy</h2><div class="copies" data-picture="{pictures.address(picture)}" role="img" '
        f'aria-label="generated digits, and below each the real digit that is most like it">{halves}</div>'
        f"<p>Below: the nearest real digits. Distance {np.mean(values):.2f} (new real ones: 1).</p>"
    )


def table(rows: list[tuple[str, str]], caption: str) -> str:
    cells = "".join(f"<tr><th scope='row'>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return f"<table><caption>{escape(caption)}</caption>{cells}</table>"


def train_your_own_html(model: Model) -> str:
    preset = "mnist-conditional" if model.config.num_classes else "mnist"
    return (
        '<p class="note">Train your own model and show it here (a GPU is faster):</p>'
        f'<pre tabindex="0"><code>python scripts/train.py --preset {preset} --out runs/mine\n'
        "DCGAN_MODEL=runs/mine python app.py</code></pre>"
    )


def render_story(models: Models, model_name: str) -> str:
    """Return what the tab begins with as HTML: the film, how the network learned, and digits beside real ones."""
    model = models[model_name]
    untold = "" if model.config.num_classes else " Nobody told either what a digit is."
    story = f'<p class="story">{STORY}{untold}</p>'
    return f'<div class="frame">{film_html(model.folder)}{story}{copies_html(model.folder)}</div>'


def render_numbers(models: Models, model_name: str) -> str:
    """Return the recipe, the measurements and the curves of the training as HTML."""
    entry = models.entries[model_name]
    rows = measures(entry.model.folder)
    quality = (
        table(rows, "measured: mean and range over sampling seeds")
        if rows
        else '<p class="note">Not measured. python scripts/evaluate.py MODEL --write measures these weights.</p>'
    )
    tables = f'<div class="tables">{table(facts(entry), "recipe")}{quality}</div>'
    history = read_history(entry.model.folder)
    plots = "".join(plot(history, title, curves) for title, curves in CURVES.items())
    return f'{tables}<div class="plots">{plots}</div>{train_your_own_html(entry.model)}'


def build(models: Models, model_name: gr.Radio, exact: gr.Checkbox, tab: gr.Tab) -> View:
    """Build the tab inside the page that is being built. The film and the tables come when it is opened."""
    story = browser_view("learned")
    browser_view("learned-sum")
    with gr.Row(elem_id="shared"):
        if not model_name.is_rendered:
            model_name.render()
        exact.render()
    with gr.Accordion("Numbers; train your own", open=False):
        numbers = gr.HTML(elem_id="numbers", apply_default_css=False)
    again = gr.Button("tell again", visible="hidden", elem_id="tell")
    if_open = "() => { if (demo.state.tab === 'learned') document.querySelector('#tell').click(); }"
    model_name.change(None, None, None, js=if_open, api_visibility="private")
    opened = [again.click, tab.select]
    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    gr.on(opened, partial(render_story, models), model_name, story, **quiet)
    gr.on(opened, partial(render_numbers, models), model_name, numbers, **quiet)
    parts = {name: {"kind": "text", "value": text} for name, text in TRAYS.items()}  # of the sum of hands
    return View("learned", {}, parts | {"digit": choice_part(ANY, DIGITS)})
