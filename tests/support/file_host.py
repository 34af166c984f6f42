"""A host of plain files on a free port of 127.0.0.1, as `python -m http.server` is one."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass

    def copyfile(self, source, outputfile) -> None:
        super().copyfile(source, outputfile)
        self.server.sent += source.tell()


class FileHost(ThreadingHTTPServer):
    """sent: the bytes of all files that were sent, without headers."""

    daemon_threads = True
    sent = 0

    def handle_error(self, request, client_address) -> None:
        """Say nothing: a browser that leaves a page cuts its requests."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


@contextmanager
def hosting(folder: Path) -> Iterator[FileHost]:
    """Serve a folder."""
    with FileHost(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder))) as host:
        Thread(target=host.serve_forever, daemon=True).start()
        yield host
        host.shutdown()
