"""The command lines as wholes: what they write, what they refuse, how they stop and go on."""

import dataclasses
import itertools
import json
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
import torch
import torchvision.datasets
from PIL import Image, ImageSequence

import dcgan.training.recalibrate
from dcgan.config import ModelConfig, TrainConfig
from dcgan.hub.load import load_model
from dcgan.latents.sampling import sample
from dcgan.training.checkpoint import read_checkpoint
from scripts import cli
from scripts import sample as sample_script
from scripts import train as train_script


@pytest.fixture(autouse=True)
def few_batches(monkeypatch):
    """Recalibrate with 2 batches in place of 32, where a script runs in this process."""
    monkeypatch.setattr(dcgan.training.recalibrate, "RECALIBRATION_BATCHES", 2)


@pytest.fixture(scope="module")
def unconditional(tmp_path_factory, make_model) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "unconditional", ModelConfig(base_channels=8))


@pytest.fixture
def out(tmp_path) -> Path:
    """A place that is not there yet, in a folder that is empty."""
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs" / "out"


@pytest.fixture
def refusal(capsys) -> Callable[..., str]:
    """Run a script that must refuse: exit code 2 and one sentence, which is returned."""

    def run(script, *arguments: object) -> str:
        with pytest.raises(SystemExit) as exit:
            cli.run(lambda: script.main([str(argument) for argument in arguments]))
        printed = capsys.readouterr()
        assert exit.value.code == 2
        assert printed.out == "" and "Traceback" not in printed.err
        (sentence,) = (line for line in printed.err.splitlines() if "error: " in line)
        assert printed.err.rstrip().endswith(sentence)
        return sentence.partition("error: ")[2]

    return run


@pytest.fixture
def train_refusal(refusal, out, tiny_flags) -> Callable[..., str]:
    """The same for a training of the tiny model, with other flags; nothing is written."""

    def run(*flags: object, preset: str = "mnist-conditional", out: Path = out) -> str:
        before = contents(out.parent)
        sentence = refusal(train_script, "--preset", preset, "--out", out, *tiny_flags, *flags)
        assert contents(out.parent) == before
        return sentence

    return run


@pytest.fixture
def sample_refusal(refusal, out) -> Callable[..., str]:
    file = out.with_suffix(".npz")

    def run(model: object, *flags: object, out: Path = file) -> str:
        before = contents(out.parent)
        sentence = refusal(sample_script, model, "--out", out, "--device", "cpu", *flags)
        assert contents(out.parent) == before
        return sentence

    return run


def contents(folder: Path) -> dict[Path, bytes | None]:
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


# What a trained folder holds.

FILES = {
    "README.md",
    "checkpoint.pt",
    "config.json",
    "discriminator.safetensors",
    "history.jsonl",
    "model.safetensors",
    "progress.webp",
    "samples.png",
}


def test_trained_folder_holds_every_file(tiny_run):
    assert {path.name for path in tiny_run.iterdir()} == FILES


def test_trained_folder_is_a_model(tiny_run):
    model = load_model(str(tiny_run))
    assert model.config == ModelConfig(base_channels=8, num_classes=10)
    assert model.training["epochs_done"] == 3 and model.training["steps_done"] == 30
    assert model.training["images"] == 320
    recipe = TrainConfig.from_dict(model.training["recipe"])
    assert (recipe.epochs, recipe.images, recipe.batch_size) == (3, 320, 32)


def test_samples_png_shows_ten_hands_and_ten_digits(tiny_run):
    sheet = np.asarray(Image.open(tiny_run / "samples.png"))
    assert sheet.shape == (302, 302)
    generator = load_model(str(tiny_run)).generator
    for seed, digit in itertools.product(range(10), range(10)):
        top, left = 2 + 30 * seed, 2 + 30 * digit
        picture = sample(generator, [seed], digit).images[0, 0, 2:-2, 2:-2]
        assert np.array_equal(sheet[top : top + 28, left : left + 28], picture)


def test_progress_webp_has_a_frame_of_each_epoch(tiny_run):
    with Image.open(tiny_run / "progress.webp") as progress:
        assert progress.n_frames == 3
        progress.seek(2)
        last = np.asarray(progress.convert("L"))
    assert np.array_equal(last, np.asarray(Image.open(tiny_run / "samples.png"))[: last.shape[0]])  # the same seeds
    assert last.shape == (182, 302)


