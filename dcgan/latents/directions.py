"""Directions in latent space: fitted to what can be measured on samples, or found in the weights."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dcgan.data import to_uint8
from dcgan.latents.sampling import generate, latent_from_seed, to_28x28
from dcgan.networks import Generator

FITTED, HELD_OUT = 3_000, 1_000  # samples
RIDGE = 30.0  # against overfitting


@dataclass(frozen=True)
class Direction:
    """A unit vector (latent_dim,) on the CPU. correlation: between the latents' coordinate along it and the quantity
    it is named after, on held-out samples; None for a direction from `sefa`."""

    name: str
    vector: Tensor
    correlation: float | None = None


def sefa(generator: Generator, count: int) -> list[Direction]:
    """Return the `count` directions that change the first layer's output most (SeFa: Shen & Zhou 2021, eq. 5)."""
    dim = generator.config.latent_dim
    weight = generator.project.weight.detach().cpu()[:dim].flatten(1).double()  # (latent_dim, width * 16)
    vectors = torch.linalg.eigh(weight @ weight.T).eigenvectors.flip(1).T[:count]  # eigh sorts ascending
    strongest = vectors.gather(1, vectors.abs().argmax(dim=1, keepdim=True))
    vectors = (vectors * strongest.sign()).float()  # an eigenvector's sign is arbitrary
    return [Direction(f"direction {i + 1}", vector) for i, vector in enumerate(vectors)]


def stroke_statistics(images: np.ndarray) -> dict[str, np.ndarray]:
    """Return measurements of images (N, 28, 28) uint8: each name with an (N,) float64 array, 0 for a blank image.

    thickness: twice the area of the ink over the length of its outline (its total variation), in pixels. slant: pixels
    to the right per pixel of height (image moments). width: standard deviation across without the slant, in pixels.
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
    """Return values (N,) minus the mean of their digit: every 1 is narrower than a 0."""
    if labels is None:
        return values - values.mean()
    means = torch.bincount(labels, values) / torch.bincount(labels)
    return values - means[labels]


def fit_named_directions(generator: Generator) -> list[Direction]:
    """Return the directions of more thickness, slant and width: ridge regressions of `stroke_statistics` on latents.

    They are fitted on `FITTED` samples, and their correlations measured on `HELD_OUT` others.
    """
    config = generator.config
    drawn = [latent_from_seed(seed, config.latent_dim, config.num_classes) for seed in range(FITTED + HELD_OUT)]
    latents = torch.stack([latent for latent, _ in drawn])
    labels = torch.tensor([digit for _, digit in drawn]) if config.num_classes else None
    images = to_28x28(to_uint8(generate(generator, latents, labels)).numpy(), config.border)
    latents, fitted, rest = latents.double(), slice(0, FITTED), slice(FITTED, None)
    known = latents[fitted]
    gram = known.T @ known + RIDGE * torch.eye(known.shape[1], dtype=torch.float64)
    directions = []
    for name, values in stroke_statistics(images).items():
        values = centred(torch.from_numpy(values), labels)
        vector = torch.linalg.solve(gram, known.T @ values[fitted])
        vector = vector / vector.norm().clamp_min(1e-12)
        correlation = torch.corrcoef(torch.stack([latents[rest] @ vector, values[rest]]))[0, 1].nan_to_num()
        directions.append(Direction(name, vector.float(), float(correlation)))
    return directions
