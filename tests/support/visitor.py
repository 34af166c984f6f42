"""Helpers for the browser tests: use the page as a visitor does, and read what it shows."""

import functools
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import NoReturn
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, Request, expect

from dcgan.hub.load import load_model
from dcgan.latents.sampling import crop, sample
from dcgan.model_folder import Model, read_evaluation

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
DESKTOP, PHONE, WIDE = {"width": 1280, "height": 900}, {"width": 360, "height": 800}, {"width": 1920, "height": 1080}
PATIENCE = 20_000  # milliseconds; an idle machine needs about a second for anything
DRAWN = ".glyph, canvas, .stage, .note"  # in a view whose script has come
VIEWS = {"play": "Play", "write": "Write", "morph": "Morph", "draw": "Draw", "learned": "How it learned"}  # tabs' names
expect.set_options(timeout=PATIENCE)


def is_missing(message: str) -> NoReturn:
    """Skip the test, because a browser is missing; fail it if DCGAN_REQUIRE_BROWSER is set."""
    if os.environ.get("DCGAN_REQUIRE_BROWSER"):
        pytest.fail(message)
    pytest.skip(message)


@contextmanager
def page_opener(browser: Browser, page_url: str) -> Iterator[Callable[..., Page]]:
    """Yield a function that opens the page. At the end, check its errors and the hosts that it asked."""
    contexts, problems, hosts = [], [], set()

    def open_page(
        address: str = f"{page_url}?seed=0",
        phone: bool = False,
        wait: bool = True,
        block: Sequence[str] = (),
        offline_later: bool = False,
        script: str = "",
        **options,
    ) -> Page:
        screen = {"viewport": PHONE, "has_touch": True, "is_mobile": True} if phone else {"viewport": DESKTOP}
        context = browser.new_context(**(screen | options))
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
        page.on("pageerror", lambda error: problems.append(str(error)))
        if not block and not offline_later:  # a request that fails is an error in the console
            page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        if script:
            page.add_init_script(script)
        for pattern in block:
            page.route(pattern, lambda route: route.abort())
        page.goto(address)
        if wait:
            ready(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []
    assert hosts <= {"", urlsplit(page_url).netloc}


@functools.cache
def model(name: str = "mnist-conditional") -> Model:
    """Return the model that the page uses, to compare with."""
    return load_model(name)


def drawn(seeds, digit=None, name: str = "mnist-conditional") -> np.ndarray:
    """Return the pictures (N, 28, 28) uint8 that the page must show for the seeds."""
    return crop(sample(model(name).generator, seeds, digit).images, 2)[:, 0]


def view_of(page: Page, name: str) -> Locator:
    return page.locator(f"#view-{name}")


def open_view(page: Page, name: str) -> Locator:
    """Click the tab of a view, wait for what it draws, and return its element."""
    page.get_by_role("tab", name=VIEWS[name], exact=True).click()
    expect(view_of(page, name).locator(DRAWN).locator("visible=true").first).to_be_visible()
    ready(page)
    return view_of(page, name)


DIRECTIONS_ARE_THERE = """() =>
  !Object.entries(demo.state).some(([key, value]) => /^(thickness|slant|width|direction.)$/.test(key) && value)
    || performance.getEntriesByType("resource").some(({ name }) => name.includes("/directions"))"""  # or none is needed


def ready(page: Page) -> None:
    """Wait until the networks and the script of the open view are there and nothing waits to be drawn."""
    page.wait_for_timeout(60)  # what Gradio needs to say that a control has changed
    page.wait_for_function("() => globalThis.dcgan?.models().find(({ name }) => name === demo.state.model)?.loaded")
    page.wait_for_function(DIRECTIONS_ARE_THERE)
    page.locator("[id^=view-]").locator(DRAWN).locator("visible=true").first.wait_for()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => dcgan.scheduler.settled().then(done)))")


def selected_tabs(page: Page) -> list[str]:
    return page.locator("[role=tab][aria-selected=true]").locator("visible=true").all_inner_texts()


def field(page: Page, label: str) -> Locator:
    """Return the visible text or number field with this label. An explanation may follow the label."""
    return page.locator("label:visible", has=page.get_by_text(label, exact=True)).locator("input, textarea")


def fill(page: Page, label: str, value: object) -> None:
    """Type a value and leave the field."""
    field(page, label).fill(str(value))
    field(page, label).press("Tab")


def slide(page: Page, label: str, value: float) -> None:
    """Set a slider by its number field. `label` is the start of its label."""
    number = page.get_by_label(re.compile(f"^number input for {re.escape(label)}")).locator("visible=true")
    number.fill(str(value))
    number.press("Tab")


