"""Deploy the page as a Hugging Face Space: the files that it needs, and the Space's settings.

A Gradio Space runs `app.py`. A static Space is plain files (demo/plain_page.py).
"""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dcgan import InputError
from dcgan.files import is_free
from dcgan.hub.download import FILES, parse_name
from dcgan.hub.load import load_model, local_folder
from dcgan.hub.upload import check_repo_id, check_token, hub_errors

ROOT = Path(__file__).resolve().parents[1]
HARDWARE = ("zero-a10g", "cpu-basic")  # the page computes on the CPU on both
CPU_TORCH = "--extra-index-url https://download.pytorch.org/whl/cpu\n"  # 200 MB instead of gigabytes of CUDA
README = """\
---
{settings}---

# {title}

A page to play with handwritten digits from a DCGAN that was trained on MNIST.{weights}
"""
PULL_SECONDS = 60.0  # for a model that a static Space gets


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


def space_readme(repo: str | None, without: tuple[str, ...] = (), **settings: object) -> str:
    """Return the Space's README.md: the settings in the repository's own README.md, and those of this Space.

    repo: the model's, None if the model is not on the Hub. without: settings that this Space does not have.
    """
    from huggingface_hub import metadata_load
    from huggingface_hub.utils import yaml_dump

    settings = metadata_load(ROOT / "README.md") | settings | ({"models": [repo]} if repo else {})
    settings = {name: value for name, value in settings.items() if name not in without}
    weights = f" Its weights are from [{repo}](https://huggingface.co/{repo})." if repo else ""
    return README.format(settings=yaml_dump(settings, sort_keys=False), title=settings["title"], weights=weights)


def write_gradio(folder: Path, model: str, hardware: str, commit: str) -> None:
    """Write a Gradio Space's files into a folder: the page, the package with the bundled models, settings."""
    unwanted = shutil.ignore_patterns("__pycache__", ".*")
    shutil.copy(ROOT / "app.py", folder)
    for package in ("demo", "dcgan"):
        shutil.copytree(ROOT / package, folder / package, ignore=unwanted)
    repo, _ = parse_name(model)
    settings = {
        "sdk_version": pinned("gradio"),
        "suggested_hardware": hardware,
        "preload_from_hub": [f"{repo} {','.join(FILES)} {commit}"],
    }
    (folder / "README.md").write_text(space_readme(repo, **settings), encoding="utf-8")
    (folder / "requirements.txt").write_text(space_requirements(hardware), encoding="utf-8")


def write_static(folder: Path, model: str | None) -> None:
    """Write a static Space's files into a folder. model: None shows the bundled models. Raises `InputError`."""
    from demo.models import Models
    from demo.plain_page import page_files

    models = Models(model and [model], PULL_SECONDS)
    for entry in models.entries.values():
        if entry.problem:
            raise InputError(entry.problem)
    parsed = model and local_folder(model) is None and parse_name(model)
    readme = space_readme(
        parsed[0] if parsed else None, without=("sdk_version", "python_version"), sdk="static", app_file="index.html"
    )
    for name, text in (page_files(models) | {"README.md": readme}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def check_settings(model: str, hardware: str) -> None:
    """Raise `InputError` if `model` is not the name of a Hub model, or for unknown hardware."""
    if parse_name(model) is None:
        raise InputError(f"model is {model!r}: write user/repo or user/repo@revision")
    if local_folder(model) is not None:
        raise InputError(f"model is {model!r}, a folder here: push it to the Hub first, or deploy from another folder")
    if hardware not in HARDWARE:
        raise InputError(f"hardware is {hardware!r}: it must be one of {', '.join(HARDWARE)}")


def newest_commit(model: str) -> str:
    """Return the newest commit of a Hub model. Raises `InputError` if it does not work."""
    loaded = load_model(model)
    if loaded.problem:
        raise InputError(loaded.problem)
    return loaded.commit


def dry_run(folder: Path, write: Callable[[Path], None]) -> None:
    """Write a Space's files to a new or empty folder. Raises `InputError` if it holds something."""
    if not is_free(folder):
        raise InputError(f"{folder} exists already: name a new or empty folder")
    parent = next(parent for parent in folder.absolute().parents if parent.is_dir())
    try:
        with tempfile.TemporaryDirectory(dir=parent) as temporary:
            tree = Path(temporary) / "space"
            tree.mkdir()
            write(tree)
            folder.parent.mkdir(parents=True, exist_ok=True)
            tree.replace(folder)
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror or error}") from None


def upload(space: str, write: Callable[[Path], None], message: str, **settings: object) -> tuple[str, list[str]]:
    """Create or update a Space: exactly the files that `write` writes. Return its commit, and what was changed.

    settings: of a Space that is created, as `HfApi.create_repo` takes them.
    """
    from huggingface_hub import HfApi

    api, changed = HfApi(), []
    with tempfile.TemporaryDirectory() as temporary:
        write(Path(temporary))
        if not api.repo_exists(space, repo_type="space"):
            changed.append("created")
        api.create_repo(space, repo_type="space", exist_ok=True, **settings)
        before = api.repo_info(space, repo_type="space").sha
        done = api.upload_folder(
            repo_id=space,
            repo_type="space",
            folder_path=temporary,
            delete_patterns="*",  # files of an earlier deploy
            commit_message=message,
            parent_commit=before,
        )
    if done.oid != before:
        changed.append("files")
    return done.oid, changed


def deploy_static(space: str, model: str | None, *, private: bool = False) -> Deployed:
    """Create or update a static Space. It can be repeated: an unchanged one gets no commit. Raises `InputError`."""
    from huggingface_hub import HfApi

    check_repo_id(space)
    check_token()
    message = f"Deploy with {model or 'the bundled models'}"
    with hub_errors(f"deploy to {space}"):
        commit, changed = upload(
            space, lambda folder: write_static(folder, model), message, space_sdk="static", private=private
        )
    return Deployed(f"{HfApi().endpoint}/spaces/{space}", commit, tuple(changed))


def deploy(space: str, model: str, hardware: str, *, private: bool = False) -> Deployed:
    """Create or update a Gradio Space: its files, the variable DCGAN_MODEL and the hardware.

    It can be repeated: what is right already is not touched. The model is loaded first, so that the Space gets one
    that works. Raises `InputError`.
    """
    from huggingface_hub import HfApi

    check_settings(model, hardware)
    check_repo_id(space)
    check_token()
    api, loaded = HfApi(), newest_commit(model)
    with hub_errors(f"deploy to {space}"):
        commit, changed = upload(
            space,
            lambda folder: write_gradio(folder, model, hardware, loaded),
            f"Deploy with {model}",
            space_sdk="gradio",
            space_hardware=hardware,
            private=private,
        )
        variables = api.get_space_variables(space)
        if "DCGAN_MODEL" not in variables or variables["DCGAN_MODEL"].value != model:
            api.add_space_variable(space, "DCGAN_MODEL", model)
            changed.append("DCGAN_MODEL")
        runtime = api.get_space_runtime(space)
        if "created" not in changed and hardware not in (runtime.requested_hardware, runtime.hardware):
            api.request_space_hardware(space, hardware)
            changed.append("hardware")
    return Deployed(f"{api.endpoint}/spaces/{space}", commit, tuple(changed))
