"""What the browser tests share: a visitor's hands and eyes on the page. Its fixtures are in `conftest.py`."""

import base64
import functools
import re
from io import BytesIO

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from dcgan.hub.load import load_model
from dcgan.latents.sampling import crop, sample
from dcgan.model_folder import Model

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
DESKTOP, PHONE, WIDE = {"width": 1280, "height": 900}, {"width": 360, "height": 800}, {"width": 1920, "height": 1080}
PATIENCE = 20_000  # milliseconds for what takes one on an idle machine
VIEWS = {  # name in a link: (the tabs to open it, the element it draws into)
    "generate": (["Generate"], "#sheet"),
    "interpolate": (["Interpolate"], "#way"),
    "write": (["Write"], "#write"),
    "map": (["Explore", "Map"], "#map"),
    "directions": (["Explore", "Directions"], "#moved"),
    "arithmetic": (["Explore", "Arithmetic"], "#arithmetic"),
    "yours": (["Your digit"], "#yours"),
    "training": (["Training"], "#training"),
}
expect.set_options(timeout=PATIENCE)


@functools.cache
def model(name: str = "mnist-conditional") -> Model:
    """The same weights as the page's, to compare with."""
    return load_model(name)


def drawn(seeds, digit=None, name: str = "mnist-conditional") -> np.ndarray:
    """The pictures (N, 28, 28) uint8 of seeds, as the page must show them."""
    return crop(sample(model(name).generator, seeds, digit).images, 2)[:, 0]


def open_view(page: Page, name: str) -> Locator:
    """Click the tabs of a view; the element it draws into, once there is something in it."""
    tabs, element = VIEWS[name]
    for tab in tabs:
        page.get_by_role("tab", name=tab, exact=True).click()
    expect(page.locator(element).locator("img, .stage, .note").first).to_be_visible()
    return page.locator(element)


def selected_tabs(page: Page) -> list[str]:
    return page.locator("[role=tab][aria-selected=true]").locator("visible=true").all_inner_texts()


def field(page: Page, label: str) -> Locator:
    """The visible text or number field with a label, alone or followed by an explanation."""
    return page.locator("label:visible", has=page.get_by_text(label, exact=True)).locator("input, textarea")


def fill(page: Page, label: str, value: object) -> None:
    """Type a value and leave the field."""
    field(page, label).fill(str(value))
    field(page, label).press("Tab")


def slide(page: Page, label: str, value: float) -> None:
    """Set a slider by its number field; its label may go on after the first word."""
    number = page.get_by_label(re.compile(f"^number input for {re.escape(label)}")).locator("visible=true")
    number.fill(str(value))
    number.press("Tab")


def choose(page: Page, group: str, option: str) -> None:
    """Click an option of the group of choices with this title."""
    chips = page.locator("fieldset:visible", has=page.get_by_text(group, exact=True))
    chips.locator("label").filter(has_text=re.compile(f"^\\s*{re.escape(option)}")).click()


def click(page: Page, text: str) -> None:
    page.get_by_role("button", name=text, exact=True).locator("visible=true").click()


def download(page: Page, text: str) -> tuple[str, bytes]:
    """Click a link or button of the downloads: the file's name and content."""
    with page.expect_download() as pending:
        page.locator(".download:visible").filter(has_text=re.compile(f"^{re.escape(text)}$")).click()
    return pending.value.suggested_filename, pending.value.path().read_bytes()


def download_picture(page: Page, text: str) -> tuple[str, Image.Image]:
    name, content = download(page, text)
    return name, Image.open(BytesIO(content))


def pixels(image: Locator) -> np.ndarray:
    """The pixels (H, W) of an <img> with a data URI."""
    uri = image.get_attribute("src")
    return np.asarray(Image.open(BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("L"))


def sources(view: Locator) -> list[str]:
    return view.locator("img").evaluate_all("images => images.map(image => image.src)")


def expect_other_picture(image: Locator, than: str) -> None:
    expect(image).not_to_have_attribute("src", than)


def requests_from_now(page: Page) -> list[str]:
    """A list that fills with the addresses that are asked for from now on."""
    asked = []
    page.on("request", lambda request: None if request.url.startswith("data:") else asked.append(request.url))
    return asked


def settle(page: Page) -> None:
    """Wait until the page has asked nothing of the server for a while."""
    asked, before = requests_from_now(page), -1
    while len(asked) != before:
        before = len(asked)
        page.wait_for_timeout(700)


def draw_seven(page: Page) -> None:
    """With the mouse on the sheet of the tab Your digit."""
    box = page.locator("#pad canvas").bounding_box()
    places = [(0.3, 0.25), (0.7, 0.25), (0.42, 0.8)]
    (x, y), *rest = [(box["x"] + across * box["width"], box["y"] + down * box["height"]) for across, down in places]
    page.mouse.move(x, y)
    page.mouse.down()
    for x, y in rest:
        page.mouse.move(x, y, steps=8)
    page.mouse.up()
