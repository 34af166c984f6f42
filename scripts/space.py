"""Deploy the page as a Hugging Face Space: the files that it needs, and the Space's settings."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from dcgan import InputError
from dcgan.files import is_free
from dcgan.hub.download import FILES, parse_name
from dcgan.hub.load import load_model
from dcgan.hub.upload import check_repo_id, check_token, hub_errors

ROOT = Path(__file__).resolve().parents[1]
HARDWARE = ("zero-a10g", "cpu-basic")  # the page computes on the CPU on both
CPU_TORCH = "--extra-index-url https://download.pytorch.org/whl/cpu\n"  # 200 MB instead of gigabytes of CUDA
README = """\
---
{settings}---

# {title}

A page to play with [{repo}](https://huggingface.co/{repo}), a DCGAN that generates handwritten digits.
It was trained on MNIST.
"""


@dataclass(frozen=True)
class Deployed:
    """Where the Space is. `changed` names what this deploy changed there."""

    url: str
    commit: str
    changed: tuple[str, ...]


def pinned(package: str) -> str:
    """Return the version that requirements.txt pins."""
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{package}=="):
            return line.partition("==")[2]
    raise ValueError(f"requirements.txt does not pin {package}")


def space_requirements(hardware: str) -> str:
    """Return the Space's requirements.txt: what the page imports. A CPU Space gets the CPU build of torch."""
    packages = [
        f"{name}=={pinned(name)}\n" for name in ("av", "gradio", "torch", "huggingface-hub", "safetensors", "fonttools")
    ]
    return (CPU_TORCH if hardware.startswith("cpu") else "") + "".join(packages)


def space_readme(repo: str, hardware: str, commit: str) -> str:
    """Return the Space's README.md: the settings in the repository's own README.md, and those of this Space."""
    from huggingface_hub import metadata_load
    from huggingface_hub.utils import yaml_dump

    settings = metadata_load(ROOT / "README.md") | {
        "sdk_version": pinned("gradio"),
        "suggested_hardware": hardware,
        "models": [repo],
        "preload_from_hub": [f"{repo} {','.join(FILES)} {commit}"],
    }
    return README.format(settings=yaml_dump(settings, sort_keys=False), title=settings["title"], repo=repo)


def write_space(folder: Path, model: str, hardware: str, commit: str) -> None:
    """Write the Space's files into a new or empty folder: the page, the package with the bundled models, settings."""
    folder.mkdir(parents=True, exist_ok=True)
    unwanted = shutil.ignore_patterns("__pycache__", ".*")
    shutil.copy(ROOT / "app.py", folder)
    for package in ("demo", "dcgan"):
        shutil.copytree(ROOT / package, folder / package, ignore=unwanted)
    repo, _ = parse_name(model)
    (folder / "README.md").write_text(space_readme(repo, hardware, commit), encoding="utf-8")
    (folder / "requirements.txt").write_text(space_requirements(hardware), encoding="utf-8")


def check_settings(model: str, hardware: str) -> None:
    """Raise `InputError` if `model` is not a Hub name, or for unknown hardware."""
    if parse_name(model) is None:
        raise InputError(f"model is {model!r}: write user/repo or user/repo@revision")
    if hardware not in HARDWARE:
        raise InputError(f"hardware is {hardware!r}: it must be one of {', '.join(HARDWARE)}")


def dry_run(folder: Path, model: str, hardware: str) -> None:
    """Write the Space's files to a new or empty folder. Raises `InputError` if it holds something."""
    check_settings(model, hardware)
    if not is_free(folder):
        raise InputError(f"{folder} exists already: name a new or empty folder")
    commit = load_model(model).commit
    parent = next(parent for parent in folder.absolute().parents if parent.is_dir())
    with tempfile.TemporaryDirectory(dir=parent) as temporary:
        tree = Path(temporary) / "space"
        write_space(tree, model, hardware, commit)
        folder.parent.mkdir(parents=True, exist_ok=True)
        tree.replace(folder)


def deploy(space: str, model: str, hardware: str, *, private: bool = False) -> Deployed:
    """Create or update the Space: exactly the files of `write_space`, the variable DCGAN_MODEL and the hardware.

    It can be repeated: what is right already is not touched. The model is loaded first, so that the Space gets one
    that works. Raises `InputError`.
    """
    from huggingface_hub import HfApi

    check_settings(model, hardware)
    check_repo_id(space)
    check_token()
    api = HfApi()
    commit, changed = load_model(model).commit, []
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
            delete_patterns="*",  # files of an earlier deploy
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
