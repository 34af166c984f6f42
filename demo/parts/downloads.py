"""Files that are made only when a visitor asks for one. The browser gets them as data URIs."""

import asyncio
import inspect
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import gradio as gr

from dcgan import InputError
from demo.api import asked_model
from demo.models import Models
from demo.parts.inputs import sentence
from demo.parts.pictures import data_uri
from demo.parts.work import work_while

MAX_REQUEST = 8192  # characters
# Server functions do not wait in Gradio's queue, so they wait here, without a thread.
encode_slots = threading.Semaphore(2)
admitted = threading.Semaphore(10)  # requests that encode or wait for a slot
PATIENCE = 5.0  # seconds to wait for a slot
LOOK_SECONDS = 0.1  # between two looks whether a slot is free, and whether the visitor is still there


@asynccontextmanager
async def encode_slot(visitor: gr.Request) -> AsyncIterator[None]:
    """Wait for a slot and hold it. Raises `InputError` if too many others wait, or after `PATIENCE` seconds."""
    busy, end = InputError("the page is busy: try again in a few seconds"), time.monotonic() + PATIENCE
    if not admitted.acquire(blocking=False):
        raise busy
    try:
        while not encode_slots.acquire(blocking=False):
            if time.monotonic() > end or await visitor.is_disconnected():
                raise busy
            await asyncio.sleep(LOOK_SECONDS)
        try:
            yield
        finally:
            encode_slots.release()
    finally:
        admitted.release()


async def in_thread(work: Callable, visitor: gr.Request):
    """Return `work()`, done in a thread. It ends at its next `check` when the visitor is gone."""
    gone = threading.Event()
    task = asyncio.create_task(asyncio.to_thread(work_while, lambda: not gone.is_set(), work))
    while not (await asyncio.wait({task}, timeout=LOOK_SECONDS))[0]:
        if await visitor.is_disconnected():
            gone.set()
    return task.result()


def encoder(models: Models, make: Callable[..., tuple[str, bytes, str]]) -> Callable:
    """Return the server function `encode` of a component.

    It takes a request as JSON, `{"model": name, **params}`, and returns `{"name": file name, "uri": data URI}`, or
    `{"error": sentence}`.

    make(model, **params) -> (file name, content, media type). It must check the params, which anybody may send.
    """

    async def answer(request: str, visitor: gr.Request) -> dict:
        if not isinstance(request, str) or len(request) > MAX_REQUEST:
            raise InputError("the request is not a JSON text, or too long")
        try:
            params = json.loads(request)
            model_name = params.pop("model")
            inspect.signature(make).bind(None, **params)
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
            raise InputError("the request has wrong parameters") from None
        model = asked_model(models, model_name)
        async with encode_slot(visitor):
            name, content, media_type = await in_thread(partial(make, model, **params), visitor)
        return {"name": name, "uri": data_uri(content, media_type)}

    async def encode(request: str, visitor: gr.Request) -> dict:
        try:
            return await answer(request, visitor)
        except InputError as error:
            return {"error": sentence(error)}

    return encode
