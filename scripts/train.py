"""Train a DCGAN on MNIST; the same command again resumes where it stopped, one with more --epochs trains on.

    python scripts/train.py --preset mnist-conditional --out runs/mnist-conditional

Every epoch the folder is a whole model: weights, config, card, a sample grid, the history, and an
animation of how the digits appeared. Ctrl-C saves and exits.
"""

import argparse
import signal
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dcgan import InputError
from dcgan.config import PRESETS, ModelConfig, TrainConfig
from dcgan.data import load_mnist, to_model_size
from dcgan.evaluation.classifier import load_classifier
from dcgan.evaluation.protocol import epoch_quality
from dcgan.hub.load import load_model
from dcgan.hub.upload import check_repo_id, push_model
from dcgan.training import checkpoint
from dcgan.training.loop import NonFiniteLoss, train
from dcgan.training.progress import Progress
from dcgan.training.recalibrate import recalibrated_networks
from dcgan.training.run_folder import check_run_folder, check_start, open_run, write_model_folder
from scripts import cli


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=cli.Formatter)
    parser.add_argument("--preset", required=True, choices=sorted(PRESETS), help="the recipe to start from")
    parser.add_argument("--out", required=True, type=Path, help="the run's folder, new or to be resumed")
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="where MNIST is, or is downloaded to")
    parser.add_argument(
        "--start-from",
        metavar="MODEL",
        default=argparse.SUPPRESS,
        help="train a finished model on (bundled name, folder or user/repo) where its run's folder is not at hand; "
        "--epochs counts from its first",
    )
    parser.add_argument("--push", metavar="USER/REPO", default=argparse.SUPPRESS, help="push the model when done")
    parser.add_argument("--device", default="auto", help="auto (CUDA if there, else CPU), cpu, cuda or cuda:N")
    cli.add_config_flags(parser, "model", ModelConfig, "each overrides the preset")
    cli.add_config_flags(parser, "training", TrainConfig, "each overrides the preset")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    arguments = parse(argv)
    model_config, config = (cli.with_flags(part, arguments) for part in PRESETS[arguments.preset])
    if config.mismatch_weight and not model_config.num_classes:
        raise InputError(f"mismatch_weight is {config.mismatch_weight}: without digits no label is wrong; it must be 0")
    device, out = cli.pick_device(arguments.device), arguments.out
    repo = getattr(arguments, "push", None)
    if repo is not None:
        check_repo_id(repo)  # before hours of training, not after
    state = check_run_folder(out, model_config, config)
    model = load_model(arguments.start_from) if state is None and "start_from" in arguments else None
    if model is not None:
        check_start(model, model_config, config)
    images, labels = load_mnist(arguments.data_dir)
    if config.images:
        images, labels = images[: config.images], labels[: config.images]
    if len(images) < config.batch_size:
        raise InputError(f"batch_size is {config.batch_size}: it must be at most the {len(images)} images")
    images = to_model_size(images, model_config.image_size, model_config.image_channels).to(device)
    labels = labels.to(device)
    run = open_run(state, out, model_config, config, device, model)
    progress = Progress(config, len(images) // config.batch_size)
    if run.step:
        done = f"step {run.step:,} ({len(run.history)} of {config.epochs} epochs done)"
        progress.line(f"resuming {out} at {done}" if model is None else f"starting from {model.name}, at {done}")

    stop = cli.StopOnSignal(signal.SIGINT, signal.SIGTERM)
    try:
        with stop:
            finished = train(
                run,
                images,
                labels,
                save=lambda run: checkpoint.save_checkpoint(run, out),
                end_epoch=lambda run, *networks: write_model_folder(out, run, *networks, len(images)),
                measure=partial(epoch_quality, images=images, classifier=load_classifier()),
                should_stop=lambda: stop.requested,
                progress=progress,
            )
            if finished and state is not None:  # nothing was left to train, or older code wrote the folder
                write_model_folder(out, run, *recalibrated_networks(run, images, labels), len(images))
    except NonFiniteLoss as error:
        raise InputError(str(error)) from None
    except OSError as error:
        raise InputError(f"{out} cannot be written ({error.strerror}): the last whole checkpoint is kept") from None
    finally:
        progress.close()
    if not finished:
        progress.line(f"stopped at step {run.step:,} and saved: the same command continues")
        return 130
    progress.line(f"done: {out} is a model folder; look at {out / 'samples.png'} and {out / 'progress.webp'}")
    if repo is not None:
        push_or_say_how(out, repo)
    return 0


def push_or_say_how(out: Path, repo: str) -> None:
    """A failed push loses nothing: the folder stays, and the message says how to push it later."""
    try:
        pushed = push_model(out, repo)
    except InputError as error:
        raise InputError(f"{error}; {out} is kept, push it later with: python scripts/push.py {out} {repo}") from None
    print(f"pushed to {pushed.url}, commit {pushed.commit}")


if __name__ == "__main__":
    cli.run(main)
