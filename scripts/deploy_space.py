"""Put the page on a Hugging Face Space, or bring a Space up to date; safe to repeat.

    python scripts/deploy_space.py user/space --model user/digits --hardware zero-a10g

It needs a token that may write: log in with `hf auth login`, or set HF_TOKEN. With --dry-run the Space's
files are written to a folder, to be looked at and run there with `python app.py`.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dcgan.hub.space import HARDWARE, deploy, dry_run
from scripts import cli


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=cli.Formatter)
    parser.add_argument("space", metavar="USER/SPACE", help="the Space; created if it is not there")
    parser.add_argument("--model", required=True, help="user/repo or user/repo@revision, as pushed")
    parser.add_argument("--hardware", default=HARDWARE[0], choices=HARDWARE, help="what the Space runs on")
    parser.add_argument("--private", action="store_true", help="create it private (public is the Hub's default)")
    parser.add_argument(
        "--dry-run",
        nargs="?",
        type=Path,
        const=Path("space"),
        default=argparse.SUPPRESS,
        metavar="FOLDER",
        help="write the Space's files to FOLDER (./space) and change nothing on the Hub",
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    arguments = parse(argv)
    folder = getattr(arguments, "dry_run", None)
    if folder is not None:
        dry_run(folder, arguments.model, arguments.hardware)
        print(f"dry run: {folder} is what {arguments.space} would hold; try it with `cd {folder} && python app.py`")
        return 0
    deployed = deploy(arguments.space, arguments.model, arguments.hardware, private=arguments.private)
    print(f"{deployed.url}: {', '.join(deployed.changed) or 'unchanged'}, at commit {deployed.commit}")
    return 0


if __name__ == "__main__":
    cli.run(main)
