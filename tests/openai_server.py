"""A server on this machine that speaks OpenAI's chat completions, for what a real one cannot show.

It answers what a test has put into `next`, byte for byte, and keeps what it was asked. The forms
are those of OpenAI's reference and of the servers that are named in the tests.
"""

import asyncio
import contextlib
import json
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

EVENTS = {"Content-Type": "text/event-stream; charset=utf-8"}
JSON = {"Content-Type": "application/json"}
DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer. It ends `whole`, or is `cut` off, or `reset`, or waits for the client to go."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    parts: tuple[bytes, ...] = ()
    end: Literal["whole", "cut", "reset", "hang"] = "whole"
    silent: bool = False
    """Not even a status comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request, its headers' names in lower case."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


def event(data: Any) -> bytes:
    """One server-sent event."""
    return f"data: {json.dumps(data)}\n\n".encode()


def chunk(content: str | None = None, finish: str | None = None, **delta: Any) -> bytes:
    """A chunk of an answer; `delta` holds more of its fields."""
    if content is not None:
        delta["content"] = content
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _chunk([choice], None)


def usage(prompt: int, completion: int, **more: Any) -> bytes:
    """The chunk with the counts, which has no choice."""
    counts = {"prompt_tokens": prompt, "completion_tokens": completion, **more}
    return _chunk([], {**counts, "total_tokens": prompt + completion})


def _chunk(choices: list[Any], counts: Any) -> bytes:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "served"}
    return event({**head, "choices": choices, "usage": counts})


def stream(*parts: bytes, **more: Any) -> Reply:
    """A streamed answer."""
    return Reply(headers=EVENTS, parts=parts, **more)


def said(*pieces: str, finish: str = "stop") -> Reply:
    """A whole streamed answer in these pieces, with its counts."""
    chunks = [chunk("", role="assistant"), *map(chunk, pieces), chunk(finish=finish)]
    return stream(*chunks, usage(20, 5), DONE)


def failure(status: int, error: Any, **headers: str) -> Reply:
    """An error, in the member that all but a few servers put it into."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(
        status=status, headers=JSON | named, parts=(json.dumps({"error": error}).encode(),)
    )


@dataclass(slots=True, kw_only=True)
class Server:
    """The server's state."""

    port: int = 0
    next: deque[Reply] = field(default_factory=deque)
    asked: list[Asked] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    """A request has come."""
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """A client has closed the connection on which it was to wait."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def answer(self) -> Reply:
        """What is next, or else a short mail."""
        return self.next.popleft() if self.next else said("Hello", " Tim")


@asynccontextmanager
async def running_openai() -> AsyncIterator[Server]:
    """A server for the `with` block."""
    state = Server()
    links: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        links[task] = writer
        try:
            with contextlib.suppress(ConnectionError):
                while await _served(state, reader, writer):
                    pass
        finally:
            writer.close()
            del links[task]

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        server.close()
        for writer in links.values():
            writer.transport.abort()
        await asyncio.gather(*links)
        await server.wait_closed()


async def _served(
    state: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    """Serve one request; whether another may follow on the connection."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return False
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    body = json.loads(await reader.readexactly(int(headers["content-length"])))
    state.asked.append(Asked(path=first.split()[1], headers=headers, body=body))
    state.begun.set()
    reply = state.answer()
    if not reply.silent:
        await _send(writer, reply)
    if reply.end == "hang":
        assert await reader.read() == b""
        state.left.set()
    if reply.end == "reset":
        link = writer.get_extra_info("socket")
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return reply.end == "whole"


async def _send(writer: asyncio.StreamWriter, reply: Reply) -> None:
    lines = [f"HTTP/1.1 {reply.status} Told", "Transfer-Encoding: chunked"]
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    for part in reply.parts:
        writer.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        await writer.drain()
    if reply.end == "whole":
        writer.write(b"0\r\n\r\n")
    await writer.drain()
