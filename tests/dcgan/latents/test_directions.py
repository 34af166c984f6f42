"""Directions and the measures of ink that name them, where the truth is known."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from dcgan.config import ModelConfig
from dcgan.data import to_uint8
from dcgan.hub.load import load_model
from dcgan.latents.directions import fit_named_directions, sefa, stroke_statistics
from dcgan.latents.sampling import generate, latent_from_seed, to_28x28


def bar(width: int, height: int = 20, lean: float = 0.0) -> np.ndarray:
    """(1, 28, 28): an upright bar in the middle, its top moved to the right by lean * height pixels."""
    y, x = np.mgrid[:28, :28] - 13.5
    moved = x + lean * y
    inside = np.clip(width / 2 + 0.5 - np.abs(moved), 0, 1) * (np.abs(y) <= height / 2)  # soft edges
    return (255 * inside).round().astype(np.uint8)[None]


def ring(radius: float, width: float) -> np.ndarray:
    """(1, 28, 28): a circle's stroke, which has no ends."""
    large = Image.new("L", (28 * 16, 28 * 16))
    outer, inner = (radius + width / 2) * 16, (radius - width / 2) * 16
    pen = ImageDraw.Draw(large)
    pen.ellipse((224 - outer, 224 - outer, 224 + outer, 224 + outer), fill=255)
    pen.ellipse((224 - inner, 224 - inner, 224 + inner, 224 + inner), fill=0)
    return np.asarray(large.resize((28, 28), Image.Resampling.BOX))[None]


@pytest.mark.parametrize("width", [2, 3, 4])
@pytest.mark.parametrize("turned", [False, True], ids=["upright", "lying"])
def test_thickness_of_a_bar(width, turned):
    """A bar's outline is 2 (width + length): its ends make it measure a little less than its width."""
    image = bar(width).transpose(0, 2, 1) if turned else bar(width)
    assert stroke_statistics(image)["thickness"] == pytest.approx(width * 20 / (width + 20), rel=0.03)


@pytest.mark.parametrize("width", [2, 3, 4])
def test_thickness_of_a_stroke_without_ends(width):
    assert stroke_statistics(ring(8, width))["thickness"] == pytest.approx(width, rel=0.08)


@pytest.mark.parametrize("lean", [-0.6, -0.3, 0.0, 0.3, 0.6])
def test_slant_is_positive_where_the_top_leans_to_the_right(lean):
    leaning = stroke_statistics(bar(6, lean=lean))
    assert leaning["slant"] == pytest.approx(lean, abs=0.02)
    assert leaning["width"] == pytest.approx(stroke_statistics(bar(6))["width"], rel=0.05)  # slant is not width


@pytest.mark.parametrize("width", [2, 6, 12])
def test_width_is_the_standard_deviation_across(width):
    assert stroke_statistics(bar(width))["width"] == pytest.approx(((width**2 - 1) / 12) ** 0.5, rel=0.01)


def test_each_picture_is_measured_alone_wherever_its_ink_is():
    images = np.concatenate([bar(2, lean=0.3), np.zeros((1, 28, 28), np.uint8), bar(4)])
    images = np.concatenate([images, np.roll(images[2:], (2, -5), axis=(1, 2))])
    for name, values in stroke_statistics(images).items():
        assert values.shape == (4,) and values.dtype == np.float64
        assert values[0] == stroke_statistics(images[:1])[name][0]
        assert values[1] == 0  # blank
        assert values[3] == pytest.approx(values[2], abs=1e-9)


@pytest.fixture(scope="module", params=["mnist-conditional", "mnist"])
def trained(request):
    return load_model(request.param).generator


def first_layer_change(generator, vectors: torch.Tensor) -> torch.Tensor:
    """How much the first layer's output changes by one step along each vector (N, latent_dim) -> (N,)."""
    dim, classes = generator.config.latent_dim, generator.config.num_classes
    latent = torch.nn.functional.pad(torch.stack([latent_from_seed(0, dim)[0]]), (0, classes))[:, :, None, None]
    steps = torch.nn.functional.pad(vectors, (0, classes))[:, :, None, None]
    with torch.no_grad():
        return (generator.project(latent + steps) - generator.project(latent)).flatten(1).norm(dim=1)


def test_sefa_directions_are_orthonormal_and_always_the_same(trained):
    directions = sefa(trained, 8)
    vectors = torch.stack([direction.vector for direction in directions])
    assert vectors.shape == (8, 100) and vectors.dtype == torch.float32
    torch.testing.assert_close(vectors @ vectors.T, torch.eye(8), atol=1e-5, rtol=0)
    assert all(vector[vector.abs().argmax()] > 0 for vector in vectors)  # the sign is fixed
    assert [direction.name for direction in directions[:2]] == ["direction 1", "direction 2"]
    assert directions[0].correlation is None
    assert all(torch.equal(a.vector, b.vector) for a, b in zip(directions, sefa(trained, 3), strict=False))


def test_sefa_directions_change_the_first_layer_most_the_strongest_first(trained):
    changes = first_layer_change(trained, torch.stack([direction.vector for direction in sefa(trained, 100)]))
    assert (changes.diff() <= 1e-4 * changes[0]).all()
    random = torch.randn(1000, 100, generator=torch.Generator().manual_seed(0))
    others = first_layer_change(trained, torch.nn.functional.normalize(random))
    assert changes[0] > 1.2 * others.max() and changes[-1] < others.min()


@pytest.fixture(scope="module")
def directions(trained):
    return fit_named_directions(trained)


def test_measured_directions_are_named_unit_vectors_that_hold_on_other_samples(directions):
    assert [direction.name for direction in directions] == ["thickness", "slant", "width"]
    for direction in directions:
        assert direction.vector.shape == (100,) and direction.vector.dtype == torch.float32
        assert direction.vector.norm() == pytest.approx(1, abs=1e-5)
        assert 0.5 < direction.correlation < 1


def test_moving_along_a_measured_direction_raises_what_it_is_named_after(trained, directions):
    """Hands that it was not fitted to, each writing its own digit before and after."""
    drawn = [latent_from_seed(seed, 100, trained.config.num_classes) for seed in range(10**6, 10**6 + 96)]
    latents = torch.stack([latent for latent, _ in drawn])
    labels = torch.tensor([digit for _, digit in drawn]) if trained.config.num_classes else None

    def measures(latents) -> dict[str, np.ndarray]:
        images = to_uint8(generate(trained, latents, labels)).numpy()
        return stroke_statistics(to_28x28(images, trained.config.border))

    for direction in directions:
        less, plain, more = (measures(latents + step * direction.vector)[direction.name] for step in (-2, 0, 2))
        assert less.mean() < plain.mean() < more.mean()
        assert (more > less).mean() > 0.85


def test_measured_directions_of_a_larger_colour_model(make_networks):
    generator, _ = make_networks(ModelConfig(base_channels=4, image_size=64, image_channels=3, latent_dim=8))
    for direction in fit_named_directions(generator):
        assert direction.vector.shape == (8,) and torch.isfinite(direction.vector).all()
        assert -1 <= direction.correlation <= 1
