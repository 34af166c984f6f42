"""Pulls: the real client, in the child process that a pull runs in, against the loopback Hub and its faults."""

import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from hub_server import HubServer, running_hub
from safetensors.torch import load_file, save_file

from dcgan.config import ModelConfig
from dcgan.hub.download import (
    FILES,
    HubError,
    cached_model,
    parse_name,
    pull,
    pull_training_files,
    read_messages,
)
from dcgan.hub.load import load_model
from dcgan.model_folder import ModelError

REPO = "user/digits"
CONFIG = ModelConfig(base_channels=4, num_classes=10)


@pytest.fixture(scope="module")
def files(tmp_path_factory, make_model) -> dict[str, bytes]:
    folder = make_model(tmp_path_factory.mktemp("models") / "model", CONFIG)
    return {name: (folder / name).read_bytes() for name in FILES}


def changed(files: dict[str, bytes], folder: Path, change: Callable[[torch.Tensor], torch.Tensor]) -> dict[str, bytes]:
    """Return the files of the same model with other weights."""
    path = folder / "changed.safetensors"
    path.write_bytes(files["model.safetensors"])
    tensors = load_file(path)
    tensors["to_image.weight"] = change(tensors["to_image.weight"])
    save_file(tensors, path)
    return files | {"model.safetensors": path.read_bytes()}


@pytest.fixture(scope="module")
def other_files(files, tmp_path_factory) -> dict[str, bytes]:
    return changed(files, tmp_path_factory.mktemp("other"), lambda tensor: tensor * 0.5)


@pytest.fixture
def hub(tmp_path, monkeypatch, files) -> Iterator[HubServer]:
    """A Hub that has the model; this process and its children use it, with an empty cache."""
    with running_hub() as hub:
        hub.commit(REPO, files)
        hub.use(monkeypatch, tmp_path)
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


WEIGHTS = {"path": "model.safetensors", "method": "GET"}
COLD = [  # (fault, what it strikes, how long a pull may take, the sentence)
    ("silent", {}, 30, "could not be reached"),
    ("unauthorized", {}, 30, "or it is private"),
    ("gated", {}, 30, "gated"),
    ("no_repo", {}, 30, "has no model user/digits"),
    ("no_revision", {}, 30, "has no revision main"),
    ("no_entry", {"path": "discriminator"}, 30, "lacks a file of a model"),
    ("rate_limit", {}, 30, r"error \(429\)"),
    ("server_error", {}, 30, r"error \(500\)"),
    ("server_error", {"path": "/blobs/", "method": "GET"}, 30, r"error \(500\)"),
    ("cut", WEIGHTS, 3, "did not deliver model.safetensors within 3 s"),
    ("trickle", WEIGHTS, 3, "did not deliver model.safetensors within 3 s"),
    ("short", WEIGHTS, 30, "cut short"),
    ("flip", WEIGHTS, 30, "arrived damaged twice"),
]


@pytest.mark.parametrize(("kind", "where", "seconds", "sentence"), COLD)
def test_what_goes_wrong_is_a_sentence_and_the_last_good_model_stays(hub, other_files, kind, where, seconds, sentence):
    hub.fault(kind, **where)
    started = time.monotonic()
    with pytest.raises(HubError, match=sentence):  # cold: the cache is empty
        pull(REPO, seconds)
    assert time.monotonic() - started < 15
    hub.clear_faults()
    good = load_model(REPO)  # nothing that the failed pull has left is in the way
    assert good.problem is None
    hub.commit(REPO, other_files)  # main moves, and then it goes wrong
    hub.fault(kind, **where)
    shown = load_model(REPO, seconds)
    assert shown.commit == good.commit
    assert torch.equal(shown.generator.to_image.weight, good.generator.to_image.weight)
    assert re.search(sentence, shown.problem)


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [("HF_ENDPOINT", url, "could not be reached") for url in ("http://127.0.0.1:9", "http://nowhere.invalid")]
    + [("HF_HUB_CACHE", "/dev/null/cache", "the cache cannot be written")],  # not even by root
)
def test_a_hub_that_is_not_there_and_a_cache_that_cannot_be_written(hub, monkeypatch, variable, value, sentence):
    monkeypatch.setenv(variable, value)
    with pytest.raises(HubError, match=sentence):
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


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda tensor: tensor * float("nan"), "not finite"),
        (lambda tensor: tensor * 0, "all the same"),
        (lambda tensor: tensor[:1].clone(), "bytes"),
    ],
    ids=["nan", "zero", "short"],
)
def test_bad_weights_are_refused_and_the_good_ones_stay(hub, files, tmp_path, change, sentence):
    good = load_model(REPO)
    hub.commit(REPO, changed(files, tmp_path, change))
    shown = load_model(REPO)
    assert shown.commit == good.commit
    assert sentence in shown.problem
    shutil.rmtree(tmp_path / "hf_home")
    with pytest.raises(ModelError, match=sentence):
        load_model(REPO)


