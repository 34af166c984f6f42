"""Views and their links: the page's address holds the values of the open tab's controls. See `static/state.js`."""

from dataclasses import dataclass, field

import gradio as gr
from gradio.components import Component

# Tabs of earlier links. tab: the tab that has replaced it. values: what such a link means where it names no value.
# names: old names of values, and the new ones.
OLD_TABS = {
    "play": {"names": {"open": "hand"}},  # links to the first tab have no name of it
    "generate": {"tab": "play", "names": {"open": "hand"}},
    "map": {"tab": "play", "values": {"play.show": "map", "play.digit": "8"}, "names": {"at": "pin"}},
    "directions": {"tab": "play", "values": {"hand": "5"}},
    "interpolate": {"tab": "morph"},
    "arithmetic": {"tab": "learned"},
    "yours": {"tab": "draw"},
    "training": {"tab": "learned"},
}


@dataclass
class View:
    """A tab that a link can name.

    controls: by their names in a link. parts: what a link also holds without a control of Gradio's, as `describe`
    returns it.
    """

    name: str
    controls: dict[str, Component]
    parts: dict[str, dict] = field(default_factory=dict)


def slider_part(value: float, minimum: float, maximum: float, step: float) -> dict:
    """Return a part of a link that is a number."""
    return {"kind": "slider", "value": value, "minimum": minimum, "maximum": maximum, "step": step}


def choice_part(value: str, choices: list[str]) -> dict:
    """Return a part of a link that is one of some texts."""
    return {"kind": "choice", "value": value, "choices": choices}


def describe(component: Component) -> dict:
    """Return what the browser needs to read a control's value from a link."""
    if isinstance(component, gr.Slider):
        return slider_part(component.value, component.minimum, component.maximum, component.step)
    if isinstance(component, gr.Radio):
        return choice_part(component.value, [value for _, value in component.choices])
    kind = {gr.Checkbox: "check", gr.Number: "number"}.get(type(component), "text")
    return {"kind": kind, "value": component.value}


def keys_of(view: View) -> list[str]:
    """Return the keys of a view's controls. Those of the view without a name belong to all tabs."""
    return [key_of(view, name) for name in view.controls]


def key_of(view: View, name: str) -> str:
    return f"{view.name}.{name}" if view.name else name


def describe_page(views: list[View]) -> dict:
    """Return the description of all controls for `state.js`: each with its key, and the id of its element.

    The first view holds what belongs to all tabs, and has no name.
    """
    controls = []
    for view in views:
        for name, component in view.controls.items():
            controls.append({"key": key_of(view, name), "id": component.elem_id} | describe(component))
        controls += [{"key": key_of(view, name)} | part for name, part in view.parts.items()]
    shared, *tabs = ([*keys_of(view), *(key_of(view, name) for name in view.parts)] for view in views)
    described = [{"name": view.name, "keys": keys} for view, keys in zip(views[1:], tabs, strict=True)]
    return {"controls": controls, "shared": shared, "views": described, "old": OLD_TABS}
