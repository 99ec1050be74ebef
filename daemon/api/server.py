"""The sockets: uvicorn on a Unix socket that only the user can reach, and on 127.0.0.1 where asked.

Owns the socket's file and the servers' lives. Signals stay the app's, logging stays the app's, and
no request is logged. The caller holds the home's lock, so a socket file that is there is stale.
"""

from __future__ import annotations

import asyncio
import socket
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from daemon.api.connections import REQUEST_S, Connection
from daemon.api.gate import MAX_HEAD, Gate, Lock
from daemon.api.token import load_token
from daemon.errors import PortTaken, SocketPathTooLong

SHUTDOWN_SECONDS = 2
"""How long requests in flight may go on after the end was asked for, before they are cancelled."""
ACCEPTED_AT_ONCE = 8
"""In a turn of the loop; it is four turns later that one too many is closed."""
QUEUE = 1024
"""Connections that the kernel holds for us; a Unix socket refuses a client that finds it full."""
MAX_SOCKET_PATH = 103 if sys.platform == "darwin" else 107
"""Bytes of sun_path, less the closing zero."""


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

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(QUEUE)  # asyncio's number is also how many it takes in at once

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
async def serve(app: ASGIApp, socket_path: Path) -> AsyncIterator[None]:
    """Answer on the Unix socket for the `with` block; raises SocketPathTooLong.

    On entry connections are accepted (the kernel queues them until the server runs); on exit
    requests in flight get SHUTDOWN_SECONDS, and the file is gone.
    """
    listener = _listen(socket_path)
    try:
        async with answering(Gate(app), listener):
            yield
    finally:
        _remove(socket_path)


@asynccontextmanager
async def serve_tcp(app: ASGIApp, port: int, token_file: Path) -> AsyncIterator[None]:
    """Answer on 127.0.0.1, too, those who show the token; raises PortTaken."""
    lock = Lock(port=port, token=load_token(token_file))
    async with answering(Gate(app, lock), listen_tcp(port)):
        yield


@asynccontextmanager
async def answering(app: ASGIApp, listener: socket.socket) -> AsyncIterator[None]:
    """Answer on a listening socket for the `with` block, and close it; `app` has its own gate."""
    server = _Server(_config(app))
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield
    finally:
        server.stop()
        await task
        listener.close()


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,  # who asks is known by the socket; a header may say anything
        backlog=ACCEPTED_AT_ONCE,
        h11_max_incomplete_event_size=MAX_HEAD,
        timeout_keep_alive=int(REQUEST_S),
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
        listener.listen(QUEUE)
    except OSError:
        listener.close()
        raise
    return listener


def listen_tcp(port: int) -> socket.socket:
    """A socket that listens on 127.0.0.1, at any free port for 0; raises PortTaken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # After a restart, what is left of old connections is no obstacle; another listener is.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(QUEUE)
    except OSError as error:
        listener.close()
        raise PortTaken(port, error.strerror or "") from error
    return listener


def _remove(path: Path) -> None:
    """Remove the socket's file; anything else at its place stays, and binding then fails."""
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
        path.unlink()
