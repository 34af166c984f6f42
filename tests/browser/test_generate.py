"""The Generate tab in a real Chromium."""

import csv
import io
import re
import zipfile

import numpy as np
import pytest
import torch
import visitor as v
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from dcgan.evaluation.scores import Scores, score_images
from dcgan.images import grid
from dcgan.ink import grey_picture, trace
from dcgan.latents.sampling import generate, latent_from_seed, sample


def sheet(page: Page) -> Locator:
    return v.view_of(page, "generate").locator(".sheet")


def seeds(page: Page) -> list[int]:
    return [int(text) for text in sheet(page).locator("figcaption").all_inner_texts()]


def expect_first(page: Page, seed: int) -> None:
    expect(sheet(page).locator("figcaption").first).to_have_text(str(seed))
    v.ready(page)


def shown(page: Page) -> np.ndarray:
    """Return the pictures (N, 28, 28) of the sheet, which shows exact pixels."""
    return np.stack([v.pixels(glyph) for glyph in sheet(page).locator(".glyph").all()])


def traced(seed: int) -> str:
    latent, digit = latent_from_seed(seed, 100, 10)
    return trace(grey_picture(generate(v.model().generator, latent[None], torch.tensor([digit]))[0].numpy())).path


def coordinates(path: str) -> np.ndarray:
    return np.array([int(number) for number in re.findall(r"-?\d+", path)])


def inspect(page: Page, seed: int) -> Locator:
    """Click a digit of the sheet. Return the dialog that shows it large."""
    page.locator(f".pick[data-seed='{seed}']").click()
    expect(page.locator("dialog")).to_be_visible()
    return page.locator("dialog")


def scores(seeds: range) -> Scores:
    samples = sample(v.model().generator, seeds)
    return score_images(v.model(), samples.images, samples.labels)


@pytest.fixture(autouse=True)
def generate_tab(request: pytest.FixtureRequest) -> None:
    """Begin on the tab, as it is at first."""
    if "page" in request.fixturenames:
        page = request.getfixturevalue("page")
        page.keyboard.press("Escape")
        page.get_by_label("Exact pixels").uncheck()
        v.open_view(page, "generate")
        v.fill(page, "Seed", 0)
        v.choose(page, "Digit", "any")
        v.slide(page, "How many", 40)
        v.choose(page, "Order", "by seed")
        v.ready(page)


def test_the_first_digits_need_no_weights_and_the_network_takes_over_without_a_jump(open_page):
    page = open_page(wait=False, block=("**/dcgan/weights/**",))
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    from_server = v.paths(sheet(page))
    assert from_server == [traced(seed) for seed in range(40)]
    page.unroute_all()
    page.get_by_role("button", name="Try again").click()
    v.ready(page)
    expect(page.get_by_role("button", name="Try again")).to_have_count(0)
    v.slide(page, "How many", 41)  # something new, so the network has drawn
    expect(sheet(page).locator("figure")).to_have_count(41)
    v.ready(page)
    for before, after in zip(from_server, v.paths(sheet(page)), strict=False):
        assert np.abs(coordinates(before) - coordinates(after)).max() <= 4  # hundredths of a pixel


def test_half_of_the_weights_draw_nearly_the_same_and_the_rest_makes_it_exact(open_page, page_url):
    page = open_page(f"{page_url}?exact=true&count=5", wait=False, block=("**/lower",))
    page.wait_for_function("performance.getEntriesByName('drawn').length")
    page.evaluate("dcgan.scheduler.settled()")
    difference = np.abs(shown(page).astype(int) - v.drawn(range(5)))
    assert 0 < difference.max() <= 8 and difference.mean() < 0.3  # of 255
    page.unroute_all()
    page.reload()
    v.ready(page)
    v.assert_alike(shown(page), v.drawn(range(5)))


def test_a_seed_gives_its_digits_again_to_the_pixel(page):
    page.get_by_label("Exact pixels").check()
    assert seeds(page) == list(range(40))
    v.ready(page)
    v.assert_alike(shown(page), v.drawn(range(40)))
    v.click(page, "Roll the dice")
    expect(sheet(page).locator("figcaption").first).not_to_have_text("0")
    rolled = int(v.field(page, "Seed").input_value())
    expect_first(page, rolled)
    v.assert_alike(shown(page), v.drawn(range(rolled, rolled + 40)))
    v.fill(page, "Seed", 4294967295)  # the last one
    expect_first(page, 4294967295)
    v.choose(page, "Digit", "7")
    v.ready(page)
    v.assert_alike(shown(page), v.drawn([4294967295], 7))
    label = sheet(page).locator(".glyph").get_attribute("aria-label")
    assert label == "a generated 7, seed 4294967295"


