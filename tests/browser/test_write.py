"""The Write tab in a real Chromium: numbers in the current handwriting."""

import re

import numpy as np
import pytest
import visitor as v
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from dcgan.hub.load import load_model
from dcgan.latents.codes import latent_of
from dcgan.latents.handwriting import SIGNS, write

from .test_page import violations

STANDARD = {"write.text": "2026", "write.variation": 0.15, "write.spacing": 3, "write.first": 0, "hand": "0"}


def expected(hand: str, text: str = "2026", variation: float = 0.15, spacing: int = 3) -> np.ndarray:
    """Return what Python writes."""
    generator = v.model().generator
    return write(generator, latent_of(hand, generator.config)[0], text, variation=variation, spacing=spacing).image


def saved(page: Page) -> np.ndarray:
    v.ready(page)
    return np.asarray(v.download_picture(page, "Exact 28×28 pixels (PNG)")[1].convert("L"))


def text_field(page: Page) -> Locator:
    return page.locator("#write-text textarea")


def expect_written(page: Page, text: str, hand: object) -> None:
    name = f"{text}, written by hand {hand}" if text else "nothing is written"
    expect(page.locator("#view-write .writing > svg")).to_have_attribute("aria-label", name)


@pytest.fixture
def writing(page: Page) -> Page:
    """The tab as it is at first."""
    page.evaluate("changes => demo.put(changes)", STANDARD | {"exact": False})
    v.open_view(page, "write")
    expect_written(page, "2026", 0)
    v.ready(page)
    return page


def put(page: Page, **changes: object) -> None:
    names = {"hand": "hand", "exact": "exact"}
    page.evaluate("changes => demo.put(changes)", {names.get(key, f"write.{key}"): changes[key] for key in changes})
    v.ready(page)


@pytest.mark.parametrize(
    ("hand", "text", "variation", "spacing"),
    [("5", "2026", 0.15, 3), ("8", "17 4\n 90210", 0.5, 7), ("0", "1111", 0, 0)],
)
def test_the_browser_writes_as_python_does(writing, hand, text, variation, spacing):
    put(writing, hand=hand, text=text, variation=variation, spacing=spacing)
    v.assert_alike(saved(writing), expected(hand, text, variation, spacing))


@pytest.mark.parametrize("hand", ["0", "1", "2", "8"])  # upright, bold, leaning, fine
def test_signs_are_where_python_draws_them(writing, hand):
    text = "(1+2)=3,4\n50% - 6/7:8.9"
    assert set(SIGNS) <= set(text)
    put(writing, hand=hand, text=text)
    found, wanted = saved(writing).astype(int), expected(hand, text).astype(int)
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).mean() < 1  # of 255: the signs' edges differ a little
    assert np.abs(found - wanted).max() < 110


def test_each_key_is_seen_at_once_and_letters_stay_pale(writing):
    field, asked = text_field(writing), v.requests_from_now(writing)
    field.fill("")
    expect_written(writing, "", 0)
    script = """() => {
      window.late = [];
      const count = () => document.querySelectorAll("#view-write .writing > svg > :not(.rules)").length;
      document.querySelector("#write-text textarea").addEventListener("input", ({ target }) => {
        const before = count();
        let frames = 0;
        const look = () => (count() > before ? late.push(frames) : ++frames < 60 && requestAnimationFrame(look));
        if (/[^ ]$/.test(target.value)) requestAnimationFrame(look);
      });
    }"""
    writing.evaluate(script)
    field.press_sequentially("7 call 555-0199", delay=60)
    expect_written(writing, "7 555-0199", 0)
    view = writing.locator("#view-write")
    assert view.locator(".writing .pale").all_text_contents() == ["call"]
    places = [view.locator(".writing > svg > *").nth(i).bounding_box()["x"] for i in range(3)]
    assert view.locator(".writing .glyph").count() == 8 and len(set(places)) == 3
    left = view.locator(".writing .pale").bounding_box()["x"]
    boxes = [glyph.bounding_box() for glyph in view.locator(".writing .glyph path").all()]
    assert boxes[0]["x"] < left < boxes[1]["x"]
    expect(writing.locator(".mistake")).to_have_count(0)
    late = writing.evaluate("late")
    assert len(late) >= 10 and np.median(late) <= 2 and asked == []
    assert field.evaluate("field => [field.selectionStart, field === document.activeElement]") == [15, True]


