"""The Interpolate tab in a real Chromium."""

from io import BytesIO

import av
import numpy as np
import pytest
import torch
import visitor as v
from PIL import ImageSequence
from playwright.sync_api import Page, expect

from dcgan.data import to_uint8
from dcgan.images import grid
from dcgan.latents.interpolation import interpolate, key_latents, lerp, slerp
from dcgan.latents.sampling import crop, generate


@pytest.fixture
def morph(page: Page) -> Page:
    """The tab as it is at first, but for exact pixels."""
    v.open_view(page, "interpolate")
    page.get_by_label("Exact pixels").check()
    page.get_by_label("Closed loop").uncheck()
    v.fill(page, "Key frames", "15 24")
    v.slide(page, "Steps", 24)
    v.choose(page, "Path", "spherical")
    page.locator("#view-interpolate .position").fill("0")
    v.ready(page)
    return page


def place(page: Page) -> float:
    return float(page.locator("#view-interpolate .position").input_value())


def stage(page: Page) -> np.ndarray:
    v.ready(page)
    return v.pixels(page.locator("#view-interpolate .stage"))


def expect_frames(page: Page, count: int) -> None:
    expect(page.locator("#view-interpolate .strip button")).to_have_count(count)


def words(page: Page) -> list[str]:
    return v.field(page, "Key frames").input_value().split()


def frames_of(keys: list, steps: int, **options) -> np.ndarray:
    return crop(interpolate(v.model().generator, keys, steps, **options), 2)[:, 0]


def test_it_plays_at_the_screens_rate_and_pauses(open_page):
    page = open_page()  # without reduced motion
    v.open_view(page, "interpolate")
    page.wait_for_function("document.querySelector('#view-interpolate .position').value > 0.1")  # it plays
    places = page.evaluate("""async () => {
      const places = new Set(), slider = document.querySelector("#view-interpolate .position");
      for (let i = 0; i < 20; i++) {
        await new Promise((done) => requestAnimationFrame(done));
        places.add(slider.value);
      }
      return places.size;
    }""")
    assert places > 8  # not 12 pictures a second
    v.click(page, "Pause")
    here = place(page)
    page.wait_for_timeout(250)
    assert place(page) == here


def test_nothing_moves_by_itself_with_reduced_motion(morph):
    morph.wait_for_timeout(250)
    assert place(morph) == 0
    expect(morph.locator("#view-interpolate .play")).to_have_text("Play")


@pytest.mark.parametrize(("path", "between"), [("spherical", slerp), ("linear", lerp)])
def test_any_place_between_the_key_frames_is_drawn(morph, path, between):
    v.choose(morph, "Path", path)
    latents, labels = key_latents([(15, None), (24, None)], v.model().config)
    for at in (0.0, 0.123, 0.777, 1.0):
        morph.locator("#view-interpolate .position").fill(str(at))
        t = torch.tensor([at])
        picture = generate(v.model().generator, between(*latents, t), lerp(*labels, t))
        v.assert_alike(stage(morph), crop(to_uint8(picture).numpy(), 2)[0, 0])
    expect(morph.locator("#view-interpolate .position")).to_have_attribute("aria-valuetext", "15 to 24: 100%")


def test_a_frame_of_the_strip_is_a_place(morph):
    v.slide(morph, "Steps", 6)
    expect_frames(morph, 6)
    frames = frames_of([(15, None), (24, None)], 6)
    v.ready(morph)
    shown = [v.pixels(glyph) for glyph in morph.locator("#view-interpolate .strip .glyph").all()]
    v.assert_alike(np.stack(shown), frames)
    morph.locator("#view-interpolate .strip button").nth(2).click()
    assert place(morph) == pytest.approx(0.4)
    v.assert_alike(stage(morph), frames[2])
    expect(morph.locator("#view-interpolate .strip [data-here]")).to_have_attribute("aria-label", "frame 3 of 6")


