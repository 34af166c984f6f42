"""Scripts and styles, compressed once for all visitors: Brotli at its best takes a second for all of them.

The first visitor gets them as the page compresses everything else. They are small enough to be kept in memory: Gradio's
and ours together have 0.3 MB.
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
        if scope["type"] != "http" or scope["method"] != "GET" or "range" in Headers(scope=scope):
            await self.app(scope, receive, send)
            return
        path, body, kind = scope["path"], bytearray(), ""
        taken = re.search(r"\bbr\b", Headers(scope=scope).get("accept-encoding", ""))
        if taken and (kept := self.kept.get(path)) is not None:
            await kept(scope, receive, send)
            return

        async def follow(message: Message) -> None:
            nonlocal kind, body
            if message["type"] == "http.response.start" and message["status"] == 200 and path not in self.kept:
                headers = Headers(raw=message["headers"])
                if "immutable" in headers.get("cache-control", "") and "content-encoding" not in headers:
                    kind = headers.get("content-type", "")
            elif TEXT.match(kind) and len(body) <= MAX_BYTES:
                body += message.get("body", b"")
                if not message.get("more_body") and len(body) <= MAX_BYTES and len(self.kept) < MAX_FILES:
                    self.kept[path] = None
                    self.worker.submit(self.compress, path, bytes(body), kind)
            await send(message)

        await self.app(scope, receive, follow)

    def compress(self, path: str, body: bytes, kind: str) -> None:
        """Compress a file, for the visitors to come."""
        headers = {"Content-Encoding": "br", "Vary": "Accept-Encoding", "Content-Type": kind}
        headers["Cache-Control"] = "public, max-age=31536000, immutable"
        self.kept[path] = Response(brotli.compress(body, quality=11), headers=headers)
