"""Measure how fast this machine trains, samples, and draws the page. Each prints the machine, versions and spread.

    python scripts/bench.py train --preset mnist-conditional
    python scripts/bench.py sample
    python scripts/bench.py page --pages 50

`train` compares a step with the textbook loop of the same width, in turns. `page` needs tests/requirements.txt and a
Chromium on the PATH: it measures the engine (exit status 1 if a limit is exceeded), the first load and every move.
Nothing else should run meanwhile.
"""

import argparse
import os
import platform
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts import cli


def parse(argv: list[str] | None) -> argparse.Namespace:
    from dcgan.config import PRESETS

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=cli.Formatter)
    what = parser.add_subparsers(dest="what", required=True, metavar="WHAT", help="train, sample or page")
    train = what.add_parser("train", formatter_class=cli.Formatter, help="a training step against the textbook loop")
    train.add_argument("--preset", default="mnist-conditional", choices=sorted(PRESETS), help="the recipe")
    train.add_argument(
        "--base-channels", type=int, default=argparse.SUPPRESS, help="of both networks, in place of the preset's"
    )
    train.add_argument("--precision", default="auto", choices=("auto", "bfloat16", "float32"), help="of our loop")
    train.add_argument("--data-dir", type=Path, default=Path("data"), help="where MNIST is, or is downloaded to")
    train.add_argument("--rounds", type=int, default=10, metavar="N", help="turns of each loop")
    train.add_argument("--steps", type=int, default=16, metavar="N", help="steps in a turn")
    sample = what.add_parser("sample", formatter_class=cli.Formatter, help="seeds to pictures, in Python")
    sample.add_argument("--model", default="mnist-conditional", help="a bundled name, a folder, or user/repo")
    sample.add_argument("--rounds", type=int, default=20, metavar="N", help="how often each is measured")
    for one in (train, sample):
        one.add_argument("--device", default="auto", help=cli.DEVICE_HELP)
    page = what.add_parser("page", formatter_class=cli.Formatter, help="the engine, and the page in Chromium")
    page.add_argument("--static", action="store_true", help="measure the loads of the page of plain files only")
    page.add_argument("--moves", type=int, default=100, metavar="N", help="how often each control is moved")
    page.add_argument("--pages", type=int, default=0, metavar="N", help="also open this many pages at once")
    return parser.parse_args(argv)


def machine() -> str:
    """Return the processor's name and how many cores it has for us."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    load = os.getloadavg()[0]
    return f"{names[0].partition(': ')[2] if names else platform.processor()}, {os.cpu_count()} cores; load {load:.1f}"


def main(argv: list[str] | None = None) -> int:
    options = parse(argv)
    if options.what == "page":
        from scripts import bench_engine, bench_page

        print(machine())
        passed = options.static or bench_engine.measure()
        bench_page.measure(options.static, options.moves, options.pages)
        return 0 if passed else 1

    import dataclasses

    import torch

    from dcgan.config import PRESETS
    from dcgan.hub.load import load_model
    from scripts import bench_train

    device = cli.pick_device(options.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    print(f"{machine()}; {device}, {name}; torch {torch.__version__}")
    if options.what == "sample":
        model = load_model(options.model)
        model.generator.to(device)
        bench_train.sampling(model, options.rounds)
        return 0
    config, recipe = PRESETS[options.preset]
    if "base_channels" in options:
        config = dataclasses.replace(config, base_channels=options.base_channels, discriminator_channels=0)
    recipe = dataclasses.replace(recipe, precision=options.precision)
    print(f"{options.preset}, {config.base_channels} channels, batch {recipe.batch_size}")
    bench_train.train(config, recipe, options.data_dir, device, options.rounds, options.steps)
    return 0


if __name__ == "__main__":
    cli.run(main)
