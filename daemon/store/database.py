"""The one connection to SQLite, and the one thread that owns it.

Every access is a function of the connection, run whole on that thread: from BEGIN to COMMIT or
ROLLBACK nothing is awaited, so a cancelled caller finds its transaction done or not begun, never
open. Knows no table and no record. Fails with StoreTooNew at opening, with StoreFull whenever there
is no room (what was committed before stays), with StoreLocked while another program writes to the
file, and with StoreDamaged where the file is broken.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Concatenate, ParamSpec, Self, TypeVar

from daemon.errors import StoreDamaged, StoreFull, StoreLocked, StoreTooNew
from daemon.store import schema

Connection = sqlite3.Connection
"""For those who put several of the store's functions into one transaction."""

P = ParamSpec("P")
T = TypeVar("T")

_NO_ROOM = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE})
"""The second is what a full disk answers when the WAL's index has to grow."""

_DAMAGE = frozenset({sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT})
HELD = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})

_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "fullfsync = ON",  # macOS: fsync alone leaves data in the drive's cache; no effect elsewhere
    "foreign_keys = ON",
    "recursive_triggers = ON",  # or INSERT OR REPLACE would delete unseen by the triggers
)


class Database:
    """The store's connection. Made by `open`."""

    def __init__(
        self, path: Path, connection: sqlite3.Connection, thread: ThreadPoolExecutor
    ) -> None:
        self._path = path
        self._connection = connection
        self._thread = thread

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open or create the store (0600) and migrate it.

        Raises StoreTooNew, StoreDamaged and StoreFull.
        """
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        try:
            loop = asyncio.get_running_loop()
            connection = await loop.run_in_executor(thread, _connect, path)
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return cls(path, connection, thread)

    async def read(
        self,
        fn: Callable[Concatenate[sqlite3.Connection, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """`fn(connection, ...)` on one snapshot of the store, which it cannot change.

        An iterator over rows must be consumed inside `fn`: to return one raises TypeError.
        """
        return await self._run(lambda: _read(self._connection, lambda c: fn(c, *args, **kwargs)))

    async def write(
        self,
        fn: Callable[Concatenate[sqlite3.Connection, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """`fn(connection, ...)` in one transaction, undone whole if it raises.

        Raises StoreFull, with nothing written. A cancelled call may have been committed.
        """
        return await self._run(
            lambda: _transact(self._connection, "BEGIN IMMEDIATE", lambda c: fn(c, *args, **kwargs))
        )

    async def write_unsynced(
        self,
        fn: Callable[Concatenate[sqlite3.Connection, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """As `write`, without waiting for the disk: for what somebody waits behind.

        It is committed for every process that comes after, whatever becomes of this one. Only the
        machine's own failure can undo it, until the next `write` returns.
        """
        return await self._run(
            lambda: _unsynced(self._connection, lambda c: fn(c, *args, **kwargs))
        )

    async def alone(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """`fn(connection)` outside a transaction, for what SQLite does in none, such as VACUUM."""
        return await self._run(lambda: fn(self._connection))

    async def close(self) -> None:
        """Close after what was begun before."""
        await self._run(self._connection.close)
        self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[[], T]) -> T:
        with _translated(self._path):
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _connect(path: Path) -> sqlite3.Connection:
    # Created by us, for SQLite would make it readable by all; the WAL takes over the mode. One that
    # is there is not opened: to close it would undo the locks of this process's other connections.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=True)
    try:
        with _translated(path):
            _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    found = schema.version(connection)
    if found > schema.KNOWN:
        raise StoreTooNew(path, found, schema.KNOWN)
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    connection.row_factory = sqlite3.Row
    schema.migrate(connection)


def _read(connection: sqlite3.Connection, fn: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("PRAGMA query_only = ON")
    try:
        result = _transact(connection, "BEGIN", fn)
    finally:
        connection.execute("PRAGMA query_only = OFF")
    if isinstance(result, Iterator):
        raise TypeError("an iterator over rows does not outlive its transaction")
    return result


def _unsynced(connection: sqlite3.Connection, fn: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("PRAGMA synchronous = NORMAL")
    try:
        return _transact(connection, "BEGIN IMMEDIATE", fn)
    finally:
        connection.execute("PRAGMA synchronous = FULL")


def _transact(
    connection: sqlite3.Connection, begin: str, fn: Callable[[sqlite3.Connection], T]
) -> T:
    connection.execute(begin)
    try:
        result = fn(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite has rolled back by itself after some errors
            connection.execute("ROLLBACK")
        raise
    return result


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) in _NO_ROOM:
            raise StoreFull(path) from error
        if isinstance(error, sqlite3.DatabaseError) and primary_code(error) in _DAMAGE:
            raise StoreDamaged(path) from error
        if primary_code(error) in HELD:
            raise StoreLocked(path) from error
        raise


def primary_code(error: sqlite3.Error) -> int:
    """The primary result code: an extended one has more above its lowest byte."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
