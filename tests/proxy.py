"""A TCP proxy between a client under test and a real server: it counts, delays, and breaks links.

In a thread of this process, for tests (`running_proxy`); in a process of its own, for benchmarks
whose figures its work must not touch (`running_proxy_process`). Bytes pass unread, so TLS does too.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

Direction = Literal["down", "up"]
CHUNK = 262_144
IN_FLIGHT = 1024
"""Chunks that a delayed direction holds at most; then its sender waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to a connection once `after` bytes of a direction have passed; 0: at once.

    Down is from the server to the client. `reset`: RST to both ends. `close`: end of file to both.
    `stall`: both stay connected, and no byte passes in either direction any more.
    """

    kind: Literal["reset", "close", "stall"]
    after: int
    direction: Direction = "down"
    connection: int | None = None
    """Which connection of the proxy's, from 1; None means each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What has passed, over all connections.

    `round_trips`: how often the client spoke after the server had. What a client sends ahead while
    answers still come in is counted by its bursts, so a pipelining client has fewer real ones.
    """

    down: int = 0
    up: int = 0
    round_trips: int = 0
    connections: int = 0


class Proxy:
    """Made by `running_proxy`. Its attributes may be used from any thread.

    `port` is where clients connect. `faults` can be replaced while it runs: a connection has those
    that were there when it began. `struck` is set whenever a fault strikes.
    """

    def __init__(self, target: int, round_trip_ms: float, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        self.struck = threading.Event()
        self.port = 0
        self.delay_s = round_trip_ms / 2000
        self.passed: dict[Direction, int] = {"down": 0, "up": 0}
        self.round_trips = self.connections = 0
        self._target = target
        self._open: set[_Connection] = set()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._listens = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy")

    def counts(self) -> Counts:
        """What has passed so far."""
        return Counts(
            down=self.passed["down"],
            up=self.passed["up"],
            round_trips=self.round_trips,
            connections=self.connections,
        )

    def cut(self) -> None:
        """Reset every open connection now."""
        self._loop.call_soon_threadsafe(self._cut)

    def start(self) -> None:
        """Listen on a free port of 127.0.0.1."""
        self._thread.start()
        assert self._listens.wait(20), "the proxy does not listen"

    def stop(self) -> None:
        """Drop every connection, and end the thread."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=CHUNK)
        self.port = server.sockets[0].getsockname()[1]
        self._listens.set()
        await self._stop.wait()
        server.close()
        tasks = [connection.task for connection in self._open]
        self._cut()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        faults = [f for f in self.faults if f.connection in {None, self.connections}]
        try:
            server = await asyncio.open_connection("127.0.0.1", self._target, limit=CHUNK)
        except OSError:
            _reset(writer)
            return
        connection = _Connection(self, (reader, writer), server, faults)
        self._open.add(connection)
        try:
            await connection.run()
        finally:
            self._open.discard(connection)

    def _cut(self) -> None:
        for connection in self._open:
            connection.reset()


Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Connection:
    """One client's link and its link to the server, with a pump for each direction."""

    def __init__(self, proxy: Proxy, client: Ends, server: Ends, faults: list[Fault]) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.task = task
        self._proxy = proxy
        self._client, self._server = client, server
        self._faults = sorted(faults, key=lambda fault: fault.after)
        self._passed: dict[Direction, int] = {"down": 0, "up": 0}
        self._last: Direction = "down"
        self._mute = False

    async def run(self) -> None:
        """Until both ends have closed, or one has broken."""
        try:
            for fault in (fault for fault in self._faults if fault.after == 0):
                self._strike(fault)
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._pump("up", self._client[0], self._server[1]))
                pumps.create_task(self._pump("down", self._server[0], self._client[1]))
        except* OSError:
            self.reset()
        finally:
            for _, writer in (self._client, self._server):
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

    def reset(self) -> None:
        """RST to both ends."""
        for _, writer in (self._client, self._server):
            _reset(writer)

    async def _pump(
        self, direction: Direction, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Read on while earlier chunks are still under way: a delay costs no bandwidth."""
        under_way: asyncio.Queue[tuple[float, bytes, Fault | None]] = asyncio.Queue(IN_FLIGHT)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._deliver(under_way, writer))
            clock = asyncio.get_running_loop().time
            while data := await reader.read(CHUNK):
                data, fault = self._let_through(direction, data)
                await under_way.put((clock() + self._proxy.delay_s, data, fault))
            await under_way.put((clock() + self._proxy.delay_s, b"", None))

    async def _deliver(
        self,
        under_way: asyncio.Queue[tuple[float, bytes, Fault | None]],
        writer: asyncio.StreamWriter,
    ) -> None:
        writer.transport.set_write_buffer_limits(0)  # `drain` waits until the kernel has it all
        clock = asyncio.get_running_loop().time
        while True:
            due, data, fault = await under_way.get()
            if (wait_s := due - clock()) > 0:
                await asyncio.sleep(wait_s)
            if self._mute:
                if not data and fault is None:
                    break
                continue
            if data:
                writer.write(data)
                await writer.drain()
            if fault:
                self._strike(fault)
            elif not data:
                break
        if not writer.is_closing():
            writer.write_eof()

    def _let_through(self, direction: Direction, data: bytes) -> tuple[bytes, Fault | None]:
        """How much of this passes, counted, and the fault that it sets off."""
        already = self._passed[direction]
        fault = next(
            (f for f in self._faults if f.direction == direction and f.after > already), None
        )
        if fault and fault.after <= already + len(data):
            data = data[: fault.after - already]
        else:
            fault = None
        if not self._mute:
            self._count(direction, len(data))
        return data, fault

    def _count(self, direction: Direction, size: int) -> None:
        self._passed[direction] += size
        self._proxy.passed[direction] += size
        if direction == "up" and self._last == "down":
            self._proxy.round_trips += 1
        self._last = direction

    def _strike(self, fault: Fault) -> None:
        self._mute = True
        if fault.kind == "reset":
            self.reset()
        elif fault.kind == "close":
            for _, writer in (self._client, self._server):
                writer.write_eof()
        self._proxy.struck.set()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close without lingering, so that the kernel sends RST."""
    sock = writer.get_extra_info("socket")
    if sock is not None and not writer.is_closing():
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@contextlib.contextmanager
def running_proxy(
    target: int, *, round_trip_ms: float = 0, faults: Sequence[Fault] = ()
) -> Iterator[Proxy]:
    """A proxy to 127.0.0.1:`target` for the `with` block."""
    proxy = Proxy(target, round_trip_ms, faults)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()


class ProxyProcess:
    """Made by `running_proxy_process`."""

    def __init__(self, target: int, round_trip_ms: float) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(target), str(round_trip_ms)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = int(self._line())

    def counts(self) -> Counts:
        """What has passed so far."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return Counts(**json.loads(self._line()))

    def stop(self) -> None:
        """End the process."""
        self._process.communicate()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@contextlib.contextmanager
def running_proxy_process(target: int, *, round_trip_ms: float = 0) -> Iterator[ProxyProcess]:
    """The same without faults, in a process of its own."""
    proxy = ProxyProcess(target, round_trip_ms)
    try:
        yield proxy
    finally:
        proxy.stop()


def _main(target: str, round_trip_ms: str) -> None:
    """The port on a line; then, for each line read, the counts; ends with its input."""
    with running_proxy(int(target), round_trip_ms=float(round_trip_ms)) as proxy:
        print(proxy.port, flush=True)
        for _ in sys.stdin:
            print(json.dumps(asdict(proxy.counts())), flush=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
