"""How it learned in a real Chromium."""

import io
import re

import numpy as np
import pytest
import torch
import visitor as v
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page, expect

from dcgan.latents.codes import latent_of
from dcgan.model_folder import read_history
from demo.api.arithmetic import TRAYS, combine_trays
from demo.parts.pictures import generate_cropped


@pytest.fixture
def learned(page: Page) -> Page:
    v.open_view(page, "learned")
    expect(page.locator("#view-learned .film .position")).to_be_visible()
    v.ready(page)
    return page


def exact_sum(trays: dict[str, str], digit: str = "any", name: str = "mnist-conditional") -> np.ndarray:
    """Return the picture (28, 28) uint8 of a sum."""
    model = v.model(name)
    _, latent, label = combine_trays(model, tuple(trays.values()), digit)
    return generate_cropped(model, latent[None], None if label is None else label[None])[0, 0]


def result(page: Page) -> np.ndarray:
    v.ready(page)
    return v.pixels(page.locator("#view-learned-sum .result .glyph"))


def test_the_film_shows_each_epoch_with_the_critics_guess(learned):
    film = learned.locator("#view-learned .film")
    with Image.open(v.model().folder / "progress.webp") as progress:
        epochs = progress.n_frames
    history = {entry["epoch"]: entry for entry in read_history(v.model().folder)}
    learned.wait_for_load_state("networkidle")  # the film is there
    expect(film.locator(".play")).to_have_text("Play")  # reduced motion: it does not start by itself
    asked, looks = v.requests_from_now(learned), []
    for index in (0, 4, epochs - 1):
        film.locator(".position").fill(str(index))
        guess = [history[index + 1][f"probability_{kind}"] for kind in ("fake", "real")]
        expect(film.locator(".note")).to_have_text(
            f"epoch {index + 1} of {epochs}. Critic: these {guess[0]:.2f}, real digits {guess[1]:.2f}"
        )
        looks.append(film.locator(".stage").screenshot())
    assert len(set(looks)) == 3 and asked == []
    ink = np.asarray(Image.open(io.BytesIO(looks[-1])).convert("L"))
    assert np.mean(ink > 200) > 0.6 and np.mean(ink < 80) > 0.05  # dark ink on light paper, not white on black


def test_the_film_plays_once_and_digits_stand_beside_the_nearest_real_ones(open_page, page_url):
    page = open_page(f"{page_url}?tab=learned")  # without reduced motion
    page.wait_for_function("document.querySelector('#view-learned .position')?.value > 3")
    v.click(page, "Pause")
    copies = page.locator(".copies")
    copies.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    ink = np.asarray(Image.open(io.BytesIO(copies.screenshot())).convert("L"))
    assert np.mean(ink < 80) > 0.03
    address = page.locator("#view-learned .film").get_attribute("data-picture")
    answer = page.request.get(f"{page_url}/dcgan/{address}")
    assert "immutable" in answer.headers["cache-control"] and len(answer.body()) < 400_000
    assert page.request.get(f"{page_url}/dcgan/pictures/{'0' * 64}").status == 404


def test_the_first_shuffle_waits_for_the_directions(open_page, page_url):
    page = open_page(f"{page_url}?tab=learned", reduced_motion="reduce")
    asked = page.evaluate("performance.getEntriesByType('resource').filter(({ name }) => name.includes('directions'))")
    assert asked == []
    v.click(page, "Shuffle")
    page.wait_for_function(f"demo.state['learned.a'] !== '{TRAYS['a']}'")
    v.ready(page)
    expect(page.locator("#view-learned-sum")).to_contain_text(re.compile("Bold .* = a bold"))


