"""The Play tab in a real Chromium: the wall, the map, the sliders, and what the networks say."""

import csv
import functools
import io
import re
import zipfile

import numpy as np
import pytest
import torch
import visitor as v
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from dcgan.data import to_uint8
from dcgan.evaluation.scores import Scores, score_images
from dcgan.images import grid
from dcgan.ink import grey_picture, trace
from dcgan.latents.codes import latent_of
from dcgan.latents.directions import Direction, fit_named_directions
from dcgan.latents.interpolation import latent_map
from dcgan.latents.sampling import crop, generate, latent_from_seed, sample
from demo.parts.pictures import FIRST_SEED

PIXELS = "Exact 28×28 pixels (PNG)"
IPHONE = {"width": 390, "height": 844}
CORNERS = [(seed, 8) for seed in (1, 2, 3, 4)]
TO_BEGIN = """() => demo.put(Object.fromEntries(
  demo.page.controls.filter(({ key }) => key !== "model").map(({ key, value }) => [key, key === "exact" || value])))"""


@pytest.fixture(autouse=True)
def fresh(request: pytest.FixtureRequest) -> None:
    """Begin with exact pixels, and every other value as it is at first."""
    if "page" in request.fixturenames:
        request.getfixturevalue("page").evaluate(TO_BEGIN)
        v.ready(request.getfixturevalue("page"))


def put(page: Page, **values) -> None:
    page.evaluate("values => demo.put(values)", {key.replace("__", "."): value for key, value in values.items()})
    v.ready(page)


def cells(page: Page) -> Locator:
    return page.locator(".wall .cell")


def seeds(page: Page) -> list[int]:
    return cells(page).evaluate_all("all => all.map((cell) => Number(cell.dataset.seed))")


def columns(page: Page) -> int:
    return page.locator(".wall").evaluate("wall => getComputedStyle(wall).gridTemplateColumns.split(' ').length")


def pictures(within: Locator) -> np.ndarray:
    """Return the pictures (N, 28, 28) of an element that shows exact pixels."""
    return np.stack([v.pixels(glyph) for glyph in within.locator(".glyph").all()])


def hand(page: Page) -> str:
    return page.evaluate("demo.state.hand")


@functools.cache
def directions() -> list[Direction]:
    return fit_named_directions(v.model().generator)


def moved(seed: str | int, **amounts: float) -> tuple[torch.Tensor, int]:
    """Return the latent of a seed moved along measured directions at its own length, and its digit."""
    latent, digit = latent_of(str(seed), v.model().config)
    vectors = {direction.name: direction.vector for direction in directions()}
    end = latent + sum(amount * vectors[name] for name, amount in amounts.items())
    return end * latent.norm() / end.norm(), digit


def drawn_at(latents: torch.Tensor, digits: torch.Tensor) -> np.ndarray:
    return crop(to_uint8(generate(v.model().generator, latents, digits)).numpy(), 2)[:, 0]


def scores(numbers: range) -> Scores:
    samples = sample(v.model().generator, numbers)
    return score_images(v.model(), samples.images, samples.labels)


# --- the wall ---


def test_every_digit_of_the_wall_is_its_seeds_to_the_pixel(page):
    count = cells(page).count()
    assert seeds(page) == list(range(count)) and count >= 40 and count % columns(page) == 0
    v.assert_alike(pictures(page.locator(".wall")), v.drawn(range(count)))
    v.click(page, f"The next {count}")
    v.ready(page)
    assert seeds(page) == list(range(count, 2 * count))
    put(page, play__seed=4294967294, play__digit="7")  # the last two
    v.assert_alike(pictures(page.locator(".wall")), v.drawn([4294967294, 4294967295], 7))
    assert cells(page).first.get_attribute("aria-label") == "a generated 7, seed 4294967294"
    assert page.locator(".next").is_disabled()
    put(page, play__seed=3, play__digit="any", play__count=5, truncation=0.5)
    v.assert_alike(
        pictures(page.locator(".wall")),
        sample(v.model().generator, range(3, 8), truncation=0.5).images[:, 0, 2:-2, 2:-2],
    )


