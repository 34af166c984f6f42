"""The controls that several tabs share, and how Python names what the browser does."""

import json
from collections.abc import Callable
from pathlib import Path

import gradio as gr

from demo.parts.inputs import ANY, DIGITS

STATIC = Path(__file__).resolve().parents[1] / "static"


def static(name: str) -> str:
    """Return a file of `static/`."""
    return (STATIC / name).read_text(encoding="utf-8")


def browser_call(function: str, *arguments: object) -> str:
    """Return JavaScript for an event: call a function of `demo` with the arguments, then the inputs."""
    given = "".join(f"{json.dumps(argument)}, " for argument in arguments)
    return f"(...inputs) => demo.{function}({given}...inputs)"


def browser_view(name: str, html: str = "", server_functions: list[Callable] | None = None) -> gr.HTML:
    """Add an element that the script `static/views/NAME.js` fills, with the HTML that it begins with."""
    return gr.HTML(
        f'<div class="frame">{html}</div>',
        elem_id=f"view-{name}",
        apply_default_css=False,
        js_on_load=f'demo.mount("{name}", element, typeof server === "undefined" ? null : server, watch);',
        server_functions=server_functions,
    )


def digit_control(label: str) -> gr.Radio:
    """Add a choice of any digit or one of ten. The style hides it for a model that does not know digits."""
    return gr.Radio(DIGITS, value=ANY, label=label, elem_classes="chips with-digits")


def slider(label: str, minimum: float, maximum: float, value: float, step: float, ends: str = "") -> gr.Slider:
    """Add a slider without a button to reset it. ends: what its two ends mean, in words."""
    return gr.Slider(minimum, maximum, value, step=step, label=label, info=ends or None, buttons=[])
