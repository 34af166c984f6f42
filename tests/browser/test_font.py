"""The specimen page of a font, in Chromium: opened from disk, as after unpacking the ZIP file."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page
from scipy import ndimage

from dcgan.font import font_zip
from dcgan.hub.load import load_model


@pytest.fixture(scope="module")
def specimen(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Page:
    folder: Path = tmp_path_factory.mktemp("font")
    with zipfile.ZipFile(io.BytesIO(font_zip(load_model("mnist-conditional"), 42))) as archive:
        archive.extractall(folder)
    page = browser.new_page(device_scale_factor=4)  # so that the edges are a small part of the ink
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("requestfailed", lambda request: problems.append(request.url))
    page.goto((folder / "nobody-42" / "specimen.html").as_uri())
    page.evaluate("() => document.fonts.ready")
    yield page
    page.close()
    assert not problems


def shapes(page: Page, text: str, family: str = "") -> list[np.ndarray]:
    """The pieces of ink of a text, from left to right, each as a small picture of its own size."""
    page.locator("#cycle").evaluate(
        """(row, [textContent, fontFamily]) => {
          Object.assign(row, { textContent });
          Object.assign(row.style, { fontFamily, fontSize: "150px", padding: "0 40px" });
        }""",
        [text, family],
    )
    pixels = np.asarray(Image.open(io.BytesIO(page.locator("#cycle").screenshot())).convert("L"))
    pieces, _ = ndimage.label(pixels < 128, np.ones((3, 3)))
    boxes = sorted(enumerate(ndimage.find_objects(pieces), 1), key=lambda one: one[1][1].start)
    return [pieces[box] == number for number, box in boxes]  # a slanted digit's box holds some of its neighbours


def test_the_page_shows_its_text_in_the_font(specimen):
    assert specimen.evaluate("() => document.fonts.check('40px \"Nobody 42\"')")
    assert specimen.evaluate("() => [...document.fonts].map((font) => font.status)") == ["loaded"]
    own, other = (shapes(specimen, "8", family) for family in ("", "serif"))
    assert len(own) == 1 and (own[0].shape != other[0].shape or (own[0] != other[0]).mean() > 0.1)


def test_a_repeated_one_has_three_shapes_in_turn(specimen):
    first, second, third, again = shapes(specimen, "1111")

    def differ(one: np.ndarray, other: np.ndarray) -> bool:
        height, width = (max(sizes) for sizes in zip(one.shape, other.shape, strict=True))
        one, other = (np.pad(a, ((0, height - a.shape[0]), (0, width - a.shape[1]))) for a in (one, other))
        return (one != other).sum() > 0.1 * one.sum()

    assert differ(first, second) and differ(second, third) and differ(first, third)
    assert not differ(first, again)
