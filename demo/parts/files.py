"""Files for the clients of the API: whole, each of its own, and deleted later."""

import contextlib
import os
import stat
import tempfile
import threading
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from gradio.route_utils import API_PREFIX
from gradio.utils import get_upload_folder
from gradio_client.utils import encode_file_path
from PIL import Image

from demo.parts.pictures import png_bytes

MAX_AGE = 3600.0  # seconds
MAX_BYTES, MAX_FILES = 512 * 2**20, 20_000  # beyond that the oldest are deleted sooner
CLEAN_SECONDS = 10.0  # between two cleanings
EMPTY_SECONDS = 60.0  # a newer empty folder may be about to get its file


@dataclass(frozen=True)
class ClientFile:
    """A file of an answer. has_size: whether the answer also tells its size."""

    name: str
    content: bytes
    has_size: bool = True

    def write(self) -> dict:
        """Write the file into a new folder of Gradio's. Return its description, as Gradio's clients expect it."""
        parent = Path(get_upload_folder())
        parent.mkdir(parents=True, exist_ok=True)
        path = Path(tempfile.mkdtemp(dir=parent)) / self.name
        path.write_bytes(self.content)
        return {
            "path": str(path),
            "url": f"{API_PREFIX}/file={encode_file_path(str(path))}",
            "size": len(self.content) if self.has_size else None,
            "orig_name": self.name,
            "mime_type": None,
            "is_stream": False,
            "meta": {"_type": "gradio.FileData"},
        }


def png_file(image: Image.Image) -> ClientFile:
    """Return a picture as a PNG file."""
    return ClientFile("image.png", png_bytes(image), has_size=False)


def use_own_folder() -> None:
    """Let Gradio keep its files in a folder that no other program uses, so that all old files in it may be deleted."""
    parent = Path(os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir())
    folder = parent / "dcgan-page"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    foreign = hasattr(os, "getuid") and status.st_uid != os.getuid()
    if foreign or not stat.S_ISDIR(status.st_mode):  # of another user, or a link to somebody's files
        folder = tempfile.mkdtemp(prefix="dcgan-page-", dir=parent)
    os.environ["GRADIO_TEMP_DIR"] = str(folder)


def clean(folder: Path, max_age: float = MAX_AGE, max_bytes: int = MAX_BYTES, max_files: int = MAX_FILES) -> None:
    """Delete the files that are too old (seconds), and the oldest ones beyond a number of bytes or files.

    Folders that have been empty for a minute go, too. What somebody else deletes at the same time is no error.
    """
    now, files, folders = time.time(), [], []
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            status = path.lstat()
            if stat.S_ISDIR(status.st_mode):
                folders.append((status.st_mtime, path))
            else:
                files.append((status.st_mtime, status.st_size, path))
    files.sort(key=lambda file: file[0], reverse=True)
    total = 0
    for count, (changed, size, path) in enumerate(files, 1):
        total += size
        if now - changed > max_age or total > max_bytes or count > max_files:
            path.unlink(missing_ok=True)
    for changed, path in reversed(folders):  # a folder comes before what is in it
        if now - changed > EMPTY_SECONDS:
            with contextlib.suppress(OSError):  # it is not empty
                path.rmdir()


def keep_clean() -> threading.Thread:
    """Start the thread that cleans Gradio's folder, at once and then every `CLEAN_SECONDS`."""

    def run() -> None:
        while True:
            try:
                clean(Path(get_upload_folder()))
            except Exception:
                traceback.print_exc()
            time.sleep(CLEAN_SECONDS)

    thread = threading.Thread(target=run, name="clean", daemon=True)
    thread.start()
    return thread
