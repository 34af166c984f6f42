"""Many visitors at once: nobody gets a wrong or a cut picture.

`python -m pytest -m soak -s tests/demo` runs the long tests, which print the figures that SECURITY.md quotes.
`DCGAN_SOAK_SECONDS` (default 60) shortens them.
"""

import asyncio
import functools
import io
import json
import os
import random
import time
from pathlib import Path

import numpy as np
import pytest
from api_visitors import Record, Visitor, visit
from page_server import Address, serving
from PIL import Image

from dcgan.hub.load import load_model
from dcgan.images import grid
from dcgan.latents.sampling import crop, sample

MODEL = "mnist-conditional"
SECONDS = float(os.environ.get("DCGAN_SOAK_SECONDS", "60"))
COUNT = 10


@functools.cache
def truth(name: str, seed: int, count: int, digit: str, truncation: float) -> np.ndarray:
    """Return the grid that the page must send for a call of `generate`."""
    model = load_model(name)
    samples = sample(model.generator, range(seed, seed + count), None if digit == "any" else int(digit), truncation)
    return np.asarray(grid(crop(samples.images, model.config.border), min(10, count)))


def check_picture(values: tuple, told: list, content: bytes) -> None:
    assert [one["seed"] for one in told[1]] == list(range(values[1], values[1] + values[2]))
    with Image.open(io.BytesIO(content)) as picture:
        assert np.array_equal(np.asarray(picture), truth(*values)), f"a wrong picture for {values}"


def twenty_seeds(number: int, turn: int) -> tuple:
    return ("generate", MODEL, 100 * ((number + turn) % 20), COUNT, "any", 1)


def new_seeds(number: int, turn: int) -> tuple:
    return ("generate", MODEL, 100_000 * number + COUNT * turn, COUNT, "any", 1)


def told(name: str, record: Record, seconds: float) -> None:
    times = sorted(record.seconds)
    share = [f"{times[int(part * (len(times) - 1))]:.2f}" for part in (0.5, 0.95, 1)]
    print(
        f"\n{name}: {len(times)} answers, {len(times) / seconds:.0f} a second; seconds p50 {share[0]}, p95 {share[1]}, "
        f"longest {share[2]}; turned away {len(record.refused)}, errors {len(record.errors)} {record.errors[:3]}"
    )


