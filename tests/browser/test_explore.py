"""The tabs Explore and Training in a real Chromium."""

import re

import numpy as np
import torch
import visitor as v
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from dcgan.data import to_uint8
from dcgan.latents.codes import latent_of
from dcgan.latents.sampling import crop, generate


def drawn_by(code: str) -> np.ndarray:
    """Return the picture (28, 28) uint8 of a hand's code."""
    latent, digit = latent_of(code, v.model().config)
    return crop(to_uint8(generate(v.model().generator, latent[None], torch.tensor([digit]))).numpy(), 2)[0, 0]


def place(page: Page) -> str:
    return page.locator("#map .field").get_attribute("aria-valuetext")


def stage_shows(page: Page) -> bytes:
    return page.locator("#map .stage").screenshot()


def test_the_map_follows_mouse_and_keys_without_the_server_and_its_hand_writes(page):
    v.open_view(page, "map")
    map_, before = page.locator("#map .field"), page.locator("#map .map").get_attribute("style")
    v.fill(page, "Corners", "1 2 3 4")
    expect(map_).to_have_attribute("aria-label", re.compile("corners 1, 2, 3, 4"))
    assert page.locator("#map .map").get_attribute("style") != before
    _, sheet = v.download_picture(page, "map, exact pixels (PNG)")
    cells = np.asarray(sheet).reshape(13, 28, 13, 28).swapaxes(1, 2)
    assert np.array_equal(cells[[0, 0, -1, -1], [0, -1, 0, -1]], v.drawn([1, 2, 3, 4], 8))

    v.settle(page)
    asked, looks = v.requests_from_now(page), set()
    box = map_.bounding_box()

    def move_to(row: int, column: int) -> None:
        page.mouse.move(box["x"] + box["width"] * (column - 0.5) / 13, box["y"] + box["height"] * (row - 0.5) / 13)

    for row, column in ((1, 1), (1, 13), (13, 13), (7, 4)):
        move_to(row, column)
        assert place(page) == f"row {row}, column {column}"
        looks.add(stage_shows(page))
    assert len(looks) == 4
    page.mouse.down()
    page.mouse.up()
    move_to(1, 1)
    assert place(page) == "row 7, column 4"  # a click makes it stay
    for key in ("ArrowUp", "ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowDown"):
        page.keyboard.press(key)
    assert place(page) == "row 7, column 1"  # not over the edge
    assert stage_shows(page) not in looks
    assert asked == []

    code = page.locator("#map .under").get_attribute("data-hand")
    assert np.abs(drawn_by(code).astype(int) - cells[6, 0]).mean() < 4  # the code has steps of 1/32
    v.click(page, "Write in this hand")
    expect(v.field(page, "Hand")).to_have_value(code)
    assert code.startswith("z8.") and v.selected_tabs(page) == ["Write"]
    expect(page.locator("#write .writing img")).to_have_attribute("alt", f"2026, written by hand {code[:12]}")


def moved(page: Page) -> Locator:
    return page.locator("#moved .big img")


def test_a_direction_changes_the_hand_and_nothing_else(page):
    view = v.open_view(page, "directions")
    v.expect_sliders(page, "mnist-conditional")
    before = page.get_by_alt_text("before", exact=True).get_attribute("src")
    still = moved(page).get_attribute("src")
    v.slide(page, "slant", 3)
    expect(moved(page)).not_to_have_attribute("src", still)
    assert page.get_by_alt_text("before", exact=True).get_attribute("src") == before
    _, picture = v.download_picture(page, "after, exact pixels (PNG)")
    assert np.array_equal(np.asarray(picture), drawn_by(view.locator(".moved").get_attribute("data-hand")))
    expect(view.locator(".ten img")).to_have_count(10)
    v.click(page, "All back to 0")
    expect(moved(page)).to_have_attribute("src", still)
    v.choose(page, "Digit", "4")
    expect(view.locator(".moved")).to_have_attribute("data-digit", "4")


def test_arithmetic_answers_another_tray_with_another_digit(page):
    view = v.open_view(page, "arithmetic")
    expect(view.locator(".members img")).to_have_count(9)
    result = view.get_by_alt_text("A less B plus C")
    before = result.get_attribute("src")
    v.fill(page, "Tray C", "68:8")
    expect(view.locator(".members img")).to_have_count(7)
    expect(result).not_to_have_attribute("src", before)
    v.fill(page, "Tray A", "11:3")
    v.fill(page, "Tray B", "11:3")
    expect(view.locator(".members img")).to_have_count(3)
    _, picture = v.download_picture(page, "A − B + C, exact pixels (PNG)")
    differ = np.abs(np.asarray(picture).astype(int) - v.drawn([68], 8)[0])
    assert differ.mean() < 4  # A less A plus C is C, but for the code's steps of 1/32


def test_the_training_tab_shows_the_models_own_files(page):
    view = v.open_view(page, "training")
    with Image.open(v.model().folder / "progress.webp") as progress:
        epochs = progress.n_frames
    v.settle(page)
    asked, looks = v.requests_from_now(page), []
    for index in (0, 4, epochs - 1):
        view.locator(".position").fill(str(index))
        expect(view.locator(".way .note")).to_have_text(f"epoch {index + 1} of {epochs}")
        looks.append(view.locator(".stage").screenshot())
    assert len(set(looks)) == 3
    assert asked == []
    v.expect_measures(view, "mnist-conditional")
    recorded = (v.model().folder / "history.jsonl").read_text(encoding="utf-8").splitlines()[0]
    plots = sum(f'"{curve}"' in recorded for curve in ("loss_d", "probability_real", "precision"))
    assert plots >= 2
    expect(page.locator(".plots .vega-embed:visible").locator("svg.marks, canvas.marks")).to_have_count(plots)
