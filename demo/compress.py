"""Scripts and styles, compressed for all visitors: Brotli at its best takes a second for all of them.

Who asks first gets them compressed quickly. They are kept in memory: those of a first visit have 0.3 MB.
"""

import re
from concurrent.futures import ThreadPoolExecutor

import brotli
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_FILES, MAX_BYTES = 512, 2**20  # that are kept; of one of them, uncompressed
QUICK, BEST = 5, 11  # qualities of Brotli: 31 and 890 ms for all
TEXT = re.compile(r"text/|application/(javascript|json)")


class Compress:
    """Middleware around what browsers may keep for ever. The address of such a file names its content."""

    def __init__(self, app: ASGIApp):
        self.app = app
        self.kept: dict[str, Response] = {}  # by path
        self.worker = ThreadPoolExecutor(1, "compress")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Headers(scope=scope) if scope["type"] == "http" and scope["method"] == "GET" else {}
        path = scope.get("path", "")
        if "range" in asked or not re.search(r"\bbr\b", asked.get("accept-encoding", "")):
            await self.app(scope, receive, send)
        elif path in self.kept:
            await self.kept[path](scope, receive, send)
        elif len(self.kept) >= MAX_FILES:
            await self.app(scope, receive, send)
        else:
            await self.app(scope, receive, self.compressing(scope, receive, send))

    def compressing(self, scope: Scope, receive: Receive, send: Send) -> Send:
        """Return a `send` that compresses the answer if it is to be kept."""
        headers, body = {}, bytearray()

        async def follow(message: Message) -> None:
            nonlocal headers
            if message["type"] == "http.response.start":
                answer = Headers(raw=message["headers"])
                immutable = message["status"] == 200 and "immutable" in answer.get("cache-control", "")
                small = int(answer.get("content-length", MAX_BYTES + 1)) <= MAX_BYTES
                text = "content-encoding" not in answer and TEXT.match(answer.get("content-type", ""))
                if immutable and small and text:
                    headers = {name: answer[name] for name in ("content-type", "cache-control")}
                    return
            elif headers:
                body.extend(message.get("body", b""))
                if not message.get("more_body"):
                    if (path := scope["path"]) not in self.kept:  # two may have asked at the same time
                        self.compress(path, bytes(body), headers, QUICK)
                        self.worker.submit(self.compress, path, bytes(body), headers, BEST)
                    await self.kept[path](scope, receive, send)
                return
            await send(message)

        return follow

    def compress(self, path: str, body: bytes, headers: dict[str, str], quality: int) -> None:
        """Compress a file and keep it, in place of an earlier one."""
        headers = headers | {"Content-Encoding": "br", "Vary": "Accept-Encoding"}
        self.kept[path] = Response(brotli.compress(body, quality=quality), headers=headers)
