"""Pulls: the real client, in the child process that a pull runs in, against the loopback Hub and its faults."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch
from hub_server import HubServer, running_hub
from safetensors.torch import load_file, save_file

from dcgan.config import ModelConfig
from dcgan.hub import download as dcgan_hub
from dcgan.hub.download import FILES, HubError, cached_model, parse_name, pull, pull_training_files
from dcgan.hub.load import load_model
from dcgan.model_folder import ModelError
from scripts import train as train_script

REPO = "user/digits"
CONFIG = ModelConfig(base_channels=4, num_classes=10)


@pytest.fixture(scope="module")
def files(tmp_path_factory, make_model) -> dict[str, bytes]:
    folder = make_model(tmp_path_factory.mktemp("models") / "model", CONFIG)
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def other_files(files, tmp_path_factory) -> dict[str, bytes]:
    """The same model with other weights."""
    return files | {"model.safetensors": changed(files, tmp_path_factory.mktemp("other"), lambda tensor: tensor * 0.5)}


def changed(files: dict[str, bytes], folder: Path, change: Callable[[torch.Tensor], torch.Tensor]) -> bytes:
    path = folder / "changed.safetensors"
    path.write_bytes(files["model.safetensors"])
    tensors = load_file(path)
    tensors["to_image.weight"] = change(tensors["to_image.weight"])
    save_file(tensors, path)
    return path.read_bytes()


@pytest.fixture
def hub(tmp_path, monkeypatch, files) -> Iterator[HubServer]:
    """A Hub that has the model; this process and its children use it, with an empty cache."""
    with running_hub() as hub:
        hub.commit(REPO, files)
        for name, value in hub.environment(tmp_path, None).items():
            monkeypatch.setenv(name, value)
        # The client in this process, which only reads the cache, has frozen its folder at import.
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hf_home" / "hub"))
        yield hub


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def test_names_of_the_hub():
    assert parse_name("user/repo") == ("user/repo", "main")
    assert parse_name("user/repo@v1.0") == ("user/repo", "v1.0")
    assert parse_name("user/repo@refs/pr/1") == ("user/repo", "refs/pr/1")
    for name in ("mnist", "", "a/b/c", "/etc/passwd", "../secrets", "user/repo@", "user/repo@-x", "a b/c", "./run"):
        assert parse_name(name) is None, name


def test_a_pull_is_byte_for_byte_and_a_known_commit_asks_no_one(hub, files, other_files):
    first = pull(REPO)
    assert contents(first.folder) == files
    assert first.problem is None
    assert first.commit == hub.repos["model", REPO].at("main").id
    hub.commit(REPO, other_files)
    second = pull(REPO)
    assert second.commit != first.commit
    assert contents(second.folder) == other_files
    asked = len(hub.requests)
    assert contents(pull(f"{REPO}@{first.commit}").folder) == files
    assert len(hub.requests) == asked
    assert not [path for _, path in hub.requests if "agent" in path]  # no telemetry


COLD = [  # (fault, what it strikes, how long a pull may take, the sentence)
    ("silent", {}, 30, "could not be reached"),
    ("unauthorized", {}, 30, "or it is private"),
    ("gated", {}, 30, "is gated"),
    ("no_repo", {}, 30, "has no model user/digits"),
    ("no_revision", {}, 30, "has no revision main"),
    ("no_entry", {"path": "discriminator"}, 30, "has not all files of a model"),
    ("rate_limit", {}, 30, r"error \(429\)"),
    ("server_error", {}, 30, r"error \(500\)"),
    ("server_error", {"path": "/blobs/", "method": "GET"}, 30, r"error \(500\)"),
    ("cut", {"path": "model.safetensors", "method": "GET"}, 4, "did not deliver model.safetensors within 4 s"),
    ("stall", {"path": "model.safetensors", "method": "GET"}, 4, "did not deliver model.safetensors within 4 s"),
    ("trickle", {"path": "model.safetensors", "method": "GET"}, 4, "did not deliver model.safetensors within 4 s"),
    ("short", {"path": "model.safetensors", "method": "GET"}, 30, "cut short"),
    ("flip", {"path": "model.safetensors", "method": "GET"}, 30, "arrived damaged twice"),
]


@pytest.mark.parametrize(("kind", "where", "seconds", "sentence"), COLD)
def test_what_goes_wrong_is_a_sentence_and_the_last_good_model_stays(
    hub, tmp_path, other_files, kind, where, seconds, sentence
):
    hub.fault(kind, **where)
    started = time.monotonic()
    with pytest.raises(HubError, match=sentence):  # cold: the cache is empty
        pull(REPO, seconds)
    assert time.monotonic() - started < 15
    hub.clear_faults()
    shutil.rmtree(tmp_path / "hf_home", ignore_errors=True)
    good = load_model(REPO)
    hub.commit(REPO, other_files)  # main moves, and then it goes wrong
    hub.fault(kind, **where)
    shown = load_model(REPO, seconds)
    assert shown.commit == good.commit
    assert torch.equal(shown.generator.to_image.weight, good.generator.to_image.weight)
    with pytest.raises(HubError, match=sentence):
        raise HubError(shown.problem)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "http://nowhere.invalid"])
def test_a_hub_that_is_not_there(hub, monkeypatch, endpoint):
    good = load_model(REPO)
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    shown = load_model(REPO, 8)
    assert shown.commit == good.commit
    assert "could not be reached" in shown.problem
    with pytest.raises(HubError, match="could not be reached"):
        pull("user/another", 8)


def test_a_cache_that_cannot_be_written(hub, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "file" / "cache"))  # not even root can write there
    with pytest.raises(HubError, match="the cache cannot be written"):
        pull(REPO, 30)


def test_a_damaged_file_in_the_cache_is_fetched_again_and_never_used(hub, files):
    pulled = load_model(REPO)
    blob = (pulled.folder / "model.safetensors").resolve()
    content = bytearray(blob.read_bytes())
    content[-1] ^= 1
    blob.write_bytes(content)
    assert cached_model(REPO, "main") is None
    hub.fault("server_error")
    with pytest.raises(HubError, match="500"):
        pull(REPO)
    hub.clear_faults()
    assert contents(pull(REPO).folder) == files


def weights_with(value: float) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda tensor: torch.full_like(tensor, value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (weights_with(float("nan")), "not finite"),
        (weights_with(0.0), "draw nothing"),
        (lambda tensor: tensor.double(), "bytes"),
        (lambda tensor: tensor[:1].clone(), "bytes"),
    ],
)
def test_bad_weights_are_refused_and_the_good_ones_stay(hub, files, tmp_path, change, sentence):
    good = load_model(REPO)
    hub.commit(REPO, {"model.safetensors": changed(files, tmp_path, change)})
    shown = load_model(REPO)
    assert shown.commit == good.commit
    assert sentence in shown.problem
    shutil.rmtree(tmp_path / "hf_home")
    with pytest.raises(ModelError, match=sentence):
        load_model(REPO)


def test_a_config_that_asks_for_too_much_is_refused_before_anything_is_made(hub, files):
    hub.commit(
        REPO, {"config.json": files["config.json"].replace(b'"base_channels": 4', b'"base_channels": 1000000000')}
    )
    with pytest.raises(ModelError, match="base_channels is 1000000000: it must be at least 4 and at most 512"):
        load_model(REPO)


def test_what_is_announced_as_too_large_is_not_downloaded(hub, files):
    hub.commit(REPO, {"config.json": files["config.json"] + b" " * 70_000})
    with pytest.raises(HubError, match=r"more than 65,536, so it is not downloaded"):
        pull(REPO)


def test_a_token_is_in_no_message(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret_and_wrong")
    with pytest.raises(HubError) as error:
        pull(REPO)
    assert "secret" not in str(error.value)


def test_the_story_of_a_model_comes_later_as_far_as_there_is_one(hub):
    hub.commit(REPO, {"history.jsonl": b'{"epoch": 1}\n'})
    model = load_model(REPO)
    assert not (model.folder / "history.jsonl").exists()  # nobody waits for it at the start
    assert pull_training_files(REPO, model.commit)
    assert (model.folder / "history.jsonl").read_bytes() == b'{"epoch": 1}\n'
    assert not (model.folder / "progress.webp").exists()
    hub.commit(REPO, {"evaluation.json": b" " * 300_000})
    model = load_model(REPO)
    assert not pull_training_files(REPO, model.commit)  # too large to be one
    assert not (model.folder / "evaluation.json").exists()
    hub.fault("server_error")
    assert not pull_training_files(REPO, "0" * 40, 10)


def test_a_model_of_the_hub_is_trained_on_with_its_story(hub, tiny_run, tiny_flags, tmp_path):
    hub.commit(REPO, {path.name: path.read_bytes() for path in tiny_run.iterdir() if path.suffix != ".pt"})
    out = tmp_path / "on"
    command = ["--preset", "mnist-conditional", *tiny_flags, "--epochs", "4", "--out", str(out)]
    assert train_script.main([*command, "--start-from", f"{REPO}@main"]) == 0
    assert (out / "history.jsonl").read_text().startswith((tiny_run / "history.jsonl").read_text())
    assert load_model(str(out)).training["mean_with_ends_of_epochs"] == [3]


def test_a_child_that_hangs_is_ended(hub):
    hub.fault("trickle", path="discriminator", method="GET")
    with pytest.raises(HubError, match="did not deliver discriminator"):
        pull(REPO, 4)
    hub.clear_faults()
    assert pull(REPO).problem is None  # no lock of the ended child is left
    assert dcgan_hub.REQUEST_SECONDS <= 5
