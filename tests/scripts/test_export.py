import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dcgan import InputError
from dcgan.files import write_file, write_json
from dcgan.latents.sampling import Samples
from scripts.export import MAX_GRID, check_target, write_samples


def chunks(count: int, size: int = 32, channels: int = 1, labels: bool = True) -> Iterator[Samples]:
    """Yield samples of noise, 32 at a time: the seeds count from 7, the labels from 0."""
    random = np.random.default_rng(0)
    for start in range(0, count, 32):
        n = min(32, count - start)
        yield Samples(
            random.integers(0, 256, (n, channels, size, size), np.uint8),
            np.arange(start, start + n) + 7,
            (np.arange(start, start + n) % 10).astype(np.uint8) if labels else None,
        )


def whole(count: int, **options) -> np.ndarray:
    return np.concatenate([chunk.images for chunk in chunks(count, **options)])


@pytest.mark.parametrize("count", [1, 32, 70])
def test_npz(tmp_path, count):
    write_samples(tmp_path / "digits.npz", chunks(count), count, 2)
    with np.load(tmp_path / "digits.npz", allow_pickle=False) as arrays:
        dtypes = {name: array.dtype for name, array in arrays.items()}
        assert dtypes == {"images": np.uint8, "seeds": np.int64, "labels": np.uint8}
        assert np.array_equal(arrays["images"], whole(count)[:, 0, 2:-2, 2:-2])
        assert arrays["seeds"].tolist() == list(range(7, 7 + count))
        assert arrays["labels"].tolist() == [i % 10 for i in range(count)]


def test_npz_in_colour_without_digits(tmp_path):
    write_samples(tmp_path / "digits.npz", chunks(40, 64, 3, labels=False), 40, 4)
    with np.load(tmp_path / "digits.npz") as arrays:
        assert set(arrays) == {"images", "seeds"}
        assert np.array_equal(arrays["images"], whole(40, size=64, channels=3)[:, :, 4:-4, 4:-4])


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (7, 7, 1), (64, 10, 7), (101, 11, 10)])
def test_png_is_a_grid_in_the_order_of_the_seeds(tmp_path, count, columns, rows):
    write_samples(tmp_path / "digits.png", chunks(count), count, 2)
    sheet = np.asarray(Image.open(tmp_path / "digits.png"))
    assert sheet.shape == (2 + rows * 30, 2 + columns * 30)
    for i, image in enumerate(whole(count)[:, 0, 2:-2, 2:-2]):
        top, left = 2 + i // columns * 30, 2 + i % columns * 30
        assert np.array_equal(sheet[top : top + 28, left : left + 28], image)


@pytest.mark.parametrize("labels", [True, False])
def test_folder_has_a_png_per_seed(tmp_path, labels):
    if labels:
        (tmp_path / "digits").mkdir()  # an empty folder may be there
    write_samples(tmp_path / "digits", chunks(40, labels=labels), 40, 2)
    names = [f"seed-{i + 7:010d}" + (f"-digit-{i % 10}" if labels else "") + ".png" for i in range(40)]
    assert sorted(path.name for path in (tmp_path / "digits").iterdir()) == names
    for name, image in zip(names, whole(40)[:, 0, 2:-2, 2:-2], strict=True):
        assert np.array_equal(np.asarray(Image.open(tmp_path / "digits" / name)), image)
    assert [path.name for path in tmp_path.iterdir()] == ["digits"]


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("name", ["digits.npz", "digits.png", "digits"])
def test_nothing_is_half_written_when_sampling_breaks(tmp_path, name):
    def breaking() -> Iterator[Samples]:
        """Fail after two chunks, as Ctrl-C or an error in the network would."""
        yield from list(chunks(100))[:2]
        raise Interrupted

    with pytest.raises(Interrupted):
        write_samples(tmp_path / name, breaking(), 100, 2)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["digits.npz", "digits.png", "digits"])
def test_a_full_disk_is_an_error_and_keeps_what_was_there(tmp_path, full_disk, name):
    old = {}
    if name != "digits":  # a folder must be new
        write_samples(tmp_path / name, chunks(10), 10, 2)
        old = {name: (tmp_path / name).read_bytes()}
    with full_disk(600), pytest.raises(InputError, match=f"{name} cannot be written: File too large"):
        write_samples(tmp_path / name, chunks(100), 100, 2)
    with pytest.raises(InputError, match="cannot be written: No such file or directory"):
        write_samples(tmp_path / "vanished" / name, chunks(10), 10, 2)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == old


@pytest.mark.parametrize(
    ("name", "count", "sentence"),
    [
        ("digits.jpg", 10, "ends in .jpg"),
        ("digits.PNG", 10, "ends in .PNG"),
        ("digits.png", MAX_GRID + 1, "10,001 images"),
        ("folder.npz", 10, "is a folder"),
        ("full", 10, "already exists"),
        ("file", 10, "already exists"),
        ("file/digits", 10, "file is not a folder"),
        ("no/such/digits.npz", 10, "such is not a folder"),
    ],
)
def test_bad_targets_are_refused_before_any_work(tmp_path, name, count, sentence):
    (tmp_path / "folder.npz").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "kept.txt").write_text("kept")
    (tmp_path / "file").write_text("kept")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match=sentence):
        check_target(tmp_path / name, count)
    assert sorted(tmp_path.rglob("*")) == before


def test_good_targets_pass_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    for name in ("digits.npz", "digits.png", "digits", "empty", "./digits", "../digits-that-are-not-there"):
        check_target(Path(name), MAX_GRID)
    with pytest.raises(InputError):  # `--out .`: its temporary folder would have no name
        check_target(Path(), 10)
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def peak(work) -> int:
    """Return the most bytes that Python and NumPy held at a time during `work()`."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_folder_takes_the_memory_of_a_chunk_only(tmp_path):
    count = 1000
    output = count * 28 * 28
    assert peak(lambda: write_samples(tmp_path / "digits", chunks(count), count, 2)) < output / 2


def test_npz_takes_the_memory_of_its_output_once(tmp_path):
    """Apart from 16 MiB, NumPy's buffer when it writes an array."""
    count = 12_000
    output = count * 56 * 56
    used = peak(lambda: write_samples(tmp_path / "digits.npz", chunks(count, 64), count, 4))
    assert output < used < output + 20 * 2**20 < 1.6 * output


def test_write_file_replaces_in_one_step(tmp_path):
    path = tmp_path / "file.json"
    write_json(path, {"old": "ä"})
    assert (old := path.read_text(encoding="utf-8")) == '{\n  "old": "\\u00e4"\n}\n'

    def write(temporary: Path) -> None:
        temporary.write_text("new")
        assert path.read_text() == old
        assert temporary.parent == path.parent and temporary.suffix == path.suffix

    def fail(temporary: Path) -> None:
        temporary.write_text("half")
        raise Interrupted

    with pytest.raises(Interrupted):
        write_file(path, fail)
    assert path.read_text() == old and list(tmp_path.iterdir()) == [path]
    number = path.stat().st_ino
    write_file(path, write)
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path] and path.stat().st_ino != number
