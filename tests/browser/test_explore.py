"""The tabs Explore and Training in a real Chromium."""

import numpy as np
import torch
import visitor as v
from PIL import Image
from playwright.sync_api import Page, expect

from dcgan.data import to_uint8
from dcgan.images import grid
from dcgan.latents.codes import latent_of
from dcgan.latents.directions import fit_named_directions
from dcgan.latents.interpolation import latent_map
from dcgan.latents.sampling import crop, generate


def exact(page: Page, view: str) -> None:
    v.open_view(page, view)
    page.get_by_label("Exact pixels").check()
    v.ready(page)


def test_the_map_draws_the_exact_place_and_a_click_keeps_it(page):
    exact(page, "map")
    v.choose(page, "Digit", "8")
    v.fill(page, "Corners", "1 2 3 4")
    v.ready(page)
    _, sheet = v.download_picture(page, "exact pixels (PNG)")
    cells, latents, _ = latent_map(v.model().generator, [(seed, 8) for seed in (1, 2, 3, 4)], 13)
    v.assert_alike(np.asarray(sheet.convert("L")), np.asarray(grid(crop(cells, 2), 13, gap=0)))

    box, stage = page.locator("#view-map .field").bounding_box(), page.locator("#view-map .stage")

    def move_to(across: float, down: float) -> np.ndarray:
        page.mouse.move(box["x"] + box["width"] * across, box["y"] + box["height"] * down)
        v.ready(page)
        return v.pixels(stage)

    middle = (0.5 + 7) / 13, (0.5 + 4) / 13  # of the cell in column 7, row 4
    v.assert_alike(move_to(*middle), crop(cells, 2)[4 * 13 + 7, 0])
    beside = move_to(middle[0] + 0.4 / 13, middle[1])
    assert not np.array_equal(beside, move_to(*middle))  # also between two cells
    page.mouse.down()
    page.mouse.up()
    kept = v.pixels(stage)
    assert np.array_equal(move_to(0.1, 0.1), kept)
    for key in ("ArrowUp", *["ArrowLeft"] * 9, "ArrowDown"):
        page.keyboard.press(key)
    v.ready(page)
    v.assert_alike(v.pixels(stage), crop(cells, 2)[4 * 13, 0])  # not over the edge

    code = page.locator("#view-map .under").get_attribute("data-hand")
    assert code.startswith("z8.") and torch.allclose(latent_of(code, v.model().config)[0], latents[4 * 13], atol=1 / 60)
    v.click(page, "Write in this hand")
    expect(v.field(page, "Hand")).to_have_value(code)
    assert v.selected_tabs(page) == ["Write"]


def test_directions_move_the_hand_and_keep_its_length(page):
    exact(page, "directions")
    view, directions = v.view_of(page, "directions"), fit_named_directions(v.model().generator)
    start, digit = latent_of("5", v.model().config)
    v.assert_alike(v.pixels(view.get_by_label("before")), v.drawn([5])[0])
    v.slide(page, "slant", 3)
    v.slide(page, "thickness", -2)
    v.ready(page)
    latent = start + 3 * directions[1].vector - 2 * directions[0].vector
    latent = latent * start.norm() / latent.norm()
    code = view.locator(".moved").get_attribute("data-hand")
    moved, own = latent_of(code, v.model().config)
    assert own == digit and torch.allclose(moved, latent, atol=1 / 60)  # a code has steps of 1/32
    v.assert_alike(v.pixels(view.get_by_label("the hand, moved")), v.drawn_by(code))
    pictures = to_uint8(generate(v.model().generator, moved.expand(10, -1), torch.arange(10))).numpy()
    v.assert_alike(np.stack([v.pixels(glyph) for glyph in view.locator(".ten .glyph").all()]), crop(pictures, 2)[:, 0])
    v.click(page, "All back to 0")
    v.choose(page, "Digit", "4")
    v.ready(page)
    v.assert_alike(v.pixels(view.get_by_label("the hand, moved")), v.drawn([5], 4)[0])
    assert view.locator(".moved").get_attribute("data-hand") == "5"


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
