"""Measure a model and print a table. With --write, the model folder gets the numbers, and so does its card.

    python scripts/evaluate.py mnist-conditional

docs/evaluation.md says how many samples are used, of which seeds, against which digits. It needs MNIST and the
packages of scripts/requirements.txt.
"""

import argparse
import shlex
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dcgan import InputError
from dcgan.data import load_mnist
from dcgan.evaluation.classifier import load_classifier
from dcgan.evaluation.protocol import Digits, Protocol, check_measurable
from dcgan.files import write_json
from dcgan.hub.card import quality_table, write_card
from dcgan.images import enlarge, grid, save_png
from dcgan.model_folder import weights_sha256
from dcgan.training.run_folder import device_name
from scripts import cli


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=cli.Formatter)
    parser.add_argument("model", metavar="MODEL", nargs="?", help="a bundled model, a folder, or user/repo[@revision]")
    parser.add_argument("--real", action="store_true", help="measure real training digits in place of a MODEL")
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="where MNIST is, or is downloaded to")
    parser.add_argument("--device", default="auto", help=cli.DEVICE_HELP)
    parser.add_argument("--seeds", type=int, default=1, help="number of sampling seeds (0, 1, …) to average over")
    parser.add_argument(
        "--many",
        action="store_true",
        help="also 1-NN with ten million samples of sampling seed 0: over an hour on 2 cores",
    )
    parser.add_argument(
        "--write", action="store_true", help="write evaluation.json, novelty.png and the card into the model folder"
    )
    arguments = parser.parse_args(argv)
    if arguments.real == (arguments.model is not None):
        parser.error("give either a MODEL or --real")
    if arguments.real and (arguments.write or arguments.many):
        parser.error("--write and --many need a MODEL")
    return arguments


def main(argv: list[str] | None = None) -> int:
    arguments = parse(argv)
    if not 1 <= arguments.seeds <= 100:
        raise InputError(f"seeds is {arguments.seeds}: it must be from 1 to 100")
    try:
        import sklearn  # noqa: F401
        import torchmetrics  # noqa: F401
    except ImportError as error:
        raise InputError(f"{error.name} is missing: pip install -r scripts/requirements.txt") from None
    device = cli.pick_device(arguments.device)
    model = None if arguments.real else cli.load(arguments.model)
    if model is not None:
        check_measurable(model)
        measured = weights_sha256(model.folder)
        if model.commit is not None and arguments.write:
            raise InputError(f"{model.name} is on the Hub: measure it without --write, or a local copy of its folder")
    train, test = (Digits(*load_mnist(arguments.data_dir, train=split)) for split in (True, False))

    def log(text: str) -> None:
        print(f"{text} …", file=sys.stderr)

    protocol, runs, picture = Protocol(model, train, test, load_classifier(), device, log), [], None
    for seed in range(arguments.seeds):
        log(f"sampling seed {seed} ({seed + 1} of {arguments.seeds})")
        if model is None:
            measures = protocol.measure_real(seed)
        else:
            measures, picture = protocol.measure(seed, many=arguments.many and seed == 0)
        runs.append({"sampling_seed": seed} | measures)
    name = shlex.quote(arguments.model or "--real")
    if model is not None and Path(arguments.model).is_absolute():  # the card tells nobody where this machine has it
        name = model.folder.name
    many = " --many" if "nearest_neighbour_error_10m" in runs[0] else ""
    evaluation = {
        "command": f"python scripts/evaluate.py {name} --seeds {arguments.seeds}{many} --device {arguments.device}",
        "device": device_name(device),
        "runs": runs,
    }
    try:
        if arguments.write:
            write(model.folder, {"weights_sha256": measured} | evaluation, picture)
    finally:  # it took minutes
        print(quality_table(evaluation))
    return 0


def write(folder: Path, evaluation: dict, picture: np.ndarray) -> None:
    """Write the numbers, the picture and the card into a model folder. Raises `InputError`."""
    if weights_sha256(folder) != evaluation["weights_sha256"]:
        raise InputError(f"{folder} has other weights now than those that were measured: nothing was written")
    try:
        write_json(folder / "evaluation.json", evaluation)
        save_png(enlarge(grid(picture.reshape(-1, 28, 28), 20), 2), folder / "novelty.png")
        write_card(folder)
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror or error}") from None


if __name__ == "__main__":
    cli.run(main)
