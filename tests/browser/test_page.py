"""The page as a whole in a real Chromium: the address, mistakes, models, screens, paper, accessibility."""

import re
import zipfile
from io import BytesIO

import numpy as np
import pytest
import visitor as v
from axe_playwright_python.sync_playwright import Axe
from hub_server import running_hub
from page_server import ROOT, serving
from playwright.sync_api import Locator, Page, expect

from dcgan.config import ModelConfig
from dcgan.hub.load import load_model
from dcgan.latents.sampling import sample
from demo.parts.pictures import FIRST_SEED

MODES = ("light", "dark")


CHANGES = {  # of each tab's values, in the address
    "play": {"play.seed": 123, "play.digit": "7", "play.count": 12, "hand": "9", "thickness": 2.5, "truncation": 0.7},
    "write": {"write.text": "1-2\n3.4", "hand": "77", "write.variation": 0.5, "write.spacing": 7},
    "morph": {"morph.keys": "7:3 8 9:1", "morph.closed": True, "morph.path": "linear", "morph.at": 0.4},
    "learned": {"model": "mnist", "exact": True},
}
OLD_LINKS = {  # link as the page once made it: the tab that it opens now, and values that it means
    "seed=5&count=3&digit=7&truncation=0.7&order=by+seed&open=6": (
        "play",
        {"play.seed": 5, "play.count": 3, "play.digit": "7", "truncation": 0.7, "hand": "6"},
    ),
    "tab=generate&model=mnist-conditional&exact=true&seed=5": ("play", {"play.seed": 5, "exact": True, "hand": "0"}),
    "tab=interpolate&keys=3:2+8&steps=9&closed=true&path=linear&easing=smooth&speed=4&at=0.5": (
        "morph",
        {"morph.keys": "3:2 8", "morph.steps": 9, "morph.closed": True, "morph.path": "linear", "morph.at": 0.5}
        | {"morph.easing": "smooth", "morph.speed": 4},
    ),
    "tab=write&model=mnist-conditional&exact=true&text=1999&hand=8&variation=0.3&spacing=5&size=4&style=ink+on+paper"
    "&first=20": (
        "write",
        {"write.text": "1999", "hand": "8", "write.variation": 0.3, "write.spacing": 5, "write.first": 20},
    ),
    "tab=map&corners=3+14:8+15+92&at=0.2+0.8": (
        "play",
        {"play.show": "map", "play.corners": "3 14:8 15 92", "play.digit": "8", "play.pin": "0.2 0.8"},
    ),
    "tab=directions&thickness=2&direction3=-1.5&digit=4": (
        "play",
        {"hand": "5", "thickness": 2, "direction3": -1.5, "play.digit": "4"},
    ),
    "tab=arithmetic&a=1:3+2:3&b=4&c=5:8&digit=8": (
        "learned",
        {"learned.a": "1:3 2:3", "learned.b": "4", "learned.c": "5:8", "learned.digit": "8"},
    ),
    "tab=yours&digit=7": ("draw", {"draw.digit": "7"}),
    "tab=training&model=mnist": ("learned", {"model": "mnist"}),
}


def shown(page: Page, view: str) -> list[str]:
    v.ready(page)
    return v.paths(v.view_of(page, "hand")) + v.paths(v.view_of(page, view))


def state(page: Page) -> dict:
    return page.evaluate("demo.state")


def put(page: Page, values: dict) -> None:
    page.evaluate("values => demo.put(values)", values)
    v.ready(page)


@pytest.mark.parametrize("view", CHANGES)
def test_the_address_is_a_link_that_shows_the_same_to_somebody_else(open_page, view):
    page = open_page(reduced_motion="reduce")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    v.open_view(page, view)
    put(page, CHANGES[view])
    v.click(page, "Share")
    page.wait_for_function("navigator.clipboard.readText().then((text) => text === location.href)")
    other = open_page(page.url, reduced_motion="reduce")
    assert v.selected_tabs(other) == [v.VIEWS[view]]
    assert {key: state(other)[key] for key in CHANGES[view]} == CHANGES[view]
    assert shown(other, view) == shown(page, view)


