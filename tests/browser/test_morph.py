"""The Morph tab in a real Chromium."""

import itertools
from io import BytesIO

import av
import numpy as np
import pytest
import torch
import visitor as v
from axe_playwright_python.sync_playwright import Axe
from PIL import Image, ImageSequence
from playwright.sync_api import Page, expect

from dcgan.data import to_uint8
from dcgan.latents.interpolation import key_latents, lerp, slerp
from dcgan.latents.sampling import crop, generate
from demo.parts.pictures import INK_COLOUR, PAPER_COLOUR


@pytest.fixture
def morph(page: Page) -> Page:
    """The tab with two stops, without a movement, in exact pixels."""
    v.open_view(page, "morph")
    state = {"morph.keys": "15 24", "morph.closed": False, "morph.path": "spherical", "morph.at": 0}
    page.evaluate(
        "state => demo.put({ ...state, model: 'mnist-conditional', exact: true, hand: '0', thickness: 0 })", state
    )
    page.locator(".position").fill("0")
    page.locator(".stops button").first.click()
    v.ready(page)
    return page


def place(page: Page) -> float:
    return float(page.locator("#view-morph .position").input_value())


def stage(page: Page) -> np.ndarray:
    v.ready(page)
    return v.pixels(page.locator("#view-morph .screen .glyph"))


def words(page: Page) -> list[str]:
    v.ready(page)
    return v.field(page, "Stops").input_value().split()


def picture(latent, label) -> np.ndarray:
    return crop(to_uint8(generate(v.model().generator, latent, label)).numpy(), 2)[0, 0]


def test_it_plays_at_the_screens_rate_and_pauses(open_page, page_url):
    page = open_page(f"{page_url}?tab=morph")  # without reduced motion
    page.wait_for_function("document.querySelector('#view-morph .position').value > 0.1")  # it plays
    places = page.evaluate("""async () => {
      const places = new Set(), slider = document.querySelector("#view-morph .position");
      for (let i = 0; i < 20; i++) {
        await new Promise((done) => requestAnimationFrame(done));
        places.add(slider.value);
      }
      return places.size;
    }""")
    assert places > 8  # not 12 pictures a second
    v.open_view(page, "write")
    here = place(page)
    page.wait_for_timeout(250)
    assert place(page) == here  # nothing runs while another tab is open
    v.open_view(page, "morph")
    page.wait_for_function("here => document.querySelector('#view-morph .position').value !== here", arg=str(here))
    v.click(page, "Pause")
    here = place(page)
    page.wait_for_timeout(250)
    assert place(page) == here
    page.wait_for_url("**at=*")  # the link shows where it stopped
    page.locator("#view-morph .position").focus()
    page.keyboard.press("Space")
    expect(page.locator("#view-morph .play")).to_have_text("Pause")


def test_nothing_moves_by_itself_with_reduced_motion(morph):
    morph.wait_for_timeout(250)
    assert place(morph) == 0
    expect(morph.locator("#view-morph .play")).to_have_text("Play")


@pytest.mark.parametrize(("path", "between"), [("spherical", slerp), ("linear", lerp)])
def test_any_place_between_the_stops_is_drawn_without_a_request(morph, path, between):
    morph.evaluate("path => demo.put({ 'morph.path': path })", path)  # linear: of old links
    v.ready(morph)
    latents, labels = key_latents([(15, None), (24, None)], v.model().config)
    asked = v.requests_from_now(morph)
    for at in (0.0, 0.123, 0.777, 1.0):
        morph.locator("#view-morph .position").fill(str(at))
        t = torch.tensor([at])
        v.assert_alike(stage(morph), picture(between(*latents, t), lerp(*labels, t)))
    expect(morph.locator("#view-morph .position")).to_have_attribute("aria-valuetext", "stop 2")
    for key in ("ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp"):  # the first cannot go further
        morph.locator("#view-morph .position").press(key)
    assert place(morph) == pytest.approx(0.99) and asked == []


def test_a_link_shows_the_same_place(morph, open_page):
    morph.locator("#view-morph .position").fill("0.25")
    morph.wait_for_url("**at=0.25")
    other = open_page(morph.url)  # it moves by itself, but not away from the place of a link
    assert np.array_equal(stage(other), stage(morph)) and place(other) == 0.25
    expect(other.locator("#view-morph .play")).to_have_text("Play")
    loop = open_page(morph.url.split("?")[0] + "?tab=interpolate&keys=7%3A3+8+9&steps=5&path=linear&closed=true&at=1")
    expect(loop.locator(".position")).to_have_attribute("max", "3")  # a link of the page before
    expect(loop.locator(".position")).to_have_attribute("aria-valuetext", "stop 1")


