"""Standard input, read beside the loop."""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import suppress

CHUNK = 65536


async def standard_input() -> str:
    """All of it, as UTF-8; what is none is shown as such.

    Whoever is interrupted meanwhile ends at once: the thread that waits for a terminal is nobody's
    to wait for, and takes no lock of Python's own input.
    """
    loop = asyncio.get_running_loop()
    read: asyncio.Future[str] = loop.create_future()

    def end(text: str) -> None:
        if not read.done():
            read.set_result(text)

    def wait() -> None:
        found = b"".join(iter(lambda: os.read(0, CHUNK), b""))
        with suppress(RuntimeError):  # the loop is closed: nobody asks any more
            loop.call_soon_threadsafe(end, found.decode(errors="replace"))

    threading.Thread(target=wait, daemon=True, name="standard input").start()
    return await read