def test_handwritings_add_up_and_the_sum_can_be_taken(learned):
    page, sum_ = learned, learned.locator("#view-learned-sum")
    page.get_by_label("Exact pixels").check()
    assert sum_.locator(".members .glyph").count() == 9
    v.assert_alike(result(page), exact_sum(TRAYS))
    expect(sum_).to_contain_text("Bold threes")
    sum_.locator(".result").click()
    hand = page.locator("#hand-field").input_value()
    latent, _ = latent_of(hand, v.model().config)
    _, expected, _ = combine_trays(v.model(), tuple(TRAYS.values()), "any")
    assert torch.allclose(latent, expected, atol=1 / 60)
    before = result(page)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(100)
    v.click(page, "Shuffle")
    page.wait_for_function(f"demo.state['learned.a'] !== '{TRAYS['a']}'")
    assert not np.array_equal(result(page), before)
    trays = {name: page.evaluate(f"demo.state['learned.{name}']") for name in "abc"}
    v.assert_alike(result(page), exact_sum(trays))
    assert all(re.fullmatch(r"(\d+:\d ?){3}", text) for text in trays.values())
    weights = [
        generate_cropped(v.model(), *(part.mean(0, keepdim=True) for part in tray)).mean()
        for tray in combine_trays(v.model(), tuple(trays.values()), "any")[0]
    ]
    assert weights[0] > 1.2 * weights[1]  # bold less thin
    assert not [url for url in asked if "directions" not in url and not url.startswith("data:")]
    page.get_by_label("Exact pixels").uncheck()


def test_old_links_work(open_page, page_url):
    page = open_page(f"{page_url}?tab=arithmetic&a=11:3&b=11:3&c=68:8&digit=8&exact=true")
    assert v.selected_tabs(page) == ["How it learned"]
    trays = {"a": "11:3", "b": "11:3", "c": "68:8"}
    v.assert_alike(result(page), exact_sum(trays, "8"))
    expect(page.locator(".film .note")).to_contain_text("epoch")
    other = open_page(f"{page_url}?tab=training&model=mnist&exact=true")
    epochs = {name: len(read_history(v.model(name).folder)) for name in ("mnist", "mnist-conditional")}
    expect(other.locator(".film .note")).to_contain_text(f"of {epochs['mnist']}")
    expect(other.locator(".story")).to_contain_text("Nobody told")
    plain = {name: re.sub(r":\d", "", text) for name, text in TRAYS.items()}
    v.assert_alike(result(other), exact_sum(plain, name="mnist"))
    v.choose(other, "Model", "knows the ten digits")
    expect(other.locator(".film .note")).to_contain_text(f"of {epochs['mnist-conditional']}")
    expect(other.locator(".story")).not_to_contain_text("Nobody told")
    wrong = open_page(f"{page_url}?tab=learned&a=abc")
    expect(wrong.locator("#view-learned-sum .mistake")).to_contain_text("'abc'")


def test_numbers_and_curves_are_behind_a_fold(open_page, page_url):
    page = open_page(f"{page_url}?tab=learned", phone=True, reduced_motion="reduce")
    assert page.evaluate("document.documentElement.scrollWidth") <= v.PHONE["width"]
    assert page.locator("#numbers table").locator("visible=true").count() == 0
    page.get_by_role("button", name="Numbers").click()
    v.expect_measures(page.locator("#numbers"), "mnist-conditional")
    curves = page.locator(".plots svg:visible")
    expect(curves).to_have_count(3)
    for one in curves.all():
        assert one.bounding_box()["width"] > 200
    assert page.evaluate("document.documentElement.scrollWidth") <= v.PHONE["width"]
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


def test_another_model_is_told_of_when_the_tab_is_open(open_page):
    page = open_page(reduced_motion="reduce")
    asked = v.requests_from_now(page)
    v.choose_model(page, "mnist")
    page.wait_for_timeout(500)
    assert asked and not [address for address in asked if "/gradio_api/" in address]  # weights, and their directions
    v.open_view(page, "learned")
    page.get_by_role("button", name="Numbers").click()
    v.expect_measures(page.locator("#numbers"), "mnist")
    v.choose_model(page, "mnist-conditional")
    v.expect_measures(page.locator("#numbers"), "mnist-conditional")