def test_a_link_opens_on_its_tab_from_the_first_moment(open_page, page_url):
    script = """new MutationObserver(() => {
      const tab = document.querySelector("[role=tab][aria-selected=true]");
      if (tab) (window.tabsSeen ??= new Set()).add(tab.innerText.trim());
    }).observe(document, { subtree: true, childList: true, attributes: true });"""
    page = open_page(f"{page_url}?tab=write&text=31.12.1999&hand=8", script=script)
    assert page.evaluate("[...window.tabsSeen]") == ["Write"]
    assert v.field(page, "Write").input_value() == "31.12.1999"
    expect(page.get_by_label("31.12.1999, written by hand 8")).to_be_visible()
    assert page.locator("#view-play").count() == 0  # tabs that nobody opened are empty


def test_the_page_begins_with_whole_digits_and_a_link_without_a_hand_still_means_seed_0(open_page, page_url):
    page = open_page(page_url, reduced_motion="reduce")
    begin = {"hand": str(FIRST_SEED), "play.seed": FIRST_SEED}
    for values in (begin, {"hand": "0"}, {"play.seed": 0}, begin | {"play.seed": 0}, begin | {"hand": "0"}):
        put(page, values)
        page.goto(page.evaluate("demo.link()"))
        page.evaluate("history.replaceState(null, '')")  # what is left is the link
        page.reload()
        v.ready(page)
        assert {key: state(page)[key] for key in values} == values
    assert state(open_page(f"{page_url}?count=6"))["hand"] == "0"
    assert state(open_page(f"{page_url}?__theme=dark"))["hand"] == str(FIRST_SEED)


@pytest.mark.parametrize("link", OLD_LINKS)
def test_old_links_mean_what_they_meant(open_page, page_url, link):
    page = open_page(f"{page_url}?{link}", reduced_motion="reduce")
    tab, values = OLD_LINKS[link]
    assert v.selected_tabs(page) == [v.VIEWS[tab]]
    assert {key: state(page)[key] for key in values} == values
    assert page.locator(".mistake:visible").count() == 0


def test_tabs_are_steps_back_and_a_reload_loses_nothing(open_page):
    page = open_page()
    v.choose(page, "Digit", "7")
    v.open_view(page, "write")
    v.fill(page, "Write", "1984")
    v.open_view(page, "morph")
    v.open_view(page, "play")
    v.slide(page, "Slant", 2)
    page.wait_for_url("**slant=2*")
    page.reload()
    v.ready(page)
    assert v.selected_tabs(page) == ["Play"] and state(page)["slant"] == 2
    page.go_back()
    expect(page.get_by_role("tab", name="Morph")).to_have_attribute("aria-selected", "true")
    page.go_back()
    expect(page.get_by_label("1984, written by hand 0")).to_be_visible()
    assert v.selected_tabs(page) == ["Write"] and v.field(page, "Write").input_value() == "1984"
    page.go_back()
    expect(page.get_by_role("radio", name="7", exact=True)).to_be_checked()
    for _ in range(3):
        page.go_forward()
    expect(page.get_by_label("range slider for Slant")).to_have_value("2")
    assert v.selected_tabs(page) == ["Play"]


def test_without_a_connection_everything_goes_on(open_page):
    page = open_page(offline_later=True)
    v.open_view(page, "write")
    page.context.set_offline(True)
    v.fill(page, "Write", "1984")
    v.click(page, "New hand")
    expect(page.locator("#hand-field")).not_to_have_value("0")
    hand = page.locator("#hand-field").input_value()
    expect(page.get_by_label(f"1984, written by hand {hand}")).to_be_visible()
    page.wait_for_url("**text=1984*")
    page.context.set_offline(False)
    page.reload()
    v.ready(page)
    expect(page.get_by_label(f"1984, written by hand {hand}")).to_be_visible()


def mistake(page: Page) -> Locator:
    return page.locator(".mistake:visible")


