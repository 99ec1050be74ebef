"""The native messaging host as Thunderbird runs it: a process, and messages over its pipes."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

HOST = Path(__file__).parent.parent / "plugin" / "native_host.py"
LIMIT_S = 60
"""For what hangs."""


def framed(content: bytes) -> bytes:
    return len(content).to_bytes(4, sys.byteorder) + content


class Host:
    """The extension's side of the pipes; parts are joined, and messages sorted by their id."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.parts = 0
        self.longest = 0
        self._pieces: dict[str, str] = {}
        self._come: dict[str, asyncio.Queue[dict[str, Any]]] = {}
        self._reading = asyncio.create_task(self._read())

    def send(self, message: Any) -> None:
        self.send_bytes(framed(json.dumps(message).encode()))

    def send_bytes(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    def ask(self, name: str, method: str, path: str, body: Any = None) -> None:
        self.send(
            {"id": name, "method": method, "path": path} | ({} if body is None else {"body": body})
        )

    async def next(self, name: str) -> dict[str, Any]:
        """The next message of a request, without its id."""
        return await asyncio.wait_for(self._queue(name).get(), LIMIT_S)

    async def answer(self, name: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """The whole answer to a request that is no stream."""
        self.ask(name, method, path, body)
        return await self.next(name)

    async def rest(self, name: str) -> list[dict[str, Any]]:
        """What comes of a stream before its end."""
        messages = []
        while (message := await self.next(name)) != {"end": True}:
            assert "event" in message, message
            messages.append(message)
        return messages

    def none_waits(self, name: str) -> bool:
        return self._queue(name).empty()

    async def ended(self) -> tuple[int, str]:
        """Its exit code and what it said on standard error, once it has ended by itself."""
        assert self.process.stderr is not None
        said = await asyncio.wait_for(self.process.stderr.read(), LIMIT_S)
        await asyncio.wait_for(self._reading, LIMIT_S)
        return await asyncio.wait_for(self.process.wait(), LIMIT_S), said.decode()

    async def close(self) -> tuple[int, str]:
        """End its standard input, as Thunderbird does."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        with suppress(ConnectionError):
            await self.process.stdin.wait_closed()
        return await self.ended()

    def _queue(self, name: str) -> asyncio.Queue[dict[str, Any]]:
        return self._come.setdefault(name, asyncio.Queue())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while head := await self.process.stdout.read(4):
            length = int.from_bytes(head, sys.byteorder)
            self.longest = max(self.longest, length)
            message = json.loads(await self.process.stdout.readexactly(length))
            name = message.pop("id")
            if "part" in message:
                self.parts += 1
                whole = self._pieces.pop(name, "") + message["part"]
                if not message["last"]:
                    self._pieces[name] = whole
                    continue
                message = json.loads(whole)
                assert message.pop("id") == name
            self._queue(name).put_nowait(message)


@asynccontextmanager
async def hosting(socket: Path, command: Sequence[str | Path] = ()) -> AsyncIterator[Host]:
    """A host for the `with` block; `command` is what starts it, if not the file itself."""
    start = [str(part) for part in command] or [sys.executable, "-I", str(HOST)]
    options = [] if command else ["--socket", str(socket)]
    process = await asyncio.create_subprocess_exec(
        *start,
        *options,
        "/manifest.json",
        "plugin@trimtab.local",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    host = Host(process)
    try:
        yield host
    finally:
        if process.returncode is None:
            process.kill()
        await host.close()
