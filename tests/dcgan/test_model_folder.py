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
from dcgan.hub.load import bundled_models, load_model
from dcgan.latents.sampling import sample
from dcgan.model_folder import BUNDLED, MAX_CONFIG_BYTES, ModelError, read_config, save_weights, write_config
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


def test_channels_last_weights_are_saved_as_they_are(tmp_path):
    """The trainer keeps its networks channels_last, the file is always contiguous."""
    generator = Generator(CONFIG)
    save_weights(generator, tmp_path / "a.safetensors")
    save_weights(generator.to(memory_format=torch.channels_last), tmp_path / "b.safetensors")
    first, second = load_file(tmp_path / "a.safetensors"), load_file(tmp_path / "b.safetensors")
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_same_weights_are_the_same_bytes(tmp_path):
    """Else a model cannot be compared by its checksum, nor a refresh on the Hub be seen to change nothing."""
    generator = Generator(CONFIG)
    contents = set()
    for _ in range(20):
        save_weights(generator, tmp_path / "model.safetensors")
        contents.add((tmp_path / "model.safetensors").read_bytes())
    assert len(contents) == 1


def test_weights_are_as_readable_as_the_config(model):
    """A host may serve what another user has trained."""
    save_weights(Generator(CONFIG), model / "model.safetensors")
    assert (model / "model.safetensors").stat().st_mode == (model / "config.json").stat().st_mode


def test_full_disk_keeps_the_old_weights(model, full_disk):
    old = (model / "model.safetensors").read_bytes()
    with full_disk(20_000), pytest.raises(OSError, match="too large"):
        save_weights(Generator(CONFIG), model / "model.safetensors")
    assert (model / "model.safetensors").read_bytes() == old
    assert sorted(path.name for path in model.iterdir()) == [
        "config.json",
        "discriminator.safetensors",
        "model.safetensors",
    ]


# Names.


def test_bundled_models_are_found_by_name():
    names = bundled_models()
    for name in names:
        model = load_model(name)
        assert model.name == name and model.folder == BUNDLED / name
        assert sample(model.generator, [0]).images.std() > 10
    assert names == sorted(names, key=lambda name: ("conditional" not in name, name))


