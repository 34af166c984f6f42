"""What a visitor typed, checked on the server; a mistake is answered with a sentence."""

import functools
import html
import re
import reprlib
from collections.abc import Callable, Iterable

import gradio as gr

from dcgan import InputError
from dcgan.config import ModelConfig
from dcgan.latents.codes import latent_of
from dcgan.latents.interpolation import Key

ANY = "any"
DIGITS = [ANY, *map(str, range(10))]


def sentence(error: InputError) -> str:
    """Return the error's text with a capital letter and a full stop."""
    return str(error)[:1].upper() + str(error)[1:] + "."


def show_input_errors(handler: Callable) -> Callable:
    """Return the handler. It shows an `InputError` to the visitor as a message."""

    @functools.wraps(handler)
    def answered(*arguments):
        try:
            return handler(*arguments)
        except InputError as error:
            raise gr.Error(html.escape(sentence(error), quote=False), duration=8, print_exception=False) from None

    return answered


def ignore_input_errors(handler: Callable) -> Callable:
    """The handler for what is still being typed: half a word leaves the picture as it is."""

    @functools.wraps(handler)
    def answered(*arguments):
        try:
            return handler(*arguments)
        except InputError:
            return gr.skip()

    return answered


def number(value: float | None, name: str, low: float, high: float) -> float:
    """A number from low to high, both included. A client may send anything, or nothing at all."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise InputError(f"{name} is {reprlib.repr(value)}: it must be a number from {low:g} to {high:g}")
    return float(value)


def whole_number(value: float | None, name: str, low: int, high: int) -> int:
    """An emptied number field arrives as None; a client may send anything."""
    if value is None:
        raise InputError(f"{name} is empty: type a whole number from {low} to {high}")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value or value % 1:
        raise InputError(f"{name} is {reprlib.repr(value)}: it must be a whole number")
    if not low <= value <= high:
        raise InputError(f"{name} is {reprlib.repr(int(value))}: it must be from {low} to {high}")
    return int(value)


def one_of(value: str, name: str, allowed: Iterable[str]) -> str:
    """One of the words that are allowed."""
    allowed = list(allowed)
    if value not in allowed:
        raise InputError(f"{name} is {reprlib.repr(value)}: it must be one of {', '.join(allowed)}")
    return value


def yes_or_no(value: bool, name: str) -> bool:
    """True or false; the text "false" is neither."""
    if not isinstance(value, bool):
        raise InputError(f"{name} is {reprlib.repr(value)}: it must be true or false")
    return value


def asked_digit(choice: str | int | None, num_classes: int) -> int | None:
    """The digit of a choice among `DIGITS`; a model without digits takes only "any"."""
    if choice is None or str(choice) == ANY:
        return None
    if str(choice) not in DIGITS:
        raise InputError(f"digit is {reprlib.repr(choice)}: it must be any, or 0 to 9")
    if not num_classes:
        raise InputError("this model does not know digits: leave the digit at any")
    return int(choice)


def words_of(text: str | None) -> list[str]:
    """`15 24:7, 3` -> ["15", "24:7", "3"]."""
    return re.findall(r"[^\s,;]+", text or "")


def keys(text: str | None, name: str, low: int, high: int, config: ModelConfig) -> list[Key]:
    """`15 24:7 3` -> [(15, None), (24, 7), (3, None)]: hands, each with the digit asked of it if it names one.

    Every one is checked against the model; between `low` and `high` of them.
    """
    if not isinstance(text, (str, type(None))):
        raise InputError(f"{name}: it must be a text of seeds, like 15 24:7 3")
    words = words_of(text)
    if not low <= len(words) <= high:
        asked = f"{low}" if low == high else f"{low} to {high}"
        raise InputError(f"{name}: there are {len(words)}, and it must be {asked}, like 15 24:7 3")
    found = []
    for word in words:
        hand, colon, digit = word.partition(":")
        key = (hand, asked_digit(digit, config.num_classes) if colon else None)
        latent_of(key[0], config, key[1])
        found.append(key)
    return found


def digit_or_any(config: ModelConfig, digit: str) -> str:
    """A digit control's choice for a model: any where it knows none.

    A control that was just hidden may still hold a digit, which is nobody's wish.
    """
    return digit if config.num_classes else ANY


def fitting_list(config: ModelConfig, text: str) -> str:
    """A text like `15 24:7` for a model: `15 24` where it knows no digits."""
    return text if config.num_classes or not isinstance(text, str) else re.sub(r":\d", "", text)