def test_the_sliders_move_the_wall_and_the_handwriting_and_ask_nothing_of_the_server(page):
    put(page, play__count=3, hand="5")
    asked = v.requests_from_now(page)
    v.slide(page, "Slant", 3)
    v.slide(page, "Weight", -2)
    v.ready(page)
    latents, digits = zip(*(moved(seed, slant=3, thickness=-2) for seed in range(3)), strict=True)
    v.assert_alike(pictures(page.locator(".wall")), drawn_at(torch.stack(latents), torch.tensor(digits)))
    ten = torch.round(moved(5, slant=3, thickness=-2)[0] * 32) / 32  # a code has steps of 1/32
    v.assert_alike(pictures(page.locator(".ten")), drawn_at(ten.expand(10, -1), torch.arange(10)))
    page.get_by_text("Slant", exact=True).dblclick()
    expect(page.get_by_label(re.compile("^number input for Slant"))).to_have_value("0")
    v.click(page, "Reset all sliders")
    expect(page.get_by_label(re.compile("^number input for Weight"))).to_have_value("0")
    v.ready(page)
    v.assert_alike(pictures(page.locator(".wall")), v.drawn(range(3)))
    assert hand(page) == "5" and asked == []


def test_a_click_takes_the_handwriting_and_the_networks_say_what_they_see(page):
    line, found = page.locator(".line"), scores(range(40))

    def said(seed: int) -> str:
        return f"Seed {seed}, a {sample(v.model().generator, [seed]).labels[0]}."

    expect(line).to_have_text(said(0))
    cells(page).nth(2).click()
    v.ready(page)
    assert hand(page) == "2" and page.locator("#hand-field").input_value() == "2"
    assert page.locator(".cell[aria-pressed=true]").get_attribute("data-seed") == "2"
    expect(line).to_have_text(said(2))
    v.click(page, "What do the networks say?")
    real = page.evaluate("fetch(demo.base + 'models.json').then((answer) => answer.json())")[0]["realness"]
    for seed in (2, 17):
        cells(page).nth(seed).click()
        expect(line).to_have_text(
            f"{said(seed)} Reads as {found.digits[seed]}. The critic's guess: {found.realness[seed]:.0%} real; "
            f"for real digits it says {real:.0%} on average."
        )
    v.click(page, "Back")
    v.ready(page)
    assert hand(page) == "2"


def test_the_order_is_the_discriminators_or_the_classifiers(page):
    count = cells(page).count()
    found = scores(range(count))
    put(page, play__order="hardest to read first")
    expect(cells(page).first).to_have_attribute("data-seed", str(found.confidence.argmin()))
    assert seeds(page) == np.argsort(found.confidence, kind="stable").tolist()
    realness = found.realness
    put(page, play__order="most convincing first")
    expect(cells(page).first).to_have_attribute("data-seed", str(realness.argmax()))
    assert seeds(page) == np.argsort(-realness, kind="stable").tolist()
    put(page, play__order="least convincing first")
    assert seeds(page) == np.argsort(realness, kind="stable").tolist()
    put(page, thickness=1)  # while the moved digits are judged the order stays
    expect(cells(page).first).not_to_have_attribute("data-seed", str(realness.argmin()))


def test_the_wall_is_one_stop_of_the_tab_key_with_arrows_in_two_dimensions(page):
    across = columns(page)
    page.get_by_role("radio", name="Wall").focus()
    page.keyboard.press("Tab")
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowLeft", "ArrowUp", "ArrowUp", "ArrowDown"):
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    assert hand(page) == str(across + 1)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.wall')") is None
    page.get_by_role("radio", name="Wall").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Map")).to_be_focused()
    expect(page.locator(".map")).to_be_visible()
    assert page.evaluate("demo.state['play.digit']") == "8"  # between different digits there is none
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("demo.state['play.digit']") == "any"


def settled(page: Page) -> None:
    page.wait_for_timeout(500)
    v.ready(page)


