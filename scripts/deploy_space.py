"""Deploy the page as a Hugging Face Space, or update a Space. It is safe to run again.

    python scripts/deploy_space.py user/space --static
    python scripts/deploy_space.py user/space --model user/digits --hardware zero-a10g

A static Space is plain files: free for everybody, and it never sleeps. A Gradio Space also has the API, and follows the
model on the Hub by itself. You need a token with write access: log in with `hf auth login`, or set HF_TOKEN. With
--dry-run the Space's files are written to a folder, where you can try them.
"""

import argparse
import shlex
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dcgan import InputError
from scripts import cli
from scripts.space import (
    HARDWARE,
    check_settings,
    deploy,
    deploy_static,
    dry_run,
    newest_commit,
    write_gradio,
    write_static,
)


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=cli.Formatter)
    parser.add_argument("space", metavar="USER/SPACE", help="the Space; created if it is missing")
    parser.add_argument("--static", action="store_true", help="deploy plain files instead of a Gradio Space")
    parser.add_argument(
        "--model",
        help="the model to show: user/repo or user/repo@revision (with --static also a folder or a bundled name; "
        "default: the bundled models)",
    )
    parser.add_argument(
        "--hardware",
        default=argparse.SUPPRESS,
        choices=HARDWARE,
        help=f"the Gradio Space's hardware (default: {HARDWARE[0]})",
    )
    parser.add_argument("--private", action="store_true", help="create the Space as private (default: public)")
    parser.add_argument(
        "--dry-run",
        nargs="?",
        type=Path,
        const=Path("space"),
        default=argparse.SUPPRESS,
        metavar="FOLDER",
        help="write the Space's files to FOLDER (./space); change nothing on the Hub",
    )
    return parser.parse_args(argv)


def write_dry(folder: Path, model: str | None, hardware: str, static: bool) -> None:
    """Write the Space's files to a folder, and say how to try them."""
    quoted = shlex.quote(str(folder))
    if static:
        dry_run(folder, lambda tree: write_static(tree, model))
        hint = f"python -m http.server -d {quoted} --bind 127.0.0.1"
    else:
        check_settings(model, hardware)
        commit = newest_commit(model)
        dry_run(folder, lambda tree: write_gradio(tree, model, hardware, commit))
        hint = f"cd {quoted} && python app.py"
    print(f"dry run: {folder} holds the Space's files; try them with `{hint}`")


def main(argv: list[str] | None = None) -> int:
    arguments = parse(argv)
    if arguments.static and "hardware" in arguments:
        raise InputError("--hardware is for a Gradio Space: a static one has none")
    if not arguments.static and arguments.model is None:
        raise InputError("a Gradio Space needs --model: user/repo or user/repo@revision")
    model, hardware = arguments.model, getattr(arguments, "hardware", HARDWARE[0])
    folder = getattr(arguments, "dry_run", None)
    if folder is not None:
        write_dry(folder, model, hardware, arguments.static)
        return 0
    if arguments.static:
        deployed = deploy_static(arguments.space, model, private=arguments.private)
    else:
        deployed = deploy(arguments.space, model, hardware, private=arguments.private)
    print(f"{deployed.url}: {', '.join(deployed.changed) or 'unchanged'}, at commit {deployed.commit}")
    return 0


if __name__ == "__main__":
    cli.run(main)
