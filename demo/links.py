"""Views and their links: the page's address holds the values of the open tab's controls. See `static/state.js`."""

from dataclasses import dataclass, field

import gradio as gr
from gradio.components import Component

from demo.parts.controls import browser_call


@dataclass
class View:
    """A tab that a link can name.

    controls: by their names in a link. parts: what a link also holds without a control, as `describe` returns it.
    outer: the tab that this one is in, if any.
    """

    name: str
    controls: dict[str, Component]
    parts: dict[str, dict] = field(default_factory=dict)
    outer: str | None = None


def describe(component: Component) -> dict:
    """Return what the browser needs to read a control's value from a link."""
    if isinstance(component, gr.Slider):
        bounds = {name: getattr(component, name) for name in ("minimum", "maximum", "step")}
        return {"kind": "slider", "value": component.value, **bounds}
    if isinstance(component, gr.Radio):
        return {"kind": "choice", "value": component.value, "choices": [value for _, value in component.choices]}
    kind = {gr.Checkbox: "check", gr.Number: "number"}.get(type(component), "text")
    return {"kind": kind, "value": component.value}


def describe_page(views: list[View], shared: dict[str, Component]) -> dict:
    """Return the description of all controls for `state.js`: each with its key, and the id of its element."""
    controls = [{"key": name, "id": component.elem_id} | describe(component) for name, component in shared.items()]
    for view in views:
        for name, component in view.controls.items():
            controls.append({"key": f"{view.name}.{name}", "id": component.elem_id} | describe(component))
        controls += [{"key": f"{view.name}.{name}"} | part for name, part in view.parts.items()]
    described = [
        {"name": view.name, "outer": view.outer, "keys": keys_of(view) + [f"{view.name}.{name}" for name in view.parts]}
        for view in views
    ]
    return {"controls": controls, "views": described}


def keys_of(view: View) -> list[str]:
    """Return the keys of a view's controls."""
    return [f"{view.name}.{name}" for name in view.controls]


def copy_link() -> None:
    """Add a button that copies the page's address."""
    button = gr.Button("Copy link", size="sm", elem_classes="copy-link")
    button.click(None, None, None, js=browser_call("copyLink"), api_visibility="private")
