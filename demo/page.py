"""The page: a title, the choice of model, and the tabs."""

import json

import gradio as gr

from demo import assets
from demo.api import register_endpoint
from demo.links import View, describe_page, keys_of
from demo.models import Models
from demo.parts.controls import browser_call, static
from demo.preview import TITLE
from demo.tabs import arithmetic, directions, generate, interpolate, training, write, your_digit
from demo.tabs import map as map_tab
from demo.theme import build_theme

TABS = {  # a tab's name in links: its label and its module, or the tabs inside it
    "generate": ("Generate", generate),
    "interpolate": ("Interpolate", interpolate),
    "write": ("Write", write),
    "explore": (
        "Explore",
        {
            "map": ("Map", map_tab),
            "directions": ("Directions", directions),
            "arithmetic": ("Arithmetic", arithmetic),
        },
    ),
    "yours": ("Your digit", your_digit),
    "training": ("Training", training),
}
MASTHEAD = f"""
<h1>{TITLE}</h1>
<p>A neural network learned from 60,000 handwritten digits and now draws new ones, in your browser. Each digit comes
from a seed: the same number always gives the same picture. A seed also fixes the handwriting, which this page calls a
hand.</p>
"""
ABOUT = "This model does not know which digit is which: you cannot choose one, and it cannot write numbers."


def wire(views: list[View], shared: dict, tabs: dict[str, gr.Tabs], items: dict[str, gr.Tab]) -> dict:
    """Wire what happens in the browser when a control or a tab changes. Return the page's description for it."""
    for view in views:
        for name, component in view.controls.items():
            component.elem_id = f"{view.name}-{name}"
    groups = [(list(shared), list(shared.values())), *((keys_of(view), list(view.controls.values())) for view in views)]
    for keys, components in groups:
        if components:
            events = [component.change for component in components]
            gr.on(events, None, components, None, js=browser_call("changed", keys), api_visibility="private")
    for name, item in items.items():
        item.select(None, None, None, js=browser_call("opened", name), api_visibility="private")
    everything = [component for _, components in groups for component in components]
    restore = gr.Button("restore", visible="hidden", elem_id="restore")
    outputs = [*tabs.values(), *everything]
    restore.click(None, None, outputs, js=browser_call("outputs"), api_visibility="private")
    rows = [{"id": row.elem_id, "outer": outer or None} for outer, row in tabs.items()]
    return describe_page(views, shared) | {"tabs": rows, "version": assets.version(), "modules": assets.MODULES}


def list_models(models: Models) -> list[dict]:
    """List the models of this page.

    Returns:
        models: for each its name, whether it knows digits, which model is shown, its Hub commit, and its problem if any
    """
    return models.describe()


def build_page(models: Models) -> gr.Blocks:
    """Return the page. Launch it with `launch_options(page, models)`."""
    choices = models.choices()
    # Files made for clients of the API are deleted after an hour.
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(3600, 3600)) as page:
        gr.HTML(MASTHEAD, elem_id="masthead")
        with gr.Row(elem_id="shared"):
            first = choices[0][1]
            model_name = gr.Radio(choices, value=first, label="Model", elem_id="model", elem_classes="chips")
            exact = gr.Checkbox(False, label="Exact pixels", info="28×28, unsmoothed", elem_id="exact")
        gr.HTML(ABOUT, elem_classes="without-digits note", apply_default_css=False)
        views: list[View] = []
        items: dict[str, gr.Tab] = {}

        def build_tab(name: str, label: str, module) -> None:
            with gr.Tab(label, id=name) as items[name]:
                views.append(module.build(models, model_name, items[name]))

        rows = {}  # each row of tabs, by the name of the tab around it
        with gr.Tabs(elem_id="tabs", overflow_behavior="wrap") as rows[""]:
            for name, (label, content) in TABS.items():
                if not isinstance(content, dict):
                    build_tab(name, label, content)
                    continue
                with gr.Tab(label, id=name) as items[name], gr.Tabs(elem_id=f"{name}-tabs") as rows[name]:
                    for part, (part_label, module) in content.items():
                        build_tab(part, part_label, module)
                        views[-1].outer = name
        page.browser = wire(views, {"model": model_name, "exact": exact}, rows, items)
        gr.HTML(models.status(), elem_id="weights")
        register_endpoint("models", list_models, models, [], gr.JSON(visible=False, label="models"))
    # Closed to calls that skip the queue and its limits. /gradio_api/call and the clients use the queue.
    page.queue(max_size=64, default_concurrency_limit=2, api_open=False)
    return page


def launch_options(page: gr.Blocks, models: Models) -> dict:
    """Return theme, style, scripts, routes and limits for `Blocks.launch`."""
    described = json.dumps(page.browser).replace("<", "\\u003c")
    scripts = [f"window.demo = {{ page: {described} }};", static("state.js"), static("controls.js")]
    return {
        "theme": build_theme(),
        # Not `css=`: Gradio would scope it to its container, and .dark is outside.
        "head": "\n".join([f"<style>{static('style.css')}</style>", *(f"<script>{one}</script>" for one in scripts)]),
        "favicon_path": str(assets.STATIC / "favicon.svg"),
        "app_kwargs": assets.app_options(models),
        "state_session_capacity": 300,  # visitors whose state is kept: an API call without a session is one, too
        "footer_links": ["api"],
        "enable_monitoring": False,
        "run_history": False,  # its routes would act with the host's own Hugging Face token
        "max_file_size": "5mb",  # of a picture for the endpoint `invert`
        "ssr_mode": False,
    }
