"""The Interpolate tab in a real Chromium."""

from io import BytesIO

import av
import numpy as np
import visitor as v
from PIL import ImageSequence
from playwright.sync_api import Page, expect

from dcgan.images import grid
from dcgan.latents.interpolation import interpolate
from dcgan.latents.sampling import crop


def position(page: Page) -> int:
    return int(page.locator("#way .position").input_value())


def expect_frames(page: Page, count: int) -> None:
    expect(page.locator("#way .strip .frame")).to_have_count(count)


def words(page: Page) -> list[str]:
    return v.field(page, "Key frames").input_value().split()


def frames_of(keys: list, steps: int, **options) -> np.ndarray:
    return crop(interpolate(v.model().generator, keys, steps, **options), 2)[:, 0]


def test_it_plays_and_is_scrubbed_without_the_server(open_page):
    page = open_page()  # without reduced motion
    v.open_view(page, "interpolate")
    page.wait_for_function("Number(document.querySelector('#way .position').value) > 2")  # it plays
    v.click(page, "Pause")
    here = position(page)
    page.wait_for_timeout(250)  # three frames
    assert position(page) == here
    v.settle(page)
    asked, looks = v.requests_from_now(page), set()
    for index in (0, 11, 23):
        page.locator("#way .position").fill(str(index))
        assert page.locator("#way .strip [data-here]").get_attribute("data-index") == str(index)
        looks.add(page.locator("#way .stage").screenshot())
    page.locator("#way .strip .frame").nth(4).click()
    assert position(page) == 4
    page.locator("#way .position").press("ArrowRight")
    assert position(page) == 5
    assert len(looks) == 3
    assert asked == []


def test_nothing_moves_by_itself_with_reduced_motion(page):
    v.open_view(page, "interpolate")
    expect_frames(page, 24)
    page.wait_for_timeout(250)
    assert position(page) == 0
    expect(page.locator("#way .play")).to_have_text("Play")


def test_key_frames_are_edited_by_their_cards(page):
    v.open_view(page, "interpolate")
    expect_frames(page, 24)
    page.locator("#way .position").fill("23")
    page.get_by_label("digit of key frame 2").select_option("7")
    expect(v.field(page, "Key frames")).to_have_value("15 24:7")
    page.get_by_label("seed of key frame 1").fill("3")
    page.get_by_label("seed of key frame 1").press("Tab")
    expect(v.field(page, "Key frames")).to_have_value("3 24:7")
    page.get_by_label("Exact pixels").check()
    expect(page.locator("#way .exact")).to_have_count(1)
    shown = [v.pixels(card) for card in page.locator("#way .key img").all()]
    assert np.array_equal(np.stack(shown), np.concatenate([v.drawn([3]), v.drawn([24], 7)]))
    assert position(page) == 23  # it stays where it was
    assert page.locator("#way .strip [data-here]").get_attribute("data-index") == "23"

    assert page.get_by_role("button", name="remove key frame").count() == 0  # two is the least
    for count in range(3, 9):
        page.get_by_role("button", name="add a key frame").click()
        expect(page.locator("#way .key")).to_have_count(count)
        expect_frames(page, (count - 1) * 23 + 1)
    expect(page.get_by_role("button", name="add a key frame")).to_have_count(0)  # eight is the most
    before = words(page)
    assert before[:2] == ["3", "24:7"] and len(before) == 8
    page.get_by_role("button", name="remove key frame 1").click()
    expect(page.locator("#way .key")).to_have_count(7)
    assert words(page) == before[1:]
    page.get_by_role("button", name="roll key frame 1").click()
    expect(page.get_by_label("seed of key frame 1")).not_to_have_value("24")
    rolled = words(page)
    assert rolled[1:] == before[2:] and rolled[0].endswith(":7")
    assert [one.input_value() for one in page.locator("#way select").all()] == ["7", *["any"] * 6]
    v.click(page, "Roll the dice")
    expect(page.get_by_label("seed of key frame 2")).not_to_have_value(before[2])
    assert len(words(page)) == 7 and not set(words(page)) & set(before)


def test_the_loop_can_be_downloaded(page):
    v.open_view(page, "interpolate")
    v.fill(page, "Key frames", "15 24:7 3")
    v.slide(page, "Steps", 6)
    v.choose(page, "Path", "linear")
    for closed, count in ((False, 11), (True, 15)):
        page.get_by_label("Closed loop").set_checked(closed)
        expect_frames(page, count)
        expect(page.locator("#way .downloads")).to_contain_text(f"{count} pictures, linear")
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
        file, strip = v.download_picture(page, "strip, exact pixels (PNG)")
        assert file == f"{name}.png"
        assert np.array_equal(np.asarray(strip), np.asarray(grid(frames, len(frames))))
