"""Files that are made only when a visitor asks for one. The browser gets them as data URIs."""

import inspect
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dcgan import InputError
from demo.api import asked_model
from demo.models import Models
from demo.parts.inputs import sentence
from demo.parts.pictures import data_uri

MAX_REQUEST = 8192  # characters
# Server functions do not wait in Gradio's queue. Each holds one of the 40 threads that all events share.
encode_slots = threading.Semaphore(2)
admitted = threading.Semaphore(10)  # requests that encode or wait for a slot
PATIENCE = 5.0  # seconds to wait for a slot


@contextmanager
def encode_slot() -> Iterator[None]:
    """Wait for a slot and hold it. Raises `InputError` if too many others wait, or after `PATIENCE` seconds."""
    busy = InputError("the page is busy: try again in a few seconds")
    if not admitted.acquire(blocking=False):
        raise busy
    try:
        if not encode_slots.acquire(timeout=PATIENCE):
            raise busy
        try:
            yield
        finally:
            encode_slots.release()
    finally:
        admitted.release()


def encoder(models: Models, make: Callable[..., tuple[str, bytes, str]]) -> Callable[[str], dict]:
    """Return the server function `encode` of a component.

    It takes a request as JSON, `{"model": name, **params}`, and returns `{"name": file name, "uri": data URI}`, or
    `{"error": sentence}`.

    make(model, **params) -> (file name, content, media type). It must check the params, which anybody may send.
    """

    def answer(request: str) -> dict:
        if not isinstance(request, str) or len(request) > MAX_REQUEST:
            raise InputError("the request is not a JSON text, or too long")
        try:
            params = json.loads(request)
            model_name = params.pop("model")
            inspect.signature(make).bind(None, **params)
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
            raise InputError("the request has wrong parameters") from None
        model = asked_model(models, model_name)
        with encode_slot():
            name, content, media_type = make(model, **params)
        return {"name": name, "uri": data_uri(content, media_type)}

    def encode(request: str) -> dict:
        try:
            return answer(request)
        except InputError as error:
            return {"error": sentence(error)}

    return encode
