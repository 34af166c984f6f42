"""From a drawing to the latent that draws it best, by optimisation: a GAN has no encoder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from dcgan import InputError
from dcgan.data import to_float, to_model_size, to_uint8
from dcgan.latents.codes import quantise
from dcgan.latents.sampling import check_digit, generate, to_28x28
from dcgan.networks import Generator

INK = 40  # a pixel of at least this value (of 255) counts as ink
STARTS, RESTARTS, STEPS = 256, 8, 100
LEARNING_RATE = 0.15
PRIOR = 0.002  # weight of the latent's mean square, which keeps it near the digits of training


@dataclass(frozen=True)
class Inversion:
    """The best latent (latent_dim,), quantised as for a code; its digit (None if unconditional); its image (28, 28)
    uint8; the root mean square error of its pixels, 0 to 255."""

    latent: Tensor
    digit: int | None
    image: np.ndarray
    error: float


def normalise_drawing(drawing: np.ndarray) -> np.ndarray:
    """Return a drawing (H, W) uint8, white on black, as (28, 28) uint8 in MNIST's layout.

    The ink is scaled to fit 20x20 pixels, and its centre of mass is moved to the centre of 28x28 (LeCun et al. 1998,
    section III.A). Raises `InputError` if there is no ink.
    """
    rows, columns = (np.flatnonzero((drawing >= INK).any(axis=axis)) for axis in (1, 0))
    if len(rows) == 0:
        raise InputError("the drawing is empty: draw a digit first")
    ink = drawing[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = 20 / max(ink.shape)
    size = tuple(max(1, round(length * scale)) for length in reversed(ink.shape))  # (width, height)
    method = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    small = np.asarray(Image.fromarray(ink).resize(size, method))
    if not small.any():
        raise InputError("the drawing is too thin to see at 28x28 pixels: draw with a thicker pen")
    mass = small.astype(np.float64)
    top, left = (
        int(np.clip(round(13.5 - (mass.sum(axis=1 - axis) @ np.arange(length)) / mass.sum()), 0, 28 - length))
        for axis, length in enumerate(small.shape)
    )
    picture = np.zeros((28, 28), np.uint8)
    picture[top : top + small.shape[0], left : left + small.shape[1]] = small
    return picture


def difference(images: Tensor, target: Tensor) -> Tensor:
    """Return the mean square differences (N,) of images (N, C, S, S) to a target (1, C, S, S).

    Pixels and 4x4 block averages count alike: the blocks give a gradient between strokes that do not overlap.
    """
    pixels = (images - target).square().mean(dim=(1, 2, 3))
    blocks = (F.avg_pool2d(images, 4) - F.avg_pool2d(target, 4)).square().mean(dim=(1, 2, 3))
    return pixels + blocks


def invert(
    generator: Generator,
    image: np.ndarray,
    digits: Sequence[int] = (),
    *,
    steps: int = STEPS,
    progress: Callable[[float], None] = lambda share: None,
) -> Inversion:
    """Return the latent whose image is nearest to an image (28, 28) uint8. Deterministic. Raises `InputError`.

    The `RESTARTS` nearest of `STARTS` random latents are optimised by Adam, and the best is kept. digits: the labels to
    try, for a conditional model only. progress: gets the share done, 0 to 1.
    """
    config, device = generator.config, next(generator.parameters()).device
    if (len(digits) > 0) != (config.num_classes > 0):
        raise InputError("a conditional model needs the digits to try, and an unconditional model takes none")
    for digit in digits:
        check_digit(digit, config.num_classes)
    target = to_float(to_model_size(torch.from_numpy(image)[None], config.image_size, config.image_channels))
    rng = torch.Generator("cpu").manual_seed(0)
    latents = torch.randn(STARTS, config.latent_dim, generator=rng)
    labels = torch.tensor([digits[i % len(digits)] for i in range(STARTS)]) if digits else None
    nearest = difference(generate(generator, latents, labels), target).argsort()[:RESTARTS]
    labels = None if labels is None else labels[nearest].to(device)
    latents, goal = latents[nearest].to(device).requires_grad_(True), target.to(device)
    optimizer = torch.optim.Adam([latents], LEARNING_RATE, (0.9, 0.99))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(steps):
        loss = difference(generator(latents, labels), goal).sum() + PRIOR * latents.square().mean(dim=1).sum()
        (latents.grad,) = torch.autograd.grad(loss, [latents])  # of the latents alone, not of the weights
        optimizer.step()
        schedule.step()
        progress((step + 1) / steps)
    latents = quantise(latents.detach()).cpu()
    images = to_uint8(generate(generator, latents, labels))
    errors = (images.float() - to_uint8(target).float()).square().mean(dim=(1, 2, 3)).sqrt()
    best = int(errors.argmin())
    picture = to_28x28(images.numpy()[best : best + 1], config.border)[0]
    return Inversion(latents[best], None if labels is None else int(labels[best]), picture, float(errors[best]))