def test_what_is_announced_as_too_large_is_not_downloaded(hub, files):
    for large, limit in (
        ({"config.json": bytes(70_000)}, "65,536"),
        ({"model.safetensors": bytes(2**26 + 1)}, "67,108,864"),
    ):
        hub.commit(REPO, files | large)
        with pytest.raises(HubError, match=f"the limit is {limit} bytes"):
            pull(REPO)
    assert not any(method == "GET" and "blobs" in path for method, path in hub.requests)


def test_a_token_is_in_no_message(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret_and_wrong")
    with pytest.raises(HubError) as error:
        pull(REPO)
    assert "secret" not in str(error.value)


def test_training_files_are_optional_and_come_after_the_model(hub):
    hub.commit(REPO, {"history.jsonl": b'{"epoch": 1}\n'})
    model = load_model(REPO)
    assert not (model.folder / "history.jsonl").exists()  # the page need not wait for it
    assert pull_training_files(REPO, model.commit)
    assert (model.folder / "history.jsonl").read_bytes() == b'{"epoch": 1}\n'
    assert not (model.folder / "progress.webp").exists()
    hub.commit(REPO, {"evaluation.json": b" " * 300_000, "progress.webp": b"RIFF"})
    model = load_model(REPO)
    assert not pull_training_files(REPO, model.commit)
    assert not (model.folder / "evaluation.json").exists()  # too large
    assert (model.folder / "progress.webp").exists()  # the others come all the same
    hub.fault("server_error")
    assert not pull_training_files(REPO, "0" * 40, 10)


PRINTED = [b"", b"no JSON", b"[]", b"{}", b"7", b"\xff\xfe\x00", b"[" * 100_000, b'{"doing": "deliver"}']
PRINTED += [b'{"folder": "/tmp"}', b'{"commit": "' + b"0" * 40 + b'"}', b'{"folder": "/tmp", "commit": "main"}']
PRINTED += [b'{"folder": ["/tmp"], "commit": {}}', b'{"problem": null}', b'{"problem": NaN}']


@pytest.mark.parametrize("printed", PRINTED, ids=lambda printed: printed[:30])
@pytest.mark.parametrize(("ending", "seconds"), [("exit 0", 30), ("exit 1", 30), ("exec sleep 60", 0.2)])
def test_whatever_a_child_prints_is_a_hub_error(tmp_path, monkeypatch, printed, ending, seconds):
    (tmp_path / "printed").write_bytes(printed)
    child = tmp_path / "python"
    child.write_text(f"#!/bin/sh\ncat '{tmp_path}/printed'\n{ending}\n")
    child.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(child))
    with pytest.raises(HubError):
        pull("user/never", seconds)


def test_a_child_that_cannot_be_started_is_a_hub_error(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(HubError, match="No such file"):
        pull("user/never")


def test_other_lines_in_a_childs_output_are_skipped():
    output = b'a warning\n{"doing": "answer"}\n[1]\n{"folder": "x", "commit": "y"}\n{"fol'
    assert read_messages(output) == [{"doing": "answer"}, {"folder": "x", "commit": "y"}]