def test_digits_near_the_pointer_lean_and_swell_and_settle_when_it_leaves(open_page, page):
    moving = open_page(script="localStorage.setItem('dcgan-greeted', '1')")
    settled(moving)
    wall, across = moving.locator(".wall"), columns(moving)
    before, asked = v.paths(wall), v.requests_from_now(moving)
    cells(moving).nth(across + 1).hover()
    settled(moving)
    after = v.paths(wall)
    assert [before[i] == after[i] for i in (0, 1, 2, across, across + 1, across + 2)] == [False] * 6
    assert before[across - 1] == after[across - 1] and before[-1] == after[-1]
    moving.mouse.move(5, 5)
    settled(moving)
    assert v.paths(wall) == before and asked == []
    put(page, exact=False)  # under reduced motion
    before = v.paths(page.locator(".wall"))
    cells(page).nth(12).hover()
    settled(page)
    assert v.paths(page.locator(".wall")) == before


WATCH = """addEventListener("load", () => {
  window.changes = new Map();
  const note = (records) => records.forEach(({ target }) => {
    const cell = target.closest(".cell");
    if (cell) changes.set(cell.dataset.seed, (changes.get(cell.dataset.seed) ?? 0) + 1);
  });
  new MutationObserver(note).observe(document.body, { subtree: true, attributes: true, attributeFilter: ["d"] });
});"""


def most_drawings(page: Page) -> int:
    """Return how often the digit of the wall that was drawn most often was drawn. A wave draws each many times."""
    page.wait_for_timeout(1500)
    v.ready(page)
    return page.evaluate("Math.max(0, ...changes.values())")


def test_a_wave_greets_the_first_visit_and_nobody_who_is_busy(open_page):
    page = open_page(script=WATCH)
    assert most_drawings(page) > 5
    at_rest = v.paths(page.locator(".wall"))
    page.reload()
    assert most_drawings(page) <= 3  # the network's halves, and the vectors of the directions
    assert v.paths(page.locator(".wall")) == at_rest
    assert most_drawings(open_page(script=WATCH, reduced_motion="reduce")) <= 3
    busy = open_page(script=WATCH, wait=False, block=("**/upper",))
    expect(busy.get_by_role("button", name="Try again")).to_be_visible()
    busy.unroute_all()
    busy.get_by_role("button", name="Try again").click()
    assert most_drawings(busy) <= 3


def test_the_first_digits_need_no_weights_and_the_network_takes_over_without_a_jump(open_page, page_url):
    def traced(seed: int) -> str:
        latent, digit = latent_from_seed(seed, 100, 10)
        return trace(grey_picture(generate(v.model().generator, latent[None], torch.tensor([digit]))[0].numpy())).path

    def coordinates(path: str) -> np.ndarray:
        return np.array([int(number) for number in re.findall(r"-?\d+", path)])

    page = open_page(page_url, wait=False, block=("**/dcgan/weights/**",), reduced_motion="reduce")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    expect(page.locator(".wall svg path")).to_have_count(40)
    from_server = v.paths(page.locator(".wall"))
    assert from_server == [traced(FIRST_SEED + i) for i in range(40)]
    assert hand(page) == str(FIRST_SEED)
    cells(page).nth(3).click()
    assert hand(page) == str(FIRST_SEED + 3)
    page.unroute_all()
    page.get_by_role("button", name="Try again").click()
    v.ready(page)
    expect(page.get_by_role("button", name="Try again")).to_have_count(0)
    for before, after in zip(from_server, v.paths(page.locator(".wall")), strict=False):
        assert np.abs(coordinates(before) - coordinates(after)).max() <= 4  # hundredths of a pixel


def test_half_of_the_weights_draw_nearly_the_same_and_the_rest_makes_it_exact(open_page, page_url):
    page = open_page(f"{page_url}?exact=true&count=5", wait=False, block=("**/lower",), reduced_motion="reduce")
    page.wait_for_function("performance.getEntriesByName('drawn').length > 1")
    page.evaluate("dcgan.scheduler.settled()")
    difference = np.abs(pictures(page.locator(".wall")).astype(int) - v.drawn(range(5)))
    assert 0 < difference.max() <= 8 and difference.mean() < 0.3  # of 255
    page.unroute_all()
    page.reload()
    v.ready(page)
    v.assert_alike(pictures(page.locator(".wall")), v.drawn(range(5)))


