"""Files that are made only when a visitor asks for them: the page's buttons get them as data URIs."""

import json
import threading
from collections.abc import Callable

from dcgan import InputError
from dcgan.folder import Model
from demo.models import Models
from demo.pictures import data_uri

MAX_REQUEST = 8192
AT_ONCE = threading.Semaphore(2)  # a server function does not wait in Gradio's queue


def encoder(models: Models, make: Callable[..., tuple[str, bytes, str]]) -> Callable[[str], tuple[str, str]]:
    """The server function `encode` of a component: a request as JSON -> (file name, data URI).

    make(model, **wishes) -> (file name, content, media type). The wishes come from anybody: `make`
    checks them as it would a visitor's.
    """

    def encode(request: str) -> tuple[str, str]:
        if not isinstance(request, str) or len(request) > MAX_REQUEST:
            raise InputError("the request is no JSON text")
        wishes = json.loads(request)
        with AT_ONCE:
            name, content, media_type = make(asked_model(models, wishes.pop("model")), **wishes)
        return name, data_uri(content, media_type)

    return encode


def asked_model(models: Models, name: object) -> Model:
    if name not in models.entries:
        raise InputError(f"there is no model {str(name)[:40]!r} on this page")
    return models[name]