def test_truncation_and_count_change_the_sheet(page):
    page.get_by_label("Exact pixels").check()
    v.slide(page, "How many", 5)
    v.slide(page, "Truncation", 0.5)
    expect(sheet(page).locator("figure")).to_have_count(5)
    v.ready(page)
    v.assert_alike(shown(page), sample(v.model().generator, range(5), truncation=0.5).images[:, 0, 2:-2, 2:-2])
    v.slide(page, "Truncation", 1)


def test_the_order_is_the_discriminators(page):
    realness = scores(range(40)).realness
    v.choose(page, "Order", "most convincing first")
    expect_first(page, int(realness.argmax()))
    assert seeds(page) == np.argsort(-realness, kind="stable").tolist()
    v.choose(page, "Order", "least convincing first")
    expect_first(page, int(realness.argmin()))
    v.choose(page, "Order", "by seed")
    expect_first(page, 0)


def test_a_click_shows_one_digit_with_its_facts(page):
    dialog = inspect(page, 2)
    found = scores(range(40))

    def expect_shown(seed: int) -> None:
        facts = dialog.locator("dl")
        expect(facts).to_contain_text(f"seed{seed}asked for")
        expect(facts).to_contain_text(f"{found.digits[seed]} ({found.confidence[seed]:.1%} sure)")
        expect(facts).to_contain_text(f"{found.realness[seed]:.1%}")
        page.wait_for_url(f"**open={seed}")

    expect_shown(2)
    page.keyboard.press("ArrowRight")
    expect_shown(3)
    dialog.get_by_role("button", name="previous digit").click()
    expect_shown(2)
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    expect_shown(39)
    name, picture = v.download_picture(page, "exact pixels (PNG)")
    digit = sample(v.model().generator, [39]).labels[0]
    assert name == f"mnist-conditional_seed-39_digit-{digit}_pixels.png"
    v.assert_alike(np.asarray(picture.convert("L")), v.drawn([39])[0])
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.wait_for_url(lambda url: "open" not in url)


def test_what_is_seen_can_be_saved(page):
    page.locator("svg.glyph").first.wait_for()
    name, content = v.download(page, "SVG")
    assert name == "mnist-conditional_seed-0_count-40.svg"
    assert re.findall(r' d="(M[^"]*)"', content.decode()) == v.paths(sheet(page))
    name, paper = v.download_picture(page, "PNG")
    assert name == "mnist-conditional_seed-0_count-40.png" and max(paper.size) == 2000
    lightness = np.asarray(paper.convert("L")).astype(int)
    assert lightness[0, 0] > 230 and lightness.min() < 50
    _, transparent = v.download_picture(page, "PNG, transparent")
    alpha = np.asarray(transparent.getchannel("A"))
    assert alpha[0, 0] == 0 and np.abs((255 - alpha.astype(int)).mean() - 255 * (lightness > 140).mean()) < 3
    _, pixels = v.download_picture(page, "exact pixels (PNG)")
    v.assert_alike(np.asarray(pixels.convert("L")), np.asarray(grid(v.drawn(range(40)), 10)))


def test_the_zip_has_every_picture_and_a_table(page):
    name, content = v.download(page, "28×28 pixels of all, with a table (ZIP)")
    assert name == "mnist-conditional_seed-0_count-40.zip"
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        rows = list(csv.DictReader(io.StringIO(package.read("digits.csv").decode())))
        assert [int(row["seed"]) for row in rows] == list(range(40))
        assert set(package.namelist()) == {"digits.csv", *(row["file"] for row in rows)}
        pictures = [np.asarray(Image.open(package.open(row["file"]))) for row in rows]
    assert np.array_equal(np.stack(pictures), v.drawn(range(40)))


def test_a_hand_is_sent_to_the_other_tabs(page):
    seven, eight = (f"{seed}:{sample(v.model().generator, [seed]).labels[0]}" for seed in (7, 8))

    def send(seed: int, button: str, tabs: list[str]) -> None:
        v.open_view(page, "generate")
        inspect(page, seed).get_by_role("button", name=button).click()
        expect(page.get_by_role("tab", name=tabs[-1], exact=True)).to_have_attribute("aria-selected", "true")
        assert v.selected_tabs(page) == tabs
        v.ready(page)

    send(7, "Interpolate: start here", ["Interpolate"])
    expect(v.field(page, "Key frames")).to_have_value(f"{seven} 24")
    send(8, "Interpolate: end here", ["Interpolate"])
    expect(v.field(page, "Key frames")).to_have_value(f"{seven} {eight}")
    expect(page.get_by_label("seed of key frame 2")).to_have_value("8")
    send(7, "Write in this hand", ["Write"])
    expect(v.field(page, "Hand")).to_have_value("7")
    expect(page.get_by_label("2026, written by hand 7")).to_be_visible()
    send(8, "Adjust in Directions", ["Explore", "Directions"])
    expect(v.field(page, "Hand")).to_have_value("8")
    page.get_by_label("Exact pixels").check()
    v.ready(page)
    v.assert_alike(v.pixels(page.get_by_label("before", exact=True)), v.drawn([8])[0])
