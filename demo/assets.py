"""What the browser fetches beside Gradio's own files: the page's scripts, and of each model its weights and directions.

All of it is under `/dcgan/`. Scripts and weights have their hash in their address, so that a browser keeps them.
"""

import functools
import gzip
import hashlib
import json
import mimetypes
from collections.abc import Callable
from pathlib import Path

import numpy as np
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dcgan.evaluation.classifier import WEIGHTS
from dcgan.model_folder import Model, read_history
from demo.compress import Compress
from demo.guard import Guard
from demo.models import Entry, Models
from demo.parts import training_pictures
from demo.preview import Document, preview_picture

STATIC = Path(__file__).parent / "static"
FOLDERS = ("engine", "views")  # of STATIC, whose scripts the browser fetches
UNCOMPRESSED = {"Content-Encoding": "identity"}  # numbers that look random: compressing them only costs time
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}  # of a file whose address is its hash
LATER = ("engine/drawing.js", "engine/inversion.js", "views/play-zip.js")  # asked for when a visitor needs them
MODULES = sorted(f"{folder}/{path.name}" for folder in FOLDERS for path in (STATIC / folder).glob("*.js"))


@functools.cache
def version() -> str:
    """Return the hash of all scripts, which is a part of their addresses."""
    return hashlib.sha256(b"".join((STATIC / name).read_bytes() for name in MODULES)).hexdigest()[:16]


