"""Train a DCGAN on MNIST. The same command again resumes the run; with more --epochs a finished run goes on.

    python scripts/train.py --preset mnist-conditional --out runs/digits

After every epoch the folder holds a whole model: weights, config, card, sample grid, history, and an
animation of the same seeds after each epoch. Ctrl-C saves and exits.
"""

import argparse
import shlex
import signal
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dcgan import InputError
from dcgan.config import PRESETS
from dcgan.data import load_mnist, to_model_size
from dcgan.evaluation.classifier import load_classifier
from dcgan.evaluation.protocol import epoch_quality
from dcgan.hub.upload import check_repo_id, push_model
from dcgan.training.device import slow_precision
from dcgan.training.loop import steps_per_epoch
from dcgan.training.progress import Progress
from dcgan.training.run_folder import hold_folder, open_run, train_in_folder
from dcgan.training.step import check_recipe
from scripts import cli


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=cli.Formatter)
    parser.add_argument("--preset", required=True, choices=sorted(PRESETS), help="the recipe to start from")
    parser.add_argument("--out", required=True, type=Path, help="the run's folder: new, or the one to resume")
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="where MNIST is, or is downloaded to")
    parser.add_argument("--push", metavar="USER/REPO", default=argparse.SUPPRESS, help="push the model when done")
    parser.add_argument("--device", default="auto", help=cli.DEVICE_HELP)
    for title, configs in zip(("model", "training"), zip(*PRESETS.values(), strict=True), strict=True):
        cli.add_config_flags(parser, title, dict(zip(PRESETS, configs, strict=True)))
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    arguments = parse(argv)
    model_config, config = (cli.with_flags(part, arguments) for part in PRESETS[arguments.preset])
    check_recipe(model_config, config)
    device, out, repo = cli.pick_device(arguments.device), arguments.out, getattr(arguments, "push", None)
    if repo is not None:
        check_repo_id(repo)  # before hours of training, not after
    with hold_folder(out):
        images, labels = load_mnist(arguments.data_dir)
        if config.images:
            images, labels = images[: config.images], labels[: config.images]
        progress = Progress(config, steps_per_epoch(config, len(images)))
        images = to_model_size(images, model_config.image_size, model_config.image_channels).to(device)
        labels = labels.to(device)
        if (warning := slow_precision(config.precision, device)) is not None:
            progress.line(warning)
        run = open_run(out, model_config, config, device, progress.line)
        if run.step:
            done = f"step {run.step:,} ({len(run.history)} of {config.epochs} epochs done)"
            progress.line(f"resuming {out} at {done}")
        measure = partial(epoch_quality, images=images, classifier=load_classifier())
        stop = cli.StopOnSignal(signal.SIGINT, signal.SIGTERM)
        with stop, closing(progress):
            finished = train_in_folder(
                run, out, images, labels, measure=measure, should_stop=lambda: stop.requested, progress=progress
            )
    if not finished:
        progress.line(f"stopped at step {run.step:,} and saved: run the same command to continue")
        return 130
    progress.line(f"done: {out} is a model folder; see {out / 'samples.png'} and {out / 'progress.webp'}")
    if repo is not None:
        push_or_say_how(out, repo)
    return 0


def push_or_say_how(out: Path, repo: str) -> None:
    """Push the model folder. If that fails, it is kept and the message says how to push it later."""
    later = shlex.join(["python", "scripts/push.py", str(out), repo])
    try:
        pushed = push_model(out, repo)
    except InputError as error:
        raise InputError(f"{error}; {out} is kept, push it later with: {later}") from None
    print(f"pushed to {pushed.url}, commit {pushed.commit}")


if __name__ == "__main__":
    cli.run(main)
