import json
import os
import pickle
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from dcgan.config import ModelConfig, TrainConfig
from dcgan.files import parse_json
from dcgan.hub.load import bundled_models, load_model
from dcgan.latents.sampling import sample
from dcgan.model_folder import (
    BUNDLED,
    MAX_CONFIG_BYTES,
    MAX_EVALUATION_BYTES,
    ModelError,
    load_folder,
    read_config,
    read_evaluation,
    read_history,
    save_weights,
    weights_sha256,
    write_config,
)
from dcgan.networks import Generator

CONFIG = ModelConfig(base_channels=8, num_classes=10)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, make_model):
    return make_model(tmp_path_factory.mktemp("models") / "whole", CONFIG)


@pytest.fixture
def model(whole, tmp_path):
    """A copy to be damaged."""
    return shutil.copytree(whole, tmp_path / "model")


def reason(folder) -> str:
    with pytest.raises(ModelError) as refusal:
        load_model(str(folder))
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


@pytest.mark.parametrize(
    "config", [CONFIG, ModelConfig(base_channels=4, image_size=64, image_channels=3)], ids=["grey", "colour"]
)
def test_round_trip_keeps_every_bit(config, tmp_path, make_model, make_networks):
    folder = make_model(tmp_path / "model", config)
    model = load_model(str(folder))
    generator, discriminator = make_networks(config)
    for saved, loaded in ((generator, model.generator), (discriminator, model.discriminator)):
        assert not loaded.training
        assert saved.state_dict().keys() == loaded.state_dict().keys()
        for name, tensor in loaded.state_dict().items():
            assert torch.equal(tensor, saved.state_dict()[name]), name
    assert np.array_equal(sample(model.generator, range(40)).images, sample(generator, range(40)).images)
    assert (model.name, model.folder, model.config) == (str(folder), folder, config)
    assert model.training == {"recipe": TrainConfig().to_dict()}
    assert len({path.stat().st_mode for path in folder.iterdir()}) == 1  # a host may serve what another user trained


def test_same_weights_are_the_same_bytes(tmp_path):
    """In any memory format. Else a checksum would differ, and a push would make a commit that changes nothing."""
    generator, contents = Generator(CONFIG), set()
    for memory_format in (torch.contiguous_format, torch.channels_last) * 10:
        save_weights(generator.to(memory_format=memory_format), tmp_path / "a", run="1")
        contents.add((tmp_path / "a").read_bytes())
    assert len(contents) == 1


def test_full_disk_keeps_the_old_weights(model, full_disk):
    old = {path.name: path.read_bytes() for path in model.iterdir()}
    with full_disk(20_000), pytest.raises(OSError, match="too large"):
        save_weights(Generator(CONFIG), model / "model.safetensors")
    assert {path.name: path.read_bytes() for path in model.iterdir()} == old


def test_bundled_models_are_found_by_name():
    assert bundled_models() == ["mnist-conditional", "mnist"]
    for name in bundled_models():
        model = load_model(name)
        assert model.name == name and model.folder == BUNDLED / name
        assert sample(model.generator, [0]).images.std() > 10
        assert len(read_evaluation(model.folder)["runs"]) == 3


