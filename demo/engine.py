"""Serve the browser's engine (`static/engine/`), and the weights of the page's models under their sha256.

The engine runs the same networks in the visitor's browser. Today it is offered in the browser's console, as `dcgan`.
"""

import functools
import hashlib
import mimetypes
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from dcgan.evaluation.classifier import WEIGHTS
from dcgan.model_folder import Model
from demo.models import Models

ENGINE = Path(__file__).parent / "static" / "engine"
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}  # of a file whose address is its hash
# After the page has loaded. It loads no weights: the engine fetches them when they are first needed.
HEAD = """<script type="module">
if (document.readyState !== "complete") await new Promise((done) => addEventListener("load", done));
const root = `${window.gradio_config?.root || location.origin}/dcgan/`;
const [{ default: dcgan }, models] = await Promise.all([
  import(`${root}engine/index.js`), fetch(`${root}models.json`).then((answer) => answer.json())]);
for (const model of models) {
  for (const [kind, hash] of Object.entries(model.sha256)) model[`${kind}Url`] = `${root}weights/${hash}`;
}
dcgan.init({ models });
</script>"""


@functools.lru_cache(maxsize=64)
def _sha256(path: Path, changed: float, size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def sha256(path: Path) -> str:
    """Return the sha256 of a file. It is computed again if the file's size or time has changed."""
    status = path.stat()
    return _sha256(path, status.st_mtime, status.st_size)


def weight_files(model: Model) -> dict[str, Path]:
    """Return the weights that the engine can ask for, by the name of the network."""
    return {
        "generator": model.folder / "model.safetensors",
        "discriminator": model.folder / "discriminator.safetensors",
        "classifier": WEIGHTS,
    }


def describe(name: str, model: Model) -> dict:
    """Return what the engine must know of a model: its config, and the sha256 of its weights."""
    hashes = {kind: sha256(path) for kind, path in weight_files(model).items()}
    return {"name": name, "config": model.config.to_dict(), "commit": model.commit, "sha256": hashes}


def routes(models: Models) -> list[Route]:
    """Return the routes below `/dcgan/`: `engine/FILE`, `models.json`, and `weights/SHA256`."""

    def engine(request: Request) -> Response:
        path = ENGINE / request.path_params["file"]  # one part of a path, and no dots at its start
        if path.suffix != ".js" or path.name.startswith(".") or not path.is_file():
            return Response(status_code=404)
        return FileResponse(path, media_type=mimetypes.types_map[".js"], headers={"Cache-Control": "no-cache"})

    def list_models(request: Request) -> Response:
        described = [describe(name, entry.model) for name, entry in models.entries.items()]
        return JSONResponse(described, headers={"Cache-Control": "no-store"})

    def weights(request: Request) -> Response:
        wanted = request.path_params["digest"]
        for entry in models.entries.values():
            for path in weight_files(entry.model).values():
                if sha256(path) == wanted:
                    return FileResponse(path, media_type="application/octet-stream", headers=FOREVER)
        return Response(status_code=404)

    return [
        Route("/dcgan/engine/{file}", engine),
        Route("/dcgan/models.json", list_models),
        Route("/dcgan/weights/{digest}", weights),
    ]
