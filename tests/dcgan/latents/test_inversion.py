"""Drawings to latents: how a drawing becomes MNIST, and which hand draws it best."""

import random

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

# A drawing becomes MNIST.


def drawn(size: int) -> np.ndarray:
    """(size, size): something like a 3."""
    picture = Image.new("L", (size, size))
    points = [(0.1, 0.15), (0.8, 0.1), (0.4, 0.5), (0.85, 0.6), (0.2, 0.9)]
    places = [(x * size, y * size) for x, y in points]
    ImageDraw.Draw(picture).line(places, fill=255, width=max(1, size // 10), joint="curve")
    return np.asarray(picture)


def on_canvas(drawing: np.ndarray, down: float, across: float) -> np.ndarray:
    """On a canvas of 500x600 pixels; down, across: which share of the free pixels is above and left of it."""
    height, width = drawing.shape
    top, left = round(down * (500 - height)), round(across * (600 - width))
    return np.pad(drawing, ((top, 500 - height - top), (left, 600 - width - left)))


def centre(image: np.ndarray) -> tuple[float, float]:
    ink = image.astype(float) / image.sum()
    return ink.sum(axis=1) @ np.arange(len(ink)), ink.sum(axis=0) @ np.arange(ink.shape[1])


def extent(image: np.ndarray) -> tuple[int, int]:
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


@pytest.mark.parametrize("size", [12, 28, 100, 480])
@pytest.mark.parametrize("place", [(0, 0), (1, 1), (0.8, 0.3)], ids=["top left", "bottom right", "somewhere"])
def test_a_drawing_of_any_size_anywhere_is_fitted_and_centred(size, place):
    drawing = drawn(size)
    image = normalise_drawing(on_canvas(drawing, *place))
    assert image.shape == (28, 28) and image.dtype == np.uint8 and image.max() > 200
    assert max(extent(image)) == 20
    assert centre(image) == pytest.approx((13.5, 13.5), abs=0.6)
    assert np.array_equal(image, normalise_drawing(drawing))  # where it was does not matter


@pytest.mark.parametrize(("height", "width"), [(400, 100), (100, 400), (200, 200), (300, 210), (40, 1), (7, 7)])
def test_the_aspect_is_kept(height, width):
    drawing = np.zeros((500, 500), np.uint8)
    drawing[50 : 50 + height, 70 : 70 + width] = 255
    largest = max(height, width)
    expected = max(1, round(height * 20 / largest)), max(1, round(width * 20 / largest))
    image = normalise_drawing(drawing)
    assert extent(image) == expected
    assert image[image > 0].min() == 255


def test_digits_drawn_large_are_still_read():
    generator = load_model("mnist-conditional").generator
    images = sample(generator, range(50), [i % 10 for i in range(50)]).images
    canvases = np.zeros((50, 400, 500), np.uint8)
    for i, image in enumerate(to_28x28(images, 2)):
        canvases[i, 30:310, 200:480] = np.asarray(Image.fromarray(image).resize((280, 280)))
    fitted = torch.from_numpy(np.stack([normalise_drawing(canvas) for canvas in canvases]))
    digits, _ = read(load_classifier(), fitted)
    assert (digits == torch.arange(50) % 10).float().mean() > 0.95


def test_specks_too_faint_to_be_ink_are_cut_off():
    drawing = on_canvas(drawn(100), 0.5, 0.5)
    smudged = drawing.copy()
    smudged[0, 0] = smudged[-1, -1] = 30
    assert np.array_equal(normalise_drawing(smudged), normalise_drawing(drawing))


@pytest.mark.parametrize("grey", [0, 30])
def test_an_empty_drawing_is_refused(grey):
    with pytest.raises(InputError, match="empty"):
        normalise_drawing(np.full((280, 280), grey, np.uint8))


def test_two_dots_far_apart_are_too_thin_to_see():
    drawing = np.zeros((1000, 1000), np.uint8)
    drawing[0, 0] = drawing[-1, -1] = 255
    with pytest.raises(InputError, match="too thin to see at 28x28 pixels: draw with a thicker pen"):
        normalise_drawing(drawing)


# MNIST becomes a latent.


@pytest.fixture(scope="module")
def conditional():
    return load_model("mnist-conditional").generator


@pytest.fixture(scope="module")
def small(make_networks):
    return make_networks(ModelConfig(base_channels=8, num_classes=10))[0]


def picture(generator, seed: int, digit: int | None = None) -> np.ndarray:
    return to_28x28(sample(generator, [seed], digit).images, generator.config.border)[0]


@pytest.mark.parametrize(("name", "digit"), [("mnist-conditional", 3), ("mnist-conditional", 7), ("mnist", None)])
def test_a_picture_that_the_generator_drew_is_found_back(name, digit):
    generator = load_model(name).generator
    target = picture(generator, 11, digit)
    found = invert(generator, target, () if digit is None else [digit])
    assert found.digit == digit
    assert found.error < 20  # of 255; another hand's picture of the digit is at 60 and more
    labels = None if digit is None else torch.tensor([digit])
    images = to_uint8(generate(generator, found.latent[None], labels)).numpy()
    assert np.array_equal(found.image, to_28x28(images, 2)[0])
    by_hand = np.square(found.image.astype(float) - target).sum() / 32**2  # black outside 28x28, both of them
    assert found.error == pytest.approx(by_hand**0.5, abs=0.5)
    latent, _ = decode(encode(found.latent, digit), generator.config)
    assert torch.equal(latent, found.latent)  # a code holds it exactly


@pytest.mark.parametrize("digit", [0, 4, 7])
def test_the_digit_is_found_too(conditional, digit):
    assert invert(conditional, picture(conditional, 11, digit), range(10), steps=15).digit == digit


def test_more_steps_find_a_nearer_picture(conditional):
    target = picture(conditional, 5, 2)
    few, many = (invert(conditional, target, [2], steps=steps).error for steps in (1, 40))
    assert many < 0.7 * few


def test_it_is_a_function_of_its_input_and_touches_nobody_elses_random_numbers(small):
    target = picture(small, 11, 3)
    first = invert(small, target, [3, 8], steps=5)
    torch.manual_seed(99)
    before = torch.get_rng_state(), random.getstate(), str(np.random.get_state())
    again = invert(small, target.copy(), [3, 8], steps=5)
    assert torch.equal(first.latent, again.latent) and np.array_equal(first.image, again.image)
    assert (first.digit, first.error) == (again.digit, again.error)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (random.getstate(), str(np.random.get_state())) == before[1:]
    assert not torch.equal(first.latent, invert(small, picture(small, 12, 3), [3, 8], steps=5).latent)


def test_the_generator_is_left_as_it_was(make_networks):
    generator, _ = make_networks(ModelConfig(base_channels=8, num_classes=10))
    target = picture(generator, 11, 3)
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    invert(generator, target, [3], steps=3)
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())
    assert all(parameter.grad is None and parameter.requires_grad for parameter in generator.parameters())


def test_progress_rises_to_one(small):
    heard = []
    invert(small, picture(small, 11, 3), [3], steps=4, progress=heard.append)
    assert heard == [0.25, 0.5, 0.75, 1]


def test_a_larger_colour_model_inverts_too(make_networks):
    generator, _ = make_networks(ModelConfig(base_channels=4, image_size=64, image_channels=3, latent_dim=8))
    found = invert(generator, picture(generator, 1), steps=2)
    assert found.image.shape == (28, 28) and found.latent.shape == (8,) and found.digit is None


def test_digits_are_tried_by_a_model_that_knows_them_only(small, make_networks):
    blank = np.zeros((28, 28), np.uint8)
    unconditional, _ = make_networks(ModelConfig(base_channels=8))
    for generator, digits in ((small, ()), (unconditional, [3])):
        with pytest.raises(InputError, match="digits to try"):
            invert(generator, blank, digits)
    with pytest.raises(InputError, match="digit is 10: it must be from 0 to 9"):
        invert(small, blank, [1, 10])
