"""Paths through latent space: between two latents, along key frames, and over a map of four corners."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from dcgan import InputError
from dcgan.config import ModelConfig
from dcgan.data import to_uint8
from dcgan.latents.codes import latent_of
from dcgan.latents.sampling import check_truncation, generate
from dcgan.networks import Generator

Key = tuple[int | str, int | None]  # a key frame: a seed or code, and a digit or None (the hand's own)
MAX_KEYS = 10
EASINGS = ("even", "smooth")


def lerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Return points (N, D) on the straight line from a (D,) to b (D,) at t (N,) in [0, 1]. Exact at both ends."""
    t = t[:, None].to(torch.float64)
    return (a * (1 - t) + b * t).to(a.dtype)


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Return points (N, D) on the great circle from a (D,) to b (D,) at t (N,) in [0, 1] (Shoemake 1985).

    The path stays on the shell where the latents of a high-dimensional Gaussian lie. Exact at both ends.
    """
    cosine = torch.nn.functional.cosine_similarity(a.double(), b.double(), dim=0).clamp(-1, 1)
    if cosine.abs() > 1 - 1e-9:  # (nearly) parallel or opposite: no unique great circle
        return lerp(a, b, t)
    omega, t = torch.acos(cosine), t[:, None].to(torch.float64)
    weight_a, weight_b = torch.sin((1 - t) * omega) / torch.sin(omega), torch.sin(t * omega) / torch.sin(omega)
    return (weight_a * a + weight_b * b).to(a.dtype)


def key_latents(keys: Sequence[Key], config: ModelConfig) -> tuple[Tensor, Tensor | None]:
    """Return the latents (N, latent_dim) and one-hot labels (N, num_classes) of key frames; None if unconditional."""
    latents, digits = zip(*(latent_of(hand, config, digit) for hand, digit in keys), strict=True)
    labels = torch.eye(config.num_classes)[list(digits)] if config.num_classes else None
    return torch.stack(latents), labels


def interpolate(
    generator: Generator,
    keys: Sequence[Key],
    steps: int = 16,
    *,
    closed: bool = False,
    spherical: bool = True,
    easing: str = "even",
    truncation: float = 1.0,
) -> np.ndarray:
    """Return the images (N, C, S, S) uint8 along 2 to 10 key frames, which are among them.

    steps: images from one key frame to the next, both included. closed: return to the first key frame, whose image is
    not repeated; N is keys * (steps - 1) then, else (keys - 1) * (steps - 1) + 1. Labels are interpolated linearly.
    easing: "smooth" slows down at the key frames. Raises `InputError`.
    """
    if not 2 <= len(keys) <= MAX_KEYS:
        raise InputError(f"got {len(keys)} key frames: it must be from 2 to {MAX_KEYS}")
    if steps < 2:
        raise InputError(f"steps is {steps}: it must be at least 2")
    if easing not in EASINGS:
        raise InputError(f"easing is {easing!r}: it must be one of {', '.join(EASINGS)}")
    check_truncation(truncation)
    latents, labels = key_latents(keys, generator.config)
    t = torch.linspace(0, 1, steps, dtype=torch.float64)
    if easing == "smooth":
        t = t * t * (3 - 2 * t)
    legs = [(i, (i + 1) % len(keys)) for i in range(len(keys) - (not closed))]

    def along(points: Tensor, between) -> Tensor:
        path = [between(points[i], points[j], t)[:-1] for i, j in legs]
        return torch.cat(path if closed else [*path, points[-1:]])

    path = along(latents * truncation, slerp if spherical else lerp)
    return to_uint8(generate(generator, path, None if labels is None else along(labels, lerp))).numpy()


def latent_map(generator: Generator, corners: Sequence[Key], size: int) -> tuple[np.ndarray, Tensor, Tensor | None]:
    """Return the map between four corners: images (size * size, C, S, S) uint8 row by row, latents and labels.

    Corners: top left, top right, bottom left, bottom right. Spherical along the left and right edge, then along rows.
    """
    if len(corners) != 4:
        raise InputError(f"got {len(corners)} corners: it must be 4")
    latents, labels = key_latents(corners, generator.config)
    t = torch.linspace(0, 1, size, dtype=torch.float64)

    def spread(points: Tensor, between) -> Tensor:
        left, right = between(points[0], points[2], t), between(points[1], points[3], t)
        return torch.cat([between(a, b, t) for a, b in zip(left, right, strict=True)])

    latents, labels = spread(latents, slerp), None if labels is None else spread(labels, lerp)
    return to_uint8(generate(generator, latents, labels)).numpy(), latents, labels
