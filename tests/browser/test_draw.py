"""The tab Draw: the sheet, the likeness and the ten digits while one draws, and what is no digit."""

import re

import numpy as np
import pytest
import visitor as v
from playwright.sync_api import Locator, Page, expect

INVITATION = "Draw a digit. The network tries to write it your way."
SCRIBBLE = [(0.15, 0.5), (0.3, 0.2), (0.4, 0.75), (0.55, 0.2), (0.6, 0.8), (0.75, 0.25), (0.82, 0.7), (0.2, 0.65)]
LINE = [(0.5, 0.2), (0.5, 0.8)]


@pytest.fixture
def view(page) -> Locator:
    view = v.open_view(page, "draw")
    v.choose(page, "It is a", "any")
    view.locator(".clear").click()
    expect(line(view)).to_have_text(INVITATION)
    return view


def line(view: Locator) -> Locator:
    return view.locator(".line")


def judged(view: Locator) -> None:
    """Wait until the search is over."""
    expect(line(view)).to_have_text(
        re.compile(r"^(Reads as \d: (a close match|roughly|not really)|I don't know .*)\.$")
    )


def found_hand(page: Page) -> str:
    """Take the hand that was found and return its code."""
    v.click(page, "Use this handwriting")
    page.wait_for_function("() => demo.state.hand.startsWith('z')")
    return page.evaluate("() => demo.state.hand")


def ink(view: Locator) -> float:
    """Return the share of the sheet that is drawn on."""
    script = """canvas => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return data.filter((value, i) => i % 4 === 3 && value).length / (canvas.width * canvas.height);
    }"""
    return view.locator("canvas").evaluate(script)


def test_drawing_can_be_undone_cleared_and_made_with_the_keyboard(page, view):
    v.draw_seven(page)
    seven = ink(view)
    v.draw_seven(page, LINE)
    assert ink(view) > seven > 0.02
    view.locator(".undo").click()
    assert ink(view) == seven
    view.locator(".clear").click()
    assert ink(view) == 0
    view.locator(".undo").click()
    assert ink(view) == seven
    view.locator(".clear").click()
    view.locator("canvas").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    for _ in range(15):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(line(view)).to_have_text(re.compile(r"^Reads as 1"))
    page.keyboard.press("Delete")
    expect(line(view)).to_have_text(INVITATION)
    expect(view.locator(".likeness path")).to_have_count(0)
    expect(view.locator(".answer")).to_be_hidden()


def test_one_finger_or_the_main_button_draws(page, view):
    box = view.locator("canvas").bounding_box()
    for button in ("right", "middle"):
        page.mouse.move(box["x"] + 90, box["y"] + 90)
        page.mouse.down(button=button)
        page.mouse.move(box["x"] + 90, box["y"] + 180, steps=4)
        page.mouse.up(button=button)
    page.keyboard.press("Escape")  # closes the menu of the right button
    assert ink(view) == 0
    fingers = page.context.new_cdp_session(page)

    def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": box["x"] + x, "y": box["y"] + y, "id": i} for i, (x, y) in enumerate(places)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (90, 60))
    for y in (90, 120, 150):
        touch("touchMove", (90, y))
    alone = ink(view)
    touch("touchStart", (90, 150), (20, 20))  # a palm
    for y in (155, 158, 160):
        touch("touchMove", (90, y), (20 + y - 150, 20))
    touch("touchEnd")
    assert 0 < alone <= ink(view) < 1.3 * alone
    view.locator(".undo").click()
    assert ink(view) == 0


def test_digits_are_there_while_the_pen_is_down(page, view):
    box = view.locator("canvas").bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.8 * box["height"], steps=8)
    expect(view.locator(".likeness path")).to_have_count(1)
    expect(view.locator(".ten path")).to_have_count(10)
    expect(line(view)).not_to_have_text(re.compile("match|roughly|really|know"))  # the drawing is not done yet
    page.mouse.up()
    judged(view)


