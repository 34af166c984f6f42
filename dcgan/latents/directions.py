"""Directions of latent space that mean something: found in the weights, or measured on samples."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dcgan.data import to_uint8
from dcgan.latents.sampling import generate, latent_from_seed, to_28x28
from dcgan.networks import Generator

MEASURED_SAMPLES, HELD_OUT = 3_000, 1_000
RIDGE = 30.0  # against fitting the noise of a hundred numbers


@dataclass(frozen=True)
class Direction:
    """A unit vector (latent_dim,). correlation: of the latents' coordinate along it with what it is named
    after, on samples that it was not fitted to; None for a direction found without a name."""

    name: str
    vector: Tensor
    correlation: float | None = None


def sefa(generator: Generator, count: int) -> list[Direction]:
    """The directions that change the first layer's output most: the leading right singular vectors of its
    weights (SeFa, Shen & Zhou 2021, equation 5: closed form, no samples). Strongest first."""
    dim = generator.config.latent_dim
    weight = generator.project.weight.detach()[:dim].flatten(1).double()  # (latent_dim, width * 16)
    vectors = torch.linalg.eigh(weight @ weight.T).eigenvectors.flip(1).T[:count]  # eigh sorts ascending
    strongest = vectors.gather(1, vectors.abs().argmax(dim=1, keepdim=True))
    vectors = (vectors * strongest.sign()).float()  # an eigenvector's sign is arbitrary: fix it
    return [Direction(f"direction {i + 1}", vector) for i, vector in enumerate(vectors)]


def stroke_statistics(images: np.ndarray) -> dict[str, np.ndarray]:
    """What can be measured of ink: images (N, 28, 28) uint8 -> name: (N,) float64, in pixels.

    thickness: twice the ink over the length of its outline (its total variation); slant: pixels that
    the ink leans to the right per pixel of height (image moments); width: the ink's standard deviation
    across, its slant taken out. A blank picture measures 0.
    """
    ink = images.astype(np.float64) / 255
    mass = np.maximum(ink.sum(axis=(1, 2)), 1e-9)
    down, across = np.diff(ink, axis=1, append=0), np.diff(ink, axis=2, append=0)
    outline = np.maximum(np.hypot(down, across).sum(axis=(1, 2)), 1e-9)
    rows, columns = np.mgrid[: ink.shape[1], : ink.shape[2]]

    def mean(values: np.ndarray) -> np.ndarray:
        return (ink * values).sum(axis=(1, 2)) / mass

    y = rows - mean(rows)[:, None, None]
    x = columns - mean(columns)[:, None, None]
    high, wide, both = mean(y * y), mean(x * x), mean(x * y)
    lean = both / np.maximum(high, 1e-9)
    width = np.sqrt(np.maximum(wide - lean * both, 0))
    return {"thickness": 2 * ink.sum(axis=(1, 2)) / outline, "slant": -lean, "width": width}


def centred(values: Tensor, labels: Tensor | None) -> Tensor:
    """Values (N,) less the mean of their digit: a 1 is narrower than a 0 in every hand."""
    if labels is None:
        return values - values.mean()
    means = torch.bincount(labels, values) / torch.bincount(labels)
    return values - means[labels]


def fit_named_directions(generator: Generator) -> list[Direction]:
    """Directions of more thickness, slant and width: ridge regression of what `strokes` measures on the
    latents of `MEASURED_SAMPLES` samples; the correlation is of `HELD_OUT` others."""
    config = generator.config
    drawn = [
        latent_from_seed(seed, config.latent_dim, config.num_classes) for seed in range(MEASURED_SAMPLES + HELD_OUT)
    ]
    latents = torch.stack([latent for latent, _ in drawn])
    labels = torch.tensor([digit for _, digit in drawn]) if config.num_classes else None
    images = to_28x28(to_uint8(generate(generator, latents, labels)).numpy(), config.border)
    latents, fitted, rest = latents.double(), slice(0, MEASURED_SAMPLES), slice(MEASURED_SAMPLES, None)
    known = latents[fitted]
    gram = known.T @ known + RIDGE * torch.eye(known.shape[1], dtype=torch.float64)
    directions = []
    for name, values in stroke_statistics(images).items():
        values = centred(torch.from_numpy(values), labels)
        vector = torch.linalg.solve(gram, known.T @ values[fitted])
        vector = vector / vector.norm().clamp_min(1e-12)
        seen = torch.stack([latents[rest] @ vector, values[rest]])
        correlation = float(torch.corrcoef(seen)[0, 1].nan_to_num())
        directions.append(Direction(name, vector.float(), correlation))
    return directions
