"""scripts/train.py as a whole: what it writes, what it refuses, how it stops and resumes."""

import contextlib
import dataclasses
import itertools
import json
import os
import re
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import huggingface_hub
import numpy as np
import pytest
import torch
import torchvision.datasets
from PIL import Image
from same_runs import assert_same_folders
from trainers import Trainers, trainers

from dcgan.config import ModelConfig, TrainConfig
from dcgan.hub.load import load_model
from dcgan.latents.sampling import sample
from dcgan.training import run_folder
from dcgan.training.checkpoint import NAME, PREVIOUS, read_checkpoint
from scripts import cli
from scripts import train as train_script

FILES = {"README.md", NAME, PREVIOUS, "config.json", "history.jsonl", "progress.webp", "samples.png"}
FILES |= {"model.safetensors", "discriminator.safetensors"}


@pytest.fixture
def train_refusal(refusal, out, tiny_flags) -> Callable[..., str]:
    """A training of the tiny model with other flags must be refused, and nothing written."""

    def run(*flags: object, preset: str = "mnist-conditional", out: Path = out) -> str:
        return refusal(train_script, "--preset", preset, "--out", out, *tiny_flags, *flags, unchanged=out.parent)

    return run


def test_trained_folder_is_a_whole_model(tiny_run):
    assert {path.name for path in tiny_run.iterdir()} == FILES
    model = load_model(str(tiny_run))
    assert model.config == ModelConfig(base_channels=8, num_classes=10)
    assert (model.training["epochs_done"], model.training["steps_done"], model.training["images"]) == (3, 30, 320)
    recipe = TrainConfig.from_dict(model.training["recipe"])
    assert (recipe.epochs, recipe.images, recipe.batch_size) == (3, 320, 32)
    entries = [json.loads(line) for line in (tiny_run / "history.jsonl").read_text().splitlines()]
    assert [entry["epoch"] for entry in entries] == [1, 2, 3]
    for entry in entries:
        assert all(0 <= entry[name] <= 1 for name in ("precision", "recall", "coverage", "label_accuracy"))


def test_pictures_show_the_model_and_the_epochs_before_it(tiny_run):
    sheet = np.asarray(Image.open(tiny_run / "samples.png"))
    assert sheet.shape == (302, 302)
    generator = load_model(str(tiny_run)).generator
    for seed, digit in itertools.product(range(10), range(10)):
        top, left = 2 + 30 * seed, 2 + 30 * digit
        picture = sample(generator, [seed], digit).images[0, 0, 2:-2, 2:-2]
        assert np.array_equal(sheet[top : top + 28, left : left + 28], picture)
    with Image.open(tiny_run / "progress.webp") as progress:
        assert progress.n_frames == 3
        progress.seek(2)
        assert np.array_equal(np.asarray(progress.convert("L")), sheet[:182])  # the same seeds


def test_card_is_filled_in(tiny_run):
    text = (tiny_run / "README.md").read_text(encoding="utf-8")
    card = huggingface_hub.ModelCard(text)
    assert card.data.pipeline_tag == "unconditional-image-generation" and "mnist" in card.data.tags
    assert card.text.strip().startswith("# tiny-conditional")
    assert "3 of 3 epochs, 30 steps" in text and "320 images" in text
    assert not re.search(r"\{\w*\}", text)  # nothing is left to be filled in
    for file in re.findall(r"\]\((\w+\.\w+)\)", text) + re.findall(r"`(\w+\.\w+)`", text):
        assert (tiny_run / file).is_file(), file


