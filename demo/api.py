"""What a program can ask of the page: named endpoints, which are also the tools of MCP where that is on."""

import functools
from collections.abc import Callable

import gradio as gr
from gradio.components import Component

from demo.models import Models
from demo.parts.inputs import show_input_errors


def register_endpoint(
    name: str, function: Callable, models: Models, inputs: list[Component], outputs: list[Component] | Component
) -> None:
    """Make `function(models, *inputs)` the endpoint `/name` of the page that is being built.

    The function's docstring describes it: Gradio reads its first lines, "Args:" and "Returns:". Its
    parameters' names are the endpoint's. Values arrive as they were sent and the function checks them all:
    Gradio would round 2.5 and answer an empty number without a sentence.
    """
    endpoint = functools.update_wrapper(functools.partial(show_input_errors(function), models), function)
    endpoint.__name__ = name  # MCP calls the tool so
    del endpoint.__wrapped__  # its signature has `models`, which nobody sends
    gr.Button(visible=False).click(endpoint, inputs, outputs, api_name=name, preprocess=False)
