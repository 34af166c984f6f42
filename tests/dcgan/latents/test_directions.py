import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from dcgan.config import ModelConfig
from dcgan.data import to_uint8
from dcgan.hub.load import load_model
from dcgan.latents import directions as directions_module
from dcgan.latents.directions import fit_named_directions, sefa, stroke_statistics
from dcgan.latents.sampling import generate, latent_from_seed, to_28x28


def bar(width: int, height: int = 20, lean: float = 0.0) -> np.ndarray:
    """(1, 28, 28): an upright bar in the middle, its top lean * height pixels to the right."""
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
def test_thickness_is_the_width_of_the_stroke(width):
    """The outline of a bar is 2 (width + length), so its ends make it measure a little less than its width."""
    assert stroke_statistics(ring(8, width))["thickness"] == pytest.approx(width, rel=0.08)
    for image in (bar(width), bar(width).transpose(0, 2, 1)):
        assert stroke_statistics(image)["thickness"] == pytest.approx(width * 20 / (width + 20), rel=0.03)


@pytest.mark.parametrize("width", [2, 6, 12])
def test_width_is_the_standard_deviation_across(width):
    assert stroke_statistics(bar(width))["width"] == pytest.approx(((width**2 - 1) / 12) ** 0.5, rel=0.01)


@pytest.mark.parametrize("lean", [-0.6, -0.3, 0.0, 0.3, 0.6])
def test_slant_is_positive_where_the_top_leans_to_the_right(lean):
    leaning = stroke_statistics(bar(6, lean=lean))
    assert leaning["slant"] == pytest.approx(lean, abs=0.02)
    assert leaning["width"] == pytest.approx(stroke_statistics(bar(6))["width"], rel=0.05)  # slant is not width


def test_each_image_is_measured_alone_wherever_its_ink_is():
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
    """Return how much the first layer's output changes by one step along each vector (N, latent_dim): (N,)."""
    steps = torch.nn.functional.pad(vectors, (0, generator.config.num_classes))[:, :, None, None]
    with torch.no_grad():
        return (generator.project(steps) - generator.project(torch.zeros_like(steps))).flatten(1).norm(dim=1)


def test_sefa_directions_are_orthonormal_and_change_the_first_layer_most(trained):
    directions = sefa(trained, 100)
    vectors = torch.stack([direction.vector for direction in directions])
    assert vectors.shape == (100, 100) and vectors.dtype == torch.float32
    torch.testing.assert_close(vectors @ vectors.T, torch.eye(100), atol=1e-5, rtol=0)
    assert all(vector[vector.abs().argmax()] > 0 for vector in vectors)  # the sign is fixed
    assert directions[0].correlation is None and len({direction.name for direction in directions}) == 100
    assert all(torch.equal(a.vector, b) for a, b in zip(sefa(trained, 3), vectors[:3], strict=True))

    changes = first_layer_change(trained, vectors)
    assert (changes.diff() <= 1e-4 * changes[0]).all()  # the strongest first
    random = torch.randn(1000, 100, generator=torch.Generator().manual_seed(0))
    others = first_layer_change(trained, torch.nn.functional.normalize(random))
    assert changes[0] > 1.2 * others.max() and changes[-1] < others.min()


def test_a_named_direction_is_a_unit_vector_that_raises_its_quantity(trained):
    """For hands that it was not fitted to, each with its own digit."""
    directions = fit_named_directions(trained)
    assert [direction.name for direction in directions] == ["thickness", "slant", "width"]
    drawn = [latent_from_seed(seed, 100, trained.config.num_classes) for seed in range(10**6, 10**6 + 96)]
    latents = torch.stack([latent for latent, _ in drawn])
    labels = torch.tensor([digit for _, digit in drawn]) if trained.config.num_classes else None
    for direction in directions:
        assert direction.vector.shape == (100,) and direction.vector.dtype == torch.float32
        assert direction.vector.norm() == pytest.approx(1, abs=1e-5)
        assert 0.5 < direction.correlation < 1
        less, plain, more = (
            stroke_statistics(to_28x28(to_uint8(generate(trained, moved, labels)).numpy(), 2))[direction.name]
            for moved in (latents + step * direction.vector for step in (-2, 0, 2))
        )
        assert less.mean() < plain.mean() < more.mean()
        assert (more > less).mean() > 0.85


def test_named_directions_of_a_larger_colour_model(make_networks, monkeypatch):
    monkeypatch.setattr(directions_module, "FITTED", 200)
    monkeypatch.setattr(directions_module, "HELD_OUT", 100)
    generator, _ = make_networks(ModelConfig(base_channels=4, image_size=64, image_channels=3, latent_dim=8))
    for direction in fit_named_directions(generator):
        assert direction.vector.shape == (8,) and torch.isfinite(direction.vector).all()
        assert -1 <= direction.correlation <= 1
