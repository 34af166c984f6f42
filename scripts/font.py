"""Make a font from a hand: the handwriting of a person who does not exist, to install and type numbers with.

    python scripts/font.py mnist-conditional --hand 42 --out nobody-42.ttf

The font has the digits and the signs - . / : , + = ( ) %. MODEL is a bundled model that knows digits
(mnist-conditional), a model folder, or user/repo on the Hub. The same hand gives the same file.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dcgan import InputError
from dcgan.files import write_file
from dcgan.font import build_font, font_name, font_zip, to_woff2
from scripts import cli

MAKERS = {  # by the suffix of the file
    ".ttf": build_font,
    ".woff2": lambda model, hand: to_woff2(build_font(model, hand)),
    ".zip": font_zip,
}


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=cli.Formatter)
    parser.add_argument("model", metavar="MODEL", help="a bundled model, a model folder, or user/repo")
    parser.add_argument("--hand", default="0", help="a seed, or the code of a hand")
    parser.add_argument(
        "--out", required=True, type=Path, help="FILE.ttf to install, FILE.woff2 for web pages, or FILE.zip with both"
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    arguments = parse(argv)
    path = arguments.out
    if path.suffix not in MAKERS:
        raise InputError(f"{path} ends in {path.suffix or 'no suffix'}: use {', '.join(MAKERS)}")
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise InputError(f"{path} cannot be written: name a file in a folder that exists")
    model = cli.load(arguments.model)
    content = MAKERS[path.suffix](model, arguments.hand)
    try:
        write_file(path, lambda temporary: temporary.write_bytes(content))
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from None
    print(f"{path}: the font {font_name(model, arguments.hand)!r}, {len(content):,} bytes")
    return 0


if __name__ == "__main__":
    cli.run(main)
