"""Visitors of the API over plain HTTP, many at a time in one thread, so that they leave the cores to the page."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

MAX_SECONDS = 60  # for one answer


@dataclass
class Answer:
    """An HTTP answer whose body is whole: as long as its Content-Length says, or with its last chunk."""

    status: int
    headers: dict[str, str]
    body: bytes


class Visitor:
    """One keep-alive connection to the page. A cut answer raises `asyncio.IncompleteReadError`."""

    def __init__(self, url: str):
        self.address = urlsplit(url)
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        return await asyncio.wait_for(self._ask(method, path, body, headers), MAX_SECONDS)

    async def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        if self.writer is None or self.writer.is_closing():
            self.reader, self.writer = await asyncio.open_connection(self.address.hostname, self.address.port)
        sent = {"Host": self.address.netloc, "Content-Length": str(len(body))}
        sent |= {"Content-Type": "application/json"} | {name.replace("_", "-"): text for name, text in headers.items()}
        head = "".join(f"{name}: {text}\r\n" for name, text in sent.items())
        self.writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        await self.writer.drain()
        first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        received = {name.lower(): text for name, _, text in (line.partition(": ") for line in lines if line)}
        if "content-length" in received:
            content = await self.reader.readexactly(int(received["content-length"]))
        else:
            content = b""
            while size := int(await self.reader.readline(), 16):
                content += (await self.reader.readexactly(size + 2))[:-2]
            await self.reader.readexactly(2)
        if received.get("connection") == "close":
            self.close()
        return Answer(int(first.split()[1]), received, content)

    async def call(self, name: str, *values: object) -> tuple[Answer, object]:
        """Call an endpoint. Return the last HTTP answer, and the values of a complete event or the error's object."""
        answer = await self.ask("POST", f"/gradio_api/call/{name}", json.dumps({"data": values}).encode())
        if answer.status != 200:
            return answer, json.loads(answer.body)
        answer = await self.ask("GET", f"/gradio_api/call/{name}/{json.loads(answer.body)['event_id']}")
        event, data = answer.body.decode().rstrip().split("\n\n")[-1].split("\n", 1)
        told = json.loads(data.removeprefix("data: "))
        return answer, told if event == "event: complete" else {"error": told}

    async def fetch(self, file: dict) -> bytes:
        """Return the content of a file of an answer."""
        answer = await self.ask("GET", urlsplit(file["url"]).path)
        assert answer.status == 200, answer
        return answer.body

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
            self.writer = None


@dataclass
class Record:
    """What the visitors of a run saw."""

    seconds: list[float] = field(default_factory=list)  # of each complete answer with its picture
    refused: list[Answer] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def visit(url: str, visitors: int, seconds: float, request, check=lambda *_: None, pause: float = 0.0) -> Record:
    """Let visitors call an endpoint again and again, each waiting for its answer and the answer's first file.

    request(visitor, turn) -> (endpoint, *values). check(values, told, file) raises if an answer is wrong.
    pause: seconds after each answer. Who is turned away waits as long as `Retry-After` says.
    """
    record, end = Record(), time.monotonic() + seconds

    async def one(number: int) -> None:
        visitor, turn = Visitor(url), 0
        while time.monotonic() < end:
            asked, turn, started = request(number, turn), turn + 1, time.monotonic()
            try:
                answer, told = await visitor.call(*asked)
                if answer.status == 503:
                    record.refused.append(answer)
                    await asyncio.sleep(float(answer.headers["retry-after"]))
                    continue
                if not isinstance(told, list):
                    raise RuntimeError(f"{answer.status}: {told}")
                check(asked[1:], told, await visitor.fetch(told[0]))
                record.seconds.append(time.monotonic() - started)
                await asyncio.sleep(pause)
            except Exception as error:
                record.errors.append(f"{asked}: {error!r}")
                visitor.close()
        visitor.close()

    async def all_of_them() -> None:
        await asyncio.gather(*(one(number) for number in range(visitors)))

    asyncio.run(all_of_them())
    return record
