"""The models that the page offers, each loaded once."""

import functools

from dcgan.folder import Model, bundled_models, load_model

TITLES = {"mnist-conditional": "conditional: you choose the digit", "mnist": "unconditional: the seed decides"}


@functools.cache
def get_model(name: str) -> Model:
    return load_model(name)


def model_choices() -> list[tuple[str, str]]:
    """(title, name) of each model for a picker."""
    return [(TITLES.get(name, name), name) for name in bundled_models()]


def knows_digits(name: str) -> bool:
    return get_model(name).config.num_classes > 0
