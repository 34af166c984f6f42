"""The tabs Write and Your digit in a real Chromium."""

import re

import numpy as np
import pytest
import visitor as v
from PIL import Image
from playwright.sync_api import Page, expect

from dcgan.latents.codes import latent_of
from dcgan.latents.handwriting import write


def expected(hand: str, text: str = "2026", variation: float = 0.15, spacing: int = 3) -> np.ndarray:
    """Return what Python writes."""
    generator = v.model().generator
    return write(generator, latent_of(hand, generator.config)[0], text, variation=variation, spacing=spacing).image


def saved(page: Page) -> np.ndarray:
    v.ready(page)
    _, picture = v.download_picture(page, "exact pixels (PNG)")
    return np.asarray(picture.convert("L"))


def expect_written(page: Page, text: str, hand: object) -> None:
    expect(page.locator("#view-write .writing > svg")).to_have_attribute(
        "aria-label", f"{text}, written by hand {hand}"
    )


@pytest.fixture
def writing(page: Page) -> Page:
    """The tab as it is at first."""
    v.open_view(page, "write")
    page.get_by_label("Exact pixels").uncheck()
    for label, value in {"Write": "2026", "Hand": 0, "Ten hands from seed": 0}.items():
        v.fill(page, label, value)
    expect_written(page, "2026", 0)
    return page


@pytest.mark.parametrize(
    ("hand", "text", "variation", "spacing"),
    [("5", "2026", 0.15, 3), ("8", "17 4\n 90210", 0.5, 7), ("0", "1111", 0, 0)],
)
def test_the_browser_writes_as_python_does(writing, hand, text, variation, spacing):
    v.fill(writing, "Write", text)
    v.fill(writing, "Hand", hand)
    v.slide(writing, "Variation", variation)
    v.slide(writing, "Spacing", spacing)
    expect_written(writing, " ".join(text.split()), hand)
    v.assert_alike(saved(writing), expected(hand, text, variation, spacing))
    v.slide(writing, "Variation", 0.15)
    v.slide(writing, "Spacing", 3)


def test_signs_are_lines_where_python_draws_them(writing):
    v.fill(writing, "Write", "1-2/3.4:5,6")
    found, wanted = saved(writing).astype(int), expected("0", "1-2/3.4:5,6").astype(int)
    assert abs(found.shape[1] - wanted.shape[1]) <= 2 and found.shape[0] == wanted.shape[0]
    width = min(found.shape[1], wanted.shape[1])
    assert np.abs(found[:, :width] - wanted[:, :width]).mean() < 3  # of 255: the signs' edges differ a little
    assert writing.locator("#view-write .writing path[stroke]").count() == 6


def test_what_can_be_written_is_written_at_every_key(writing):
    field = v.field(writing, "Write")
    field.fill("")
    for typed, seen in (("call ", None), ("555", "call 555"), ("-0199", "call 555-0199")):
        field.press_sequentially(typed)
        if seen:
            expect_written(writing, seen, 0)
    v.ready(writing)
    assert writing.locator("#view-write .writing svg svg").count() == 7
    expect(writing.locator(".mistake")).to_contain_text("'c' 'a' 'l' cannot be written")
    v.fill(writing, "Write", "12")
    expect(writing.locator(".mistake")).to_have_count(0)


def test_the_writing_is_saved_as_it_is_seen(writing):
    v.fill(writing, "Write", "31.12.1999")
    v.ready(writing)
    name, content = v.download(writing, "SVG")
    assert name == "31-12-1999_hand-0.svg"
    shown = writing.locator("#view-write .writing path").evaluate_all(
        "all => all.map((path) => path.getAttribute('d'))"
    )
    assert re.findall(r' d="(M[^"]*)"', content.decode()) == shown
    assert b"<title>31.12.1999, written by hand 0 of mnist-conditional</title>" in content
    name, picture = v.download_picture(writing, "PNG")
    assert name == "31-12-1999_hand-0.png" and max(picture.size) == 2000
    pixels = Image.fromarray(255 - saved(writing)).resize(picture.size, Image.Resampling.BICUBIC)
    difference = np.abs(np.asarray(picture.convert("L")).astype(int) - np.asarray(pixels))
    assert difference.mean() < 16  # of 255: the same writing, crisp


def test_another_hand_is_picked_from_the_list(writing):
    hands = writing.locator("#view-write .hand")
    assert hands.locator("span").all_inner_texts() == [str(seed) for seed in range(10)]
    hands.nth(4).click()
    expect(v.field(writing, "Hand")).to_have_value("4")
    expect_written(writing, "2026", 4)
    expect(writing.locator("#view-write .hand[aria-pressed=true] span")).to_have_text("4")
    v.fill(writing, "Ten hands from seed", 90)
    expect(hands.first.locator("span")).to_have_text("90")
    writing.get_by_label("Exact pixels").check()
    v.ready(writing)
    shown = np.stack([v.pixels(glyph) for glyph in hands.nth(3).locator(".glyph").all()])
    v.assert_alike(shown, np.concatenate([v.drawn([93], digit) for digit in range(10)]))
    v.click(writing, "Roll the dice")
    expect(v.field(writing, "Hand")).not_to_have_value("4")
    expect_written(writing, "2026", v.field(writing, "Hand").input_value())
