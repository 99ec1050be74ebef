"""The socket: uvicorn on a Unix socket that only the user can reach.

Owns the socket's file and the server's life. Signals stay the app's, logging stays the app's, and
no request is logged. The caller holds the home's lock, so a socket file that is there is stale.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from daemon.api.security import is_own_user
from daemon.errors import SocketPathTooLong

SHUTDOWN_SECONDS = 2
"""How long requests in flight may go on after the end was asked for, before they are cancelled."""
MAX_SOCKET_PATH = 103 if sys.platform == "darwin" else 107
"""Bytes of sun_path, less the closing zero."""

log = logging.getLogger(__name__)


class _OwnUserProtocol(H11Protocol):
    """HTTP/1.1 for the user we run as; anybody else is cut off before a byte is read."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        # (uvicorn narrows asyncio's BaseTransport in the same way)
        super().connection_made(transport)
        self.access_log = False  # uvicorn decides it by who listens to its logger
        if not is_own_user(transport.get_extra_info("socket")):
            log.warning("refused a connection of another user")
            transport.abort()


class _Server(uvicorn.Server):
    """Without signal handlers: the app owns the signals and says when to end.

    Its end is the end of its requests: those that were cancelled are waited for.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Begin the end."""
        self.should_exit = True
        self._stopped.set()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._stopped.wait()  # uvicorn looks ten times a second, awake all night

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=SHUTDOWN_SECONDS)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serve(api: FastAPI, socket_path: Path) -> AsyncIterator[None]:
    """Answer on the socket for the `with` block; raises SocketPathTooLong.

    On entry connections are accepted (the kernel queues them until the server runs); on exit
    requests in flight get SHUTDOWN_SECONDS, and the file is gone.
    """
    listener = _listen(socket_path)
    server = _Server(_config(api))
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield
    finally:
        server.stop()
        await task
        listener.close()
        _remove(socket_path)


def _config(api: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        api,
        http=_OwnUserProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )


def _listen(path: Path) -> socket.socket:
    if len(str(path).encode()) > MAX_SOCKET_PATH:
        raise SocketPathTooLong(path, MAX_SOCKET_PATH)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    _remove(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(0o600)  # before listening, so that nobody can have connected in between
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def _remove(path: Path) -> None:
    """Remove the socket's file; anything else at its place stays, and binding then fails."""
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
        path.unlink()
