"""Gradio's components as plain HTML: form elements with the same names, kinds, ranges, defaults and texts.

The page of plain files (demo/plain_page.py) is made of them, so a control added to a tab appears there, too.
`static/plain/controls.js` connects them to the page's state.
"""

from collections.abc import Callable, Iterable
from html import escape

import gradio as gr
from gradio.blocks import Block, BlockContext
from gradio.components.api_component import Api
from gradio.layouts.form import Form


def attributes(**values: object) -> str:
    """Return HTML attributes. A value of False or None leaves one out, True gives it no value."""
    parts = []
    for name, value in values.items():
        if value is not None and value is not False:
            name = name.rstrip("_").replace("_", "-")
            parts.append(f" {name}" if value is True else f' {name}="{escape(str(value))}"')
    return "".join(parts)


def element(name: str, content: str = "", **values: object) -> str:
    return f"<{name}{attributes(**values)}>{content}</{name}>"


def classes(block: Block, *more: str) -> str | None:
    return " ".join([*more, *(getattr(block, "elem_classes", None) or [])]) or None


def explanation(component) -> str:
    return element("span", escape(component.info), class_="info") if component.info else ""


def slider(control: gr.Slider) -> str:
    """Return a slider. An explanation like "hairline … bold" names its two ends, as on the page with Gradio."""
    name = f"{control.elem_id}-input"
    low, dots, high = (control.info or "").partition(" … ")
    bounds = {"min": control.minimum, "max": control.maximum, "step": control.step, "value": control.value}
    line = f"<input{attributes(type='range', id=name, **bounds)}>"
    ends = (element("span", escape(low)), element("span", escape(high))) if dots else ("", "")
    head = element("label", escape(control.label), for_=name) + element("output", f"{control.value:g}", for_=name)
    note = "" if dots else explanation(control)
    return element("div", head, class_="head") + note + element("div", line.join(ends), class_="slider_input_container")


def radio(control: gr.Radio) -> str:
    options = []
    for title, value in control.choices:
        box = attributes(type="radio", name=control.elem_id, value=value, checked=value == control.value)
        options.append(element("label", f"<input{box}>{element('span', escape(str(title)))}"))
    return (
        element("legend", escape(control.label))
        + explanation(control)
        + element("div", "".join(options), class_="wrap")
    )


def checkbox(control: gr.Checkbox) -> str:
    box = f"<input{attributes(type='checkbox', checked=bool(control.value))}>"
    return element("label", box + element("span", escape(control.label))) + explanation(control)


def number(control: gr.Number) -> str:
    box = f"<input{attributes(type='number', step=control.step, value=control.value)}>"
    return element("label", element("span", escape(control.label)) + explanation(control) + box)


def textbox(control: gr.Textbox) -> str:
    settings = attributes(rows=control.lines, placeholder=control.placeholder, spellcheck="false")
    box = f"<textarea{settings}>{escape(control.value or '')}</textarea>"
    return element("label", element("span", escape(control.label)) + explanation(control) + box)


CONTROLS: dict[type, tuple[str, Callable]] = {  # component: (the element around it, what is in it)
    gr.Slider: ("div", slider),
    gr.Radio: ("fieldset", radio),
    gr.Checkbox: ("div", checkbox),
    gr.Number: ("div", number),
    gr.Textbox: ("div", textbox),
}


def tabs(block: gr.Tabs) -> str:
    """Return the tabs: a list of buttons, and a panel for each. The style shows the panel of the open one."""
    items = [child for child in block.children if isinstance(child, gr.Tab)]
    buttons = [
        element(
            "button",
            escape(tab.label),
            type="button",
            role="tab",
            id=f"tab-{tab.id}-button",
            data_tab_id=tab.id,
            aria_controls=f"tab-{tab.id}",
            aria_selected="true" if tab is items[0] else "false",
        )
        for tab in items
    ]
    panels = [
        element(
            "div",
            render(tab.children),
            id=f"tab-{tab.id}",
            class_="tabitem",
            role="tabpanel",
            aria_labelledby=f"tab-{tab.id}-button",
        )
        for tab in items
    ]
    names = element("div", "".join(buttons), class_="tab-container", role="tablist")
    return element("div", names + "".join(panels), id=block.elem_id)


def one(block: Block) -> str:
    """Return a component, or a layout with all that is in it, as HTML. Raises `TypeError` for one of another kind."""
    kind, name = type(block), block.elem_id
    if kind is Api or block.visible is False:
        return ""
    if kind in CONTROLS:
        tag, content = CONTROLS[kind]
        return element(tag, content(block), id=name, class_=classes(block, "block"))
    if kind is gr.HTML:
        return element("div", block.value or "", id=name, class_=classes(block, "prose"))
    if kind is gr.Button:
        hidden = block.visible == "hidden"
        return element("button", escape(block.value), type="button", id=name, class_=classes(block), hidden=hidden)
    if kind is gr.Tabs:
        return tabs(block)
    if kind is gr.Accordion:
        content = element("summary", escape(block.label)) + render(block.children)
        return element("details", content, id=name, class_=classes(block, "accordion"), open=block.open)
    if kind in (gr.Row, gr.Column):
        return element("div", render(block.children), id=name, class_=classes(block, kind.__name__.lower()))
    if kind is Form:
        return render(block.children)
    raise TypeError(f"plain HTML has nothing for a {kind.__name__}: add it to demo/plain_html.py")


def render(blocks: Iterable[Block] | BlockContext) -> str:
    """Return components and layouts as HTML, in their order."""
    return "".join(one(block) for block in blocks)