def resident(url: Address) -> float:
    """Return the memory of the page in MB."""
    return int(Path(f"/proc/{url.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def test_calls_that_share_a_pass_get_their_own_pictures_whole(page_url):
    mixed = [
        ("generate", MODEL, 5, 3, "any", 1),
        ("generate", MODEL, 900, 1, "7", 1),
        ("generate", MODEL, 17, 12, "any", 0.5),
        ("generate", "mnist", 5, 3, "any", 1),
        ("generate", MODEL, 40, 35, "2", 1),
    ]
    record = visit(page_url, 24, 2, lambda number, turn: mixed[(number + turn) % len(mixed)], check_picture)
    assert not record.errors and len(record.seconds) >= 24
    once = visit(page_url, 16, 0.5, lambda number, turn: ("generate", MODEL, number, 2 + turn, "any", 1), check_picture)
    assert not once.errors and len(once.seconds) >= 16


@pytest.mark.soak
def test_load(tmp_path):
    for number in range(20):
        truth(*twenty_seeds(number, 0)[1:])  # not while the visitors wait
    with serving(tmp_path) as url:
        time.sleep(10)  # the page fits the directions first
        visit(url, 4, 3, new_seeds)
        for visitors, request in ((50, new_seeds), (50, twenty_seeds), (100, twenty_seeds), (100, new_seeds)):
            wanted = check_picture if request is twenty_seeds else lambda *_: None
            record = visit(url, visitors, SECONDS, request, wanted)
            told(f"{visitors} visitors, {request.__name__.replace('_', ' ')}", record, SECONDS)
            assert not record.errors
            assert visitors == 100 or not record.refused
            assert all(b"try again" in answer.body for answer in record.refused)
            started = time.monotonic()
            visit(url, 1, 0, new_seeds)
            alone = visit(url, 1, 0.1, new_seeds)
            assert not alone.errors and time.monotonic() - started < 2  # it recovers at once


@pytest.mark.soak
def test_memory_and_files(tmp_path):
    calls, left = random.Random(0), [0]
    kinds = [lambda seed: ("generate", MODEL, seed, COUNT, "any", 1)] * 14 + [
        lambda seed: ("write", MODEL, str(seed), str(seed), 0.2, 3, 1, "white on black"),
        lambda seed: ("move", "mnist", str(seed), "any", {"thickness": 1}),
        lambda seed: ("map", MODEL, f"1 2 3 {seed}", "any"),
        lambda seed: ("arithmetic", MODEL, "1:3 2:3", "3:3", f"{seed}:8", "any"),
        lambda seed: ("generate", MODEL, -1, COUNT, "any", 1),
        lambda seed: ("models",),
    ]

    async def one(url: str) -> None:
        visitor = Visitor(url)
        while left[0] > 0:
            left[0] -= 1
            answer, values = await visitor.call(*calls.choice(kinds)(calls.randrange(10**6)))
            assert answer.status == 200
            if isinstance(values, list) and isinstance(values[0], dict) and "url" in values[0]:
                await visitor.fetch(values[0])

    async def some(url: str, count: int) -> None:
        left[0] = count
        await asyncio.gather(*(one(url) for _ in range(12)))

    with serving(tmp_path) as url:
        time.sleep(10)
        asyncio.run(some(url, 500))
        time.sleep(2)
        before, after = resident(url), []
        for _ in range(5):
            asyncio.run(some(url, 1900))
            time.sleep(2)
            after.append(resident(url))
        files = [path.stat().st_size for path in tmp_path.rglob("gradio/**/*") if path.is_file()]
    print(f"\nmemory after 500 calls {before:.0f} MB, to 10,000 calls {[f'{one - before:+.0f}' for one in after]} MB")
    print(f"temporary files: {len(files)} of {sum(files) / 1e6:.0f} MB")
    assert after[-1] - before <= 60


LARGEST = {
    "models": (),
    "generate": (MODEL, 0, 100, "any", 1),
    "write": (MODEL, "\n".join(["012345678901234"] * 12), "0", 1, 12, 8, "ink, transparent"),
    "map": (MODEL, "3 14 15 92", "any"),
    "directions": (MODEL,),
    "move": (MODEL, "5", "any", {"thickness": 4, "slant": -4}),
    "arithmetic": (MODEL, "1 2 3 4 5 6", "7 8 9 10 11 12", "13 14 15 16 17 18", "any"),
    "interpolate gif": (MODEL, "1 2 3 4 5 6 7 8 9 10", 60, True, "spherical", "smooth", 30, "gif"),
    "interpolate webp": (MODEL, "1 2 3 4 5 6 7 8 9 10", 60, True, "spherical", "smooth", 30, "webp"),
    "interpolate mp4": (MODEL, "1 2 3 4 5 6 7 8 9 10", 60, True, "spherical", "smooth", 30, "mp4"),
    "font": (MODEL, "1"),
    "training": (MODEL,),
}


@pytest.mark.soak
def test_the_largest_request_of_each_endpoint(tmp_path):
    side = 1414  # nearly two million pixels
    noise = np.random.default_rng(0).integers(0, 60, (side, side), np.uint8)
    noise[300:1100, 650:750] = 255
    Image.fromarray(noise).save(buffer := io.BytesIO(), "PNG")
    body = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n' + buffer.getvalue()
    body += b"\r\n--x--\r\n"

    async def measure(url: Address) -> None:
        visitor = Visitor(url)
        head = {"Content_Type": "multipart/form-data; boundary=x"}
        (path,) = json.loads((await visitor.ask("POST", "/gradio_api/upload", body, **head)).body)
        picture = {"path": path, "meta": {"_type": "gradio.FileData"}}
        for name, values in (LARGEST | {"invert": (MODEL, picture, "any")}).items():
            process = Path(f"/proc/{url.process.pid}")
            (process / "clear_refs").write_text("5")  # forget the peak
            before, started = resident(url), time.monotonic()
            _, answer = await visitor.call(name.split()[0], *values)
            seconds = time.monotonic() - started
            assert "error" not in answer, answer
            status = (process / "status").read_text().split("VmHWM:")[1].split()[0]
            print(f"{name:18} {seconds:6.2f} s, {int(status) * 1024 / 1e6 - before:+5.0f} MB")
            assert seconds < 30

    with serving(tmp_path) as url:
        time.sleep(10)
        print()
        asyncio.run(measure(url))
