"""The controls that several tabs share, and how Python names what the browser does."""

import json
from collections.abc import Callable
from pathlib import Path

import gradio as gr
from gradio.components import Component

from demo.parts.inputs import ANY, DIGITS

STATIC = Path(__file__).resolve().parents[1] / "static"
QUIET = {"show_progress": "hidden", "api_visibility": "private"}  # of an event that only the page uses


def static(name: str) -> str:
    """Return a file of `static/`."""
    return (STATIC / name).read_text(encoding="utf-8")


def browser_call(function: str, *arguments: object) -> str:
    """Return JavaScript for an event: call a function of `demo` with the arguments, then the inputs."""
    given = "".join(f"{json.dumps(argument)}, " for argument in arguments)
    return f"(...inputs) => demo.{function}({given}...inputs)"


def browser_view(
    name: str, html: str = "", server_functions: list[Callable] | None = None, events: tuple[str, ...] = ()
) -> gr.HTML:
    """Add an element that the script `static/views/NAME.js` fills, with the HTML that it begins with.

    events: names of Gradio events that the script triggers.
    """
    mount = (
        f'import(demo.script("{name}")).then((tab) => tab.mount(element, '
        'typeof server === "undefined" ? null : server, trigger, watch));'
    )
    mount += f" // {json.dumps(events)}"  # Gradio looks for the events' names in the script
    return gr.HTML(
        f'<div class="frame">{html}</div>',
        elem_id=f"view-{name}",
        apply_default_css=False,
        js_on_load=mount,
        server_functions=server_functions,
    )


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


def digit_control(label: str, value: str = ANY, visible: bool = True) -> gr.Radio:
    """Add a choice of any digit or one of ten. The style hides it for a model that does not know digits."""
    return gr.Radio(DIGITS, value=value, label=label, visible=visible, elem_classes="chips with-digits")
