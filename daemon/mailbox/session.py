"""A mailbox for as long as one piece of work takes, on a thread of its own.

All calls of a session run on its one thread, one after another, so that no two commands share a
connection. Work that is abandoned drops the connection under the command that is running.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Concatenate, ParamSpec, TypeVar

from daemon.config import Imap
from daemon.errors import LoginRefused
from daemon.mailbox.auth.credentials import find_credential
from daemon.mailbox.connection import Link, open_link
from daemon.mailbox.imap import Mailbox
from daemon.mailbox.thread import OwnThread

P = ParamSpec("P")
T = TypeVar("T")


class Session:
    """An account's mailbox, opened by `open_session`, and opened anew by `reopen`."""

    def __init__(self, account: str, server: Imap, thread: OwnThread) -> None:
        self.account = account
        self.server = server
        self._thread = thread
        self._mailbox: Mailbox | None = None

    async def call(
        self, fn: Callable[Concatenate[Mailbox, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """`fn(mailbox, ...)` on the session's thread; raises what it raises."""
        assert self._mailbox is not None, "the session is open"
        mailbox = self._mailbox
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, lambda: fn(mailbox, *args, **kwargs))
        except asyncio.CancelledError:
            mailbox.abort()
            raise

    async def reopen(self) -> None:
        """Drop the connection, if there is one, and make another."""
        await self.close()
        loop = asyncio.get_running_loop()
        opening = loop.run_in_executor(self._thread, _open_mailbox, self.account, self.server)
        try:
            self._mailbox = await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_late)
            raise

    async def close(self) -> None:
        """End the connection."""
        mailbox, self._mailbox = self._mailbox, None
        if mailbox is not None:
            loop = asyncio.get_running_loop()
            await asyncio.shield(loop.run_in_executor(self._thread, mailbox.close))


@asynccontextmanager
async def open_session(account: str, server: Imap) -> AsyncIterator[Session]:
    """A session for the `with` block.

    Raises PasswordMissing and what else a credential's source does, LoginRefused, ServerBusy and
    ServerUnreachable.
    """
    thread = OwnThread(f"imap of {account}")
    session = Session(account, server, thread)
    try:
        await session.reopen()
        try:
            yield session
        finally:
            await session.close()
    finally:
        thread.shutdown()


def log_in(account: str, server: Imap) -> Link:
    """Connect and log in, with the token renewed once where the server refuses it. Blocking."""
    credential = find_credential(account, server)
    try:
        return open_link(account, server, credential)
    except LoginRefused:
        if credential.mechanism == "login":
            raise
        renewed = find_credential(account, server, refused=True)
        if renewed == credential:
            raise
    return open_link(account, server, renewed)


def _open_mailbox(account: str, server: Imap) -> Mailbox:
    return Mailbox(log_in(account, server))


def _close_late(opening: asyncio.Future[Mailbox]) -> None:
    """What was opened for nobody is closed."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().abort()
        opening.result().close()
