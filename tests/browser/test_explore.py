"""The tabs Explore and Training in a real Chromium."""

import numpy as np
import visitor as v
from PIL import Image
from playwright.sync_api import Page, expect


def exact(page: Page, view: str) -> None:
    v.open_view(page, view)
    page.get_by_label("Exact pixels").check()
    v.ready(page)


def test_arithmetic_adds_and_subtracts_the_trays(page):
    exact(page, "arithmetic")
    view = v.view_of(page, "arithmetic")
    expect(view.locator(".members .glyph")).to_have_count(9)
    result = view.get_by_label("A less B plus C")
    v.assert_alike(v.pixels(result), v.drawn_by(view.locator(".arithmetic").get_attribute("data-hand")))
    for tray, text in {"A": "11:3", "B": "11:3", "C": "68:8"}.items():
        v.fill(page, f"Tray {tray}", text)
    expect(view.locator(".members .glyph")).to_have_count(3)
    v.ready(page)
    differ = np.abs(v.pixels(result).astype(int) - v.drawn([68], 8)[0])
    assert differ.mean() < 4  # A less A plus C is C, but for the code's steps of 1/32
    v.choose(page, "Digit of the result", "4")
    v.ready(page)
    assert view.locator(".arithmetic").get_attribute("data-digit") == "4"


def test_the_training_tab_shows_the_models_own_files(page):
    v.open_view(page, "training")
    view = v.view_of(page, "training")
    with Image.open(v.model().folder / "progress.webp") as progress:
        epochs = progress.n_frames
    expect(view.locator(".film .note")).to_have_text(f"epoch 1 of {epochs}")
    asked, looks = v.requests_from_now(page), []
    for index in (0, 4, epochs - 1):
        view.locator(".position").fill(str(index))
        expect(view.locator(".film .note")).to_have_text(f"epoch {index + 1} of {epochs}")
        looks.append(view.locator(".stage").screenshot())
    assert len(set(looks)) == 3
    assert asked == []
    v.expect_measures(view, "mnist-conditional")
    recorded = (v.model().folder / "history.jsonl").read_text(encoding="utf-8").splitlines()[0]
    plots = sum(f'"{curve}"' in recorded for curve in ("loss_d", "probability_real", "precision"))
    assert plots >= 2
    expect(page.locator(".plots .vega-embed:visible").locator("svg.marks, canvas.marks")).to_have_count(plots)
