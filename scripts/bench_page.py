"""Measure the page in Chromium: a part of scripts/bench.py. Bytes of the first load, time to the first digit and to the
engine, time of a move. The page is started on this machine.
"""

import json
import os
import shutil
import statistics
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parents[1] / "tests" / "support"))  # the page's server

import numpy as np
from file_host import hosting
from page_server import serving
from playwright.sync_api import sync_playwright

from scripts.space import write_static

SLOW = {"offline": False, "latency": 300, "downloadThroughput": 1.5e6 / 8, "uploadThroughput": 0.75e6 / 8}
DIGIT = "() => document.querySelector('.glyph path')?.getBoundingClientRect().width > 0"
DRAWN = "() => performance.getEntriesByName('drawn').length > 0"
EXACT = "() => globalThis.dcgan?.models().some((model) => model.loaded)"
HAND, WALL, PIN = "#view-hand .ten path", "#view-play .wall path", "#view-play .pin path"
WRITING, NEWEST = ".writing .glyph path", ".writing .glyph:last-of-type path"
NEW_HAND = "document.querySelector('[aria-label=\"New hand\"]').click()"
MOVES = {  # what a visitor does: the tab, the JavaScript that does it (i counts, share is from 0 to 1), what it draws
    "Play: weight, to the handwriting": ("play", "slide('#thickness', share)", HAND),
    "Play: new hand, to the handwriting": ("play", NEW_HAND, HAND),
    "Play: the next digits, to the first": ("play", "document.querySelector('#view-play .next').click()", WALL),
    "Play: another model, to the first digit": ("play", "demo.put({ model: dcgan.models()[(i + 1) % 2].name })", WALL),
    "Map: the pin, to its digit": (
        "play&show=map",
        "key('#view-play .field', i % 20 < 10 ? 'ArrowRight' : 'ArrowLeft')",
        PIN,
    ),
    "Write: a key, to the first digit": ("write", "type('#write-text textarea', `${i % 10}026`)", NEWEST),
    "Write: looseness, to the first digit": ("write", "slide('#write-variation', share)", WRITING),
    "Write: new hand, to the first digit": ("write", NEW_HAND, WRITING),
    "Morph: the place, to the digit": ("morph", "slide('#view-morph .track', share)", "#view-morph .screen path"),
    "Draw: a stroke, to the first likeness": ("draw", "stroke(4 + (i % 12))", "#view-draw .likeness path"),
}
MOVE = """async ([action, drawn, count]) => {
  const set = (input, value) => {
    input.value = value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const slide = (block, share) => {
    const input = document.querySelector(`${block} input[type=range]`), low = Number(input.min);
    set(input, low + (Number(input.max) - low) * share);
  };
  const type = (field, text) => set(document.querySelector(field), text);
  const key = (field, name) => {
    document.querySelector(field).dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));
  };
  const stroke = (length) => {  // by keys, on a new sheet: Space puts the pen down and lifts it
    const way = ["Delete", " ", ...Array(length).fill("ArrowDown"), ...Array(length).fill("ArrowRight"), " "];
    for (const name of way) key("#view-draw canvas", name);
  };
  const act = Function("slide", "type", "key", "stroke", "i", "share", action), times = [];
  const planned = () => performance.getEntriesByName("drawn").length; // how often a view asked for its pictures
  const row = document.querySelectorAll(drawn).length > 1; // the first of its pictures counts, whichever it is
  for (let i = 0; i < count; i++) {
    const before = document.querySelector(drawn)?.getAttribute("d"), plans = planned();
    await new Promise((done) => requestAnimationFrame(done));
    await new Promise((done) => setTimeout(done, Math.random() * 16));
    const changed = (records) => row ? planned() > plans && records.some(({ target }) => target.matches(drawn))
      : ![null, undefined, before].includes(document.querySelector(drawn)?.getAttribute("d"));
    let start;
    await new Promise((done) => {
      const seen = (records) => changed(records) && (observer.disconnect(), done());
      const observer = new MutationObserver(seen);
      observer.observe(document.body, { subtree: true, attributes: true, childList: true, attributeFilter: ["d"] });
      start = performance.now();
      act(slide, type, key, stroke, i, ((i * 7 + 3) % 20) / 20); // another value each time, whatever the slider's step
      setTimeout(done, 3000);
    });
    times.push(performance.now() - start);
  }
  return times;
}"""


