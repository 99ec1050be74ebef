"""A sitting served on a free port of 127.0.0.1, until its result was shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from daemon.api.server import answering, listen_tcp
from daemon.blind.gate import Door, PageGate
from daemon.blind.routes import build_page
from daemon.blind.sitting import Sitting

LINGER_S = 2.0
"""How long the page may still ask, after its result was sent: for a browser that reloads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A page: its one-time link, and `over`, set when it may end."""

    link: str
    over: asyncio.Event


@asynccontextmanager
async def serve_page(sitting: Sitting) -> AsyncIterator[Served]:
    """Answer the page for the `with` block; raises PortTaken."""
    listener = listen_tcp(0)
    door = Door(port=listener.getsockname()[1])
    over = asyncio.Event()

    def ended() -> None:
        asyncio.get_running_loop().call_later(LINGER_S, over.set)

    app = build_page(sitting, door.path, ended)
    async with answering(PageGate(app, door), listener):
        yield Served(link=door.address, over=over)
