"""When a night's job has to stop: at its hour, or when it is asked to. Nothing else is bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

T = TypeVar("T")


class Halted(Exception):
    """The job was asked to stop; the task that asked for the bound catches it."""


class Halt:
    """Asks the night's job under way to stop at the next place from which it can go on."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()

    @property
    def asked(self) -> bool:
        """Whether it is to stop."""
        return self._asked.is_set()

    def set(self, *, asked: bool) -> None:
        """Ask it to stop, or let the next ones go on."""
        if asked:
            self._asked.set()
        else:
            self._asked.clear()

    async def wait(self) -> None:
        """Until it is asked to stop."""
        await self._asked.wait()


@dataclass(slots=True, kw_only=True)
class Bound:
    """What bounds one job; with no `deadline` nothing does. `clock` gives aware UTC."""

    deadline: datetime | None
    halt: Halt
    clock: Callable[[], datetime]
    stopped: str | None = None
    """Why it was stopped, if it was: "hour" or "asked"."""

    def over(self) -> bool:
        """Whether the job has to stop now."""
        if self.deadline is None:
            return False
        if self.clock() >= self.deadline:
            self.stopped = "hour"
        elif self.halt.asked:
            self.stopped = "asked"
        return self.stopped is not None

    def until(self, items: Iterable[T]) -> Iterator[T]:
        """The items, as long as the job may go on; it counts as stopped if any is left over."""
        for item in items:
            if self.over():
                return
            yield item

    async def within(self, work: Awaitable[T]) -> T:
        """The result of what ends itself at the deadline; raises Halted when asked to stop."""
        if self.deadline is None:
            return await work
        task = asyncio.ensure_future(work)
        halted = asyncio.ensure_future(self.halt.wait())
        try:
            await asyncio.wait({task, halted}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                self.stopped = "asked"
                raise Halted
            return task.result()
        finally:
            task.cancel()
            halted.cancel()
            await asyncio.gather(task, halted, return_exceptions=True)
