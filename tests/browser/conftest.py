"""Fixtures for the browser tests: one Chromium for all of them, and pages in it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import visitor as v
from engine_server import EngineServer, serving_engine
from playwright.sync_api import Browser, Page, sync_playwright

from dcgan.model_folder import BUNDLED

NAMES = ("mnist-conditional", "mnist")
CHROMIUMS = ("chromium-headless-shell", "chromium", "google-chrome")  # the first is the fastest


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one process run all browser tests (`pytest -n 2 --dist loadgroup`): two browsers at once are too slow."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="package")  # not "session": its event loop blocks those of tests in other folders
def browser() -> Iterator[Browser]:
    """Yield a Chromium. Without one the tests are skipped, or fail if DCGAN_REQUIRE_BROWSER is set."""
    path = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if path is None:
        v.is_missing("there is no Chromium on the PATH: apt-get install chromium-headless-shell")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=v.FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, page_url: str) -> Iterator[Callable[..., Page]]:
    """Return a function that opens the page in a new browser profile. It is closed after the test."""
    with v.page_opener(browser, page_url) as open_page:
        yield open_page


@pytest.fixture(scope="module")
def page(browser: Browser, page_url: str) -> Iterator[Page]:
    """Return a page that the tests of a module share, since opening one takes a second.

    A test sets what it depends on, and puts back what the others expect.
    """
    with v.page_opener(browser, page_url) as open_page:
        yield open_page(reduced_motion="reduce")


@pytest.fixture(scope="module")
def server() -> Iterator[EngineServer]:
    with serving_engine() as server:
        for name in NAMES:
            server.publish(BUNDLED / name, name)
        yield server


@pytest.fixture(scope="module")
def open_engine(browser: Browser, server: EngineServer) -> Iterator[Callable[..., Page]]:
    """Opens the engine in a fresh profile, or in the profile of another page; nothing may go wrong there."""
    contexts, problems = [], []

    def open_engine(models: list[dict] | None = None, *, beside: Page | None = None, before="", simd=True) -> Page:
        context = beside.context if beside else browser.new_context()
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        if before:
            page.add_init_script(before)
        page.goto(server.url)
        page.wait_for_function("() => globalThis.dcgan")
        page.evaluate("(options) => dcgan.init(options)", {"models": models or server.models, "simd": simd})
        return page

    yield open_engine
    for context in contexts:
        context.close()
    assert not problems


@pytest.fixture(scope="module")
def engine(open_engine: Callable[..., Page]) -> Page:
    """A page with both bundled models."""
    return open_engine()
