"""What a visitor typed, checked on the server; a mistake is answered with a sentence."""

import functools
import html
from collections.abc import Callable

import gradio as gr

from dcgan import InputError

ANY = "any"
DIGITS = [ANY, *map(str, range(10))]


def answer_mistakes(handler: Callable) -> Callable:
    """The handler, its `InputError` shown to the visitor as a sentence."""

    @functools.wraps(handler)
    def answered(*arguments):
        try:
            return handler(*arguments)
        except InputError as error:
            sentence = str(error)[:1].upper() + str(error)[1:] + "."
            raise gr.Error(html.escape(sentence), duration=8, print_exception=False) from None

    return answered


def whole_number(value: float | None, name: str, low: int, high: int) -> int:
    """An emptied number field arrives as None; a client may send anything."""
    if value is None:
        raise InputError(f"{name} is empty: type a whole number from {low} to {high}")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value or value % 1:
        raise InputError(f"{name} is {value!r}: it must be a whole number")
    if not low <= value <= high:
        raise InputError(f"{name} is {int(value)}: it must be from {low} to {high}")
    return int(value)


def asked_digit(choice: str | int | None, num_classes: int) -> int | None:
    """The digit of a choice among `DIGITS`; a model without digits takes only "any"."""
    if choice is None or str(choice) == ANY:
        return None
    if str(choice) not in DIGITS:
        raise InputError(f"digit is {choice!r}: it must be any, or 0 to 9")
    if not num_classes:
        raise InputError("this model does not know digits: leave the digit at any")
    return int(choice)