def test_history_has_a_line_of_each_epoch(tiny_run):
    entries = [json.loads(line) for line in (tiny_run / "history.jsonl").read_text().splitlines()]
    assert [entry["epoch"] for entry in entries] == [1, 2, 3]
    for entry in entries:
        assert {"step", "loss_d", "loss_g", "seconds", "images_per_second"} <= entry.keys()
        assert all(np.isfinite(value) for value in entry.values())
        assert all(0 <= entry[name] <= 1 for name in ("precision", "recall", "coverage", "label_accuracy"))


def test_card_is_one_that_the_hub_understands(tiny_run):
    text = (tiny_run / "README.md").read_text(encoding="utf-8")
    card = huggingface_hub.ModelCard(text)
    assert card.data.license == "mit"
    assert card.data.datasets == ["ylecun/mnist"]
    assert card.data.pipeline_tag == "unconditional-image-generation"
    assert "mnist" in card.data.tags
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
    huggingface_hub.ModelCard((out / "README.md").read_text(encoding="utf-8"))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("epoch 1/1  loss D ") and lines[1].startswith("done: ") and len(lines) == 2


# Stopping and going on.


def test_ctrl_c_saves_and_the_same_command_goes_on_to_the_same_weights(tiny_run, tmp_path, start_script, tiny_flags):
    command = ["train.py", "--preset", "mnist-conditional", "--out", tmp_path / "run", *tiny_flags]
    process = start_script(*command, cwd=tmp_path)
    first = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert first.startswith("epoch 1/3"), first + errors
    assert process.returncode == 130
    (line,) = errors.splitlines()
    assert re.fullmatch(r"stopped at step \d+ and saved: the same command continues", line)
    assert output == ""
    step = read_checkpoint(tmp_path / "run")["step"]
    assert str(step) in line and 10 <= step < 30

    process = start_script(*command, cwd=tmp_path)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert errors.startswith(f"resuming {tmp_path / 'run'} at step {step} (1 of 3 epochs done)\n")
    for name in ("model.safetensors", "discriminator.safetensors", "samples.png", "progress.webp"):
        assert (tmp_path / "run" / name).read_bytes() == (tiny_run / name).read_bytes(), name
    assert {path.name for path in (tmp_path / "run").iterdir()} == FILES


@pytest.fixture
def finished(tiny_run, out) -> Path:
    return shutil.copytree(tiny_run, out)


def test_command_of_a_finished_run_mends_its_folder(finished, tiny_flags, capsys):
    (finished / "samples.png").unlink()
    checkpoint = (finished / "checkpoint.pt").read_bytes()
    assert train_script.main(["--preset", "mnist-conditional", "--out", str(finished), *tiny_flags]) == 0
    assert "3 of 3 epochs done" in capsys.readouterr().err
    assert {path.name for path in finished.iterdir()} == FILES
    assert (finished / "checkpoint.pt").read_bytes() == checkpoint


def test_more_epochs_train_a_finished_run_on(finished, tiny_flags, capsys):
    longer = ["--preset", "mnist-conditional", "--out", str(finished), *tiny_flags, "--epochs", "5"]
    assert train_script.main(longer) == 0
    assert "3 of 5 epochs done" in capsys.readouterr().err
    history = [json.loads(line) for line in (finished / "history.jsonl").read_text().splitlines()]
    assert [entry["epoch"] for entry in history] == [1, 2, 3, 4, 5]
    rates = [entry["learning_rate_g"] for entry in history]
    assert rates[2] < rates[3] > rates[4] > 0  # the warm restart, and the fall to the new end
    training = json.loads((finished / "config.json").read_text())["training"]
    assert (training["recipe"]["epochs"], training["mean_with_ends_of_epochs"]) == (5, [3])
    assert "5 of 5 epochs (trained on from 3; the mean of all ends)" in (finished / "README.md").read_text()
    assert train_script.main(longer) == 0  # the longer run is the run now
    assert json.loads((finished / "config.json").read_text())["training"]["mean_with_ends_of_epochs"] == [3]


