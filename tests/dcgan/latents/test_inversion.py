import copy

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from dcgan import InputError
from dcgan.config import ModelConfig
from dcgan.data import to_uint8
from dcgan.evaluation.classifier import load_classifier, read
from dcgan.hub.load import load_model
from dcgan.latents.codes import decode, encode
from dcgan.latents.inversion import invert, normalise_drawing
from dcgan.latents.sampling import generate, sample, to_28x28
from dcgan.networks import seeded_cpu


def drawn(size: int) -> np.ndarray:
    """(size, size): something like a 3."""
    picture = Image.new("L", (size, size))
    points = [(0.1, 0.15), (0.8, 0.1), (0.4, 0.5), (0.85, 0.6), (0.2, 0.9)]
    places = [(x * size, y * size) for x, y in points]
    ImageDraw.Draw(picture).line(places, fill=255, width=max(1, size // 10), joint="curve")
    return np.asarray(picture)


def extent(image: np.ndarray) -> tuple[int, int]:
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


@pytest.mark.parametrize("size", [12, 28, 100, 480])
def test_a_drawing_of_any_size_anywhere_is_fitted_and_centred(size):
    image = normalise_drawing(drawn(size))
    assert image.shape == (28, 28) and image.dtype == np.uint8 and image.max() > 200
    assert max(extent(image)) == 20
    ink = image / image.sum()
    assert (ink.sum(axis=1) @ np.arange(28), ink.sum(axis=0) @ np.arange(28)) == pytest.approx((13.5, 13.5), abs=0.6)
    for top, left in ((0, 0), (500 - size, 600 - size), (16, 37)):  # its place on the canvas does not matter
        canvas = np.zeros((500, 600), np.uint8)
        canvas[top : top + size, left : left + size] = drawn(size)
        assert np.array_equal(image, normalise_drawing(canvas))


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(400, 100, (20, 5)), (100, 400, (5, 20)), (300, 210, (20, 14)), (40, 1, (20, 1)), (7, 7, (20, 20))],
)
def test_the_aspect_ratio_is_kept(height, width, expected):
    drawing = np.zeros((500, 500), np.uint8)
    drawing[50 : 50 + height, 70 : 70 + width] = 255
    image = normalise_drawing(drawing)
    assert extent(image) == expected
    assert image[image > 0].min() == 255
    drawing[0, 0] = drawing[-1, -1] = 30  # specks too faint to be ink
    assert np.array_equal(image, normalise_drawing(drawing))


def test_digits_drawn_large_are_still_read(trained):
    canvases = np.zeros((50, 400, 500), np.uint8)
    images = sample(trained, range(50), [i % 10 for i in range(50)]).images
    for canvas, image in zip(canvases, to_28x28(images, 2), strict=True):
        canvas[30:310, 200:480] = np.asarray(Image.fromarray(image).resize((280, 280)))
    fitted = torch.from_numpy(np.stack([normalise_drawing(canvas) for canvas in canvases]))
    digits, _ = read(load_classifier(), fitted)
    assert (digits == torch.arange(50) % 10).float().mean() > 0.95


@pytest.mark.parametrize(("size", "grey", "named"), [(280, 0, "empty"), (280, 30, "empty"), (1000, 255, "too thin")])
def test_a_drawing_without_visible_ink_is_refused(size, grey, named):
    drawing = np.zeros((size, size), np.uint8)
    drawing[0, 0] = drawing[-1, -1] = grey  # two dots far apart
    with pytest.raises(InputError, match=named):
        normalise_drawing(drawing)


@pytest.fixture(scope="module")
def trained():
    return load_model("mnist-conditional").generator


def picture(generator, seed: int, digit: int | None = None) -> np.ndarray:
    return to_28x28(sample(generator, [seed], digit).images, generator.config.border)[0]


@pytest.mark.parametrize(("name", "digit"), [("mnist-conditional", 7), ("mnist", None)])
def test_an_image_of_the_generator_is_found_again(name, digit):
    generator = load_model(name).generator
    target = picture(generator, 11, digit)
    few, found = (invert(generator, target, () if digit is None else [digit], steps=steps) for steps in (1, 100))
    assert found.digit == digit
    assert found.error < min(20, 0.7 * few.error)  # of 255; images of other seeds differ by 60 and more
    labels = None if digit is None else torch.tensor([digit])
    images = to_uint8(generate(generator, found.latent[None], labels)).numpy()
    assert np.array_equal(found.image, to_28x28(images, 2)[0])
    by_hand = np.square(found.image.astype(float) - target).sum() / 32**2  # both are black outside 28x28
    assert found.error == pytest.approx(by_hand**0.5, abs=0.5)
    latent, _ = decode(encode(found.latent, digit), generator.config)
    assert torch.equal(latent, found.latent)  # a code holds it exactly


@pytest.mark.parametrize("digit", [0, 4, 7])
def test_the_digit_is_found_too(trained, digit):
    assert invert(trained, picture(trained, 11, digit), range(10), steps=15).digit == digit


def test_it_depends_on_its_input_alone_and_changes_nothing_else(conditional):
    target, weights = picture(conditional, 11, 3), copy.deepcopy(conditional.state_dict())
    first, heard = invert(conditional, target, [3, 8], steps=4), []
    with seeded_cpu(99):
        again = invert(conditional, target.copy(), [3, 8], steps=4, progress=heard.append)
    assert torch.equal(first.latent, again.latent) and np.array_equal(first.image, again.image)
    assert (first.digit, first.error) == (again.digit, again.error)
    assert not torch.equal(first.latent, invert(conditional, picture(conditional, 12, 3), [3, 8], steps=4).latent)
    assert heard == [0.25, 0.5, 0.75, 1]
    assert all(torch.equal(value, weights[name]) for name, value in conditional.state_dict().items())
    assert all(parameter.grad is None and parameter.requires_grad for parameter in conditional.parameters())


def test_a_larger_colour_model_inverts_too(make_networks):
    generator, _ = make_networks(ModelConfig(base_channels=4, image_size=64, image_channels=3, latent_dim=8))
    found = invert(generator, picture(generator, 1), steps=2)
    assert found.image.shape == (28, 28) and found.latent.shape == (8,) and found.digit is None


def test_digits_are_needed_and_allowed_for_a_conditional_model_alone(conditional, unconditional):
    for model, digits, named in (
        (conditional, (), "digits"),
        (unconditional, [3], "digits"),
        (conditional, [10], "is 10"),
    ):
        with pytest.raises(InputError, match=named):
            invert(model, np.zeros((28, 28), np.uint8), digits)
