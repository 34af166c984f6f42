"""The page as a whole in a real Chromium: the address, mistakes, models, screens, paper, accessibility."""

import re

import numpy as np
import pytest
import visitor as v
from axe_playwright_python.sync_playwright import Axe
from hub_server import running_hub
from page_server import serving
from playwright.sync_api import Locator, Page, expect

from dcgan.config import ModelConfig
from dcgan.hub.load import load_model
from dcgan.latents.sampling import sample

MODES = ("light", "dark")


def shown(page: Page, view: str) -> list[str]:
    v.ready(page)
    return v.paths(v.view_of(page, view))


def check(page: Page, label: str) -> None:
    page.get_by_label(label).check()


def ten_digits(page: Page) -> None:
    expect(page.locator("#view-yours .ten .glyph:has(path)")).to_have_count(10)


def point_at(page: Page) -> None:
    page.locator("#view-map .field").click(position={"x": 60, "y": 300})


def stand(page: Page) -> None:
    page.locator("#view-interpolate .position").fill("1.5")


CHANGES = {  # of the controls in a view, which begins with other values
    "generate": [(v.fill, "Seed", 123), (v.choose, "Digit", "7"), (v.slide, "How many", 12)]
    + [(v.slide, "Truncation", 0.7), (v.choose, "Order", "least convincing first"), (check, "Exact pixels")],
    "interpolate": [(v.fill, "Key frames", "7:3 8 9:1"), (v.slide, "Steps", 5), (check, "Closed loop")]
    + [(v.choose, "Path", "linear"), (v.choose, "Easing", "smooth"), (stand,)],
    "write": [
        (v.fill, "Write", "1-2\n3.4"),
        (v.fill, "Hand", 77),
        (v.slide, "Variation", 0.5),
        (v.slide, "Spacing", 7),
    ],
    "map": [(v.fill, "Corners", "1 2:9 3 4"), (v.choose, "Digit", "any"), (point_at,)],
    "directions": [
        (v.fill, "Hand", 9),
        (v.choose, "Digit", "3"),
        (v.slide, "slant", 2.5),
        (v.slide, "direction 2", -1.5),
    ],
    "arithmetic": [(v.fill, "Tray A", "1:3 2:3"), (v.choose, "Digit of the result", "4")],
    "yours": [(v.draw_seven,), (ten_digits,)],
    "training": [(v.choose_model, "mnist")],
}
MOVED = [view for view in CHANGES if view not in ("yours", "training")]
OLD_LINKS = {  # as the page made them when its address had every control: the digit or text that must be seen
    "tab=generate&model=mnist-conditional&exact=false&seed=5&count=3&digit=7&truncation=0.7"
    "&order=by+seed": "a generated 7",
    "tab=write&model=mnist-conditional&exact=true&text=1999&hand=8&variation=0.15&spacing=3&size=4&style=ink+on+paper"
    "&first=0": "1999, written by hand 8",
    "tab=map&model=mnist-conditional&exact=false&corners=3+14+15+92&digit=8": "the digit at this place",
}


@pytest.mark.parametrize("view", MOVED)
def test_nothing_is_asked_of_the_server_while_controls_are_moved(page, view):
    v.open_view(page, view)
    before, asked = shown(page, view), v.requests_from_now(page)
    for action, *values in CHANGES[view]:
        action(page, *values)
    assert shown(page, view) != before
    weights = [url for url in asked if "/dcgan/weights/" in url]  # of the discriminator, for the order: once
    assert asked == weights and (not asked or view == "generate")


@pytest.mark.parametrize("view", v.VIEWS)
def test_the_address_is_a_link_that_shows_the_same_to_somebody_else(page, open_page, view):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    v.open_view(page, view)
    for action, *values in CHANGES[view]:
        action(page, *values)
    v.click(page, "Copy link")
    page.wait_for_function("navigator.clipboard.readText().then((text) => text === location.href)")
    other = open_page(page.url)
    assert v.selected_tabs(other) == v.VIEWS[view]
    if view == "yours":
        ten_digits(other)
    assert shown(other, view) == shown(page, view)
    if view == "yours":
        page.locator("#view-pad .clear").click()  # else another model looks for its latent again
    v.choose_model(page, "mnist-conditional")


def test_a_link_opens_on_its_tab_from_the_first_moment(open_page, page_url):
    script = """new MutationObserver(() => {
      const tab = document.querySelector("[role=tab][aria-selected=true]");
      if (tab) (window.tabsSeen ??= new Set()).add(tab.innerText.trim());
    }).observe(document, { subtree: true, childList: true, attributes: true });"""
    page = open_page(f"{page_url}?tab=write&text=31.12.1999&hand=8", script=script)
    assert page.evaluate("[...window.tabsSeen]") == ["Write"]
    assert v.field(page, "Write").input_value() == "31.12.1999"
    expect(page.get_by_label("31.12.1999, written by hand 8")).to_be_visible()
    assert page.locator("#view-generate").count() == 0  # tabs that nobody opened are empty


