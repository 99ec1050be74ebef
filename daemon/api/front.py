"""What stands before the API: it answers `health` from the start, and the rest as soon as it can.

So the daemon is there for its clients from the first moment on, though it has yet to load its code
and open its store; and at its end, clients hear that it is ending. Imports no framework.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from daemon.api.errors import send_error
from daemon.api.server import serve, serve_tcp
from daemon.errors import DaemonNotReady

PATIENCE_S = 20.0
"""How long a request waits for the start to be over, before it is refused."""
API_VERSION = 1


def health(*, ready: bool) -> dict[str, Any]:
    """The answer to `GET /v1/health`."""
    return {"api": API_VERSION, "ready": ready}


class Front:
    """The app that the servers serve, and the servers. Made by `front`."""

    def __init__(self) -> None:
        self._api: ASGIApp | None = None
        self._changed = asyncio.Event()
        self._servers = AsyncExitStack()

    async def listen(self, socket_path: Path) -> None:
        """Answer on the Unix socket; raises SocketPathTooLong."""
        await self._servers.enter_async_context(serve(self, socket_path))

    async def listen_tcp(self, port: int, token_file: Path) -> None:
        """Answer on 127.0.0.1, too; raises PortTaken."""
        await self._servers.enter_async_context(serve_tcp(self, port, token_file))

    def open(self, api: ASGIApp) -> None:
        """From now on the API answers."""
        self._api = api
        self._changed.set()

    async def close(self) -> None:
        """Refuse what comes anew and what waits for the start, and end when all is answered.

        Harmless when closed already.
        """
        self._api = None
        self._changed.set()
        await self._servers.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to the API, or answer it."""
        if self._api is None and (scope["method"], scope["path"]) == ("GET", "/v1/health"):
            await _send_health(send)
            return
        if not self._changed.is_set():
            await self._wait()
        if self._api is None:
            await send_error(send, DaemonNotReady())
        else:
            await self._api(scope, receive, send)

    async def _wait(self) -> None:
        try:
            await asyncio.wait_for(self._changed.wait(), PATIENCE_S)
        except TimeoutError:
            return


@asynccontextmanager
async def front(socket_path: Path) -> AsyncIterator[Front]:
    """A front that answers on the Unix socket for the `with` block, or until it is closed."""
    made = Front()
    try:
        await made.listen(socket_path)
        yield made
    finally:
        await made.close()


async def _send_health(send: Send) -> None:
    content = json.dumps(health(ready=False)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})
