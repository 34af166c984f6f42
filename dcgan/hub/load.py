"""Load a model by its name.

A model is named in one way everywhere: the name of a bundled model, the path of a folder, or a repo on
the Hub, `user/repo` or `user/repo@revision`.
"""

import contextlib
from pathlib import Path

from dcgan.hub import download as hub
from dcgan.latents.sampling import is_degenerate
from dcgan.model_folder import BUNDLED, Model, ModelError, load_folder


def bundled_models() -> list[str]:
    """Names of the bundled models, the conditional one first: it shows most."""
    names = [config.parent.name for config in BUNDLED.glob("*/config.json")]
    return sorted(names, key=lambda name: ("conditional" not in name, name))


def local_folder(name: str) -> Path | None:
    """The folder of a bundled model's name or of a path; None where there is no such model here."""
    for folder in (BUNDLED / name, Path(name)):
        with contextlib.suppress(OSError):  # a name longer than any file's
            if name and (folder / "config.json").is_file():
                return folder
    return None


def load_model(name: str, seconds: float = 120.0) -> Model:
    """Load a model by name; one on the Hub within `seconds`. Raises `ModelError` or `hub.HubError`.

    Of a Hub model, the last good revision in the cache stands in for one that cannot be had or used.
    """
    folder = local_folder(name)
    if folder is not None:
        return load_folder(folder, folder.name if folder.parent == BUNDLED else name)
    if hub.parse_name(name) is None or Path(name).exists():
        raise ModelError(
            f"there is no model {name!r}: name a bundled model ({', '.join(bundled_models())}), "
            "a folder with a config.json, or user/repo on the Hub"
        )
    pulled = hub.pull(name, seconds)
    try:
        model = load_folder(pulled.folder, name, pulled.commit, pulled.problem)
        if is_degenerate(model.generator):
            raise ModelError(f"the weights of {name} draw nothing: all pictures are the same")
    except ModelError as error:
        good = hub.cached_model(pulled.repo, pulled.revision)
        if good is None or good.commit == pulled.commit:
            raise
        return load_folder(good.folder, name, good.commit, str(error))
    hub.write_cache_ref(pulled)
    return model
