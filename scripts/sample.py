"""Sample digits from a model into a file: .npz, .png or .svg (a grid), or a folder with a PNG per digit.

    python scripts/sample.py mnist-conditional --count 64 --seed 0 --digit 7 --out sevens.png

Image i has the seed --seed + i. It is the same image for every --count. MODEL is a bundled model (mnist,
mnist-conditional), a model folder, or user/repo on the Hub. Images are 28x28, white on black, as in MNIST.
"""

import argparse
import copy
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tqdm import tqdm

from dcgan.latents.sampling import Samples, check_digit, check_truncation, consecutive_seeds, sample_chunks
from scripts import cli
from scripts.export import check_target, write_samples


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=cli.Formatter)
    parser.add_argument("model", metavar="MODEL", help="a bundled model, a model folder, or user/repo")
    parser.add_argument("--count", type=int, default=64, help="number of images")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first image")
    parser.add_argument("--digit", type=int, help="0 to 9; without it, each seed decides")
    parser.add_argument("--truncation", type=float, default=1.0, help="above 0, at most 1; lower is more typical")
    parser.add_argument("--device", default="auto", help=cli.DEVICE_HELP)
    parser.add_argument("--out", required=True, type=Path, help="FILE.npz, FILE.png, FILE.svg, or a new folder")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    arguments = parse(argv)
    seeds = consecutive_seeds(arguments.seed, arguments.count)
    check_truncation(arguments.truncation)
    check_target(arguments.out, arguments.count)
    device = cli.pick_device(arguments.device)
    model = cli.load(arguments.model)
    check_digit(arguments.digit, model.config.num_classes)
    generator = copy.deepcopy(model.generator).to(device)

    def chunks() -> Iterator[Samples]:
        with tqdm(total=arguments.count, unit=" images", leave=False, disable=None, delay=1) as bar:
            for chunk in sample_chunks(generator, seeds, arguments.digit, arguments.truncation):
                yield chunk
                bar.update(len(chunk.images))

    digit = "any digit" if arguments.digit is None else f"digit {arguments.digit}"
    commit = f", commit {model.commit}" if model.commit else ""
    title = f"{model.file_name}, seeds {seeds[0]} to {seeds[-1]}, {digit}{commit}"
    write_samples(arguments.out, chunks(), arguments.count, model.config.border, title)
    print(f"{arguments.out}: {arguments.count:,} images, seeds {seeds[0]} to {seeds[-1]}")
    return 0


if __name__ == "__main__":
    cli.run(main)