def test_a_model_is_trained_on_from_its_folder(finished, out, tiny_flags, capsys):
    """Twice, the second time with another recipe: all that a folder knows goes on, and the mean is of all ends."""
    (finished / "checkpoint.pt").unlink()
    command = ["--preset", "mnist-conditional", *tiny_flags]
    folders = [finished, out.with_name("on"), out.with_name("further")]
    more = ["--epochs", "5", "--mismatch-weight", "0.1"]
    for start, folder, flags in zip(folders, folders[1:], (["--epochs", "4"], more), strict=False):
        assert train_script.main([*command, "--start-from", str(start), "--out", str(folder), *flags]) == 0
    printed = capsys.readouterr().err
    assert f"starting from {finished}, at step 30 (3 of 4 epochs done)\n" in printed
    assert f"starting from {out.with_name('on')}, at step 40 (4 of 5 epochs done)\n" in printed

    histories = [(folder / "history.jsonl").read_text() for folder in folders]
    assert histories[2].startswith(histories[1]) and histories[1].startswith(histories[0])
    assert [json.loads(line)["epoch"] for line in histories[2].splitlines()] == [1, 2, 3, 4, 5]
    sheets = [
        [np.asarray(sheet) for sheet in ImageSequence.all_frames(Image.open(f / "progress.webp"))] for f in folders
    ]
    assert np.array_equal(sheets[2][:4], sheets[1]) and np.array_equal(sheets[1][:3], sheets[0])

    models = [load_model(str(folder)) for folder in folders]
    for name, weight in models[0].generator.named_parameters():
        ends = [read_checkpoint(folder)["averaged"][name] for folder in folders[1:]]
        assert not torch.equal(ends[0], weight)
        for model, count in ((models[1], 1), (models[2], 2)):
            kept = model.generator.get_parameter(name)
            torch.testing.assert_close(kept, (weight + sum(ends[:count])) / (1 + count))
    training = models[2].training
    assert (training["epochs_done"], training["steps_done"]) == (5, 50)
    assert training["mean_with_ends_of_epochs"] == [3, 4]
    assert [recipe["epochs"] for recipe in training["earlier_recipes"]] == [3, 4]
    card = (folders[2] / "README.md").read_text()
    assert "5 of 5 epochs (trained on from 3, 4; the mean of all ends)" in card
    assert "mismatch_weight 0.1" in card and "; until epoch 4 mismatch_weight 0.3 |" in card


def test_a_run_that_started_from_a_model_resumes_as_any(finished, out, tiny_flags, capsys):
    """Its folder is not asked for again."""
    flags = ["--preset", "mnist-conditional", *tiny_flags, "--epochs", "4"]
    command = [*flags, "--start-from", str(finished), "--out", str(out.with_name("on"))]
    assert train_script.main(command) == 0
    before = contents(out.with_name("on"))
    shutil.rmtree(finished)
    assert train_script.main(command) == 0
    assert "resuming" in capsys.readouterr().err
    assert contents(out.with_name("on")) == before


@pytest.mark.parametrize(
    "flags, sentence",
    [
        (["--epochs", 3], "epochs is 3: START has had 3, it must be more"),
        (
            ["--epochs", 4, "--base-channels", 16],
            "START is another model (base_channels was 8, now 16): give its settings",
        ),
        (["--epochs", 4, "--batch-size", 64], "START is another model (batch_size was 32, now 64): give its settings"),
        (["--epochs", 4, "--preset", "mnist"], "START is another model (num_classes was 10, now 0): give its settings"),
    ],
)
def test_start_from_a_model_that_does_not_fit(train_refusal, tiny_run, flags, sentence):
    wanted = sentence.replace("START", str(tiny_run))
    flags = ["--start-from", tiny_run, "--mismatch-weight", 0, *flags]
    assert train_refusal(*flags).startswith(wanted)


