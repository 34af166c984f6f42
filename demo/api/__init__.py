"""The API of the page: named endpoints, which are also the tools of MCP if that is on."""

import functools
import reprlib
from collections.abc import Callable

import gradio as gr
from gradio.components import Component

from dcgan import InputError
from dcgan.model_folder import Model
from demo.models import Models
from demo.parts.inputs import ANY, DIGITS, show_input_errors


def register_endpoint(
    name: str, function: Callable, models: Models, inputs: list[Component], outputs: list[Component] | Component
) -> None:
    """Make `function(models, *inputs)` the endpoint `/name` of the page that is being built.

    Gradio describes the endpoint by the function's docstring: the first lines, "Args:" and "Returns:". The names of the
    function's parameters are those of the endpoint. Gradio passes the values on as they were sent, because it would
    round 2.5 and fail on an empty number. The function checks them.
    """
    endpoint = functools.partial(show_input_errors(function), models)  # its signature lacks `models`
    endpoint.__name__, endpoint.__doc__ = name, function.__doc__
    gr.Button(visible=False).click(endpoint, inputs, outputs, api_name=name, preprocess=False)


def asked_model(models: Models, name: object) -> Model:
    """Return the model with a name that a client sent. Raises `InputError` if the page does not offer it."""
    if not isinstance(name, str) or name not in models.entries:
        offered = ", ".join(models.entries)
        raise InputError(f"there is no model {reprlib.repr(name)} on this page: it must be one of {offered}")
    return models[name]


def digit_choice() -> gr.Radio:
    """Return the parameter `digit` of an endpoint: any, or 0 to 9."""
    return gr.Radio(DIGITS, value=ANY, label="Digit", visible=False)
