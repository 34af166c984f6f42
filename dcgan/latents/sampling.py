"""From seeds to pictures: the one sampling function that everything uses.

The contract: every image has a seed of its own. The same seed, model and digit give the same image, whatever the
other images and their number; on a CPU to the bit. If no digit is asked for, the seed decides it. The same seed with
another digit is the same handwriting.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dcgan import InputError
from dcgan.data import to_uint8
from dcgan.networks import Generator

CHUNK = 32  # kernels differ with the batch size, so every batch has this one; the last is padded
MAX_SEED = 2**32 - 1  # torch's Mersenne Twister uses the lower 32 bits of a seed


@dataclass(frozen=True)
class Samples:
    """images (N, C, S, S) uint8; seeds (N,) int64; labels (N,) uint8, or None for an unconditional model."""

    images: np.ndarray
    seeds: np.ndarray
    labels: np.ndarray | None


def consecutive_seeds(seed: int, count: int) -> range:
    """Return the seeds of `count` images: image i has seed + i. Raises `InputError` if one is out of range."""
    if count < 1:
        raise InputError(f"count is {count}: it must be at least 1")
    if not 0 <= seed <= MAX_SEED - (count - 1):
        raise InputError(f"seed is {seed}: with {count:,} images it must be from 0 to {MAX_SEED - (count - 1)}")
    return range(seed, seed + count)


def latent_from_seed(seed: int, latent_dim: int = 100, num_classes: int = 0) -> tuple[Tensor, int | None]:
    """Return the latent (latent_dim,) ~ N(0, 1) of a seed, and the digit that it decides (None without classes)."""
    if not 0 <= seed <= MAX_SEED:
        raise InputError(f"seed is {seed}: it must be from 0 to {MAX_SEED}")
    random = torch.Generator("cpu").manual_seed(int(seed))
    latent = torch.randn(latent_dim, generator=random)
    digit = int(torch.randint(num_classes, (), generator=random)) if num_classes else None
    return latent, digit


def check_digit(digit: int | None, num_classes: int) -> None:
    """Raise `InputError` if a model with so many classes cannot be asked for the digit. None is always allowed."""
    if digit is not None and num_classes == 0:
        raise InputError("this model is unconditional: it cannot be asked for a digit")
    if digit is not None and not 0 <= digit < num_classes:
        raise InputError(f"digit is {digit}: it must be from 0 to {num_classes - 1}")


def check_truncation(truncation: float) -> None:
    """Raise `InputError` if the truncation is not in (0, 1]."""
    if not 0.0 < truncation <= 1.0:
        raise InputError(f"truncation is {truncation}: it must be above 0 and at most 1")


@torch.inference_mode()
def generate(generator: Generator, latents: Tensor, labels: Tensor | None = None) -> Tensor:
    """Return the images (N, C, S, S) float in [-1, 1] of latents (N, latent_dim), on the CPU.

    labels: (N,) int64 or (N, num_classes) weights. Works in chunks of one size, on the device of the generator.
    Raises `ValueError` if the generator is in training mode.
    """
    if generator.training:
        raise ValueError("the generator is in training mode: call eval() first")
    device = next(generator.parameters()).device
    images = []
    for start in range(0, len(latents), CHUNK):
        parts = [part[start : start + CHUNK] for part in (latents, labels) if part is not None]
        size = len(parts[0])
        padded = [torch.cat([part, part[-1:].expand(CHUNK - size, *part.shape[1:])]) for part in parts]
        images.append(generator(*(part.to(device) for part in padded))[:size].float().cpu())
    return torch.cat(images)


def sample_chunks(
    generator: Generator, seeds: Sequence[int], digit: int | None | Sequence[int] = None, truncation: float = 1.0
) -> Iterator[Samples]:
    """Yield the samples of the seeds, `CHUNK` at a time, for more images than fit into memory.

    digit: one for all, one for each seed, or None: each seed decides. truncation: psi in (0, 1] scales the latents
    towards the typical digit; 1 is the distribution of training. Raises `InputError`.
    """
    config, same = generator.config, digit is None or isinstance(digit, (int, np.integer))
    if not same and len(digit) != len(seeds):
        raise InputError(f"got {len(digit)} digits for {len(seeds)} seeds: give one for each seed")
    for one in {digit} if same else set(digit):
        check_digit(one, config.num_classes)
    check_truncation(truncation)
    for start in range(0, len(seeds), CHUNK):
        part = seeds[start : start + CHUNK]
        asked = [digit] * len(part) if same else digit[start : start + CHUNK]
        drawn = [latent_from_seed(seed, config.latent_dim, config.num_classes) for seed in part]
        latents = torch.stack([latent for latent, _ in drawn]) * truncation
        labels = None
        if config.num_classes:
            labels = torch.tensor(
                [int(own if ask is None else ask) for (_, own), ask in zip(drawn, asked, strict=True)]
            )
        yield Samples(
            to_uint8(generate(generator, latents, labels)).numpy(),
            np.array(part, np.int64),
            None if labels is None else labels.numpy().astype(np.uint8),
        )


def sample(
    generator: Generator, seeds: Sequence[int], digit: int | None | Sequence[int] = None, truncation: float = 1.0
) -> Samples:
    """Return all samples of the seeds at once. For the parameters see `sample_chunks`."""
    chunks = list(sample_chunks(generator, seeds, digit, truncation))
    if not chunks:
        raise InputError("there must be at least one seed")
    parts = zip(*((chunk.images, chunk.seeds, chunk.labels) for chunk in chunks), strict=True)
    return Samples(*(None if part[0] is None else np.concatenate(part) for part in parts))


def crop(images: np.ndarray, border: int) -> np.ndarray:
    """Return (..., S, S) images without the border that training padded: 32x32 becomes MNIST's 28x28."""
    return images[..., border:-border, border:-border]


def to_28x28(images: np.ndarray, border: int) -> np.ndarray:
    """Return (N, C, S, S) uint8 images of any model as (N, 28, 28) uint8 grey, as the digit classifier reads them.

    At 32x32 with one channel these are the exact pixels; else the mean of channels and of blocks of pixels.
    """
    cropped = crop(images, border)
    if cropped.shape[1:] == (1, 28, 28):
        return cropped[:, 0]
    scale = cropped.shape[-1] // 28
    blocks = cropped.reshape(len(cropped), -1, 28, scale, 28, scale)
    return blocks.mean(axis=(1, 3, 5)).round().astype(np.uint8)