def test_start_from_a_folder_that_does_not_tell_its_training(train_refusal, tiny_run, make_model, tmp_path):
    untold = make_model(tmp_path / "untold", ModelConfig(base_channels=8, num_classes=10))
    assert "does not say how it was trained" in train_refusal("--start-from", untold, "--epochs", 4)
    copy = shutil.copytree(tiny_run, tmp_path / "copy")
    flags = ["--start-from", copy, "--epochs", 4]
    (copy / "progress.webp").write_bytes(b"no picture")
    assert "the history of" in train_refusal(*flags)
    shutil.copy(tiny_run / "samples.png", copy / "progress.webp")
    assert "the history of" in train_refusal(*flags)
    shutil.copy(tiny_run / "progress.webp", copy)
    (copy / "history.jsonl").write_text("{}\n")
    assert "a history of 1 epochs and 3 pictures" in train_refusal(*flags)
    (copy / "history.jsonl").unlink()
    assert "the history of" in train_refusal(*flags)
    config = json.loads((copy / "config.json").read_text())
    config["training"]["epochs_done"] = 2
    (copy / "config.json").write_text(json.dumps(config))
    assert "is in the midst of its training (2 of 3 epochs)" in train_refusal(*flags)
    assert "there is no model" in train_refusal("--start-from", tmp_path / "nothing", "--epochs", 4)


