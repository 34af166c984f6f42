"""A plain file host for the browser's engine: its modules, the weights of models, and an empty page that loads it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from dcgan.model_folder import BUNDLED, read_config

ENGINE = Path(__file__).resolve().parents[2] / "demo" / "static" / "engine"
PAGE = b'<!doctype html><title>engine</title><script type="module" src="/engine/index.js"></script>'
TYPES = {".js": "text/javascript", ".html": "text/html"}
FILES = {
    "generator": "model.safetensors",
    "discriminator": "discriminator.safetensors",
    "classifier": "../classifier.safetensors",
}


class EngineServer(ThreadingHTTPServer):
    """Serves /, /engine/FILE and what `publish` adds; `requested` lists the paths that were asked for."""

    def __init__(self):
        self.files: dict[str, bytes] = {"/": PAGE, "/favicon.ico": b""}
        self.files |= {f"/engine/{path.name}": path.read_bytes() for path in ENGINE.glob("*.js")}
        self.requested: list[str] = []
        self.models: list[dict] = []  # the entries of what was published
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def publish(self, folder: Path, name: str) -> dict:
        """Serve a model folder's weights and return its entry, as the engine's `init` takes it."""
        entry = {"name": name, "config": read_config(folder)[0].to_dict(), "sha256": {}}
        for kind, file in FILES.items():
            path = folder / file
            content = (path if path.exists() else BUNDLED / "classifier.safetensors").read_bytes()
            entry[f"{kind}Url"] = f"/weights/{name}/{kind}"
            entry["sha256"][kind] = hashlib.sha256(content).hexdigest()
            self.files[entry[f"{kind}Url"]] = content
        self.models.append(entry)
        return entry


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self.server.requested.append(self.path)
        content = self.server.files.get(self.path)
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Type", TYPES.get(Path(self.path).suffix, "text/html" if self.path == "/" else ""))
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def serving_engine() -> Iterator[EngineServer]:
    server = EngineServer()
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