def first_load(browser, url: str, slow: bool) -> None:
    """Print bytes and times of a first and a second visit."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    for visit in ("first", "second"):
        page, addresses, sizes = context.new_page(), {}, {}
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        if slow:
            session.send("Network.emulateNetworkConditions", SLOW)
            session.send("Emulation.setCPUThrottlingRate", {"rate": 4})

        def answered(event: dict, addresses: dict = addresses) -> None:
            addresses[event["requestId"]] = event["response"]["url"]

        def finished(event: dict, sizes: dict = sizes) -> None:
            sizes[event["requestId"]] = event["encodedDataLength"]

        session.on("Network.responseReceived", answered)
        session.on("Network.loadingFinished", finished)
        page.goto(url, wait_until="commit")
        times = []
        for reached in (DIGIT, DRAWN, EXACT):
            page.wait_for_function(reached, timeout=90_000)
            times.append(page.evaluate("performance.now()") / 1000)
        page.wait_for_timeout(1000)
        weights = sum(size for one, size in sizes.items() if "/weights/" in addresses.get(one, ""))
        rest = sum(sizes.values()) - weights
        print(
            f"{'slow line, ' if slow else ''}{visit} visit: first digit {times[0]:.2f} s, engine {times[1]:.2f} s, "
            f"all weights {times[2]:.2f} s; {rest / 1000:.0f} KB without weights, {weights / 1000:.0f} KB of weights"
        )
        page.close()
    context.close()


def moves(browser, url: str, count: int, slowdown: int) -> None:
    """Print the time from what a visitor does to its picture, and the requests meanwhile."""
    for name, (tab, action, drawn) in MOVES.items():
        page = browser.new_page(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
        page.goto(f"{url}?tab={tab}")
        page.wait_for_selector(drawn.removesuffix(" path"), state="attached")
        page.wait_for_timeout(2000)
        page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))  # noqa: B023
        times = page.evaluate(MOVE, [action, drawn, count])
        print(
            f"{name}, CPU {slowdown}x slower: median {statistics.median(times):.1f} ms, "
            f"p95 {np.percentile(times, 95):.1f} ms, n = {count}, {len(asked)} requests"
        )
        page.close()


def server_seconds() -> float:
    """Return the processor time that the page's server has used, in seconds."""
    for process in Path("/proc").glob("[0-9]*"):
        status = (process / "stat").read_text().rpartition(")")[2].split()
        if int(status[1]) == os.getpid() and b"app.py" in (process / "cmdline").read_bytes():
            return (int(status[11]) + int(status[12])) / os.sysconf("SC_CLK_TCK")
    raise RuntimeError("the server's process was not found")


def many(browser, url: str, count: int, seconds: int = 20) -> None:
    """Print what the server does while many pages are open and moved, and how fast its API is after that."""
    before = server_seconds()
    time.sleep(seconds)
    idle = (server_seconds() - before) / seconds
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    pages = []
    for _ in range(count):
        pages.append(context.new_page())
        pages[-1].goto(url)
        pages[-1].wait_for_function(DRAWN, timeout=90_000)
    before, start, times = server_seconds(), time.monotonic(), []
    while time.monotonic() - start < seconds:
        for page in pages:
            page.evaluate("demo.put({ thickness: Math.random() * 4 })")
    share = (server_seconds() - before) / (time.monotonic() - start)
    for _ in range(20):
        begun = time.monotonic()
        body = json.dumps({"data": ["mnist-conditional", 42, 10, "any", 1]}).encode()
        headers = {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(f"{url}/gradio_api/call/generate", body, headers)) as answer:
            event = json.load(answer)["event_id"]
        urllib.request.urlopen(f"{url}/gradio_api/call/generate/{event}").read()
        times.append(1000 * (time.monotonic() - begun))
    p95 = np.percentile(times, 95)
    print(f"{count} pages open and moved, {seconds} s: the server uses {share:.1%} of a core, {idle:.1%} without")
    print(f"its API then draws 10 digits in {statistics.median(times):.0f} ms, p95 {p95:.0f} ms, n = {len(times)}")
    context.close()


def plain_files(browser, folder: Path) -> None:
    """Print bytes and times of the page of plain files, and what a first visit fetches in all, for use offline."""
    write_static(folder, None)
    with hosting(folder) as host:
        for slow in (False, True):
            first_load(browser, host.url, slow)
        host.sent, page = 0, browser.new_context().new_page()
        page.goto(host.url)
        page.wait_for_timeout(20_000)
        print(f"{host.sent / 1000:.0f} KB in all, with what is fetched for use without a connection")


def with_gradio(browser, folder: Path, count: int, pages: int) -> None:
    """Print everything about the page of `app.py`."""
    with serving(folder) as url:
        for slow in (False, True):
            first_load(browser, url, slow)
        for slowdown in (1, 4):
            moves(browser, url, count, slowdown)
        if pages:
            many(browser, url, pages)


def measure(static: bool, count: int, pages: int) -> None:
    """Print everything about the page, or about the loads of the page of plain files.

    count: how often each control is moved. pages: how many are opened at once; 0 leaves that out.
    """
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        print(f"Chromium {browser.version}")
        if static:
            plain_files(browser, Path(folder))
        else:
            with_gradio(browser, Path(folder), count, pages)
        browser.close()
