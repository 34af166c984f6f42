"""Files that are either there as a whole or not at all."""

import json
import os
from collections.abc import Callable
from pathlib import Path


def write_file(path: str | Path, write: Callable[[Path], object]) -> None:
    """Call `write(temporary)`, then move the finished file to `path`; on an error leave nothing."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial{path.suffix}")
    try:
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def is_free(path: Path) -> bool:
    """Whether a folder can be made here: nothing is there yet, or an empty folder."""
    return not path.exists() or (path.is_dir() and not any(path.iterdir()))


def write_text(path: str | Path, text: str) -> None:
    write_file(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_json(path: str | Path, value: object) -> None:
    write_text(path, json.dumps(value, indent=2) + "\n")
