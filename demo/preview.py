"""The card that a chat or a social network shows for a link to the page: title, description and a picture."""

import functools
import re
from html import escape

from PIL import Image
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dcgan.images import enlarge, grid
from dcgan.latents.sampling import crop, sample
from dcgan.model_folder import Model
from demo.parts.pictures import PAPER_COLOUR, png_bytes, styled

TITLE = "Handwritten digits that nobody wrote"
DESCRIPTION = "A small neural network learned to write digits. It runs in your browser: play with its handwriting."
SIZE = (1200, 630)  # pixels, as the networks want it
ROWS, COLUMNS = 4, 8
GRADIO = re.compile(rb'<meta\s+(?:property="og:|name="twitter:)[^>]*>')


@functools.lru_cache(maxsize=2)
def preview_picture(model: Model) -> bytes:
    """Return a PNG of the first digits of a model, ink on paper."""
    images = crop(sample(model.generator, range(ROWS * COLUMNS)).images, model.config.border)
    digits = enlarge(grid(images, COLUMNS).convert("L"), 600 // (images.shape[-1] * ROWS) or 1, smooth=True)
    paper = Image.new("RGB", SIZE, PAPER_COLOUR)
    paper.paste(styled(digits, "ink on paper"), tuple((a - b) // 2 for a, b in zip(SIZE, digits.size, strict=True)))
    return png_bytes(paper)


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


class LinkPreview:
    """Middleware that puts the page's card in place of Gradio's, which no setting of Gradio's can remove."""

    def __init__(self, app: ASGIApp):
        self.app = app

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
                body = GRADIO.sub(b"", body).replace(b"<head>", b"<head>" + tags(address_of(scope)), 1)
                kept = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
                start["headers"] = [*kept, (b"content-length", str(len(body)).encode())]
            await send(start)
            await send({"type": "http.response.body", "body": body})

        await self.app(scope, receive, collect)
