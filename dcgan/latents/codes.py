"""A hand is a latent, named by a seed or, where no seed makes it, by a code that holds its numbers.

`z7.AbC…` is the code of a hand that wrote a 7: its latent in steps of 1/32, one byte each, as URL-safe
base64. `z.AbC…` is one of a model without digits. A code is short enough for a link or a text field.
"""

import base64
import binascii

import torch
from torch import Tensor

from dcgan import InputError
from dcgan.config import ModelConfig
from dcgan.latents.sampling import MAX_SEED, check_digit, latent_from_seed

STEP = 1 / 32  # of a latent's numbers: they reach from -4 to 4 - STEP
MAX_CODE = 2048  # characters: longer than the code of the longest latent


def quantise(latents: Tensor) -> Tensor:
    """The nearest latents that a code can hold, same shape, float32."""
    return (latents / STEP).round().clamp(-128, 127).float() * STEP


def encode(latent: Tensor, digit: int | None) -> str:
    """The code of a latent (latent_dim,), quantised, and the digit it wrote (None without digits)."""
    numbers = (quantise(latent) / STEP).to(torch.int8).numpy().tobytes()
    return f"z{'' if digit is None else digit}." + base64.urlsafe_b64encode(numbers).decode().rstrip("=")


def decode(code: str, config: ModelConfig) -> tuple[Tensor, int | None]:
    """The latent (latent_dim,) and the digit of a code. Raises `InputError` if it is not one of this model."""
    head, _, body = code.partition(".")
    try:
        numbers = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        numbers = b""
    if len(code) > MAX_CODE or not numbers or head[:1] != "z" or not (head == "z" or head[1:] in list("0123456789")):
        raise InputError(f"{code[:12]!r}… is no hand's code: it must be as this page wrote it, z7.… or z.…")
    if len(numbers) != config.latent_dim or (head == "z") != (config.num_classes == 0):
        raise InputError(f"the hand {code[:12]}… belongs to another model: it does not fit this one")
    latent = torch.frombuffer(bytearray(numbers), dtype=torch.int8).float() * STEP
    return latent, int(head[1:]) if config.num_classes else None


def latent_of(hand: int | str, config: ModelConfig, digit: int | None = None) -> tuple[Tensor, int | None]:
    """The latent (latent_dim,) of a seed or a code, and the digit: the one asked for, else the hand's own.

    Raises `InputError` for what is neither, and for a digit that the model does not know.
    """
    check_digit(digit, config.num_classes)
    text = str(hand).strip()
    if text[:1] == "z":
        latent, own = decode(text, config)
    elif text.isascii() and text.isdigit() and len(text) <= len(str(MAX_SEED)):
        latent, own = latent_from_seed(int(text), config.latent_dim, config.num_classes)
    else:
        raise InputError(f"{text[:20]!r} names no hand: type a seed, a whole number from 0 to {MAX_SEED}, or a code")
    return latent, own if digit is None else digit
