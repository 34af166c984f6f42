"""The tabs Write and Your digit in a real Chromium."""

import re

import numpy as np
import torch
import visitor as v
from playwright.sync_api import Locator, Page, expect

from dcgan.evaluation.classifier import load_classifier, read
from dcgan.latents.codes import latent_of
from dcgan.latents.handwriting import Written, write

DOWNLOAD = "this writing, {} (PNG)"


def written(hand: str, text: str = "2026") -> Written:
    """Return what the page must write, with the variation and spacing that it begins with."""
    generator = v.model().generator
    return write(generator, latent_of(hand, generator.config)[0], text, variation=0.15, spacing=3)


def writing(page: Page) -> Locator:
    return page.locator("#write .writing img")


def test_numbers_are_written_in_one_hand_that_can_be_read_and_downloaded(page):
    v.open_view(page, "write")
    before = writing(page).get_attribute("src")
    v.fill(page, "Hand", 5)
    expect(writing(page)).not_to_have_attribute("src", before)
    expected = written("5")
    name, picture = v.download_picture(page, DOWNLOAD.format("white on black"))
    assert (name, picture.mode) == ("2026_hand-5.png", "L")
    image = np.asarray(picture)
    assert np.array_equal(image, expected.image)
    cells = np.zeros((4, 28, 28), np.uint8)
    for cell, (_, left, top, width, height) in zip(cells, expected.boxes, strict=True):
        cell[:, (28 - width) // 2 :][:, :width] = image[top : top + height, left : left + width]
    digits, _ = read(load_classifier(), torch.from_numpy(cells))
    assert digits.tolist() == [2, 0, 2, 6]

    for style, suffix, mode in (("ink, transparent", "_transparent", "RGBA"), ("ink on paper", "_paper", "RGB")):
        v.choose(page, "Download as", style)
        name, picture = v.download_picture(page, DOWNLOAD.format(style))
        assert (name, picture.mode) == (f"2026_hand-5{suffix}.png", mode)
        if mode == "RGBA":
            assert np.array_equal(np.asarray(picture.getchannel("A")), image)
    y, x = np.unravel_index(image.argmax(), image.shape)  # where the ink is darkest
    assert sum(picture.getpixel((0, 0))) > 3 * 200 > 3 * 100 > sum(picture.getpixel((int(x), int(y))))
    v.slide(page, "Size of the download", 4)
    expect(page.locator("#write a.download")).to_have_attribute("download", "2026_hand-5_paper_x4.png")
    _, large = v.download_picture(page, DOWNLOAD.format("ink on paper"))
    assert large.size == (image.shape[1] * 4, image.shape[0] * 4)
    v.slide(page, "Size of the download", 1)
    v.choose(page, "Download as", "white on black")


def test_another_hand_is_picked_from_the_list(page):
    v.open_view(page, "write")
    hands, before = page.locator("#write .hand"), writing(page).get_attribute("src")
    assert hands.locator("span").all_inner_texts() == [str(seed) for seed in range(10)]
    hands.nth(4).click()
    expect(v.field(page, "Hand")).to_have_value("4")
    expect(writing(page)).not_to_have_attribute("src", before)
    expect(page.locator("#write .hand[aria-pressed=true] span")).to_have_text("4")
    v.fill(page, "Ten hands from seed", 90)
    expect(hands.first.locator("span")).to_have_text("90")
    v.click(page, "Roll the dice")
    expect(v.field(page, "Hand")).not_to_have_value("4")
    expect(writing(page)).to_have_attribute("alt", f"2026, written by hand {v.field(page, 'Hand').input_value()}")


def ink(page: Page) -> int:
    """Return how many pixels of the sheet are drawn on."""
    pixels = "canvas.getContext('2d').getImageData(0, 0, 280, 280).data"
    return page.locator("#pad canvas").evaluate(f"canvas => {pixels}.filter((value, i) => i % 4 == 3 && value).length")


def test_a_drawing_can_be_undone_cleared_and_made_with_the_keyboard(page):
    view = v.open_view(page, "yours")
    v.draw_seven(page)
    seven = ink(page)
    v.draw_seven(page)
    page.locator("#pad .undo").click()
    assert ink(page) == seven > 1000
    page.locator("#pad .clear").click()
    assert ink(page) == 0
    page.locator("#pad canvas").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    for _ in range(15):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(view.locator("dd").first).to_have_text(re.compile(r"^1 \("))
    page.keyboard.press("Delete")
    expect(view.locator("img")).to_have_count(0)
    expect(view.locator(".note")).to_contain_text("keyboard")


def test_a_drawn_digit_is_read_and_its_hand_writes_on(page):
    view = v.open_view(page, "yours")
    v.draw_seven(page)
    yours, likeness = (view.locator("figure").filter(has_text=text) for text in ("yours", "the generator's"))
    for figure in (yours, likeness):
        expect(figure.locator("dd").first).to_have_text(re.compile(r"^7 \("))
    expect(view.locator(".ten img")).to_have_count(10)
    code = view.locator("[data-hand]").get_attribute("data-hand")
    v.click(page, "Write in this hand")
    expect(v.field(page, "Hand")).to_have_value(code)
    assert code.startswith("z7.") and v.selected_tabs(page) == ["Write"]
    expect(writing(page)).to_have_attribute("alt", f"2026, written by hand {code[:12]}")
    _, picture = v.download_picture(page, DOWNLOAD.format("white on black"))
    assert np.array_equal(np.asarray(picture), written(code).image)
