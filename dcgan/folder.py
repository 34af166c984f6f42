"""The model folder, the one format everything passes along, and the names it goes by.

A model is named in one way everywhere: the name of a bundled model, or the path of a folder.
"""

import json
import struct
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from dcgan import InputError
from dcgan.config import ModelConfig
from dcgan.files import write_file, write_json
from dcgan.model import Discriminator, Generator

FORMAT_VERSION = 1
BUNDLED = Path(__file__).parent / "weights"
MAX_CONFIG_BYTES = 64 * 1024
MAX_HEADER_BYTES = 64 * 1024


class ModelError(InputError):
    """A model that is not there, or whose files are not what they claim to be."""


@dataclass(frozen=True)
class Model:
    """A loaded model folder: both networks in eval mode on the CPU, and how they were trained."""

    name: str
    folder: Path
    config: ModelConfig
    generator: Generator
    discriminator: Discriminator
    training: dict


def bundled_models() -> list[str]:
    """Names of the bundled models, the conditional one first: it shows most."""
    names = [folder.name for folder in BUNDLED.iterdir() if (folder / "config.json").is_file()]
    return sorted(names, key=lambda name: ("conditional" not in name, name))


def find_model(name: str) -> Path:
    """The folder of a model's name. Raises `ModelError` with the names there are."""
    for folder in (BUNDLED / name, Path(name)):
        if name and (folder / "config.json").is_file():
            return folder
    raise ModelError(
        f"there is no model {name!r}: name a bundled model ({', '.join(bundled_models())}) "
        "or a folder with a config.json"
    )


def write_config(folder: Path, model_config: ModelConfig, training: dict) -> None:
    values = {"format_version": FORMAT_VERSION, "model": model_config.to_dict(), "training": training}
    write_json(folder / "config.json", values)


def read_config(folder: Path) -> tuple[ModelConfig, dict]:
    """The `ModelConfig` and the training record of a model folder, checked strictly."""
    path = folder / "config.json"
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise ModelError(f"{path} is larger than {MAX_CONFIG_BYTES // 1024} KiB: that is no model's config")
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{path} is not valid JSON: {error}") from None
    if not isinstance(values, dict) or values.get("format_version") != FORMAT_VERSION:
        raise ModelError(f"{path} has not format_version {FORMAT_VERSION}: it was made for another version")
    try:
        config = ModelConfig.from_dict(values.get("model"))
    except InputError as error:
        raise ModelError(f"{path}: {error}") from None
    training = values.get("training", {})
    return config, training if isinstance(training, dict) else {}


def save_weights(network: nn.Module, path: Path) -> None:
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    metadata = {"format": "pt", "format_version": str(FORMAT_VERSION)}
    write_file(path, lambda temporary: save_file(tensors, temporary, metadata))


def load_weights(network: nn.Module, path: Path) -> None:
    """Fill a network (on the meta device) from a safetensors file: exactly its keys, shapes and dtypes, finite.

    Raises `ModelError`. Sizes are checked before anything is read, so a hostile file costs no memory.
    """
    expected = network.state_dict()
    payload = sum(tensor.numel() * tensor.element_size() for tensor in expected.values())
    try:
        with path.open("rb") as file:
            header = struct.unpack("<Q", file.read(8).ljust(8, b"\0"))[0]
        size = path.stat().st_size
        if header > MAX_HEADER_BYTES or size != 8 + header + payload:
            raise ModelError(f"{path} is {size:,} bytes: its config asks for {payload:,} bytes of weights")
        tensors = load_file(path)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from None
    except SafetensorError as error:
        raise ModelError(f"{path} is no valid safetensors file: {error}") from None
    if different := sorted(set(tensors) ^ set(expected)):
        raise ModelError(f"{path} and its config differ in the weights {', '.join(different[:5])}")
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape or tensor.dtype != expected[name].dtype:
            raise ModelError(
                f"{path}: {name} is {tensor.dtype} {tuple(tensor.shape)}, "
                f"its config asks for {expected[name].dtype} {tuple(expected[name].shape)}"
            )
        if not torch.isfinite(tensor).all():
            raise ModelError(f"{path}: {name} holds values that are not finite")
    network.load_state_dict(tensors, assign=True)


def load_model(name: str) -> Model:
    """Load a model by name; see `find_model`. Raises `ModelError`."""
    folder = find_model(name)
    config, training = read_config(folder)
    with torch.device("meta"):  # shapes only: no memory, no initialisation
        generator, discriminator = Generator(config).eval(), Discriminator(config).eval()
    load_weights(generator, folder / "model.safetensors")
    load_weights(discriminator, folder / "discriminator.safetensors")
    display = folder.name if folder.parent == BUNDLED else str(name)
    return Model(display, folder, config, generator, discriminator, training)
