"""What runs when: how often the night is looked after, what follows what, and APScheduler."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from daemon.errors import StoreFull
from daemon.jobs import schedule
from daemon.jobs.schedule import followers
from daemon.records import Job, JobKind
from mlx_agent.log_lines import LineFormatter

A_JOB = Job(
    id=1,
    kind="sync",
    account="work",
    state="done",
    attempt=1,
    requested_at=datetime(2026, 3, 3, tzinfo=UTC),
)


class Submissions:
    """What the schedule submitted, as the app's `submit_job` would get it."""

    def __init__(self, error: Exception | None = None) -> None:
        self.made: list[tuple[str, str]] = []
        self._error = error

    async def __call__(self, kind: JobKind, account: str) -> None:
        self.made.append((kind, account))
        if self._error:
            raise self._error


class Looks:
    """Counts the looks after the night."""

    def __init__(self, error: Exception | None = None) -> None:
        self.count = 0
        self.looked = asyncio.Event()
        self._error = error

    async def __call__(self) -> None:
        self.count += 1
        self.looked.set()
        if self._error:
            raise self._error

    async def next(self) -> None:
        """The next one."""
        self.looked.clear()
        async with asyncio.timeout(60):
            await self.looked.wait()


async def nobody() -> set[str]:
    """No account waits for a batch."""
    return set()


async def stop(scheduler: Any) -> None:
    scheduler.shutdown(wait=False)
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("kind", "state", "expected"),
    [
        ("sync", "done", ("edits",)),
        ("sync", "failed", ()),
        ("sync", "interrupted", ()),
        ("edits", "done", ()),
        ("teach", "done", ()),
        ("train", "done", ()),
    ],
)
def test_only_a_sync_that_succeeded_has_a_follower(
    kind: Any, state: Any, expected: tuple[str, ...]
) -> None:
    """Teaching and training keep to their hours."""
    assert followers(replace(A_JOB, kind=kind, state=state)) == expected


async def test_at_start_the_night_is_looked_after_at_once() -> None:
    """A daemon that comes up within the hours of a night begins with it; batches can wait."""
    looks, submitted = Looks(), Submissions()
    scheduler = schedule.start(looks, submitted, nobody)
    await looks.next()
    await stop(scheduler)
    assert (looks.count, submitted.made) == (1, [])


async def test_a_machine_that_slept_is_looked_after_within_a_minute_of_waking() -> None:
    """However many turns it missed, one makes up for them: timers stand still in sleep."""
    looks = Looks()
    scheduler = schedule.start(looks, Submissions(), nobody)
    await looks.next()
    assert scheduler.get_job("night").trigger.interval == timedelta(minutes=1)
    scheduler.modify_job("night", next_run_time=datetime.now(UTC) - timedelta(days=3))
    await looks.next()
    soonest = scheduler.get_job("night").next_run_time
    await stop(scheduler)
    assert looks.count == 2
    assert soonest - datetime.now(UTC) <= schedule.LOOK_AT_THE_CLOCK


async def test_a_look_that_fails_is_logged_and_comes_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """By its class: a full disk holds a night up, and ends none."""
    looks = Looks(StoreFull(Path("/x/trimtab.db")))
    with caplog.at_level(logging.WARNING, "daemon.jobs.schedule"):
        scheduler = schedule.start(looks, Submissions(), nobody)
        await looks.next()
    again = scheduler.get_job("night")
    await stop(scheduler)
    assert again is not None
    (record,) = caplog.records
    said = "WARNING night cannot be looked after error=StoreFull"
    assert LineFormatter().format(record).partition(" ")[2] == said


async def test_a_submission_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The others are still made."""
    submitted = Submissions(StoreFull(Path("/x/trimtab.db")))
    with caplog.at_level(logging.WARNING):
        await turn(submitted, two_wait)
    assert submitted.made == [("teach", "old"), ("teach", "work")]
    said = [LineFormatter().format(record).partition(" ")[2] for record in caplog.records]
    assert said == [
        "WARNING job was not queued kind=teach account=old error=StoreFull",
        "WARNING job was not queued kind=teach account=work error=StoreFull",
    ]


async def test_a_scheduler_that_was_shut_down_looks_no_more() -> None:
    """The app's shutdown begins with it."""
    looks = Looks()
    scheduler = schedule.start(looks, Submissions(), nobody)
    scheduler.shutdown(wait=False)
    for _ in range(20):
        await asyncio.sleep(0)
    assert not scheduler.running
    assert looks.count == 0


async def test_teaching_goes_on_when_a_provider_may_have_its_answers() -> None:
    """Every few minutes, for the accounts that wait, and for no others."""
    submitted = Submissions()
    assert await turn(submitted, two_wait) == schedule.GO_ON
    assert submitted.made == [("teach", "old"), ("teach", "work")]


async def two_wait() -> set[str]:
    return {"work", "old"}


async def turn(submitted: Submissions, waiting: Callable[[], Awaitable[set[str]]]) -> timedelta:
    """A turn of the look for batches; how far apart they are."""
    scheduler = schedule.start(Looks(), submitted, waiting)
    try:
        job = scheduler.get_job("batches")
        await job.func(*job.args)
        every: timedelta = job.trigger.interval
        return every
    finally:
        await stop(scheduler)
