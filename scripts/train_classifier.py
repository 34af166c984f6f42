"""Train the digit classifier that measures the models, and write its weights.

    python scripts/train_classifier.py --data-dir data --out classifier.safetensors

The same seed, kind of machine and number of threads give the same weights. It is trained on MNIST's training
split. Its accuracy on the test split is printed at the end. Without --out it replaces the bundled classifier, by which
all published numbers were measured.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dcgan import InputError
from dcgan.data import load_mnist
from dcgan.evaluation.classifier import WEIGHTS, fit, read
from dcgan.model_folder import save_weights
from scripts import cli


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=cli.Formatter)
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="where MNIST is, or is downloaded to")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="the safetensors file to write")
    parser.add_argument("--epochs", type=int, default=16, help="passes over the 60,000 training digits")
    parser.add_argument("--seed", type=int, default=0, help="seed of initialisation, data order and augmentation")
    parser.add_argument("--device", default="auto", help=cli.DEVICE_HELP)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    arguments = parse(argv)
    if arguments.epochs < 1:
        raise InputError(f"epochs is {arguments.epochs}: it must be at least 1")
    if not arguments.out.absolute().parent.is_dir():
        raise InputError(f"{arguments.out.absolute().parent} is not a folder: create it first")
    if arguments.out.is_dir():
        raise InputError(f"{arguments.out} is a folder: name a file")
    device = cli.pick_device(arguments.device)
    images, labels = (part.to(device) for part in load_mnist(arguments.data_dir))
    test_images, test_labels = (part.to(device) for part in load_mnist(arguments.data_dir, train=False))

    def progress(epoch: int, loss: float) -> None:
        print(f"epoch {epoch}/{arguments.epochs}  loss {loss:.4f}", flush=True)

    classifier = fit(images, labels, epochs=arguments.epochs, seed=arguments.seed, progress=progress)
    accuracy = (read(classifier, test_images)[0] == test_labels).double().mean().item()
    save_weights(classifier, arguments.out)
    print(f"{arguments.out}: {accuracy:.2%} of the {len(test_images):,} test digits classified correctly")
    return 0


if __name__ == "__main__":
    cli.run(main)
