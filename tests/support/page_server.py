"""Run the page in a process of its own, on a free port of 127.0.0.1."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


class Address(str):
    """The address of a running page, and its process."""

    process: subprocess.Popen


@contextmanager
def serving(
    folder: Path, root: Path = ROOT, seconds: float = 90, arguments: Sequence[str] = (), **environment: str
) -> Iterator[Address]:
    """Run `python app.py` in `root` and yield its address. Its output goes to `folder/app.log`."""
    port, log = free_port(), folder / "app.log"
    settings = {"GRADIO_SERVER_PORT": str(port), "GRADIO_TEMP_DIR": str(folder / "gradio")}
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "app.py", *arguments],
            cwd=root,
            env=os.environ | settings | environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        url, deadline = Address(f"http://127.0.0.1:{port}"), time.monotonic() + seconds
        url.process = process
        while True:
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the page did not start:\n{log.read_text()}") from None
                time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
