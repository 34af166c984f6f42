"""The controls that several tabs share."""

import gradio as gr

from demo.models import Models
from demo.parts.inputs import ANY, DIGITS

# Of an event that redraws while a control is moved.
LIVE = {"trigger_mode": "always_last", "show_progress": "hidden", "api_visibility": "private"}
DICE = "() => Math.floor(Math.random() * 1000000)"  # six figures can be read out aloud


def dice_button(target: gr.components.Component, js: str = DICE) -> None:
    """A button that rolls another value, in the browser."""
    button = gr.Button("Roll the dice", min_width=80, scale=2)
    button.click(None, None, target, js=js, api_visibility="private")


def seed_control(label: str, value: int) -> gr.Number:
    """A seed with its dice."""
    with gr.Row(elem_classes="seed-row"):
        seed = gr.Number(value, label=label, precision=0, step=1, min_width=120, scale=3)
        dice_button(seed)
    return seed


def hand_control(label: str, value: str) -> gr.Textbox:
    """A hand, by a seed or by a code, with its dice."""
    with gr.Row(elem_classes="seed-row"):
        hand = gr.Textbox(value, label=label, max_lines=1, min_width=120, scale=3)
        dice_button(hand, js=DICE.replace("Math.floor", "String(Math.floor") + ")")
    return hand


def digit_control(label: str, with_digits: bool, value: str = ANY) -> gr.Radio:
    """Any digit, or one of ten; not there for a model that does not know digits."""
    return gr.Radio(DIGITS, value=value, label=label, visible=with_digits, elem_classes="chips")


def digit_for(models: Models, model_name: str) -> gr.Radio:
    """The update of a digit control when another model was picked: back to "any" where there are no digits."""
    return gr.Radio(visible=True) if models.knows_digits(model_name) else gr.Radio(visible=False, value=ANY)
