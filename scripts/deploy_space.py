"""Deploy the page as a Hugging Face Space, or update a Space. It is safe to run again.

    python scripts/deploy_space.py user/space --model user/digits --hardware zero-a10g

You need a token with write access: log in with `hf auth login`, or set HF_TOKEN. With --dry-run the Space's files are
written to a folder, where `python app.py` runs them.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts import cli
from scripts.space import HARDWARE, deploy, dry_run


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=cli.Formatter)
    parser.add_argument("space", metavar="USER/SPACE", help="the Space; created if it is missing")
    parser.add_argument("--model", required=True, help="the model to show: user/repo or user/repo@revision")
    parser.add_argument("--hardware", default=HARDWARE[0], choices=HARDWARE, help="the Space's hardware")
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


def main(argv: list[str] | None = None) -> int:
    arguments = parse(argv)
    folder = getattr(arguments, "dry_run", None)
    if folder is not None:
        dry_run(folder, arguments.model, arguments.hardware)
        print(f"dry run: {folder} holds the files of {arguments.space}; try them with `cd {folder} && python app.py`")
        return 0
    deployed = deploy(arguments.space, arguments.model, arguments.hardware, private=arguments.private)
    print(f"{deployed.url}: {', '.join(deployed.changed) or 'unchanged'}, at commit {deployed.commit}")
    return 0


if __name__ == "__main__":
    cli.run(main)