def choose(page: Page, group: str, option: str) -> None:
    """Click an option in the group of choices with this title. `option` is the start of its text."""
    chips = page.locator("fieldset:visible", has=page.get_by_text(group, exact=True))
    chips.locator("label").filter(has_text=re.compile(f"^\\s*{re.escape(option)}")).click()


def choose_model(page: Page, name: str) -> None:
    """Choose a bundled model as `How it learned` does, and wait until its network is there."""
    page.evaluate("model => demo.put({ model })", name)
    page.wait_for_function("name => demo.state.model === name", arg=name)
    ready(page)


def take_hand(page: Page, hand: object) -> None:
    """Type a seed or a code into the bar of the current handwriting."""
    page.locator("#hand-field").fill(str(hand))
    page.locator("#hand-field").press("Tab")
    ready(page)


def click(page: Page, text: str) -> None:
    page.get_by_role("button", name=text, exact=True).locator("visible=true").click()


def download(page: Page, text: str, group: str | None = None) -> tuple[str, bytes]:
    """Save a file with the menu, and return its name and content.

    group: the title in the menu, for example "The wall"; the first one by default. The files under *More* have none.
    """
    menu = page.locator("details.save")
    if menu.get_attribute("open") is None:  # the menu is filled when it has been opened
        menu.evaluate(
            "menu => { window.filled = new Promise((done) => menu.addEventListener('toggle', done, { once: true })); }"
        )
        menu.locator("summary").first.click()
        page.evaluate("filled.then(() => {})")
    for fold in menu.locator("details.more:not([open])").all():
        fold.locator("summary").click()
    within = menu.get_by_role("group", name=group, exact=True) if group else menu
    with page.expect_download() as pending:
        within.get_by_role("button", name=text, exact=True).first.click()
    return pending.value.suggested_filename, pending.value.path().read_bytes()


def download_picture(page: Page, text: str) -> tuple[str, Image.Image]:
    name, content = download(page, text)
    return name, Image.open(BytesIO(content))


def pixels(glyph: Locator) -> np.ndarray:
    """Return the pixels (28, 28) uint8 of a digit that is shown as exact pixels: its squares and how dark they are."""
    found = glyph.first.locator("g path").evaluate_all(
        "all => all.map((path) => [path.getAttribute('d'), path.getAttribute('fill-opacity')])"
    )
    image = np.zeros((28, 28), np.uint8)
    for squares, opacity in found:
        for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", squares):
            image[int(y), int(x)] = round(255 * float(opacity))
    return image


def paths(view: Locator) -> list[str]:
    """Return the outlines of all digits in a view."""
    return view.locator("svg path").evaluate_all("all => all.map((path) => path.getAttribute('d'))")


def assert_alike(found: np.ndarray, expected: np.ndarray) -> None:
    """Assert that two engines drew one picture: no pixel differs by more than one grey level."""
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).max() <= 1


def measured(name: str) -> dict[str, str]:
    """Return three of a model's measures as the page must show them."""
    runs = read_evaluation(model(name).folder)["runs"]
    return {key: f"{np.mean([run[key] for run in runs]):.3f} (" for key in ("precision", "recall", "coverage")}


def expect_measures(view: Locator, name: str) -> None:
    for title, number in measured(name).items():
        row = view.locator("tr", has=view.page.get_by_role("rowheader", name=title, exact=True))
        expect(row.locator("td")).to_contain_text(number)


def is_automatic(request: Request) -> bool:
    """Return whether the page sends this request by itself now and then."""
    return request.url.startswith("data:") or any(part in request.url for part in ("/models.json", "/heartbeat/"))


def requests_from_now(page: Page) -> list[str]:
    """Return a list that collects the addresses of all requests from now on, but for automatic ones."""
    asked = []
    page.on("request", lambda request: None if is_automatic(request) else asked.append(request.url))
    return asked


def draw_seven(page: Page, places=((0.3, 0.25), (0.7, 0.25), (0.42, 0.8))) -> None:
    """Draw a 7, or a stroke through other places, with the mouse on the sheet of the tab Draw."""
    box = page.locator("#view-draw canvas").bounding_box()
    (x, y), *rest = [(box["x"] + across * box["width"], box["y"] + down * box["height"]) for across, down in places]
    page.mouse.move(x, y)
    page.mouse.down()
    for x, y in rest:
        page.mouse.move(x, y, steps=8)
    page.mouse.up()
