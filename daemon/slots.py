"""So many requests at once, begun one after the other."""

from __future__ import annotations

import asyncio
from collections import deque

GAP_S = 0.003
"""About half of what a request costs this machine in computing, its answer included."""


class Slots:
    """Each `async with` is one request in flight; no two begin within `gap_s` seconds.

    What begins as a burst comes back as a burst, and a burst's answers are all read together, each
    as late as the last: until then no slot is free, and all begin at once again. Providers take a
    burst badly, too.

    A slot goes from hand to hand: its next holder wakes when it may begin, and not before. Each
    turn of a busy loop takes as long as all that is ready in it, and here every slot stands still.
    """

    def __init__(self, count: int, gap_s: float = GAP_S) -> None:
        self._free = count
        self._gap_s = gap_s
        self._next = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> None:
        begun = asyncio.get_running_loop().create_future()
        self._waiting.append(begun)
        self._hand_out()
        try:
            await begun
        except BaseException:
            if begun in self._waiting:
                self._waiting.remove(begun)
            else:
                self._release()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._release()

    def _release(self) -> None:
        self._free += 1
        self._hand_out()

    def _hand_out(self) -> None:
        """Give each free slot to who has waited longest, from the time on when it may begin."""
        while self._free and self._waiting:
            self._free -= 1
            begun = self._waiting.popleft()
            loop = begun.get_loop()
            now = loop.time()
            at = max(now, self._next)
            self._next = at + self._gap_s
            if at > now:
                loop.call_at(at, _begin, begun)
            else:
                _begin(begun)


def _begin(begun: asyncio.Future[None]) -> None:
    if not begun.cancelled():
        begun.set_result(None)