def test_a_digit_that_stays_is_not_drawn_again(writing):
    put(writing, text="2026")
    script = "() => { window.kept = [...document.querySelectorAll('#view-write .writing .glyph')]; }"
    writing.evaluate(script)
    text_field(writing).press("End")
    text_field(writing).press_sequentially("1/")
    expect_written(writing, "20261/", 0)
    glyphs = "[...document.querySelectorAll('#view-write .writing .glyph')]"
    assert writing.evaluate(f"() => kept.every((one) => {glyphs}.includes(one)) && {glyphs}.length") == 5


def test_a_text_that_is_too_long_is_told_and_its_beginning_is_written(writing):
    text_field(writing).fill("\n".join("1" * 14))
    expect(writing.locator("#write-text .mistake")).to_contain_text("at most 200 characters in 12 lines")
    expect_written(writing, " ".join("1" * 12), 0)
    text_field(writing).fill("1" * 12)
    expect(writing.locator(".mistake")).to_have_count(0)
    expect_written(writing, "1" * 12, 0)


def test_signs_alone_have_the_hands_weight(writing):
    put(writing, hand="54", text="+")
    bold = writing.locator(".writing path[stroke]").first.get_attribute("stroke-width")
    put(writing, hand="41")
    fine = writing.locator(".writing path[stroke]").first.get_attribute("stroke-width")
    assert float(bold) > 1.3 * float(fine)
    assert writing.locator("#view-write .glyph").count() == 0


def test_the_writing_is_saved_as_it_is_seen(writing):
    put(writing, text="31.12.1999 no 5/7")
    name, content = v.download(writing, "SVG", "The writing")
    assert name == "31.12.1999_5-7_hand-0.svg"
    shown = writing.locator(".writing path:not(.rules)").evaluate_all(
        "all => all.map((path) => path.getAttribute('d'))"
    )
    assert re.findall(r' d="(M[^"]*)"', content.decode()) == shown and len(shown) == 13
    made = writing.evaluate("dcgan.models().find(({ name }) => name === demo.state.model)")
    title = re.search("<title>(.*)</title>", content.decode()).group(1)
    assert title.startswith(f"31.12.1999 5/7, written by hand 0 of {made['name']} (weights ")
    name, picture = v.download_picture(writing, "PNG")
    assert name == "31.12.1999_5-7_hand-0.png" and max(picture.size) == 2000
    pixels = Image.fromarray(255 - saved(writing)).resize(picture.size, Image.Resampling.BICUBIC)
    difference = np.abs(np.asarray(picture.convert("L")).astype(int) - np.asarray(pixels))
    assert difference.mean() < 16  # of 255: the same writing, crisp
    put(writing, text="")
    writing.locator("details.save summary").first.click()
    writing.locator("details.save summary").first.click()
    expect(writing.get_by_role("group", name="The writing", exact=True)).to_have_count(0)


def test_the_shelf_shows_the_visitors_text_in_ten_hands(writing):
    hands = writing.locator("#write-first .hand")
    put(writing, text="call\n17.4 and 90210/555", exact=True)
    expect(hands.last.locator(".glyph")).to_have_count(9)
    assert hands.locator("span").all_inner_texts() == [str(seed) for seed in range(10)]
    hands.nth(4).click()
    expect(writing.locator("#hand-field")).to_have_value("4")
    expect_written(writing, "17.4 90210/555", 4)
    expect(writing.locator("#write-first .hand[aria-pressed=true] span")).to_have_text("4")
    v.ready(writing)
    of_shelf, of_writing = (
        [v.pixels(glyph) for glyph in view.locator(".glyph").all()]
        for view in (hands.nth(4), writing.locator(".writing"))
    )
    assert len(of_shelf) == 9
    v.assert_alike(np.stack(of_shelf), np.stack(of_writing[:9]))
    v.click(writing, "Ten others")
    expect(hands.first.locator("span")).to_have_text("10")
    expect(writing.locator("#write-first .hand[aria-pressed=true]")).to_have_count(0)
    writing.wait_for_url("**first=10**")