def test_a_mistake_is_told_under_its_field_and_the_picture_stays(open_page):
    page = open_page(reduced_motion="reduce")
    v.open_view(page, "write")
    before = shown(page, "write")
    page.locator("#hand-field").fill("abc")
    expect(mistake(page)).to_contain_text("abc")
    assert mistake(page).count() == 1 and v.view_of(page, "hand").locator(".mistake").count() == 1
    assert shown(page, "write") == before
    v.open_view(page, "play")
    expect(mistake(page)).to_have_count(1)
    v.take_hand(page, 5)
    expect(mistake(page)).to_have_count(0)
    page.get_by_role("button", name="The wall").click()
    page.wait_for_timeout(500)  # Gradio fills its fields from the state late, over what is typed meanwhile
    before = v.paths(v.view_of(page, "play"))
    for typed, told in (("-1", "-1"), ("1.5", "1.5"), ("", "empty")):
        v.field(page, "First seed").fill(typed)
        expect(page.locator("#play-seed .mistake")).to_contain_text(told)
        assert v.paths(v.view_of(page, "play")) == before
    v.fill(page, "First seed", 0)
    expect(mistake(page)).to_have_count(0)


def test_wrong_values_in_a_link_are_named_and_the_others_are_used(open_page, page_url):
    page = open_page(f"{page_url}?tab=generate&seed=abc&digit=7&count=1000&model=mnist-conditional")
    expect(mistake(page)).to_contain_text("seed=abc, count=1000")
    assert state(page)["play.seed"] == 0 and state(page)["play.digit"] == "7"
    page = open_page(f"{page_url}?tab=nowhere")
    expect(mistake(page)).to_contain_text("tab=nowhere")
    assert v.selected_tabs(page) == ["Play"]


def test_a_model_without_digits_in_every_view_and_nothing_is_lost_on_the_way_back(open_page):
    page = open_page(reduced_motion="reduce")
    put(page, {"morph.keys": "15 24:7", "play.digit": "7", "exact": True})
    v.choose_model(page, "mnist")
    v.assert_alike(v.pixels(page.locator(".wall .glyph")), v.drawn([0], name="mnist")[0])
    v.assert_alike(v.pixels(page.locator("#view-hand .ten .glyph")), v.drawn([0], name="mnist")[0])
    assert page.locator("#view-hand .ten .glyph").count() == 1
    for view in v.VIEWS:
        v.open_view(page, view)
        expect(page.locator(".with-digits:visible")).to_have_count(0)
    v.open_view(page, "write")
    expect(page.get_by_text("cannot write numbers")).to_be_visible()
    v.choose_model(page, "mnist-conditional")
    expect(page.get_by_label("2026, written by hand 0")).to_be_visible()
    v.open_view(page, "play")
    v.assert_alike(v.pixels(page.locator(".wall .glyph")), v.drawn([0], 7)[0])
    assert state(page)["morph.keys"] == "15 24:7"
    assert mistake(page).count() == 0


# --- the bar of the current handwriting ---


def test_the_hand_is_typed_rolled_kept_and_taken_back(open_page):
    page = open_page(reduced_motion="reduce")
    v.take_hand(page, 42)
    forty_two = v.paths(v.view_of(page, "hand"))
    assert forty_two[:10] == page.evaluate("""() => Promise.all([...Array(10).keys()].map(async (digit) => {
      const { draw, trace } = await dcgan.load("mnist-conditional");
      return trace(draw(dcgan.point("42", { digit }))).path;
    }))""")
    v.click(page, "Keep")
    expect(page.get_by_role("button", name="Keep")).to_have_attribute("aria-pressed", "true")
    v.click(page, "New hand")
    rolled = page.locator("#hand-field").input_value()
    assert rolled not in ("42", "0") and int(rolled) < 1_000_000
    v.click(page, "Back")
    expect(page.locator("#hand-field")).to_have_value("42")
    v.click(page, "Back")
    expect(page.locator("#hand-field")).to_have_value("0")
    expect(page.get_by_role("button", name="Back", exact=True)).to_be_disabled()
    page.reload()
    v.ready(page)
    page.get_by_role("button", name="take hand 42").click()
    v.ready(page)
    assert v.paths(v.view_of(page, "hand"))[:10] == forty_two[:10]
    v.click(page, "Keep")  # drops it
    expect(page.locator(".shelf button")).to_have_count(0)


def test_a_kept_hand_holds_what_the_sliders_made_of_it(open_page):
    page = open_page(reduced_motion="reduce")
    v.slide(page, "Weight", 2)
    v.ready(page)
    bold = page.evaluate("document.querySelector('#view-hand .ten path').getAttribute('d')")
    v.click(page, "Keep")
    v.slide(page, "Weight", 0)
    page.get_by_role("button", name="take hand z").click()
    v.ready(page)
    assert page.evaluate("document.querySelector('#view-hand .ten path').getAttribute('d')") == bold