def test_stops_are_edited_one_at_a_time(morph):
    page, line = morph, morph.locator(".stops button")
    v.assert_alike(np.stack([v.pixels(one) for one in line.locator(".glyph").all()]), v.drawn([15, 24]))
    line.nth(1).click()
    assert place(page) == 1
    page.get_by_label("digit", exact=True).select_option("7")
    assert words(page) == ["15", "24:7"]
    v.assert_alike(stage(page), v.drawn([24], 7)[0])
    page.get_by_role("textbox", name="Stop 2").fill("3")
    assert words(page) == ["15", "3:7"]
    v.assert_alike(v.pixels(line.nth(1).locator(".glyph")), v.drawn([3], 7)[0])

    v.take_hand(page, 42)
    for count in range(3, 11):
        page.get_by_role("button", name="+ Add this hand").click()
        expect(line).to_have_count(count)
    assert words(page) == ["15", "3:7", *["42:7"] * 8] and place(page) == 9  # ten is the most
    expect(page.get_by_role("button", name="+ Add this hand")).to_have_attribute("aria-disabled", "true")
    page.get_by_role("button", name="another handwriting for this stop").click()
    assert words(page)[-1] != "42:7" and words(page)[-1].endswith(":7")

    line.last.focus()  # by keyboard: one Tab stop, then arrows
    assert line.evaluate_all("all => all.filter((one) => one.tabIndex === 0).length") == 1
    page.keyboard.press("Home")
    expect(line.first).to_be_focused()
    page.keyboard.press("Alt+ArrowRight")
    assert words(page)[:2] == ["3:7", "15"] and place(page) == 1
    expect(line.nth(1)).to_be_focused()
    page.get_by_role("button", name="move this stop right").press("Enter")
    assert words(page)[:3] == ["3:7", "42:7", "15"]
    for _ in range(9):
        page.get_by_role("button", name="remove this stop").press("Enter")
        page.wait_for_timeout(60)
    expect(page.get_by_role("button", name="remove this stop")).to_be_focused()
    assert len(words(page)) == 2  # two is the least


def test_a_stop_is_dragged_to_another_place(morph):
    page, line = morph, morph.locator(".stops button")
    page.evaluate("demo.put({ 'morph.keys': '15 24 3:7 8' })")
    v.ready(page)
    boxes = [one.bounding_box() for one in line.all()]
    middles = [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in boxes]
    page.mouse.move(*middles[0])
    page.mouse.down()
    page.mouse.move(middles[1][0] + 5, middles[1][1], steps=5)
    assert words(page) == ["24", "15", "3:7", "8"]  # at once
    page.mouse.move(middles[2][0] + 5, middles[2][1] + 200, steps=5)  # also beside the line
    page.mouse.up()
    assert words(page) == ["24", "3:7", "15", "8"] and place(page) == 2
    expect(line.nth(2)).to_have_attribute("aria-pressed", "true")
    v.assert_alike(v.pixels(line.nth(2).locator(".glyph")), v.drawn([15])[0])
    page.mouse.move(*middles[0])
    page.mouse.move(*middles[3])
    assert words(page) == ["24", "3:7", "15", "8"]  # no button is pressed


def test_a_mistake_in_a_stop_is_told_under_it_and_changes_nothing(morph):
    field, mistake = morph.get_by_role("textbox", name="Stop 1"), morph.locator("#stop-mistake")
    before = stage(morph)
    for text, told in {"abc": "'abc' is not a hand", "": "one seed", "1 2": "one seed"}.items():
        field.fill(text)
        field.press("Tab")
        expect(mistake).to_be_visible()
        expect(mistake).to_contain_text(told)
        assert field.get_attribute("aria-invalid") == "true" and words(morph) == ["15", "24"]
        assert np.array_equal(stage(morph), before)
    morph.get_by_role("button", name="+ Add this hand").click()
    expect(morph.locator(".stops button")).to_have_count(3)
    morph.locator(".stops button").first.click()
    expect(field).to_have_value("15")
    field.fill("3")
    expect(mistake).to_be_hidden()
    assert words(morph) == ["3", "24", "0"]
    v.fill(morph, "Stops", "15")
    expect(morph.locator("#morph-keys .mistake")).to_contain_text("2 to 10 stops, not 1")
    v.fill(morph, "Stops", "15 24")
    expect(morph.locator("#morph-keys .mistake")).to_have_count(0)


def test_examples(morph):
    v.take_hand(morph, 8)
    morph.get_by_role("button", name="0 to 9").click()
    assert words(morph) == [f"8:{digit}" for digit in range(10)]
    v.assert_alike(v.pixels(morph.locator(".stops .glyph").last), v.drawn([8], 9)[0])
    morph.get_by_role("button", name="One 7").click()
    found = words(morph)
    assert found[0] == "8:7" and len(set(found)) == 8 and all(word.endswith(":7") for word in found)
    v.choose_model(morph, "mnist")
    expect(morph.get_by_role("button", name="One 7")).to_be_hidden()
    expect(morph.get_by_label("digit", exact=True)).to_be_hidden()
    v.choose_model(morph, "mnist-conditional")
    assert words(morph) == found  # the other model took no digit away


