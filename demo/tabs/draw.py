"""The Draw tab: draw a digit, and the network tries to write it the same way. The browser does all of it."""

import gradio as gr

from demo.links import View
from demo.parts.controls import browser_view, digit_control


def build() -> View:
    """Build the tab inside the page that is being built."""
    with gr.Row(elem_classes="tab-row"):
        with gr.Column(elem_classes="view"):
            browser_view("draw")
        with gr.Column(elem_classes="more"):
            digit = digit_control("It is a")
    return View("draw", {"digit": digit}, {"drawing": {"kind": "text", "value": ""}})