@pytest.mark.parametrize("name", ["no-such-model", "", ".", "/dev/null", "a\0b", "a/b/c", "x" * 5000])
def test_unknown_name_lists_the_bundled_models(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert all(bundled in reason(name) for bundled in bundled_models())


def test_folder_is_found_relative_to_the_working_directory(model, monkeypatch):
    monkeypatch.chdir(model.parent)
    assert load_model("model").config == CONFIG
    assert load_model("./model").config == CONFIG


def test_missing_files(model):
    (model / "model.safetensors").unlink()
    (model / "model.safetensors").mkdir()
    assert "model.safetensors cannot be read" in reason(model)
    (model / "model.safetensors").rmdir()
    assert "model.safetensors cannot be read: No such file" in reason(model)
    (model / "config.json").unlink()
    assert "there is no model" in reason(model)


class Attack:
    def __reduce__(self):
        return os.mkdir, ("pickle-was-run",)


def doubled_key(content: bytes) -> bytes:
    """Return weights whose header names its first tensor twice."""
    end = 8 + struct.unpack("<Q", content[:8])[0]
    name, value = next(item for item in json.loads(content[8:end]).items() if item[0] != "__metadata__")
    header = b"{" + f"{json.dumps(name)}:{json.dumps(value)},".encode() + content[8:end].strip()[1:]
    return struct.pack("<Q", len(header)) + header + content[end:]


DAMAGES = {
    **{f"cut to {size}": (lambda content, size=size: content[:size], "bytes") for size in (0, 5, 8, 100, -1, -1000)},
    "trailing byte": (lambda content: content + b"\0", "bytes"),
    "header that is not JSON": (lambda content: content[:8] + b"!" + content[9:], "safetensors file"),
    "header of 2**63 bytes": (lambda content: struct.pack("<Q", 2**63) + content[8:], "bytes"),
    "doubled key": (lambda content: doubled_key(content), "twice"),
    "pickle": (lambda content: pickle.dumps(Attack()), "bytes"),
}


@pytest.mark.parametrize(("damage", "why"), DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("name", ["model.safetensors", "discriminator.safetensors"])
def test_damaged_bytes(model, monkeypatch, name, damage, why):
    monkeypatch.chdir(model)
    (model / name).write_bytes(damage((model / name).read_bytes()))
    assert why in reason(model) and name in reason(model)
    assert not (model / "pickle-was-run").exists()


PROJECT = "project.weight"


def with_last(key: str, value: float) -> tuple:
    def change(old: dict) -> dict:
        old[key].view(-1)[-1] = value
        return old

    return change, f"{key} holds values that are not finite"


OTHERS = {
    "empty extra": (lambda old: {"backdoor": torch.zeros(0)}, "weights backdoor"),  # passes the check of the size
    "extra": (lambda old: {"backdoor": torch.zeros(1)}, "bytes"),
    "missing": (lambda old: {"to_image.bias": None}, "bytes"),
    "renamed": (lambda old: {"to_picture": old["to_image.bias"], "to_image.bias": None}, "to_image.bias, to_picture"),
    "misshapen": (lambda old: {PROJECT: old[PROJECT].transpose(0, 1).contiguous()}, f"weights {PROJECT}"),
    "float64": (lambda old: {PROJECT: old[PROJECT].double()}, "bytes"),
    "int32": (lambda old: {PROJECT: old[PROJECT].to(torch.int32)}, f"weights {PROJECT}"),
    "nan": with_last(PROJECT, torch.nan),
    "inf": with_last("norms.1.running_var", torch.inf),
    "-inf": with_last(PROJECT, -torch.inf),
}


@pytest.mark.parametrize(("change", "why"), OTHERS.values(), ids=OTHERS)
def test_other_tensors(model, change, why):
    tensors = load_file(model / "model.safetensors")
    tensors |= change(tensors)
    save_file({name: tensor for name, tensor in tensors.items() if tensor is not None}, model / "model.safetensors")
    assert why in reason(model)


def test_weights_of_another_model(model):
    generator, discriminator = model / "model.safetensors", model / "discriminator.safetensors"
    save_weights(Generator(ModelConfig(base_channels=16, num_classes=10)), generator)
    assert "its config asks for" in reason(model)
    shutil.copy(discriminator, generator)
    assert "its config asks for" in reason(model)


def memory(field: str) -> int:
    """A line of /proc/self/status, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field + ":")).split()[1]) * 1024


def good_config(**change: object) -> dict:
    return {"format_version": 1, "model": CONFIG.to_dict() | change, "training": {}}


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (good_config(colour=3), "colour"),
        (good_config(base_channels=10**6), "base_channels is 1000000"),
        (good_config(image_size=[32]), "image_size is"),
        (good_config(num_classes=None), "num_classes is None"),
        ({"format_version": 1, "model": [100, 64]}, "ModelConfig must be an object"),
        ({"format_version": 1}, "ModelConfig must be an object"),
        *((bad, "format_version 1") for bad in (good_config() | {"format_version": 2}, {}, [good_config()], None)),
        (good_config() | {"training": {"recipe": {"epochs": 10**400}}}, "integer"),
        (good_config() | {"training": {"device": "\ud800"}}, "surrogate"),
        *((content, "not a valid config") for content in (b"", b"{", b"\xff\xfe", b"[" * 60_000)),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_config_that_is_no_config(model, values, why):
    (model / "config.json").write_bytes(values if isinstance(values, bytes) else json.dumps(values).encode())
    assert why in reason(model) and "config.json" in reason(model)


def test_config_that_is_too_large_is_not_read(model):
    (model / "config.json").write_text(json.dumps(good_config()).ljust(MAX_CONFIG_BYTES))
    assert load_model(str(model)).config == CONFIG
    (model / "config.json").write_text(json.dumps(good_config()).ljust(MAX_CONFIG_BYTES + 1))
    assert "larger than 64 KiB" in reason(model)


def test_config_of_a_huge_model_costs_no_memory(model):
    """The largest allowed generator has 244 million weights: a small file is refused before any of it is made."""
    largest = ModelConfig(latent_dim=1024, base_channels=512, image_size=64, num_classes=10)
    write_config(model, largest, {})
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before = memory("VmRSS")
    assert "its config asks for" in reason(model)
    assert memory("VmHWM") - before < 50 * 2**20


@pytest.mark.parametrize(
    ("record", "kept"),
    [
        ({"epochs_done": 3, "recipe": {"epochs": 3, "precision": "auto"}}, ["epochs_done", "recipe"]),
        ({"epochs_done": 3, "earlier_recipes": [{"epochs": 2}]}, ["epochs_done"]),  # of a config.json of older code
        ({"epochs_done": True, "images": 1.5, "dataset": ["MNIST"], "device": {}, "steps_done": None}, []),
        ({"recipe": {"epochs": [3]}, "torch": "2"}, ["torch"]),
        ({"recipe": [1]}, []),
        ("a lot", []),
        (None, []),
    ],
)
def test_a_field_of_the_training_record_counts_only_if_it_has_the_right_type(tmp_path, record, kept):
    write_config(tmp_path, CONFIG, record)
    assert read_config(tmp_path) == (CONFIG, {key: record[key] for key in kept})


HOSTILE = {  # name: JSON that Python's own reader takes, or that overruns it
    "nan": b"NaN",
    "infinity": b"-Infinity",
    "overflow": b"1e400",
    "integer": b"1" + b"0" * 400,
    "beyond 2**53": b"9007199254740993",
    "surrogate": b'"\\ud800"',
    "surrogate key": b'{"\\ud800": 1}',
    "nested": b"[" * 21 + b"]" * 21,
    "nested deeply": b"[" * 100_000,
    "not UTF-8": b'"\xff"',
    "cut": b'{"a": ',
    "empty": b"",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_hostile_json_is_refused(content):
    with pytest.raises(ValueError):
        parse_json(content)


def test_ordinary_json_is_read_as_python_reads_it():
    values = {"a": [1, -(2**53), 2.5, 1e-300, True, None, "é😀"], "b": {}}
    assert parse_json(json.dumps(values).encode()) == values


EPOCH = b'{"epoch": 1, "loss_d": 0.5}\n'


@pytest.mark.parametrize(
    ("content", "epochs"),
    [
        (EPOCH + b'{"epoch": 2, "loss_d": [], "label": "x", "flag": true}', [1, 2]),
        (b'[1]\n"epoch"\n{"epoch": "1"}\n{"epoch": true}\n{"epoch": 2.0}\n' + EPOCH, [1]),
        (EPOCH * 5_000, [1] * 2_000),
        (EPOCH + b'{"epo', []),
        (EPOCH + b'{"epoch": 1, "x": "' + b"x" * 4_096 + b'"}', []),
        *((EPOCH + b'{"epoch": 2, "x": ' + value + b"}\n", []) for value in HOSTILE.values()),
    ],
)
def test_a_history_is_the_numbers_of_its_epochs_or_nothing(tmp_path, content, epochs):
    assert read_history(tmp_path) == []
    (tmp_path / "history.jsonl").write_bytes(content)
    history = read_history(tmp_path)
    assert [entry["epoch"] for entry in history] == epochs
    assert all(type(value) in (int, float) for entry in history for value in entry.values())


def evaluation_of(folder: Path, **change: object) -> dict:
    run = {"sampling_seed": 0, "precision": 0.9, "class_counts": [1, 2]}
    made = {"weights_sha256": weights_sha256(folder), "command": "evaluate", "device": "CPU", "runs": [run]}
    return made | change


def test_an_evaluation_belongs_to_the_weights_that_it_names(model):
    assert read_evaluation(model) is None
    (model / "evaluation.json").write_text(json.dumps(evaluation_of(model)))
    assert read_evaluation(model)["runs"] == [{"sampling_seed": 0, "precision": 0.9}]
    save_weights(Generator(CONFIG), model / "model.safetensors")
    assert read_evaluation(model) is None
    assert load_folder(model, "x").config == CONFIG


@pytest.mark.parametrize(
    "change",
    [{"weights_sha256": sha256} for sha256 in (None, ["0" * 64])]
    + [{"runs": runs} for runs in (7, [7], [], {"a": 1}, [{"precision": 0.9}])]
    + [{"command": ["x"]}, {"device": None}, {"device": "x" * MAX_EVALUATION_BYTES}],
    ids=lambda change: json.dumps(change)[:30],
)
def test_an_evaluation_of_another_shape_counts_as_missing(model, change):
    for value in (evaluation_of(model, **change), [evaluation_of(model)]):
        (model / "evaluation.json").write_text(json.dumps(value))
        assert read_evaluation(model) is None
