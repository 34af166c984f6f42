"""What the browser fetches by plain HTTP: the page itself, its scripts, weights, directions, the card of its link."""

import gzip
import io
import json
import re
import struct
import time
import urllib.error
import urllib.request
from email.message import Message

import brotli
import numpy as np
import pytest
from PIL import Image

from dcgan.hub.load import load_model
from dcgan.latents.directions import fit_named_directions
from demo import assets

NAME = "mnist-conditional"


def fetch(url: str, **headers: str) -> tuple[Message, bytes]:
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.headers, answer.read()


def get(url: str, **headers: str) -> bytes:
    return fetch(url, **headers)[1]


@pytest.fixture(scope="module")
def described(page_url) -> dict:
    return {model["name"]: model for model in json.loads(get(f"{page_url}/dcgan/models.json"))}


def is_kept(headers: Message) -> bool:
    return "immutable" in headers["Cache-Control"]


def test_the_page_is_small_and_compressed(page_url):
    headers, page = fetch(page_url, Accept_Encoding="gzip")
    assert headers["Content-Encoding"] == "gzip"
    assert len(page) < 50_000  # bytes; every hidden tab is empty
    assert gzip.decompress(page).count(b"\\u003csvg") == 50  # the first digits of the wall, and those of the bar


def test_scripts_and_styles_are_compressed_and_then_smaller(page_url):
    gradio = re.search(r"assets/index-[\w-]+\.js", get(page_url).decode())[0]
    for path in (gradio, f"dcgan/static/{assets.version()}/engine/ink.js", "theme.css?v=1"):
        whole, sizes, end = get(f"{page_url}/{path}"), [], time.monotonic() + 20
        best = 0.95 * len(gzip.compress(whole))
        while not sizes or (sizes[-1] >= best and time.monotonic() < end):
            headers, packed = fetch(f"{page_url}/{path}", Accept_Encoding="gzip, deflate, br")
            assert headers["Content-Encoding"] == "br" and brotli.decompress(packed) == whole
            assert is_kept(headers) and re.match("text/css|application/javascript", headers["Content-Type"])
            sizes.append(len(packed))
            time.sleep(0.05)
        assert sizes[0] < len(gzip.compress(whole)) and sizes[-1] < best
        assert gzip.decompress(fetch(f"{page_url}/{path}", Accept_Encoding="gzip")[1]) == whole


def test_the_links_card_is_the_pages_own(page_url):
    page = get(page_url, X_Forwarded_Proto="https", X_Forwarded_Host="digits.example").decode()
    tags = dict(re.findall(r'<meta property="((?:og|twitter):[^"]+)" content="([^"]*)"', page))
    assert tags["og:title"] == "Handwritten digits that nobody wrote" and "browser" in tags["og:description"]
    assert tags["og:image"] == "https://digits.example/dcgan/preview.png"
    assert len(re.findall("og:title", page)) == 1 and "Click to try out the app" not in page
    with Image.open(io.BytesIO(get(f"{page_url}/dcgan/preview.png"))) as picture:
        assert picture.size == (1200, 630)
        lightness = np.asarray(picture.convert("L"))
    assert lightness[0, 0] > 230 and 0.02 < (lightness < 100).mean() < 0.4  # ink on paper
    headers, icon = fetch(f"{page_url}/favicon.ico")
    assert "svg" in headers["Content-Type"] and b"nobody wrote" in icon


def test_scripts_are_kept_by_the_browser_and_nothing_else_is_served(page_url):
    for name in assets.MODULES:
        headers, script = fetch(f"{page_url}/dcgan/static/{assets.version()}/{name}")
        assert is_kept(headers) and "javascript" in headers["Content-Type"]
        assert script == (assets.STATIC / name).read_bytes()
    assert not is_kept(fetch(f"{page_url}/dcgan/static/old/engine/index.js")[0])
    gradio = re.search(r'src="\./(assets/[^"]+\.js)"', get(page_url).decode())[1]
    assert is_kept(fetch(f"{page_url}/{gradio}")[0])
    for path in (
        "static/0/engine/matmul.wat",
        "static/0/engine/..%2F..%2Fpage.py",
        "static/0/tabs/map.py",
        "weights/0",
    ):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(f"{page_url}/dcgan/static/{assets.version()}/{path}")


def test_weights_are_served_whole_and_in_halves_under_their_hash(page_url, described):
    model = load_model(NAME)
    for kind, path in assets.weight_files(model).items():
        headers, weights = fetch(f"{page_url}/dcgan/weights/{described[NAME]['sha256'][kind]}")
        assert is_kept(headers) and weights == path.read_bytes()
    address = f"{page_url}/dcgan/weights/{described[NAME]['sha256']['generator']}"
    headers, packed = fetch(f"{address}/upper", Accept_Encoding="gzip")
    assert headers["Content-Encoding"] == "gzip" and len(packed) < 1_200_000
    upper, lower = gzip.decompress(packed), get(f"{address}/lower")
    start = 8 + struct.unpack("<Q", upper[:8])[0]
    words = np.frombuffer(upper[start:] + lower, np.uint8).reshape(4, -1)[::-1].T.copy().view("<u4")[:, 0]
    words = (words << 8 & 0x80000000) | (words >> 1 & 0x7F800000) | (words & 0x7FFFFF)
    whole = upper[:start] + words.astype("<u4").tobytes()
    assert whole == (model.folder / "model.safetensors").read_bytes()


def test_directions_are_told_by_the_hash_of_the_generator(page_url, described):
    found = json.loads(get(f"{page_url}/dcgan/directions/{described[NAME]['sha256']['generator']}"))
    expected = [direction.vector.numpy() for direction in fit_named_directions(load_model(NAME).generator)]
    assert len(found) == 9
    assert np.abs(np.array(found[:3]) - np.stack(expected)).max() <= 1e-6
