import gzip
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np
import pytest
import torch
import torchvision.datasets

from dcgan import InputError
from dcgan.data import RAW_BYTES, load_mnist, to_float, to_model_size, to_uint8
from dcgan.files import locked


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """A mirror that refuses at once (port 9 of this machine), whether or not there is a network."""
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])


@pytest.fixture
def data_dir(mnist_dir, tmp_path):
    """A copy to be damaged; links, because the real sizes are 55 MB."""
    (tmp_path / "MNIST" / "raw").mkdir(parents=True)
    for name in RAW_BYTES:
        (tmp_path / "MNIST" / "raw" / name).symlink_to(mnist_dir / "MNIST" / "raw" / name)
    return tmp_path


def refusal(data_dir, train: bool = True) -> str:
    with pytest.raises(InputError) as error:
        load_mnist(data_dir, train=train)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_load_mnist_returns_the_files_as_they_are(mnist_dir, drawn_digits):
    drawn, drawn_labels = map(torch.from_numpy, drawn_digits)
    images, labels = load_mnist(mnist_dir)
    assert images.dtype == labels.dtype == torch.uint8
    assert torch.equal(images.view(100, 600, 28, 28), drawn.expand(100, -1, -1, -1))
    assert torch.equal(labels.view(100, 600), drawn_labels.expand(100, -1))
    images, labels = load_mnist(mnist_dir, train=False)
    assert images.shape == (10_000, 28, 28) and labels.shape == (10_000,)


@pytest.mark.parametrize("name", RAW_BYTES)
def test_damaged_file_is_named(data_dir, name):
    path = data_dir / "MNIST" / "raw" / name
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:-1000])
    train = name.startswith("train")
    message = refusal(data_dir, train)
    assert str(path) in message and f"{RAW_BYTES[name]:,}" in message
    path.write_bytes(bytes(len(content)))  # a crash can leave the size without the content
    assert "unreadable" in refusal(data_dir, train)


def test_a_file_that_another_process_is_unpacking_is_waited_for(data_dir):
    path = data_dir / "MNIST" / "raw" / "t10k-images-idx3-ubyte"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:1000])
    with ThreadPoolExecutor() as pool:
        with locked(path.parent):
            loading = pool.submit(load_mnist, data_dir, train=False)
            assert not wait([loading], timeout=0.3).done
            path.write_bytes(content)
        assert loading.result()[0].numpy().tobytes() == content[16:]


def test_missing_file_is_named(data_dir):
    path = data_dir / "MNIST" / "raw" / "train-labels-idx1-ubyte"
    packed = gzip.compress(path.read_bytes())
    path.unlink()
    assert "lacks train-labels-idx1-ubyte.gz" in refusal(data_dir)
    path.with_suffix(".gz").write_bytes(packed[: len(packed) // 2])
    assert "lacks train-labels-idx1-ubyte.gz" in refusal(data_dir)


def test_data_dir_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "data").write_text("a file")
    refusal(tmp_path / "data")


def test_model_size_adds_a_black_border_doubles_pixels_and_repeats_grey():
    images = torch.randint(1, 256, (3, 28, 28), dtype=torch.uint8)
    padded, large = (to_model_size(images, size, 1) for size in (32, 64))
    assert padded.shape == (3, 1, 32, 32) and padded.dtype == torch.uint8
    assert torch.equal(padded[:, 0, 2:30, 2:30], images)
    assert padded.count_nonzero() == images.numel()  # the border is 0
    assert large.shape == (3, 1, 64, 64)
    for top, left in ((0, 0), (0, 1), (1, 0), (1, 1)):
        assert torch.equal(large[:, :, top::2, left::2], padded)
    for grey in (padded, large):
        colour = to_model_size(images, grey.shape[-1], 3)
        assert colour.is_contiguous() and torch.equal(colour, grey.repeat(1, 3, 1, 1))


def test_to_float_spans_the_range_of_tanh_and_to_uint8_inverts_rounds_and_clamps():
    values = torch.arange(256, dtype=torch.uint8)
    floats = to_float(values)
    assert floats.dtype == torch.float32 and (floats[0], floats[255]) == (-1.0, 1.0)
    np.testing.assert_allclose(floats.numpy(), np.arange(256) / 127.5 - 1, atol=1e-6)
    assert torch.equal(to_uint8(floats), values)
    others = torch.tensor([-2.0, -0.9999, 0.0, 0.999, 2.0])
    kept = others.clone()
    assert to_uint8(others).tolist() == [0, 0, 128, 255, 255]
    assert torch.equal(others, kept)