@functools.lru_cache(maxsize=64)
def _sha256(path: Path, changed: float, size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def sha256(path: Path) -> str:
    """Return the sha256 of a file. It is computed again if the file's size or time has changed."""
    status = path.stat()
    return _sha256(path, status.st_mtime, status.st_size)


def weight_files(model: Model) -> dict[str, Path]:
    """Return the weights that the browser can ask for, by the name of the network."""
    return {
        "generator": model.folder / "model.safetensors",
        "discriminator": model.folder / "discriminator.safetensors",
        "classifier": WEIGHTS,
    }


@functools.lru_cache(maxsize=8)
def halves(path: Path, digest: str) -> tuple[bytes, bytes]:
    """Return a file of weights in two parts, for a page that draws with the first while the second is on its way.

    The first, compressed by gzip, has the file's header, the highest bytes of all numbers, then the second highest. The
    second has the third bytes, then the lowest; they look random. The sign is moved behind the exponent: then the
    highest byte is the exponent, which compresses well. So the first part has each number to 0.4%. `models.js` joins
    them.
    """
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")  # of the numbers
    words = np.frombuffer(content, "<u4", offset=start)
    words = (words << 1 & 0xFF000000) | (words >> 8 & 0x800000) | (words & 0x7FFFFF)
    planes = words.astype("<u4").view(np.uint8).reshape(-1, 4).T
    upper = content[:start] + planes[3].tobytes() + planes[2].tobytes()
    return gzip.compress(upper, 6), planes[1].tobytes() + planes[0].tobytes()


@functools.lru_cache(maxsize=64)
def _last_realness(folder: Path, changed: float) -> float | None:
    """changed: the history's modification time, so that it is read again only if it is another one."""
    history = read_history(folder)
    return history[-1].get("probability_real") if history else None


def real_digits_realness(model: Model) -> float | None:
    """Return the discriminator's mean probability that real digits are real, in the last epoch of its training.

    None if the model's folder has no history.
    """
    try:
        changed = (model.folder / "history.jsonl").stat().st_mtime
    except OSError:
        return None
    return _last_realness(model.folder, changed)


def describe(entry: Entry) -> dict:
    """Return what the browser must know of a model: its config, its files and their sha256, and its state in words.

    The addresses of the files are relative to `/dcgan/`. The generator is in two halves: see `halves`.
    """
    model = entry.model
    hashes = {kind: sha256(path) for kind, path in weight_files(model).items()}
    upper, lower = (f"weights/{hashes['generator']}/{half}" for half in ("upper", "lower"))
    return {
        "name": entry.name,
        "file": model.file_name,
        "config": model.config.to_dict(),
        "commit": model.commit,
        "made": f"weights {hashes['generator'][:8]}" if model.commit is None else f"commit {model.commit[:8]}",
        "realness": real_digits_realness(model),
        "sha256": hashes,
        "files": {kind: f"weights/{digest}" for kind, digest in hashes.items()}
        | {"generatorHalves": [upper, lower], "directions": f"directions/{hashes['generator']}"},
        "status": entry.status,
        "problem": entry.problem,
    }


def describe_all(models: Models) -> list[dict]:
    """Return the description of every model of the page."""
    return [describe(entry) for entry in models.entries.values()]


def directions_of(models: Models, entry: Entry) -> str:
    """Return the vectors of a model's directions as JSON, in the order of the sliders."""
    vectors = [direction.vector.tolist() for direction in models.directions(entry.model)]
    return json.dumps([[round(value, 6) for value in vector] for vector in vectors])


def routes(models: Models) -> list[Route]:
    """Return the routes below `/dcgan/`."""

    def script(request: Request) -> Response:
        name = f"{request.path_params['folder']}/{request.path_params['file']}"
        if name not in MODULES:
            return Response(status_code=404)
        headers = FOREVER if request.path_params["version"] == version() else {"Cache-Control": "no-store"}
        return FileResponse(STATIC / name, media_type=mimetypes.types_map[".js"], headers=headers)

    def list_models(request: Request) -> Response:
        return JSONResponse(describe_all(models), headers={"Cache-Control": "no-store"})

    def weights(request: Request) -> Response:
        wanted, half = request.path_params["digest"], request.path_params.get("half")
        files = [path for entry in models.entries.values() for path in weight_files(entry.model).values()]
        path = next((path for path in files if sha256(path) == wanted), None)
        if path is None or half not in (None, "upper", "lower"):
            return Response(status_code=404)
        if half is None:
            return FileResponse(path, media_type="application/octet-stream", headers=FOREVER | UNCOMPRESSED)
        upper, lower = halves(path, wanted)
        if half == "upper":
            return Response(upper, headers=FOREVER | {"Content-Encoding": "gzip"})
        return Response(lower, headers=FOREVER | UNCOMPRESSED)

    def directions(request: Request) -> Response:
        for entry in models.entries.values():
            if sha256(weight_files(entry.model)["generator"]) == request.path_params["digest"]:
                return Response(directions_of(models, entry), media_type="application/json", headers=FOREVER)
        return Response(status_code=404)

    def picture(request: Request) -> Response:
        folders = [entry.model.folder for entry in models.entries.values()]
        content = training_pictures.find(folders, request.path_params["digest"])
        if content is None:
            return Response(status_code=404)
        return Response(content, media_type="image/webp", headers=FOREVER | UNCOMPRESSED)

    def preview(request: Request) -> Response:
        model = next(iter(models.entries.values())).model
        return Response(
            preview_picture(model.generator), media_type="image/png", headers={"Cache-Control": "max-age=3600"}
        )

    paths: dict[str, Callable[[Request], Response]] = {
        "static/{version}/{folder}/{file}": script,
        "models.json": list_models,
        "weights/{digest}": weights,
        "weights/{digest}/{half}": weights,
        "directions/{digest}": directions,
        "pictures/{digest}": picture,
        "preview.png": preview,
    }
    return [Route(f"/dcgan/{path}", endpoint) for path, endpoint in paths.items()]


def document_script(models: Models) -> str:
    """Return the script that tells a new page its models, so that it does not have to ask."""
    return f"window.dcganModels = {json.dumps(describe_all(models))};"


class KeepAssets:
    """Middleware that lets browsers keep Gradio's own scripts and styles: their addresses have a hash."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        paths = tuple(scope.get("root_path", "") + path for path in ("/assets/", "/theme.css"))
        kept = scope["type"] == "http" and scope["path"].startswith(paths)

        async def mark(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                MutableHeaders(scope=message).update(FOREVER)
            await send(message)

        await self.app(scope, receive, mark if kept else send)


def app_options(models: Models) -> dict:
    """Return the routes and the middleware of the page, for `Blocks.launch(app_kwargs=)`."""
    middleware = [
        Middleware(Guard),
        Middleware(GZipMiddleware, minimum_size=1000, compresslevel=6),
        Middleware(Compress),
        Middleware(KeepAssets),
        Middleware(Document, script=lambda: document_script(models)),
    ]
    return {"routes": routes(models), "middleware": middleware}