def test_key_frames_are_edited_by_their_cards(morph):
    page = morph
    page.get_by_label("digit of key frame 2").select_option("7")
    expect(v.field(page, "Key frames")).to_have_value("15 24:7")
    page.get_by_label("seed of key frame 1").fill("3")
    page.get_by_label("seed of key frame 1").press("Tab")
    expect(v.field(page, "Key frames")).to_have_value("3 24:7")
    v.ready(page)
    shown = [v.pixels(card) for card in page.locator("#view-interpolate .key .glyph").all()]
    v.assert_alike(np.stack(shown), np.concatenate([v.drawn([3]), v.drawn([24], 7)]))

    assert page.get_by_role("button", name="remove key frame").count() == 0  # two is the least
    for count in range(3, 9):
        page.get_by_role("button", name="add a key frame").click()
        expect(page.locator("#view-interpolate .key")).to_have_count(count)
        expect_frames(page, (count - 1) * 23 + 1)
    expect(page.get_by_role("button", name="add a key frame")).to_have_count(0)  # eight is the most
    before = words(page)
    assert before[:2] == ["3", "24:7"] and len(before) == 8
    page.get_by_role("button", name="remove key frame 1").click()
    expect(page.locator("#view-interpolate .key")).to_have_count(7)
    assert words(page) == before[1:]
    page.get_by_role("button", name="roll key frame 1").click()
    expect(page.get_by_label("seed of key frame 1")).not_to_have_value("24")
    rolled = words(page)
    assert rolled[1:] == before[2:] and rolled[0].endswith(":7")
    assert [one.input_value() for one in page.locator("#view-interpolate .key select").all()] == ["7", *["any"] * 6]
    v.click(page, "Roll the dice")
    expect(page.get_by_label("seed of key frame 2")).not_to_have_value(before[2])
    assert len(words(page)) == 7 and not set(words(page)) & set(before)


def test_a_wrong_seed_in_a_card_is_told_and_can_be_mended(morph):
    seed = morph.get_by_label("seed of key frame 1")
    before = stage(morph)
    seed.fill("abc")
    seed.press("Tab")
    expect(morph.locator(".mistake")).to_contain_text("'abc'")
    assert np.array_equal(stage(morph), before)
    seed.fill("3")
    seed.press("Tab")
    expect(morph.locator(".mistake")).to_have_count(0)
    expect(v.field(morph, "Key frames")).to_have_value("3 24")


def test_the_morph_can_be_saved(morph):
    page = morph
    v.fill(page, "Key frames", "15 24:7 3")
    v.slide(page, "Steps", 6)
    v.choose(page, "Path", "linear")
    for closed, count in ((False, 11), (True, 15)):
        page.get_by_label("Closed loop").set_checked(closed)
        expect_frames(page, count)
        v.ready(page)
        frames = frames_of([(15, None), (24, 7), (3, None)], 6, closed=closed, spherical=False)
        assert len(frames) == count
        loop = frames if closed else np.concatenate([frames, frames[-2:0:-1]])
        name = f"mnist-conditional_seed-15_to_seed-24-digit-7_to_seed-3_linear{'_closed' if closed else ''}"
        for kind in ("GIF", "WEBP"):
            file, animation = v.download_picture(page, f"loop ({kind})")
            assert (file, animation.format) == (f"{name}.{kind.lower()}", kind)
            assert (animation.n_frames, animation.size, animation.info["loop"]) == (len(loop), (224, 224), 0)
            decoded = [np.asarray(frame.convert("L"))[::8, ::8] for frame in ImageSequence.Iterator(animation)]
            assert np.array_equal(np.stack(decoded), loop)
        file, content = v.download(page, "loop (MP4)")
        assert file == f"{name}.mp4"
        with av.open(BytesIO(content)) as video:
            decoded = np.stack([frame.to_ndarray(format="gray") for frame in video.decode(video=0)])
        assert decoded.shape == (len(loop), 224, 224)
        sharp = loop.repeat(8, axis=1).repeat(8, axis=2).astype(int)
        assert np.abs(decoded - sharp).mean() < 4  # of 255: H.264 is lossy
        file, strip = v.download_picture(page, "exact pixels (PNG)")
        assert file == f"{name}_pixels.png"
        v.assert_alike(np.asarray(strip.convert("L")), np.asarray(grid(frames, len(frames))))
