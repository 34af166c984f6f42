"""The endpoint `font`: a font from a hand, as a ZIP file."""

import gradio as gr

from dcgan import InputError
from dcgan.font import file_stem, font_name, font_zip
from dcgan.model_folder import Model
from demo.api import asked_model, register_endpoint
from demo.models import Models
from demo.parts.files import ClientFile


def font_file(model: Model, hand) -> tuple[str, bytes, str]:
    """Return the name, the content and the media type of a hand's ZIP file. Raises `InputError`."""
    if isinstance(hand, bool) or not isinstance(hand, (str, int)):
        raise InputError("hand must be a seed, or the code of a hand")
    content = font_zip(model, hand)
    return f"{file_stem(font_name(model, hand))}.zip", content, "application/zip"


def endpoint(models: Models, model, hand) -> ClientFile:
    """Make a font from one handwriting. Only for a model that knows digits.

    Args:
        model: name of a model that knows digits, as the endpoint `models` lists them
        hand: a seed, or the code of a hand

    Returns:
        font: ZIP file with the font as TTF (to install) and WOFF2 (for web pages), a page that shows it, its licence
    """
    name, content, _ = font_file(asked_model(models, model), hand)
    return ClientFile(name, content)


def register(models: Models, model_name: gr.Radio) -> None:
    """Add the endpoint to the page that is being built."""
    hand = gr.Textbox("0", label="Hand", visible=False)
    register_endpoint("font", endpoint, models, [model_name, hand], gr.File(visible=False, label="font"), True, True)
