"""What is saved: damaged checkpoints, a folder of two trainers, a disk that refuses, numbers that are not finite."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import torch
from same_runs import assert_same_folders
from torch import Tensor

from dcgan import InputError
from dcgan.config import ModelConfig, TrainConfig
from dcgan.training.checkpoint import NAME, PREVIOUS, load_checkpoint, read_checkpoint, save_checkpoint
from dcgan.training.run_folder import hold_folder, open_run, train_in_folder
from dcgan.training.step import Diverged, Run

TINY = ModelConfig(latent_dim=4, base_channels=4, num_classes=10)
RECIPE = TrainConfig(epochs=2, batch_size=16, precision="float32")  # 4 steps an epoch


@pytest.fixture(scope="module")
def data(device) -> tuple[Tensor, Tensor]:
    images = torch.randint(0, 256, (64, 1, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    return images.to(device), (torch.arange(64, device=device) % 10).byte()


def train_to(run: Run, folder: Path, data, step: int = 8, **options) -> bool:
    return train_in_folder(run, folder, *data, should_stop=lambda: run.step == step, **options)


@pytest.fixture(scope="module")
def stopped(device, data, tmp_path_factory) -> Path:
    """A run with checkpoints of step 4 and of step 6 of 8."""
    folder = tmp_path_factory.mktemp("stopped")
    train_to(open_run(folder, TINY, RECIPE, device), folder, data, 6)
    return folder


@pytest.fixture(scope="module")
def uninterrupted(device, data, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("uninterrupted")
    assert train_to(open_run(folder, TINY, RECIPE, device), folder, data)
    return folder


@pytest.fixture
def folder(stopped, tmp_path) -> Path:
    """A copy of the stopped run."""
    for path in stopped.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def flip(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :]


def poison(folder: Path, **changes: object) -> None:
    """Write a checkpoint with other contents and no checksum, as earlier code did."""
    torch.save(read_checkpoint(folder / NAME) | {"format_version": 1} | changes, folder / NAME)


def test_any_flipped_bit_and_any_cut_are_recognised(folder, tmp_path):
    content, random = (folder / NAME).read_bytes(), Random(0)
    places = [0, len(content) - 1, len(content) - 35, *(random.randrange(len(content)) for _ in range(40))]
    damaged = [flip(content, place) for place in places] + [content[:place] for place in places]
    for one in damaged:
        (tmp_path / "damaged.pt").write_bytes(one)
        with pytest.raises(InputError):
            read_checkpoint(tmp_path / "damaged.pt")


@pytest.mark.parametrize("damage", ["flipped", "cut", "not finite", "missing"])
def test_older_checkpoint_is_used_instead_of_a_damaged_one(damage, folder, device, data, uninterrupted):
    path, log = folder / NAME, []
    if damage == "not finite":
        averaged = read_checkpoint(path)["averaged"]
        averaged["to_image.weight"][0, 0, 0, 0] = torch.nan
        poison(folder, averaged=averaged)
    elif damage == "missing":
        path.unlink()
    else:
        content = path.read_bytes()
        path.write_bytes(flip(content, 1000) if damage == "flipped" else content[:1000])
    older = (folder / PREVIOUS).read_bytes()
    run = open_run(folder, TINY, RECIPE, device, log.append)
    assert run.step == 4 and len(log) == 1 and str(path) in log[0]
    assert path.read_bytes() == older and not (folder / PREVIOUS).exists()  # the good one is the newest now
    assert train_to(run, folder, data)
    if device == "cpu":
        assert_same_folders(folder, uninterrupted)


def test_checkpoint_of_earlier_code_is_checked_too(folder, device):
    poison(folder)
    assert load_checkpoint(folder / NAME, device).step == 6
    content = (folder / NAME).read_bytes()
    frames = read_checkpoint(folder / NAME)["frames"].numpy().tobytes()
    (folder / NAME).write_bytes(flip(content, content.index(frames) + 1000))
    with pytest.raises(InputError, match="damaged"):
        read_checkpoint(folder / NAME)


def test_two_damaged_checkpoints_are_a_sentence_whose_advice_works(folder, device):
    for name in (NAME, PREVIOUS):
        (folder / name).write_bytes((folder / name).read_bytes()[:-1])
    with pytest.raises(InputError) as refusal:
        open_run(folder, TINY, RECIPE, device)
    assert all(str(folder / name) in str(refusal.value) for name in (NAME, PREVIOUS))
    assert f"move {folder} aside" in str(refusal.value)
    folder.rename(folder.with_name("aside"))
    with hold_folder(folder):
        assert open_run(folder, TINY, RECIPE, device).step == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"model_config": [1]},
        {"config": {"epochs": -1}},
        {"generator": None},
        {"generator": {"project.weight": torch.zeros(3)}},
        {"optimizer_d": {"state": {}, "param_groups": []}},
        {"latent_rng": torch.zeros(3, dtype=torch.uint8)},
        {"epoch_sums": None},
        {"frames": 3},
    ],
    ids=str,
)
def test_wrong_insides_are_a_sentence(folder, changes, device):
    poison(folder, **changes)
    with pytest.raises(InputError, match="checkpoint.pt"):
        load_checkpoint(folder / NAME, device)


def test_checkpoint_that_lacks_a_part_is_a_sentence(folder, device):
    whole = read_checkpoint(folder / NAME) | {"format_version": 1}
    for name in whole.keys() - {"measured"}:  # earlier code had no such entry
        torch.save({key: value for key, value in whole.items() if key != name}, folder / NAME)
        with pytest.raises(InputError, match="checkpoint.pt"):
            load_checkpoint(folder / NAME, device)


def test_run_of_other_images_is_a_sentence(folder, device, data):
    run = open_run(folder, TINY, RECIPE, device)
    with pytest.raises(InputError, match="step 6"):
        train_to(run, folder, [part[:32] for part in data])


@pytest.mark.parametrize(
    ("network", "value", "step"), [("averaged", torch.inf, 7), ("discriminator", torch.nan, 7), ("averaged", 3e38, 8)]
)
def test_what_is_not_finite_is_never_saved(network, value, step, folder, device, data):
    """A weight that no loss has met before the stop; and at an epoch's end one whose BatchNorm statistics overflow."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    run = open_run(folder, TINY, RECIPE, device)

    def stop() -> bool:
        if run.step == step:
            next(getattr(run, network).parameters()).data[0, 0, 0, 0] = value
        return run.step == step == 7

    with pytest.raises(Diverged):
        train_in_folder(run, folder, *data, should_stop=stop)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_measures_of_a_killed_trainer_are_made_up_for(device, data, tmp_path):
    run = open_run(tmp_path, TINY, RECIPE, device)

    def killed(generator) -> dict:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_to(run, tmp_path, data, measure=killed)
    run = open_run(tmp_path, TINY, RECIPE, device)
    assert (run.step, run.measured) == (4, False)
    assert train_to(run, tmp_path, data, measure=lambda generator: {"recall": 0.5})
    assert [entry["recall"] for entry in run.history] == [0.5, 0.5]