@pytest.mark.parametrize("name", ["no-such-model", "", ".", "/dev/null", "a\0b", "a/b/c", "x" * 5000])
def test_unknown_name_lists_the_names_there_are(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sentence = reason(name)
    assert "there is no model" in sentence
    assert all(bundled in sentence for bundled in bundled_models())


def test_folder_is_found_relative_to_where_one_is(model, monkeypatch):
    monkeypatch.chdir(model.parent)
    assert load_model("model").config == CONFIG
    assert load_model("./model").config == CONFIG


# Damaged and hostile weights. Each gives a reason, none is loaded in part.


def tensors_of(model):
    return load_file(model / "model.safetensors")


def rewrite(model, tensors):
    save_file(tensors, model / "model.safetensors")


@pytest.mark.parametrize("size", [0, 5, 8, 100, -1, -1000])
@pytest.mark.parametrize("name", ["model.safetensors", "discriminator.safetensors"])
def test_truncated(model, name, size):
    content = (model / name).read_bytes()
    (model / name).write_bytes(content[:size])
    assert name in reason(model) and "bytes" in reason(model)


def test_trailing_bytes(model):
    with (model / "model.safetensors").open("ab") as file:
        file.write(b"\0")
    assert "bytes" in reason(model)


def test_missing_files(model):
    (model / "discriminator.safetensors").unlink()
    assert reason(model).endswith("discriminator.safetensors cannot be read: No such file or directory")
    (model / "config.json").unlink()
    assert "there is no model" in reason(model)


def test_folder_in_place_of_a_file(model):
    (model / "model.safetensors").unlink()
    (model / "model.safetensors").mkdir()
    assert "model.safetensors cannot be read" in reason(model)


def test_header_that_is_no_header(model):
    content = (model / "model.safetensors").read_bytes()
    (model / "model.safetensors").write_bytes(content[:8] + b"!" + content[9:])
    assert "no valid safetensors file" in reason(model)


def test_header_that_claims_to_be_huge(model):
    content = (model / "model.safetensors").read_bytes()
    (model / "model.safetensors").write_bytes(struct.pack("<Q", 2**63) + content[8:])
    assert "bytes" in reason(model)


def test_header_that_names_a_tensor_twice(model):
    content = (model / "model.safetensors").read_bytes()
    end = 8 + struct.unpack("<Q", content[:8])[0]
    entries = content[8:end].strip()[1:-1]
    header = b'{"to_image.bias":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},' + entries + b"}"
    (model / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + content[end:])
    assert "names to_image.bias twice" in reason(model)


@pytest.mark.parametrize("numbers", [0, 1], ids=["empty", "of one number"])
def test_extra_key(model, numbers):
    """An empty tensor passes the check of the file's size, not that of the names."""
    rewrite(model, tensors_of(model) | {"backdoor": torch.zeros(numbers)})
    assert ("weights backdoor" if numbers == 0 else "bytes") in reason(model)


def test_missing_key(model):
    tensors = tensors_of(model)
    del tensors["to_image.bias"]
    rewrite(model, tensors)
    assert "bytes" in reason(model)


def test_renamed_key(model):
    tensors = tensors_of(model)
    tensors["to_picture.bias"] = tensors.pop("to_image.bias")
    rewrite(model, tensors)
    assert reason(model).endswith("differ in the weights to_image.bias, to_picture.bias")


def test_misshapen(model):
    tensors = tensors_of(model)
    tensors["project.weight"] = tensors["project.weight"].transpose(0, 1).contiguous()
    rewrite(model, tensors)
    assert "project.weight is torch.float32 (32, 110, 4, 4)" in reason(model)
    assert "asks for torch.float32 (110, 32, 4, 4)" in reason(model)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_other_precision(model, dtype):
    rewrite(model, {name: tensor.to(dtype) for name, tensor in tensors_of(model).items()})
    assert "bytes" in reason(model)


def test_other_type_of_the_same_size(model):
    tensors = tensors_of(model)
    tensors["project.weight"] = tensors["project.weight"].to(torch.int32)
    rewrite(model, tensors)
    assert "project.weight is torch.int32" in reason(model)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("key", ["project.weight", "norms.1.running_var"])
def test_values_that_are_not_finite(model, key, value):
    tensors = tensors_of(model)
    tensors[key].view(-1)[-1] = value
    rewrite(model, tensors)
    assert f"{key} holds values that are not finite" in reason(model)


class Attack:
    def __reduce__(self):
        return os.mkdir, ("pickle-was-run",)


def test_pickle_is_never_run(model, monkeypatch):
    monkeypatch.chdir(model)
    (model / "model.safetensors").write_bytes(pickle.dumps(Attack()))
    assert "bytes" in reason(model)
    torch.save({"weights": Attack()}, model / "model.safetensors")
    assert "bytes" in reason(model)
    assert not (model / "pickle-was-run").exists()


def test_weights_of_another_model(model, make_model, tmp_path):
    other = make_model(tmp_path / "other", ModelConfig(base_channels=16, num_classes=10))
    shutil.copy(other / "model.safetensors", model)
    assert "its config asks for" in reason(model)


def test_generator_and_discriminator_swapped(model):
    (model / "model.safetensors").rename(model / "x")
    (model / "discriminator.safetensors").rename(model / "model.safetensors")
    (model / "x").rename(model / "discriminator.safetensors")
    assert "its config asks for" in reason(model)


# Damaged and hostile configs.


def memory(field: str) -> int:
    """A line of /proc/self/status, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field + ":")).split()[1]) * 1024


def good_config() -> dict:
    return {"format_version": 1, "model": CONFIG.to_dict(), "training": {}}


def changed(**change: object) -> dict:
    return good_config() | {"model": CONFIG.to_dict() | change}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (changed(colour=3), "ModelConfig has no field colour"),
        (changed(base_channels=10**6), "base_channels is 1000000: it must be at least 4 and at most 512"),
        (changed(latent_dim="100"), "latent_dim is '100': it must be of type int"),
        (changed(image_size=[32]), "image_size is"),
        (changed(num_classes=None), "num_classes is None"),
        ({"format_version": 1, "model": {}}, "ModelConfig lacks base_channels"),
        ({"format_version": 1, "model": [100, 64]}, "ModelConfig must be an object"),
        ({"format_version": 1}, "ModelConfig must be an object"),
        (good_config() | {"format_version": 2}, "has not format_version 1"),
        ({"model": CONFIG.to_dict()}, "has not format_version 1"),
        ([good_config()], "has not format_version 1"),
        (None, "has not format_version 1"),
    ],
)
def test_config_that_is_no_config(model, values, sentence):
    (model / "config.json").write_text(json.dumps(values))
    assert sentence in reason(model)
    assert "config.json" in reason(model)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"not json", b"\xff\xfe", b"[" * 60_000, b'{"format_version": 1' + b"0" * 5000 + b"}"],
    ids=["empty", "cut", "text", "not UTF-8", "deeply nested", "huge number"],
)
def test_config_that_is_no_json(model, content):
    (model / "config.json").write_bytes(content)
    assert "config.json is not valid JSON" in reason(model)


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


def test_config_round_trip(tmp_path):
    training = {"epochs_done": 3, "recipe": TrainConfig().to_dict()}
    write_config(tmp_path, CONFIG, training)
    assert read_config(tmp_path) == (CONFIG, training)


def test_training_record_that_is_no_record_is_ignored(model):
    (model / "config.json").write_text(json.dumps(good_config() | {"training": "a lot"}))
    assert load_model(str(model)).training == {}
