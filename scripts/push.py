"""Push a model folder to the Hugging Face Hub.

    python scripts/push.py runs/digits user/digits --tag v1

The push is one commit; an unchanged folder makes none. The model card is written anew for the repo. Optional files
that the folder no longer has are deleted on the Hub, and so are measurements of other weights. You need a token with
write access: log in with `hf auth login`, or set HF_TOKEN.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dcgan.hub.upload import check_repo_id, check_tag, files_to_push, push_model
from scripts import cli


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=cli.Formatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a run of scripts/train.py, or a model folder")
    parser.add_argument("repo", metavar="USER/REPO", help="the repo on the Hub; created if it is missing")
    parser.add_argument("--private", action="store_true", help="create the repo as private (default: public)")
    parser.add_argument("--tag", default=argparse.SUPPRESS, help="tag this version: it can be loaded as USER/REPO@TAG")
    parser.add_argument("--dry-run", action="store_true", help="check and list the files; use no network, push nothing")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    arguments = parse(argv)
    tag = getattr(arguments, "tag", None)
    if arguments.dry_run:
        check_repo_id(arguments.repo)
        check_tag(tag)
        for name, file in files_to_push(arguments.folder, arguments.repo).items():
            print(f"{len(file) if isinstance(file, bytes) else file.stat().st_size:>12,}  {name}")
        print(f"dry run: nothing was pushed to {arguments.repo}")
        return 0
    pushed = push_model(arguments.folder, arguments.repo, private=arguments.private, tag=tag)
    print(f"{pushed.url}: {'commit' if pushed.changed else 'unchanged, at commit'} {pushed.commit}")
    if tag is not None:
        print(f"tagged {tag}: load it as {arguments.repo}@{tag}")
    return 0


if __name__ == "__main__":
    cli.run(main)
