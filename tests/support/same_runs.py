"""Whether two trainings are the same to the bit."""

from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor, equal

from dcgan.training.checkpoint import NAME, read_checkpoint

CLOCK = {"seconds", "images_per_second"}


def assert_same(one: object, other: object, place: str = "") -> None:
    """Tensors and values in dicts and lists are the same to the bit; only the clock may differ."""
    if isinstance(one, Tensor):
        assert equal(one, other), place
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), place
        for key in one.keys() - CLOCK:
            assert_same(one[key], other[key], f"{place}/{key}")
    elif isinstance(one, (list, tuple)):
        assert_same(dict(enumerate(one)), dict(enumerate(other)), place)
    else:
        assert one == other, place


def assert_same_folders(one: Path, other: Path) -> None:
    """The checkpoints, the weights and the pictures of two run folders are the same, and no other files are there."""
    assert_same(read_checkpoint(one / NAME), read_checkpoint(other / NAME))
    for name in ("model.safetensors", "discriminator.safetensors"):  # their metadata tells the state of the checkout
        assert_same(load_file(one / name), load_file(other / name), name)
    for name in ("samples.png", "progress.webp"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    assert {path.name for path in one.iterdir()} == {path.name for path in other.iterdir()}
