"""The page: a title, the bar of the current handwriting, and five tabs that use it."""

import json

import gradio as gr

from demo import assets
from demo.api import arithmetic, directions, font, generate, interpolate, invert, register_endpoint, training
from demo.api import map as map_endpoint
from demo.api import write as write_endpoint
from demo.links import View, describe_page, key_of, keys_of
from demo.models import Models, bundled_models
from demo.parts.controls import browser_call, browser_view, static
from demo.parts.downloads import encoder
from demo.parts.pictures import FIRST_SEED
from demo.preview import TITLE
from demo.server import PublicPage
from demo.tabs import draw, learned, morph, play, write
from demo.theme import build_theme

ENDPOINTS = (generate, interpolate, write_endpoint, map_endpoint, directions, arithmetic, invert, font, training)
TABS = {"play": "Play", "write": "Write", "morph": "Morph", "draw": "Draw", "learned": "How it learned"}
MASTHEAD = f"<h1>{TITLE}</h1><p>A small neural network wrote these, after seeing 60,000 real ones.</p>"


def wire(views: list[View], items: dict[str, gr.Tab]) -> dict:
    """Wire what happens in the browser when a control or a tab changes. Return the page's description for it."""
    everything = []
    for view in views:
        for name, component in view.controls.items():
            component.elem_id = key_of(view, name).replace(".", "-")
        components = list(view.controls.values())
        everything += components
        if components:
            events = [component.change for component in components]
            gr.on(events, None, components, None, js=browser_call("changed", keys_of(view)), api_visibility="private")
    tabs = next(iter(items.values())).parent
    restore = gr.Button("restore", visible="hidden", elem_id="restore")
    restore.click(None, None, [tabs, *everything], js=browser_call("outputs"), api_visibility="private")
    modules = [name for name in assets.MODULES if name not in assets.LATER]
    begin = {"play.seed": FIRST_SEED, "hand": str(FIRST_SEED)}
    scripts = {"version": assets.version(), "modules": modules}
    return describe_page(views) | {"begin": begin, "tabs": tabs.elem_id} | scripts


def list_models(models: Models) -> list[dict]:
    """List the models of this page.

    Returns:
        models: for each its name, whether it knows digits, which model is shown, its Hub commit, and its problem if any
    """
    return models.describe()


def build_page(models: Models) -> gr.Blocks:
    """Return the page. Launch it with `launch_options(page, models)`."""
    choices = models.choices()
    first = choices[0][1]
    with PublicPage(title=TITLE, analytics_enabled=False) as page:
        gr.HTML(MASTHEAD, elem_id="masthead")
        model_name = gr.Radio(choices, value=first, label="Model", elem_classes="chips", render=False)
        exact = gr.Checkbox(False, label="Exact pixels", render=False)
        if len(choices) > 1 and set(models.entries) - set(bundled_models()):
            model_name.render()  # a host's own models are what the page is about
        browser_view("hand", play.first_hand(models[first]), [encoder(models, font.font_file)])
        items: dict[str, gr.Tab] = {}
        views: list[View] = []
        with gr.Tabs(elem_id="tabs", overflow_behavior="wrap"):
            for name, label in TABS.items():
                items[name] = gr.Tab(label, id=name)
            with items["play"]:
                views += play.build(models, first)
            with items["write"]:
                views.append(write.build())
            with items["morph"]:
                views.append(morph.build(models))
            with items["draw"]:
                views.append(draw.build())
            with items["learned"]:
                views.append(learned.build(models, model_name, exact, items["learned"]))
        shared = views[0]  # what belongs to all tabs
        shared.controls = {"model": model_name, "exact": exact} | shared.controls
        shared.parts["hand"] = {"kind": "text", "value": "0"}
        page.browser = wire(views, items)
        gr.HTML(models.status(), elem_id="weights")
        register_endpoint("models", list_models, models, [], gr.JSON(visible=False, label="models"))
        for module in ENDPOINTS:
            module.register(models, model_name)
    # Closed to calls that skip the queue and its limits. /gradio_api/call and the clients use the queue.
    page.queue(max_size=1000, api_open=False)  # each endpoint has limits of its own
    return page


def style() -> str:
    """Return the page's style, for all tabs."""
    return "\n".join(
        [static("style.css"), *(path.read_text("utf-8") for path in sorted(assets.STATIC.glob("views/*.css")))]
    )


def launch_options(page: gr.Blocks, models: Models) -> dict:
    """Return theme, style, scripts, routes and limits for `Blocks.launch`."""
    described = json.dumps(page.browser).replace("<", "\\u003c")
    scripts = [f"window.demo = {{ page: {described} }};", static("state.js")]
    return {
        "theme": build_theme(),
        # Not `css=`: Gradio would scope it to its container, and .dark is outside.
        "head": "\n".join([f"<style>{style()}</style>", *(f"<script>{one}</script>" for one in scripts)]),
        "favicon_path": str(assets.STATIC / "favicon.svg"),
        "app_kwargs": assets.app_options(models),
        "state_session_capacity": 300,  # visitors whose state is kept: an API call without a session is one, too
        "footer_links": ["api"],
        "enable_monitoring": False,
        "run_history": False,  # its routes would act with the host's own Hugging Face token
        "max_file_size": "5mb",  # of a picture for the endpoint `invert`
        "ssr_mode": False,
    }
