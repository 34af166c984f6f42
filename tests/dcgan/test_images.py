import numpy as np
import pytest
from PIL import Image

from dcgan.images import enlarge, grid, save_animation, save_png, to_pil


@pytest.fixture
def random():
    return np.random.default_rng(0)


def test_grid_puts_every_pixel_in_its_place(random):
    images = random.integers(1, 256, (7, 1, 5, 4), np.uint8)
    sheet = np.asarray(grid(images, 3, gap=2))
    assert sheet.shape == (2 + 3 * (5 + 2), 2 + 3 * (4 + 2))
    for i, image in enumerate(images):
        top, left = 2 + i // 3 * 7, 2 + i % 3 * 6
        assert np.array_equal(sheet[top : top + 5, left : left + 4], image[0])
    assert np.count_nonzero(sheet) == images.size  # gaps and empty places are black
    assert np.array_equal(np.asarray(grid(images[:, 0], 3, gap=2)), sheet)
    colour = random.integers(0, 256, (2, 3, 4, 4), np.uint8)  # fewer than a row
    sheet = grid(colour, 10, gap=0)
    assert sheet.mode == "RGB" and sheet.size == (40, 4)
    assert np.array_equal(np.asarray(sheet)[:, 4:8], colour[1].transpose(1, 2, 0))


@pytest.mark.parametrize("shape", [(28, 30), (1, 28, 30), (3, 28, 30)])
def test_png_round_trip_is_exact_and_enlarging_repeats_pixels_or_smooths(random, tmp_path, shape):
    image = random.integers(0, 256, shape, np.uint8)
    save_png(to_pil(image), tmp_path / "image.png")
    with Image.open(tmp_path / "image.png") as read:
        assert read.format == "PNG" and read.mode == ("RGB" if shape[0] == 3 else "L")
        pixels = np.asarray(read)
    assert np.array_equal(pixels, image.transpose(1, 2, 0) if shape[0] == 3 else image.reshape(28, 30))
    assert np.array_equal(np.asarray(enlarge(to_pil(image), 3)), pixels.repeat(3, 0).repeat(3, 1))
    smooth = enlarge(to_pil(image), 3, smooth=True)
    assert smooth.size == (90, 84) and len(np.unique(np.asarray(smooth))) > 100


def animation(random, mode: str = "L", count: int = 7) -> list[Image.Image]:
    """Frames that are mostly black, with ink of all greys, every frame different."""
    frames = []
    for i in range(count):
        pixels = np.zeros((40, 60, 3) if mode == "RGB" else (40, 60), np.uint8)
        pixels[5:35, 10 + i : 40 + i] = random.integers(0, 256, (30, 30) + pixels.shape[2:], np.uint8)
        frames.append(Image.fromarray(pixels))
    return frames


def frames_of(path) -> tuple[list[np.ndarray], list[int]]:
    with Image.open(path) as image:
        count = getattr(image, "n_frames", 1)
        assert count == 1 or image.info["loop"] == 0
        frames, durations = [], []
        for i in range(count):
            image.seek(i)
            image.load()
            frames.append(np.asarray(image.convert("RGB")))
            durations.append(image.info.get("duration"))
        return frames, durations


@pytest.mark.parametrize(("suffix", "mode"), [(".webp", "L"), (".webp", "RGB"), (".gif", "L")])
@pytest.mark.parametrize("times", [[100], [100, 110, 120, 130, 140, 150, 2000]], ids=["one frame", "seven"])
def test_animation_is_exact_and_loops_for_ever(random, tmp_path, suffix, mode, times):
    frames = animation(random, mode, len(times))
    save_animation(frames, tmp_path / f"path{suffix}", times)
    read, durations = frames_of(tmp_path / f"path{suffix}")
    assert all(map(np.array_equal, read, (np.asarray(frame.convert("RGB")) for frame in frames)))
    assert len(read) == len(frames) and (durations == times or len(times) == 1)


@pytest.mark.parametrize("suffix", [".webp", ".gif"])
def test_standing_still_takes_its_time(random, tmp_path, suffix):
    """Formats may merge equal frames, but their whole duration must stay."""
    first, second = animation(random, count=2)
    save_animation([first, first, first, second], tmp_path / f"still{suffix}", 100)
    assert sum(frames_of(tmp_path / f"still{suffix}")[1]) == 400


@pytest.mark.parametrize("suffix", [".mp4", ".png", ""])
def test_unknown_suffix_is_refused(random, tmp_path, suffix):
    with pytest.raises(ValueError, match="animation format"):
        save_animation(animation(random), tmp_path / f"path{suffix}", 100)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["path.webp", "path.gif", "sheet.png"])
def test_full_disk_leaves_the_old_file_and_nothing_else(random, tmp_path, full_disk, name):
    (tmp_path / name).write_bytes(b"old")
    frames = animation(random)
    with full_disk(500), pytest.raises(OSError):
        save_png(frames[0], tmp_path / name) if name == "sheet.png" else save_animation(frames, tmp_path / name, 100)
    assert (tmp_path / name).read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == [name]
