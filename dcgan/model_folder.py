"""The model folder: one format that training writes, the Hub stores, and the page and the scripts read.

`config.json`, `model.safetensors` and `discriminator.safetensors` are required and read strictly. The other files
are optional: one that is missing or damaged counts as absent, so that it can never keep a model from being used.
"""

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
from dcgan.files import parse_json, read_json, write_file, write_json
from dcgan.networks import Discriminator, Generator

FORMAT_VERSION = 1
BUNDLED = Path(__file__).parent / "weights"
MAX_CONFIG_BYTES = 64 * 1024
MAX_HEADER_BYTES = 64 * 1024
MAX_EVALUATION_BYTES = 256 * 1024
MAX_HISTORY_LINES, MAX_LINE_BYTES = 2_000, 4_096
NUMBER = (int, float)
TRAINING_FIELDS = {  # of config.json: what a training says about itself
    "dataset": str,
    "images": int,
    "epochs_done": int,
    "steps_done": int,
    "device": str,
    "precision": str,
    "torch": str,
    "recipe": dict,
}


class ModelError(InputError):
    """A model that does not exist, or whose files are damaged or do not fit together."""


@dataclass(frozen=True)
class Model:
    """A loaded model folder. Both networks are on the CPU, in eval mode."""

    name: str
    folder: Path
    config: ModelConfig
    generator: Generator
    discriminator: Discriminator
    training: dict  # how it was trained: any of TRAINING_FIELDS
    commit: str | None = None  # of a Hub model
    problem: str | None = None  # why a Hub model is not the newest revision

    @property
    def file_name(self) -> str:
        """The name as a part of file names."""
        return re.sub(r"[^\w.-]+", "-", Path(self.name).name)


def write_config(folder: Path, model_config: ModelConfig, training: dict) -> None:
    """Write config.json: the format version, the shape of the networks and the training record."""
    values = {"format_version": FORMAT_VERSION, "model": model_config.to_dict(), "training": training}
    write_json(folder / "config.json", values)


def read_config(folder: Path) -> tuple[ModelConfig, dict]:
    """Return the `ModelConfig` of a model folder, and the valid `TRAINING_FIELDS`. Raises `ModelError`."""
    path = folder / "config.json"
    try:
        values = read_json(path, MAX_CONFIG_BYTES)
        if not isinstance(values, dict) or values.get("format_version") != FORMAT_VERSION:
            raise ValueError(f"it does not have format_version {FORMAT_VERSION}")
        config = ModelConfig.from_dict(values.get("model"))
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:  # InputError is one
        raise ModelError(f"{path} is not a valid config: {error}") from None
    record = values.get("training")
    return config, _known_fields(record) if isinstance(record, dict) else {}


def _known_fields(record: dict) -> dict:
    known = {key: record[key] for key, kind in TRAINING_FIELDS.items() if type(record.get(key)) is kind}
    if not all(type(value) in (str, bool, *NUMBER) for value in known.get("recipe", {}).values()):
        del known["recipe"]
    return known


def _numbers(values: dict) -> dict[str, float]:
    return {key: value for key, value in values.items() if type(value) in NUMBER}


def read_history(folder: Path) -> list[dict[str, float]]:
    """Return the numbers in history.jsonl, one dict for each epoch; [] if the file is missing or damaged."""
    try:
        with (folder / "history.jsonl").open("rb") as file:
            lines = [file.readline(MAX_LINE_BYTES) for _ in range(MAX_HISTORY_LINES)]
        entries = [parse_json(line) for line in lines if line]
    except (OSError, ValueError):
        return []
    return [_numbers(entry) for entry in entries if isinstance(entry, dict) and type(entry.get("epoch")) is int]


def read_evaluation(folder: Path) -> dict | None:
    """Return evaluation.json with the numbers of its runs; None if it is missing, damaged or about other weights."""
    try:
        evaluation = read_json(folder / "evaluation.json", MAX_EVALUATION_BYTES)
        if evaluation["weights_sha256"] != weights_sha256(folder):
            return None
        runs = [_numbers(run) for run in evaluation["runs"]]
        texts = {key: evaluation[key] for key in ("command", "device")}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
    whole = runs and all("sampling_seed" in run for run in runs) and all(type(text) is str for text in texts.values())
    return texts | {"runs": runs} if whole else None


def weights_sha256(folder: Path) -> str:
    """Return the sha256 of the generator's file: `evaluation.json` names the weights that it was measured on."""
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def save_weights(network: nn.Module, path: Path, **metadata: str) -> None:
    """Write a network's state dict as safetensors. The metadata says where it comes from."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    content = save(tensors, {"format": "pt", "format_version": str(FORMAT_VERSION)} | metadata)
    # safetensors writes the metadata in random order. Sorted, the same weights give the same bytes.
    end = 8 + struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode().ljust(end - 8)
    write_file(path, lambda temporary: temporary.write_bytes(content[:8] + text + content[end:]))


def repeated_keys(header: bytes) -> list[str]:
    """Return the keys that a safetensors header holds twice. The library takes the last one without an error."""
    repeated: list[str] = []

    def collect(pairs: list[tuple[str, object]]) -> None:
        keys = [key for key, _ in pairs]
        repeated.extend(key for key in dict.fromkeys(keys) if keys.count(key) > 1)

    with contextlib.suppress(ValueError, RecursionError):  # if it is not JSON, the library reports that
        json.loads(header, object_pairs_hook=collect)
    return repeated


def load_weights(network: nn.Module, path: Path) -> None:
    """Load a safetensors file into a network on the meta device.

    Raises `ModelError` if its keys, shapes or dtypes are not the network's, or a value is not finite. A file of the
    wrong size is not read, so it costs no memory.
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
        raise ModelError(f"{path} is not a valid safetensors file: {error}") from None
    given, asked = ({(key, t.shape, t.dtype) for key, t in state.items()} for state in (tensors, expected))
    if different := sorted({key for key, *_ in given ^ asked}):
        raise ModelError(f"{path} and its config differ in the weights {', '.join(different[:5])}")
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise ModelError(f"{path}: {name} holds values that are not finite")
    network.load_state_dict(tensors, assign=True)
    network.to(memory_format=torch.channels_last)  # a quarter faster on a CPU


def load_folder(folder: Path, name: str, commit: str | None = None, problem: str | None = None) -> Model:
    """Load the model in a folder. `name` is the name it was asked for by. Raises `ModelError`."""
    config, training = read_config(folder)
    with torch.device("meta"):  # shapes only, without memory or initialisation
        generator, discriminator = Generator(config).eval(), Discriminator(config).eval()
    load_weights(generator, folder / "model.safetensors")
    load_weights(discriminator, folder / "discriminator.safetensors")
    return Model(name, folder, config, generator, discriminator, training, commit, problem)