def test_two_windows_share_the_shelf(open_page, page_url):
    first = open_page(f"{page_url}?hand=100")
    second = first.context.new_page()
    second.goto(f"{page_url}?hand=200")
    v.ready(second)
    v.click(first, "Keep")
    expect(second.get_by_role("button", name="take hand 100")).to_be_visible()
    v.click(second, "Keep")
    for page in (first, second):
        expect(page.locator(".shelf button")).to_have_count(2)
    first.reload()
    expect(first.locator(".shelf button")).to_have_count(2)


def test_each_typed_hand_is_a_step_back(open_page):
    page = open_page()
    for seed in (42, 77, 5):
        page.locator("#hand-field").fill(str(seed))
        page.keyboard.press("Enter")
    for seed in (77, 42, 0):
        v.click(page, "Back")
        expect(page.locator("#hand-field")).to_have_value(str(seed))


def test_the_shelf_never_widens_the_page(open_page):
    page = open_page()
    for seed in range(1, 7):
        v.take_hand(page, seed)
        page.get_by_role("button", name="Keep").click()
    for width in (1280, 820, 768, 360):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(200)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert v.view_of(page, "hand").bounding_box()["height"] <= 200
        shelf = page.locator(".shelf").bounding_box()
        for kept in page.locator(".shelf button").all():
            assert kept.bounding_box()["x"] + kept.bounding_box()["width"] <= shelf["x"] + shelf["width"] + 1
        page.get_by_role("button", name="take hand 3").click()
        expect(page.locator("#hand-field")).to_have_value("3")
        v.take_hand(page, 9)


def test_the_menu_says_what_cannot_be_saved(open_page, page_url):
    page = open_page(offline_later=True)
    page.context.set_offline(True)
    page.locator("details.save > summary").click()
    page.get_by_role("button", name="Install as a font").click()
    expect(page.get_by_role("button", name="No answer from the server")).to_be_visible()
    page.get_by_role("tab", name="Morph").click()
    expect(page.get_by_text("could not be fetched: check the connection")).to_be_visible()
    page.context.set_offline(False)
    page.goto(f"{page_url}?tab=draw&hand=1.5")
    page.locator("details.save > summary").click()
    expect(page.locator(".save .list")).to_have_text("Nothing is drawn yet.")


def test_the_menu_saves_what_is_seen_and_the_handwriting(open_page):
    page = open_page()
    name, content = v.download(page, "SVG", "The handwriting")
    assert name == "mnist-conditional_hand-0.svg" and content.count(b"<path") == 10 and b"viewBox" in content
    assert b"<title>the digits 0 to 9 by hand 0 of mnist-conditional (weights " in content
    _, content = v.download(page, "SVG")
    assert content.count(b"<path") == page.locator(".wall .glyph").count()
    assert b"<title>seeds 0 (9), 1 (0), 2 (2)," in content
    name, content = v.download(page, "Install as a font (ZIP)")
    assert name == "nobody-0.zip" and zipfile.is_zipfile(BytesIO(content))
    page.keyboard.press("Escape")
    expect(page.locator("details.save")).not_to_have_attribute("open", "")
    v.open_view(page, "learned")
    name, image = v.download_picture(page, "PNG")
    assert name == "mnist-conditional_hand-0.png" and image.getpixel((0, 0))[:3] == (251, 248, 240)


def test_the_bar_stays_in_sight_on_a_phone_and_takes_a_third_at_most(open_page):
    page = open_page(phone=True)
    v.take_hand(page, 987654)  # as long as the longest of the button New
    assert page.locator("#hand-field").evaluate("field => field.scrollWidth <= field.clientWidth")
    wall = page.locator(".wall .glyph").first.bounding_box()
    assert wall["y"] + wall["height"] < 664
    page.mouse.wheel(0, 600)
    page.wait_for_timeout(200)
    bar = v.view_of(page, "hand").bounding_box()
    assert bar["y"] == 0 and bar["height"] <= v.PHONE["height"] / 3
    for button in v.view_of(page, "hand").locator("button:visible, summary:visible").all():
        box = button.bounding_box()
        assert box["height"] >= 44 and box["width"] >= 44