@pytest.fixture
def python_hears_ctrl_c():
    """A shell starts what runs in its background with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("python_hears_ctrl_c")
def test_second_ctrl_c_stops_at_once():
    with cli.StopOnSignal(signal.SIGINT) as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):  # Python's own handler is back
        signal.raise_signal(signal.SIGINT)


def test_interrupt_is_exit_code_130_without_traceback(capsys):
    def main():
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as exit:
        cli.run(main)
    assert exit.value.code == 130
    assert capsys.readouterr().err == "stopped\n"


# What training refuses.


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--epochs", 0], "epochs is 0: it must be at least 1"),
        (["--epochs", -1], "epochs is -1: it must be at least 1"),
        (["--epochs", "many"], "argument --epochs: invalid int value: 'many'"),
        (["--learning-rate-g", "nan"], "learning_rate_g is nan: it must be above 0.0"),
        (["--image-size", 48], "image_size is 48: it must be one of 32, 64"),
        (["--batch-size", 321], "batch_size is 321: it must be at most the 320 images"),
        (["--images", 60_001], "images is 60001: it must be at least 0 and at most 60000"),
        (["--seed", -1], "seed is -1: it must be at least 0"),
        (["--num-classes", 0, "--mismatch-weight", 0.5], "mismatch_weight is 0.5: without digits no label is wrong"),
        (["--device", "nonsense"], "device is 'nonsense': it must be auto, cpu, cuda or cuda:N"),
        (["--device", "meta"], "device is 'meta'"),
        (["--colour", "red"], "unrecognized arguments: --colour red"),
    ],
)
def test_wrong_flags(train_refusal, flags, sentence):
    assert train_refusal(*flags).startswith(sentence)


def test_unknown_preset(train_refusal):
    sentence = train_refusal(preset="cifar")
    assert "'cifar'" in sentence and "mnist-conditional" in sentence


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
@pytest.mark.parametrize("device", ["cuda", "cuda:3"])
def test_cuda_that_is_not_there(train_refusal, device):
    assert train_refusal("--device", device).startswith(f"device {device} was asked for, but there is no such")


def test_missing_data(train_refusal, tmp_path, monkeypatch):
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])  # refuses at once
    sentence = train_refusal("--data-dir", tmp_path / "empty")
    assert "train-images-idx3-ubyte.gz" in sentence and str(tmp_path / "empty") in sentence


def test_truncated_data(train_refusal, tmp_path):
    raw = tmp_path / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-labels-idx1-ubyte").write_bytes(bytes(1000))
    assert train_refusal("--data-dir", tmp_path / "data").startswith(f"{raw / 'train-labels-idx1-ubyte'} is damaged")


def test_out_that_is_taken(train_refusal, out):
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    assert train_refusal().startswith(f"{out} holds something else")
    assert train_refusal(out=out / "thesis.txt").startswith(f"{out / 'thesis.txt'} is a file")
    assert "is a file: no folder can be made in it" in train_refusal(out=out / "thesis.txt" / "run")


def test_no_disk_space(train_refusal, monkeypatch):
    """Refused at the start, not at the end of the first epoch."""
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10**12, 10**12, 2**20))
    assert re.search(r"has 1 MiB of free space and this run needs \d+ MiB", train_refusal())


def test_resuming_with_other_settings_lists_every_difference(train_refusal, finished):
    sentence = train_refusal("--epochs", 2, "--latent-dim", 64, "--learning-rate-g", 0.001, "--seed", 9)
    for difference in (
        "epochs was 3, now 2",
        "latent_dim was 100, now 64",
        "learning_rate_g was 0.0002, now 0.001",
        "seed was 0, now 9",
    ):
        assert difference in sentence
    assert "batch_size" not in sentence
    assert "num_classes was 10, now 0" in train_refusal(preset="mnist")


@pytest.mark.parametrize("size", [0, 10, 1000, -1, -100_000])
def test_truncated_checkpoint(train_refusal, finished, size):
    content = (finished / "checkpoint.pt").read_bytes()
    (finished / "checkpoint.pt").write_bytes(content[:size])
    assert "checkpoint.pt cannot be read" in train_refusal()


@pytest.mark.parametrize("state", [{}, [1, 2], {"format_version": 2}], ids=["empty", "list", "of the future"])
def test_checkpoint_of_something_else(train_refusal, out, state):
    out.mkdir()
    torch.save(state, out / "checkpoint.pt")
    assert "was written by another version" in train_refusal()


class Attack:
    def __reduce__(self):
        return Path.touch, (Path("pickle-was-run"),)


def test_checkpoint_pickle_is_never_run(train_refusal, out, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out.mkdir()
    torch.save({"format_version": 1, "step": Attack()}, out / "checkpoint.pt")
    assert "checkpoint.pt cannot be read" in train_refusal()
    assert not Path("pickle-was-run").exists()


# What happens when writing fails in the middle of a training.


@pytest.mark.parametrize("size", [50_000, 500_000], ids=["the weights", "the checkpoint"])
def test_disk_that_fills_up_is_one_sentence(refusal, out, tiny_flags, full_disk, size):
    """A generator is 0.3 MB here, a checkpoint 1.3 MB."""
    with full_disk(size):
        sentence = refusal(train_script, "--preset", "mnist-conditional", "--out", out, *tiny_flags)
    assert sentence.startswith(f"{out} cannot be written")
    assert not [path.name for path in out.iterdir() if ".partial" in path.name]


def test_finished_folder_that_cannot_be_mended_is_one_sentence(refusal, finished, tiny_flags):
    (finished / "samples.png").unlink()
    (finished / "samples.png").mkdir()
    sentence = refusal(train_script, "--preset", "mnist-conditional", "--out", finished, *tiny_flags)
    assert sentence.startswith(f"{finished} cannot be written")


# What sampling does and refuses.


def test_sample_writes_what_is_asked_for(tiny_run, tmp_path, capsys):
    generator = load_model(str(tiny_run)).generator
    for name in ("sevens.npz", "sevens.png", "sevens"):
        flags = f"--count 40 --seed 5 --digit 7 --truncation 0.8 --device cpu --out {tmp_path / name}"
        assert sample_script.main([str(tiny_run), *flags.split()]) == 0
        assert capsys.readouterr().out == f"{tmp_path / name}: 40 pictures, seeds 5 to 44\n"
    expected = sample(generator, range(5, 45), 7, 0.8).images[:, 0, 2:-2, 2:-2]
    with np.load(tmp_path / "sevens.npz") as arrays:
        assert np.array_equal(arrays["images"], expected)
        assert set(arrays["labels"]) == {7} and arrays["seeds"].tolist() == list(range(5, 45))
    assert np.asarray(Image.open(tmp_path / "sevens.png")).shape == (122, 302)
    last = Image.open(tmp_path / "sevens" / "seed-0000000044-digit-7.png")
    assert np.array_equal(np.asarray(last), expected[-1])


def test_sample_lets_the_seed_decide_the_digit(tiny_run, unconditional, tmp_path):
    for model, arrays_expected in ((tiny_run, {"images", "seeds", "labels"}), (unconditional, {"images", "seeds"})):
        assert sample_script.main([str(model), "--count", "3", "--out", str(tmp_path / "any.npz")]) == 0
        expected = sample(load_model(str(model)).generator, range(3))
        with np.load(tmp_path / "any.npz") as arrays:
            assert set(arrays) == arrays_expected
            assert np.array_equal(arrays["images"], expected.images[:, 0, 2:-2, 2:-2])


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--count", 0], "count is 0: it must be at least 1"),
        (["--count", -3], "count is -3"),
        (["--count", 2.5], "argument --count: invalid int value"),
        (["--seed", -1], "seed is -1: with 64 images it must be from 0 to 4294967232"),
        (["--seed", 2**32 - 1], "seed is 4294967295: with 64 images"),
        (["--digit", 12], "digit is 12: it must be from 0 to 9"),
        (["--digit", -1], "digit is -1"),
        (["--truncation", 0], "truncation is 0.0: it must be above 0 and at most 1"),
        (["--truncation", 1.5], "truncation is 1.5"),
        (["--truncation", "nan"], "truncation is nan"),
        (["--device", "nonsense"], "device is 'nonsense'"),
    ],
)
def test_wrong_requests(sample_refusal, tiny_run, flags, sentence):
    assert sample_refusal(tiny_run, *flags).startswith(sentence)


def test_digit_of_a_model_that_knows_none(sample_refusal, unconditional):
    assert sample_refusal(unconditional, "--digit", 3).startswith("this model does not know digits")


def test_unknown_model(sample_refusal):
    assert sample_refusal("no-such-model").startswith("there is no model 'no-such-model'")


def test_damaged_model(sample_refusal, finished):
    content = (finished / "model.safetensors").read_bytes()
    (finished / "model.safetensors").write_bytes(content[:-1])
    assert "model.safetensors is" in sample_refusal(finished)


def test_wrong_targets(sample_refusal, tiny_run, out):
    assert "ends in .jpg: use .npz, .png" in sample_refusal(tiny_run, out=out.with_suffix(".jpg"))
    out.mkdir()
    (out / "kept.txt").write_text("kept")
    assert "exists already: name a new or empty folder" in sample_refusal(tiny_run, out=out)
    assert "is no folder: create it first" in sample_refusal(tiny_run, "--out", out / "no" / "digits.png")


def test_sample_on_a_full_disk(sample_refusal, tiny_run, full_disk):
    with full_disk(1000):
        assert "out.npz cannot be written: File too large" in sample_refusal(tiny_run)


# --help.


@pytest.mark.parametrize("script", [train_script, sample_script])
def test_help_names_every_flag(script, capsys):
    with pytest.raises(SystemExit) as exit:
        script.main(["--help"])
    assert exit.value.code == 0
    text = capsys.readouterr().out
    fields = [*dataclasses.fields(ModelConfig), *dataclasses.fields(TrainConfig)]
    flags = {
        train_script: ["preset", "out", "data-dir", "device", *(field.name.replace("_", "-") for field in fields)],
        sample_script: ["count", "seed", "digit", "truncation", "device", "out"],
    }[script]
    for flag in flags:
        assert re.search(rf"^ +--{flag} ", text, re.MULTILINE), flag
    assert "python scripts/" in text  # an example
    for field in fields if script is train_script else []:
        assert field.metadata["help"].split()[0] in text


def test_every_field_can_be_given_as_a_flag(out):
    fields = [*dataclasses.fields(ModelConfig), *dataclasses.fields(TrainConfig)]
    values = {field.name: field.metadata["high"] or field.metadata["choices"][-1] for field in fields}
    flags = [text for name, value in values.items() for text in ("--" + name.replace("_", "-"), str(value))]
    arguments = train_script.parse(["--preset", "mnist", "--out", str(out), *flags])
    model_config, config = cli.with_flags(ModelConfig(), arguments), cli.with_flags(TrainConfig(), arguments)
    assert model_config.to_dict() | config.to_dict() == values


@pytest.mark.parametrize("script", ["train.py", "sample.py"])
def test_a_mistake_as_a_person_makes_it(script, start_script, tmp_path):
    """In a process of its own: the exit code and no traceback."""
    flags = {
        "train.py": ["--preset", "mnist", "--out", "run", "--epochs", 0],
        "sample.py": ["nobody", "--out", "x.png"],
    }
    process = start_script(script, *flags[script], cwd=tmp_path)
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, output) == (2, "")
    assert errors.startswith("error: ") and errors.count("\n") == 1
    assert not list(tmp_path.iterdir())
