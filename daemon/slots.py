"""So many requests at once, begun one after the other."""

from __future__ import annotations

import asyncio

GAP_S = 0.003
"""About half of what a request costs this machine in computing, its answer included."""


class Slots:
    """Each `async with` is one request in flight; no two begin within `gap_s` seconds.

    What begins as a burst comes back as a burst, and a burst's answers are all read together, each
    as late as the last: until then no slot is free, and all begin at once again. Providers take a
    burst badly, too.
    """

    def __init__(self, count: int, gap_s: float = GAP_S) -> None:
        self._free = asyncio.Semaphore(count)
        self._gap_s = gap_s
        self._next = 0.0

    async def __aenter__(self) -> None:
        await self._free.acquire()
        now = asyncio.get_running_loop().time()
        begin = max(now, self._next)
        self._next = begin + self._gap_s
        try:
            await asyncio.sleep(begin - now)
        except BaseException:
            self._free.release()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._free.release()
