"""The controls that several tabs share, and the events of their fields."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import gradio as gr
from gradio.components import Component

from demo.models import Models
from demo.parts.inputs import ANY, DIGITS, ignore_input_errors, show_input_errors

STATIC = Path(__file__).resolve().parents[1] / "static"
# Of an event that redraws while a control is moved.
LIVE = {"trigger_mode": "always_last", "show_progress": "hidden", "api_visibility": "private"}


def static(name: str) -> str:
    """Return a file of `static/`."""
    return (STATIC / name).read_text(encoding="utf-8")


def script(*names: str) -> str:
    """Return scripts of `static/` for a component, one after the other: `common.js` first."""
    return "\n".join(static(f"{name}.js") for name in ("common", *names))


def browser_call(function: str, *arguments: object) -> str:
    """Return JavaScript for an event: call a function of `static/controls.js` with the arguments, then the inputs."""
    given = "".join(f"{json.dumps(argument)}, " for argument in arguments)
    return f"(...inputs) => demo.{function}({given}...inputs)"


def dice_button(target: Component, js: str, inputs: Component | None = None) -> None:
    """Add a button that gives the target another random value, in the browser."""
    button = gr.Button("Roll the dice", min_width=80, scale=2)
    button.click(None, inputs, target, js=js, api_visibility="private")


def seed_control(label: str, value: int) -> gr.Number:
    """Add a field for a seed, with its dice."""
    with gr.Row(elem_classes="seed-row"):
        seed = gr.Number(value, label=label, precision=0, step=1, min_width=120, scale=3)
        dice_button(seed, browser_call("rollSeed"))
    return seed


def hand_control(label: str, value: str) -> gr.Textbox:
    """Add a field for a hand, which is a seed or a code, with its dice."""
    with gr.Row(elem_classes="seed-row"):
        hand = gr.Textbox(value, label=label, max_lines=1, min_width=120, scale=3)
        dice_button(hand, browser_call("rollHand"))
    return hand


def digit_control(label: str, with_digits: bool, value: str = ANY) -> gr.Radio:
    """Add a choice of any digit or one of ten. It is hidden for a model that does not know digits."""
    return gr.Radio(DIGITS, value=value, label=label, visible=with_digits, elem_classes="chips")


def digit_for(models: Models, model_name: str) -> gr.Radio:
    """Return the update of a digit control for another model: "any" and hidden if the model knows no digits."""
    return gr.Radio(visible=True) if models.knows_digits(model_name) else gr.Radio(visible=False, value=ANY)


def wire_fields(
    fields: Sequence[Component], render: Callable, inputs: Sequence[Component], view: gr.HTML
) -> list[Callable]:
    """Redraw while fields are typed in, and show what is wrong with one when it is left or after Enter.

    Returns for each field the handler that only shows what is wrong with it.
    """

    def check_of(field: Component) -> Callable:
        @show_input_errors
        def check(*values) -> None:
            # With the other fields as they were at first: what is wrong with them is not said again.
            others = {id(other): other.value for other in fields if other is not field}
            render(*(others.get(id(one), value) for one, value in zip(inputs, values, strict=True)))

        return check

    checks = [check_of(field) for field in fields]
    gr.on([field.change for field in fields], ignore_input_errors(render), inputs, view, **LIVE)
    for field, check in zip(fields, checks, strict=True):
        field.blur(check, inputs, None, **LIVE)
        field.submit(None, None, None, js=browser_call("leaveField"), api_visibility="private")
    return checks
