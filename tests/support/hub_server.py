"""A Hugging Face Hub on loopback, for the real `huggingface_hub` client, with faults that can be switched on.

It follows our reading of the Hub's HTTP protocol (the source of huggingface_hub 2.4.0 and what it sends). So a test
that passes shows that our code and the real client agree with this reading. It knows what our code uses: models and
Spaces, plain LFS (clients run with HF_HUB_DISABLE_XET=1), commits to branches, tags. It answers 501 to anything else.

- The hub is 127.0.0.1 and the blobs are `localhost`, so that an LFS download crosses origins as on the real Hub. A
  blob request that carries a token is refused, as S3 does, which shows that a client leaks none.
- Over plain http the client does not take a bare 401 for a missing repo: it needs X-Error-Code.
- Paths are routed still quoted, so that a branch named `a/b` stays one part of the path.
"""

import asyncio
import base64
import hashlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import huggingface_hub.constants
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

TOKENS = {"hf_test": "write", "hf_read": "read"}
LFS_ENDINGS = (".safetensors", ".png", ".webp")

ERROR_FAULTS = {  # status, X-Error-Code, message
    "unauthorized": (401, "RepoNotFound", "Invalid username or password."),
    "gated": (403, "GatedRepo", "Access to this model is restricted and you are not in the authorized list."),
    "no_repo": (404, "RepoNotFound", "Repository not found"),
    "no_revision": (404, "RevisionNotFound", "Invalid rev id"),
    "no_entry": (404, "EntryNotFound", "Entry not found"),
    "rate_limit": (429, None, "We had to rate limit you."),
    "server_error": (500, None, "Internal Error - We're working hard to fix this as soon as possible!"),
}
BODY_FAULTS = ("cut", "trickle", "short", "flip")
TRICKLE_SECONDS = 0.2
BYTES = "application/octet-stream"


class Refusal(Exception):
    """An error answer."""

    def __init__(self, status: int, message: str, code: str | None = None, headers: dict[str, str] | None = None):
        named = {"X-Error-Message": message.encode("ascii", "replace").decode()} | (headers or {})
        self.response = JSONResponse({"error": message}, status, named | ({"X-Error-Code": code} if code else {}))


@dataclass(frozen=True)
class File:
    data: bytes
    lfs: bool = False

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def etag(self) -> str:
        """The sha256 of an LFS file, git's blob id of another: the name of the file in the client's cache."""
        return self.sha256 if self.lfs else hashlib.sha1(b"blob %d\0" % len(self.data) + self.data).hexdigest()


@dataclass(frozen=True)
class Commit:
    id: str  # 40 hex digits
    tree: dict[str, File]


@dataclass
class Repo:
    type: str  # "model" or "space"
    id: str
    private: bool = False
    sdk: str | None = None
    hardware: str | None = None
    variables: dict[str, str] = field(default_factory=dict)
    commits: list[Commit] = field(default_factory=list)
    refs: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return f"/spaces/{self.id}" if self.type == "space" else f"/{self.id}"

    def at(self, revision: str = "main") -> Commit | None:
        """Return the commit of a branch, a tag or a commit id."""
        id = self.refs.get(f"refs/heads/{revision}") or self.refs.get(f"refs/tags/{revision}") or revision
        return next((commit for commit in self.commits if commit.id == id), None)

    def files(self, revision: str = "main") -> dict[str, bytes]:
        return {path: file.data for path, file in self.at(revision).tree.items()}

    def add_commit(self, tree: dict[str, File], branch: str = "main") -> Commit:
        """Move a branch to a new commit, unless the tree is the same."""
        head = self.at(branch)
        if head is not None and head.tree == tree:
            return head
        names = sorted((path, file.etag) for path, file in tree.items())
        id = hashlib.sha1(repr((self.path, len(self.commits), names)).encode()).hexdigest()
        self.commits.append(Commit(id, dict(tree)))
        self.refs[f"refs/heads/{branch}"] = id
        return self.commits[-1]


