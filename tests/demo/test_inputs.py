"""What comes in from anybody: typed values, links, drawings, requests for files, files of a model's folder."""

import asyncio
import base64
import json
import os
import threading
from functools import partial
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from PIL import EpsImagePlugin, Image
from starlette.requests import Request

from dcgan import InputError
from dcgan.config import ModelConfig
from demo.api import invert
from demo.api.interpolate import morph_file
from demo.models import Models
from demo.parts import downloads, work
from demo.parts.downloads import MAX_REQUEST, encoder
from demo.parts.inputs import (
    asked_digit,
    keys_for,
    number,
    one_of,
    parse_keys,
    show_input_errors,
    whole_number,
    yes_or_no,
)
from demo.parts.pictures import INK_COLOUR, PAPER_COLOUR, styled
from demo.parts.work import check, work_while

DIGITS, NO_DIGITS = ModelConfig(num_classes=10), ModelConfig()
CONDITIONAL, UNCONDITIONAL = "mnist-conditional", "mnist"


@pytest.fixture(scope="module")
def models() -> Models:
    return Models()


NO_NUMBERS = [None, True, "7", [7], {}, float("nan"), float("inf"), 10**400]
REFUSED = {
    partial(whole_number, name="field", low=0, high=10): [*NO_NUMBERS, 2.5, -1, 11],
    partial(number, name="field", low=0, high=1): [*NO_NUMBERS, -0.01, 1.01],
    partial(one_of, name="field", allowed={"gif": 0, "mp4": 1}): [None, "round", ["gif"], {"gif": 1}, "x" * 100_000],
    partial(yes_or_no, name="field"): ["false", 0, None],
}


@pytest.mark.parametrize(("convert", "value"), [(convert, value) for convert in REFUSED for value in REFUSED[convert]])
def test_a_value_of_another_type_is_refused_with_a_short_sentence(convert, value):
    with pytest.raises(InputError, match=r"^field is .{1,80}$"):
        convert(value)


def test_values_of_the_right_type_are_converted():
    assert [whole_number(value, "seed", 0, 10) for value in (0, 10, 7.0)] == [0, 10, 7]
    assert [number(value, "variation", 0, 1) for value in (0, 1, 0.25)] == [0.0, 1.0, 0.25]
    assert (whole_number(-5, "seed"), number(1e9, "truncation")) == (-5, 1e9)  # bounds are checked elsewhere
    assert [yes_or_no(value, "closed") for value in (True, False)] == [True, False]
    assert [asked_digit(choice) for choice in ("any", None, "7", 7)] == [None, None, 7, 7]
    for choice in ("eleven", 10, ["7"], True):
        with pytest.raises(InputError, match="digit"):
            asked_digit(choice)


def test_keys_are_hands_each_with_the_digit_asked_of_it():
    assert parse_keys(" 15, 24:7;\nz3.AAAA:0 24:any", "keys") == [("15", None), ("24", 7), ("z3.AAAA", 0), ("24", None)]
    assert parse_keys(None, "keys") == parse_keys(" ", "keys") == []
    for text in ("1 2:10", "1 2:", "1 2:7:7", 15, ["1", "2"]):
        with pytest.raises(InputError, match=r"^(keys must be a string|digit is).{1,80}$"):
            parse_keys(text, "keys")


def test_a_model_without_digits_is_asked_for_none():
    assert (keys_for(DIGITS, "15 24:7 3"), keys_for(NO_DIGITS, "15 24:7 3")) == ("15 24:7 3", "15 24 3")
    assert keys_for(NO_DIGITS, None) is None


def test_a_mistake_reaches_the_visitor_as_a_sentence_that_is_no_html():
    def handler(value):
        raise InputError(f"it isn't {value}")

    with pytest.raises(gr.Error) as error:
        show_input_errors(handler)("<img>")
    assert error.value.message == "It isn't &lt;img&gt;."


def drawing(side: int = 28) -> np.ndarray:
    pixels = np.zeros((side, side), np.uint8)
    pixels[side // 4 : 3 * side // 4, side // 2 : side // 2 + side // 8] = 255
    return pixels


def saved(path: Path, image: Image.Image) -> str:
    image.save(path)
    return str(path)


def test_the_ink_is_found_whatever_its_colours(tmp_path):
    plain = Image.fromarray(drawing(64))
    ink = invert.extract_ink(saved(tmp_path / "plain.png", plain))
    assert np.array_equal(ink, drawing(64))
    pencil = Image.fromarray((200 - 100 * (drawing(64) > 0)).astype(np.uint8))
    for name, image in {
        "turned.png": Image.fromarray(255 - drawing(64)),
        "pencil.png": pencil,
        "paper.png": styled(plain, "ink on paper"),
        "transparent.png": styled(plain, "ink, transparent"),
        "colour.png": plain.convert("RGB"),
    }.items():
        assert np.abs(invert.extract_ink(saved(tmp_path / name, image)).astype(int) - ink).max() <= 1, name


@pytest.mark.parametrize("size", [(2000, 1001), (1, 2**24), (20_000, 20_000)])
def test_a_picture_of_more_than_two_million_pixels_is_refused_before_it_is_decoded(tmp_path, size):
    assert invert.extract_ink(saved(tmp_path / "allowed.png", Image.new("1", (2000, 1000)))).shape == (1000, 2000)
    path = tmp_path / "large.png"
    Image.new("1", size).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"IDAT") + 8])  # the header alone: nothing could be decoded
    with pytest.raises(InputError, match="^picture has|^picture cannot be read") as error:
        invert.extract_ink(str(path))
    assert size == (20_000, 20_000) or f"{size[0]}×{size[1]} pixels" in str(error.value)


