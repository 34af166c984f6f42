"""The endpoint `training`: how a model was trained, from the files of its folder. The page shows the same facts.

The folder may come from anybody's repo on the Hub: `dcgan.model_folder` reads what it says, and what is damaged or too
large counts as missing.
"""

from pathlib import Path

import gradio as gr

from dcgan.hub import card
from dcgan.model_folder import BUNDLED, read_evaluation, read_history
from demo.api import asked_model, register_endpoint
from demo.models import Entry, Models


def measures(folder: Path) -> list[tuple[str, str]]:
    """Return (measure, text) rows of the model's evaluation; [] if these weights were not measured."""
    evaluation = read_evaluation(folder)
    return [] if evaluation is None else card.summary(evaluation["runs"])


def origin(entry: Entry) -> str:
    """Return where the weights come from."""
    model = entry.model
    if model.commit is not None:
        return f"the Hub, {model.name}, commit {model.commit[:12]}"
    if model.name == entry.name:
        return "bundled with this page" if model.folder.parent == BUNDLED else f"the folder {model.folder.name}"
    return f"the bundled {model.name}, shown instead of {entry.name}"


def facts(entry: Entry) -> list[tuple[str, str]]:
    """Return (name, text) rows: where the weights come from, and how they were trained."""
    model = entry.model
    return [("source", origin(entry)), *card.facts(model.config, model.training, read_history(model.folder))]


def endpoint(models: Models, model) -> dict:
    """How a model was trained, from the files of its folder.

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
        "measures": dict(measures(entry.model.folder)),
        "origin": origin(entry),
    }


def register(models: Models, model_name: gr.Radio) -> None:
    """Add the endpoint to the page that is being built."""
    register_endpoint("training", endpoint, models, [model_name], gr.JSON(visible=False, label="record"))
