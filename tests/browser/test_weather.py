"""Ten minutes of bad weather on the Hub, while people use the page and the API.

`python -m pytest -m soak -s tests/browser/test_weather.py` prints the figures that SECURITY.md quotes.
It runs for ten times `DCGAN_SOAK_SECONDS` (default 60).
"""

import io
import json
import os
import random
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import visitor as v
from api_visitors import visit
from hub_server import running_hub
from page_server import serving
from PIL import Image

from dcgan.config import ModelConfig
from dcgan.hub.load import load_model
from dcgan.images import grid
from dcgan.latents.sampling import crop, sample

SECONDS = 10 * float(os.environ.get("DCGAN_SOAK_SECONDS", "60"))
FAULTS = ["silent", "cut", "trickle", "short", "flip", "unauthorized", "no_repo", "rate_limit", "server_error"]
ASKED = ("generate", "user/model", 0, 10, "any", 1)


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as answer:  # raises if the status is not 200
        return answer.read()


@pytest.mark.soak
def test_no_weather_on_the_hub_reaches_a_visitor(browser, tmp_path, monkeypatch, make_model):
    dice = random.Random(0)
    folders = [make_model(tmp_path / str(width), ModelConfig(base_channels=width, num_classes=10)) for width in (4, 6)]
    versions = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders]
    models = [*map(str, folders), v.model().folder.name]  # the bundled model is shown until the first download
    shown = [crop(sample(load_model(name).generator, range(10)).images, 2) for name in models]
    kinds, commits, calls, views, wrong = dict.fromkeys(FAULTS, 0), 0, 0, 0, []
    answered, seen = set(), set()

    def check(values: tuple, told: list, content: bytes) -> None:
        with Image.open(io.BytesIO(content)) as picture:
            (number,) = (number for number, digits in enumerate(shown) if np.array_equal(picture, grid(digits, 10)))
        answered.add(number)

    def version(page) -> int:
        """Return which model the page shows, or raise. The first half of its weights is at most 8 grey levels off."""
        found = v.pixels(page.locator(".wall .glyph")).astype(int)
        (number,) = (number for number, digits in enumerate(shown) if np.abs(digits[0, 0] - found).max() <= 8)
        return number

    with running_hub() as hub, ThreadPoolExecutor(1) as thread:
        hub.commit("user/model", versions[0])
        hub.use(monkeypatch, tmp_path)
        settings = {"DCGAN_MODEL": "user/model", "DCGAN_REFRESH_MINUTES": "0.05"}
        with serving(tmp_path, **settings) as url, v.page_opener(browser, url) as open_page:
            pages = [open_page(f"{url}?exact=true", phone=phone) for phone in (False, True)]
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                if dice.random() < 0.3:
                    hub.clear_faults()
                else:
                    kind = dice.choice(FAULTS)
                    hub.fault(kind, dice.choice(["", "", "safetensors", "config"]))
                    kinds[kind] += 1
                if dice.random() < 0.5:
                    commits += 1
                    hub.commit("user/model", versions[commits % 2] | {"README.md": str(commits).encode()})
                pending = thread.submit(visit, url, 4, dice.uniform(1, 6), lambda *_: ASKED, check, 0.2)
                while not pending.done():
                    page = dice.choice(pages)
                    v.open_view(page, dice.choice(list(v.VIEWS)))
                    page.get_by_role("button", name="New hand").click()
                    v.open_view(page, "play")
                    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # one comes back to the page
                    seen.add(version(page))
                    views += 1
                record = pending.result()
                calls, wrong = calls + len(record.seconds), wrong + record.errors
                for path in ("/", "/dcgan/models.json"):
                    fetch(url + path)
            hub.clear_faults()
            newest = hub.commit("user/model", versions[0] | {"README.md": b"the last"})
            end = time.monotonic() + 150  # an open page asks once a minute
            while json.loads(fetch(f"{url}/dcgan/models.json"))[0]["commit"] != newest:
                assert time.monotonic() < end, "the page does not follow a good new version"
                time.sleep(1)
            for page in pages:
                while version(page) != 0:
                    assert time.monotonic() < end, "an open page does not follow a good new version"
                    page.wait_for_timeout(1000)
    print(
        f"\n{calls} pictures of 4 API visitors and {views} views of 2 open pages under {sum(kinds.values())} faults "
        f"{kinds}, {commits} versions, in {SECONDS:.0f} s; models in answers {answered}, "
        f"on the pages {seen}; wrong: {wrong[:3]}"
    )
    assert calls and views and not wrong
