"""The host's life in four commands: push, pull, refresh, deploy, with the real client and the loopback Hub."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
from gradio_client import Client
from hub_server import HubServer, running_hub
from page_server import ROOT, serving
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from dcgan.files import write_json
from dcgan.hub.card import write_card
from dcgan.hub.download import FILES
from dcgan.hub.load import load_model
from dcgan.latents.sampling import crop, sample
from dcgan.model_folder import weights_sha256
from scripts import push

REPO, SPACE = "user/digits", "user/space"
PUSHED = {"config.json", "model.safetensors", "discriminator.safetensors", "README.md"}
PUSHED |= {"samples.png", "history.jsonl", "progress.webp"}


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    with running_hub() as hub:
        yield hub


ONE_AFTER_ANOTHER = """
import contextlib, importlib, io, json, os, sys

from scripts import cli

done = []
for name, arguments, token in json.loads(sys.argv[1]):
    os.environ["HF_TOKEN"] = token or ""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            cli.run(lambda: importlib.import_module(f"scripts.{name}").main(arguments))
        except SystemExit as end:
            code = end.code
    done.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(done))
"""


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def refusal(self) -> str:
        """The one sentence of a script that refused, without a traceback or a token."""
        assert self.code == 2, self.err
        assert "Traceback" not in self.err
        assert not any(token in self.out + self.err for token in ("hf_test", "hf_read", "hf_wrong"))
        (sentence,) = (line for line in self.err.splitlines() if line.startswith("error: "))
        return sentence


@pytest.fixture
def scripts(hub, tmp_path) -> Callable[..., list[Done]]:
    """Run scripts one after another in a process of its own: the client there knows only the loopback Hub.

    Each is (name, arguments) or (name, arguments, token).
    """

    def run(*calls: tuple, **environment: str) -> list[Done]:
        calls = [
            (name, [str(argument) for argument in arguments], *(token or ["hf_test"]))
            for name, arguments, *token in calls
        ]
        done = subprocess.run(
            [sys.executable, "-c", ONE_AFTER_ANOTHER, json.dumps(calls)],
            env=hub.environment(tmp_path) | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert done.returncode == 0, done.stderr
        return [Done(*one) for one in json.loads(done.stdout)]

    return run


def publish(hub: HubServer, repo: str, folder: Path) -> str:
    """What a push does, without one: for tests of what comes after."""
    return hub.commit(repo, {name: (folder / name).read_bytes() for name in PUSHED})


def drawn(client: Client, model: str) -> np.ndarray:
    picture, _ = client.predict(model, 5, 10, "any", 1.0, api_name="/generate")
    return np.asarray(Image.open(picture).convert("L"))[2:30, 2:300]


def expected(folder: Path) -> np.ndarray:
    pictures = crop(sample(load_model(str(folder)).generator, range(5, 15)).images, 2)[:, 0]
    return np.concatenate([np.pad(picture, ((0, 0), (0, 2))) for picture in pictures], axis=1)[:, :-2]


def on_hub(hub: HubServer, repo: str) -> dict[str, bytes]:
    """The files of a model repo, without .gitattributes, which it has from the start."""
    return {name: data for name, data in hub.repos["model", repo].files().items() if name != ".gitattributes"}


def test_push_makes_one_commit_and_none_when_nothing_changed_and_never_moves_a_tag(
    hub, scripts, tiny_run, tmp_path, capsys
):
    asked = len(hub.requests)
    assert push.main([str(tiny_run), REPO, "--dry-run"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in PUSHED) and "checkpoint" not in listed
    assert len(hub.requests) == asked
    own_card = (tiny_run / "README.md").read_text()
    other = Path(shutil.copytree(tiny_run, tmp_path / "other"))
    (other / "samples.png").write_bytes(b"others")
    flags = [REPO, "--private", "--tag", "v1"]
    done, again, moved = scripts(*(("push", [folder, *flags]) for folder in (tiny_run, tiny_run, other)))
    assert (done.code, again.code) == (0, 0), done.err + again.err
    repo = hub.repos["model", REPO]
    commit = repo.at("v1").id
    first, second = done.out.splitlines()
    assert first == f"{hub.endpoint}/{REPO}: commit {commit}"
    assert second.startswith("tagged v1") and f"{REPO}@v1" in second
    assert again.out.splitlines()[0] == f"{hub.endpoint}/{REPO}: unchanged, at commit {commit}"
    assert "has a tag v1 already" in moved.refusal
    assert repo.private and len(repo.commits) == 3  # one of each push that changed something, on an empty one
    files = repo.files("v1")
    assert set(files) - {".gitattributes"} == PUSHED  # and no checkpoint
    with safe_open(tiny_run / "model.safetensors", "pt") as weights:
        assert weights.metadata()["format_version"] == "1"
    assert all(files[name] == (tiny_run / name).read_bytes() for name in PUSHED - {"README.md"})
    assert f"# {REPO}\n" in files["README.md"].decode()
    assert (tiny_run / "README.md").read_text() == own_card != files["README.md"].decode()


def evaluate(folder: Path) -> None:
    """What scripts/evaluate.py writes, without its minutes of measuring."""
    run = {"sampling_seed": 0, "precision": 0.987}
    about = {"weights_sha256": weights_sha256(folder), "command": "python scripts/evaluate.py", "device": "CPU"}
    write_json(folder / "evaluation.json", about | {"runs": [run]})
    (folder / "novelty.png").write_bytes(b"PNG")
    write_card(folder)


def test_measurements_go_with_the_weights_that_they_were_measured_on(hub, scripts, tiny_run, tmp_path):
    repo, measured = "user/measured", {"evaluation.json", "novelty.png"}
    folder = Path(shutil.copytree(tiny_run, tmp_path / "model"))
    evaluate(folder)
    (done,) = scripts(("push", [folder, repo]))
    assert done.code == 0, done.err
    assert set(on_hub(hub, repo)) == PUSHED | measured
    assert "0.987" in on_hub(hub, repo)["README.md"].decode()
    hub.commit(repo, {"notes.txt": b"somebody else's"})

    change_weights(folder, 0.5)
    (folder / "progress.webp").unlink()
    commits = len(hub.repos["model", repo].commits)
    done, again = scripts(("push", [folder, repo]), ("push", [folder, repo]))
    assert (done.code, again.code) == (0, 0), done.err
    assert set(on_hub(hub, repo)) == PUSHED - {"progress.webp"} | {"notes.txt"}
    assert "0.987" not in on_hub(hub, repo)["README.md"].decode()
    assert measured <= {path.name for path in folder.iterdir()}  # the folder is as it was
    assert len(hub.repos["model", repo].commits) == commits + 1 and "unchanged" in again.out


def test_refusals_are_sentences_without_the_token(hub, scripts, tiny_run, tmp_path):
    publish(hub, REPO, tiny_run)
    broken = Path(shutil.copytree(tiny_run, tmp_path / "broken"))
    (broken / "model.safetensors").write_bytes(b"no weights at all")
    shutil.copytree(tiny_run, tmp_path / "runs" / "digits")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()
    calls = {
        "there is no Hub token": ("push", [tiny_run, "user/new"], None),
        "does not accept this token": ("push", [tiny_run, "user/new"], "hf_wrong"),
        "no write access": ("push", [tiny_run, "user/new"], "hf_read"),
        "'no-slash' is not a valid repo": ("push", [tiny_run, "no-slash"]),
        "not a folder": ("push", [tmp_path / "nowhere", "user/new"]),
        "model.safetensors is 17 bytes": ("push", [broken, "user/new"]),
        "has no model user/nothing": ("deploy_space", [SPACE, "--model", "user/nothing"]),
        "'space' is not a valid repo": ("deploy_space", ["space", "--model", REPO]),
        "write user/repo": ("deploy_space", [SPACE, "--model", "mnist"]),
        "a folder here": ("deploy_space", [SPACE, "--model", "runs/digits"]),
        "tag is '-v3'": ("push", [tiny_run, REPO, "--dry-run", "--tag=-v3"]),
        "no Hub token": ("deploy_space", [SPACE, "--model", REPO], None),
        "no model 'nowhere'": ("deploy_space", [SPACE, "--static", "--model", "nowhere"]),
        "needs --model": ("deploy_space", [SPACE]),
        "has none": ("deploy_space", [SPACE, "--static", "--hardware", "cpu-basic"]),
        "exists already": ("deploy_space", [SPACE, "--model", REPO, "--dry-run", tmp_path / "taken"]),
    }
    for done, sentence in zip(scripts(*calls.values()), calls, strict=True):
        assert sentence in done.refusal
    assert ("model", "user/new") not in hub.repos and ("space", SPACE) not in hub.repos
    (done,) = scripts(("push", [tiny_run, REPO]), HF_ENDPOINT="http://127.0.0.1:9")
    assert "no connection" in done.refusal


def test_training_ends_with_a_push_that_can_fail_without_loss(hub, scripts, tiny_run, tmp_path, tiny_flags):
    run = Path(shutil.copytree(tiny_run, tmp_path / "run"))
    flags = ["--preset", "mnist-conditional", "--out", run, *tiny_flags, "--push", "user/trained", "--epochs"]
    (failed,) = scripts(("train", [*flags, 3], None))
    assert f"python scripts/push.py {run} user/trained" in failed.refusal
    evaluate(run)
    done, more = scripts(("train", [*flags, 3]), ("train", [*flags, 4]))  # nothing left to train, then one epoch more
    assert (done.code, more.code) == (0, 0), done.err + more.err
    assert "pushed to" in done.out
    assert load_model(str(run)).training["epochs_done"] == 4
    _, before, after = hub.repos["model", "user/trained"].commits
    assert "evaluation.json" in before.tree and b"0.987" in before.tree["README.md"].data
    assert "evaluation.json" not in after.tree and b"0.987" not in after.tree["README.md"].data
    assert "0.987" not in (run / "README.md").read_text()


def change_weights(folder: Path, factor: float) -> Path:
    tensors = load_file(folder / "model.safetensors")
    tensors["to_image.weight"] *= factor
    save_file(tensors, folder / "model.safetensors")
    return folder


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.5)


def variables(hub: HubServer, folder: Path) -> dict[str, str]:
    """The environment of a page that uses the loopback Hub, without a token."""
    return {name: value for name, value in hub.environment(folder, None).items() if os.environ.get(name) != value}


def test_a_running_page_swaps_in_what_is_new_and_good(hub, tiny_run, tmp_path):
    repo = "user/fresh"
    publish(hub, repo, tiny_run)
    tags = hub.repos["model", repo]
    tags.refs["refs/tags/v1"] = tags.refs["refs/heads/main"]
    names, environment = f"{repo}@v1,{repo}", variables(hub, tmp_path)
    with serving(tmp_path, DCGAN_MODEL=names, DCGAN_REFRESH_MINUTES="0.02", **environment) as url:
        client = Client(url, verbose=False, download_files=tmp_path / "downloads")

        def shown() -> dict:
            return client.predict(api_name="/models")[1]

        assert [model["commit"] for model in client.predict(api_name="/models")] == [tags.at("v1").id] * 2
        assert np.array_equal(drawn(client, f"{repo}@v1"), expected(tiny_run))
        assert np.array_equal(drawn(client, repo), expected(tiny_run))

        newer = change_weights(Path(shutil.copytree(tiny_run, tmp_path / "newer")), 0.5)
        publish(hub, repo, newer)
        wait_for(lambda: shown()["commit"] == hub.repos["model", repo].at("main").id)
        assert np.array_equal(drawn(client, repo), expected(newer))
        assert np.array_equal(drawn(client, f"{repo}@v1"), expected(tiny_run))  # the old tag, the old pictures

        good = shown()["commit"]
        broken = change_weights(Path(shutil.copytree(tiny_run, tmp_path / "broken")), float("nan"))
        hub.commit(repo, {"model.safetensors": (broken / "model.safetensors").read_bytes()})
        wait_for(lambda: "not finite" in (shown()["problem"] or ""))
        assert shown()["commit"] == good
        assert np.array_equal(drawn(client, repo), expected(newer))


def tree_of(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_deploy_uploads_the_tree_of_the_dry_run_once(hub, scripts, tiny_run, tmp_path):
    commit, kinds = publish(hub, REPO, tiny_run), ("cpu-basic", "zero-a10g")
    cpu, zero = ([SPACE, "--model", REPO, "--hardware", kind] for kind in kinds)
    calls = (cpu, cpu, zero, *([*wish, "--dry-run", tmp_path / wish[-1]] for wish in (cpu, zero)))
    done, again, moved, *dry = scripts(*(("deploy_space", call) for call in calls))
    assert [one.code for one in dry] == [0, 0], dry[0].err + dry[1].err
    tree = tree_of(tmp_path / "cpu-basic")
    assert {"app.py", "README.md", "requirements.txt", "demo/page.py", "dcgan/weights/mnist/config.json"} <= set(tree)
    assert not [path for path in tree if path.startswith(("tests", "scripts", "runs", "data", "."))]

    assert done.out.startswith(f"{hub.endpoint}/spaces/{SPACE}: created, files, DCGAN_MODEL, at commit "), done.err
    space, first = hub.repos["space", SPACE], done.out.split()[-1]
    assert {path: data for path, data in space.files(first).items() if path != ".gitattributes"} == tree
    assert (space.variables, space.sdk) == ({"DCGAN_MODEL": REPO}, "gradio")
    assert again.out == f"{hub.endpoint}/spaces/{SPACE}: unchanged, at commit {first}\n"
    assert "files, hardware" in moved.out  # the requirements and the front matter differ
    assert space.hardware == "zero-a10g"

    for kind in kinds:
        requirements = (tmp_path / kind / "requirements.txt").read_text()
        assert ("/whl/cpu" in requirements) == (kind == "cpu-basic")
        assert "\ntorch==" in f"\n{requirements}" and "torchvision" not in requirements
        front = huggingface_hub.RepoCard.load(tmp_path / kind / "README.md").data.to_dict()
        assert (front["sdk"], front["app_file"], front["python_version"]) == ("gradio", "app.py", "3.12")
        assert f"gradio=={front['sdk_version']}\n" in requirements
        assert (front["suggested_hardware"], front["models"]) == (kind, [REPO])
        assert len(front["short_description"]) <= 60
        assert front["preload_from_hub"] == [f"{REPO} {','.join(FILES)} {commit}"]

    # As on a ZeroGPU Space: no torchvision, and a `spaces` that wants to see a decorated function.
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "torchvision.py").write_text("raise ImportError('not on a Space')\n")
    seen = "def GPU(function):\n    print('decorated', function.__name__, flush=True)\n    return function\n"
    (tmp_path / "site" / "spaces.py").write_text(seen)
    environment = variables(hub, tmp_path) | {"PYTHONPATH": str(tmp_path / "site"), "DCGAN_MODEL": REPO}
    with serving(tmp_path, root=tmp_path / "zero-a10g", **environment) as url:
        client = Client(url, verbose=False, download_files=tmp_path / "downloads")
        assert np.array_equal(drawn(client, REPO), expected(tiny_run))
    assert "decorated draw_on_gpu" in (tmp_path / "app.log").read_text()


def test_a_static_space_gets_commits_for_changes_only(hub, scripts, tiny_run, tmp_path):
    repo, space = "user/plain", "user/static"
    first = publish(hub, repo, tiny_run)
    deploy = ("deploy_space", [space, "--static", "--model", repo])
    done, again = scripts(deploy, deploy)
    assert done.out.startswith(f"{hub.endpoint}/spaces/{space}: created, files, at commit "), done.err
    assert again.out == f"{hub.endpoint}/spaces/{space}: unchanged, at commit {done.out.split()[-1]}\n"
    uploaded = hub.repos["space", space]
    files = {name: data for name, data in uploaded.files().items() if name != ".gitattributes"}
    assert {"index.html", "worker.js", "dcgan/models.json"} <= set(files)
    assert uploaded.sdk == "static" and all(data.decode() for data in files.values())  # texts: the Hub keeps them here
    front = huggingface_hub.RepoCard(files["README.md"].decode()).data.to_dict()
    assert (front["sdk"], front["app_file"], front["models"]) == ("static", "index.html", [repo])
    assert not {"sdk_version", "python_version"} & set(front)
    (described,) = json.loads(files["dcgan/models.json"])
    assert (described["name"], described["commit"]) == (repo, first)

    publish(hub, repo, change_weights(Path(shutil.copytree(tiny_run, tmp_path / "newer")), 0.5))
    (refreshed,) = scripts(deploy)
    assert "files, at commit" in refreshed.out
    shutil.copytree(tiny_run, tmp_path / "runs" / "digits")
    (local,) = scripts(("deploy_space", [space, "--static", "--model", "runs/digits", "--dry-run", tmp_path / "a b"]))
    assert local.code == 0 and f"-d '{tmp_path / 'a b'}'" in local.out
    assert "runs/digits" not in (tmp_path / "a b" / "README.md").read_text()  # which is not on the Hub
    (now,) = json.loads(uploaded.files()["dcgan/models.json"])
    weights = {name for name in uploaded.files() if name.startswith("dcgan/weights/")}
    assert weights == {f"dcgan/{now['files'][kind]}" for kind in ("generator", "discriminator", "classifier")}
    assert now["sha256"]["generator"] != described["sha256"]["generator"]
    assert now["sha256"]["classifier"] == described["sha256"]["classifier"]
