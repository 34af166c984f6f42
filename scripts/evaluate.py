"""Measure a model: a table here, `evaluation.json` and `novelty.png` in its folder, numbers in its card.

    python scripts/evaluate.py mnist-conditional

The protocol (how many samples, which seeds, which splits) is the docstring of dcgan/evaluation/protocol.py. It needs
MNIST (--data-dir) and what scripts/requirements.txt names.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dcgan import InputError
from dcgan.data import load_mnist
from dcgan.evaluation.classifier import load_classifier
from dcgan.evaluation.protocol import Digits, check_measurable, evaluate, evaluate_real, seed_independent_metrics
from dcgan.files import write_json
from dcgan.hub.card import quality_table, write_card
from dcgan.hub.load import load_model
from dcgan.images import enlarge, grid, save_png
from dcgan.model_folder import Model
from dcgan.training.run_folder import device_name
from scripts import cli


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=cli.Formatter)
    parser.add_argument("model", metavar="MODEL", nargs="?", help="a bundled model's name, or a model folder")
    parser.add_argument("--real", action="store_true", help="in place of MODEL: what real training digits score")
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="where MNIST is, or is downloaded to")
    parser.add_argument("--device", default="auto", help="auto (CUDA if there, else CPU), cpu, cuda or cuda:N")
    parser.add_argument("--seeds", type=int, default=1, help="how many sampling seeds (0, 1, …): more show the spread")
    parser.add_argument(
        "--many", action="store_true", help="1-NN at ten million samples too, of sampling seed 0: an hour on two cores"
    )
    parser.add_argument("--dry-run", action="store_true", help="only print: leave the model folder as it is")
    arguments = parser.parse_args(argv)
    if arguments.real == (arguments.model is not None):
        parser.error("name a MODEL, or ask for --real digits")
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
    model = None if arguments.real else load_model(arguments.model)
    if model is not None:
        check_measurable(model)
        if model.commit is not None and not arguments.dry_run:
            raise InputError(f"{model.name} is on the Hub: measure it with --dry-run, or a copy of its folder")
    train, test = (Digits(*load_mnist(arguments.data_dir, train=split)) for split in (True, False))
    if model is None:
        runs, picture = measure_real(arguments.seeds, train, test, device), None
    else:
        runs, picture = measure(arguments, model, train, test, device)
    many = " --many" if arguments.many else ""
    command = f"python scripts/evaluate.py {'--real' if model is None else model.folder.name} --seeds {arguments.seeds}"
    evaluation = {
        "command": f"{command}{many} --device {arguments.device}",
        "device": device_name(device),
        "runs": runs,
    }
    print(quality_table(evaluation))
    if model is not None and not arguments.dry_run:
        write_json(model.folder / "evaluation.json", evaluation)
        save_png(enlarge(grid(picture.reshape(-1, 28, 28), 20), 2), model.folder / "novelty.png")
        write_card(model.folder)
    return 0


def measure(
    arguments: argparse.Namespace, model: Model, train: Digits, test: Digits, device: torch.device
) -> tuple[list[dict], np.ndarray]:
    """The measures of each sampling seed, and the last one's picture of novelty."""
    print("discriminator features …", file=sys.stderr)
    fixed = seed_independent_metrics(model, train, test, device)
    runs, picture = [], None
    for sampling_seed in range(arguments.seeds):
        measures, picture = evaluate(
            model,
            train,
            test,
            load_classifier(),
            fixed,
            sampling_seed=sampling_seed,
            many=arguments.many and sampling_seed == 0,
            device=device,
            say=lambda text, seed=sampling_seed: print(f"sampling seed {seed}: {text} …", file=sys.stderr),
        )
        runs.append({"sampling_seed": sampling_seed} | measures)
    return runs, picture


def measure_real(seeds: int, train: Digits, test: Digits, device: torch.device) -> list[dict]:
    """The same of real training digits."""
    runs = []
    for seed in range(seeds):
        print(f"sampling seed {seed}: real training digits …", file=sys.stderr)
        scores = evaluate_real(train, test, load_classifier(), sampling_seed=seed, device=device)
        runs.append({"sampling_seed": seed} | scores)
    return runs


if __name__ == "__main__":
    cli.run(main)
