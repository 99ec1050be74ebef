"""What one connection may cost: in time, in place, and in answers that nobody takes."""

import asyncio
import json
import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from daemon.api import connections
from daemon.api.server import serve

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
TYPE = b"Content-Type: application/json\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\n" + TYPE + b"Transfer-Encoding: chunked\r\n\r\n"
SOON = 0.3
LATER = 30.0
"""No test waits so long; it is an upper limit for what hangs."""


class Site:
    """An app that reads its request and answers when it may, with so many bytes."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.may.set()
        self.at_work = 0
        self.size = 2

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        self.at_work += 1
        try:
            while (await receive()).get("more_body"):
                pass
            await self.may.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(0, self.size, 65536):
                content = b"x" * min(self.size, 65536)
                await send({"type": "http.response.body", "body": content, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            self.at_work -= 1


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """All deadlines are near."""
    short = dict.fromkeys(connections._SECONDS, SOON)
    monkeypatch.setattr(connections, "_SECONDS", short)


@asynccontextmanager
async def served(site: Site) -> AsyncIterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tt") as home:
        path = Path(home) / "s"
        async with serve(site, path):
            yield path


@asynccontextmanager
async def open_to(path: Path) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        yield reader, writer
    finally:
        writer.close()


async def until(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(LATER):
        while not so():  # noqa: ASYNC110  # a count is no event
            await asyncio.sleep(0.01)


async def to_end(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the daemon closes, which it must."""
    try:
        return await asyncio.wait_for(reader.read(), LATER)
    except ConnectionError:
        return b""


async def answer_to(path: Path, data: bytes) -> bytes:
    async with open_to(path) as (reader, writer):
        writer.write(data)
        return await to_end(reader)


@pytest.mark.parametrize(
    "begun",
    [
        b"GET / HTTP/1.1\r\nX-Slow: ",
        b"POST / HTTP/1.1\r\nHost: x\r\n" + TYPE + b"Content-Length: 9\r\n\r\n{",
    ],
    ids=["head", "body"],
)
async def test_a_request_that_does_not_come_whole_is_told(begun: bytes, soon: None) -> None:
    """Once its time is over, and not again with every byte."""
    async with served(Site()) as path, open_to(path) as (reader, writer):
        writer.write(begun)
        answer = asyncio.create_task(to_end(reader))
        while not answer.done():
            writer.write(b"x" if begun[-1:] == b" " else b"")
            await asyncio.sleep(SOON / 10)
        head, _, content = (await answer).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert json.loads(content)["error"]["code"] == "request_too_slow"


async def test_an_idle_connection_is_closed_without_a_word(soon: None) -> None:
    """Before the first request, and after one."""
    async with served(Site()) as path:
        assert await answer_to(path, b"") == b""
        assert (await answer_to(path, REQUEST)).endswith(b"0\r\n\r\n")


async def test_no_deadline_runs_while_the_answer_is_ours_to_give(soon: None) -> None:
    """A draft takes as long as it takes."""
    site = Site()
    site.may.clear()
    async with served(site) as path, open_to(path) as (reader, writer):
        writer.write(REQUEST)
        await asyncio.sleep(3 * SOON)
        site.may.set()
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")


async def test_requests_in_a_row_are_answered_in_a_row(soon: None) -> None:
    """However they come: at once, or each after the other's answer."""
    async with served(Site()) as path:
        assert (await answer_to(path, REQUEST * 3)).count(b"HTTP/1.1 200") == 3
        async with open_to(path) as (reader, writer):
            for _ in range(3):
                await asyncio.sleep(SOON / 2)
                writer.write(REQUEST)
                assert b"200" in await reader.readuntil(b"0\r\n\r\n")


async def test_an_answer_that_nobody_takes_is_dropped(soon: None) -> None:
    """The app's work on it ends, too."""
    site = Site()
    site.size = 64 * 1024 * 1024
    async with served(site) as path:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(REQUEST)
            await until(lambda: site.at_work > 0)
            await until(lambda: site.at_work == 0)


async def test_where_one_is_too_many_the_one_that_waited_longest_goes() -> None:
    """Connections that are at work stay; the new one is served."""
    site = Site()
    site.may.clear()
    most = connections.MAX_CONNECTIONS
    async with served(site) as path, asyncio.timeout(LATER):
        links = [await asyncio.open_unix_connection(path) for _ in range(most)]
        links[0][1].write(REQUEST)
        await until(lambda: site.at_work > 0)
        async with open_to(path) as (reader, writer):
            writer.write(REQUEST)
            assert await to_end(links[1][0]) == b""  # the first that only waits
            site.may.set()
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        assert (await links[0][0].readline()).startswith(b"HTTP/1.1 200")
        links[2][1].write(REQUEST)
        assert (await links[2][0].readline()).startswith(b"HTTP/1.1 200")
        for _, writer in links:
            writer.close()


async def test_where_all_are_at_work_a_new_one_is_told() -> None:
    """In the shape of every error."""
    site = Site()
    site.may.clear()
    most = connections.MAX_CONNECTIONS
    async with served(site) as path, asyncio.timeout(LATER):
        links = [await asyncio.open_unix_connection(path) for _ in range(most)]
        for _, writer in links:
            writer.write(REQUEST)
        await until(lambda: site.at_work == most)
        head, _, content = (await answer_to(path, REQUEST)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert json.loads(content)["error"]["code"] == "too_many_connections"
        site.may.set()
        for reader, writer in links:
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            writer.close()


async def test_what_turns_out_to_be_no_http_in_mid_request_ends_it() -> None:
    """A chunk whose size is none: the app hears that its client has gone."""
    site = Site()
    site.may.clear()
    async with served(site) as path, asyncio.timeout(LATER):
        answer = await answer_to(path, CHUNKED + b"zz\r\n")
        assert answer.startswith(b"HTTP/1.1 400 ")
        site.may.set()
        await until(lambda: site.at_work == 0)
