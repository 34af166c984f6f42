"""The API of the page: named endpoints, which are also the tools of MCP if that is on."""

import functools
import hashlib
import json
import reprlib
import threading
from collections import OrderedDict
from collections.abc import Callable

import gradio as gr
from gradio.components import Component
from PIL import Image

from dcgan import InputError
from dcgan.model_folder import Model
from demo.models import Models
from demo.parts.files import ClientFile, png_file
from demo.parts.inputs import ANY, DIGITS, show_input_errors
from demo.parts.work import work_while
from demo.server import HEAVY, QUICK, visitor_waits

MAX_KEPT, MAX_KEPT_BYTES = 256, 40_000  # answers, and the bytes of one answer's files


class Answers:
    """The last answers of endpoints whose answer depends on the model and the values alone."""

    def __init__(self):
        self.kept: OrderedDict[tuple, list] = OrderedDict()
        self.lock = threading.Lock()

    def get(self, key: tuple, make: Callable[[], list]) -> list:
        """Return the answer for a key. It is made if it is not kept."""
        with self.lock:
            if key in self.kept:
                self.kept.move_to_end(key)
                return self.kept[key]
        answer = make()
        if sum(len(part.content) for part in answer if isinstance(part, ClientFile)) <= MAX_KEPT_BYTES:
            with self.lock:
                self.kept[key] = answer
                while len(self.kept) > MAX_KEPT:
                    self.kept.popitem(last=False)
        return answer


answers = Answers()


def register_endpoint(
    name: str,
    function: Callable,
    models: Models,
    inputs: list[Component],
    outputs: list[Component] | Component,
    heavy: bool = False,
    keep: bool = False,
) -> None:
    """Make `function(models, *inputs)` the endpoint `/name` of the page that is being built.

    Gradio describes the endpoint by the function's docstring: the first lines, "Args:" and "Returns:". The names of the
    function's parameters are those of the endpoint. It gets the values as they were sent and checks them. It returns
    for each output a JSON value, a picture, which is sent as a PNG file, or a `ClientFile`.

    heavy: whether a call can take a second. keep: whether equal values for the same weights have equal answers, so that
    the last ones are kept; the first value is the model's name.
    """
    several = isinstance(outputs, list)

    @functools.wraps(function)
    def endpoint(models: Models, *values):
        def make() -> list:
            made = work_while(visitor_waits(), functools.partial(function, models, *values))
            return [png_file(part) if isinstance(part, Image.Image) else part for part in (made if several else [made])]

        if keep:
            model = asked_model(models, values[0])
            asked = hashlib.sha256(json.dumps(values).encode()).digest()
            parts = answers.get((name, model.name, model.commit, model.folder, asked), make)
        else:
            parts = make()
        sent = [part.write() if isinstance(part, ClientFile) else part for part in parts]
        return sent if several else sent[0]

    shown = functools.partial(show_input_errors(endpoint), models)  # its signature lacks `models`
    shown.__name__, shown.__doc__ = name, function.__doc__
    gr.Button(visible=False).click(
        shown,
        inputs,
        outputs,
        api_name=name,
        preprocess=False,
        postprocess=False,
        concurrency_id=name,
        concurrency_limit=HEAVY if heavy else QUICK,
    )


def asked_model(models: Models, name: object) -> Model:
    """Return the model with a name that a client sent. Raises `InputError` if the page does not offer it."""
    if not isinstance(name, str) or name not in models.entries:
        offered = ", ".join(models.entries)
        raise InputError(f"there is no model {reprlib.repr(name)} on this page: it must be one of {offered}")
    return models[name]


def digit_choice() -> gr.Radio:
    """Return the parameter `digit` of an endpoint: any, or 0 to 9."""
    return gr.Radio(DIGITS, value=ANY, label="Digit", visible=False)
