"""A Hugging Face Hub on loopback: what the real `huggingface_hub` client needs of it, and faults to switch on.

It encodes OUR READING of the Hub's HTTP protocol (huggingface_hub 2.4.0: its source, and what it sends), not the Hub
itself: a test that passes here shows that our code and the real client agree with this reading. Plain LFS only:
clients run with HF_HUB_DISABLE_XET=1, as with xet an upload speaks another protocol. Models and Spaces whose id is
`owner/name`; no pull requests, no data sets. What it does not know it answers with 501 and says so.

State, all of it open to a test in the same process (`with running_hub() as hub`):

    hub.repos["model", "user/repo"]    Repo: private, refs {"refs/heads/main": id, "refs/tags/v1": id}, commits,
                                       files(revision) -> {path: bytes}, and of a Space variables, secrets, hardware
    repo.commits                       [Commit], oldest first, each with its whole tree {path: File}, so that tags and
                                       old ids stay readable for good
    hub.blobs                          {sha256: bytes}: what was uploaded by LFS, in a commit or not yet
    hub.requests, hub.faults           [(method, path)] so far; [Fault] that are switched on

Why things are as they are:
- The hub is 127.0.0.1 and the blobs are `localhost`, so that an LFS download crosses origins as on the real Hub.
  A blob request that carries a token is refused (S3 does so too), which shows that a client leaks none.
- Over plain http the client does not take a bare 401 for a missing repo: it needs X-Error-Code.
- A new repo has a commit already: .gitattributes, and in a Space a README.md. So `files()` has them too.
- Paths are routed still quoted, so that a branch named `a/b` stays one part of the path.
- Handlers run one at a time under `hub.lock`; trees and files never change, so that reading them needs no lock.
"""

import asyncio
import base64
import hashlib
import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import uvicorn
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

TOKENS = {"hf_test": "write", "hf_read": "read"}  # both of the user "user"; owners of repos are not compared
LFS_ENDINGS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".npy", ".npz", ".onnx", ".zip", ".gz")
LFS_SIZE = 10 * 2**20
GIT_ATTRIBUTES = "".join(f"*{ending} filter=lfs diff=lfs merge=lfs -text\n" for ending in LFS_ENDINGS).encode()
SPACE_SDKS = ("gradio", "docker", "static")
SPACE_COLORS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")

ERROR_FAULTS = {  # status, X-Error-Code, message
    "unauthorized": (401, "RepoNotFound", "Invalid username or password."),
    "gated": (403, "GatedRepo", "Access to this model is restricted and you are not in the authorized list."),
    "no_repo": (404, "RepoNotFound", "Repository not found"),
    "no_revision": (404, "RevisionNotFound", "Invalid rev id"),
    "no_entry": (404, "EntryNotFound", "Entry not found"),
    "rate_limit": (429, None, "We had to rate limit you."),
    "server_error": (500, None, "Internal Error - We're working hard to fix this as soon as possible!"),
}
BODY_FAULTS = ("cut", "stall", "trickle", "short", "flip")
TRICKLE_SECONDS = 0.2
BYTES = "application/octet-stream"


class Refusal(Exception):
    """An answer that says no."""

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
    def blob_id(self) -> str:
        """git's own id of what git keeps: the file, or a pointer to it."""
        version = "https://git-lfs.github.com/spec/v1"
        pointer = f"version {version}\noid sha256:{self.sha256}\nsize {len(self.data)}\n".encode() if self.lfs else b""
        kept = pointer or self.data
        return hashlib.sha1(b"blob %d\0" % len(kept) + kept).hexdigest()

    @property
    def etag(self) -> str:
        """What `preupload` compares, and the name of the file in the client's cache."""
        return self.sha256 if self.lfs else self.blob_id

    def entry(self, path: str) -> dict:
        """As `tree` lists it."""
        lfs = {"oid": self.sha256, "sha256": self.sha256, "size": len(self.data), "pointerSize": 134}
        listed = {"type": "file", "path": path, "oid": self.blob_id, "size": len(self.data)}
        return listed | ({"lfs": lfs} if self.lfs else {})