def test_the_shelf_is_one_stop_of_the_tab_key(writing):
    hands = writing.locator("#write-first .hand")
    put(writing, hand="2")
    assert hands.evaluate_all("all => all.filter((one) => one.tabIndex === 0).map((one) => one.dataset.hand)") == ["2"]
    hands.nth(2).focus()
    for key, seed in (("ArrowDown", 3), ("ArrowUp", 2), ("End", 9), ("Home", 0), ("ArrowUp", 0)):
        writing.keyboard.press(key)
        expect(hands.nth(seed)).to_be_focused()
    writing.keyboard.press("Enter")
    expect_written(writing, "2026", 0)
    writing.keyboard.press("Tab")
    expect(writing.get_by_role("button", name="Ten others")).to_be_focused()


def test_an_old_link_shows_the_same(open_page, page_url):
    page = open_page(f"{page_url}?tab=write&text=31.12.1999&hand=8&variation=0.3&spacing=5&first=20&size=4")
    v.assert_alike(saved(page)[:, :20], expected("8", "31.12.1999", 0.3, 5)[:, :20])
    assert saved(page).shape == expected("8", "31.12.1999", 0.3, 5).shape
    assert page.locator("#write-first .hand span").first.inner_text() == "20"
    assert page.locator(".mistake").count() == 0
    page = open_page(f"{page_url}?tab=write&hand=3&first=4294967295")
    expect_written(page, "2026", 3)
    expect(page.locator("#write-first .mistake")).to_contain_text("4294967295")
    v.click(page, "Ten others")
    expect(page.locator("#write-first .hand span").first).to_have_text("0")
    expect(page.locator(".mistake")).to_have_count(0)


def test_a_phone_keeps_the_writing_in_view_and_has_large_targets(open_page, page_url):
    page = open_page(f"{page_url}?tab=write", phone=True, viewport={"width": 390, "height": 844})
    field, writing, bar = text_field(page), page.locator(".writing"), page.locator("#view-hand")
    assert field.bounding_box()["y"] < writing.bounding_box()["y"] < 844 / 1.6
    for scrolled in (300, 500):
        page.evaluate("y => scrollTo(0, y)", scrolled)
        top, stuck = bar.bounding_box(), writing.bounding_box()
        assert stuck["y"] >= top["height"] - 1 and stuck["y"] + stuck["height"] <= 844 * 0.36
        page.mouse.move(5, 5)
        assert writing.evaluate(
            "one => { const { left, top } = one.getBoundingClientRect();"
            " return one.contains(document.elementFromPoint(left + 30, top + 12)); }"
        )
    assert (
        page.locator("#write-first .hand, .others").evaluate_all(
            "all => Math.min(...all.map((one) => one.offsetHeight))"
        )
        >= 44
    )
    assert field.evaluate("field => parseFloat(getComputedStyle(field).fontSize)") >= 16
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size(v.PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= v.PHONE["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_tab_is_accessible_and_prints_the_writing_alone(open_page, page_url, scheme):
    page = open_page(f"{page_url}?tab=write&text=call 1.2", color_scheme=scheme)
    page.add_style_tag(content="* { transition: none !important }")
    assert violations(page) == []
    page.emulate_media(media="print", color_scheme=scheme)
    for hidden in ("#write-text", "#view-hand", ".hands", ".others", ".pale", ".rules", "[role=tab]"):
        assert page.locator(hidden).locator("visible=true").count() == 0, hidden
    assert page.locator(".writing .glyph").locator("visible=true").count() == 2
    colour = "path => [getComputedStyle(path).fill, getComputedStyle(document.body).backgroundColor]"
    assert page.locator(".writing .glyph path").first.evaluate(colour) == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]


def test_a_model_without_digits_has_no_controls_to_write_with(open_page, page_url):
    assert not load_model("mnist").config.num_classes
    page = open_page(f"{page_url}?tab=write&model=mnist")
    expect(page.get_by_text("cannot write numbers")).to_be_visible()
    for control in ("#write-text", "#write-variation", ".hands", ".writing"):
        assert page.locator(control).locator("visible=true").count() == 0, control
