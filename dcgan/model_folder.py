"""The model folder, the one format everything passes along: `config.json` and the weights of both networks."""

import contextlib
import hashlib
import json
import re
import struct
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn

from dcgan import InputError
from dcgan.config import ModelConfig
from dcgan.files import write_file, write_json
from dcgan.networks import Discriminator, Generator

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
    commit: str | None = None  # of a Hub model
    problem: str | None = None  # why it is not the newest revision of a Hub model

    @property
    def file_name(self) -> str:
        """The name as a part of file names."""
        return re.sub(r"[^\w.-]+", "-", Path(self.name).name)


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
    except (ValueError, RecursionError) as error:
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


def save_weights(network: nn.Module, path: Path, **metadata: str) -> None:
    """Write a network's state dict as safetensors; the metadata says where it came from."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    content = save(tensors, {"format": "pt", "format_version": str(FORMAT_VERSION)} | metadata)
    # safetensors writes the metadata in random order: sorted, the same weights are the same bytes.
    end = 8 + struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode().ljust(end - 8)
    write_file(path, lambda temporary: temporary.write_bytes(content[:8] + text + content[end:]))


def repeated_keys(header: bytes) -> list[str]:
    """Keys that a safetensors header holds twice: the library takes the last one and says nothing."""
    repeated: list[str] = []

    def note(pairs: list[tuple[str, object]]) -> None:
        keys = [key for key, _ in pairs]
        repeated.extend(key for key in dict.fromkeys(keys) if keys.count(key) > 1)

    with contextlib.suppress(ValueError, RecursionError):  # no JSON at all: the library says so itself
        json.loads(header, object_pairs_hook=note)
    return repeated


def load_weights(network: nn.Module, path: Path) -> None:
    """Fill a network (on the meta device) from a safetensors file: exactly its keys, shapes and dtypes, finite.

    Raises `ModelError`. Sizes are checked before anything is read, so a hostile file costs no memory.
    """
    expected = network.state_dict()
    payload = sum(tensor.numel() * tensor.element_size() for tensor in expected.values())
    try:
        with path.open("rb") as file:
            header, size = struct.unpack("<Q", file.read(8).ljust(8, b"\0"))[0], path.stat().st_size
            if header > MAX_HEADER_BYTES or size != 8 + header + payload:
                raise ModelError(f"{path} is {size:,} bytes: its config asks for {payload:,} bytes of weights")
            if repeated := repeated_keys(file.read(header)):
                raise ModelError(f"{path} names {', '.join(repeated[:5])} twice")
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
    network.to(memory_format=torch.channels_last)  # a quarter faster on a CPU


def weights_sha256(folder: Path) -> str:
    """Return the sha256 of the generator's file: `evaluation.json` names the weights that it was measured on."""
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def load_folder(folder: Path, name: str, commit: str | None = None, problem: str | None = None) -> Model:
    """Load a model folder strictly. Raises `ModelError`."""
    config, training = read_config(folder)
    with torch.device("meta"):  # shapes only: no memory, no initialisation
        generator, discriminator = Generator(config).eval(), Discriminator(config).eval()
    load_weights(generator, folder / "model.safetensors")
    load_weights(discriminator, folder / "discriminator.safetensors")
    return Model(name, folder, config, generator, discriminator, training, commit, problem)
