"""The page through gradio_client and plain HTTP: what a program sees of it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image, ImageSequence

from dcgan.folder import load_model
from dcgan.sampling import crop, interpolate, sample
from demo.inputs import asked_digit, whole_number
from demo.models import Models
from demo.page import build_page

CONDITIONAL, UNCONDITIONAL = "mnist-conditional", "mnist"


@pytest.fixture(scope="module")
def client(page_url: str, tmp_path_factory: pytest.TempPathFactory) -> Client:
    return Client(page_url, verbose=False, download_files=tmp_path_factory.mktemp("downloads"))


@pytest.fixture(scope="module")
def generators() -> dict:
    return {name: load_model(name).generator for name in (CONDITIONAL, UNCONDITIONAL)}


def cells(picture: Image.Image, count: int) -> np.ndarray:
    """The 28x28 pictures of a grid with 10 columns and gaps of 2 pixels."""
    sheet, columns = np.asarray(picture.convert("L")), min(10, count)
    corners = [(2 + i // columns * 30, 2 + i % columns * 30) for i in range(count)]
    return np.stack([sheet[top : top + 28, left : left + 28] for top, left in corners])


def generate(client: Client, model: str = CONDITIONAL, seed=0, count=1, digit="any", truncation=1.0):
    picture, listed = client.predict(model, seed, count, digit, truncation, api_name="/generate")
    return cells(Image.open(picture), count), listed


@pytest.mark.parametrize("model", [CONDITIONAL, UNCONDITIONAL])
def test_generate_gives_the_pictures_of_the_seeds_to_the_pixel(client, generators, model):
    pictures, listed = generate(client, model, seed=7, count=33)
    expected = sample(generators[model], range(7, 40))
    assert np.array_equal(pictures, crop(expected.images, 2)[:, 0])
    assert [entry["seed"] for entry in listed] == list(range(7, 40))
    labels = [None] * 33 if expected.labels is None else expected.labels.tolist()
    assert [entry["digit"] for entry in listed] == labels


def test_a_digit_asked_for_is_given_and_truncation_reaches_the_model(client, generators):
    pictures, listed = generate(client, seed=5, count=3, digit="7", truncation=0.5)
    assert np.array_equal(pictures, crop(sample(generators[CONDITIONAL], range(5, 8), 7, 0.5).images, 2)[:, 0])
    assert [entry["digit"] for entry in listed] == [7, 7, 7]


def test_visitors_at_the_same_time_get_their_own_pictures(client, generators):
    seeds = list(range(100, 116))
    with ThreadPoolExecutor(8) as pool:
        pictures = list(pool.map(lambda seed: generate(client, seed=seed)[0][0], seeds))
    assert np.array_equal(np.stack(pictures), crop(sample(generators[CONDITIONAL], seeds).images, 2)[:, 0])


def test_interpolate_gives_a_loop_and_a_strip(client, generators):
    gif, strip = client.predict(CONDITIONAL, 3, "2", 8, "any", 6, "linear", api_name="/interpolate")
    expected = crop(interpolate(generators[CONDITIONAL], (3, 8), (2, None), 6, spherical=False), 2)[:, 0]
    assert np.array_equal(cells(Image.open(strip), 6), expected)
    assert Path(gif).name == "mnist-conditional_seed-3-digit-2_to_seed-8_linear.gif"
    with Image.open(gif) as animation:
        assert (animation.n_frames, animation.size, animation.info["loop"]) == (10, (224, 224), 0)
        frames = [np.asarray(frame.convert("L"))[::8, ::8] for frame in ImageSequence.Iterator(animation)]
    assert np.array_equal(np.stack(frames), np.concatenate([expected, expected[4:0:-1]]))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"seed": None}, "Seed is empty"),
        ({"seed": -1}, "Seed is -1: it must be from 0 to 4294967295"),
        ({"seed": 2**32}, "Seed is 4294967296"),
        ({"seed": 2**32 - 1, "count": 2}, "with 2 images it must be from 0 to 4294967294"),
        ({"count": 0}, "0"),
        ({"count": 101}, "101"),
        ({"truncation": 0}, "0"),
        ({"digit": "10"}, "10"),
        ({"model": UNCONDITIONAL, "digit": "3"}, "does not know digits"),
        ({"model": "../../etc"}, "not in the list of choices"),
    ],
)
def test_a_mistake_is_answered_with_a_sentence(client, arguments, sentence):
    with pytest.raises(AppError) as error:
        generate(client, **arguments)
    assert sentence in str(error.value)
    assert "Traceback" not in str(error.value)
    assert len(generate(client)[0]) == 1  # and the page goes on


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((CONDITIONAL, None, "any", 1, "any", 8, "linear"), "Seed A is empty"),
        ((CONDITIONAL, 1, "any", 1, "any", 61, "linear"), "61"),
        ((UNCONDITIONAL, 1, "any", 1, "4", 8, "linear"), "does not know digits"),
        ((CONDITIONAL, 1, "any", 1, "any", 8, "straight"), "not in the list of choices"),
    ],
)
def test_a_mistake_on_the_way_is_answered_with_a_sentence(client, arguments, sentence):
    with pytest.raises(AppError) as error:
        client.predict(*arguments, api_name="/interpolate")
    assert sentence in str(error.value)


def test_only_what_is_meant_for_programs_is_public(client):
    endpoints = client.view_api(return_format="dict", print_info=False)
    assert set(endpoints["named_endpoints"]) == {"/generate", "/interpolate", "/models"}
    assert not endpoints["unnamed_endpoints"]


def test_building_the_page_touches_no_random_state():
    import torch

    before = torch.random.get_rng_state()
    build_page(Models())
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("value", [None, True, 2.5, float("nan"), "7", 11, -1])
def test_whole_number_refuses(value):
    with pytest.raises(ValueError, match=r"^seed is "):
        whole_number(value, "seed", 0, 10)


def test_choices_of_digits():
    assert asked_digit("any", 0) is asked_digit(None, 10) is asked_digit("any", 10) is None
    assert asked_digit("7", 10) == asked_digit(7, 10) == 7
    for choice, classes in (("7", 0), ("eleven", 10), (10, 10)):
        with pytest.raises(ValueError, match="digit"):
            asked_digit(choice, classes)
