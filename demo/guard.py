"""What may come in: the routes, the size of requests and the time they may take. Middleware around all of the page.

Gradio 6.31 has routes that this page does not need, and that cost much or help to deceive a visitor: one starts ffmpeg,
one stores a page's state for a link, one fetches any address. It also reads requests of any size.
"""

import asyncio
import re

from gradio.route_utils import FnIndexInferError
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

API = "/gradio_api/"
ROUTES = re.compile(  # of Gradio's, below `API`
    r"(api_info|app_id|call|cancel|component_server|config|file|heartbeat|info|login_check|mcp|openapi\.json|queue|reset"
    r"|startup-events|theme\.css|token|upload|upload_progress|user)($|/)|file="
)
FOREIGN = re.compile(r"file[=/]\s*[a-z][a-z0-9+.-]+:", re.IGNORECASE)  # an address, which Gradio would fetch
MAX_BODY = 2**20  # bytes of a request
LIMITS = {"upload": 6 * 10**6, "component_server": 2**16}  # of requests to these routes
BODY_SECONDS = 60.0  # for a request to come in
UPLOADS = 8  # that come in at once, each held in memory until it is whole
BUSY_SECONDS = 3  # when to ask again
HEADERS = {"X-Content-Type-Options": "nosniff"}
SHOWN_HEADERS = {  # of what can be shown by itself: not of scripts and styles, of which a visit asks for ninety
    "Referrer-Policy": "strict-origin-when-cross-origin",
    # A Space is shown in a frame of huggingface.co.
    "Content-Security-Policy": "frame-ancestors 'self' https://huggingface.co https://*.hf.space; "
    "base-uri 'self'; form-action 'self'; object-src 'none'",
}


def refusal(status: int, sentence: str) -> Response:
    """Return an answer as Gradio's own errors look."""
    return JSONResponse({"detail": sentence}, status)


class Guard:
    """ASGI middleware. It reads the body of a request before the page sees it, so nothing half-sent is ever stored."""

    def __init__(self, app: ASGIApp):
        self.app = app
        self.uploads = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def mark(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                if not headers.get("content-type", "").startswith(("application/javascript", "text/css")):
                    headers.update(SHOWN_HEADERS)
                if message["status"] == 503:
                    headers["Retry-After"] = str(BUSY_SECONDS)
            await send(message)

        path = scope["path"].removeprefix(scope.get("root_path", ""))
        route = path.removeprefix(API) if path.startswith(API) else None
        name = route and route.split("/")[0]
        if (route is not None and not ROUTES.match(route)) or path.startswith("/monitoring"):
            await refusal(404, "This page has no such route.")(scope, receive, mark)
        elif route is not None and FOREIGN.match(route):
            await refusal(403, "The page fetches nothing from other addresses.")(scope, receive, mark)
        elif scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.forward(scope, receive, mark)
        elif name != "upload":
            await self.read(LIMITS.get(name, MAX_BODY), scope, receive, mark)
        elif self.uploads >= UPLOADS:
            await refusal(503, "The page is busy: try again in a few seconds.")(scope, receive, mark)
        else:
            self.uploads += 1
            try:
                await self.read(LIMITS["upload"], scope, receive, mark)
            finally:
                self.uploads -= 1

    async def forward(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on. What Gradio raises for an unknown endpoint or session is answered, and not logged."""
        started = False

        async def follow(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, follow)
        except (FnIndexInferError, UnicodeError):
            if started:
                raise
            await refusal(404, "There is no such endpoint, or the request is no text.")(scope, receive, send)
        except RuntimeError as error:
            if not (started and isinstance(error.__cause__, HTTPException)):  # a stream has already told it
                raise
            await send({"type": "http.response.body", "body": b""})

    async def read(self, limit: int, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the whole body and pass it on, or refuse it if it is larger than `limit` bytes or too slow."""
        too_large = refusal(413, f"The request is too large: it may have {limit:,} bytes.")
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdecimal() or len(length) > 15 or int(length) > limit:
            await too_large(scope, receive, send)
            return

        async def whole() -> bytes | None:
            body, more = bytearray(), True
            while more and len(body) <= limit:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                body += message.get("body", b"")
                more = message.get("more_body", False)
            return bytes(body)

        try:
            body = await asyncio.wait_for(whole(), BODY_SECONDS)
        except TimeoutError:
            await refusal(408, f"The request took longer than {BODY_SECONDS:.0f} seconds.")(scope, receive, send)
            return
        if body is None:
            return
        if len(body) > limit:
            await too_large(scope, receive, send)
            return
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        del body

        async def replay() -> Message:
            return messages.pop() if messages else await receive()

        await self.forward(scope, replay, send)
