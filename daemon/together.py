"""Writes to the store that share a transaction, for when they come faster than a disk takes each.

What makes a transaction last costs the same whatever is in it, milliseconds on an ordinary disk,
and fifty requests at once have hundreds of writes a second.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from daemon.store.database import Connection, Database

Write = Callable[[Connection], object]


@dataclass(frozen=True, slots=True)
class _Waiting:
    write: Write
    done: asyncio.Future[None]


@dataclass(slots=True)
class Together:
    """What comes while one transaction is under way shares the next one, in the order it came.

    Who waits for it is told in the same order, one in each turn of the loop: a dozen that go on at
    once would keep all else waiting, such as the answers to requests.
    """

    database: Database
    _waiting: list[_Waiting] = field(default_factory=list)
    _writer: asyncio.Task[None] | None = None
    _ended: deque[tuple[asyncio.Future[None], Exception | None]] = field(default_factory=deque)

    async def write(self, write: Write) -> None:
        """As `Database.write`: committed when this returns, or undone whole if it raises."""
        one = _Waiting(write, asyncio.get_running_loop().create_future())
        self._waiting.append(one)
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all())
        try:
            await asyncio.shield(one.done)  # what was paid for is written down, whoever still waits
        except asyncio.CancelledError:
            one.done.add_done_callback(asyncio.Future.exception)  # its failure is nobody's now
            raise

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                some, self._waiting = self._waiting, []
                error = await self._committed(some)
                if error is None or len(some) == 1:
                    self._tell(some, error)
                else:  # the others are not to fail with the one that did
                    for one in some:
                        self._tell([one], await self._committed([one]))
        finally:
            self._writer = None

    async def _committed(self, some: Sequence[_Waiting]) -> Exception | None:
        def write(connection: Connection) -> None:
            for one in some:
                one.write(connection)

        try:
            await self.database.write(write)
        except Exception as error:  # noqa: BLE001  # it is raised where the write came from
            return error
        return None

    def _tell(self, some: Sequence[_Waiting], error: Exception | None) -> None:
        telling = bool(self._ended)
        self._ended.extend((one.done, error) for one in some)
        if not telling:
            self._tell_next()

    def _tell_next(self) -> None:
        done, error = self._ended[0]
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
        self._ended.popleft()
        if self._ended:
            asyncio.get_running_loop().call_soon(self._tell_next)
