"""The card that a chat or a social network shows for a link to the page, and the middleware that puts it there."""

import functools
import re
from collections.abc import Callable
from html import escape

from PIL import Image, ImageDraw
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dcgan.ink import SIZE as SIZE_OF_INK
from dcgan.ink import UNITS
from dcgan.networks import Generator
from demo.parts.pictures import FIRST_SEED, INK_COLOUR, PAPER_COLOUR, fill_ink, png_bytes, trace_seeds

TITLE = "Handwritten digits that nobody wrote"
DESCRIPTION = "A small neural network learned to write digits. It runs in your browser: play with its handwriting."
SIZE = (1200, 630)  # pixels, as social networks want it
ROWS, COLUMNS, CELL = 4, 8, 150  # pixels of a digit's cell
SHARP = 4  # drawn this many times larger, for smooth edges
GRADIO = re.compile(rb'<meta\s+(?:property="og:|name="twitter:)[^>]*>')


@functools.lru_cache(maxsize=2)
def preview_picture(generator: Generator) -> bytes:
    """Return a PNG of the first digits of a model, ink on paper."""
    paper = Image.new("RGB", tuple(SHARP * side for side in SIZE), PAPER_COLOUR)
    pen, scale = ImageDraw.Draw(paper), SHARP * CELL / (SIZE_OF_INK * UNITS)
    margin = [SHARP * (side - CELL * count) / 2 for side, count in zip(SIZE, (COLUMNS, ROWS), strict=True)]
    for place, (_, ink) in enumerate(trace_seeds(generator, range(FIRST_SEED, FIRST_SEED + ROWS * COLUMNS))):
        corner = [margin[0] + SHARP * CELL * (place % COLUMNS), margin[1] + SHARP * CELL * (place // COLUMNS)]
        fill_ink(pen, ink, corner, scale, INK_COLOUR, PAPER_COLOUR)
    return png_bytes(paper.resize(SIZE, Image.Resampling.LANCZOS))


def tags(address: str) -> bytes:
    """Return the meta tags of the card. address: the page's own, with a slash at its end."""
    names = {
        "og:title": TITLE,
        "og:type": "website",
        "og:description": DESCRIPTION,
        "og:image": f"{address}dcgan/preview.png",
        "twitter:card": "summary_large_image",
    }
    lines = [f'<meta property="{name}" content="{escape(content)}" />' for name, content in names.items()]
    lines.append(f'<meta name="description" content="{escape(DESCRIPTION)}" />')
    return "\n".join(lines).encode()


def address_of(scope: Scope) -> str:
    """Return the address of the page as the visitor's browser has it, also behind a proxy."""
    headers = Headers(scope=scope)
    scheme = headers.get("x-forwarded-proto", scope["scheme"]).split(",")[0].strip()
    host = headers.get("x-forwarded-host", headers.get("host", "")).split(",")[0].strip()
    return f"{scheme}://{host}{scope.get('root_path', '')}/"


class Document:
    """Middleware that changes the page's HTML: the link's card in place of Gradio's, which no setting of Gradio's can
    remove, and a script that is made anew for each visit."""

    def __init__(self, app: ASGIApp, script: Callable[[], str]):
        self.app, self.script = app, script

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != f"{scope.get('root_path', '')}/":
            await self.app(scope, receive, send)
            return
        start: Message = {}
        body = b""

        async def collect(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            if body and Headers(raw=start["headers"]).get("content-type", "").startswith("text/html"):
                script = "<script>" + self.script().replace("<", "\\u003c") + "</script>"
                head = b"<head>" + tags(address_of(scope)) + script.encode()
                body = GRADIO.sub(b"", body).replace(b"<head>", head, 1)
                kept = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
                start["headers"] = [*kept, (b"content-length", str(len(body)).encode())]
            await send(start)
            await send({"type": "http.response.body", "body": body})

        await self.app(scope, receive, collect)