@dataclass(eq=False)
class Fault:
    kind: str
    path: str
    method: str


def parameter(request: Request, name: str, default: str = "main") -> str:
    return unquote(request.path_params.get(name, default))


API, WEB = ("/api/{kind}s/{owner}/{name}",), ("/{owner}/{name}", "/{kind}s/{owner}/{name}")
ROUTES: list[tuple[str, str, Callable]] = []  # in the order of matching


def route(methods: str, path: str, under: tuple[str, ...] = ("",)) -> Callable[[Callable], Callable]:
    """Register a handler. It gets the request and its body (JSON is parsed), and returns a response or JSON."""

    def register(handler: Callable) -> Callable:
        ROUTES.extend((methods, prefix + path, handler) for prefix in under)
        return handler

    return register


class HubServer:
    """The state, all of it open to a test; the handlers; and as an ASGI application the faults in front of them."""

    def __init__(self, port: int):
        self.endpoint, self.blob_endpoint = f"http://127.0.0.1:{port}", f"http://localhost:{port}"
        self.repos: dict[tuple[str, str], Repo] = {}
        self.blobs: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self.crashes: list[Exception] = []  # of handlers; `running_hub` raises them at its end
        self.lock = threading.RLock()
        self.requests: list[tuple[str, str]] = []  # (method, path without the query), in the order of arrival
        routes = [Route(path, self._endpoint(handler), methods=methods.split()) for methods, path, handler in ROUTES]
        self._app = Starlette(routes=routes, exception_handlers={404: self._unknown, 405: self._unknown})

    def environment(self, folder: Path, token: str | None = "hf_test") -> dict[str, str]:
        """Return the environment of a client process that uses this hub and keeps its cache in `folder`."""
        foreign = ("HF_", "HUGGING", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
        inherited = {key: value for key, value in os.environ.items() if not key.upper().startswith(foreign)}
        ours = {"HF_ENDPOINT": self.endpoint, "HF_HOME": str(folder / "hf_home"), "NO_PROXY": "127.0.0.1,localhost"}
        ours |= {f"HF_HUB_DISABLE_{what}": "1" for what in ("XET", "TELEMETRY", "PROGRESS_BARS")}
        return inherited | ours | ({"HF_TOKEN": token} if token else {})

    def use(self, monkeypatch, folder: Path) -> None:
        """Let this process and its children use this hub, without a token and with an empty cache."""
        for name, value in self.environment(folder, None).items():
            monkeypatch.setenv(name, value)
        # The client in this process, which only reads the cache, has fixed its folder at import.
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(folder / "hf_home" / "hub"))

    def commit(self, repo_id: str, files: dict[str, bytes]) -> str:
        """Put files on a model's `main` without a client and return the commit's id. Makes a missing repo."""
        with self.lock:
            repo = self.repos.get(("model", repo_id)) or self._new_repo("model", repo_id)
            tree = dict(repo.at().tree)
            for path, data in files.items():
                tree[path] = File(data, path.endswith(LFS_ENDINGS))
                self.blobs |= {tree[path].sha256: data} if tree[path].lfs else {}
            return repo.add_commit(tree).id

    def fault(self, kind: str, path: str = "", method: str = "") -> None:
        """Switch a fault on for requests with `path` in their path and, if given, this `method`.

        `ERROR_FAULTS` answer in place of the real answer; `silent` reads the request and never answers. The others
        damage the body of a good answer, never a HEAD's or a redirect's: `cut` closes the connection after half of
        the Content-Length, `trickle` sends a byte every 0.2 s, `short` half with a Content-Length to match, `flip`
        changes one bit. A download of an LFS file is GET
        /blobs/owner/name/SHA256/FILE: the repo's id and the file's name are in every path of it.
        """
        assert kind in ("silent", *BODY_FAULTS, *ERROR_FAULTS)
        self.faults.append(Fault(kind, path, method))

    def clear_faults(self) -> None:
        """Switch all faults off. A request that one holds ends: a silent one with 503, a started body is cut."""
        self.faults.clear()

    async def __call__(self, scope, receive, send) -> None:
        method, path = scope["method"], unquote(scope["raw_path"].decode())
        self.requests.append((method, path))
        if fault := self._strike(method, path, ("silent", *ERROR_FAULTS)):
            await Request(scope, receive).body()
            status, code, message = ERROR_FAULTS.get(fault.kind, (503, None, "Held until its fault was switched off"))
            while fault.kind == "silent" and fault in self.faults:
                await asyncio.sleep(0.05)
            headers = {"Retry-After": "1"} if fault.kind == "rate_limit" else {}
            await Refusal(status, message, code, headers).response(scope, receive, send)
            return

        answer: list[dict] = []

        async def keep(message: dict) -> None:
            answer.append(message)

        await self._app(scope | {"path": scope["raw_path"].decode()}, receive, keep)
        start, body = answer[0], b"".join(message.get("body", b"") for message in answer[1:])
        good = method != "HEAD" and start["status"] == 200 and body
        await self._send(self._strike(method, path, BODY_FAULTS) if good else None, start, body, send)

    def _strike(self, method: str, path: str, kinds: tuple[str, ...]) -> Fault | None:
        matching = (fault for fault in self.faults if fault.path in path and fault.method in ("", method))
        return next((fault for fault in matching if fault.kind in kinds), None)

    async def _send(self, fault: Fault | None, start: dict, body: bytes, send) -> None:
        kind, half = fault and fault.kind, len(body) // 2
        if kind == "flip":
            body = body[:half] + bytes([body[half] ^ 1]) + body[half + 1 :]
        elif kind == "short":
            body, others = body[:half], [header for header in start["headers"] if header[0] != b"content-length"]
            start = start | {"headers": [*others, (b"content-length", str(half).encode())]}
        await send(start)
        if kind not in ("cut", "trickle"):
            await send({"type": "http.response.body", "body": body})
            return
        # From here the answer stays incomplete, and uvicorn closes the connection when we return.
        for part in [body[:half]] if kind == "cut" else (bytes([byte]) for byte in body):
            await send({"type": "http.response.body", "body": part, "more_body": True})
            await asyncio.sleep(TRICKLE_SECONDS)
            if fault not in self.faults:
                return

    def _endpoint(self, handler: Callable) -> Callable:
        async def answer(request: Request) -> Response:
            body: Any = await request.body()
            try:
                if request.headers.get("content-type", "").endswith(("/json", "+json")):
                    body = json.loads(body)
                with self.lock:
                    found = handler(self, request, body)
                return found if isinstance(found, Response) else JSONResponse(found)
            except Refusal as refusal:
                return refusal.response
            except Exception as error:
                self.crashes.append(error)
                return Refusal(500, f"hub_server.py crashed: {error!r}").response

        return answer

    async def _unknown(self, request: Request, _: Exception) -> Response:
        return Refusal(501, f"hub_server.py does not know {request.method} {request.url.path}").response

    def _role(self, request: Request) -> str | None:
        """Return what the token allows, read or write; None without a token."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token and token not in TOKENS:
            raise Refusal(401, "Invalid credentials in Authorization header")
        return TOKENS.get(token)

    def _repo(self, request: Request) -> Repo:
        role, id = self._role(request), f"{parameter(request, 'owner')}/{parameter(request, 'name')}"
        repo, write = self.repos.get((parameter(request, "kind", "model"), id)), request.method not in ("GET", "HEAD")
        if role is None and (repo is None or repo.private or write):  # without a token, private is as missing
            raise Refusal(401, "Invalid username or password.", "RepoNotFound")
        if repo is None:
            raise Refusal(404, "Repository not found", "RepoNotFound")
        if write and role != "write":
            raise Refusal(403, "Forbidden: you must use a write token to upload to a repository.")
        return repo

    def _at(self, request: Request) -> tuple[Repo, Commit]:
        repo, revision = self._repo(request), parameter(request, "revision")
        if (commit := repo.at(revision)) is None:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return repo, commit

    @route("POST", "/api/validate-yaml")
    def _validate_yaml(self, request: Request, asked: Any) -> dict:
        return {"errors": [], "warnings": []}

    def _new_repo(self, repo_type: str, id: str, **settings) -> Repo:
        repo = self.repos[repo_type, id] = Repo(repo_type, id, **settings)
        tree = {".gitattributes": File(b"*.safetensors filter=lfs\n")}
        if repo_type == "space":
            tree["README.md"] = File(f"---\ntitle: {id}\nsdk: {repo.sdk}\n---\n".encode())
        repo.add_commit(tree)
        return repo

    @route("POST", "/api/repos/create")
    def _create_repo(self, request: Request, asked: Any) -> dict | Response:
        repo_type, id, role = asked.get("type", "model"), f"user/{asked['name']}", self._role(request)
        if role != "write":
            raise Refusal(403 if role else 401, f"You don't have the rights to create a {repo_type} as {id}")
        if repo := self.repos.get((repo_type, id)):
            error = f"You already created this {repo_type} repo: {id}"
            return JSONResponse({"error": error, "url": self.endpoint + repo.path}, 409)
        given = {"sdk": asked.get("sdk"), "hardware": asked.get("hardware")}
        repo = self._new_repo(repo_type, id, private=asked.get("visibility") == "private", **given)
        return {"url": self.endpoint + repo.path, "name": id}

    @route("GET", "", API)
    @route("GET", "/revision/{revision}", API)
    def _info(self, request: Request, body: Any) -> dict:
        repo, commit = self._at(request)
        info = {"id": repo.id, "sha": commit.id, "siblings": [{"rfilename": path} for path in sorted(commit.tree)]}
        return info | {"private": repo.private, "gated": False, "disabled": False}

    @route("GET", "/tree/{revision}", API)
    def _tree(self, request: Request, body: Any) -> list:
        tree = self._at(request)[1].tree
        return [{"type": "file", "path": path, "oid": tree[path].etag, "size": len(tree[path].data)} for path in tree]

    @route("GET", "/refs", API)
    def _refs(self, request: Request, body: Any) -> dict:
        answer = {"heads": [], "tags": []}
        for ref, id in self._repo(request).refs.items():
            _, kind, name = ref.split("/", 2)
            answer[kind].append({"name": name, "ref": ref, "targetCommit": id})
        return {"branches": answer["heads"], "tags": answer["tags"], "converts": []}

    @route("GET", "/resolve/{revision}/{path:path}", WEB)
    def _resolve(self, request: Request, body: Any) -> Response:
        """HEAD and GET of a file. The real Hub sends regular files from another path."""
        (repo, commit), path = self._at(request), parameter(request, "path")
        headers = {"X-Repo-Commit": commit.id}
        if (file := commit.tree.get(path)) is None:
            raise Refusal(404, "Entry not found", "EntryNotFound", headers)
        if not file.lfs:
            return Response(file.data, headers=headers | {"ETag": f'"{file.etag}"'}, media_type=BYTES)
        headers |= {"X-Linked-Etag": f'"{file.etag}"', "X-Linked-Size": str(len(file.data))}
        return RedirectResponse(f"{self.blob_endpoint}/blobs/{repo.id}/{file.sha256}/{path}", 302, headers)

    @route("GET PUT", "/blobs/{owner}/{name}/{sha256}/{file:path}")
    def _blob(self, request: Request, body: Any) -> Response:
        """The storage behind LFS. It ignores Range: after a cut the client begins a file under 10 MB anew."""
        sha256 = parameter(request, "sha256")
        if "authorization" in request.headers:
            raise Refusal(400, "Only one auth mechanism allowed: a token was sent to the storage")
        if request.method != "PUT":
            return Response(self.blobs[sha256], headers={"ETag": f'"{sha256}"'}, media_type=BYTES)
        assert hashlib.sha256(body).hexdigest() == sha256
        self.blobs[sha256] = body
        return Response()

    @route("POST", "/preupload/{revision}", API)
    def _preupload(self, request: Request, asked: Any) -> dict:
        """Answer how to send each file, and the id of the present one, by which the client skips an unchanged file."""
        (_, commit), files = self._at(request), []
        for file in asked["files"]:
            there = {"oid": commit.tree[file["path"]].etag} if file["path"] in commit.tree else {}
            mode = "lfs" if file["path"].endswith(LFS_ENDINGS) else "regular"
            files.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False} | there)
        return {"files": files}

    @route("POST", ".git/info/lfs/objects/batch", WEB)
    def _lfs_batch(self, request: Request, asked: Any) -> dict:
        repo, objects = self._repo(request), []
        for file in asked["objects"]:
            upload = {"href": f"{self.blob_endpoint}/blobs/{repo.id}/{file['oid']}/upload"}
            objects.append(file | ({"actions": {"upload": upload}} if file["oid"] not in self.blobs else {}))
        return {"transfer": "basic", "objects": objects}

    @route("POST", "/commit/{revision}", API)
    def _commit(self, request: Request, body: Any) -> dict:
        (repo, commit), branch = self._at(request), parameter(request, "revision")
        tree = dict(commit.tree)
        for line in body.splitlines():
            key, value = (operation := json.loads(line))["key"], operation["value"]
            path = value.get("path", "").rstrip("/")
            if key == "header":
                assert value.get("parentCommit", commit.id) == commit.id
            elif key == "file":
                tree[path] = File(base64.b64decode(value["content"]))
            elif key == "lfsFile":
                tree[path] = File(self.blobs[value["oid"]], lfs=True)
            else:
                assert key == "deletedFile"
                del tree[path]
        id = repo.add_commit(tree, branch).id
        return {"success": True, "commitOid": id, "commitUrl": f"{self.endpoint}{repo.path}/commit/{id}"}

    @route("POST", "/tag/{revision}", API)
    def _tag(self, request: Request, asked: Any) -> dict:
        repo, commit = self._at(request)
        assert f"refs/tags/{asked['tag']}" not in repo.refs
        repo.refs[f"refs/tags/{asked['tag']}"] = commit.id
        return {}

    @route("GET POST", "/variables", API)
    def _variables(self, request: Request, asked: Any) -> dict:
        values = self._repo(request).variables
        if request.method == "POST":
            values[asked["key"]] = asked["value"]
        return {key: {"value": value} for key, value in values.items()}

    @route("GET", "/runtime", API)
    @route("POST", "/hardware", API)
    def _runtime(self, request: Request, asked: Any) -> dict:
        repo = self._repo(request)
        if request.method == "POST":
            repo.hardware = asked["flavor"]
        return {"stage": "RUNNING", "hardware": {"current": repo.hardware, "requested": repo.hardware}}


@contextmanager
def running_hub() -> Iterator[HubServer]:
    """Run an empty hub on a free port, in a thread of this process."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        hub = HubServer(listener.getsockname()[1])
        quiet = {"log_config": None, "log_level": "critical", "access_log": False}
        config = uvicorn.Config(hub, http="h11", ws="none", lifespan="off", timeout_graceful_shutdown=1, **quiet)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True, name="hub")
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive(), "the hub did not start"
                time.sleep(0.01)
            yield hub
        finally:
            hub.clear_faults()  # without what they hold it stops sooner
            server.should_exit = True
            thread.join(10)
    assert not thread.is_alive(), "the hub did not stop"
    if hub.crashes:
        raise RuntimeError("the hub's own code failed") from hub.crashes[0]
