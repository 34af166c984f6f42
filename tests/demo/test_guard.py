"""Attacks on the page over real HTTP, and what one visitor can do to the others."""

import asyncio
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from api_visitors import Visitor
from gradio.utils import get_upload_folder
from page_server import ROOT, serving
from PIL import Image

from demo.guard import LIMITS, MAX_BODY
from demo.parts.files import clean, use_own_folder
from demo.server import HEAVY, MAX_WAITING

MODEL = "mnist-conditional"
LONG = ("interpolate", MODEL, "1 2 3 4 5 6 7 8", 60, True, "spherical", "even", 12, "mp4")  # a second or more
MARK = {"meta": {"_type": "gradio.FileData"}}


def ask(url: str, method: str, path: str, body: bytes = b"", **headers: str):
    return asyncio.run(Visitor(url).ask(method, path, body, **headers))


def call(url: str, *asked):
    return asyncio.run(Visitor(url).call(*asked))[1]


def raw(url: str, *parts: bytes, leave: bool = False) -> bytes:
    """Send bytes, and return the first line of the answer; or leave without one."""
    with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), 20) as connection:
        for part in parts:
            connection.sendall(part)
        return b"" if leave else connection.recv(65536).split(b"\r\n")[0]


def upload(content: bytes) -> tuple[bytes, bytes]:
    """Return the headers and the body of an upload of a file."""
    body = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n' + content + b"\r\n--x--\r\n"
    head = "POST /gradio_api/upload HTTP/1.1\r\nHost: page\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode(), body


REFUSED = """
process_recording deep_link?session_hash=a dev/reload run-history/buckets runs vibe-code proxy=https://a.hf.space/
file=https://example.com/a.png file=HTTP://127.0.0.1:1/ file/http://example.com/a file=ftp://a file=/etc/passwd
./deep_link %64eep_link //process_recording stream/a/b/1/playlist.m3u8 profiling/traces
"""


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_routes_that_the_page_does_not_need_are_not_there(page_url, method):
    for route in REFUSED.split():
        assert ask(page_url, method, f"/gradio_api/{route}").status in (403, 404, 405), route
    assert ask(page_url, "GET", "/monitoring/summary").status == 404


