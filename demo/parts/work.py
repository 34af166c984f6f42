"""Heavy work ends when its visitor is gone, or after a time limit."""

import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import TypeVar

from dcgan import InputError

SECONDS = 30.0  # that one piece of work may take
T = TypeVar("T")
wanted: ContextVar[Callable[[], bool]] = ContextVar("wanted", default=lambda: True)


def work_while(still_wanted: Callable[[], bool], work: Callable[[], T]) -> T:
    """Return `work()`. Its next call of `check` ends it if it is not wanted any more or takes too long."""
    end = time.monotonic() + SECONDS
    token = wanted.set(lambda: still_wanted() and time.monotonic() < end)
    try:
        return work()
    finally:
        wanted.reset(token)


def check() -> None:
    """End work that nobody waits for any more, or that takes too long, with an `InputError`."""
    if not wanted.get()():
        raise InputError("this took too long: try again, or ask for less")
