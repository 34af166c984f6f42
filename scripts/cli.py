"""Shared by all scripts: flags from config fields, the choice of a device, signals, and error messages."""

import argparse
import dataclasses
import signal
import sys
from collections.abc import Callable

import torch

from dcgan import InputError
from dcgan.config import Config, format_value
from dcgan.hub.load import load_model
from dcgan.model_folder import Model
from dcgan.training.device import kernels

DEVICE_HELP = "auto (CUDA if available, else CPU), cpu, cuda, cuda:N, or mps (Apple's GPU, untested)"


class Formatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Help with the default values that say something, and with the line breaks of the description."""

    def _get_help_string(self, action: argparse.Action) -> str:
        absent = action.default is None or action.default is False
        return action.help if absent else super()._get_help_string(action)


def add_config_flags(parser: argparse.ArgumentParser, title: str, presets: dict[str, Config]) -> None:
    """Add a flag for each field of the presets' config. Those not given are absent from the parsed arguments."""
    group = parser.add_argument_group(title, "each overrides the preset")
    for field in dataclasses.fields(next(iter(presets.values()))):
        values = {name: format_value(getattr(config, field.name)) for name, config in presets.items()}
        same = len(set(values.values())) == 1
        default = next(iter(values.values())) if same else ", ".join(map(" ".join, values.items()))
        group.add_argument(
            "--" + field.name.replace("_", "-"),
            type=field.type,
            default=argparse.SUPPRESS,
            choices=field.metadata["rules"].get("choices") if field.type is str else None,
            metavar={int: "N", float: "X", str: "NAME"}[field.type],
            help=f"{field.metadata['help']} (default: {default})",
        )


def with_flags(config: Config, arguments: argparse.Namespace) -> Config:
    """Return the config with the values of the flags that were given. Raises `InputError`."""
    given = vars(arguments)
    names = {field.name for field in dataclasses.fields(config)}
    return dataclasses.replace(config, **{name: given[name] for name in names & given.keys()})


def pick_device(name: str) -> torch.device:
    """Return the device of a name; `auto` is CUDA if available, else the CPU. Raises `InputError`."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda", "mps"):
        raise InputError(f"device is {name!r}: it must be auto, cpu, cuda, cuda:N or mps")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(f"device is {name!r}, but this machine has no such CUDA device: use --device cpu")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise InputError("device is 'mps', but this machine has none: use --device cpu")
    return device


def load(name: str) -> Model:
    """Return a model as `load_model` does, and say on the terminal if it is not the newest one of the Hub."""
    model = load_model(name)
    if model.problem:
        print(f"warning: {model.problem}; used: commit {model.commit}", file=sys.stderr)
    return model


class StopOnSignal:
    """In this context the first signal only sets `requested`; the second raises KeyboardInterrupt."""

    def __init__(self, *signals: signal.Signals):
        self.signals, self.requested, self.previous = signals, False, {}

    def __enter__(self) -> "StopOnSignal":
        self.previous = {number: signal.signal(number, self._handle) for number in self.signals}
        return self

    def __exit__(self, *exception) -> None:
        for number, handler in self.previous.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: object) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


def run(main: Callable[[], int | None]) -> None:
    """Run main and exit with its code. An `InputError` is printed as one line, with exit code 2."""
    try:
        with kernels(tf32=False):  # sampling and evaluation are exact; training sets its own
            code = main()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        code = 130
    sys.exit(code)
