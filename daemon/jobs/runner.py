"""Runs jobs, one at a time: lease, run, record the outcome.

One loop, so one job at a time has the GPU and the large model. Owns the life of a job's row from
queued to its end, and tells waiters and subscribers of every step. Knows no task: it is given a
table of them. No failure of a task ends the loop; a full disk, or a store that another program
holds, only holds it up. A cancelled job is recorded as interrupted before the cancellation goes on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

from daemon.errors import StoreFull, StoreLocked, only_cause
from daemon.jobs.schedule import followers
from daemon.records import Job, JobKind, JobState, Night, Progress
from daemon.store import jobs
from daemon.store.database import Connection, Database
from mlx_agent import codec
from mlx_agent.errors import TransientError, TrimtabError
from mlx_agent.log_lines import place, told

log = logging.getLogger(__name__)
T = TypeVar("T")

BACKLOG = 100
"""Events kept for a subscriber that does not read; the oldest go first."""


class Task(Protocol):
    """What a kind of job does for an account.

    The outcome must be JSON-compatible. `report` is to be called on the event loop's thread.
    """

    def __call__(
        self, account: str, report: Callable[[Progress], None], /
    ) -> Awaitable[dict[str, object]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent:
    """A job changed its state, or, where `progress` is given, got further."""

    job: Job
    progress: Progress | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ending:
    """How a job ended."""

    state: JobState
    outcome: dict[str, object] = field(default_factory=dict)
    error: str | None = None
    cause: BaseException | None = None


class Runner:
    """The queue's one worker. `run_forever` is run by its owner as one task."""

    def __init__(
        self,
        database: Database,
        tasks: Mapping[JobKind, Task],
        clock: Callable[[], datetime],
        explain: Callable[[BaseException], str],
        *,
        retry_s: float | None = 30.0,
    ) -> None:
        """`clock` gives aware UTC.

        `retry_s` is how often a full disk or a locked store is tried again; with None,
        `run_forever` raises StoreFull or StoreLocked instead, and the job that ran is reaped at the
        next start.
        """
        self._database = database
        self._tasks = tasks
        self._clock = clock
        self._explain = explain
        self._retry_s = retry_s
        self._queued = asyncio.Event()
        self._changed = asyncio.Event()
        self._subscribers: set[asyncio.Queue[JobEvent]] = set()
        self._current: tuple[Job, Progress | None] | None = None
        self._failures: dict[tuple[JobKind, str], BaseException | None] = {}

    @property
    def current(self) -> tuple[Job, Progress | None] | None:
        """The running job and how far it is; None while nothing runs."""
        return self._current

    async def submit(self, kind: JobKind, account: str, night: Night | None = None) -> Job:
        """Queue a job, or get the open one of the same kind and account; raises StoreFull.

        One that a `night` asks for stops at that night's end.
        """
        job = await self._database.write(jobs.enqueue, kind, account, self._clock(), night)
        self._queued.set()
        self._announce(JobEvent(job=job))
        return job

    async def wait(self, job_id: int) -> Job:
        """The job once it has ended; raises LookupError for an unknown id."""
        while True:
            changed = self._changed  # taken before the read, so that no change falls between
            job = await self._database.read(jobs.job, job_id)
            if job is None:
                raise LookupError(f"no job {job_id}")
            if job.state not in jobs.OPEN:
                return job
            await changed.wait()

    def failure(self, kind: JobKind, account: str) -> BaseException | None:
        """What made the last job of the kind and account fail; None if it was done, or none was.

        For who decides by its type what to do next; its sentence is in the job.
        """
        return self._failures.get((kind, account))

    @contextmanager
    def subscribe(self) -> Iterator[asyncio.Queue[JobEvent]]:
        """A queue of everything that happens to jobs during the `with` block."""
        events: asyncio.Queue[JobEvent] = asyncio.Queue(BACKLOG)
        self._subscribers.add(events)
        try:
            yield events
        finally:
            self._subscribers.discard(events)

    async def run_forever(self) -> None:
        """Reap what a dead process left, then run jobs in the order of their queueing.

        Ends by cancellation, or by StoreFull or StoreLocked where that is not waited out.
        """
        reaped = await self._persist(lambda connection: jobs.reap(connection, self._clock()))
        if reaped:
            log.warning("jobs were cut off by a process that died", extra=told(jobs=reaped))
        while True:
            self._queued.clear()
            job = await self._persist(lambda connection: jobs.lease(connection, self._clock()))
            if job is None:
                await self._queued.wait()
            else:
                await self._run(job)

    async def _run(self, job: Job) -> None:
        self._current = (job, None)
        self._announce(JobEvent(job=job))
        log.info("job began", extra=_named(job))
        try:
            await self._conclude(job, await self._attempt(job))
        except asyncio.CancelledError:
            await asyncio.shield(self._interrupt(job))
            raise
        finally:
            self._current = None

    async def _attempt(self, job: Job) -> _Ending:
        """Whatever the task does, the next job must run: only our own cancellation goes through."""
        try:
            outcome = await self._tasks[job.kind](job.account, partial(self._report, job))
            return _Ending(state="done", outcome=codec.to_data(outcome))
        except asyncio.CancelledError:
            if _is_cancelled():
                raise
            return _Ending(state="interrupted", cause=TransientError())
        except Exception as error:  # noqa: BLE001  # see above
            return self._failure(job, only_cause(error))

    def _failure(self, job: Job, error: BaseException) -> _Ending:
        known = isinstance(error, TrimtabError)
        at = None if known else place(error)
        failed = _named(job, error=type(error).__name__, at=at)
        log.log(logging.WARNING if known else logging.ERROR, "job failed", extra=failed)
        return _Ending(state="failed", error=self._explain(error), cause=_bare(error))

    async def _conclude(self, job: Job, ending: _Ending) -> None:
        """Record the ending and queue what follows, in one transaction; then tell."""
        self._failures[job.kind, job.account] = ending.cause
        changes = await self._persist(lambda c: _record(c, job, ending, self._clock()))
        log.info("job ended", extra=_ended(changes[0]))
        for changed in changes:
            self._announce(JobEvent(job=changed))

    async def _interrupt(self, job: Job) -> None:
        # Not tried again: the process is ending, and at the next start the row would be reaped.
        # LookupError: the job had ended just before.
        with suppress(StoreFull, StoreLocked, LookupError):
            ending = _Ending(state="interrupted")
            (ended,) = await self._database.write(_record, job, ending, self._clock())
            self._announce(JobEvent(job=ended))

    async def _persist(self, fn: Callable[[Connection], T]) -> T:
        """Write, however long it takes until the disk has room and nobody else the store."""
        while True:
            try:
                return await self._database.write(fn)
            except (StoreFull, StoreLocked) as error:
                if self._retry_s is None:
                    raise
                what = "disk is full" if isinstance(error, StoreFull) else "store is locked"
                log.warning("the %s; trying again", what, extra=told(seconds=self._retry_s))
                await asyncio.sleep(self._retry_s)

    def _report(self, job: Job, progress: Progress) -> None:
        if self._current and self._current[0].id == job.id:  # not from a straggler of an ended job
            self._current = (job, progress)
            self._announce(JobEvent(job=job, progress=progress))

    def _announce(self, event: JobEvent) -> None:
        if event.progress is None:
            changed, self._changed = self._changed, asyncio.Event()
            changed.set()
        for events in self._subscribers:
            if events.full():
                events.get_nowait()
            events.put_nowait(event)


def _record(connection: Connection, job: Job, ending: _Ending, now: datetime) -> tuple[Job, ...]:
    """The ended job, and those that follow it."""
    jobs.finish(connection, job.id, ending.state, now, outcome=ending.outcome, error=ending.error)
    ended = jobs.job(connection, job.id)
    assert ended is not None
    return (ended, *(jobs.enqueue(connection, kind, job.account, now) for kind in followers(ended)))


def _named(job: Job, **more: object) -> dict[str, dict[str, object]]:
    return told(job=job.id, kind=job.kind, account=job.account, **more)


def _ended(job: Job) -> dict[str, dict[str, object]]:
    """How a job ended, with what it counted; texts of an outcome are not for the log."""
    counted = {
        key: value
        for key, value in job.outcome.items()
        if isinstance(value, int | float) and key not in {"job", "kind", "state", "seconds"}
    }
    begun, over = job.started_at, job.finished_at
    seconds = (over - begun).total_seconds() if begun and over else None
    return _named(job, state=job.state, seconds=seconds, **counted)


def _bare(error: BaseException) -> BaseException:
    """The error without what hangs on it: the frames of its traceback hold mail."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
