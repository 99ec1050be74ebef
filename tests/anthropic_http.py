"""A bare HTTP/1.1 server on asyncio: light, no more than tests need, and able to do it wrong."""

import asyncio
import json
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

REASONS = {200: "OK", 307: "Temporary Redirect"}
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: closing the socket resets the connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A whole response. With `raw` that is all that is sent, and the connection is closed."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None


@dataclass(slots=True, kw_only=True)
class Seen:
    """A request: what it held, when all of it was there, and what became of it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    at: float = field(default_factory=time.monotonic)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """The client hung up before the answer was out."""


class Connection(asyncio.Protocol):
    """One connection: one request after the other, each answered by `serve`.

    `serve` is cancelled when the client hangs up. What else it raises ends the connection.
    """

    def __init__(self, serve: "Callable[[Connection, Seen], Awaitable[None]]") -> None:
        self._serve = serve
        self._buffer = b""
        self._task: asyncio.Task[None] | None = None
        self._seen: Seen | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # a protocol's
        if self._task and self._seen:
            self._seen.gone.set()
            self._task.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    async def drained(self) -> None:
        """Wait until the client takes more."""
        await self._writable.wait()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._take()

    def _take(self) -> None:
        if not self._buffer[:1].isalpha() and self._buffer:  # no HTTP; TLS, most likely
            self.told(Told(raw=b"HTTP/1.1 400 Bad Request\r\n\r\n"))
        head, mark, rest = self._buffer.partition(b"\r\n\r\n")
        if self._task or not mark:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.split(":", 1) for line in lines)
        headers = {name.lower(): value.strip() for name, value in pairs}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        method, target, _ = first.split(" ")
        self._task = asyncio.create_task(self._answer(method, target, headers, rest[:length]))

    async def _answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        url = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        parsed = json.loads(body) if body else None
        self._seen = Seen(method=method, path=url.path, query=query, headers=headers, body=parsed)
        try:
            await self._serve(self, self._seen)
        except asyncio.CancelledError:  # the client hung up
            return
        self._task = self._seen = None
        if not self._transport.is_closing():
            self._take()

    def start(self, status: int, headers: dict[str, str]) -> None:
        """Begin a response whose body comes in chunks."""
        self._head(status, {**headers, "transfer-encoding": "chunked"})

    def chunk(self, data: bytes) -> None:
        self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))

    def finish(self) -> None:
        """End a response that came in chunks."""
        self._transport.write(b"0\r\n\r\n")

    def json(self, status: int, data: Any, headers: dict[str, str]) -> None:
        """Send a whole response in JSON."""
        self.told(Told(status=status, body=json.dumps(data).encode(), headers=headers))

    def told(self, told: Told) -> None:
        """Send a whole response."""
        if told.raw is not None:
            self._transport.write(told.raw)
            self.close()
            return
        kind = {"content-type": "application/json"}
        self._head(told.status, {**kind, **told.headers, "content-length": str(len(told.body))})
        self._transport.write(told.body)

    def close(self) -> None:
        """Close the connection, whatever was promised."""
        self._transport.close()

    def reset(self) -> None:
        """Break the connection."""
        self._transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, RESET
        )
        self._transport.abort()

    def _head(self, status: int, headers: dict[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'No')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._transport.write("\r\n".join([*lines, "", ""]).encode())
