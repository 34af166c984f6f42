import math

import numpy as np
import pytest
import torch

from dcgan.evaluation.metrics import (
    NearestNeighbour,
    frechet_distance,
    kl_to_uniform,
    manifold,
)


def points(count: int, size: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_frechet_distance_of_two_gaussians_has_its_closed_form():
    """For N(m, diag a^2) and N(n, diag b^2): |m - n|^2 + sum (a - b)^2 (Dowson & Landau 1982)."""
    whitened = points(4000, 3)
    whitened = whitened - whitened.mean(0)  # exactly zero mean and unit covariance, so that the value is exact
    whitened = whitened @ torch.linalg.inv(torch.linalg.cholesky(whitened.T.cov())).T
    a, b = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0, 2.0, 0.5])
    shift = torch.tensor([3.0, -4.0, 0.0])
    expected = 25 + 1 + 0 + 6.25
    assert frechet_distance(whitened * a, whitened * a) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(whitened * a, whitened * b + shift) == pytest.approx(expected, rel=1e-6)


def test_manifold_of_equal_alike_and_distant_sets():
    def values(generated: torch.Tensor) -> list[float]:
        result = manifold(points(300, 4), generated)
        return [result["precision"], result["recall"], result["coverage"], result["density"]]

    assert values(points(300, 4))[:3] == [1, 1, 1]
    assert values(points(300, 4, seed=1) + 100) == [0, 0, 0, 0]
    alike = manifold(points(1000, 4, seed=1), points(1000, 4, seed=2))
    assert min(alike["precision"], alike["recall"], alike["coverage"]) > 0.9
    assert alike["density"] == pytest.approx(1, abs=0.1)  # its expectation for equal distributions (Naeem 2020)
    precision, recall, coverage, _ = values(points(300, 4)[:1] + 1e-6 * points(300, 4, seed=3))  # one point repeated
    assert precision == 1 and recall < 0.02 and coverage < 0.1


def test_manifold_by_hand():
    real, generated = torch.tensor([[0.0], [1.0], [3.0]]), torch.tensor([[0.5], [10.0], [10.5]])
    balls = manifold(real, generated, k=1)  # real radii 1, 1, 2; generated radii 9.5, 0.5, 0.5
    assert balls == pytest.approx({"precision": 1 / 3, "recall": 1, "density": 2 / 3, "coverage": 2 / 3})


def test_kl_to_uniform():
    assert kl_to_uniform(torch.arange(1000) % 10) == ([100] * 10, pytest.approx(0, abs=1e-12))
    counts, collapsed = kl_to_uniform(torch.full((50,), 3))
    assert counts == [0, 0, 0, 50, 0, 0, 0, 0, 0, 0]
    assert collapsed == pytest.approx(math.log(10))
    assert kl_to_uniform(torch.arange(5))[1] == pytest.approx(math.log(2))  # half of the digits


def pictures(count: int, seed: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (count, 28, 28), np.uint8))


def test_nearest_neighbour_equals_the_plain_search_and_finds_a_memorised_set():
    references = pictures(300, 1)
    queries = torch.cat([references[[7, 99, 0]], pictures(20, 0)])
    search = NearestNeighbour(queries)
    for part in references.split(70):  # streamed in parts of any size
        search.update(part)
    plain = torch.cdist(queries.flatten(1).double() / 255, references.flatten(1).double() / 255)
    assert torch.equal(search.index, plain.argmin(dim=1)) and search.index[:3].tolist() == [7, 99, 0]
    assert torch.allclose(search.distances().double(), plain.min(dim=1).values, atol=2e-2)
    assert torch.allclose(search.distances()[3:].double(), plain.min(dim=1).values[3:], atol=1e-4)
    labels = torch.arange(300) % 10
    truth = labels[search.index]
    assert search.error(labels, truth) == 0
    truth[:2] += 1
    assert search.error(labels, truth) == pytest.approx(2 / 23)
