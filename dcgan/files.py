"""Read and write small files safely: writes are atomic, and JSON from other people is read strictly."""

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from dcgan import InputError

try:
    import fcntl
except ImportError:  # Windows has none, and no locks here
    fcntl = None

MAX_INTEGER = 2**53  # JavaScript and orjson cannot hold every larger integer
MAX_DEPTH = 20


def write_file(path: str | Path, write: Callable[[Path], object], previous: Path | None = None) -> None:
    """Call `write(temporary)`, then move the finished file to `path`. On an error `path` stays as it was.

    previous: where the file that is at `path` is moved to, instead of being replaced.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial{path.suffix}")
    try:
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        if previous is not None and path.exists():
            path.replace(previous)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def partial_files(folder: Path) -> list[Path]:
    """Return the temporary files that killed processes left in a folder."""
    return list(folder.glob(".*.[0-9]*.partial*"))


def write_text(path: str | Path, text: str) -> None:
    """Write a text as UTF-8, atomically."""
    write_file(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_json(path: str | Path, value: object) -> None:
    """Write a value as indented JSON, atomically."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def read_json(path: Path, max_bytes: int) -> object:
    """Return the value of a JSON file of at most `max_bytes`. Raises `OSError` and, like `parse_json`, `ValueError`."""
    with path.open("rb") as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise ValueError(f"it is larger than {max_bytes // 1024} KiB")
    return parse_json(content)


def parse_json(content: bytes) -> object:
    """Return the value of a JSON text in UTF-8. The result can always be serialised again, as UTF-8.

    Raises `ValueError` for what is not JSON, and for NaN, infinity, integers beyond 2**53, lone surrogates and
    nesting deeper than `MAX_DEPTH`.
    """
    try:
        value = json.loads(content.decode("utf-8"), parse_int=_parse_int)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
        too_deep = _depth(value) > MAX_DEPTH
    except RecursionError:
        too_deep = True
    if too_deep:
        raise ValueError("it is nested too deeply")
    return value


def _depth(value: object) -> int:
    if not isinstance(value, (dict, list)):
        return 0
    return 1 + max(map(_depth, value.values() if isinstance(value, dict) else value), default=0)


def _parse_int(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > MAX_INTEGER:
        raise ValueError("it has an integer beyond 2**53")
    return int(text)


@contextlib.contextmanager
def locked(folder: Path, busy: str | None = None) -> Iterator[None]:
    """Hold a lock on a folder within the context. It ends with the process, however that ends.

    busy: the message of the `InputError` that is raised if another process holds it; None waits for that one's end.
    """
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | (fcntl.LOCK_NB if busy else 0))
            except BlockingIOError:
                raise InputError(busy) from None
        yield
    finally:
        os.close(handle)


def is_free(path: Path) -> bool:
    """Return whether `path` can become a new folder: nothing is there, or an empty folder."""
    return not path.exists() or (path.is_dir() and not any(path.iterdir()))
