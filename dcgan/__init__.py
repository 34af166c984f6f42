"""A DCGAN (Radford, Metz & Chintala 2015, arXiv 1511.06434) that generates handwritten digits.

The public names are listed in `__all__`. Each is imported when it is first used, so that `import dcgan` is quick.

`config`, `networks`, `data`, `images` and `files` are the base layer. `latents` turns latent vectors into pictures,
`model_folder` reads and writes models, `evaluation` measures them, `hub` moves them, `training` makes them.
"""

import importlib

_MODULES = {
    "load_model": "dcgan.hub.load",
    "sample": "dcgan.latents.sampling",
    "interpolate": "dcgan.latents.interpolation",
    "write": "dcgan.latents.handwriting",
    "invert": "dcgan.latents.inversion",
    "normalise_drawing": "dcgan.latents.inversion",
    "latent_of": "dcgan.latents.codes",
    "Model": "dcgan.model_folder",
    "ModelConfig": "dcgan.config",
    "TrainConfig": "dcgan.config",
}
__all__ = ["InputError", *_MODULES]


class InputError(ValueError):
    """Invalid input from a user. `str(error)` is one sentence that can be shown to them."""


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'dcgan' has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
