"""Conversion of what visitors and clients send. The functions that use the values check their bounds."""

import functools
import html
import math
import re
import reprlib
from collections.abc import Callable, Iterable

import gradio as gr

from dcgan import InputError
from dcgan.config import ModelConfig
from dcgan.latents.interpolation import Key

ANY = "any"
DIGITS = [ANY, *map(str, range(10))]
MAX_INTEGER = 2**53  # the largest whole number that a browser holds exactly


def sentence(error: InputError) -> str:
    """Return the error's text with a capital letter and a full stop."""
    return str(error)[:1].upper() + str(error)[1:] + "."


def show_input_errors(handler: Callable) -> Callable:
    """Return the handler. It shows an `InputError` to the visitor as a message."""

    @functools.wraps(handler)
    def wrapped(*arguments):
        try:
            return handler(*arguments)
        except InputError as error:
            raise gr.Error(html.escape(sentence(error), quote=False), duration=8, print_exception=False) from None

    return wrapped


def number(value: object, name: str, low: float = -math.inf, high: float = math.inf) -> float:
    """Return a finite number as a float. Raises `InputError` if it is not one, or not from low to high."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= MAX_INTEGER:
        raise InputError(f"{name} is {reprlib.repr(value)}: it must be a number")
    if not low <= value <= high:
        raise InputError(f"{name} is {value}: it must be from {low:g} to {high:g}")
    return float(value)


def whole_number(value: object, name: str, low: float = -math.inf, high: float = math.inf) -> int:
    """Return a whole number, 7.0 too. Raises `InputError` if it is not one, or not from low to high."""
    if value is None:  # an empty field
        raise InputError(f"{name} is empty: it must be a whole number")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= MAX_INTEGER or value % 1:
        raise InputError(f"{name} is {reprlib.repr(value)}: it must be a whole number")
    if not low <= value <= high:
        raise InputError(f"{name} is {int(value)}: it must be from {low} to {high}")
    return int(value)


def one_of(value: object, name: str, allowed: Iterable[str]) -> str:
    """Return the value if it is allowed, else raise `InputError`."""
    allowed = list(allowed)
    if value not in allowed:
        raise InputError(f"{name} is {reprlib.repr(value)}: it must be one of {', '.join(allowed)}")
    return value


def yes_or_no(value: object, name: str) -> bool:
    """Return a truth value. Raises `InputError` for anything else, also for the text "false"."""
    if not isinstance(value, bool):
        raise InputError(f"{name} is {reprlib.repr(value)}: it must be true or false")
    return value


def asked_digit(choice: object) -> int | None:
    """Return the digit of a choice among `DIGITS`, None for any. Raises `InputError` for another choice."""
    if choice is None or str(choice) == ANY:
        return None
    if str(choice) not in DIGITS:
        raise InputError(f"digit is {reprlib.repr(choice)}: it must be any, or 0 to 9")
    return int(choice)


def parse_keys(text: object, name: str) -> list[Key]:
    """Return the hands of a text and the digit asked of each: `15 24:7` gives [("15", None), ("24", 7)].

    Raises `InputError` if it is not a text, or for a wrong digit.
    """
    if not isinstance(text, (str, type(None))):
        raise InputError(f"{name} must be a string of seeds, for example 15 24:7 3")
    keys = []
    for word in re.findall(r"[^\s,;]+", text or ""):
        hand, colon, digit = word.partition(":")
        keys.append((hand, asked_digit(digit) if colon else None))
    return keys


def keys_for(config: ModelConfig, text: str) -> str:
    """Return a text of keys for a model: without the digits if the model knows none."""
    return text if config.num_classes or not isinstance(text, str) else re.sub(r":\d", "", text)
