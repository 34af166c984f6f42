"""The page as a whole in a real Chromium: links, mistakes, sizes of screen, accessibility."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect
from visitor import (
    PHONE,
    VIEWS,
    WIDE,
    choose,
    click,
    draw_seven,
    field,
    fill,
    open_view,
    selected_tabs,
    settle,
    slide,
)

MODES = ("light", "dark")
# What a view shows: every picture, and the sprites in the styles of players and maps.
SHOWN = """element => {
  const all = (selector) => [...document.querySelectorAll(`${element} ${selector}`)];
  const sprites = ["--strip", "--map"];
  return JSON.stringify([
    all("img").map((image) => image.src),
    all(":is(.way, .map)").map((one) => sprites.map((name) => one.style.getPropertyValue(name))),
  ]);
}"""


def shown(page: Page, view: str) -> str:
    return page.evaluate(SHOWN, VIEWS[view][1])


def expect_shown(page: Page, view: str, what: str) -> None:
    page.wait_for_function(f"([element, what]) => ({SHOWN})(element) === what", arg=[VIEWS[view][1], what])


def change(page: Page, view: str) -> None:
    """Ask for something in a view that it does not begin with."""
    if view == "generate":
        fill(page, "Seed", 123)
        choose(page, "Digit", "7")
        slide(page, "How many", 12)
        slide(page, "Truncation", 0.7)
        choose(page, "Order", "least convincing first")
        page.get_by_label("Exact pixels").check()
    elif view == "interpolate":
        fill(page, "Key frames", "7:3 8 9:1")
        slide(page, "Steps", 5)
        page.get_by_label("Closed loop").check()
        choose(page, "Path", "linear")
        choose(page, "Easing", "smooth")
    elif view == "write":
        field(page, "Write").fill("1-2\n3.4")
        fill(page, "Hand", 77)
        slide(page, "Variation", 0.5)
        slide(page, "Spacing", 7)
        choose(page, "Download as", "ink on paper")
    elif view == "map":
        fill(page, "Corners", "1 2:9 3 4")
        choose(page, "Digit", "any")
    elif view == "directions":
        fill(page, "Hand", 9)
        choose(page, "Digit", "3")
        slide(page, "slant", 2.5)
        slide(page, "direction 2", -1.5)
    elif view == "arithmetic":
        fill(page, "Tray A", "1:3 2:3")
        choose(page, "Digit of the result", "4")
    elif view == "yours":
        draw_seven(page)
        expect(page.locator("#yours .ten img")).to_have_count(10)
    elif view == "training":
        choose(page, "Model", "unconditional")


@pytest.mark.parametrize("view", VIEWS)
def test_a_link_shows_the_same_to_somebody_else(open_page, view):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    open_view(page, view)
    before = shown(page, view)
    change(page, view)
    click(page, "Copy link")
    expect(page.get_by_role("button", name="Copied").locator("visible=true")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert page.url == link
    other = open_page(link)
    expect(other.get_by_role("tab", name=VIEWS[view][0][-1], exact=True)).to_have_attribute("aria-selected", "true")
    assert selected_tabs(other) == VIEWS[view][0]
    what = shown(page, view)
    assert what != before
    expect_shown(other, view, what)


def sentence(page: Page) -> Locator:
    return page.locator(".toast-body")


def test_what_a_link_asks_for_in_vain_is_told_and_the_rest_is_shown(open_page, page_url):
    page = open_page(f"{page_url}?tab=generate&seed=abc&digit=7&count=1000&model=mnist-conditional")
    expect(sentence(page)).to_contain_text("asks for what there is not (seed=abc, count=1000)")
    expect(page.locator("#sheet img").first).to_have_attribute("alt", "a generated 7, seed 0")
    assert field(page, "Seed").input_value() == "0"
    page = open_page(f"{page_url}?tab=nowhere")
    expect(sentence(page)).to_contain_text("(tab=nowhere)")
    assert selected_tabs(page) == ["Generate"]
    assert page.locator("#sheet img").count() == 40


def test_links_to_a_model_without_digits_need_no_apology(open_page, page_url):
    for view, element, seen in (
        ("generate&seed=5&digit=7", "#sheet img", "a generated digit, seed 5"),
        ("interpolate&keys=15 24:7", "#way .key img", "key frame 1"),
        ("arithmetic", "#arithmetic .big img", "A less B plus C"),
    ):
        page = open_page(f"{page_url}?tab={view}&model=mnist")
        expect(page.locator(element).first).to_have_attribute("alt", seen)
        expect(page.get_by_label("unconditional")).to_be_checked()
        expect(page.get_by_text("Digit", exact=True).locator("visible=true")).to_have_count(0)
        assert sentence(page).count() == 0
    page = open_page(f"{page_url}?tab=write&model=mnist")
    expect(page.locator("#write .note")).to_contain_text("cannot be asked to write")
    assert sentence(page).count() == 0


def test_a_mistake_is_a_sentence_and_the_picture_stays(open_page):
    page = open_page()
    settle(page)

    def expect_sentence(view: str, text: str) -> None:
        expect(sentence(page)).to_contain_text(text)
        assert page.get_by_test_id("toast-text").count() == 1
        assert shown(page, view) == before
        sentence(page).get_by_label("Close").click()
        expect(sentence(page)).to_have_count(0)

    before = shown(page, "generate")
    field(page, "Seed").fill("")  # on the way to another seed
    fill(page, "Seed", -1)
    expect_sentence("generate", "Seed is -1: it must be from 0 to 4294967295.")
    open_view(page, "write")
    before = shown(page, "write")
    fill(page, "Write", "20x6")
    expect_sentence("write", "'x' cannot be written: only digits, spaces, line breaks and")
    page.emulate_media(reduced_motion="reduce")
    open_view(page, "interpolate")
    before = shown(page, "interpolate")
    for text, told in (("15", "Key frames: there are 1, and it must be 2 to 8"), ("15 apple", "'apple' names no hand")):
        field(page, "Key frames").fill(text)
        field(page, "Key frames").press("Enter")
        expect_sentence("interpolate", told)


@pytest.mark.parametrize(
    ("screen", "mode"),
    [(PHONE, "light"), (PHONE, "dark"), (WIDE, "light")],
    ids=lambda one: str(one["width"]) if isinstance(one, dict) else one,
)
def test_no_screen_is_too_small(open_page, screen, mode):
    phone = {"has_touch": True, "is_mobile": True} if screen is PHONE else {}
    page = open_page(viewport=screen, color_scheme=mode, **phone)
    for view in VIEWS:
        open_view(page, view)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= screen["width"], view
        assert page.evaluate("window.innerWidth") == screen["width"], view  # not zoomed out to fit
    ink = page.evaluate("getComputedStyle(document.querySelector('#training .stage')).filter")
    assert (ink != "none") == (mode == "light")  # ink on paper, chalk on slate


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['target']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("mode", MODES)
def test_nobody_is_kept_out(open_page, mode):
    page = open_page(color_scheme=mode, reduced_motion="reduce")
    page.locator("#sheet .pick").first.click()
    expect(page.locator("dialog")).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    for view in VIEWS:
        open_view(page, view)
        assert violations(page) == [], view