def test_every_answer_has_the_security_headers(page_url):
    for path in ("/", "/dcgan/models.json", "/gradio_api/nothing", "/gradio_api/file=/etc/passwd"):
        headers = ask(page_url, "GET", path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "https://huggingface.co" in headers["content-security-policy"]
        assert headers["referrer-policy"]


def test_large_requests_are_refused_before_anything_is_stored(page_url, stored):
    before = stored()
    assert ask(page_url, "POST", "/gradio_api/call/generate", b" " * (MAX_BODY + 1)).status == 413
    assert ask(page_url, "POST", "/gradio_api/component_server", b" " * (LIMITS["component_server"] + 1)).status == 413
    session = json.dumps({"data": [MODEL, 1, 1, "any", 1], "session_hash": "a" * 100}).encode()
    assert ask(page_url, "POST", "/gradio_api/call/generate", session).status == 400
    head = b"POST /gradio_api/queue/join HTTP/1.1\r\nHost: page\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert b" 413 " in raw(page_url, head, *[b"10000\r\n" + b" " * 2**16 + b"\r\n"] * 17)
    head, body = upload(b"x" * LIMITS["upload"])
    assert b" 413 " in raw(page_url, head)
    head, body = upload(b"x" * 1_000_000)
    raw(page_url, head, body[:500_000], leave=True)
    raw(page_url, head, body.replace(b'name="files"', b'name="other"'))
    assert len(stored() - before) <= 1  # of the other field: it is deleted later
    assert b" 200 " in raw(page_url, head, body)


@pytest.fixture
def stored(page_url):
    """Return a function that lists the page's temporary files."""
    folder = Path(call(page_url, "generate", MODEL, 0, 1, "any", 1)[0]["path"]).parents[1]
    return lambda: {path for path in folder.rglob("*") if path.is_file()}


def test_a_request_that_makes_no_sense_gets_a_sentence(page_url, stored):
    before = stored()
    for values, sentence in {
        (): "0 values came: it must be 5: model, seed, count, digit, truncation",
        (MODEL, 1): "2 values came",
        (MODEL, json.dumps({}), 1, "any", 1): "Seed is '{}'",
    }.items():
        assert sentence in call(page_url, "generate", *values)["error"]["error"]
    for path in ("http://127.0.0.1:9/a.png", "https://huggingface.co/a.png", "/etc/passwd", "a\0b", 5, None):
        for file in ({"path": path} | MARK, {"path": path}, {"path": "x", "url": path} | MARK):
            assert "Picture is missing" in call(page_url, "invert", MODEL, file, "any")["error"]["error"]
            assert "Seed is" in call(page_url, "generate", MODEL, file, 1, "any", 1)["error"]["error"]
    assert call(page_url, "generate", MODEL, 1, 1, "any", 1, "one value more")[1][0]["seed"] == 1
    assert stored() - before and all(path.name == "image.png" for path in stored() - before)
    for route, body in {
        "call/nothing": b'{"data": []}',
        "call/generate": rb'"\ud800"',
        "queue/join": b'{"data": [], "fn_index": 999, "session_hash": "a"}',
    }.items():
        answer = ask(page_url, "POST", f"/gradio_api/{route}", body)
        assert 400 <= answer.status < 500 and json.loads(answer.body)["detail"], route
    assert b"404" in ask(page_url, "GET", "/gradio_api/queue/data?session_hash=unknown").body  # and it is whole


def test_one_endpoints_flood_is_turned_away_and_slows_no_other(page_url):
    """Who is turned away gets a sentence and a time to come again; the calls of visitors who leave are dropped."""

    async def flood() -> None:
        body = json.dumps({"data": LONG[1:]}).encode()
        visitors = [Visitor(page_url) for _ in range(HEAVY + MAX_WAITING[HEAVY] + 6)]
        answers = await asyncio.gather(*(one.ask("POST", "/gradio_api/call/interpolate", body) for one in visitors))
        refused = [answer for answer in answers if answer.status == 503]
        assert 6 <= len(refused) <= 6 + HEAVY  # two may not run yet
        for answer in refused:
            assert "busy" in json.loads(answer.body)["detail"] and int(answer.headers["retry-after"]) >= 1
        visitor, started = Visitor(page_url), time.monotonic()
        answer, told = await visitor.call("generate", MODEL, 1, 10, "any", 1)
        assert len(told[1]) == 10 and time.monotonic() - started < 4
        for one, answer in zip(visitors, answers, strict=True):
            if answer.status == 200:  # listen, and leave
                event = json.loads(answer.body)["event_id"]
                one.writer.write(f"GET /gradio_api/call/interpolate/{event} HTTP/1.1\r\nHost: page\r\n\r\n".encode())
                await one.writer.drain()
        await asyncio.sleep(0.5)
        for one in visitors:
            one.close()
        started = time.monotonic()
        _, told = await visitor.call(*LONG[:2], "1 2", 2, True, *LONG[5:])
        assert told[0]["size"] > 0 and time.monotonic() - started < 8  # not after a dozen others

    asyncio.run(flood())


def test_files_are_bounded_in_age_number_and_size(tmp_path):
    now = time.time()
    for number, age in enumerate((10, 20, 30, 40, 50, 60)):
        path = tmp_path / f"folder{number}" / "file"
        path.parent.mkdir()
        path.write_bytes(bytes(100))
        os.utime(path, (now - age, now - age))
        os.utime(path.parent, (now - 3600, now - 3600))
    left = lambda: sorted(path.parent.name for path in tmp_path.rglob("file"))  # noqa: E731
    clean(tmp_path, max_age=55)
    assert left() == [f"folder{number}" for number in range(5)]
    clean(tmp_path, max_files=4)
    assert left() == [f"folder{number}" for number in range(4)]
    clean(tmp_path, max_bytes=250)
    assert left() == ["folder0", "folder1"]
    (tmp_path / "new").mkdir()  # its file is on its way
    clean(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"folder0", "folder1", "new"}


def test_the_folder_that_is_cleaned_is_the_pages_own(tmp_path, monkeypatch):
    for parent, name in ((tmp_path / "a", "dcgan-page"), (tmp_path / "b", "dcgan-page-")):
        monkeypatch.setenv("GRADIO_TEMP_DIR", str(parent))
        if name.endswith("-"):  # somebody has put a link there
            parent.mkdir()
            (parent / "dcgan-page").symlink_to(tmp_path)
        use_own_folder()
        folder = Path(get_upload_folder())
        assert folder.is_dir() and folder.parent == parent and folder.name.startswith(name)
        assert not folder.is_symlink()


def test_the_page_ends_what_runs_and_then_itself_and_takes_no_port_in_use(tmp_path):
    with serving(tmp_path) as url:
        environment = os.environ | {"GRADIO_SERVER_PORT": str(urlsplit(url).port)}
        other = subprocess.run([sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True)
        assert (other.returncode, other.stdout, other.stderr.count("\n")) == (2, "", 1)
        assert "in use" in other.stderr

        async def stop() -> bytes:
            visitor = Visitor(url)
            running = asyncio.create_task(visitor.call(*LONG[:2], "1 2 3", *LONG[3:]))
            await asyncio.sleep(0.3)
            url.process.send_signal(signal.SIGTERM)
            _, told = await running
            return await visitor.fetch(told[1])

        started = time.monotonic()
        assert np.asarray(Image.open(io.BytesIO(asyncio.run(stop())))).shape[0] == 32
        assert url.process.wait(10) == 0
        assert time.monotonic() - started < 5.5  # the call began before
    assert "Traceback" not in (tmp_path / "app.log").read_text()
