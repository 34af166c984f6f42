"""Links: the query of the page's address stores a view. Opening the link restores it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape

import gradio as gr

from demo.parts.controls import browser_call
from demo.parts.inputs import MAX_INTEGER

MAX_TEXT = 4096  # characters


@dataclass
class View:
    """A tab that a link can name.

    controls: by their names in a link. render(model name, exact, *values of the controls) returns the picture's HTML.
    """

    name: str
    controls: dict[str, gr.components.Component]
    render: Callable
    picture: gr.HTML
    outer: str | None = None  # the tab that it is in, if any
    sends: bool = False  # whether its picture has buttons that send a hand to another tab
    digits: list[gr.Radio] = field(default_factory=list)  # controls that are hidden for a model without digits
    lists: list[gr.Textbox] = field(default_factory=list)  # texts of keys, like 15 24:7


def copy_link(view_name: str, controls: dict[str, gr.components.Component]) -> None:
    """Add a button that copies the link to the view."""
    button = gr.Button("Copy link", size="sm", elem_classes="copy-link")
    js = browser_call("copyLink", view_name, list(controls))
    button.click(None, list(controls.values()), None, js=js, api_visibility="private")


def read_value(component: gr.components.Component, text: str) -> object:
    """Return the value of a control from a link's text. Raises an exception if the control cannot have it."""
    if isinstance(component, gr.Checkbox):
        return {"true": True, "false": False}[text]
    if isinstance(component, gr.Radio):
        values = {str(value): value for _, value in component.choices}
        return values[text]
    if isinstance(component, gr.Slider):
        value = float(text)
        if not component.minimum <= value <= component.maximum:
            raise ValueError(text)
        steps = round((value - component.minimum) / component.step)
        value = component.minimum + steps * component.step
        return int(value) if float(component.step).is_integer() else round(value, 6)
    if isinstance(component, gr.Number):
        value = int(text)
        if abs(value) > MAX_INTEGER:
            raise ValueError(text)
        return value
    if len(text) > MAX_TEXT:
        raise ValueError(text)
    return text


def restore(
    views: list[View], tabs: dict[str, gr.Tabs], shared: dict[str, gr.components.Component], request: gr.Request
) -> list:
    """Return the name of the link's view and updates for each of `tabs`, of `shared`, and of every view's controls.

    tabs: the page's own under "", those inside a tab under its name.

    A control stays as it is if its value in the link is wrong. A warning names it.
    """
    query = dict(request.query_params)
    view = next((view for view in views if view.name == query.get("tab")), None)
    wrong = [] if view is not None or "tab" not in query else ["tab"]

    def asked(name: str, component: gr.components.Component) -> object:
        if view is None or name not in query:
            return gr.skip()
        try:
            return read_value(component, query[name])
        except (ValueError, KeyError, OverflowError):
            wrong.append(name)
            return gr.skip()

    common = [asked(name, component) for name, component in shared.items()]
    values = [
        asked(name, component) if one is view else gr.skip()
        for one in views
        for name, component in one.controls.items()
    ]
    if wrong:
        told = ", ".join(f"{name}={query[name][:40]}" for name in wrong)
        gr.Warning(escape(f"Some values in this link are invalid and were ignored: {told}."))
    chosen = {} if view is None else {"": view.outer or view.name, view.outer: view.name}
    selected = [gr.Tabs(selected=chosen[name]) if name in chosen else gr.skip() for name in tabs]
    return [view.name if view else "", *selected, *common, *values]