def test_likeness_is_where_the_digit_was_drawn(page, view):
    v.draw_seven(page, [(0.6, 0.1), (0.9, 0.1), (0.75, 0.5)])
    judged(view)
    v.ready(page)
    sheet, shown = view.locator("div.likeness").bounding_box(), view.locator(".likeness path").bounding_box()
    edges = [(shown[axis] - sheet[axis]) / sheet["width"] for axis in "xy"]
    edges += [edges[0] + shown["width"] / sheet["width"], edges[1] + shown["height"] / sheet["width"]]
    assert edges == pytest.approx([0.56, 0.06, 0.94, 0.54], abs=0.06)


def test_likeness_is_drawn_without_the_server_and_its_hand_becomes_the_pages(page, view):
    asked = v.requests_from_now(page)
    v.draw_seven(page)
    expect(line(view)).to_have_text("Reads as 7: a close match.")
    expect(view.locator(".title")).to_have_text("If you wrote all ten, the network thinks:")
    assert [url for url in asked if "/weights/" not in url] == []
    v.ready(page)
    shown = [path for path in v.paths(view) if path]
    code = found_hand(page)
    assert code.startswith("z7.")
    v.ready(page)
    assert v.paths(page.locator("#view-hand .ten")) == shown[-10:]
    outline = "code => dcgan.load(demo.state.model).then(({ ink }) => ink(dcgan.point(code)).path)"
    assert shown[0] == page.evaluate(outline, code)


def test_digit_that_the_visitor_names_is_the_one_that_is_written(page, view):
    v.draw_seven(page)
    judged(view)
    v.choose(page, "It is a", "2")
    page.wait_for_timeout(200)
    judged(view)
    assert found_hand(page).startswith("z2.")


def test_scribble_is_told_so(page, view):
    v.draw_seven(page, SCRIBBLE)
    expect(line(view)).to_have_text(re.compile(r"^I don't know this sign\. Closest: \d\.$"))
    expect(view.locator(".title")).to_have_text("If it were a digit, you would write:")


def test_a_tap_is_no_digit(view):
    view.locator("canvas").click()
    expect(line(view)).to_have_text("That is very small. Draw it larger.")


def test_link_holds_the_drawing(open_page, page, view):
    v.draw_seven(page)
    judged(view)
    page.wait_for_function("() => new URLSearchParams(location.search).get('drawing')")
    other = v.view_of(open_page(page.url), "draw")
    expect(line(other)).to_have_text(re.compile(r"^Reads as 7: "))
    assert ink(other) > 0.02


def test_damaged_link_is_told(open_page, page_url):
    view = v.view_of(open_page(f"{page_url}?tab=draw&drawing=abc"), "draw")
    expect(line(view)).to_have_text("The drawing in this link is damaged: draw it again.")
    v.draw_seven(view.page)
    expect(line(view)).to_have_text(re.compile(r"^Reads as 7: "))


def test_model_without_digits_has_a_likeness_and_no_ten_digits(open_page, page_url):
    page = open_page(f"{page_url}?tab=draw&model=mnist")
    view = v.view_of(page, "draw")
    v.draw_seven(page)
    judged(view)
    expect(view.locator(".title")).to_be_hidden()
    expect(view.locator(".ten path")).to_have_count(0)
    assert found_hand(page).startswith("z.")


def test_everything_is_seen_at_once_on_a_phone(open_page, page_url):
    page = open_page(f"{page_url}?tab=draw", phone=True)
    view = v.view_of(page, "draw")
    v.draw_seven(page)
    judged(view)
    boxes = [view.locator(part).bounding_box() for part in ("canvas", "div.likeness", ".line", ".ten")]
    sheet, likeness, *_, ten = boxes
    assert sheet["y"] == likeness["y"]
    assert np.allclose([sheet["width"], sheet["height"]], [likeness["width"], likeness["height"]])
    assert sheet["width"] > 0.4 * v.PHONE["width"]
    assert ten["y"] + ten["height"] < v.PHONE["height"]
    assert view.locator("canvas").evaluate("canvas => getComputedStyle(canvas).touchAction") == "none"
    assert view.locator("div.likeness").evaluate("div => getComputedStyle(div).touchAction") == "auto"
