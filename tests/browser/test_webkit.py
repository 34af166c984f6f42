"""The page in WebKit, the engine of Safari, by its own WebDriver: it draws, answers and saves as in Chromium."""

import io
import os
import shutil
import subprocess
from collections.abc import Iterator

import numpy as np
import pytest
import visitor as v
from PIL import Image
from selenium.webdriver import ActionChains, WebKitGTK, WebKitGTKOptions
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait
from selenium.webdriver.webkitgtk.service import Service

NEEDED = ("WebKitWebDriver", "Xvfb")
LISTEN = """
window.problems = [];
addEventListener("error", ({ message }) => problems.push(message));
addEventListener("unhandledrejection", ({ reason }) => problems.push(String(reason)));
HTMLAnchorElement.prototype.click = async function () {
  window.saved = [this.download, await (await fetch(this.href)).text()];
};
"""


@pytest.fixture(scope="module")
def webkit(page_url: str) -> Iterator[WebKitGTK]:
    """Yield WebKit with the page. Without it the tests are skipped, or fail if DCGAN_REQUIRE_BROWSER is set."""
    if missing := [name for name in NEEDED if shutil.which(name) is None]:
        v.is_missing(f"there is no {' and no '.join(missing)}: apt-get install webkit2gtk-driver xvfb")
    reading, writing = os.pipe()
    screen = subprocess.Popen(["Xvfb", "-displayfd", str(writing), "-screen", "0", "1400x1000x24"], pass_fds=[writing])
    display = ":" + os.read(reading, 16).decode().strip()
    try:
        options = WebKitGTKOptions()
        driver = WebKitGTK(options, Service(shutil.which(NEEDED[0]), env=os.environ | {"DISPLAY": display}))
        try:
            driver.set_window_size(v.DESKTOP["width"], v.DESKTOP["height"])
            driver.get(f"{page_url}?seed=0")
            until(driver, "globalThis.dcgan?.models().find(({ name }) => name === demo.state.model)?.loaded")
            driver.execute_script(LISTEN)
            yield driver
            assert driver.execute_script("return problems") == []
        finally:
            driver.quit()
    finally:
        screen.kill()
        screen.wait()
        os.close(reading)
        os.close(writing)


def until(driver: WebKitGTK, expression: str) -> object:
    """Wait until an expression of JavaScript is true, and return its value."""
    return WebDriverWait(driver, v.PATIENCE / 1000).until(lambda _: driver.execute_script(f"return {expression}"))


def open_view(driver: WebKitGTK, name: str, shows: str) -> WebElement:
    """Open a tab, wait for an element of its view, and return it."""
    driver.find_element("css selector", f"[role=tab][data-tab-id={name}]").click()
    return until(driver, f"[...document.querySelectorAll('#view-{name} {shows}')].find((one) => one.checkVisibility())")


def ink_of(driver: WebKitGTK, element: WebElement) -> float:
    """Return the share of an element that is dark, on a picture of the window: one of the element alone is black."""
    sides = "const { x, y, right, bottom } = arguments[0].getBoundingClientRect(); return [x, y, right, bottom]"
    box = driver.execute_script(sides, element)
    window = Image.open(io.BytesIO(driver.get_screenshot_as_png())).convert("L")
    return float(np.mean(np.asarray(window.crop([round(side) for side in box])) < 80))


def test_the_engine_draws_the_same_digits(webkit):
    asked = "dcgan.sample({ model: demo.state.model, seeds: [...Array(32).keys()] })"
    found = webkit.execute_async_script(f"{asked}.then(({{ images }}) => arguments[0]([...images]))")
    v.assert_alike(np.array(found, np.uint8).reshape(-1, 28, 28), v.drawn(range(32)))
    assert 0.05 < ink_of(webkit, open_view(webkit, "play", ".wall .cell")) < 0.4


def test_what_is_typed_is_written_and_saved(webkit):
    open_view(webkit, "write", ".writing path")
    field = webkit.find_element("css selector", "#write-text textarea")
    field.clear()
    field.send_keys("31.4")
    until(webkit, "document.querySelectorAll('#view-write .writing path:not(.rules)').length === 4")
    webkit.find_element("css selector", "details.save > summary").click()
    until(webkit, "document.querySelector('details.save [data-save=svg]')").click()
    name, content = until(webkit, "window.saved")
    assert name == "31.4_hand-0.svg" and content.count("<path") == 4


def test_a_drawing_is_read(webkit):
    sheet = open_view(webkit, "draw", "canvas")
    side, pen = sheet.size["width"], ActionChains(webkit, duration=50)
    pen.move_to_element_with_offset(sheet, -0.2 * side, -0.25 * side).click_and_hold()
    pen.move_by_offset(0.4 * side, 0).move_by_offset(-0.28 * side, 0.55 * side).release().perform()
    until(webkit, "document.querySelector('#view-draw').textContent.includes('Reads as 7')")


def test_the_pictures_of_the_training_are_ink_on_paper(webkit):
    for shows in (".film .stage", ".copies"):
        picture = open_view(webkit, "learned", shows)
        WebDriverWait(webkit, v.PATIENCE / 1000).until(lambda _, picture=picture: 0.02 < ink_of(webkit, picture) < 0.4)
