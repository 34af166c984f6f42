"""A drawing to the latent that draws it best: optimisation, since a GAN has no encoder."""

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

INK = 40  # a pixel from here on, of 255, is ink
STARTS, RESTARTS, STEPS = 256, 8, 100
LEARNING_RATE = 0.15
PRIOR = 0.002  # weight of the latent's mean square: keeps it where digits are


@dataclass(frozen=True)
class Inversion:
    """The best latent (latent_dim,), quantised as a code holds it; its digit (None without digits); its
    picture (28, 28) uint8; error: root mean square difference of pixels, 0 to 255."""

    latent: Tensor
    digit: int | None
    image: np.ndarray
    error: float


def normalise_drawing(drawing: np.ndarray) -> np.ndarray:
    """A drawing (H, W) uint8, white ink on black, the way MNIST was made -> (28, 28) uint8.

    Its ink fitted into 20x20 pixels, aspect kept, and the centre of mass moved to the middle of 28x28
    (LeCun et al. 1998, section III.A). Raises `InputError` where there is no ink.
    """
    rows, columns = (np.flatnonzero((drawing >= INK).any(axis=axis)) for axis in (1, 0))
    if len(rows) == 0:
        raise InputError("there is nothing drawn yet: draw a digit first")
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
    """(N, C, S, S) against (1, C, S, S) -> (N,): mean square, of pixels and of 4x4 blocks, where strokes
    that do not touch still feel each other."""
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
    """The latent whose picture is nearest to an image (28, 28) uint8: a function of image and model alone.

    The `RESTARTS` nearest of `STARTS` random latents are improved side by side by Adam; the best is
    kept. digits: which labels to try, for a model that knows digits. `progress` hears the share done.
    """
    config = generator.config
    if (len(digits) > 0) != (config.num_classes > 0):
        raise InputError("a model that knows digits must be told which to try, and no other")
    for digit in digits:
        check_digit(digit, config.num_classes)
    target = to_float(to_model_size(torch.from_numpy(image)[None], config.image_size, config.image_channels))
    rng = torch.Generator("cpu").manual_seed(0)
    latents = torch.randn(STARTS, config.latent_dim, generator=rng)
    labels = torch.tensor([digits[i % len(digits)] for i in range(STARTS)]) if digits else None
    nearest = difference(generate(generator, latents, labels), target).argsort()[:RESTARTS]
    latents = latents[nearest].requires_grad_(True)
    labels = None if labels is None else labels[nearest]
    optimizer = torch.optim.Adam([latents], LEARNING_RATE, (0.9, 0.99))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    training = generator.training
    generator.eval()
    try:
        for step in range(steps):
            loss = difference(generator(latents, labels), target).sum() + PRIOR * latents.square().mean(dim=1).sum()
            (latents.grad,) = torch.autograd.grad(loss, [latents])  # the weights' gradients are nobody's business
            optimizer.step()
            schedule.step()
            progress((step + 1) / steps)
    finally:
        generator.train(training)
    latents = quantise(latents.detach())
    images = to_uint8(generate(generator, latents, labels))
    errors = (images.float() - to_uint8(target).float()).square().mean(dim=(1, 2, 3)).sqrt()
    best = int(errors.argmin())
    picture = to_28x28(images.numpy()[best : best + 1], config.border)[0]
    return Inversion(latents[best], None if labels is None else int(labels[best]), picture, float(errors[best]))
