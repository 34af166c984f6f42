"""Measure the browser's engine in a real Chromium: a part of scripts/bench.py. One thread, the conditional model.

Prints for each measure n, the median, the 95th percentile and the most that is allowed.
"""

import functools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
from playwright.sync_api import sync_playwright

from dcgan.model_folder import BUNDLED, read_config

ROOT = Path(__file__).resolve().parents[1]
MODEL = "mnist-conditional"
# The page is isolated from other origins: only then is the browser's clock finer than a tenth of a millisecond.
HEADERS = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}
PAGE = "<!doctype html><title>bench</title><body></body>"
READY = """async (options) => {
  const start = performance.now();
  await import("/demo/static/engine/index.js");
  dcgan.init(options);
  (await dcgan.load()).draw(dcgan.point(1));
  return [performance.now() - start];
}"""
DRAW = """async ({ warm, count, what, options }) => {
  await import("/demo/static/engine/index.js");
  dcgan.init(options);
  const { draw } = await dcgan.load(), { trace } = await import("/demo/static/engine/ink.js");
  const points = Array.from({ length: 40 }, (_, seed) => dcgan.point(seed)), pictures = points.map(draw);
  const canvas = Object.assign(document.createElement("canvas"), { width: 112, height: 112 }).getContext("2d");
  canvas.scale(0.04, 0.04);
  const work = {
    picture: (i) => draw(points[i % 40]),
    path: (i) => trace(pictures[i % 40]).path,
    path2d: (i) => trace(pictures[i % 40]).path2d,
    sheet: () => points.forEach((point) => canvas.fill(trace(draw(point)).path2d)),
  }[what];
  const times = [];
  for (let i = -warm; i < count; i++) {
    const start = performance.now();
    work(i + warm);
    if (i >= 0) times.push(performance.now() - start);
    if (i % 20 === 0) await new Promise((resolve) => setTimeout(resolve)); // the compiler gets its turn, as on a page
  }
  return times;
}"""
MEASURES = [  # name, what, n, warm-up, milliseconds allowed, simd
    ("a picture", "picture", 400, 100, 1.5, True),
    ("its ink as an SVG path", "path", 400, 200, 0.6, True),
    ("its ink as a Path2D", "path2d", 400, 200, 0.6, True),
    ("40 digits with ink on a canvas", "sheet", 30, 5, 80.0, True),
    ("a picture without SIMD", "picture", 100, 30, None, False),
]


class Quiet(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps its connections, as the page's server does
    disable_nagle_algorithm = True

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=ROOT))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/bench.html"
    finally:
        server.shutdown()


def show(name: str, times: list[float], allowed: float | None) -> bool:
    median, p95 = np.percentile(times, [50, 95])
    print(f"{name:32} {len(times):4} {median:9.2f} {p95:9.2f}   {'' if allowed is None else f'{allowed:g}'}")
    return allowed is None or median <= allowed


def measure() -> bool:
    """Print the measures; return whether none is missed."""
    folder = f"/dcgan/weights/{MODEL}"
    entry = {"name": MODEL, "config": read_config(BUNDLED / MODEL)[0].to_dict()}
    entry["generatorUrl"] = f"{folder}/model.safetensors"
    passed = []
    with serving() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])

        def run(script: str, argument: object) -> list[float]:
            """Run a script in a fresh profile."""
            with browser.new_context() as context:
                page = context.new_page()
                page.route(url, lambda route: route.fulfill(body=PAGE, headers=HEADERS, content_type="text/html"))
                page.goto(url)
                return page.evaluate(script, argument)

        print(f"Chromium {browser.version}; one thread; {MODEL}; milliseconds\n")
        print(f"{'':32} {'n':>4} {'median':>9} {'p95':>9}   allowed")
        ready = [run(READY, {"models": [entry]})[0] for _ in range(10)]
        passed.append(show("ready, from script to picture", ready, 500))
        for name, what, count, warm, allowed, simd in MEASURES:
            options = {"models": [entry], "simd": simd}
            times = run(DRAW, {"what": what, "count": count, "warm": warm, "options": options})
            passed.append(show(name, times, allowed))
    return all(passed)
