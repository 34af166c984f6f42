"""The page as a whole in a real Chromium: mistakes, links, a model without digits, screen sizes, accessibility."""

import numpy as np
import pytest
import visitor as v
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

MODES = ("light", "dark")
# What a view shows: its pictures, the sprites in the styles of players and maps, and the names of its downloads.
SHOWN = """element => {
  const all = (selector) => [...document.querySelectorAll(`${element} ${selector}`)];
  const sprites = ["--strip", "--map"];
  return JSON.stringify([
    all("img").map((image) => image.src),
    all("a.download").map((link) => link.download),
    all(":is(.way, .map)").map((one) => sprites.map((name) => one.style.getPropertyValue(name))),
  ]);
}"""


def shown(page: Page, view: str) -> str:
    return page.evaluate(SHOWN, v.VIEWS[view][1])


def expect_shown(page: Page, view: str, what: str) -> None:
    page.wait_for_function(f"([element, what]) => ({SHOWN})(element) === what", arg=[v.VIEWS[view][1], what])


def check(page: Page, label: str) -> None:
    page.get_by_label(label).check()


def ten_digits(page: Page) -> None:
    expect(page.locator("#yours .ten img")).to_have_count(10)


CHANGES = {  # of the controls in a view, which begins with other values
    "generate": [(v.fill, "Seed", 123), (v.choose, "Digit", "7"), (v.slide, "How many", 12)]
    + [(v.slide, "Truncation", 0.7), (v.choose, "Order", "least convincing first"), (check, "Exact pixels")],
    "interpolate": [(v.fill, "Key frames", "7:3 8 9:1"), (v.slide, "Steps", 5), (check, "Closed loop")]
    + [(v.choose, "Path", "linear"), (v.choose, "Easing", "smooth")],
    "write": [(v.fill, "Write", "1-2\n3.4"), (v.fill, "Hand", 77), (v.slide, "Variation", 0.5)]
    + [(v.slide, "Spacing", 7), (v.choose, "Download as", "ink on paper")],
    "map": [(v.fill, "Corners", "1 2:9 3 4"), (v.choose, "Digit", "any")],
    "directions": [(v.fill, "Hand", 9), (v.choose, "Digit", "3"), (v.slide, "slant", 2.5)]
    + [(v.slide, "direction 2", -1.5)],
    "arithmetic": [(v.fill, "Tray A", "1:3 2:3"), (v.choose, "Digit of the result", "4")],
    "yours": [(v.draw_seven,), (ten_digits,)],
    "training": [(v.choose, "Model", "unconditional")],
}


def message(page: Page) -> Locator:
    return page.locator(".toast-body")


@pytest.mark.parametrize(
    ("view", "label", "typed", "key", "told"),
    [
        ("generate", "Seed", "-1", "Tab", "-1"),
        ("generate", "Seed", "", "Tab", "Seed"),
        ("interpolate", "Key frames", "15", "Enter", "Key frames"),
        ("interpolate", "Key frames", "15 abc", "Tab", "abc"),
        ("write", "Write", "20x6", "Tab", "'x'"),
        ("write", "Hand", "abc", "Tab", "abc"),
        ("map", "Corners", "3 14 15 abc", "Tab", "abc"),
        ("directions", "Hand", "abc", "Tab", "abc"),
        ("arithmetic", "Tray A", "abc", "Tab", "abc"),
        ("arithmetic", "Tray C", "96:8 abc", "Tab", "abc"),
    ],
)
def test_a_mistake_is_one_message_and_the_picture_stays(page, view, label, typed, key, told):
    v.open_view(page, view)
    v.settle(page)
    before, right = shown(page, view), v.field(page, label).input_value()
    v.field(page, label).fill(typed)  # a seed's number field accepts no letters
    v.field(page, label).press(key)
    expect(message(page)).to_contain_text(told, ignore_case=True)
    v.settle(page)
    assert message(page).count() == 1
    assert shown(page, view) == before
    message(page).get_by_label("Close").click()
    expect(message(page)).to_have_count(0)
    v.fill(page, label, right)


@pytest.mark.parametrize("view", v.VIEWS)
def test_a_link_shows_the_same_to_somebody_else(page, open_page, view):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    v.open_view(page, view)
    before = shown(page, view)
    for action, *values in CHANGES[view]:
        action(page, *values)
    v.click(page, "Copy link")
    page.wait_for_url(f"**/?tab={view}&*")
    page.wait_for_function("navigator.clipboard.readText().then((text) => text === location.href)")
    other = open_page(page.url)
    expect(other.get_by_role("tab", name=v.VIEWS[view][0][-1], exact=True)).to_have_attribute("aria-selected", "true")
    assert v.selected_tabs(other) == v.VIEWS[view][0]
    v.settle(page)
    what = shown(page, view)
    assert what != before
    expect_shown(other, view, what)
    if view == "yours":
        page.locator("#pad .clear").click()  # else another model looks for its latent again


def test_wrong_values_in_a_link_are_named_and_the_others_are_used(open_page, page_url):
    page = open_page(f"{page_url}?tab=generate&seed=abc&digit=7&count=1000&model=mnist-conditional")
    expect(message(page)).to_contain_text("seed=abc, count=1000")
    expect(page.locator("#sheet img").first).to_have_attribute("alt", "a generated 7, seed 0")
    assert v.field(page, "Seed").input_value() == "0"
    page = open_page(f"{page_url}?tab=nowhere")
    expect(message(page)).to_contain_text("tab=nowhere")
    assert v.selected_tabs(page) == ["Generate"]
    assert page.locator("#sheet img").count() == 40