@dataclass(frozen=True)
class Commit:
    id: str  # 40 hex digits
    parent: str | None
    message: str
    date: str
    tree: dict[str, File]


@dataclass
class Repo:
    type: str  # "model" or "space"
    id: str
    private: bool = False
    sdk: str | None = None
    hardware: str | None = None
    variables: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    commits: list[Commit] = field(default_factory=list)
    refs: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Where it is on the web, under the endpoint."""
        return f"/spaces/{self.id}" if self.type == "space" else f"/{self.id}"

    def at(self, revision: str = "main") -> Commit | None:
        """The commit that a branch, a tag or a whole commit id names."""
        id = self.refs.get(f"refs/heads/{revision}") or self.refs.get(f"refs/tags/{revision}") or revision
        return next((commit for commit in self.commits if commit.id == id), None)

    def files(self, revision: str = "main") -> dict[str, bytes]:
        if (commit := self.at(revision)) is None:
            raise KeyError(f"{self.id} has no revision {revision!r}")
        return {path: file.data for path, file in commit.tree.items()}

    def add_commit(self, tree: dict[str, File], message: str, branch: str = "main") -> Commit:
        """Move a branch on; a tree that is already there makes no commit."""
        head = self.at(branch)
        if head is not None and head.tree == tree:
            return head
        date, parent = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ"), head and head.id
        names = sorted((path, file.etag) for path, file in tree.items())
        id = hashlib.sha1(repr((self.path, len(self.commits), parent, message, date, names)).encode()).hexdigest()
        self.commits.append(Commit(id, parent, message, date, dict(tree)))
        self.refs[f"refs/heads/{branch}"] = id
        return self.commits[-1]


@dataclass(eq=False)
class Fault:
    kind: str
    path: str  # only where the path has this in it
    method: str  # only this method; "" is all
    times: int | None  # only so often; None is without end
    retry_after: int


def goes_to_lfs(path: str, sample: bytes, size: int) -> bool:
    """By name, by size, or since it is binary (the client sends 512 bytes of each file for that)."""
    return size > 0 and (path.endswith(LFS_ENDINGS) or size > LFS_SIZE or b"\0" in sample[:512])


def card_errors(readme: str, repo_type: str) -> list[str]:
    """Some of what the Hub refuses in the YAML at the head of a README."""
    match = re.match(r"---\s*\n(.*?)^---\s*$", readme, re.DOTALL | re.MULTILINE)
    try:
        card = (yaml.safe_load(match[1]) if match else None) or {}
    except yaml.YAMLError as error:
        return [f"YAML Metadata Error: {error}"]
    if not isinstance(card, dict):
        return ["YAML Metadata Error: the metadata must be an object"]
    errors = [f'"{key}" must be an array' for key in ("tags", "model-index") if not isinstance(card.get(key, []), list)]
    if repo_type == "space":
        allowed = {"sdk": SPACE_SDKS, "colorFrom": SPACE_COLORS, "colorTo": SPACE_COLORS}
        wrong = [key for key in allowed if card.get(key, allowed[key][0]) not in allowed[key]]
        errors += [f'"{key}" must be one of {", ".join(allowed[key])}' for key in wrong]
        if len(card.get("short_description", "")) > 60:
            errors.append('"short_description" length must be less than or equal to 60 characters long')
    return errors


def parameter(request: Request, name: str, default: str = "main") -> str:
    return unquote(request.path_params.get(name, default))


API, WEB = ("/api/{kind}s/{owner}/{name}",), ("/{owner}/{name}", "/{kind}s/{owner}/{name}")
ROUTES: list[tuple[str, str, Callable]] = []  # in the order of matching


def route(methods: str, path: str, under: tuple[str, ...] = ("",)) -> Callable[[Callable], Callable]:
    """A handler gets the request and its body, read as JSON where it is that; a dict or list it returns is JSON."""

    def register(handler: Callable) -> Callable:
        ROUTES.extend((methods, prefix + path, handler) for prefix in under)
        return handler

    return register


class HubServer:
    """The state, the handlers, and as an ASGI application the faults in front of them."""

    def __init__(self, port: int):
        self.endpoint, self.blob_endpoint = f"http://127.0.0.1:{port}", f"http://localhost:{port}"
        self.repos: dict[tuple[str, str], Repo] = {}
        self.blobs: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self.crashes: list[Exception] = []  # of handlers; `running_hub` raises them at its end
        self.lock = threading.RLock()
        self._requests: list[tuple[str, str]] = []
        routes = [Route(path, self._endpoint(handler), methods=methods.split()) for methods, path, handler in ROUTES]
        self._app = Starlette(routes=routes, exception_handlers={404: self._unknown, 405: self._unknown})

    @property
    def requests(self) -> list[tuple[str, str]]:
        """(method, path without the query), in the order in which they came."""
        return list(self._requests)

    def environment(self, folder: Path, token: str | None = "hf_test") -> dict[str, str]:
        """What a client process needs to meet this hub and nothing else: its cache and settings are in `folder`."""
        foreign = ("HF_", "HUGGING", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
        inherited = {key: value for key, value in os.environ.items() if not key.upper().startswith(foreign)}
        ours = {"HF_ENDPOINT": self.endpoint, "HF_HOME": str(folder / "hf_home"), "NO_PROXY": "127.0.0.1,localhost"}
        ours |= {f"HF_HUB_DISABLE_{what}": "1" for what in ("XET", "TELEMETRY", "PROGRESS_BARS")}
        return inherited | ours | ({"HF_TOKEN": token} if token else {})

    def commit(self, repo_id: str, files: dict[str, bytes | None], repo_type: str = "model", message: str = "") -> str:
        """Put files on `main` without a client (None deletes one) and return the commit's id; makes a missing repo."""
        with self.lock:
            repo = self.repos.get((repo_type, repo_id)) or self._new_repo(repo_type, repo_id)
            tree = {path: file for path, file in repo.at().tree.items() if path not in files}
            for path, data in files.items():
                if data is not None:
                    tree[path] = File(data, goes_to_lfs(path, data, len(data)))
                    self.blobs |= {tree[path].sha256: data} if tree[path].lfs else {}
            return repo.add_commit(tree, message or f"Change {', '.join(files)}").id

    def fault(
        self, kind: str, path: str = "", method: str = "", times: int | None = None, retry_after: int = 1
    ) -> Fault:
        """Switch a fault on: for requests whose path has `path` in it, whose method is `method`, the next `times`.

        Of those that match, the oldest strikes. Answers in place of the real one: `unauthorized` `gated` `no_repo`
        `no_revision` `no_entry` `rate_limit` (with Retry-After) `server_error`; `silent` reads the request and never
        answers. The others damage a good answer's body, never a HEAD's or a redirect's: `cut` closes the connection
        after half of the Content-Length, `stall` sends that half and then nothing, `trickle` a byte every 0.2 s,
        `short` sends half with a Content-Length to match, `flip` changes one bit of the middle byte. A download of
        an LFS file is GET /blobs/owner/name/SHA256/FILE: the repo's id and the file's name are in every path of it.
        """
        if kind != "silent" and kind not in BODY_FAULTS and kind not in ERROR_FAULTS:
            raise ValueError(f"no fault {kind!r}: silent, {', '.join([*ERROR_FAULTS, *BODY_FAULTS])}")
        self.faults.append(Fault(kind, path, method, times, retry_after))
        return self.faults[-1]

    def clear_faults(self) -> None:
        """Switch all faults off. Requests that they hold end: a silent one with 503, a started body is cut."""
        self.faults.clear()

    async def __call__(self, scope, receive, send) -> None:
        method, path = scope["method"], unquote(scope["raw_path"].decode())
        self._requests.append((method, path))
        if fault := self._strike(method, path, ("silent", *ERROR_FAULTS)):
            await Request(scope, receive).body()
            status, code, message = ERROR_FAULTS.get(fault.kind, (503, None, "Held until its fault was switched off"))
            if fault.kind == "silent":
                await self._hold(fault)
            headers = {"Retry-After": str(fault.retry_after)} if fault.kind == "rate_limit" else {}
            await Refusal(status, message, code, headers).response(scope, receive, send)
            return

        answer: list[dict] = []

        async def keep(message: dict) -> None:
            answer.append(message)

        await self._app(scope | {"path": scope["raw_path"].decode()}, receive, keep)
        start, body = answer[0], b"".join(message.get("body", b"") for message in answer[1:])
        good = method != "HEAD" and start["status"] == 200 and body
        if good and (fault := self._strike(method, path, BODY_FAULTS)):
            await self._damage(fault, start, body, send)
        else:
            await send(start)
            await send({"type": "http.response.body", "body": body})

    def _strike(self, method: str, path: str, kinds: tuple[str, ...]) -> Fault | None:
        for fault in list(self.faults):
            if fault.kind in kinds and fault.path in path and fault.method in ("", method) and fault.times != 0:
                fault.times = fault.times and fault.times - 1
                return fault
        return None

    async def _hold(self, fault: Fault) -> None:
        while fault in self.faults:
            await asyncio.sleep(0.05)

    async def _damage(self, fault: Fault, start: dict, body: bytes, send) -> None:
        half = len(body) // 2
        if fault.kind == "flip":
            body = body[:half] + bytes([body[half] ^ 1]) + body[half + 1 :]
        elif fault.kind == "short":
            body, others = body[:half], [header for header in start["headers"] if header[0] != b"content-length"]
            start = start | {"headers": [*others, (b"content-length", str(half).encode())]}
        await send(start)
        if fault.kind in ("flip", "short"):
            await send({"type": "http.response.body", "body": body})
            return
        # From here the answer stays incomplete, and uvicorn closes the connection when we return.
        for part in (bytes([byte]) for byte in body) if fault.kind == "trickle" else [body[:half]]:
            await send({"type": "http.response.body", "body": part, "more_body": True})
            if fault.kind == "trickle":
                await asyncio.sleep(TRICKLE_SECONDS)
                if fault not in self.faults:
                    return
        if fault.kind == "stall":
            await self._hold(fault)

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
                return Refusal(500, f"tests/hub_server.py crashed: {error!r}").response

        return answer

    async def _unknown(self, request: Request, _: Exception) -> Response:
        return Refusal(501, f"tests/hub_server.py does not know {request.method} {request.url.path}").response

    def _role(self, request: Request, anybody: bool = False) -> str | None:
        """What the token allows, read or write; None for nobody."""
        authorization = request.headers.get("authorization")
        role = TOKENS.get((authorization or "").removeprefix("Bearer "))
        if role is None and (authorization or not anybody):
            no_token, wrong_token = "Invalid username or password.", "Invalid credentials in Authorization header"
            raise Refusal(401, wrong_token if authorization else no_token)
        return role

    def _repo(self, request: Request, write: bool = False) -> Repo:
        role, owner, name = self._role(request, anybody=True), parameter(request, "owner"), parameter(request, "name")
        repo = self.repos.get((parameter(request, "kind", "model"), f"{owner}/{name}"))
        if role is None and (repo is None or repo.private or write):  # the Hub does not tell nobody what there is
            raise Refusal(401, "Invalid username or password.", "RepoNotFound")
        if repo is None:
            raise Refusal(404, "Repository not found", "RepoNotFound")
        if write and role != "write":
            raise Refusal(403, "Forbidden: you must use a write token to upload to a repository.")
        return repo

    def _at(self, request: Request, write: bool = False) -> tuple[Repo, Commit]:
        repo, revision = self._repo(request, write), parameter(request, "revision")
        if (commit := repo.at(revision)) is None:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return repo, commit

    @route("GET", "/api/agent-harnesses")
    def _agent_harnesses(self, request: Request, body: Any) -> dict:
        """Telemetry that HF_HUB_DISABLE_TELEMETRY stops: look for it in `requests`."""
        return {"standardEnvVars": [], "harnesses": {}}

    @route("GET", "/api/whoami-v2")
    def _whoami(self, request: Request, body: Any) -> dict:
        auth = {"type": "access_token", "accessToken": {"displayName": "test", "role": self._role(request)}}
        return {"type": "user", "id": "0", "name": "user", "fullname": "User", "orgs": [], "auth": auth}

    @route("POST", "/api/validate-yaml")
    def _validate_yaml(self, request: Request, asked: Any) -> Response:
        errors = [{"message": error} for error in card_errors(asked["content"], asked["repoType"])]
        return JSONResponse({"errors": errors, "warnings": []}, 400 if errors else 200)

    def _new_repo(self, repo_type: str, id: str, **settings) -> Repo:
        if repo_type not in ("model", "space"):
            raise Refusal(501, f"tests/hub_server.py has no repos of type {repo_type!r}")
        repo = self.repos[repo_type, id] = Repo(repo_type, id, **settings)
        tree = {".gitattributes": File(GIT_ATTRIBUTES)}
        if repo_type == "space":
            repo.sdk, repo.hardware = repo.sdk or "gradio", repo.hardware or "cpu-basic"
            tree["README.md"] = File(f"---\ntitle: {id}\nsdk: {repo.sdk}\napp_file: app.py\n---\n".encode())
        repo.add_commit(tree, "initial commit")
        return repo

    @route("POST", "/api/repos/create")
    def _create_repo(self, request: Request, asked: Any) -> dict | Response:
        repo_type, id = asked.get("type", "model"), f"{asked.get('organization') or 'user'}/{asked['name']}"
        if self._role(request) != "write":
            raise Refusal(403, f"You don't have the rights to create a {repo_type} under the namespace of {id}")
        if repo := self.repos.get((repo_type, id)):
            error = f"You already created this {repo_type} repo: {id}"
            return JSONResponse({"error": error, "url": self.endpoint + repo.path}, 409)
        given = {key: {pair["key"]: pair["value"] for pair in asked.get(key, [])} for key in ("variables", "secrets")}
        given |= {"sdk": asked.get("sdk"), "hardware": asked.get("hardware")}
        repo = self._new_repo(repo_type, id, private=asked.get("visibility") == "private", **given)
        return {"url": self.endpoint + repo.path, "name": id}

    @route("GET", "", API)
    @route("GET", "/revision/{revision}", API)
    def _info(self, request: Request, body: Any) -> dict:
        (repo, commit), siblings = self._at(request), []
        for path, file in sorted(commit.tree.items()):
            sizes = {"size": len(file.data), "blobId": file.blob_id, "lfs": file.entry(path).get("lfs")}
            siblings.append({"rfilename": path} | (sizes if "blobs" in request.query_params else {}))
        info = {"id": repo.id, "author": parameter(request, "owner"), "sha": commit.id, "siblings": siblings}
        info |= {"private": repo.private, "gated": False, "disabled": False, "lastModified": commit.date}
        return info | ({"sdk": repo.sdk, "runtime": self._runtime_of(repo)} if repo.type == "space" else {})

    @route("GET", "/tree/{revision}", API)
    @route("GET", "/tree/{revision}/{path}", API)
    def _tree(self, request: Request, body: Any) -> list:
        tree, folder, entries = self._at(request)[1].tree, parameter(request, "path", ""), {}
        recursive, under = request.query_params.get("recursive") == "true", f"{folder}/" if folder else ""
        for path, file in tree.items():
            if path.startswith(under):
                parts = path.removeprefix(under).split("/")
                for depth in range(1, len(parts) if recursive else min(2, len(parts))):
                    name = under + "/".join(parts[:depth])
                    entries[name] = {"type": "directory", "path": name, "oid": "0" * 40, "size": 0}
                if recursive or len(parts) == 1:
                    entries[path] = file.entry(path)
        if folder and not entries:
            raise Refusal(404, f"{folder} does not exist", "EntryNotFound")
        return [entries[path] for path in sorted(entries)]

    @route("GET", "/refs", API)
    def _refs(self, request: Request, body: Any) -> dict:
        answer = {"heads": [], "tags": []}
        for ref, id in self._repo(request).refs.items():
            _, kind, name = ref.split("/", 2)
            answer[kind].append({"name": name, "ref": ref, "targetCommit": id})
        return {"branches": answer["heads"], "tags": answer["tags"], "converts": []}

    @route("GET", "/resolve/{revision}/{path:path}", WEB)
    def _resolve(self, request: Request, body: Any) -> Response:
        """HEAD and GET of a file; the real Hub sends regular files by way of another path of its own."""
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
        """The storage behind LFS. Its addresses are secrets in themselves (signed): no token belongs here.

        It ignores Range: after a cut the client has kept nothing of a file under 10 MB, and begins anew anyway.
        """
        sha256 = parameter(request, "sha256")
        if "authorization" in request.headers:
            raise Refusal(400, "Only one auth mechanism allowed: a token was sent to the storage")
        if request.method == "PUT":
            if hashlib.sha256(body).hexdigest() != sha256:
                raise Refusal(400, "the sha256 of the upload is not the announced one")
            self.blobs[sha256] = body
        if sha256 not in self.blobs:
            raise Refusal(404, "NoSuchKey")
        data = b"" if request.method == "PUT" else self.blobs[sha256]
        return Response(data, headers={"ETag": f'"{sha256}"'}, media_type=BYTES)

    @route("POST", "/preupload/{revision}", API)
    def _preupload(self, request: Request, asked: Any) -> dict:
        """For each file: how to send it, and the id of the one there, by which the client drops what is the same."""
        (_, commit), files = self._at(request, write=True), []
        for file in asked["files"]:
            lfs = goes_to_lfs(file["path"], base64.b64decode(file["sample"]), file["size"])
            there = {"oid": commit.tree[file["path"]].etag} if file["path"] in commit.tree else {}
            decided = {"uploadMode": "lfs" if lfs else "regular", "shouldIgnore": False}
            files.append({"path": file["path"]} | decided | there)
        return {"files": files}

    @route("POST", ".git/info/lfs/objects/batch", WEB)
    def _lfs_batch(self, request: Request, asked: Any) -> dict:
        repo, objects = self._repo(request, write=True), []
        for file in asked["objects"]:
            upload = {"href": f"{self.blob_endpoint}/blobs/{repo.id}/{file['oid']}/upload"}
            verify = {"href": f"{self.endpoint}{repo.path}.git/info/lfs/objects/verify"}
            missing = file["oid"] not in self.blobs
            objects.append(file | ({"actions": {"upload": upload, "verify": verify}} if missing else {}))
        return {"transfer": "basic", "objects": objects}

    @route("POST", ".git/info/lfs/objects/verify", WEB)
    def _lfs_verify(self, request: Request, asked: Any) -> dict:
        self._repo(request, write=True)
        if len(self.blobs.get(asked["oid"], b"")) != asked["size"]:
            raise Refusal(404, "the object was not uploaded, or not all of it")
        return {}

    @route("POST", "/commit/{revision}", API)
    def _commit(self, request: Request, body: Any) -> dict:
        (repo, commit), branch = self._at(request, write=True), parameter(request, "revision")
        head, tree, message = commit.id, dict(commit.tree), ""
        if f"refs/heads/{branch}" not in repo.refs or "create_pr" in request.query_params:
            raise Refusal(501, "tests/hub_server.py commits to branches only, and has no pull requests")
        for line in body.splitlines():
            key, value = (operation := json.loads(line))["key"], operation["value"]
            path = value.get("path", "").rstrip("/")
            if key == "header":
                message = value["summary"]
                if value.get("parentCommit", head) != head:
                    raise Refusal(412, "A commit has happened since. Please refresh and try again.")
            elif key == "file":
                tree[path] = File(base64.b64decode(value["content"]))
            elif key == "lfsFile":
                if value["oid"] not in self.blobs:
                    raise Refusal(400, f"LFS pointer of {path} points to a file that does not exist")
                tree[path] = File(self.blobs[value["oid"]], lfs=True)
            elif key in ("deletedFile", "deletedFolder"):
                gone = {name for name in tree if name == path or name.startswith(path + "/")}
                if not gone or (key == "deletedFile" and path not in tree):
                    raise Refusal(404, f"A file with this name doesn't exist: {path}", "EntryNotFound")
                tree = {name: file for name, file in tree.items() if name not in gone}
            else:
                raise Refusal(501, f"tests/hub_server.py does not know the operation {key!r}")
        id = repo.add_commit(tree, message, branch).id
        return {"success": True, "commitOid": id, "commitUrl": f"{self.endpoint}{repo.path}/commit/{id}"}

    @route("POST", "/tag/{revision}", API)
    def _tag(self, request: Request, asked: Any) -> dict:
        return self._new_ref(*self._at(request, write=True), f"refs/tags/{asked['tag']}")

    @route("POST", "/branch/{branch}", API)
    def _branch(self, request: Request, asked: Any) -> dict:
        request.path_params["revision"] = asked.get("startingPoint", "main")
        return self._new_ref(*self._at(request, write=True), f"refs/heads/{parameter(request, 'branch')}")

    def _new_ref(self, repo: Repo, commit: Commit, ref: str) -> dict:
        if ref in repo.refs:
            raise Refusal(409, f"Reference already exists: {ref}")
        repo.refs[ref] = commit.id
        return {}

    @route("PUT", "/settings", API)
    def _settings(self, request: Request, asked: Any) -> dict:
        repo = self._repo(request, write=True)
        repo.private = asked.get("visibility", "private" if repo.private else "public") == "private"
        return {}

    @route("GET POST", "/variables", API)
    @route("GET POST", "/secrets", API)
    def _variables(self, request: Request, asked: Any) -> dict:
        which, write = request.url.path.rsplit("/", 1)[1], request.method == "POST"
        values = getattr(self._repo(request, write), which)
        if write:
            values[asked["key"]] = asked["value"]
        return {key: {"value": value} if which == "variables" else {} for key, value in values.items()}

    @route("GET", "/runtime", API)
    @route("POST", "/hardware", API)
    def _runtime(self, request: Request, asked: Any) -> dict:
        repo = self._repo(request, write=request.method == "POST")
        if request.method == "POST":
            repo.hardware = asked["flavor"]
        return self._runtime_of(repo)

    def _runtime_of(self, repo: Repo) -> dict:
        return {"stage": "RUNNING", "hardware": {"current": repo.hardware, "requested": repo.hardware}}


@contextmanager
def running_hub() -> Iterator[HubServer]:
    """An empty hub on a free port, in a thread of this process; it stops within seconds, whatever it holds."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        hub = HubServer(listener.getsockname()[1])
        quiet = {"log_config": None, "log_level": "critical", "access_log": False}
        config = uvicorn.Config(hub, http="h11", ws="none", lifespan="off", timeout_graceful_shutdown=1, **quiet)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True, name="hub")
        thread.start()
        try:
            deadline = time.monotonic() + 30
            while not server.started:
                if not thread.is_alive() or time.monotonic() > deadline:
                    raise RuntimeError("the hub did not start")
                time.sleep(0.01)
            yield hub
        finally:
            hub.clear_faults()  # without what they hold it stops sooner
            server.should_exit = True
            thread.join(10)
    if thread.is_alive():
        raise RuntimeError("the hub did not stop")
    if hub.crashes:
        raise RuntimeError("the hub's own code failed") from hub.crashes[0]
