"""A connection of its own that hears of news in an account's Sent folder.

One thread owns the connection from its making to its end, and stays in IDLE, so nothing is missed
while a sync runs. It is left behind if it does not end in GRACE_S: neither Ctrl-C nor a connection
that died in the machine's sleep is to hold anything up.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from typing import Literal

from daemon.config import Imap
from daemon.errors import FolderNotFound
from daemon.mailbox import idle
from daemon.mailbox.connection import Link
from daemon.mailbox.imap import Mailbox
from daemon.mailbox.session import log_in
from daemon.mailbox.thread import OwnThread

IDLE_S = 540.0
"""Some servers end an IDLE after ten minutes, and routers forget a connection that is silent."""
GRACE_S = 1.0

_Message = Literal["open", "no IDLE", "news"] | Exception


@dataclass(frozen=True, slots=True)
class Listener:
    """The loop's end of it."""

    _told: asyncio.Queue[_Message]

    async def news(self) -> None:
        """Wait until messages came or went since the last call; raises what ended the connection.

        That is ServerUnreachable or ServerBusy.
        """
        await _next(self._told)
        while not self._told.empty():  # several pieces of news are one
            await _next(self._told)


@asynccontextmanager
async def listening(account: str, server: Imap) -> AsyncIterator[Listener | None]:
    """A connection that listens during the block, None where the server has no IDLE.

    Whatever happens to the folder after the block has begun is news. Raises what finding a
    credential and opening a connection and a folder raise.
    """
    loop = asyncio.get_running_loop()
    told: asyncio.Queue[_Message] = asyncio.Queue()
    ours, theirs = socket.socketpair()
    stop = _Stop(event=threading.Event(), wake=theirs)

    def tell(message: _Message) -> None:
        loop.call_soon_threadsafe(told.put_nowait, message)

    thread = OwnThread(f"listener of {account}")
    attending = asyncio.wrap_future(thread.submit(_attend, account, server, stop, tell))
    thread.shutdown()
    try:
        yield Listener(told) if await _next(told) == "open" else None
    finally:
        stop.event.set()
        ours.close()  # which makes the thread's end readable
        await asyncio.wait([attending], timeout=GRACE_S)
        attending.cancel()  # it is left behind, and nobody waits for it any more


async def _next(told: asyncio.Queue[_Message]) -> str:
    message = await told.get()
    if isinstance(message, Exception):
        raise message
    return message


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stop:
    """What ends the thread: the event, and a socket that wakes it out of IDLE."""

    event: threading.Event
    wake: socket.socket


def _attend(account: str, server: Imap, stop: _Stop, tell: Callable[[_Message], None]) -> None:
    """The thread: listen until told to stop, and tell what is heard and what went wrong."""
    with stop.wake:
        try:
            with closing(log_in(account, server)) as link:
                _listen(link, server, stop, tell)
        except Exception as error:  # noqa: BLE001  # raised again in the loop's thread
            tell(error)


def _listen(link: Link, server: Imap, stop: _Stop, tell: Callable[[_Message], None]) -> None:
    if not link.has("IDLE"):
        tell("no IDLE")
        return
    mailbox = Mailbox(link)
    folder = mailbox.find_folder("sent", server.sent_folder)
    if mailbox.examine(folder) is None:
        raise FolderNotFound(link.account, folder, "sent")
    tell("open")
    while not stop.event.is_set():
        with link.command(IDLE_S + 2 * idle.ANSWER_S) as client:
            changed = idle.wait(client, IDLE_S, stop.wake)
        if changed:
            tell("news")
