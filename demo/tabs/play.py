"""The Play tab: a wall of digits, each with a seed of its own, a map between four handwritings, and the sliders."""

import gradio as gr
import torch

from dcgan.ink import VIEW_BOX, Ink, grey_picture, trace
from dcgan.latents.sampling import generate, latent_from_seed
from dcgan.model_folder import Model
from demo.api.generate import MAX_COUNT
from demo.links import View, choice_part
from demo.models import FOUND_DIRECTIONS, Models
from demo.parts.controls import browser_view, digit_control, slider
from demo.parts.pictures import FIRST_SEED, trace_seeds

REACH = 4.0  # of a slider, in standard deviations of a latent
ORDERS = ["by seed", "most convincing first", "least convincing first", "hardest to read first"]
COUNT = 40
SWITCH = """
<div class="switch" role="radiogroup" aria-label="what to show">
<button type="button" role="radio" aria-checked="true" data-show="wall">Wall</button>
<button type="button" role="radio" aria-checked="false" tabindex="-1" data-show="map">Map</button>
</div>"""


def glyph(ink: Ink) -> str:
    return f'<svg class="glyph" viewBox="{VIEW_BOX}" aria-hidden="true"><path d="{ink.path}"></path></svg>'


def first_wall(model: Model) -> str:
    """Return the digits that the page begins with as HTML: traced, so that they need no weights in the browser."""
    cells = []
    for seed, (digit, ink) in enumerate(
        trace_seeds(model.generator, range(FIRST_SEED, FIRST_SEED + COUNT)), FIRST_SEED
    ):
        label = f"a generated {'digit' if digit is None else digit}, seed {seed}"
        cells.append(
            f'<button type="button" class="cell" data-seed="{seed}" aria-label="{label}">{glyph(ink)}</button>'
        )
    return f'<div class="wall">{"".join(cells)}</div>'


def first_hand(model: Model) -> str:
    """Return the ten digits of the handwriting that the page begins with as HTML; one if the model knows no digits."""
    latent, digit = latent_from_seed(FIRST_SEED, model.config.latent_dim, model.config.num_classes)
    digits = None if digit is None else torch.arange(10)
    latents = latent[None] if digits is None else latent.expand(10, -1)
    pictures = generate(model.generator, latents, digits).numpy()
    glyphs = "".join(glyph(trace(grey_picture(picture))) for picture in pictures)
    return f'<div class="ten">{glyphs}</div><div class="tools"></div>'  # the place of the bar's buttons


def build(models: Models, first: str) -> list[View]:
    """Build the tab inside the page that is being built. Return what belongs to all tabs, and the tab's view.

    first: the name of the model that the page begins with.
    """
    with gr.Row(elem_classes="tab-row"):
        with gr.Column(elem_classes="view"):
            browser_view("play", SWITCH + first_wall(models[first]))
        with gr.Column(elem_classes="more"):
            with gr.Column(elem_classes="shape"):
                shape = {
                    "thickness": slider("Weight", -REACH, REACH, 0, 0.1, "hairline … bold"),
                    "slant": slider("Slant", -REACH, REACH, 0, 0.1, "\\ … /"),
                    "width": slider("Width", -REACH, REACH, 0, 0.1, "narrow … wide"),
                    "truncation": slider("Neatness", 0.1, 1.0, 1.0, 0.05, "careful … wild"),
                }
            gr.Button("Reset all sliders", size="sm", elem_id="play-middle")
            digit = digit_control("Digit")
            with gr.Accordion("The wall", open=False, elem_id="play-wall"):
                seed = gr.Number(0, label="First seed", precision=0, step=1)
                count = slider("How many", 1, MAX_COUNT, COUNT, 1, f"{COUNT}: or more, if the screen has room")
                order = gr.Radio(
                    ORDERS,
                    value=ORDERS[0],
                    label="Order",
                    info="convincing: the critic takes it for real; hard to read: the classifier is unsure",
                    elem_classes="chips",
                )
            with gr.Accordion("Six knobs nobody has named", open=False):
                for i in range(FOUND_DIRECTIONS):
                    shape[f"direction{i + 1}"] = slider(f"Knob {i + 1}", -REACH, REACH, 0, 0.1)
    parts = {
        "show": choice_part("wall", ["wall", "map"]),
        "corners": {"kind": "text", "value": "3 14 15 92"},  # hands: the upper two, the lower two
        "pin": {"kind": "text", "value": "0.5 0.5"},  # the place on the map: across and down, from 0 to 1
    }
    controls = {"seed": seed, "count": count, "digit": digit, "order": order}
    return [View("", shape), View("play", controls, parts)]
