"""The engine in the page's console: `dcgan`, with the weights of the page's own models."""

import urllib.error
import urllib.request

import numpy as np
import pytest
from visitor import drawn

WEIGHTS = "/dcgan/weights/"


def read(page, request: dict) -> np.ndarray:
    """The images (N, 28, 28) that `dcgan.sample` gives."""
    page.wait_for_function("() => globalThis.dcgan?.models().length")
    images = page.evaluate("async (request) => [...(await dcgan.sample(request)).images]", request)
    return np.array(images, np.uint8).reshape(-1, 28, 28)


def test_the_console_draws_the_pages_digits_and_asks_for_weights_once(open_page):
    page, asked = open_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_function("() => globalThis.dcgan?.models().length")
    assert not [url for url in asked if WEIGHTS in url]
    for name, digit in (("mnist-conditional", 7), ("mnist", None)):
        images = read(page, {"model": name, "seeds": list(range(20)), "digit": digit})
        expected = drawn(range(20), digit, name)
        assert np.abs(images.astype(int) - expected).max() <= 1
    assert len([url for url in asked if WEIGHTS in url]) == 2
    page.reload()
    read(page, {"seeds": [3]})
    assert len([url for url in asked if WEIGHTS in url]) == 2  # they were kept


@pytest.mark.parametrize(
    "path", ["weights/" + "0" * 64, "weights/model.safetensors", "engine/matmul.wat", "engine/..%2f..%2fpage.py", "x"]
)
def test_nothing_else_is_served(page_url, path):
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(f"{page_url}/dcgan/{path}", timeout=10)
    assert error.value.code == 404
