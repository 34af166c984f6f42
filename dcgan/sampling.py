"""Seeds to pictures: the one sampling function that everybody uses.

The contract: an image has a seed of its own. Same seed, model and digit give the same picture,
whatever the count, the other images or their order; on a CPU to the bit. With no digit asked for,
the seed decides the digit too. The same seed with another digit is the same hand.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dcgan import InputError
from dcgan.data import to_uint8
from dcgan.model import Generator

CHUNK = 32  # kernels differ with the batch size, so every batch has this one; the last is padded
MAX_SEED = 2**32 - 1  # torch's Mersenne Twister uses the lower 32 bits of a seed


@dataclass(frozen=True)
class Samples:
    """images (N, C, S, S) uint8; seeds (N,) int64; labels (N,) uint8, None where unconditional."""

    images: np.ndarray
    seeds: np.ndarray
    labels: np.ndarray | None


def consecutive_seeds(seed: int, count: int) -> range:
    """The seeds of `count` images asked for with `seed`: image i has seed + i."""
    if count < 1:
        raise InputError(f"count is {count}: it must be at least 1")
    if not 0 <= seed <= MAX_SEED - (count - 1):
        raise InputError(f"seed is {seed}: with {count:,} images it must be from 0 to {MAX_SEED - (count - 1)}")
    return range(seed, seed + count)


def draw(seed: int, latent_dim: int = 100, num_classes: int = 0) -> tuple[Tensor, int | None]:
    """The latent (latent_dim,) ~ N(0, 1) of a seed, and the digit it decides (None without classes)."""
    if not 0 <= seed <= MAX_SEED:
        raise InputError(f"seed is {seed}: it must be from 0 to {MAX_SEED}")
    random = torch.Generator("cpu").manual_seed(int(seed))
    latent = torch.randn(latent_dim, generator=random)
    digit = int(torch.randint(num_classes, (), generator=random)) if num_classes else None
    return latent, digit


def check_digit(digit: int | None, num_classes: int) -> None:
    if digit is not None and num_classes == 0:
        raise InputError("this model does not know digits: it cannot be asked for one")
    if digit is not None and not 0 <= digit < num_classes:
        raise InputError(f"digit is {digit}: it must be from 0 to {num_classes - 1}")


def check_truncation(truncation: float) -> None:
    if not 0.0 < truncation <= 1.0:
        raise InputError(f"truncation is {truncation}: it must be above 0 and at most 1")


@torch.inference_mode()
def generate(generator: Generator, latents: Tensor, labels: Tensor | None = None) -> Tensor:
    """Latents (N, latent_dim) and labels (N,) or (N, num_classes) -> images (N, C, S, S) float [-1, 1].

    In eval mode, in chunks of one size; the generator's mode is restored. Returned on the CPU.
    """
    device = next(generator.parameters()).device
    training = generator.training
    generator.eval()
    try:
        images = []
        for start in range(0, len(latents), CHUNK):
            parts = [part[start : start + CHUNK] for part in (latents, labels) if part is not None]
            size = len(parts[0])
            padded = [torch.cat([part, part[-1:].expand(CHUNK - size, *part.shape[1:])]) for part in parts]
            images.append(generator(*(part.to(device) for part in padded))[:size].float().cpu())
        return torch.cat(images)
    finally:
        generator.train(training)


def sample_chunks(
    generator: Generator,
    seeds: Iterable[int],
    digit: int | None | Sequence[int] = None,
    truncation: float = 1.0,
) -> Iterator[Samples]:
    """Samples of the seeds, `CHUNK` at a time: for more pictures than fit into memory.

    digit: one for all, one for each seed, or None (the seed decides). truncation: psi in (0, 1]
    scales the latents towards the typical digit; 1 is the honest distribution.
    """
    config = generator.config
    each = None if digit is None or isinstance(digit, int) else [int(one) for one in digit]
    for one in each if each is not None else [digit]:
        check_digit(one, config.num_classes)
    check_truncation(truncation)
    seeds = seeds if isinstance(seeds, Sequence) else list(seeds)
    if each is not None and len(each) != len(seeds):
        raise InputError(f"{len(each)} digits for {len(seeds)} seeds: there must be one for each")
    for start in range(0, len(seeds), CHUNK):
        part = seeds[start : start + CHUNK]
        drawn = [draw(seed, config.latent_dim, config.num_classes) for seed in part]
        latents = torch.stack([latent for latent, _ in drawn]) * truncation
        labels = None
        if config.num_classes:
            asked = each[start : start + CHUNK] if each is not None else [digit] * len(part)
            labels = torch.tensor([own if ask is None else ask for (_, own), ask in zip(drawn, asked, strict=True)])
        yield Samples(
            to_uint8(generate(generator, latents, labels)).numpy(),
            np.array(part, np.int64),
            None if labels is None else labels.numpy().astype(np.uint8),
        )


def sample(
    generator: Generator,
    seeds: Iterable[int],
    digit: int | None | Sequence[int] = None,
    truncation: float = 1.0,
) -> Samples:
    """All samples of the seeds at once; see `sample_chunks`."""
    chunks = list(sample_chunks(generator, seeds, digit, truncation))
    if not chunks:
        raise InputError("there must be at least one seed")
    labels = None if chunks[0].labels is None else np.concatenate([chunk.labels for chunk in chunks])
    return Samples(
        np.concatenate([chunk.images for chunk in chunks]),
        np.concatenate([chunk.seeds for chunk in chunks]),
        labels,
    )


def draws(generator: Generator) -> bool:
    """Whether weights that fit also draw: pictures that are not blank and not all the same."""
    images = sample(generator, range(4)).images.astype(np.float64)
    return bool(images.std() > 1 and images.std(axis=0).max() > 1)


def crop(images: np.ndarray, border: int) -> np.ndarray:
    """(..., S, S) without the border that training padded: 32x32 -> MNIST's 28x28."""
    return images[..., border:-border, border:-border]


def lerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Straight line from a (D,) to b (D,) at t (N,) in [0, 1] -> (N, D); exact at both ends."""
    t = t[:, None].to(torch.float64)
    return (a * (1 - t) + b * t).to(a.dtype)


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Along the great circle from a (D,) to b (D,) at t (N,) in [0, 1] -> (N, D) (Shoemake 1985).

    Keeps to the shell where latents of a high-dimensional Gaussian lie; exact at both ends. (Nearly)
    parallel or opposite latents have no one great circle: there it is `lerp`.
    """
    cosine = torch.nn.functional.cosine_similarity(a.double(), b.double(), dim=0).clamp(-1, 1)
    if cosine.abs() > 1 - 1e-9:
        return lerp(a, b, t)
    omega, t = torch.acos(cosine), t[:, None].to(torch.float64)
    weight_a, weight_b = torch.sin((1 - t) * omega) / torch.sin(omega), torch.sin(t * omega) / torch.sin(omega)
    return (weight_a * a + weight_b * b).to(a.dtype)


def interpolate(
    generator: Generator,
    seeds: tuple[int, int],
    digits: tuple[int | None, int | None] = (None, None),
    steps: int = 16,
    *,
    spherical: bool = True,
    truncation: float = 1.0,
) -> np.ndarray:
    """The way from one seed's picture to another's: (steps, C, S, S) uint8, both ends included.

    Where the model knows digits, the label morphs too, linearly; a digit of None is the seed's own.
    """
    config = generator.config
    if steps < 2:
        raise InputError(f"steps is {steps}: it must be at least 2")
    check_truncation(truncation)
    for digit in digits:
        check_digit(digit, config.num_classes)
    (a, digit_a), (b, digit_b) = (draw(seed, config.latent_dim, config.num_classes) for seed in seeds)
    t = torch.linspace(0, 1, steps, dtype=torch.float64)
    latents = (slerp if spherical else lerp)(a * truncation, b * truncation, t)
    labels = None
    if config.num_classes:
        one_hot = torch.eye(config.num_classes)
        ends = [own if asked is None else asked for own, asked in zip((digit_a, digit_b), digits, strict=True)]
        labels = lerp(one_hot[ends[0]], one_hot[ends[1]], t)
    return to_uint8(generate(generator, latents, labels)).numpy()