def test_what_is_seen_can_be_saved(morph):
    page = morph
    page.evaluate("demo.put({ 'morph.keys': '15 24:7 3', 'morph.steps': 6, 'morph.path': 'linear' })")
    page.locator(".position").fill("0.5")
    v.ready(page)
    name, frame = v.download_picture(page, "Exact 28×28 pixels (PNG)")
    stem = "mnist-conditional_seed-15_to_seed-24-digit-7_to_seed-3_linear"
    assert name == f"{stem}_at-0.50_pixels.png"
    v.assert_alike(np.asarray(frame.convert("L"))[2:-2, 2:-2], stage(page))
    name, row = v.download(page, "All frames in a row (SVG)")
    assert name == f"{stem}_frames.svg" and row.count(b"<path") == 11
    page.keyboard.press("Escape")
    for closed, count in ((False, 20), (True, 15)):
        page.get_by_label("Loop").set_checked(closed)
        v.ready(page)
        for kind in ("GIF", "WebP"):
            name, animation = v.download_picture(page, kind)
            assert name == f"{stem}{'_closed' if closed else ''}.{kind.lower()}"
            assert (animation.format, animation.n_frames, animation.size) == (kind.upper(), count, (480, 480))
            assert animation.info["loop"] == 0
            first = next(iter(ImageSequence.Iterator(animation))).convert("RGB")
            assert first.getpixel((0, 0)) == PAPER_COLOUR
            assert min(first.get_flattened_data()) == INK_COLOUR
            drawn = np.asarray(first.convert("L").resize((28, 28), Image.Resampling.BOX))
            assert np.corrcoef(drawn.ravel(), v.drawn([15])[0].ravel())[0, 1] < -0.9  # ink where the network has it
        _, content = v.download(page, "MP4")
        with av.open(BytesIO(content)) as video:
            frames = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
        assert len(frames) == count and frames[0].shape == (480, 480, 3)
        assert np.abs(frames[0][0, 0].astype(int) - PAPER_COLOUR).max() < 8  # H.264 is lossy
        page.keyboard.press("Escape")


def overlap(a: dict, b: dict) -> bool:
    across, down = (
        min(a[x] + a[size], b[x] + b[size]) - max(a[x], b[x]) for x, size in (("x", "width"), ("y", "height"))
    )
    return across > 1 and down > 3  # a stop's mark may touch the digit below it


def test_on_a_phone_the_digit_stays_in_sight_above_its_controls(open_page, page_url):
    page = open_page(f"{page_url}?tab=morph&keys=0+1+2+3+4+5+6+7+8+9", phone=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= v.PHONE["width"]
    page.get_by_role("button", name="Surprise me").scroll_into_view_if_needed()
    page.mouse.wheel(0, 300)
    page.wait_for_timeout(200)
    box = page.locator("#view-morph .seen").bounding_box()
    top = "document.elementFromPoint(innerWidth / 2, screen.getBoundingClientRect().y + 20)"
    assert page.locator("#view-morph .screen").evaluate(f"screen => screen.contains({top})")  # nothing lies over it
    assert abs(box["y"]) < 2 and box["height"] <= v.PHONE["height"] / 3
    for control in page.locator("#view-morph :is(.play, .stop button, input, select, .examples button):visible").all():
        assert control.bounding_box()["height"] >= 44
    stops = [stop.bounding_box() for stop in page.locator(".stops button").all()]
    assert len(stops) == 10 and all(min(stop["width"], stop["height"]) >= 44 for stop in stops)
    assert not any(overlap(a, b) for a, b in itertools.combinations(stops, 2))
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


def test_stops_wait_for_the_network(open_page, page_url):
    page, held = open_page("about:blank", wait=False), []
    page.route("**/weights/**", lambda route: held.append(route))
    page.goto(f"{page_url}?tab=morph&keys=3+8")
    expect(page.get_by_text("Loading the network")).to_be_visible()
    add = page.get_by_role("button", name="Add this hand", include_hidden=True)
    box = add.bounding_box()
    page.mouse.click(box["x"] + 9, box["y"] + 9)
    for route in held:
        route.continue_()
    page.unroute("**/weights/**")
    v.ready(page)
    expect(page.get_by_text("Loading the network")).to_have_count(0)
    add.click()
    page.wait_for_function("demo.state['morph.keys'].split(' ').length === 3")
