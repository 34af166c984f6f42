"""The Morph tab: from one digit to another, along 2 to 10 stops."""

import gradio as gr

from dcgan.latents.interpolation import EASINGS, MAX_KEYS
from demo.api.interpolate import MAX_SPEED, MAX_STEPS, PATHS, morph_file
from demo.links import View, choice_part, slider_part
from demo.models import Models
from demo.parts.controls import browser_view
from demo.parts.downloads import encoder


def build(models: Models) -> View:
    """Build the tab inside the page that is being built."""
    with gr.Row(elem_classes="tab-row"):
        with gr.Column(elem_classes="view"):
            browser_view("morph", server_functions=[encoder(models, morph_file)])
        with gr.Column(elem_classes="more"):
            keys = gr.Textbox(
                "15 24", label="Stops", info=f"2 to {MAX_KEYS} hands; 24:7 is hand 24 writing a 7", max_lines=3
            )
            closed = gr.Checkbox(False, label="Loop: back to the first")
    parts = {  # of older links, and of the file that is saved
        "steps": slider_part(24, 2, MAX_STEPS, 1),
        "path": choice_part(PATHS[0], list(PATHS)),
        "easing": choice_part(EASINGS[0], list(EASINGS)),
        "speed": slider_part(12, 1, MAX_SPEED, 1),
        "at": slider_part(0, 0, 1, 0.0001),  # the place on the morph
    }
    return View("morph", {"keys": keys, "closed": closed}, parts)
