"""Teaching one request at a time: many samples at once, each seen through to its lesson.

What is asked goes over a desk, which keeps the answers: the daemon's keeps them in the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from itertools import islice
from typing import Protocol

from mlx_agent.records import Lesson
from mlx_agent.teach.lessons import (
    Answered,
    Ask,
    Recipe,
    SetAside,
    TeachItem,
    advance,
    lesson_id,
)

IN_FLIGHT = 8
"""Requests at once, unless said otherwise."""


class Desk(Protocol):
    """Where questions are handed in, and where their answers are kept."""

    async def kept(self, lesson_id: str) -> tuple[Answered, ...]:
        """The answers that a sample has already, in their order."""
        ...

    async def ask(self, ask: Ask) -> Answered:
        """Have a question answered, and keep what comes of it.

        Raises whatever has nothing to do with the one sample.
        """
        ...


async def make_lesson(item: TeachItem, desk: Desk, recipe: Recipe) -> Lesson | SetAside:
    """See one sample through; raises what the desk does."""
    answered = await desk.kept(lesson_id(item, recipe))
    while isinstance(step := advance(item, recipe, answered), Ask):
        answered += (await desk.ask(step),)
    return step


async def teach(
    items: Iterable[TeachItem], desk: Desk, recipe: Recipe, in_flight: int = IN_FLIGHT
) -> AsyncGenerator[Lesson | SetAside, None]:
    """The lessons of the items, as they come, so many samples at once.

    Items are taken up in their order, and no faster than lessons are read. An error of the desk's
    is raised as it is, after what was done before it. That error, closing the iterator and
    cancelling its reader all cancel what is in flight.
    """
    waiting = iter(items)

    def begin(count: int) -> set[asyncio.Task[Lesson | SetAside]]:
        some = islice(waiting, count)
        return {asyncio.create_task(make_lesson(item, desk, recipe)) for item in some}

    running = begin(in_flight)
    try:
        while running:
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            failed = [task for task in done if task.exception() is not None]
            if not failed:
                running |= begin(len(done))  # before the reader is busy with what is done
            for task in done.difference(failed):
                yield task.result()
            for task in failed:
                task.result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
