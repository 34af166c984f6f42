"""The page as a visitor sees it, in a real Chromium."""

import os
import shutil
from collections.abc import Iterator
from io import BytesIO
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from dcgan.folder import load_model
from dcgan.images import grid
from dcgan.sampling import crop, interpolate, sample

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 800}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        message = "there is no Chromium on the PATH: apt-get install chromium"
        if os.environ.get("DCGAN_REQUIRE_BROWSER"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, page_url: str):
    """Opens the page in a fresh profile; afterwards nothing may have gone wrong or left the host."""
    contexts, problems, hosts = [], [], set()

    def open_page(**options) -> Page:
        context = browser.new_context(**({"viewport": DESKTOP} | options))
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.goto(page_url)
        page.wait_for_selector("#sheet img")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not problems
    assert hosts <= {"", urlsplit(page_url).netloc}


def sources(page: Page) -> list[str]:
    return page.eval_on_selector_all("#sheet img", "images => images.map(image => image.src)")


def captions(page: Page) -> list[str]:
    return page.locator("#sheet figcaption").all_inner_texts()


def set_number(page: Page, label: str, value: object) -> None:
    field = page.get_by_label(label, exact=True).locator("visible=true")
    field.fill(str(value))
    field.press("Tab")


def choose(page: Page, text: str) -> None:
    page.locator("label:visible", has_text=text).first.click()


def download(page: Page, text: str) -> tuple[str, Image.Image]:
    with page.expect_download() as pending:
        page.get_by_role("link", name=text).locator("visible=true").click()
    return pending.value.suggested_filename, Image.open(BytesIO(pending.value.path().read_bytes()))


def open_interpolate(page: Page) -> None:
    page.get_by_role("tab", name="Interpolate").click()
    page.wait_for_selector("#way .stage")


def position(page: Page) -> int:
    return int(page.locator("#way .position").input_value())


def test_digits_are_there_without_a_click_and_a_seed_makes_them_again(open_page):
    page = open_page()
    first = sources(page)
    assert len(first) == len(set(first)) == 40
    assert captions(page) == [str(seed) for seed in range(40)]
    set_number(page, "Seed", 5)
    expect(page.locator("#sheet figcaption").first).to_have_text("5")
    assert sources(page)[:35] == first[5:]  # an image has a seed of its own
    set_number(page, "Seed", 0)
    expect(page.locator("#sheet figcaption").first).to_have_text("0")
    assert sources(page) == first


def test_the_dice_roll_another_seed(open_page):
    page = open_page()
    before = sources(page)
    page.get_by_role("button", name="Roll the dice").locator("visible=true").click()
    expect(page.locator("#sheet figcaption").first).not_to_have_text("0")
    seed = page.get_by_label("Seed", exact=True).input_value()
    expect(page.locator("#sheet figcaption").first).to_have_text(seed)
    assert sources(page) != before


def test_a_digit_can_be_asked_for_only_where_the_model_knows_digits(open_page):
    page = open_page()
    choose(page, "7")
    expect(page.locator("#sheet img").first).to_have_attribute("alt", "a generated 7, seed 0")
    assert all("a generated 7" in alt for alt in page.eval_on_selector_all("#sheet img", "all => all.map(i => i.alt)"))
    choose(page, "unconditional")
    expect(page.locator("#sheet img").first).to_have_attribute("alt", "a generated digit, seed 0")
    assert page.get_by_text("Digit", exact=True).locator("visible=true").count() == 0
    choose(page, "conditional")
    expect(page.get_by_text("Digit", exact=True).locator("visible=true")).to_have_count(1)


def test_the_page_shows_the_pixels_it_offers(open_page):
    page = open_page()
    expected = crop(sample(load_model("mnist-conditional").generator, range(40)).images, 2)
    for text, scale in (("exact pixels", 1), ("8× larger", 8)):
        name, picture = download(page, f"grid, {text}")
        assert name == f"mnist-conditional_seed-0_count-40{'_x8' if scale > 1 else ''}.png"
        assert np.array_equal(np.asarray(picture)[::scale, ::scale], np.asarray(grid(expected, 10)))
    assert page.evaluate("document.querySelector('#sheet img').naturalWidth") == 112
    page.get_by_label("Exact pixels").locator("visible=true").check()
    expect(page.locator("#sheet .exact")).to_have_count(1)
    assert page.evaluate("document.querySelector('#sheet img').naturalWidth") == 28


def test_a_mistake_is_a_sentence_and_the_picture_stays(open_page):
    page = open_page()
    before = sources(page)
    set_number(page, "Seed", -1)
    expect(page.get_by_text("Seed is -1: it must be from 0 to 4294967295.")).to_be_visible()
    assert sources(page) == before


def test_the_way_plays_and_is_scrubbed_without_the_server(open_page):
    page = open_page()
    open_interpolate(page)
    page.wait_for_function("Number(document.querySelector('#way .position').value) > 2")  # it plays
    page.get_by_role("button", name="Pause").click()
    here = position(page)
    page.wait_for_timeout(400)
    assert position(page) == here
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    looks = set()
    for index in (0, 11, 23):
        page.locator("#way .position").fill(str(index))
        assert page.locator("#way .strip [data-here]").get_attribute("data-index") == str(index)
        looks.add(page.locator("#way .stage").screenshot())
    page.locator("#way .strip .frame").nth(4).click()
    assert position(page) == 4
    page.locator("#way .position").press("ArrowRight")
    assert position(page) == 5
    assert len(looks) == 3
    assert not [url for url in asked if not url.startswith("data:")]


def test_the_loop_can_be_taken_along(open_page):
    page = open_page()
    open_interpolate(page)
    frames = crop(interpolate(load_model("mnist-conditional").generator, (15, 24), steps=24), 2)[:, 0]
    name, loop = download(page, "loop (GIF)")
    assert name == "mnist-conditional_seed-15_to_seed-24_spherical.gif"
    assert (loop.n_frames, loop.info["loop"]) == (46, 0)
    loop.seek(23)
    assert np.array_equal(np.asarray(loop.convert("L"))[::8, ::8], frames[23])
    name, strip = download(page, "strip, exact pixels (PNG)")
    assert np.array_equal(np.asarray(strip), np.asarray(grid(frames, 24)))
    set_number(page, "Seed A", 12)
    expect(page.locator("#way + .downloads a, #way .downloads a").first).to_have_attribute(
        "download", "mnist-conditional_seed-12_to_seed-24_spherical.gif"
    )


def test_nothing_moves_by_itself_for_who_asked_for_that(open_page):
    page = open_page(reduced_motion="reduce")
    open_interpolate(page)
    page.wait_for_timeout(600)
    assert position(page) == 0
    expect(page.locator("#way .play")).to_have_text("Play")


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_a_phone_shows_everything_without_scrolling_sideways(open_page, mode):
    page = open_page(viewport=PHONE, color_scheme=mode, has_touch=True, is_mobile=True)
    for tab in ("Generate", "Interpolate"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(200)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    ink = page.evaluate("getComputedStyle(document.querySelector('#way .stage')).filter")
    assert (ink != "none") == (mode == "light")  # ink on paper, chalk on slate