def test_unconditional_preset_trains_too(out, tiny_flags, capsys, monkeypatch):
    """Here in a number format that the processor does not have, which is said."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    flags = [*tiny_flags, "--epochs", "1", "--precision", "bfloat16"]
    assert train_script.main(["--preset", "mnist", "--out", str(out), *flags]) == 0
    assert {path.name for path in out.iterdir()} == FILES
    model = load_model(str(out))
    assert model.config.num_classes == 0
    sheet = np.asarray(Image.open(out / "samples.png"))
    assert np.array_equal(sheet[-30:-2, -30:-2], sample(model.generator, [99]).images[0, 0, 2:-2, 2:-2])
    lines = capsys.readouterr().err.splitlines()
    starts = ["warning: bfloat16 is emulated ", "epoch 1/1  loss D ", "done: "]
    assert all(line.startswith(start) for line, start in zip(lines, starts, strict=True))


@pytest.fixture(scope="module")
def forks(tmp_path_factory) -> Iterator[Trainers]:
    with trainers(tmp_path_factory.mktemp("trainers")) as running:
        yield running


@pytest.fixture
def command(out, tiny_flags) -> list[str]:
    return ["--preset", "mnist-conditional", "--out", str(out), *tiny_flags]


def test_ctrl_c_saves_and_the_same_command_goes_on_to_the_same_weights(forks, tiny_run, out, command, refusal):
    """Meanwhile, no other training may use the folder."""
    before, process = len(forks.errors), forks.start(command)
    while not forks.errors[before:].startswith("epoch 1/3"):
        time.sleep(0.01)
    assert refusal(train_script, *command).startswith(f"another training is writing to {out}")
    os.kill(process, signal.SIGINT)
    assert forks.wait() == 130
    step = read_checkpoint(out / NAME)["step"]
    assert forks.errors.splitlines()[-1].startswith(f"stopped at step {step} and saved: ") and 10 <= step < 30
    assert forks.run(command) == 0
    assert f"resuming {out} at step {step} " in forks.errors
    assert_same_folders(out, tiny_run)


def test_killed_trainings_go_on_to_the_same_weights(forks, tiny_run, out, command):
    """Each dies before a write or rename: within the first checkpoint, between two, before the measures
    of an epoch are saved, and within the model folder."""
    for die_at, step in ((2, None), (7, None), (7, 10), (9, 10)):
        assert forks.run(command, die_at) == -signal.SIGKILL
        assert [path.name for path in out.iterdir() if ".partial" in path.name]
        assert (read_checkpoint(out / NAME)["step"] if (out / NAME).exists() else None) == step
    assert not read_checkpoint(out / PREVIOUS)["measured"]
    assert forks.run(command) == 0
    assert_same_folders(out, tiny_run)


@pytest.mark.soak
def test_thirty_kills_at_random_moments(forks, tiny_run, out, command):
    """In turn at a random time, and before a random write or rename. A run that is done is compared and begun again."""
    random, kills, runs, started = Random(0), Counter(), 0, time.monotonic()
    while kills.total() < 30 or out.exists():
        if kills.total() >= 30:
            code = forks.run(command)
        elif kills.total() % 2:
            process = forks.start(command)
            time.sleep(random.uniform(0.3, 2.5))
            with contextlib.suppress(ProcessLookupError):  # it is done
                os.kill(process, signal.SIGKILL)
            code = forks.wait()
        else:
            code = forks.run(command, random.randint(1, 45))
        if code == 0:
            assert_same_folders(out, tiny_run)
            shutil.rmtree(out)
            runs += 1
        else:
            assert code == -signal.SIGKILL
            inside = out.exists() and any(".partial" in path.name for path in out.iterdir())
            kills["inside a write" if inside else "elsewhere"] += 1
    print(f"{dict(kills)}; {runs} runs equal to the uninterrupted one; {time.monotonic() - started:.0f} s")


@pytest.fixture
def finished(tiny_run, out) -> Path:
    return shutil.copytree(tiny_run, out)


def test_command_of_a_finished_run_mends_its_folder(finished, tiny_flags, refusal, capsys, monkeypatch):
    command = ["--preset", "mnist-conditional", "--out", str(finished), *tiny_flags]
    checkpoint, weights = ((finished / name).read_bytes() for name in ("checkpoint.pt", "model.safetensors"))
    monkeypatch.setattr(run_folder, "git_commit", lambda: {"git_commit": "another one"})
    assert train_script.main(command) == 0
    assert (finished / "model.safetensors").read_bytes() == weights  # so measurements of it stay true
    (finished / "samples.png").unlink()
    assert train_script.main(command) == 0
    assert "3 of 3 epochs done" in capsys.readouterr().err
    assert {path.name for path in finished.iterdir()} == FILES
    assert (finished / "checkpoint.pt").read_bytes() == checkpoint
    (finished / "samples.png").unlink()
    (finished / "samples.png").mkdir()
    assert refusal(train_script, *command).startswith(f"{finished} cannot be written")


def test_more_epochs_train_a_finished_run_on(finished, tiny_flags, capsys):
    longer = ["--preset", "mnist-conditional", "--out", str(finished), *tiny_flags, "--epochs", "5"]
    for done in (3, 5):  # the second time, the longer run is the run
        assert train_script.main(longer) == 0
        assert f"{done} of 5 epochs done" in capsys.readouterr().err
        training = json.loads((finished / "config.json").read_text())["training"]
        assert training["recipe"]["epochs"] == 5
    history = [json.loads(line) for line in (finished / "history.jsonl").read_text().splitlines()]
    assert [entry["epoch"] for entry in history] == [1, 2, 3, 4, 5]
    rates = [entry["learning_rate_g"] for entry in history]
    assert rates[2] < rates[3] > rates[4] > 0  # the warm restart, and the fall to the new end
    assert "5 of 5 epochs" in (finished / "README.md").read_text()


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--epochs", 0], "epochs is 0: it must be at least 1"),
        (["--epochs", "many"], "argument --epochs: invalid int value: 'many'"),
        (["--image-size", 48], "image_size is 48: it must be one of 32, 64"),
        (["--batch-size", 321], "batch_size is 321: it must be at most the number of images, 320"),
        (["--num-classes", 0, "--mismatch-weight", 0.5], "mismatch_weight is 0.5: it must be 0 for"),
        (["--device", "nonsense"], "device is 'nonsense': it must be auto, cpu, cuda, cuda:N or mps"),
        (["--device", "meta"], "device is 'meta'"),
        pytest.param(
            ["--device", "mps"],
            "device is 'mps', but this machine has none",
            marks=pytest.mark.skipif(torch.backends.mps.is_available(), reason="this machine has one"),
        ),
        (["--device", "cuda:99"], "device is 'cuda:99', but this machine has no such"),
        (["--colour", "red"], "unrecognized arguments: --colour red"),
        (["--preset", "cifar"], "argument --preset: invalid choice: 'cifar'"),
        (["--push", "no-slash"], "'no-slash' is not a valid repo"),
    ],
)
def test_wrong_flags(train_refusal, flags, sentence):
    assert train_refusal(*flags).startswith(sentence)


def test_missing_data(train_refusal, tmp_path, monkeypatch):
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])  # refuses at once
    sentence = train_refusal("--data-dir", tmp_path / "empty")
    assert "train-images-idx3-ubyte.gz" in sentence and str(tmp_path / "empty") in sentence


def test_out_that_is_taken(train_refusal, out):
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    assert train_refusal().startswith(f"{out} holds something else")
    for path in (out / "thesis.txt", out / "thesis.txt" / "run"):
        assert train_refusal(out=path).startswith(f"{out / 'thesis.txt'} is a file")


def test_resuming_with_other_settings_lists_every_difference(train_refusal, finished):
    sentence = train_refusal("--epochs", 2, "--latent-dim", 64, "--learning-rate-g", 0.001, "--seed", 9)
    for difference in ("epochs was 3, now 2", "latent_dim was 100, now 64", "rate_g was 0.0004, now 0.001", "now 9"):
        assert difference in sentence
    assert "batch_size" not in sentence
    assert "num_classes was 10, now 0" in train_refusal(preset="mnist")


class Attack:
    def __reduce__(self):
        return Path.touch, (Path("pickle-was-run"),)


@pytest.mark.parametrize("state", [{}, [1, 2], {"format_version": 3}, {"format_version": 1, "step": Attack()}])
def test_checkpoint_of_something_else(train_refusal, out, tmp_path, monkeypatch, state):
    monkeypatch.chdir(tmp_path)
    out.mkdir()
    torch.save(state, out / NAME)
    attack = isinstance(state, dict) and "step" in state
    assert ("checkpoint.pt cannot be read" if attack else "was written by another version") in train_refusal()
    assert not Path("pickle-was-run").exists()


def test_disk_that_fills_up_is_one_sentence(refusal, forks, tiny_run, out, command, full_disk):
    """Too small for the first checkpoint, 0.6 MB; then for the next, 1.3 MB, which Adam's sums make larger."""
    with full_disk(100_000):
        assert refusal(train_script, *command).startswith(f"{out} cannot be written")
    assert not out.exists()
    with full_disk(1_000_000):
        assert refusal(train_script, *command).startswith(f"{out} cannot be written")
    assert [path.name for path in out.iterdir()] == [NAME]
    assert forks.run(command) == 0
    assert_same_folders(out, tiny_run)


def test_every_field_can_be_given_as_a_flag(out):
    fields = [*dataclasses.fields(ModelConfig), *dataclasses.fields(TrainConfig)]
    values = {
        field.name: field.metadata["rules"].get("high") or field.metadata["rules"]["choices"][-1] for field in fields
    }
    flags = [text for name, value in values.items() for text in ("--" + name.replace("_", "-"), str(value))]
    arguments = train_script.parse(["--preset", "mnist", "--out", str(out), *flags])
    model_config, config = cli.with_flags(ModelConfig(), arguments), cli.with_flags(TrainConfig(), arguments)
    assert model_config.to_dict() | config.to_dict() == values
