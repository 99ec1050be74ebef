"""A draft in the making, and everyone who waits for it.

A flight runs one stream of events once and hands it to any number of followers: those who come late
get what they missed. It ends when the stream ends, when it is cancelled, or when the last follower
has left, for nobody wants its result then. It knows nothing of what the events are.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Generic, TypeVar

from daemon.errors import DraftCancelled

E = TypeVar("E")


class Flight(Generic[E]):
    """One run of `events`, begun by its first follower. `on_end` is called once, however it ends.

    A failure of the stream is raised in every follower; a cancelled flight raises DraftCancelled.
    `events` is closed when the flight ends, whatever ends it.
    """

    def __init__(
        self, draft_id: str, events: AsyncGenerator[E, None], on_end: Callable[[Flight[E]], None]
    ) -> None:
        self.draft_id = draft_id
        self._events = events
        self._on_end = on_end
        self._past: list[E] = []
        self._followers: set[asyncio.Queue[E | None]] = set()
        self._task: asyncio.Task[None] | None = None

    async def follow(self) -> AsyncGenerator[E, None]:
        """All events from the first on; closing this iterator is leaving the flight."""
        queue: asyncio.Queue[E | None] = asyncio.Queue()
        for event in self._past:
            queue.put_nowait(event)
        self._followers.add(queue)
        task = self._started()
        try:
            while (following := await queue.get()) is not None:
                yield following
        finally:
            self._followers.discard(queue)
            if not self._followers:
                self.cancel()
        if task.cancelled():
            raise DraftCancelled(self.draft_id)
        task.result()

    def cancel(self) -> None:
        """End the flight now; without effect on one that has ended."""
        if self._task is not None and not self._task.done():
            self._on_end(self)  # at once, so that nobody joins a flight that is going down
            self._task.cancel()

    def _started(self) -> asyncio.Task[None]:
        if self._task is None:
            self._task = asyncio.create_task(self._run())
            self._task.add_done_callback(self._ended)
        return self._task

    async def _run(self) -> None:
        async with aclosing(self._events) as events:
            async for event in events:
                self._past.append(event)
                for queue in self._followers:
                    queue.put_nowait(event)
                await asyncio.sleep(0)  # followers have this one before the next is worked on

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._on_end(self)
        if not task.cancelled():
            task.exception()  # marks it as seen: with no follower left, nobody else will ask
        for queue in self._followers:
            queue.put_nowait(None)
