"""The Draw tab: draw a digit, and the network tries to write it the same way. The browser does all of it."""

import gradio as gr

from demo.links import View
from demo.parts.controls import browser_view, digit_control

SHEETS = """
<div class="sheets">
<figure><canvas width="280" height="280" tabindex="0" role="img"
aria-label="a sheet to draw a digit on; arrow keys move the pen, space lifts and lowers it, Delete clears"></canvas>
<figcaption>yours</figcaption></figure>
<figure><div class="likeness"></div><figcaption>the network's</figcaption></figure>
</div>
<div class="below"><button type="button" class="undo">Undo</button>
<button type="button" class="clear">Clear</button><p class="line"></p></div>
"""


def build() -> View:
    """Build the tab inside the page that is being built."""
    with gr.Row(elem_classes="tab-row"):
        with gr.Column(elem_classes="view"):
            browser_view("draw", SHEETS)
        with gr.Column(elem_classes="more"):
            digit = digit_control("It is a")
    return View("draw", {"digit": digit}, {"drawing": {"kind": "text", "value": ""}})
