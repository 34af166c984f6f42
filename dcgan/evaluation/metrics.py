"""Metrics of generated digits: pure functions of images or features. `protocol` says what they are applied to.

Distances between images are Euclidean, over pixels in [0, 1].
"""

import torch
from torch import Tensor, nn

REFERENCES_AT_ONCE = 8192  # bounds the memory of a nearest-neighbour search


def frechet_distance(real: Tensor, generated: Tensor) -> float:
    """Return the squared Fréchet distance of Gaussians fitted to features (N, D) and (M, D) (Heusel et al. 2017)."""
    from torchmetrics.image.fid import FrechetInceptionDistance  # evaluation's dependency, not the page's

    given = nn.Identity()  # the features are given
    given.num_features = real.shape[1]
    distance = FrechetInceptionDistance(feature=given).to(real.device).set_dtype(torch.float64)
    distance.update(real.double(), real=True)
    distance.update(generated.double(), real=False)
    return distance.compute().item()


def manifold(real: Tensor, generated: Tensor, k: int = 5) -> dict[str, float]:
    """Return precision, recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020).

    They compare features (N, D) and (M, D) by balls around each point that reach its k-th neighbour of the same set.
    """

    def radii(points: Tensor) -> Tensor:
        return torch.cdist(points, points).kthvalue(k + 1, dim=1).values  # the nearest is the point itself

    real, generated = real.double(), generated.double()  # float32 cancels where distances are small
    between = torch.cdist(real, generated)  # (N, M)
    real_radii, generated_radii = radii(real), radii(generated)
    in_real_ball = between <= real_radii[:, None]
    return {
        "precision": in_real_ball.any(dim=0).double().mean().item(),
        "recall": (between <= generated_radii).any(dim=1).double().mean().item(),
        "density": in_real_ball.double().sum().item() / (k * generated.shape[0]),
        "coverage": in_real_ball.any(dim=1).double().mean().item(),
    }


def kl_to_uniform(digits: Tensor) -> tuple[list[int], float]:
    """Return the counts of digits (N,) and their Kullback-Leibler divergence to uniform, in nats: 0 to ln 10."""
    counts = torch.bincount(digits.long(), minlength=10)
    shares = counts.double() / counts.sum()
    return counts.tolist(), (torch.special.xlogy(shares, shares * 10)).sum().item()


class NearestNeighbour:
    """Finds the nearest of any number of references to each query (N, H, W) uint8, in bounded memory."""

    def __init__(self, queries: Tensor):
        self.queries = queries.flatten(1).float()  # (N, D), 0 to 255: products of integers are exact
        self.norms = self.queries.square().sum(dim=1)
        self.squared = torch.full_like(self.norms, torch.inf)
        self.index = torch.zeros(len(queries), dtype=torch.int64, device=queries.device)
        self.seen = 0

    def update(self, references: Tensor) -> None:
        """Add references (M, H, W) uint8. Indices count over all calls."""
        for part in references.split(REFERENCES_AT_ONCE):
            flat = part.flatten(1).float()
            half = torch.addmm(flat.square().sum(dim=1) / 2, self.queries, flat.T, alpha=-1)  # half of |r|^2 - 2 q.r
            nearest, index = half.min(dim=1)
            squared = (2 * nearest + self.norms).clamp_min_(0)
            closer = squared < self.squared
            self.squared = torch.where(closer, squared, self.squared)
            self.index = torch.where(closer, index + self.seen, self.index)
            self.seen += len(part)

    def distances(self) -> Tensor:
        """Return each query's distance to its nearest reference so far, (N,) float."""
        return self.squared.sqrt() / 255

    def error(self, labels: Tensor, truth: Tensor) -> float:
        """Return the share of queries whose nearest reference has another label. labels: (references,), truth: (N,)."""
        return (labels[self.index] != truth).double().mean().item()