def test_the_wall_fills_a_wide_screen_and_a_phone_has_five_columns(open_page):
    wide = open_page(viewport=v.WIDE, reduced_motion="reduce")
    last, line = (wide.locator(where).last.bounding_box() for where in (".wall .cell", ".line"))
    assert columns(wide) > 10 and cells(wide).count() % columns(wide) == 0
    assert last["y"] + last["height"] > 0.75 * v.WIDE["height"] and line["y"] + line["height"] < v.WIDE["height"]
    phone = open_page(phone=True, viewport=IPHONE, reduced_motion="reduce")
    assert columns(phone) == 5 and cells(phone).count() == 40
    box = cells(phone).nth(10).bounding_box()
    assert box["y"] + box["height"] < 664 and min(box["width"], box["height"]) >= 44
    for name in ("thickness", "slant", "width", "truncation"):  # above the wall: what they change is seen
        slider = phone.locator(f"#{name} input[type=range]").bounding_box()
        assert slider["y"] + slider["height"] < box["y"] and min(slider["width"], slider["height"]) >= 44


def test_what_is_seen_can_be_saved(page):
    put(page, exact=False)
    count = cells(page).count()
    name, content = v.download(page, "SVG", "The wall")
    assert name == f"mnist-conditional_seed-0_count-{count}.svg"
    assert re.findall(r' d="(M[^"]*)"', content.decode()) == v.paths(page.locator(".wall"))
    put(page, exact=True)
    _, large = v.download_picture(page, "PNG")
    put(page, exact=False)
    name, picture = v.download_picture(page, PIXELS)
    assert name == f"mnist-conditional_seed-0_count-{count}_pixels.png"
    side = large.size[0] // picture.size[0]
    exact = np.asarray(picture.convert("L"), float)
    small = np.asarray(large.convert("L"), float)[side // 2 :: side, side // 2 :: side]
    assert large.size == (picture.size[0] * side, picture.size[1] * side)
    assert np.corrcoef(exact.ravel(), small.ravel())[0, 1] < -0.9999  # ink on paper, pixel by pixel
    v.assert_alike(np.asarray(picture.convert("L")), np.asarray(grid(v.drawn(range(count)), columns(page))))


def test_the_zip_has_every_picture_and_a_table(page):
    put(page, play__count=12, play__order="least convincing first", slant=1.5)
    name, content = v.download(page, "All as ZIP, with a table")
    assert name == "mnist-conditional_seed-0_count-12.zip"
    latents, digits = zip(*(moved(seed, slant=1.5) for seed in range(12)), strict=True)
    images = to_uint8(generate(v.model().generator, torch.stack(latents), torch.tensor(digits))).numpy()
    found = score_images(v.model(), images, np.array(digits))
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        assert package.testzip() is None
        table = csv.DictReader(io.StringIO(package.read("digits.csv").decode()))
        rows = list(table)
        assert set(package.namelist()) == {"digits.csv", *(row["file"] for row in rows)}
        pixels = [np.asarray(Image.open(package.open(row["file"])).convert("L")) for row in rows]
    assert table.fieldnames == (
        ["file", "seed", "digit", "read", "confidence", "realness", "truncation", "model", "commit", "slant"]
    )
    v.assert_alike(np.stack(pixels), crop(images, 2)[:, 0])
    for i, row in enumerate(rows):
        assert row["file"] == f"seed-{i:010d}-digit-{digits[i]}.png"
        assert (int(row["seed"]), int(row["digit"]), int(row["read"])) == (i, digits[i], found.digits[i])
        assert float(row["confidence"]) == pytest.approx(found.confidence[i], abs=2e-3)
        assert float(row["realness"]) == pytest.approx(found.realness[i], abs=2e-3)
        assert (row["truncation"], row["model"], row["commit"], row["slant"]) == ("1", "mnist-conditional", "", "1.5")


# --- the map ---


def place_of(page: Page, across: float, down: float) -> tuple[float, float]:
    """Return where on the screen a place of the map is."""
    box = page.locator(".map .backdrop").bounding_box()
    return tuple(
        box[at] + box[size] * (share * 8 + 0.5) / 9
        for at, size, share in (("x", "width", across), ("y", "height", down))
    )


def test_the_maps_pin_is_the_exact_place_and_the_current_handwriting(page):
    put(page, play__show="map", play__corners="1 2 3 4", play__digit="8")
    found, latents, _ = latent_map(v.model().generator, CORNERS, 9)
    found = crop(found, 2)[:, 0]
    _, sheet = v.download_picture(page, PIXELS)
    v.assert_alike(np.asarray(sheet.convert("L")), np.asarray(grid(found, 9, gap=0)))
    v.assert_alike(pictures(page.locator(".backdrop")), found)
    assert hand(page) == "0"  # until the pin is moved
    asked = v.requests_from_now(page)

    def expect_place(column: int, row: int) -> None:
        v.ready(page)
        v.assert_alike(v.pixels(page.locator(".pin .glyph")), found[row * 9 + column])
        latent, digit = latent_of(hand(page), v.model().config)
        assert digit == 8 and torch.allclose(latent, latents[row * 9 + column], atol=1 / 60)
        v.assert_alike(pictures(page.locator(".ten")), drawn_at(latent.expand(10, -1), torch.arange(10)))

    page.mouse.move(*place_of(page, 6 / 8, 2 / 8))
    v.ready(page)
    assert hand(page) == "0"
    page.mouse.down()
    put(page, play__pin="0.75 0.25")  # to the very place: a mouse has whole pixels
    page.mouse.up()
    kept = hand(page)
    page.mouse.move(*place_of(page, 0.1, 0.9))  # a hover does not undo it
    v.ready(page)
    assert hand(page) == kept and page.evaluate("demo.state['play.pin']") == "0.75 0.25"
    page.locator(".map .field").focus()
    for key in [*["ArrowLeft"] * 10, *["ArrowDown"] * 15]:
        page.keyboard.press(key)
    expect_place(4, 5)
    page.evaluate("""for (let i = 0; i < 45; i++) {  // faster than frames, and not over the edge
      document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowUp", bubbles: true }));
    }""")
    expect_place(4, 0)
    assert asked == []


def test_a_drag_is_one_step_back_and_new_corners_take_the_handwriting_along(page):
    put(page, play__show="map")
    page.mouse.move(*place_of(page, 0.2, 0.2))
    page.mouse.down()
    page.mouse.move(*place_of(page, 0.8, 0.6), steps=8)
    page.mouse.up()
    v.ready(page)
    across, down = map(float, page.evaluate("demo.state['play.pin']").split())
    assert across == pytest.approx(0.8, abs=0.01) and down == pytest.approx(0.6, abs=0.01)
    dragged, pin = hand(page), page.evaluate("demo.state['play.pin']")
    v.click(page, "Four new corners")
    v.ready(page)
    corners = page.get_by_label("Four corners").input_value()
    assert len(corners.split()) == 4 and corners == page.evaluate("demo.state['play.corners']") != "3 14 15 92"
    assert hand(page) not in ("0", dragged)
    v.click(page, "Back")
    assert hand(page) == dragged
    place = page.locator("#view-play .field").bounding_box()
    page.mouse.click(place["x"] + 0.2 * place["width"], place["y"] + 0.2 * place["height"])
    v.ready(page)
    assert page.evaluate("demo.state['play.pin']") != pin
    v.click(page, "Back")
    assert page.evaluate("demo.state['play.pin']") == pin
    v.click(page, "Back")
    assert hand(page) == "0"


def test_a_wrong_corner_is_told_under_its_field_and_the_map_stays(page):
    put(page, play__show="map")
    before = pictures(page.locator(".backdrop"))
    for typed, told in (("3 14 15", "got 3 corners"), ("3 14 15 abc", "abc"), ("3 14 15 92:x", "digit is 'x'")):
        page.get_by_label("Four corners").fill(typed)
        expect(page.locator("#play-corners .mistake")).to_contain_text(told, ignore_case=True)
        assert np.array_equal(pictures(page.locator(".backdrop")), before)
    page.get_by_label("Four corners").fill("3 14 15 92")
    expect(page.locator(".mistake")).to_have_count(0)


def test_a_finger_drags_the_pin_sideways_taps_it_and_scrolls_the_page(open_page, page_url):
    page = open_page(f"{page_url}?show=map", phone=True, viewport=IPHONE, reduced_motion="reduce")
    touch = page.context.new_cdp_session(page)

    def swipe(start: tuple[float, float], end: tuple[float, float]) -> None:
        for i in range(9):
            at = [{"x": a + (b - a) * i / 8, "y": c + (d - c) * i / 8} for (a, c), (b, d) in [(start, end)]]
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove" if i else "touchStart", "touchPoints": at})
            page.wait_for_timeout(20)
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        v.ready(page)

    def pin() -> list[float]:
        return [float(number) for number in page.evaluate("demo.state['play.pin']").split()]

    def top() -> float:
        return page.locator("#view-play .field").bounding_box()["y"]  # not scrollY: something above may still grow

    page.evaluate("scrollTo(0, 120)")
    before = top()
    swipe(place_of(page, 0.1, 0.5), place_of(page, 0.7, 0.5))
    assert pin() == pytest.approx([0.7, 0.5], abs=0.03) and top() == pytest.approx(before, abs=1)
    kept = pin()
    swipe(place_of(page, 0.2, 0.8), place_of(page, 0.2, 0.1))
    assert top() < before - 80 and pin() == kept
    page.wait_for_timeout(500)  # the page rolls out
    page.evaluate("scrollTo(0, 120)")
    page.touchscreen.tap(*place_of(page, 0.3, 0.4))
    v.ready(page)
    assert pin() == pytest.approx([0.3, 0.4], abs=0.03)


# --- links and models ---


def test_links_bring_the_pin_and_old_links_the_same_handwriting(open_page, page_url):
    def opened(query: str) -> Page:
        page = open_page(f"{page_url}?exact=true&{query}", reduced_motion="reduce")
        assert page.locator(".mistake").count() == 0
        return page

    page = opened("tab=generate&seed=7&digit=3&count=10&truncation=0.7&order=least+convincing+first&open=9")
    samples = sample(v.model().generator, range(7, 17), 3, truncation=0.7)
    realness = score_images(v.model(), samples.images, samples.labels).realness
    expect(cells(page).first).to_have_attribute("data-seed", str(7 + realness.argmin()))
    v.ready(page)
    order = np.argsort(realness, kind="stable")
    assert seeds(page) == [7 + i for i in order]
    v.assert_alike(pictures(page.locator(".wall")), crop(samples.images, 2)[order, 0])
    assert page.locator(".cell[aria-pressed=true]").get_attribute("data-seed") == "9" == hand(page)

    page = opened("tab=map&corners=1+2+3+4&digit=8&at=0.25 0.75")
    found, latents, _ = latent_map(v.model().generator, CORNERS, 9)
    v.assert_alike(v.pixels(page.locator(".pin .glyph")), crop(found, 2)[6 * 9 + 2, 0])
    assert torch.allclose(latent_of(hand(page), v.model().config)[0], latents[6 * 9 + 2], atol=1 / 60)
    page.wait_for_url("**hand=z8*")
    other = open_page(page.url, reduced_motion="reduce")
    assert hand(other) == hand(page)
    assert np.array_equal(v.pixels(other.locator(".pin .glyph")), v.pixels(page.locator(".pin .glyph")))

    page = opened("tab=directions&hand=5&thickness=2&slant=-1")
    latent = torch.round(moved(5, thickness=2, slant=-1)[0] * 32) / 32
    v.assert_alike(pictures(page.locator(".ten")), drawn_at(latent.expand(10, -1), torch.arange(10)))
    assert hand(page) == "5"


def test_a_model_without_digits_has_a_wall_and_a_map(open_page, page_url):
    page = open_page(f"{page_url}?model=mnist&exact=true&count=6&digit=7", reduced_motion="reduce")
    v.assert_alike(pictures(page.locator(".wall")), v.drawn(range(6), name="mnist"))
    expect(page.locator(".line")).to_have_text("Seed 0.")
    put(page, play__show="map", play__corners="1 2:3 3 4")
    found, _, _ = latent_map(v.model("mnist").generator, [(seed, None) for seed in (1, 2, 3, 4)], 9)
    v.assert_alike(pictures(page.locator(".backdrop")), crop(found, 2)[:, 0])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_map_is_accessible(open_page, page_url, scheme):
    page = open_page(f"{page_url}?show=map", color_scheme=scheme, reduced_motion="reduce")
    found = Axe().run(page, context="#view-play", options={"resultTypes": ["violations"]}).response["violations"]
    assert [(one["id"], node["target"]) for one in found for node in one["nodes"]] == []