def test_arrow_keys_go_through_tabs_and_choices(page):
    v.open_view(page, "play")
    page.get_by_role("tab", name="Play").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Write")).to_be_focused()
    assert v.selected_tabs(page) == ["Write"]
    v.open_view(page, "play")
    page.get_by_role("radio", name="any").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="0", exact=True)).to_be_checked()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("radio", name="any")).to_be_checked()


def test_a_second_visit_loads_no_weights(open_page, page_url):
    first = open_page()
    again = first.context.new_page()
    asked = v.requests_from_now(again)
    again.goto(page_url)
    v.ready(again)
    assert not [url for url in asked if "/weights/" in url]


def test_a_refreshed_model_reaches_open_pages(browser, tmp_path, monkeypatch, make_model):
    def publish(hub, name: str, **config) -> None:
        folder = make_model(tmp_path / name, ModelConfig(base_channels=4, **config))
        hub.commit("user/fresh", {path.name: path.read_bytes() for path in folder.iterdir()})

    with running_hub() as hub:
        publish(hub, "old", num_classes=10)
        settings = {"DCGAN_MODEL": "user/fresh", "DCGAN_REFRESH_MINUTES": "0.02"}
        with serving(tmp_path, **hub.environment(tmp_path), **settings) as url:
            page = browser.new_page(reduced_motion="reduce")
            page.goto(f"{url}?exact=true")
            v.ready(page)
            old = v.pixels(page.locator(".wall .glyph"))
            publish(hub, "new")
            expected = sample(load_model(str(tmp_path / "new")).generator, [0]).images[0, 0, 2:-2, 2:-2]
            assert np.abs(old.astype(int) - expected).max() > 1
            look = "() => document.dispatchEvent(new Event('visibilitychange'))"  # as when one comes back to the page
            for _ in range(100):
                page.evaluate(look)
                page.wait_for_timeout(200)
                v.ready(page)
                found = v.pixels(page.locator(".wall .glyph"))
                if np.abs(found.astype(int) - expected).max() <= 1:  # before, for a moment, of half the new weights
                    break
            v.assert_alike(found, expected)
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


SMALL = """() => [...document.querySelectorAll("button, summary, input, select, textarea, a[href], [role=tab]")]
  .filter((one) => one.checkVisibility({ visibilityProperty: true }))
  .map((one) => [one, (["radio", "checkbox"].includes(one.type) ? one.closest("label") : one).getBoundingClientRect()])
  .filter(([, { width, height }]) => width > 1 && height > 1 && Math.min(width, height) < 43.5)
  .map(([one]) => one.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize("width", [360, 820])
def test_every_target_is_large_enough_for_a_finger(open_page, width):
    page = open_page(phone=True, viewport={"width": width, "height": 900})
    for view in v.VIEWS:
        v.open_view(page, view)
        page.locator("#tabs button.label-wrap:not(.open)").evaluate_all("all => all.forEach((fold) => fold.click())")
        page.wait_for_timeout(300)
        assert page.evaluate(SMALL) == [], view
    v.open_view(page, "play")
    page.locator("details.save > summary").click()
    assert page.evaluate(SMALL) == []


def test_every_view_fits_a_phone_in_ink_of_the_texts_colour(open_page):
    page = open_page(phone=True, color_scheme="dark")
    for view in v.VIEWS:
        v.open_view(page, view)
        expect_to_fit(page, v.PHONE["width"], view)
        for glyph in v.view_of(page, view).locator(".glyph path:visible").all()[:2]:
            fill, text = glyph.evaluate("path => [getComputedStyle(path).fill, getComputedStyle(document.body).color]")
            assert fill == text, view


def test_every_view_is_accessible_in_both_modes_and_fits_a_wide_screen(open_page):
    page = open_page(color_scheme="light")
    page.add_style_tag(content="* { transition: none !important }")  # no colours between those of two modes
    for view in ("menu", *v.VIEWS):
        if view == "menu":
            page.locator("details.save > summary").click()
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
    for control in ("#masthead", "#view-hand", "[role=tab]", "#write-text", "footer"):
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
    for style in (ROOT / "demo" / "static").rglob("*.css"):
        assert not re.search("blend-mode|invert", style.read_text()), style
