"""When each account is synced: at the start, on news, every so often, and after every reconnection.

One task an account, and it alone decides when; the sync itself is a job, which it asks for and
whose failure it is told. So an account has at most two connections: this one, which listens, and
the job's. The connection that listens is there before the first sync, so that nothing can happen
in between. `backoff` decides how long to wait; here is the waiting.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn, Protocol

from daemon.config import Account
from daemon.mailbox.backoff import Dropped, Event, Failed, State, Synced, Wait, next_wait
from daemon.mailbox.listener import listening
from mlx_agent.log_lines import told

log = logging.getLogger(__name__)

SLICE_S = 30.0
"""The longest time between two looks at the clocks."""
SLEPT_S = 30.0
"""So much more by the wall's clock than by the machine's own, and it has been asleep."""
REST_S = 10.0
"""From one sync to the next on news: a burst of it is one piece, and no server can hurry us."""

Sync = Callable[[str], Awaitable[None]]
"""Syncs an account to the end; raises what made it fail."""


class Listener(Protocol):
    """What hears of news; see `daemon.mailbox.listener`."""

    async def news(self) -> None:
        """Wait for news; raises what ended the connection."""


Listen = Callable[[], AbstractAsyncContextManager[Listener | None]]


@dataclass(frozen=True, slots=True)
class _Lost:
    """A listener that could not be had."""

    error: Exception

    async def news(self) -> None:
        raise self.error


class Clock(Protocol):
    """Time in seconds: the wall's, which goes on while the machine sleeps, and the machine's."""

    def wall(self) -> float: ...
    def steady(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The clock of production."""

    def wall(self) -> float:
        return time.time()

    def steady(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Watch:
    """The watch over one account. `run` is run by its owner as one task."""

    def __init__(
        self,
        account: str,
        sync: Sync,
        listen: Listen,
        poll_s: float,
        *,
        clock: Clock | None = None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """`draw` gives random numbers from [0, 1)."""
        self._account = account
        self._sync = sync
        self._listen = listen
        self._poll_s = poll_s
        self._clock = clock or SystemClock()
        self._draw = draw
        self._state = State()

    async def run(self) -> NoReturn:
        """Keep the account in sync. Ends by cancellation alone: no failure ends it."""
        while True:
            await self._pause(await self._session())

    async def _session(self) -> Wait:
        """Sync whenever it is due, until a sync fails, the listener is lost or the machine slept.

        How long to wait before the next session. Where no listener can be had, that is found out
        after the sync: mail can come in without.
        """
        since = self._clock.steady()
        async with AsyncExitStack() as stack:
            listener = await self._open(stack)
            while True:
                try:
                    await self._sync(self._account)
                except Exception as error:  # noqa: BLE001  # whatever it is, it ends no watch
                    return self._take(Failed(error=error))
                wait = self._take(Synced())
                try:
                    slept = await self._until_due(listener, wait)
                except Exception as error:  # noqa: BLE001  # as above
                    lasted_s = self._clock.steady() - since
                    return self._take(Dropped(error=error, lasted_s=lasted_s))
                if slept:
                    return Wait(seconds=0)

    async def _open(self, stack: AsyncExitStack) -> Listener | None:
        try:
            return await stack.enter_async_context(self._listen())
        except Exception as error:  # noqa: BLE001  # as above
            return _Lost(error)

    async def _until_due(self, listener: Listener | None, wait: Wait) -> bool:
        """Wait for news or until the next sync is due; whether the machine slept meanwhile."""
        pause = self._pause(wait)
        if listener is None:
            return await pause
        return await _first(pause, self._news(listener))

    async def _news(self, listener: Listener) -> bool:
        rested = self._clock.steady() + REST_S
        await listener.news()
        return await self._pause(Wait(seconds=rested - self._clock.steady()))

    async def _pause(self, wait: Wait) -> bool:
        """Wait, in slices; True if it was cut short because the machine slept.

        Time that it slept counts.
        """
        wall, steady = start = self._now()
        while (left := wait.seconds - max(wall - start[0], steady - start[1])) > 0:
            await self._clock.sleep(min(left, SLICE_S))
            before, (wall, steady) = (wall, steady), self._now()
            slept = (wall - before[0]) - (steady - before[1]) > SLEPT_S
            if slept and not wait.firm:
                return True
        return False

    def _now(self) -> tuple[float, float]:
        return self._clock.wall(), self._clock.steady()

    def _take(self, event: Event) -> Wait:
        self._state, wait = next_wait(self._state, event, poll_s=self._poll_s, draw=self._draw())
        if not isinstance(event, Synced):
            what = "sync" if isinstance(event, Failed) else "wait for news"
            name = type(event.error).__name__
            again = told(account=self._account, error=name, again_s=wait.seconds)
            log.warning("the %s failed; trying again", what, extra=again)
        return wait


async def watch_accounts(accounts: Mapping[str, Account], sync: Sync, poll_s: float) -> None:
    """Watch every account that has a server. Ends by cancellation, or at once if there is none."""
    async with asyncio.TaskGroup() as group:
        for name, account in accounts.items():
            if account.imap is not None:
                listen = partial(listening, name, account.imap)
                group.create_task(Watch(name, sync, listen, poll_s).run())


async def _first(*work: Coroutine[Any, Any, bool]) -> bool:
    """The result or the failure of the first to end; the others are cancelled."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(task.result() for task in done)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
