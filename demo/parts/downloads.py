"""Files that are made only when a visitor asks for them: the page's buttons get them as data URIs."""

import inspect
import json
import reprlib
import threading
from collections.abc import Callable

from dcgan import InputError
from dcgan.model_folder import Model
from demo.models import Models
from demo.parts.pictures import data_uri

MAX_REQUEST = 8192
AT_ONCE = threading.Semaphore(2)  # a server function does not wait in Gradio's queue


def encoder(models: Models, make: Callable[..., tuple[str, bytes, str]]) -> Callable[[str], tuple[str, str]]:
    """The server function `encode` of a component: a request as JSON -> (file name, data URI). It raises
    `InputError` for any other request.

    make(model, **wishes) -> (file name, content, media type). The wishes come from anybody: `make`
    checks them as it would a visitor's.
    """

    def encode(request: str) -> tuple[str, str]:
        if not isinstance(request, str) or len(request) > MAX_REQUEST:
            raise InputError("the request is no JSON text")
        try:
            wishes = json.loads(request)
            name = wishes.pop("model")
            inspect.signature(make).bind(None, **wishes)
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
            raise InputError("the request asks for no file of this page") from None
        model = asked_model(models, name)
        with AT_ONCE:
            name, content, media_type = make(model, **wishes)
        return name, data_uri(content, media_type)

    return encode


def asked_model(models: Models, name: object) -> Model:
    """The model of a name that anybody may have sent. Raises `InputError` if the page does not offer it."""
    if not isinstance(name, str) or name not in models.entries:
        offered = ", ".join(models.entries)
        raise InputError(f"there is no model {reprlib.repr(name)} on this page: it must be one of {offered}")
    return models[name]
