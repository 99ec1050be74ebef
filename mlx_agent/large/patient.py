"""Try again what is safe to, and press on no provider that asks to wait.

Safe is what cannot have been paid for: RateLimited, ModelOverloaded, and ModelUnreachable where
nothing was sent. A stream is not begun again once a piece of it was given away, and what only reads
(the state and the results of a batch) is always safe. Only drafts are streamed, and somebody waits
for each: a stream has fewer attempts, and bears little of any wait.

A delay that the provider names holds for everybody: no request is begun until it is over, and then
they are spread out, for all at once would earn the next one. Without a delay a request waits alone,
for a random time of up to a bound that doubles ("full jitter": Brooker, Exponential Backoff And
Jitter, AWS 2015).
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from random import random as drawn
from typing import TypeVar, cast

from mlx_agent.errors import (
    ModelOverloaded,
    ModelUnreachable,
    RateLimited,
    TransientError,
    TrimtabError,
)
from mlx_agent.large import Batches, LargeModel
from mlx_agent.records import Answer, Task

FIRST_S, CAP_S = 1.0, 30.0
"""The bound of the first wait without a delay, and the highest."""
SPREAD_S = 10.0
"""Requests that waited for a delay are begun within as long again, or within this."""

T = TypeVar("T")


class Patient:
    """The `LargeModel` that it is given, asked again where that is safe.

    A task is tried `attempts` times at the most. A delay beyond `longest_s` seconds is not waited
    for: its error is raised, and for every other task too until so much of it is over. A stream is
    tried `stream_attempts` times, the last begun within `stream_s` seconds of when it was asked
    for. `sleep` and `clock` are of one time, in seconds; `random` draws from [0, 1).
    """

    def __init__(
        self,
        model: LargeModel,
        *,
        attempts: int = 5,
        longest_s: float = 60.0,
        stream_attempts: int = 2,
        stream_s: float = 8.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = drawn,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model = model
        self._attempts = attempts
        self._longest_s = longest_s
        self._stream_attempts = stream_attempts
        self._stream_s = stream_s
        self._sleep = sleep
        self._random = random
        self._clock = clock
        self._gate = _Gate(longest_s, sleep, random, clock)

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def remote(self) -> bool:
        return self._model.remote

    @property
    def host(self) -> str:
        return self._model.host

    @property
    def takes_temperature(self) -> bool:
        return self._model.takes_temperature

    @property
    def batches(self) -> Batches | None:
        """The model's, with the same patience."""
        batches = self._model.batches
        return None if batches is None else _PatientBatches(self, batches)

    def most(self, task: Task, *, batch: bool = False) -> float | None:
        """USD that one try can cost at the most: only one of them is ever paid for."""
        return self._model.most(task, batch=batch)

    async def complete(self, task: Task) -> Answer:
        """Answer one task."""
        return await self.tried(lambda: self._model.complete(task), _unpaid)

    async def stream(self, task: Task) -> AsyncGenerator[str | Answer, None]:
        """Pieces of text as they come, then the whole answer."""
        tries, begun, until = 0, False, self._clock() + self._stream_s
        while True:
            await self._gate.passed(until)
            tries += 1
            pieces = cast("AsyncGenerator[str | Answer, None]", self._model.stream(task))
            try:
                async with aclosing(pieces):
                    async for piece in pieces:
                        begun = True
                        yield piece
            except TransientError as error:
                again = _unpaid(error) and not begun and tries < self._stream_attempts
                await self.wait(error, tries, safe=again, until=until)
            else:
                return

    async def close(self) -> None:
        """Release the model's connections."""
        await self._model.close()

    async def tried(
        self, ask: Callable[[], Awaitable[T]], safe: Callable[[TransientError], bool]
    ) -> T:
        """What `ask` returns, asked again while it raises what is safe."""
        tries = 0
        while True:
            await self._gate.passed()
            tries += 1
            try:
                return await ask()
            except TransientError as error:
                await self.wait(error, tries, safe=safe(error))

    async def passed(self) -> None:
        """Wait as long as the provider asks to."""
        await self._gate.passed()

    async def wait(
        self, error: TransientError, tries: int, *, safe: bool, until: float = math.inf
    ) -> None:
        """After so many tries wait for the next, or raise the error if there is none to be.

        There is none after `until`, a time of the clock.
        """
        delay = 0.0
        if isinstance(error, RateLimited | ModelOverloaded) and error.delay_s:
            delay = error.delay_s
            self._gate.shut(error, delay)
        left = until - self._clock()
        if not safe or tries >= self._attempts or delay > min(self._longest_s, left) or left <= 0:
            raise error
        if not delay:
            bound = min(CAP_S, self._longest_s, left, FIRST_S * 2 ** (tries - 1))
            await self._sleep(self._random() * bound)


class _Gate:
    """Shut while the provider asks to wait. One for all requests to a model."""

    def __init__(
        self,
        longest_s: float,
        sleep: Callable[[float], Awaitable[None]],
        random: Callable[[], float],
        clock: Callable[[], float],
    ) -> None:
        self._longest_s = longest_s
        self._sleep = sleep
        self._random = random
        self._clock = clock
        self._opens = 0.0
        self._spread = 0.0
        self._error: RateLimited | ModelOverloaded | None = None

    def shut(self, error: RateLimited | ModelOverloaded, delay_s: float) -> None:
        """Nobody passes for so long, or for as long as was asked before."""
        opens = self._clock() + delay_s
        if self._error is None or opens > self._opens:
            self._opens, self._spread, self._error = opens, min(delay_s, SPREAD_S), error

    async def passed(self, until: float = math.inf) -> None:
        """Wait until it is open; raises the error that shut it if that is too long, or too late."""
        while self._error is not None and (left := self._opens - self._clock()) > 0:
            latest = until - self._clock()
            if left > min(self._longest_s, latest):
                raise replace(self._error, delay_s=left)
            await self._sleep(min(left + self._random() * self._spread, latest))


class _PatientBatches:
    """A provider's batches. Handing in is safe to repeat as a task is; all else is a read."""

    def __init__(self, patient: Patient, batches: Batches) -> None:
        self._patient = patient
        self._batches = batches

    async def submit(self, tasks: Mapping[str, Task]) -> str:
        return await self._patient.tried(lambda: self._batches.submit(tasks), _unpaid)

    async def find(self, since: datetime, size: int) -> list[str]:
        return await self._patient.tried(lambda: self._batches.find(since, size), _passing)

    async def ended(self, batch_id: str) -> bool:
        return await self._patient.tried(lambda: self._batches.ended(batch_id), _passing)

    async def cancel(self, batch_id: str) -> None:
        await self._patient.tried(lambda: self._batches.cancel(batch_id), _passing)

    async def results(
        self, batch_id: str
    ) -> AsyncGenerator[tuple[str, Answer | TrimtabError], None]:
        """Each task's result once, however often they had to be fetched."""
        tries = 0
        given: set[str] = set()
        while True:
            await self._patient.passed()
            tries += 1
            try:
                async for key, result in self._batches.results(batch_id):
                    if key not in given:
                        given.add(key)
                        tries = 1
                        yield key, result
            except TransientError as error:
                await self._patient.wait(error, tries, safe=_passing(error))
            else:
                return


def _passing(error: TransientError) -> bool:
    """Whether it is the provider's or the network's, and not the worker's."""
    return isinstance(error, RateLimited | ModelOverloaded | ModelUnreachable)


def _unpaid(error: TransientError) -> bool:
    return _passing(error) and not (isinstance(error, ModelUnreachable) and error.sent)
