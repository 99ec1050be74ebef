"""The event loop of a command, which tells of no failure that is none."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a command's work to its end; Ctrl-C cancels it and raises KeyboardInterrupt."""
    asyncio.run(_watched(work))


async def _watched(work: Coroutine[Any, Any, None]) -> None:
    asyncio.get_running_loop().set_exception_handler(_tell)
    await work


def _tell(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """As asyncio does, but for an answer that comes in the moment its reader is cancelled.

    anyio (4.16, under httpx) has the loop set the result of a reader's future when its socket is
    ready, also where the future was cancelled a moment before: nothing is wrong, and the traceback
    would be what a user sees of Ctrl-C.
    """
    late = isinstance(context.get("exception"), asyncio.InvalidStateError)
    if not (late and "Future.set_result" in context.get("message", "")):
        loop.default_exception_handler(context)
