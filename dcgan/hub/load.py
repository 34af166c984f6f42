"""Load a model by its name: that of a bundled model, a folder's path, or `user/repo` (`@revision`) on the Hub."""

import contextlib
from pathlib import Path

import numpy as np

from dcgan.hub import download
from dcgan.latents.sampling import sample
from dcgan.model_folder import BUNDLED, Model, ModelError, load_folder


def bundled_models() -> list[str]:
    """Return the names of the bundled models, the conditional one first."""
    names = [config.parent.name for config in BUNDLED.glob("*/config.json")]
    return sorted(names, key=lambda name: ("conditional" not in name, name))


def local_folder(name: str) -> Path | None:
    """Return the folder of a bundled model or of a path, or None if it is not a model folder."""
    for folder in (BUNDLED / name, Path(name)):
        with contextlib.suppress(OSError):  # the name may be too long for a file
            if name and (folder / "config.json").is_file():
                return folder
    return None


def load_model(name: str, seconds: float = 120.0) -> Model:
    """Load a model by its name. A model on the Hub is downloaded within `seconds`.

    If a Hub model cannot be downloaded or used, the last good revision in the cache is loaded instead, and the
    model's `problem` says why. Raises `ModelError`, or `HubError` if there is no such revision.
    """
    folder = local_folder(name)
    if folder is not None:
        return load_folder(folder, folder.name if folder.parent == BUNDLED else name)
    if download.parse_name(name) is None or Path(name).exists():
        raise ModelError(
            f"there is no model {name!r}: name a bundled model ({', '.join(bundled_models())}), "
            "a folder with a config.json, or user/repo on the Hub"
        )
    pulled = download.pull(name, seconds)
    try:
        model = load_folder(pulled.folder, name, pulled.commit, pulled.problem)
        pictures = sample(model.generator, range(4)).images.astype(np.float64)
        if min(pictures.std(), pictures.std(axis=0).max()) <= 1:
            raise ModelError(f"{name} is not usable: its pictures are blank or all the same")
    except ModelError as error:
        good = download.cached_model(pulled.repo, pulled.revision)
        if good is None or good.commit == pulled.commit:
            raise
        return load_folder(good.folder, name, good.commit, str(error))
    download.write_cache_ref(pulled)
    return model
