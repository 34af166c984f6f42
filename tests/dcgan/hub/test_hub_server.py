"""The loopback Hub, met by the real client in processes of its own, as our programs are."""

import json
import subprocess
import sys
import textwrap
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from hashlib import sha1, sha256
from pathlib import Path

import pytest
from hub_server import HubServer, running_hub

WEIGHTS = bytes(range(256)) * 12 * 1024  # 3 MB
HEAD_AND_TAIL = (
    """
    import json, os, sys, time
    from concurrent.futures import ThreadPoolExecutor
    from pathlib import Path

    from huggingface_hub import HfApi, get_hf_file_metadata, hf_hub_download, hf_hub_url, snapshot_download

    folder, api, out, time_sleep = Path(sys.argv[1]), HfApi(), {}, time.sleep
    time.sleep = lambda seconds: time_sleep(min(seconds, 0.02))  # the client's pauses between its tries

    def raised(call, *arguments, **named):
        try:
            return f"nothing: {call(*arguments, **named)!r}"
        except Exception as error:
            status = getattr(getattr(error, "response", None), "status_code", "")
            return f"{type(error).__name__} {status}".strip()
    """,
    "\nprint(json.dumps(out))\n",
)


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with running_hub() as hub:
        yield hub


@pytest.fixture
def client(hub: HubServer, tmp_path: Path) -> Callable[..., dict]:
    """Run code with the real client, `folder`, `api` and `raised` at hand, and get its `out`."""

    def run(code: str, token: str | None = "hf_test", **environment: str) -> dict:
        code = textwrap.dedent(HEAD_AND_TAIL[0]) + textwrap.dedent(code) + HEAD_AND_TAIL[1]
        command = [sys.executable, "-c", code, str(tmp_path)]
        environment = hub.environment(tmp_path, token) | environment
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def ask(
    hub: HubServer, method: str, path: str, data: bytes | None = None, timeout: float = 5, **headers: str
) -> tuple[int, dict, bytes]:
    """One request without the client: status, headers, body; of a redirect, what it leads to."""
    request = urllib.request.Request(hub.endpoint + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


def test_a_model_is_pushed_tagged_pulled_and_changed(hub, client, tmp_path):
    model = tmp_path / "model"
    (model / "deep" / "er").mkdir(parents=True)
    files = {
        "model.safetensors": WEIGHTS,
        "config.json": b'{"latent_dim": 100}\n',
        "README.md": b"---\nlicense: mit\ntags: [gan]\n---\n# Digits\n",
        "samples.png": b"\x89PNG\r\n\0\0" * 20,
        "deep/er/empty.txt": b"",
    }
    for path, data in files.items():
        (model / path).write_bytes(data)
    out = client(
        """
        out["me"] = api.whoami()["name"]
        out["before"] = [api.repo_exists("user/digits"), raised(api.upload_folder, repo_id="user/digits",
                         folder_path=folder / "model")]
        out["url"] = str(api.create_repo("user/digits", private=True))
        out["twice"] = [raised(api.create_repo, "user/digits"), str(api.create_repo("user/digits", exist_ok=True))]
        push = lambda **named: api.upload_folder(repo_id="user/digits", folder_path=folder / "model", **named)
        first = push(commit_message="One")
        out["first"], out["again"] = first.oid, push().oid
        api.create_tag("user/digits", tag="v1")
        api.create_branch("user/digits", branch="try/this", revision="v1")
        out["tag twice"] = raised(api.create_tag, "user/digits", tag="v1")
        refs = api.list_repo_refs("user/digits")
        out["refs"] = {ref.ref: ref.target_commit for ref in refs.branches + refs.tags}
        out["tree"] = [api.list_repo_files("user/digits"), [entry.path for entry in api.list_repo_tree("user/digits")]]
        out["lfs"] = {file.rfilename: file.lfs.sha256 for file in api.model_info("user/digits", files_metadata=True)
                      .siblings if file.lfs}
        announced = get_hf_file_metadata(hf_hub_url("user/digits", "model.safetensors"))
        out["announced"] = [announced.etag, announced.size, announced.commit_hash]

        (folder / "model" / "model.safetensors").write_bytes(bytes(3 << 20))
        (folder / "model" / "config.json").unlink()
        out["stale"] = raised(push, parent_commit="0" * 40)
        out["second"] = push(parent_commit=first.oid, delete_patterns="*").oid
        out["info"] = [api.model_info("user/digits").sha, api.model_info("user/digits", revision="v1").sha,
                       api.model_info("user/digits").private]
        out["exists"] = [api.file_exists("user/digits", "config.json"),
                         api.file_exists("user/digits", "config.json", revision="v1")]
        out["deep"] = [entry.path for entry in api.list_repo_tree("user/digits", "deep/er")]
        out["no file"] = raised(api.delete_file, "none", "user/digits")
        api.delete_folder("deep", "user/digits", revision="try/this")
        out["branch"] = api.upload_file(path_or_fileobj=b"x", path_in_repo="x", repo_id="user/digits",
                                        revision="try/this").oid

        out["one"] = hf_hub_download("user/digits", "model.safetensors", revision="v1")
        out["all"] = snapshot_download("user/digits", revision="v1")
        out["main"] = snapshot_download("user/digits")
        """
    )
    repo = hub.repos["model", "user/digits"]
    assert out["me"] == "user" and out["before"] == [False, "RepositoryNotFoundError 404"]
    assert out["url"] == out["twice"][1] == f"{hub.endpoint}/user/digits" and out["twice"][0] == "HfHubHTTPError 409"
    assert repo.private and out["info"][2] is True

    assert [commit.message for commit in repo.commits[:2]] == ["initial commit", "One"]
    assert len(repo.commits) == 5 and out["first"] == out["again"] == repo.commits[1].id == repo.refs["refs/tags/v1"]
    assert repo.files("v1") == repo.files(out["first"]) == {".gitattributes": repo.files()[".gitattributes"]} | files
    assert out["tag twice"] == "HfHubHTTPError 409" and list(out["refs"].values()) == [out["first"]] * 3
    assert list(out["refs"]) == ["refs/heads/main", "refs/heads/try/this", "refs/tags/v1"]
    assert out["tree"][0] == sorted(repo.files("v1")) and "deep" in out["tree"][1] and len(out["tree"][1]) == 6
    digest = sha256(WEIGHTS).hexdigest()
    assert out["lfs"] == {"model.safetensors": digest, "samples.png": sha256(files["samples.png"]).hexdigest()}
    assert out["announced"] == [digest, len(WEIGHTS), out["first"]]
    config = files["config.json"]
    assert repo.at("v1").tree["config.json"].etag == sha1(b"blob %d\0" % len(config) + config).hexdigest()

    assert out["stale"] == "HfHubHTTPError 412" and out["info"][:2] == [out["second"], out["first"]]
    assert repo.files()["model.safetensors"] == bytes(3 << 20) and out["exists"] == [False, True]
    assert set(repo.files("v1")) - set(repo.files()) == {"config.json"}
    assert out["deep"] == ["deep/er/empty.txt"] and out["no file"] == "RemoteEntryNotFoundError 404"
    assert repo.refs["refs/heads/try/this"] == out["branch"]
    assert set(repo.files("try/this")) == set(repo.files("v1")) - {"deep/er/empty.txt"} | {"x"}

    assert Path(out["one"]).read_bytes() == WEIGHTS and str(out["one"]).startswith(str(tmp_path))
    for place, revision in (("all", "v1"), ("main", "main")):
        pulled = {str(path.relative_to(out[place])): path for path in Path(out[place]).rglob("*") if path.is_file()}
        assert {name: path.read_bytes() for name, path in pulled.items()} == repo.files(revision)
    assert not any(path == "/api/agent-harnesses" for _, path in hub.requests)
    assert sum(method == "PUT" for method, _ in hub.requests) == 3  # only what the Hub did not have
    commits = hub.requests.count(("POST", "/api/models/user/digits/commit/main"))
    assert commits == 4  # first, stale, second, no file; none by the push without a change


def test_a_space_is_made_and_deployed(hub, client, tmp_path):
    (tmp_path / "space").mkdir()
    (tmp_path / "space" / "app.py").write_text("print()\n")
    (tmp_path / "space" / "README.md").write_text("---\nsdk: gradio\ncolorFrom: gray\ncolorTo: pink\n---\n")
    out = client(
        """
        make = lambda: api.create_repo("user/page", repo_type="space", space_sdk="gradio", space_hardware="zero-a10g",
                                       private=False, exist_ok=True, space_variables=[{"key": "A", "value": "1"}])
        out["url"] = [str(make()), str(make())]
        push = lambda: api.upload_folder(repo_id="user/page", repo_type="space", folder_path=folder / "space").oid
        out["pushes"] = [push(), push()]
        api.add_space_variable("user/page", "DCGAN_MODEL", "user/digits@v1")
        api.add_space_secret("user/page", "HF_TOKEN", "secret")
        out["variables"] = {key: variable.value for key, variable in api.get_space_variables("user/page").items()}
        out["secrets"] = list(api.get_space_secrets("user/page"))
        out["hardware"] = [api.get_space_runtime("user/page").hardware,
                           api.request_space_hardware("user/page", "t4-small").requested_hardware]
        api.update_repo_settings("user/page", private=True, repo_type="space")
        info = api.space_info("user/page")
        out["info"] = [info.sha, info.sdk, info.private, info.runtime.hardware, api.repo_exists("user/page")]
        out["app"] = Path(hf_hub_download("user/page", "app.py", repo_type="space")).read_text()
        (folder / "space" / "README.md").write_text("---\\nsdk: streamlit\\n---\\n")
        try:
            push()
        except ValueError as error:
            out["card"] = str(error)
        """,
        HF_HUB_DISABLE_TELEMETRY="0",
    )
    space = hub.repos["space", "user/page"]
    assert out["url"] == [f"{hub.endpoint}/spaces/user/page"] * 2
    assert out["pushes"] == [space.commits[-1].id] * 2 and len(space.commits) == 2 and out["app"] == "print()\n"
    assert hub.requests.count(("POST", "/api/spaces/user/page/commit/main")) == 1
    assert out["variables"] == space.variables == {"A": "1", "DCGAN_MODEL": "user/digits@v1"}
    assert out["secrets"] == ["HF_TOKEN"] and space.secrets == {"HF_TOKEN": "secret"}
    assert out["hardware"] == ["zero-a10g", "t4-small"] and space.hardware == "t4-small"
    assert out["info"] == [space.commits[-1].id, "gradio", True, "t4-small", False] and space.private
    assert "sdk" in out["card"] and set(space.files()) == {".gitattributes", "README.md", "app.py"}
    assert hub.requests.count(("GET", "/api/agent-harnesses")) == 1


def test_tokens_decide_who_may_do_what(hub, client):
    hub.commit("user/open", {"config.json": b"{}"})
    hub.commit("user/closed", {"config.json": b"{}"})
    hub.repos["model", "user/closed"].private = True
    out = client(
        """
        def may(token):
            upload = dict(path_or_fileobj=b"1", path_in_repo="new", repo_id="user/open", token=token)
            return [raised(api.whoami, token=token or "hf_nobody"), raised(api.create_repo, "user/new", token=token),
                    raised(api.upload_file, **upload), raised(api.create_tag, "user/open", tag="t", token=token),
                    raised(hf_hub_download, "user/closed", "config.json", token=token)]

        out["wrong"], out["none"], out["read"] = may("hf_wrong"), may(False), may("hf_read")
        out["there"] = str(api.create_repo("user/open", exist_ok=True, token="hf_read"))
        out["public"] = Path(hf_hub_download("user/open", "config.json", token=False)).read_text()
        out["missing"] = [raised(hf_hub_download, "user/none", "config.json", token=token) for token in (False, None)]
        out["private"] = raised(api.model_info, "user/closed", token=False)
        """,
        token=None,
    )
    assert out["wrong"] == ["HfHubHTTPError 401"] * 5
    assert out["none"][:2] == ["HfHubHTTPError 401"] * 2
    assert out["none"][2:] == ["RepositoryNotFoundError 401"] * 3
    assert out["read"][0].startswith("nothing") and out["read"][1:4] == ["HfHubHTTPError 403"] * 3
    assert out["read"][4].startswith("nothing") and out["there"] == f"{hub.endpoint}/user/open"
    assert out["public"] == "{}" and out["missing"] == ["RepositoryNotFoundError 401"] * 2
    assert out["private"] == "RepositoryNotFoundError 401"
    assert [len(repo.commits) for repo in hub.repos.values()] == [2, 2]


def test_the_client_sees_every_fault_as_the_facts_say(hub, client):
    """One repo per fault, so that all are on at the same time and the client meets them in parallel."""
    kinds = (
        "unauthorized gated no_repo no_revision no_entry rate_limit server_error silent trickle cut stall short flip"
    )
    for kind in kinds.split():
        hub.commit(f"user/{kind}", {"model.safetensors": WEIGHTS})
        hub.fault(kind, path=f"user/{kind}/", retry_after=0)
    hub.commit("user/once", {"model.safetensors": WEIGHTS})
    hub.fault("flip", path="user/once", times=1)
    hub.commit("user/get", {"model.safetensors": WEIGHTS})
    hub.fault("server_error", path="user/get", method="GET")
    out = client(
        """
        def bounded(kind):
            return raised(get_hf_file_metadata, hf_hub_url("user/" + kind, "model.safetensors"), timeout=0.5)

        def pull(kind):
            if kind in ("silent", "server_error", "rate_limit"):
                out[kind + " bounded"] = bounded(kind)
            if kind != "silent":  # 396 s
                out[kind] = raised(hf_hub_download, "user/" + kind, "model.safetensors")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(pull, os.environ["KINDS"].split()))
        weights = bytes(range(256)) * 12 * 1024
        same = lambda repo, **named: Path(hf_hub_download(repo, "model.safetensors", **named)).read_bytes() == weights
        out["flipped"] = same("user/flip")
        out["once"] = [same("user/once"), same("user/once", force_download=True)]
        """,
        HF_HUB_DOWNLOAD_TIMEOUT="1",
        KINDS=kinds.replace("trickle ", "") + " get",
    )
    facts = {
        "unauthorized": "RepositoryNotFoundError 401",
        "gated": "GatedRepoError 403",
        "no_repo": "RepositoryNotFoundError 404",
        "no_revision": "RevisionNotFoundError 404",
        "no_entry": "RemoteEntryNotFoundError 404",
        "rate_limit": "LocalEntryNotFoundError",
        "rate_limit bounded": "HfHubHTTPError 429",
        "server_error": "LocalEntryNotFoundError",
        "server_error bounded": "HfHubHTTPError 500",
        "get": "HfHubHTTPError 500",
        "silent bounded": "ReadTimeout",
        "cut": "RemoteProtocolError",
        "stall": "ReadTimeout",
        "short": "OSError",
    }
    assert {kind: out[kind] for kind in facts} == facts
    assert out["flip"].startswith("nothing") and out["flipped"] is False
    assert out["once"] == [False, True]


def test_faults_are_switched_while_the_hub_runs(hub):
    hub.commit("user/digits", {"model.safetensors": WEIGHTS, "config.json": b'{"a": 1}'})
    weights, config = "/user/digits/resolve/main/model.safetensors", "/user/digits/resolve/main/config.json"
    assert ask(hub, "GET", weights)[2] == WEIGHTS

    fault = hub.fault("rate_limit", path="config.json", method="HEAD", retry_after=7)
    status, headers, _ = ask(hub, "HEAD", config)
    assert (status, headers["retry-after"]) == (429, "7")
    assert ask(hub, "GET", config)[0] == ask(hub, "HEAD", weights)[0] == 200
    hub.faults.remove(fault)
    assert ask(hub, "HEAD", config)[0] == 200

    hub.fault("trickle", path="model.safetensors")
    with urllib.request.urlopen(hub.endpoint + weights, timeout=5) as answer:
        assert answer.headers["content-length"] == str(len(WEIGHTS))
        start = time.monotonic()
        assert answer.read(3) == WEIGHTS[:3] and time.monotonic() - start > 0.3
    hub.clear_faults()

    hub.fault("silent", path="config.json", times=2)
    with pytest.raises(TimeoutError):
        ask(hub, "GET", config, timeout=0.5)
    threading.Timer(0.3, hub.clear_faults).start()
    assert ask(hub, "GET", config)[0] == 503
    assert ask(hub, "GET", config)[2] == b'{"a": 1}'

    with pytest.raises(ValueError, match="no fault 'sleepy'"):
        hub.fault("sleepy")


def test_the_hub_stops_at_once_with_requests_in_hand(tmp_path):
    with running_hub() as hub:
        hub.commit("user/digits", {"model.safetensors": WEIGHTS})
        for kind, method in (("silent", "HEAD"), ("stall", "GET")):
            hub.fault(kind, method=method)
            arguments = (hub, method, "/user/digits/resolve/main/model.safetensors")
            threading.Thread(target=lambda asked=arguments: _quietly(ask, *asked), daemon=True).start()
        deadline = time.monotonic() + 10
        while len(hub.requests) < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        start = time.monotonic()
    assert time.monotonic() - start < 4
    with pytest.raises(urllib.error.URLError):
        ask(hub, "GET", "/api/whoami-v2")


def _quietly(call: Callable, *arguments: object) -> None:
    try:
        call(*arguments)
    except Exception:
        return


def test_the_storage_checks_what_it_gets_and_takes_no_token(hub):
    digest = sha256(b"right").hexdigest()
    path = f"/blobs/user/digits/{digest}/upload"
    assert ask(hub, "PUT", path, b"wrong")[0] == 400 and not hub.blobs
    assert ask(hub, "PUT", path, b"right", Authorization="Bearer hf_test")[0] == 400 and not hub.blobs
    assert ask(hub, "PUT", path, b"right")[0] == 200 and hub.blobs == {digest: b"right"}
    assert ask(hub, "GET", path, Authorization="Bearer hf_test")[0] == 400 and ask(hub, "GET", path)[2] == b"right"


def test_what_the_hub_does_not_know_is_said(hub):
    status, headers, _ = ask(hub, "POST", "/api/models/user/digits/discussions", b"{}")
    assert status == 501 and "does not know POST" in headers["x-error-message"]


def test_a_commit_from_the_inside(hub):
    first = hub.commit("user/digits", {"a": b"1", "b/c": b"2"})
    assert hub.commit("user/digits", {"a": b"1"}) == first and len(first) == 40
    second = hub.commit("user/digits", {"a": None, "d": b"3"})
    repo = hub.repos["model", "user/digits"]
    assert repo.files().keys() == {".gitattributes", "b/c", "d"} and repo.files(first)["a"] == b"1"
    assert repo.commits[-1].id == second and repo.commits[-1].parent == first
    with pytest.raises(KeyError, match="no revision 'v9'"):
        repo.files("v9")
