"""The page: a title, the choice of model, and the tabs."""

from functools import partial

import gradio as gr

from demo import engine
from demo.api import register_endpoint
from demo.links import MAX_TEXT, View, restore
from demo.models import Models
from demo.parts.controls import digit_for, static
from demo.parts.inputs import keys_for
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
MASTHEAD = """
<h1>Handwritten digits that nobody wrote</h1>
<p>A neural network learned from 60,000 handwritten digits and now draws new ones. Each digit comes from a seed: the
same number always gives the same picture. A seed also fixes the handwriting, which this page calls a hand.</p>
"""
ABOUT = {  # whether the model knows digits: what the page says about it
    True: "You can choose the digit.",
    False: "It does not know which digit is which: you cannot choose one, and it cannot write numbers.",
}
QUIET = {"show_progress": "hidden", "api_visibility": "private"}


def send(event: gr.EventData, key_text: str) -> list:
    """Return the updates after a hand is sent to another tab.

    They are for both rows of tabs, the key frames, the hand of Write, and the hand and digit of Directions. The target
    tab checks the hand.
    """
    data = {name: str(event._data.get(name, ""))[:MAX_TEXT] for name in ("target", "hand", "digit")}
    target, hand, digit = data["target"], data["hand"], data["digit"]
    tabs = parts = keys = written = moved = moved_digit = gr.skip()
    if target in ("first", "last"):
        tabs = gr.Tabs(selected="interpolate")
        keys = interpolate.replace_key(key_text, 0 if target == "first" else -1, hand, digit)
    elif target == "write":
        tabs, written = gr.Tabs(selected="write"), hand
    elif target == "directions":
        tabs, parts, moved = gr.Tabs(selected="explore"), gr.Tabs(selected="directions"), hand
        moved_digit = digit or gr.skip()
    return [tabs, parts, keys, written, moved, moved_digit]


def wire(page: gr.Blocks, models: Models, shared: dict, views: list[View], tabs: dict, items: list[gr.Tab]) -> None:
    """Wire the events that concern several views: links, the choice of model, hands sent to another tab."""
    model_name, by_name = shared["model"], {view.name: view for view in views}
    controls = [component for view in views for component in view.controls.values()]
    linked = gr.Textbox(visible=False)

    def restored(request: gr.Request) -> list:
        return restore(views, tabs, shared, request)

    loaded = page.load(restored, None, [linked, *tabs.values(), *shared.values(), *controls], **QUIET)
    digits = [control for view in views for control in view.digits]
    lists = [control for view in views for control in view.lists]

    def fit_digits(name: str, *texts: str) -> list:
        # For a model without digits: hide the digit controls and remove the digits from the texts.
        fitted = [keys_for(models[name].config, text) for text in texts]
        return [gr.Radio(info=ABOUT[models.knows_digits(name)]), *[digit_for(models, name)] * len(digits), *fitted]

    picked = model_name.change(fit_digits, [model_name, *lists], [model_name, *digits, *lists], **QUIET)

    built = {name: entry.model for name, entry in models.entries.items()}

    def render_if_changed(view: View, linked: str, *values) -> str:
        # At load: the linked view, or the first one if its model has been refreshed since the page was built. Without
        # need a late answer could replace what the visitor has asked for by then. The others are drawn when opened.
        refreshed = view is views[0] and models[values[0]] is not built.get(values[0])
        return view.render(*values) if linked == view.name or (not linked and refreshed) else gr.skip()

    for view, item in zip(views, items, strict=True):
        inputs = [*shared.values(), *view.controls.values()]
        loaded.then(partial(render_if_changed, view), [linked, *inputs], view.picture, **QUIET)
        picked.then(view.render, inputs, view.picture, **QUIET)
        if view.name != "yours":  # which would search for the latent again
            item.select(view.render, inputs, view.picture, **QUIET)

    moved = by_name["directions"].controls
    key_text = by_name["interpolate"].controls["keys"]
    targets = [*tabs.values(), key_text, by_name["write"].controls["hand"], moved["hand"], moved["digit"]]
    for view in views:
        if view.sends:
            view.picture.send(send, key_text, targets, **QUIET)


def list_models(models: Models) -> list[dict]:
    """List the models of this page.

    Returns:
        models: for each its name, whether it knows digits, which model is shown, its Hub commit, and its problem if any
    """
    return models.describe()


def build_page(models: Models) -> gr.Blocks:
    """Return the page. Launch it with `launch_options`."""
    choices = models.choices()
    # Files made for clients of the API are deleted after an hour.
    with gr.Blocks(
        title="Handwritten digits that nobody wrote", analytics_enabled=False, delete_cache=(3600, 3600)
    ) as page:
        gr.HTML(MASTHEAD, elem_id="masthead")
        with gr.Row(elem_id="shared"):
            first = choices[0][1]
            info = ABOUT[models.knows_digits(first)]
            model_name = gr.Radio(choices, value=first, label="Model", info=info, elem_id="model", elem_classes="chips")
            exact = gr.Checkbox(False, label="Exact pixels", info="28×28, unsmoothed", elem_id="exact")
        shared = {"model": model_name, "exact": exact}
        views: list[View] = []
        items: list[gr.Tab] = []

        def build_tab(name: str, label: str, module) -> None:
            with gr.Tab(label, id=name) as item:
                views.append(module.build(models, model_name, exact, item))
                items.append(item)

        rows = {}  # each row of tabs, by the name of the tab around it
        with gr.Tabs(elem_id="tabs", overflow_behavior="wrap") as rows[""]:
            for name, (label, content) in TABS.items():
                if not isinstance(content, dict):
                    build_tab(name, label, content)
                    continue
                with gr.Tab(label, id=name) as outer, gr.Tabs() as rows[name]:
                    inner = len(views)
                    for part, (part_label, module) in content.items():
                        build_tab(part, part_label, module)
                first_inside = views[inner]
                inputs = [*shared.values(), *first_inside.controls.values()]
                outer.select(first_inside.render, inputs, first_inside.picture, **QUIET)
        wire(page, models, shared, views, rows, items)
        weights = gr.HTML(models.status(), elem_id="weights")
        page.load(models.status, None, weights, **QUIET)
        gr.Timer(30).tick(models.status, None, weights, **QUIET)
        register_endpoint("models", list_models, models, [], gr.JSON(visible=False, label="models"))
    # Closed to calls that skip the queue and its limits. /gradio_api/call and the clients use the queue.
    page.queue(max_size=64, default_concurrency_limit=2, api_open=False)
    return page


def launch_options(models: Models) -> dict:
    """Return theme, style, routes and limits for `Blocks.launch`."""
    return {
        "theme": build_theme(),
        # Not `css=`: Gradio would scope it to its container, and .dark is outside.
        "head": f"<style>{static('style.css')}</style>\n<script>{static('controls.js')}</script>\n{engine.HEAD}",
        "app_kwargs": {"routes": engine.routes(models)},
        "footer_links": ["api"],
        "enable_monitoring": False,
        "run_history": False,  # its routes would act with the host's own Hugging Face token
        "max_file_size": "5mb",  # of a picture for the endpoint `invert`
        "ssr_mode": False,
    }