def test_links_to_a_model_without_digits_drop_the_digits_without_a_message(open_page, page_url):
    for view, label, value in (
        ("generate&digit=7&seed=5", "Seed", "5"),
        ("interpolate&keys=15 24:7", "Key frames", "15 24"),
    ):
        page = open_page(f"{page_url}?tab={view}&model=mnist")
        expect(page.get_by_label("unconditional")).to_be_checked()
        expect(v.field(page, label)).to_have_value(value)
        expect(page.get_by_text("Digit", exact=True).locator("visible=true")).to_have_count(0)
        v.settle(page)
        assert message(page).count() == 0
    expect(page.locator("#way .key img")).to_have_count(2)
    expect(page.locator("#way .key select")).to_have_count(0)


def test_a_model_without_digits_in_every_view(open_page):
    page = open_page(reduced_motion="reduce")
    v.open_view(page, "interpolate")
    v.fill(page, "Key frames", "15 24:7")
    expect(page.get_by_label("digit of key frame 2")).to_have_value("7")
    v.open_view(page, "generate")
    v.choose(page, "Digit", "7")
    expect(page.locator("#sheet img").first).to_have_attribute("alt", "a generated 7, seed 0")
    alts = page.locator("#sheet img").evaluate_all("all => all.map(image => image.alt)")
    assert alts == [f"a generated 7, seed {seed}" for seed in range(40)]

    v.choose(page, "Model", "unconditional")
    expect(page.locator("#sheet img").first).to_have_attribute("alt", "a generated digit, seed 0")
    expect(page.get_by_text("Digit", exact=True).locator("visible=true")).to_have_count(0)
    expect(page.locator("#model")).to_contain_text("cannot write")
    page.locator("#sheet .pick").first.click()
    expect(page.get_by_role("button", name="Adjust in Directions")).to_be_visible()
    expect(page.get_by_role("button", name="Write in this hand").locator("visible=true")).to_have_count(0)
    page.keyboard.press("Escape")

    view = v.open_view(page, "interpolate")
    expect(v.field(page, "Key frames")).to_have_value("15 24")
    expect(view.locator(".key select")).to_have_count(0)
    _, strip = v.download_picture(page, "strip, exact pixels (PNG)")
    assert np.array_equal(np.asarray(strip)[2:30, 2:30], v.drawn([15], name="mnist")[0])

    view = v.open_view(page, "directions")
    v.expect_sliders(page, "mnist")
    expect(view.get_by_alt_text("before", exact=True)).to_be_visible()
    expect(view.locator(".ten img")).to_have_count(0)
    view = v.open_view(page, "arithmetic")
    expect(view.get_by_alt_text("A less B plus C")).to_be_visible()

    view = v.open_view(page, "training")
    assert v.measured("mnist") != v.measured("mnist-conditional")
    v.expect_measures(view, "mnist")

    view = v.open_view(page, "write")
    expect(view.locator(".note")).to_be_visible()
    expect(view.locator("img")).to_have_count(0)
    v.choose(page, "Model", "conditional")
    expect(view.locator(".writing img")).to_be_visible()
    v.open_view(page, "generate")
    expect(page.get_by_text("Digit", exact=True).locator("visible=true")).to_have_count(1)
    assert message(page).count() == 0


def expect_to_fit(page: Page, width: int, view: str) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= width, view
    assert page.evaluate("window.innerWidth") == width, view  # not zoomed out to fit


def violations(page: Page, **options) -> list[str]:
    found = Axe().run(page, options={"resultTypes": ["violations"]} | options).response["violations"]
    return [
        f"{one['id']}: {node['target']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


def test_every_view_fits_a_phone(open_page):
    page = open_page(phone=True, color_scheme="dark")
    for view in v.VIEWS:
        v.open_view(page, view)
        expect_to_fit(page, v.PHONE["width"], view)
    for mode in MODES:
        page.emulate_media(color_scheme=mode)
        ink = "(light) => (getComputedStyle(document.querySelector('#training .stage')).filter !== 'none') === light"
        page.wait_for_function(ink, arg=mode == "light")  # ink on paper, chalk on slate


def test_every_view_is_accessible_in_both_modes_and_fits_a_wide_screen(open_page):
    page = open_page(color_scheme="light")
    page.add_style_tag(content="* { transition: none !important }")  # no colours between those of two modes
    for view in ("dialog", *v.VIEWS):
        if view == "dialog":
            page.locator("#sheet .pick").first.click()
            expect(page.locator("dialog")).to_be_visible()
        else:
            v.open_view(page, view)
        assert violations(page) == [], view
        page.emulate_media(color_scheme="dark")  # the elements are the same: only the rules about colours matter
        expect(page.locator("body.dark")).to_be_attached()
        assert violations(page, runOnly=["color-contrast", "link-in-text-block"]) == [], view
        page.set_viewport_size(v.WIDE)
        expect_to_fit(page, v.WIDE["width"], view)
        page.set_viewport_size(v.DESKTOP)
        page.emulate_media(color_scheme="light")
        expect(page.locator("body.dark")).to_have_count(0)
        page.keyboard.press("Escape")
