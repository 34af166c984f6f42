"""Scripts and styles, compressed once for all visitors: Brotli at its best takes a second for all of them.

The first visitor gets them as the page compresses everything else. They are kept in memory: those of a first visit have
0.3 MB.
"""

import re
from concurrent.futures import ThreadPoolExecutor

import brotli
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_FILES, MAX_BYTES = 512, 2**20  # that are kept; of one of them, uncompressed
TEXT = re.compile(r"text/|application/(javascript|json)")


class Compress:
    """Middleware around what browsers may keep for ever. The address of such a file names its content."""

    def __init__(self, app: ASGIApp):
        self.app = app
        self.kept: dict[str, Response | None] = {}  # by path; None until it is compressed
        self.worker = ThreadPoolExecutor(1, "compress")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Headers(scope=scope) if scope["type"] == "http" else {}
        if scope["type"] != "http" or scope["method"] != "GET" or "range" in asked:
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        kept = self.kept.get(path)
        if kept is not None and re.search(r"\bbr\b", asked.get("accept-encoding", "")):
            await kept(scope, receive, send)
        elif path in self.kept or len(self.kept) >= MAX_FILES:
            await self.app(scope, receive, send)
        else:
            await self.app(scope, receive, self.copy(path, send))

    def copy(self, path: str, send: Send) -> Send:
        """Return a `send` that also compresses the answer if it is to be kept."""
        headers, body = {}, bytearray()

        async def follow(message: Message) -> None:
            nonlocal headers, body
            if message["type"] == "http.response.start":
                answer = Headers(raw=message["headers"])
                immutable = message["status"] == 200 and "immutable" in answer.get("cache-control", "")
                if immutable and "content-encoding" not in answer and TEXT.match(answer.get("content-type", "")):
                    headers = {name: answer[name] for name in ("content-type", "cache-control")}
            elif headers and len(body) <= MAX_BYTES:
                body += message.get("body", b"")
                if not message.get("more_body") and len(body) <= MAX_BYTES:
                    self.kept[path] = None
                    self.worker.submit(self.compress, path, bytes(body), headers)
            await send(message)

        return follow

    def compress(self, path: str, body: bytes, headers: dict[str, str]) -> None:
        """Compress a file, for the visitors to come."""
        headers |= {"Content-Encoding": "br", "Vary": "Accept-Encoding"}
        self.kept[path] = Response(brotli.compress(body, quality=11), headers=headers)
