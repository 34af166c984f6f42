"""Codes: a latent as a short text, for a hand (a latent vector, one handwriting) that no seed gives.

`z7.AbC…` is the code of a latent and the digit 7: its numbers in steps of 1/32, one byte each, as URL-safe base64.
`z.AbC…` belongs to an unconditional model.
"""

import base64
import binascii

import torch
from torch import Tensor

from dcgan import InputError
from dcgan.config import ModelConfig
from dcgan.latents.sampling import MAX_SEED, check_digit, latent_from_seed

STEP = 1 / 32  # resolution; the numbers reach from -4 to 4 - STEP
MAX_CODE = 2048  # characters; the code of the longest latent is shorter


def quantise(latents: Tensor) -> Tensor:
    """Return the nearest latents that a code can hold, float32, same shape."""
    return (latents / STEP).round().clamp(-128, 127).float() * STEP


def encode(latent: Tensor, digit: int | None) -> str:
    """Return the code of a latent (latent_dim,), which is quantised, and of its digit (None if unconditional)."""
    numbers = (quantise(latent) / STEP).to(torch.int8).numpy().tobytes()
    return f"z{'' if digit is None else digit}." + base64.urlsafe_b64encode(numbers).decode().rstrip("=")


def decode(code: str, config: ModelConfig) -> tuple[Tensor, int | None]:
    """Return the latent (latent_dim,) and the digit of a code. Raises `InputError` if it does not fit the model."""
    head, _, body = code.partition(".")
    try:
        numbers = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        numbers = b""
    if len(code) > MAX_CODE or not numbers or head[:1] != "z" or not (head == "z" or head[1:] in list("0123456789")):
        raise InputError(f"{code[:12]!r}… is not a code: codes look like z7.… or z.…")
    if len(numbers) != config.latent_dim or (head == "z") != (config.num_classes == 0):
        raise InputError(f"the code {code[:12]}… is incomplete or belongs to another model")
    latent = torch.frombuffer(bytearray(numbers), dtype=torch.int8).float() * STEP
    return latent, int(head[1:]) if config.num_classes else None


def latent_of(hand: int | str, config: ModelConfig, digit: int | None = None) -> tuple[Tensor, int | None]:
    """Return the latent (latent_dim,) of a seed or a code, and `digit` or else the hand's own. Raises `InputError`."""
    check_digit(digit, config.num_classes)
    text = str(hand).strip()
    if text[:1] == "z":
        latent, own = decode(text, config)
    elif text.isascii() and text.isdigit() and len(text) <= len(str(MAX_SEED)):
        latent, own = latent_from_seed(int(text), config.latent_dim, config.num_classes)
    else:
        raise InputError(f"{text[:20]!r} is not a hand: type a seed (0 to {MAX_SEED}) or a code")
    return latent, own if digit is None else digit
