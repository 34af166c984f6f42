"""Helpers for the browser tests: use the page as a visitor does, and read what it shows."""

import base64
import functools
import re
from io import BytesIO
from weakref import WeakKeyDictionary

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, Request, expect

from dcgan.hub.load import load_model
from dcgan.latents.directions import fit_named_directions
from dcgan.latents.sampling import crop, sample
from dcgan.model_folder import Model, read_evaluation

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
DESKTOP, PHONE, WIDE = {"width": 1280, "height": 900}, {"width": 360, "height": 800}, {"width": 1920, "height": 1080}
PATIENCE = 20_000  # milliseconds; an idle machine needs about a second for anything
VIEWS = {  # name in a link: (tabs that open the view, element that it draws into)
    "generate": (["Generate"], "#sheet"),
    "interpolate": (["Interpolate"], "#way"),
    "write": (["Write"], "#write"),
    "map": (["Explore", "Map"], "#map"),
    "directions": (["Explore", "Directions"], "#moved"),
    "arithmetic": (["Explore", "Arithmetic"], "#arithmetic"),
    "yours": (["Your digit"], "#yours"),
    "training": (["Training"], "#training"),
}
UNANSWERED: WeakKeyDictionary[Page, set[Request]] = WeakKeyDictionary()
expect.set_options(timeout=PATIENCE)


@functools.cache
def model(name: str = "mnist-conditional") -> Model:
    """Return the model that the page uses, to compare with."""
    return load_model(name)


def drawn(seeds, digit=None, name: str = "mnist-conditional") -> np.ndarray:
    """Return the pictures (N, 28, 28) uint8 that the page must show for the seeds."""
    return crop(sample(model(name).generator, seeds, digit).images, 2)[:, 0]


def open_view(page: Page, name: str) -> Locator:
    """Click the tabs of a view, wait for its picture, and return the element that it draws into."""
    tabs, element = VIEWS[name]
    for tab in tabs:
        page.get_by_role("tab", name=tab, exact=True).click()
    expect(page.locator(element).locator("img, .stage, .note").first).to_be_visible()
    return page.locator(element)


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


def click(page: Page, text: str) -> None:
    page.get_by_role("button", name=text, exact=True).locator("visible=true").click()


def download(page: Page, text: str) -> tuple[str, bytes]:
    """Click a download link or button. Return the file's name and content."""
    with page.expect_download() as pending:
        page.locator(".download:visible").filter(has_text=re.compile(f"^{re.escape(text)}$")).click()
    return pending.value.suggested_filename, pending.value.path().read_bytes()


def download_picture(page: Page, text: str) -> tuple[str, Image.Image]:
    name, content = download(page, text)
    return name, Image.open(BytesIO(content))


def pixels(image: Locator) -> np.ndarray:
    """Return the pixels (H, W) of an <img> with a data URI."""
    uri = image.get_attribute("src")
    return np.asarray(Image.open(BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("L"))


def sources(view: Locator) -> list[str]:
    return view.locator("img").evaluate_all("images => images.map(image => image.src)")


def expect_sliders(page: Page, name: str) -> None:
    """Expect the sliders of a model's three named directions, with its correlations, and of no other model's."""
    found = fit_named_directions(model(name).generator)
    for direction in found:
        slider = f"range slider for {direction.name} (r = {direction.correlation:.2f})"
        expect(page.get_by_label(slider, exact=True)).to_be_visible()
    sliders = page.get_by_label(re.compile(r"^range slider for .* \(r = ")).locator("visible=true")
    expect(sliders).to_have_count(len(found))


def measured(name: str) -> dict[str, str]:
    """Return three of a model's measures as the page must show them."""
    runs = read_evaluation(model(name).folder)["runs"]
    return {key: f"{np.mean([run[key] for run in runs]):.3f} (" for key in ("precision", "recall", "coverage")}


def expect_measures(view: Locator, name: str) -> None:
    for title, number in measured(name).items():
        row = view.locator("tr", has=view.page.get_by_role("rowheader", name=title, exact=True))
        expect(row.locator("td")).to_contain_text(number)


def is_automatic(request: Request) -> bool:
    """Return whether the page sends this request by itself now and then: a timer's, which has no inputs, among them."""
    if "/queue/join" in request.url:
        return not request.post_data_json["data"]
    return request.url.startswith("data:") or "/queue/data" in request.url or "/heartbeat/" in request.url


def requests_from_now(page: Page) -> list[str]:
    """Return a list that collects the addresses of all requests from now on, but for automatic ones."""
    asked = []
    page.on("request", lambda request: None if is_automatic(request) else asked.append(request.url))
    return asked


def watch_requests(page: Page) -> None:
    """Keep a set of the page's unanswered requests, for `settle`."""
    waiting = UNANSWERED[page] = set()
    page.on("request", lambda request: waiting.add(request) if "/heartbeat/" not in request.url else None)
    for event in ("requestfinished", "requestfailed"):
        page.on(event, lambda request: waiting.discard(request))


def settle(page: Page) -> None:
    """Wait until the server has answered everything, and the page asks nothing more for half a second of its time.

    On a busy machine Gradio sometimes leaves its event stream open: then wait until it asks nothing for ten seconds.
    """
    asked, before, quiet = requests_from_now(page), None, 0
    while quiet < (200 if UNANSWERED[page] else 10):
        page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))")
        now = len(asked), len(UNANSWERED[page])
        before, quiet = now, quiet + 1 if now == before else 0


def draw_seven(page: Page) -> None:
    """Draw a 7 with the mouse, on the sheet of the tab Your digit."""
    box = page.locator("#pad canvas").bounding_box()
    places = [(0.3, 0.25), (0.7, 0.25), (0.42, 0.8)]
    (x, y), *rest = [(box["x"] + across * box["width"], box["y"] + down * box["height"]) for across, down in places]
    page.mouse.move(x, y)
    page.mouse.down()
    for x, y in rest:
        page.mouse.move(x, y, steps=8)
    page.mouse.up()
