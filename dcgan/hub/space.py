"""A Hugging Face Space from this repository: the files that the page needs, and its settings."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from dcgan import InputError
from dcgan.files import is_free
from dcgan.hub import download as hub
from dcgan.hub.load import load_model
from dcgan.hub.upload import check_repo_id, check_token, hub_errors

ROOT = Path(__file__).resolve().parents[2]
HARDWARE = ("zero-a10g", "cpu-basic", "t4-small")
CPU_TORCH = "--extra-index-url https://download.pytorch.org/whl/cpu\n"  # 200 MB in place of gigabytes of CUDA
README = """\
---
title: Digits that nobody wrote
emoji: ✍️
colorFrom: yellow
colorTo: gray
sdk: gradio
sdk_version: {gradio}
python_version: "3.12"
app_file: app.py
short_description: Handwritten digits from a DCGAN, to play with
license: mit
suggested_hardware: {hardware}
models:
- {repo}
datasets:
- ylecun/mnist
preload_from_hub:
- {repo} {files} {commit}
---

# Handwritten digits that nobody wrote

A page to play with [{repo}](https://huggingface.co/{repo}), a DCGAN that learnt handwritten digits from MNIST.
"""


@dataclass(frozen=True)
class Deployed:
    """Where the Space is; `changed` says what this deploy did there, nothing where all was as asked for."""

    url: str
    commit: str
    changed: tuple[str, ...]


def pinned(package: str) -> str:
    """A package's version in requirements.txt: the one place that pins it."""
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{package}=="):
            return line.partition("==")[2]
    raise ValueError(f"requirements.txt does not pin {package}")


def space_requirements(hardware: str) -> str:
    """What the page needs, without torchvision; a CPU Space gets the CPU build of torch."""
    packages = [f"{name}=={pinned(name)}\n" for name in ("av", "gradio", "torch", "huggingface-hub", "safetensors")]
    return (CPU_TORCH if hardware.startswith("cpu") else "") + "".join(packages)


def write_space(folder: Path, model: str, hardware: str, commit: str) -> None:
    """Write the Space's tree into an empty or new folder: app, page, package, bundled weights, settings."""
    folder.mkdir(parents=True, exist_ok=True)
    unwanted = shutil.ignore_patterns("__pycache__", ".*")
    shutil.copy(ROOT / "app.py", folder)
    for package in ("demo", "dcgan"):
        shutil.copytree(ROOT / package, folder / package, ignore=unwanted)
    repo, _ = hub.parse_name(model)
    readme = README.format(
        gradio=pinned("gradio"), hardware=hardware, repo=repo, files=",".join(hub.FILES), commit=commit
    )
    (folder / "README.md").write_text(readme, encoding="utf-8")
    (folder / "requirements.txt").write_text(space_requirements(hardware), encoding="utf-8")


def check_wishes(model: str, hardware: str) -> None:
    if hub.parse_name(model) is None:
        raise InputError(f"model is {model!r}: write user/repo or user/repo@revision")
    if hardware not in HARDWARE:
        raise InputError(f"hardware is {hardware!r}: it must be one of {', '.join(HARDWARE)}")


def model_commit(model: str) -> str:
    """The commit to preload: the model is loaded, and so known to be there, whole and good."""
    return load_model(model).commit


def dry_run(folder: Path, model: str, hardware: str) -> None:
    """Write the tree to a folder, to be looked at and run. Raises `InputError` if it holds something."""
    check_wishes(model, hardware)
    if not is_free(folder):
        raise InputError(f"{folder} exists already: name a new or empty folder")
    commit = model_commit(model)
    with tempfile.TemporaryDirectory(dir=existing_parent(folder)) as temporary:
        tree = Path(temporary) / "space"
        write_space(tree, model, hardware, commit)
        folder.parent.mkdir(parents=True, exist_ok=True)
        tree.replace(folder)


def existing_parent(folder: Path) -> Path:
    return next(parent for parent in folder.absolute().parents if parent.is_dir())


def deploy(space: str, model: str, hardware: str, *, private: bool = False) -> Deployed:
    """Create or update the Space with exactly the tree of `write_space`, its variables and its hardware.

    Safe to repeat: what is as asked for already is left alone. Raises `InputError` in a sentence.
    """
    from huggingface_hub import HfApi

    check_wishes(model, hardware)
    check_repo_id(space)
    api = HfApi()
    check_token(api)
    commit, changed = model_commit(model), []
    with hub_errors(f"deploy to {space}"), tempfile.TemporaryDirectory() as temporary:
        tree = Path(temporary) / "space"
        write_space(tree, model, hardware, commit)
        if not api.repo_exists(space, repo_type="space"):
            changed.append("created")
        api.create_repo(
            space, repo_type="space", space_sdk="gradio", space_hardware=hardware, private=private, exist_ok=True
        )
        before = api.repo_info(space, repo_type="space").sha
        done = api.upload_folder(
            repo_id=space,
            repo_type="space",
            folder_path=tree,
            delete_patterns="*",  # what an older version left there
            commit_message=f"Deploy with {model}",
            parent_commit=before,
        )
        if done.oid != before:
            changed.append("files")
        variables = api.get_space_variables(space)
        if "DCGAN_MODEL" not in variables or variables["DCGAN_MODEL"].value != model:
            api.add_space_variable(space, "DCGAN_MODEL", model)
            changed.append("DCGAN_MODEL")
        runtime = api.get_space_runtime(space)
        if "created" not in changed and hardware not in (runtime.requested_hardware, runtime.hardware):
            api.request_space_hardware(space, hardware)
            changed.append("hardware")
    return Deployed(f"{api.endpoint}/spaces/{space}", done.oid, tuple(changed))
