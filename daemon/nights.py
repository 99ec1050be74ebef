"""The nights, done: looks at the clock and the machine, queues what `daemon.jobs.night` decides.

One per app. `look` is called every minute by the scheduler and may be called at any time: all that
counts is in the store, so a night goes on after a crash as if nothing had been. One job at a time
is asked for, and the runner runs no two, so that a night is in nobody's way; the home's lock keeps
other processes out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any, Protocol

from daemon import power
from daemon.config import Config
from daemon.jobs import night as nights
from daemon.jobs.bounds import Halt
from daemon.morning import send_report
from daemon.night_words import WAITS, sentence
from daemon.power import Power
from daemon.records import Job, JobKind, Night, Wait
from daemon.store import jobs as job_store
from daemon.store import ledger
from daemon.store import nights as night_store
from daemon.store.database import Connection, Database

KEPT = timedelta(days=30)
"""So long a day's syncs are kept as rows; what nights did is kept for good."""
REPORTED_WITHIN = timedelta(hours=12)
"""After that the mail of a morning is no news."""

log = logging.getLogger(__name__)


class Submit(Protocol):
    """Queues a job for a night."""

    def __call__(self, kind: JobKind, account: str, night: Night, /) -> Awaitable[object]: ...


@dataclass(slots=True, kw_only=True)
class Nights:
    """`clock` gives aware UTC, `zone` is that of the hours, the machine's with None."""

    config: Config
    database: Database
    submit: Submit
    halt: Halt
    clock: Callable[[], datetime]
    zone: tzinfo | None = None
    power: Callable[[], Power] = power.look
    _waits: tuple[Wait, ...] = ()
    _noted: tuple[str, tuple[Wait, ...]] | None = None
    _tidied: str = ""

    async def look(self) -> None:
        """Do what is due now; raises StoreFull and StoreLocked, and may then be called again."""
        if not self.config.accounts:
            return
        now = self.clock()
        night = nights.night_at(now, self.config.schedule, self.zone)
        await self._account_for(now)
        if nights.is_on(night, now):
            await self._work(now, night)
        else:
            self._waits = ()
            self.halt.set(asked=False)
            await self._after(now)

    async def pause(self, *, paused: bool) -> dict[str, Any]:
        """No nights from now on, or nights again, kept across restarts; answers as `state`.

        What a night has under way stops where it can go on.
        """
        await self.database.write(night_store.set_paused, self.clock() if paused else None)
        await self.look()
        return await self.state()

    async def state(self) -> dict[str, Any]:
        """The night that is on or comes next, and what the last one did; JSON-compatible."""
        now = self.clock()
        night = nights.night_at(now, self.config.schedule, self.zone)
        paused = await self.database.read(night_store.is_paused)
        waits = self._waits if nights.is_on(night, now) else (("paused",) if paused else ())
        some = bool(self.config.accounts)
        return {
            "next": night.starts.isoformat() if some else None,
            "ends": night.ends.isoformat() if some else None,
            "paused": paused,
            "waits_for": [WAITS[wait] for wait in waits],
            "runs": await runs(self.database, None, now),
        }

    async def _account_for(self, now: datetime) -> None:
        """Give every night since the last one a row."""
        last = await self.database.read(night_store.last)
        if last is None:
            return
        gone = nights.missed(last.night, now, self.config.schedule, self.zone)
        if gone:
            await self.database.write(night_store.miss, gone)

    async def _work(self, now: datetime, night: Night) -> None:
        waits = await self._hindrances()
        self.halt.set(asked=bool(waits))
        step = None
        if not waits:
            decision = await self._decision(now, night)
            waits, step = decision.waits, decision.step
        self._waits = waits
        if self._noted != (night.date, waits):
            await self.database.write(night_store.note, night, waits)
            self._noted = (night.date, waits)
        if step is not None:
            await self.submit(step.kind, step.account, night)

    async def _hindrances(self) -> tuple[Wait, ...]:
        paused = await self.database.read(night_store.is_paused)
        found = await asyncio.to_thread(self.power)
        return nights.hindrances(found, self.config.schedule, paused=paused)

    async def _decision(self, now: datetime, night: Night) -> nights.Decision:
        def standings(connection: Connection) -> list[nights.Standing]:
            return nights.standings(
                self.config,
                job_store.of_night(connection, night.date),
                job_store.open_jobs(connection),
                job_store.last_done(connection, "train"),
            )

        return nights.decide(now, night, await self.database.read(standings))

    async def _after(self, now: datetime) -> None:
        """Once a night is over: tell of it, and remove the rows that nobody asks for any more."""
        last = await self.database.read(night_store.last)
        if last is None:
            return
        if self._tidied != last.night.date:
            await self.database.write(job_store.prune, now - KEPT)
            self._tidied = last.night.date
        if self.config.schedule.report and now - last.night.ends < REPORTED_WITHIN:
            told = await runs(self.database, last.night.date, now)
            if all(run["ended_at"] for run in told):
                await send_report(self.config, self.database, last, told, now)


async def runs(database: Database, date: str | None, now: datetime) -> list[dict[str, Any]]:
    """What the night of that date did, newest first, or the last one that did something."""

    def found(connection: Connection) -> Sequence[tuple[Job, float]]:
        return [
            (job, _usd(connection, job, now)) for job in job_store.of_night(connection, date)[::-1]
        ]

    return [_run(job, usd) for job, usd in await database.read(found)]


def _usd(connection: Connection, job: Job, now: datetime) -> float:
    if job.started_at is None:
        return 0.0
    return ledger.cost(connection, job.account, job.started_at, job.finished_at or now)


def _run(job: Job, usd: float) -> dict[str, Any]:
    started, ended = job.started_at, job.finished_at
    return {
        "account": job.account,
        "kind": job.kind,
        "state": job.state,
        "started_at": started.isoformat() if started else None,
        "ended_at": ended.isoformat() if ended else None,
        "seconds": (ended - started).total_seconds() if started and ended else None,
        "usd": usd,
        "sentence": sentence(job),
    }