def test_folder_has_one_trainer(tmp_path):
    out = tmp_path / "new" / "out"
    with hold_folder(out):
        with pytest.raises(InputError, match="another training"), hold_folder(out):
            pass
        (out / "file").touch()
    with hold_folder(out):
        pass
    with pytest.raises(InputError, match="file"), hold_folder(out / "file"):
        pass
    with hold_folder(tmp_path / "empty" / "out"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


@pytest.fixture
def read_only(folder) -> Iterator[Path]:
    """The stopped run in a folder that cannot be written to."""
    folder.chmod(0o555)
    mounted = os.access(folder, os.W_OK)  # as root
    if mounted:
        mount = ["mount", "--bind", "-o", "ro", str(folder), str(folder)]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("root may write to every folder here")
    yield folder
    if mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
    folder.chmod(0o755)


def test_read_only_folder_is_noticed_at_once_and_at_any_moment(read_only, device, data, stopped):
    with pytest.raises(InputError, match="cannot be written"), hold_folder(read_only):
        raise AssertionError("it must not come to this")
    run = load_checkpoint(read_only / NAME, device)
    with pytest.raises(OSError, match="Read-only|Permission"):
        train_to(run, read_only, data)
    assert {path.name for path in read_only.iterdir()} == {path.name for path in stopped.iterdir()}
    assert load_checkpoint(read_only / NAME, device).step == 6


def test_full_disk_keeps_both_checkpoints(folder, full_disk, device):
    run = load_checkpoint(folder / NAME, device)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with full_disk(10_000), pytest.raises(OSError, match="too large"):
        save_checkpoint(run, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