def test_only_five_formats_are_read_whatever_the_name_and_postscript_is_not_run(tmp_path, monkeypatch):
    ghostscript = tmp_path / "gs"
    ghostscript.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    ghostscript.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)  # Pillow looks for Ghostscript once
    (tmp_path / "eps.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n%%EndComments\n{} loop\n")
    (tmp_path / "text.png").write_text("no picture")
    Image.fromarray(drawing(64)).save(tmp_path / "tiff.png", "TIFF")
    for name in ("eps.png", "text.png", "tiff.png"):
        with pytest.raises(InputError, match="^picture cannot be read"):
            invert.extract_ink(str(tmp_path / name))
    assert not (tmp_path / "started").exists()
    for format in invert.FORMATS:
        Image.fromarray(drawing(64)).save(tmp_path / "any.name", format)
        assert invert.extract_ink(str(tmp_path / "any.name")).shape == (64, 64)


LOOP = {"model": CONDITIONAL, "kind": "gif", "key_text": "1 2", "steps": 2, "closed": False, "path": "linear"}
LOOP |= {"easing": "even", "speed": 12}


def asked(encode, request: object, gone: asyncio.Event | None = None):
    """Ask a server function for a file, as a visitor who leaves when `gone` is set."""

    async def receive() -> dict:
        await (gone or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    return encode(request, Request({"type": "http"}, receive))


def test_a_request_for_a_file_gives_its_name_and_content(models):
    answer = asyncio.run(asked(encoder(models, morph_file), json.dumps(LOOP)))
    assert answer["name"] == "mnist-conditional_seed-1_to_seed-2_linear.gif"
    assert base64.b64decode(answer["uri"].removeprefix("data:image/gif;base64,"))[:4] == b"GIF8"


def test_a_busy_page_says_so_and_work_ends_when_its_visitor_is_gone(models, monkeypatch):
    monkeypatch.setattr(downloads, "PATIENCE", 0.2)
    started, go_on, ended = threading.Semaphore(0), threading.Event(), []

    def slow(model):
        started.release()
        try:
            while not go_on.wait(0.01):
                check()
        except InputError:
            ended.append("gone")
            raise
        return "slow.txt", b"", "text/plain"

    async def visit() -> None:
        threads = threading.active_count()
        encode, request, leave = encoder(models, slow), json.dumps({"model": CONDITIONAL}), asyncio.Event()
        first = asyncio.create_task(asked(encode, request, leave))
        second = asyncio.create_task(asked(encode, request))
        others = [asyncio.create_task(asked(encode, request)) for _ in range(28)]
        for answer in await asyncio.wait_for(asyncio.gather(*others), 10):
            assert "busy" in answer["error"]
        assert started.acquire(timeout=0) and started.acquire(timeout=0) and not started.acquire(timeout=0)
        assert threading.active_count() - threads <= 4 and not first.done() and not second.done()
        leave.set()
        assert set(await asyncio.wait_for(first, 10)) == {"error"} and ended == ["gone"]
        go_on.set()
        assert (await asyncio.wait_for(second, 10))["name"] == "slow.txt"
        assert (await asyncio.wait_for(asked(encode, request), 10))["name"] == "slow.txt"

    asyncio.run(visit())


def test_work_that_takes_too_long_ends(monkeypatch):
    monkeypatch.setattr(work, "SECONDS", 0.05)

    def endless() -> None:
        while True:
            check()

    with pytest.raises(InputError, match="too long"):
        work_while(lambda: True, endless)
    check()  # of nothing


NO_REQUESTS = [None, {"model": CONDITIONAL}, "", "{", "[]", "7", "null", "{}", "[" * MAX_REQUEST]
NO_REQUESTS += [json.dumps(LOOP) + " " * MAX_REQUEST, json.dumps({key: LOOP[key] for key in ("model", "kind")})]
WRONG = [{"model": "../../etc"}, {"model": ["mnist"]}, {"more": 1}, {"steps": "3"}, {"steps": 10**9}, {"key_text": 7}]
WRONG += [{"kind": "exe"}, {"kind": ["gif"]}, {"closed": "false"}, {"path": {}}, {"easing": 1}, {"speed": 0}]
WRONG += [{"speed": float("nan")}, {"key_text": "1 2:8", "model": UNCONDITIONAL, "kind": None}]


@pytest.mark.parametrize("request_text", [*NO_REQUESTS, *(json.dumps(LOOP | wrong) for wrong in WRONG)])
def test_any_other_request_is_refused_with_a_sentence(models, request_text):
    assert set(asyncio.run(asked(encoder(models, morph_file), request_text))) == {"error"}


def test_styles_of_a_download():
    image = Image.fromarray(np.array([[0, 255, 128]], np.uint8))
    assert styled(image, "white on black") is image
    paper = np.asarray(styled(image, "ink on paper"))[0]
    assert [tuple(pixel) for pixel in paper[:2].tolist()] == [PAPER_COLOUR, INK_COLOUR]
    assert all(min(a, b) < c < max(a, b) for a, b, c in zip(PAPER_COLOUR, INK_COLOUR, paper[2].tolist(), strict=True))
    transparent = np.asarray(styled(image, "ink, transparent"))[0]
    assert transparent.tolist() == [[*INK_COLOUR, alpha] for alpha in (0, 255, 128)]