@pytest.mark.parametrize("link", OLD_LINKS)
def test_old_links_work(open_page, page_url, link):
    page = open_page(f"{page_url}?{link}")
    expect(page.get_by_label(OLD_LINKS[link]).first).to_be_visible()
    assert page.locator(".mistake").count() == 0


def test_tabs_are_steps_back_and_a_reload_loses_nothing(open_page):
    page = open_page()
    v.fill(page, "Seed", 7)
    v.open_view(page, "write")
    v.fill(page, "Write", "1984")
    v.open_view(page, "directions")
    v.slide(page, "slant", 2)
    page.wait_for_url("**slant=2")
    page.reload()
    v.ready(page)
    assert v.selected_tabs(page) == ["Explore", "Directions"]
    page.go_back()
    expect(page.get_by_role("tab", name="Map", exact=True)).to_have_attribute("aria-selected", "true")
    page.go_back()
    expect(page.get_by_label("1984, written by hand 0")).to_be_visible()
    assert v.selected_tabs(page) == ["Write"] and v.field(page, "Write").input_value() == "1984"
    page.go_back()
    assert v.field(page, "Seed").input_value() == "7"
    expect(page.locator(".sheet figcaption").first).to_have_text("7")
    for _ in range(3):
        page.go_forward()
    expect(page.get_by_label("range slider for slant")).to_have_value("2")
    assert v.selected_tabs(page) == ["Explore", "Directions"]


def test_without_a_connection_everything_goes_on(open_page):
    page = open_page(offline_later=True)
    v.open_view(page, "write")
    page.context.set_offline(True)
    v.fill(page, "Write", "1984")
    v.click(page, "Roll the dice")
    expect(v.field(page, "Hand")).not_to_have_value("0")
    hand = v.field(page, "Hand").input_value()
    expect(page.get_by_label(f"1984, written by hand {hand}")).to_be_visible()
    page.wait_for_url(f"**text=1984&hand={hand}")
    page.context.set_offline(False)
    page.reload()
    v.ready(page)
    expect(page.get_by_label(f"1984, written by hand {hand}")).to_be_visible()


def mistake(page: Page) -> Locator:
    return page.locator(".mistake")


@pytest.mark.parametrize(
    ("view", "label", "typed", "told"),
    [
        ("generate", "Seed", "-1", "-1"),
        ("generate", "Seed", "1.5", "1.5"),
        ("generate", "Seed", "", "Seed is empty"),
        ("interpolate", "Key frames", "15", "got 1 key frames"),
        ("interpolate", "Key frames", "15 abc", "abc"),
        ("write", "Hand", "abc", "abc"),
        ("map", "Corners", "3 14 15 abc", "abc"),
        ("directions", "Hand", "abc", "abc"),
        ("arithmetic", "Tray A", "abc", "abc"),
        ("arithmetic", "Tray C", "96:8 abc", "abc"),
    ],
)
def test_a_mistake_is_told_under_its_field_and_the_picture_stays(page, view, label, typed, told):
    v.open_view(page, view)
    before, right = shown(page, view), v.field(page, label).input_value()
    v.field(page, label).fill(typed)
    expect(mistake(page)).to_contain_text(told, ignore_case=True)
    assert mistake(page).count() == 1
    assert mistake(page).locator("xpath=ancestor::*[starts-with(@id, '" + view + "-')]").count() == 1
    assert shown(page, view) == before
    v.fill(page, label, right)
    expect(mistake(page)).to_have_count(0)


def test_wrong_values_in_a_link_are_named_and_the_others_are_used(open_page, page_url):
    page = open_page(f"{page_url}?tab=generate&seed=abc&digit=7&count=1000&model=mnist-conditional")
    expect(mistake(page)).to_contain_text("seed=abc, count=1000")
    expect(page.locator(".sheet .glyph").first).to_have_attribute("aria-label", "a generated 7, seed 0")
    assert v.field(page, "Seed").input_value() == "0"
    page = open_page(f"{page_url}?tab=nowhere")
    expect(mistake(page)).to_contain_text("tab=nowhere")
    assert v.selected_tabs(page) == ["Generate"]


