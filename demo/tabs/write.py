"""The Write tab: numbers in the current handwriting."""

import gradio as gr

from demo.links import View, slider_part
from demo.parts.controls import browser_view, slider

NO_DIGITS = """
<p class="note without-digits">This model was never told which digit is which, so it cannot write numbers. Choose the
other one in <em>How it learned</em>.</p>
"""
SIGNS = "Digits and - . / : , + = ( ) %. Other signs stay pale. At most 200 characters in 12 lines."


def build() -> View:
    """Build the tab inside the page that is being built."""
    with gr.Row(elem_classes="tab-row"):
        with gr.Column(elem_classes="view"):
            text = gr.Textbox(
                "2026", label="Write", info=SIGNS, placeholder="31.12.1999", max_lines=6, elem_classes="with-digits"
            )
            browser_view("write", NO_DIGITS)
        with gr.Column(elem_classes="more with-digits"):
            variation = slider("Looseness", 0, 1, 0.15, 0.05, "like a stamp … lively")
            gr.HTML('<div class="frame"></div>', elem_id="write-first", apply_default_css=False)
    parts = {
        "spacing": slider_part(3, 0, 12, 1),  # pixels between two characters
        "first": {"kind": "number", "value": 0},  # the seed of the first of the ten hands to choose from
    }
    return View("write", {"text": text, "variation": variation}, parts)
