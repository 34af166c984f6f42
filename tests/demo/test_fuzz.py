"""Thousands of generated inputs: an endpoint answers or gives a sentence, and nothing else."""

import asyncio
import io
import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from starlette.requests import Request

from dcgan import InputError
from demo.api import arithmetic, directions, font, generate, interpolate, invert, training, write
from demo.api import map as map_endpoint
from demo.models import Models
from demo.parts.downloads import encoder

EXAMPLES = 300
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(["\0", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)
MODEL = st.sampled_from(["mnist", "mnist-conditional"])
DIGIT = st.sampled_from(["any", "0", "7", 3, None])
HAND = st.sampled_from(["5", 7, "z3.AAAA", "", "-1", "4294967296", "9" * 400, "٣"])
KEYS = st.lists(st.sampled_from(["1", "24:7", "2:x", "3:", ":", "z9.", "１２", "9" * 30]), max_size=11).map(" ".join)
NUMBER = st.sampled_from([0, 1, 2, -1, 0.5, 60, 2**53, 10**400, float("nan"), float("inf")])
TEXT = st.text("0123456789 \n-./:,x٣", max_size=30)
STYLE = st.sampled_from(["white on black", "ink on paper", "round"])
AMOUNTS = st.dictionaries(st.sampled_from(["thickness", "slant", "direction 6", "x"]), NUMBER, max_size=3)
ENDPOINTS = {
    generate.endpoint: (MODEL, NUMBER, st.sampled_from([0, 1, 2, 33, 101]), DIGIT, NUMBER),
    interpolate.endpoint: (
        MODEL,
        KEYS,
        st.sampled_from([2, 3, 1, 61]),
        st.sampled_from([True, False, "no"]),
        st.sampled_from(["spherical", "linear", "round"]),
        st.sampled_from(["even", "smooth", ""]),
        st.sampled_from([1, 30, 0]),
        st.sampled_from(["gif", "webp", "mp4", "exe"]),
    ),
    write.endpoint: (MODEL, TEXT, HAND, NUMBER, NUMBER, NUMBER, STYLE),
    map_endpoint.endpoint: (MODEL, KEYS, DIGIT),
    directions.move_endpoint: (MODEL, HAND, DIGIT, AMOUNTS),
    directions.list_directions: (MODEL,),
    arithmetic.endpoint: (MODEL, KEYS, KEYS, KEYS, DIGIT),
    invert.endpoint: (MODEL, st.fixed_dictionaries({"path": st.text(max_size=30)}), DIGIT),
    training.endpoint: (MODEL,),
}
QUICK = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}


@pytest.fixture(scope="module")
def models() -> Models:
    models = Models()
    models.fit_directions()
    return models


def values_for(asked: tuple) -> st.SearchStrategy:
    """Return a strategy for an endpoint's values: sensible ones, of which often one is replaced by anything."""

    def replaced(drawn: tuple) -> tuple:
        values, place, junk = drawn
        return values if place >= len(values) else (*values[:place], junk, *values[place + 1 :])

    return st.tuples(st.tuples(*asked), st.integers(0, 2 * len(asked)), JUNK).map(replaced)


def answered(function, *values) -> None:
    """Call a function. It may return, or raise an `InputError` with a short sentence."""
    try:
        function(*values)
    except InputError as error:
        assert 0 < len(str(error)) < 400, error


def fuzz(models: Models, endpoint, examples: int, **options) -> None:
    @settings(max_examples=examples if len(ENDPOINTS[endpoint]) > 1 else 20, **options, **QUICK)
    @given(values_for(ENDPOINTS[endpoint]))
    def try_it(values):
        answered(endpoint, models, *values)

    try_it()


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_an_endpoint_answers_or_gives_a_sentence(models, endpoint):
    fuzz(models, endpoint, EXAMPLES, derandomize=True)


@pytest.mark.soak
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_an_endpoint_answers_or_gives_a_sentence_for_long(models, endpoint):
    fuzz(models, endpoint, 20 * EXAMPLES)


def png() -> bytes:
    image = Image.new("L", (40, 40), 255)
    image.paste(0, (15, 5, 25, 35))
    image.save(buffer := io.BytesIO(), "PNG")
    return buffer.getvalue()


@settings(max_examples=EXAMPLES, derandomize=True, **QUICK)
@given(st.lists(st.tuples(st.integers(0, len(png()) - 1), st.integers(0, 255)), max_size=6), st.integers(0, len(png())))
def test_a_damaged_picture_is_read_or_refused(tmp_path_factory, changes, length):
    content = bytearray(png())
    for place, byte in changes:
        content[place] = byte
    path = tmp_path_factory.getbasetemp() / f"picture-{os.getpid()}.png"
    path.write_bytes(content[:length])
    answered(invert.extract_ink, str(path))


@settings(max_examples=EXAMPLES, derandomize=True, **QUICK)
@given(
    JUNK | JUNK.map(json.dumps) | st.tuples(MODEL, JUNK).map(lambda two: json.dumps({"model": two[0], "hand": two[1]}))
)
def test_the_encoder_answers_or_gives_a_sentence(models, request_text):
    async def receive() -> dict:
        return await asyncio.Event().wait()

    def make(model, hand):
        return font.font_file(model, hand if isinstance(hand, (bool, float, list, dict)) else None)  # what is refused

    answer = asyncio.run(encoder(models, make)(request_text, Request({"type": "http"}, receive)))
    assert set(answer) == {"error"} and len(answer["error"]) < 400