def test_a_model_without_digits_in_every_view_and_nothing_is_lost_on_the_way_back(open_page):
    page = open_page(reduced_motion="reduce")
    v.open_view(page, "interpolate")
    v.fill(page, "Key frames", "15 24:7")
    v.open_view(page, "generate")
    v.choose(page, "Digit", "7")
    check(page, "Exact pixels")
    v.choose_model(page, "mnist")
    v.assert_alike(v.pixels(page.locator(".sheet .glyph")), v.drawn([0], name="mnist")[0])
    expect(page.get_by_text("Digit", exact=True).locator("visible=true")).to_have_count(0)
    expect(page.get_by_text("cannot write numbers")).to_be_visible()
    page.locator(".sheet .pick").first.click()
    expect(page.get_by_role("button", name="Adjust in Directions")).to_be_visible()
    expect(page.get_by_role("button", name="Write in this hand").locator("visible=true")).to_have_count(0)
    page.keyboard.press("Escape")
    view = v.open_view(page, "interpolate")
    expect(view.locator(".key select:visible")).to_have_count(0)
    v.assert_alike(v.pixels(view.locator(".key .glyph").nth(1)), v.drawn([24], name="mnist")[0])
    view = v.open_view(page, "directions")
    v.assert_alike(v.pixels(view.get_by_label("before")), v.drawn([5], name="mnist")[0])
    expect(view.locator(".ten .glyph")).to_have_count(0)
    view = v.open_view(page, "arithmetic")
    expect(view.get_by_label("A less B plus C")).to_be_visible()
    view = v.open_view(page, "training")
    assert v.measured("mnist") != v.measured("mnist-conditional")
    v.expect_measures(view, "mnist")
    view = v.open_view(page, "write")
    expect(view.locator(".glyph:visible")).to_have_count(0)
    v.choose_model(page, "mnist-conditional")
    expect(page.get_by_label("2026, written by hand 0")).to_be_visible()
    v.open_view(page, "interpolate")
    assert v.field(page, "Key frames").input_value() == "15 24:7"
    v.open_view(page, "generate")
    v.assert_alike(v.pixels(page.locator(".sheet .glyph")), v.drawn([0], 7)[0])
    assert mistake(page).count() == 0


def test_a_second_visit_loads_no_weights(open_page, page_url):
    first = open_page()
    again = first.context.new_page()
    asked = v.requests_from_now(again)
    again.goto(page_url)
    v.ready(again)
    assert not [url for url in asked if "/weights/" in url]


def test_a_refreshed_model_reaches_open_pages(browser, tmp_path, monkeypatch, make_model):
    def publish(hub, name: str, **config) -> str:
        folder = make_model(tmp_path / name, ModelConfig(base_channels=4, **config))
        return hub.commit("user/fresh", {path.name: path.read_bytes() for path in folder.iterdir()})

    with running_hub() as hub:
        publish(hub, "old", num_classes=10)
        settings = {"DCGAN_MODEL": "user/fresh", "DCGAN_REFRESH_MINUTES": "0.02"}
        with serving(tmp_path, **hub.environment(tmp_path), **settings) as url:
            page = browser.new_page()
            page.goto(f"{url}?exact=true")
            v.ready(page)
            old = v.pixels(page.locator(".sheet .glyph"))
            commit = publish(hub, "new")
            look = "() => document.dispatchEvent(new Event('visibilitychange'))"  # as when one comes back to the page
            for _ in range(100):
                page.evaluate(look)
                page.wait_for_timeout(200)
                if commit[:8] in page.locator("#weights").inner_text():
                    break
            v.ready(page)
            expected = sample(load_model(str(tmp_path / "new")).generator, [0]).images[0, 0, 2:-2, 2:-2]
            assert not np.array_equal(old, expected)
            v.assert_alike(v.pixels(page.locator(".sheet .glyph")), expected)
            page.close()


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


def test_every_view_fits_a_phone_in_ink_of_the_texts_colour(open_page):
    page = open_page(phone=True, color_scheme="dark")
    for view in v.VIEWS:
        v.open_view(page, view)
        expect_to_fit(page, v.PHONE["width"], view)
        for glyph in v.view_of(page, view).locator(".glyph path:visible").all()[:2]:
            fill, text = glyph.evaluate("path => [getComputedStyle(path).fill, getComputedStyle(document.body).color]")
            assert fill == text, view


def test_a_map_lets_a_phone_scroll(open_page):
    page = open_page(phone=True)
    v.open_view(page, "map")
    assert page.locator("#view-map .field").evaluate("field => getComputedStyle(field).touchAction") == "pan-y"


def test_every_view_is_accessible_in_both_modes_and_fits_a_wide_screen(open_page):
    page = open_page(color_scheme="light")
    page.add_style_tag(content="* { transition: none !important }")  # no colours between those of two modes
    for view in ("dialog", *v.VIEWS):
        if view == "dialog":
            page.locator(".sheet .pick").first.click()
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


@pytest.mark.parametrize("mode", MODES)
def test_a_printed_page_is_the_writing_alone_black_on_white(open_page, page_url, mode):
    page = open_page(f"{page_url}?tab=write&text=31.12.1999", color_scheme=mode)
    page.emulate_media(media="print", color_scheme=mode)
    for control in ("#masthead", "[role=tab]", "#write-text", ".downloads", "footer"):
        assert page.locator(control).locator("visible=true").count() == 0, control
    fill = page.locator(".writing path").first.evaluate("path => getComputedStyle(path).fill")
    assert fill == "rgb(0, 0, 0)"
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(255, 255, 255)"


def test_no_picture_is_blended_inverted_or_a_bitmap(page):
    for view in v.VIEWS:
        v.open_view(page, view)
        tricks = """root => [...root.querySelectorAll("*")].filter((element) => {
          const { filter, mixBlendMode, backgroundImage } = getComputedStyle(element);
          return filter !== "none" || mixBlendMode !== "normal" || /url/.test(backgroundImage);
        }).length + root.querySelectorAll("img").length"""
        assert v.view_of(page, view).evaluate(tricks) == 0, view
        assert not re.search("blend-mode|invert", page.locator("style").first.inner_text())
