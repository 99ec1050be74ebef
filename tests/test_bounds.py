"""A night's job stops at its hour, or when asked to, and the next night's goes on from there."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kernels import scratch_in

from daemon import sample
from daemon.app import build_door, build_tasks, now
from daemon.config import Config, Paths
from daemon.jobs.bounds import Bound, Halt, Halted
from daemon.jobs.tasks import Tasks
from daemon.jobs.worker import Worker
from daemon.mailbox.importing import import_path
from daemon.records import JobKind, Night
from daemon.sample.cast import ADA
from daemon.store import jobs as job_store
from daemon.store import lessons as lesson_store
from daemon.store import trainings
from daemon.store.database import Database

CONFIG = f"""
[accounts.work]
name = "{ADA.address.name}"
addresses = ["{ADA.address.address}"]
[train]
epochs = 1
batch_tokens = 512
min_lessons = 8
"""
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NEVER = timedelta(days=999)


class Clock:
    """A clock that goes on by a second whenever it is read."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def a_bound(deadline: datetime | None = NOON + timedelta(seconds=3)) -> Bound:
    return Bound(deadline=deadline, halt=Halt(), clock=Clock())


# --- the bound --------------------------------------------------------------------------------


def test_items_are_taken_up_until_the_hour() -> None:
    """The clock is looked at before each."""
    bound = a_bound()
    assert list(bound.until("abcdef")) == ["a", "b"]
    assert bound.stopped == "hour"


def test_a_job_that_is_done_in_time_was_not_stopped() -> None:
    """Also one that ends just at its hour."""
    bound = a_bound()
    assert list(bound.until("ab")) == ["a", "b"]
    assert bound.stopped is None


def test_nothing_bounds_what_the_user_asked_for() -> None:
    """Neither an hour nor a halt."""
    bound = a_bound(None)
    bound.halt.set(asked=True)
    assert list(bound.until("abcdef")) == list("abcdef")
    assert bound.stopped is None


async def test_a_halt_stops_at_once_what_it_is_asked_in() -> None:
    """What was under way is cancelled, and has ended when the halt is told."""
    bound = a_bound()
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with asyncio.timeout(60):
        asyncio.get_running_loop().call_soon(lambda: bound.halt.set(asked=True))
        with pytest.raises(Halted):
            await bound.within(work())
    assert ended.is_set()
    assert bound.stopped == "asked"


async def test_a_halt_that_was_withdrawn_stops_nothing() -> None:
    """The next job goes on."""
    bound = a_bound()
    bound.halt.set(asked=True)
    bound.halt.set(asked=False)

    async def work() -> int:
        return 7

    assert await bound.within(work()) == 7
    assert not bound.over()


# --- teaching and training --------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class Jobs:
    """The real tasks of a home, with the offline teacher; a night's or the user's."""

    paths: Paths
    database: Database
    tasks: Tasks

    async def add(self, numbers: range) -> None:
        """Import some of a person's mails."""
        where = self.paths.scratch / f"mails{numbers.start}"
        where.mkdir(parents=True)
        mails = sample.load(ADA.key)
        for number in numbers:
            (where / f"{number}.eml").write_bytes(mails[number])
        await import_path(where, "work", self.database, lambda _: None)

    async def run(self, kind: JobKind, left: timedelta | None) -> dict[str, Any]:
        """Run a job to its end, with so much time left of a night; without a night with None."""
        at = self.tasks.clock()
        night = None if left is None else Night(date="2026-03-02", starts=at, ends=at + left)
        await self.database.write(job_store.enqueue, kind, "work", at, night)
        job = await self.database.write(job_store.lease, at)
        assert job is not None
        outcome = await self.tasks.by_kind()[kind]("work", lambda _: None)
        await self.database.write(
            job_store.finish, job.id, "done", now(), outcome=outcome, error=None
        )
        return outcome

    async def lessons(self) -> int:
        """How many there are."""
        return len(await self.database.read(lesson_store.lesson_ids, "work"))


@pytest.fixture
async def jobs(
    home: Paths, tmp_path: Path, write_config: Callable[[str], Config]
) -> AsyncIterator[Jobs]:
    config = write_config(CONFIG)
    database = await Database.open(home.database)
    worker = Worker(home.logs / "worker.log", scratch=scratch_in(tmp_path))
    door = build_door(config, database, worker)
    try:
        yield Jobs(paths=home, database=database, tasks=build_tasks(home, door, worker))
    finally:
        await worker.close()
        await door.close()
        await database.close()


async def test_teaching_takes_up_no_mail_after_its_hour(jobs: Jobs) -> None:
    """The next run makes the lessons that are missing."""
    await jobs.add(range(12))
    stopped = await jobs.run("teach", timedelta(0))
    assert (stopped["lessons"], stopped["stopped"], await jobs.lessons()) == (0, "hour", 0)
    done = await jobs.run("teach", NEVER)
    assert "stopped" not in done
    assert await jobs.lessons() == done["lessons"] > 0


async def test_teaching_stops_when_asked(jobs: Jobs) -> None:
    """A night's alone: the user's own goes on."""
    await jobs.add(range(12))
    jobs.tasks.halt.set(asked=True)
    assert (await jobs.run("teach", NEVER))["stopped"] == "asked"
    assert (await jobs.run("teach", None))["lessons"] > 0


@pytest.mark.mlx
async def test_training_goes_on_the_next_night_with_what_it_had_begun(jobs: Jobs) -> None:
    """Though lessons came in between: with those it would begin anew, and never come to its end."""
    await jobs.add(range(14))
    await jobs.run("teach", NEVER)
    first = await jobs.run("train", timedelta(0))
    assert (first["stopped"], first["step"]) == ("hour", 1)
    name = await jobs.database.read(trainings.unfinished, "work")
    assert name is not None

    await jobs.add(range(14, 18))
    await jobs.run("teach", NEVER)
    second = await jobs.run("train", timedelta(0))
    assert (second["step"], second["steps"]) == (2, first["steps"])
    assert await jobs.database.read(trainings.unfinished, "work") == name
    assert [path.name for path in jobs.paths.datasets.iterdir()] == [name]
