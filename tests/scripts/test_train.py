"""scripts/train.py as a whole: what it writes, what it refuses, how it stops and resumes."""

import dataclasses
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
import torch
import torchvision.datasets
from page_server import ROOT
from PIL import Image
from safetensors.torch import load_file

from dcgan.config import ModelConfig, TrainConfig
from dcgan.hub.load import load_model
from dcgan.latents.sampling import sample
from dcgan.training.checkpoint import read_checkpoint
from scripts import cli
from scripts import train as train_script

FILES = {"README.md", "checkpoint.pt", "config.json", "history.jsonl", "progress.webp", "samples.png"}
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


def test_unconditional_preset_trains_too(out, tiny_flags, capsys):
    assert train_script.main(["--preset", "mnist", "--out", str(out), *tiny_flags, "--epochs", "1"]) == 0
    assert {path.name for path in out.iterdir()} == FILES
    model = load_model(str(out))
    assert model.config.num_classes == 0
    sheet = np.asarray(Image.open(out / "samples.png"))
    assert np.array_equal(sheet[-30:-2, -30:-2], sample(model.generator, [99]).images[0, 0, 2:-2, 2:-2])
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("epoch 1/1  loss D ") and lines[1].startswith("done: ") and len(lines) == 2


FEW_BATCHES = """
import dcgan.training.recalibrate
from scripts import cli, train
dcgan.training.recalibrate.RECALIBRATION_BATCHES = 2  # as in the run to compare with
cli.run(train.main)
"""


def test_ctrl_c_saves_and_the_same_command_goes_on_to_the_same_weights(tiny_run, tmp_path, tiny_flags, capsys):
    run = tmp_path / "run"
    flags = ["--preset", "mnist-conditional", "--out", str(run), *tiny_flags]
    process = subprocess.Popen(
        [sys.executable, "-c", FEW_BATCHES, *flags],
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    first = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert first.startswith("epoch 1/3"), first + errors
    assert (process.returncode, output) == (130, "")
    (line,) = errors.splitlines()
    step = read_checkpoint(run)["step"]
    assert line.startswith(f"stopped at step {step} and saved: ") and 10 <= step < 30

    assert train_script.main(flags) == 0
    assert capsys.readouterr().err.startswith(f"resuming {run} at step {step} ")
    for name in ("samples.png", "progress.webp"):
        assert (run / name).read_bytes() == (tiny_run / name).read_bytes(), name
    for name in ("model.safetensors", "discriminator.safetensors"):
        resumed, uninterrupted = (load_file(folder / name) for folder in (run, tiny_run))
        assert all(torch.equal(tensor, resumed[key]) for key, tensor in uninterrupted.items()), name
    assert {path.name for path in run.iterdir()} == FILES


@pytest.fixture
def finished(tiny_run, out) -> Path:
    return shutil.copytree(tiny_run, out)


def test_command_of_a_finished_run_mends_its_folder(finished, tiny_flags, refusal, capsys):
    command = ["--preset", "mnist-conditional", "--out", str(finished), *tiny_flags]
    checkpoint = (finished / "checkpoint.pt").read_bytes()
    (finished / "samples.png").unlink()
    assert train_script.main(command) == 0
    assert "3 of 3 epochs done" in capsys.readouterr().err
    assert {path.name for path in finished.iterdir()} == FILES
    assert (finished / "checkpoint.pt").read_bytes() == checkpoint
    (finished / "samples.png").unlink()
    (finished / "samples.png").mkdir()
    assert refusal(train_script, *command).startswith(f"{finished} cannot be written")


def test_more_epochs_extend_a_finished_run(finished, tiny_flags, capsys):
    longer = ["--preset", "mnist-conditional", "--out", str(finished), *tiny_flags, "--epochs", "5"]
    for done in (3, 5):  # the second time, the longer run is the run
        assert train_script.main(longer) == 0
        assert f"{done} of 5 epochs done" in capsys.readouterr().err
        training = json.loads((finished / "config.json").read_text())["training"]
        assert (training["recipe"]["epochs"], training["mean_with_ends_of_epochs"]) == (5, [3])
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
        (["--device", "nonsense"], "device is 'nonsense': it must be auto, cpu, cuda or cuda:N"),
        (["--device", "meta"], "device is 'meta'"),
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
    for difference in ("epochs was 3, now 2", "latent_dim was 100, now 64", "rate_g was 0.0002, now 0.001", "now 9"):
        assert difference in sentence
    assert "batch_size" not in sentence
    assert "num_classes was 10, now 0" in train_refusal(preset="mnist")


class Attack:
    def __reduce__(self):
        return Path.touch, (Path("pickle-was-run"),)


@pytest.mark.parametrize("state", [{}, [1, 2], {"format_version": 2}, {"format_version": 1, "step": Attack()}])
def test_checkpoint_of_something_else_or_damaged(train_refusal, out, tmp_path, monkeypatch, state):
    monkeypatch.chdir(tmp_path)
    out.mkdir()
    torch.save(state, out / "checkpoint.pt")
    attack = isinstance(state, dict) and "step" in state
    assert ("checkpoint.pt cannot be read" if attack else "was written by another version") in train_refusal()
    assert not Path("pickle-was-run").exists()
    content = (out / "checkpoint.pt").read_bytes()
    for size in (0, 10, len(content) // 2, -1):
        (out / "checkpoint.pt").write_bytes(content[:size])
        assert "checkpoint.pt cannot be read" in train_refusal()


@pytest.mark.parametrize("size", [50_000, 500_000], ids=["the weights", "the checkpoint"])
def test_disk_that_fills_up_is_one_sentence(refusal, out, tiny_flags, full_disk, size):
    """A generator is 0.3 MB here, a checkpoint 1.3 MB."""
    with full_disk(size):
        sentence = refusal(train_script, "--preset", "mnist-conditional", "--out", out, *tiny_flags)
    assert sentence.startswith(f"{out} cannot be written")
    assert not [path.name for path in out.iterdir() if ".partial" in path.name]


def test_every_field_can_be_given_as_a_flag(out):
    fields = [*dataclasses.fields(ModelConfig), *dataclasses.fields(TrainConfig)]
    values = {
        field.name: field.metadata["rules"].get("high") or field.metadata["rules"]["choices"][-1] for field in fields
    }
    flags = [text for name, value in values.items() for text in ("--" + name.replace("_", "-"), str(value))]
    arguments = train_script.parse(["--preset", "mnist", "--out", str(out), *flags])
    model_config, config = cli.with_flags(ModelConfig(), arguments), cli.with_flags(TrainConfig(), arguments)
    assert model_config.to_dict() | config.to_dict() == values
