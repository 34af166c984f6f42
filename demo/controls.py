"""The controls that several tabs share."""

import gradio as gr

from demo.inputs import ANY, DIGITS
from demo.models import Models

DICE = "() => Math.floor(Math.random() * 1000000)"  # six figures can be read out aloud


def seed_control(label: str, value: int) -> gr.Number:
    """A seed with a button that rolls another one, in the browser."""
    with gr.Row(elem_classes="seed-row"):
        seed = gr.Number(value, label=label, precision=0, step=1, min_width=120, scale=3)
        dice = gr.Button("Roll the dice", min_width=80, scale=2)
    dice.click(None, None, seed, js=DICE, api_visibility="private")
    return seed


def digit_control(label: str, with_digits: bool) -> gr.Radio:
    """Any digit, or one of ten; not there for a model that does not know digits."""
    return gr.Radio(DIGITS, value=ANY, label=label, visible=with_digits, elem_classes="chips")


def digit_for(models: Models, model_name: str) -> gr.Radio:
    """The update of a digit control when another model was picked: back to "any"."""
    return gr.Radio(visible=models.knows_digits(model_name), value=ANY)
