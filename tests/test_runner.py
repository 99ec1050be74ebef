"""The job runner: one job at a time, every end recorded, and nothing ends the loop."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from store_samples import NOW

from daemon.errors import ServerUnreachable, StoreFull, TransientError
from daemon.explain import explain
from daemon.jobs.runner import BACKLOG, JobEvent, Runner, Task
from daemon.records import Job, JobKind, Progress
from daemon.store import jobs
from daemon.store.database import Database
from mlx_agent.errors import TooFewLessons, TrainingPaused
from mlx_agent.log_lines import LineFormatter

Report = Callable[[Progress], None]
DEAD_LINE_S = 10
"""A hang fails the test instead of the whole run."""


class Clock:
    """A clock that goes on by a second whenever it is read."""

    def __init__(self) -> None:
        self._seconds = 0

    def __call__(self) -> datetime:
        self._seconds += 1
        return NOW + timedelta(seconds=self._seconds)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path / "trimtab.db")
    yield database
    await database.close()


@asynccontextmanager
async def running(runner: Runner) -> AsyncIterator[asyncio.Task[None]]:
    """The runner's loop, cancelled at the end."""
    task = asyncio.create_task(runner.run_forever())
    try:
        async with asyncio.timeout(DEAD_LINE_S):
            yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def make(database: Database, **tasks: Task) -> Runner:
    table = cast("dict[JobKind, Task]", {"edits": nothing, **tasks})
    return Runner(database, table, Clock(), explain, retry_s=0.01)


async def nothing(account: str, report: Report) -> dict[str, object]:
    return {}


def raising(error: BaseException) -> Task:
    async def task(account: str, report: Report) -> dict[str, object]:
        raise error

    return task


class Held:
    """A task that waits until it is let go."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(self, account: str, report: Report) -> dict[str, object]:
        report(Progress(step="held", done=0))
        self.begun.set()
        await self.go_on.wait()
        return {"account": account}


async def run_one(runner: Runner, kind: JobKind = "sync") -> Job:
    async with running(runner):
        return await runner.wait((await runner.submit(kind, "work")).id)


# --- how a job ends --------------------------------------------------------------------------


async def test_a_job_that_is_submitted_is_run_and_its_outcome_kept(database: Database) -> None:
    """The task gets the account; every time is the injected clock's."""

    async def sync(account: str, report: Report) -> dict[str, object]:
        return {"account": account, "added": 3}

    job = await run_one(make(database, sync=sync))
    assert (job.state, job.outcome, job.error) == ("done", {"account": "work", "added": 3}, None)
    assert job.attempt == 1
    assert job.started_at is not None
    assert job.finished_at is not None
    assert NOW < job.requested_at < job.started_at < job.finished_at


@pytest.mark.parametrize(
    "error",
    [
        TooFewLessons("work", have=3, need=20),
        ServerUnreachable("work", "imap.example", 993, "timed out"),
        TrainingPaused("work", step=7, steps=40),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_an_expected_error_becomes_a_finished_sentence(
    database: Database, error: Exception
) -> None:
    """A transient one too. Who decides by its type what to do next is told the type."""
    runner = make(database, sync=raising(error))
    job = await run_one(runner)
    assert (job.state, job.error, job.outcome) == ("failed", explain(error), {})
    assert runner.failure("sync", "work") is error
    assert (runner.failure("sync", "home"), runner.failure("teach", "work")) == (None, None)


async def test_a_failure_is_remembered_until_the_next_success(database: Database) -> None:
    """By account and kind; without a traceback, whose frames would hold mail."""
    results: list[Exception | None] = [ServerUnreachable("work", "x", 993, "cut off"), None]

    async def sync(account: str, report: Report) -> dict[str, object]:
        if error := results.pop(0):
            raise error from ValueError("Dear Ms Hollis")
        return {}

    runner = make(database, sync=sync)
    async with running(runner):
        await runner.wait((await runner.submit("sync", "work")).id)
        failure = runner.failure("sync", "work")
        assert isinstance(failure, ServerUnreachable)
        assert (failure.__traceback__, failure.__cause__, failure.__context__) == (None,) * 3
        await runner.wait((await runner.submit("sync", "work")).id)
        assert runner.failure("sync", "work") is None


async def test_the_only_failure_of_a_task_group_is_the_failure(database: Database) -> None:
    """The group around it says nothing to the user."""
    error = TooFewLessons("work", have=3, need=20)
    group = ExceptionGroup("tasks", [ExceptionGroup("more tasks", [error])])
    job = await run_one(make(database, sync=raising(group)))
    assert job.error == explain(error)


async def test_a_bug_leaves_its_class_and_place_but_never_its_text(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """An exception may quote mail; neither the row nor the log repeats it."""
    with caplog.at_level(logging.DEBUG, "daemon"):
        job = await run_one(make(database, sync=raising(ValueError("Dear Ms Hollis"))))
    assert (job.state, job.error) == ("failed", explain(ValueError()))
    told = "\n".join(map(LineFormatter().format, caplog.records))
    assert "job failed job=1 kind=sync account=work error=ValueError at=" in told
    assert "test_runner.py:" in told
    assert "Hollis" not in told + caplog.text


async def test_an_outcome_that_is_not_json_is_a_bug_of_the_task(database: Database) -> None:
    """It fails the job and not the runner."""

    async def sync(account: str, report: Report) -> dict[str, object]:
        return {"value": object()}

    job = await run_one(make(database, sync=sync))
    assert job.state == "failed"
    assert job.error is not None
    assert "bug in trimtab (PydanticSerializationError)" in job.error


async def test_a_kind_without_a_task_fails(database: Database) -> None:
    """The row says so instead of waiting for ever."""
    job = await run_one(make(database), "train")
    assert (job.state, job.error) == ("failed", explain(KeyError()))


async def test_after_every_failure_the_next_job_runs(database: Database) -> None:
    """Even after one that cancelled itself, as a library's time-out may."""
    runner = make(
        database,
        sync=raising(RuntimeError()),
        teach=raising(asyncio.CancelledError()),
        train=nothing,
    )
    async with running(runner) as loop:
        kinds: tuple[JobKind, ...] = ("sync", "teach", "train")
        submitted = [await runner.submit(kind, "work") for kind in kinds]
        ended = [await runner.wait(job.id) for job in submitted]
        assert [job.state for job in ended] == ["failed", "interrupted", "done"]
        assert isinstance(runner.failure("teach", "work"), TransientError)
        assert not loop.done()


async def test_a_cancelled_job_is_recorded_and_the_cancellation_goes_on(
    database: Database,
) -> None:
    """What stops the daemon does not leave a row that looks as if it ran."""
    held = Held()
    runner = make(database, train=held)
    async with running(runner) as loop:
        job = await runner.submit("train", "work")
        await held.begun.wait()
        loop.cancel()
        with pytest.raises(asyncio.CancelledError):
            await loop
        assert (await runner.wait(job.id)).state == "interrupted"
        assert runner.current is None


# --- the queue -------------------------------------------------------------------------------


async def test_jobs_run_one_at_a_time_in_their_order(database: Database) -> None:
    """Whatever their kind and account: there is one GPU."""
    seen: list[str] = []

    def noted(kind: str) -> Task:
        async def task(account: str, report: Report) -> dict[str, object]:
            seen.append(f"{kind} {account} begins")
            await asyncio.sleep(0.01)
            seen.append(f"{kind} {account} ends")
            return {}

        return task

    runner = make(database, teach=noted("teach"), train=noted("train"))
    wanted: list[tuple[JobKind, str]] = [("train", "home"), ("teach", "work"), ("train", "work")]
    async with running(runner):
        for job in [await runner.submit(kind, account) for kind, account in wanted]:
            await runner.wait(job.id)
    assert seen == [f"{k} {a} {step}" for k, a in wanted for step in ("begins", "ends")]


async def test_a_job_submitted_while_it_waits_or_runs_is_the_same_one(database: Database) -> None:
    """Two clients that ask for a sync get one."""
    held = Held()
    runner = make(database, sync=held)
    async with running(runner):
        first = await runner.submit("sync", "work")
        await held.begun.wait()
        assert (await runner.submit("sync", "work")).id == first.id
        held.go_on.set()
        both = await asyncio.gather(runner.wait(first.id), runner.wait(first.id))
        assert both[0] == both[1]


async def test_at_start_what_a_crash_left_is_reaped_and_what_waits_is_run(
    database: Database,
) -> None:
    """The dead job is not run again by itself; it can be asked for again."""
    left = await database.write(jobs.enqueue, "sync", "work", NOW)
    await database.write(jobs.lease, NOW)
    waiting = await database.write(jobs.enqueue, "teach", "work", NOW)
    runner = make(database, sync=nothing, teach=nothing)
    async with running(runner):
        assert (await runner.wait(waiting.id)).state == "done"
        assert (await runner.wait(left.id)).state == "interrupted"
        again = await runner.submit("sync", "work")
        assert (await runner.wait(again.id)).attempt == 2


async def test_after_a_sync_that_succeeded_edits_are_looked_for(database: Database) -> None:
    """Queued with the sync's own end, so a crash between loses nothing."""
    looked: list[str] = []

    async def edits(account: str, report: Report) -> dict[str, object]:
        looked.append(account)
        return {}

    outcomes = iter([ServerUnreachable("work", "imap.example", 993, "refused"), None])

    async def sync(account: str, report: Report) -> dict[str, object]:
        if error := next(outcomes):
            raise error
        return {}

    runner = make(database, sync=sync, edits=edits)
    async with running(runner):
        await runner.wait((await runner.submit("sync", "work")).id)
        assert [job.kind for job in await database.read(jobs.history, 9)] == ["sync"]
        await runner.wait((await runner.submit("sync", "work")).id)
        newest = (await database.read(jobs.history, 1))[0]
        assert newest.kind == "edits"
        await runner.wait(newest.id)
    assert looked == ["work"]


async def test_to_wait_for_an_unknown_job_is_a_bug(database: Database) -> None:
    """It would otherwise wait for ever."""
    with pytest.raises(LookupError):
        await make(database).wait(99)


# --- what others see -------------------------------------------------------------------------


async def test_the_running_job_shows_how_far_it_is(database: Database) -> None:
    """From no progress at all to the latest; nothing before and after."""
    reported = asyncio.Event()
    go_on = asyncio.Event()
    at = Progress(step="teach", done=2, total=5)

    async def teach(account: str, report: Report) -> dict[str, object]:
        report(Progress(step="teach", done=1, total=5))
        report(at)
        reported.set()
        await go_on.wait()
        return {}

    runner = make(database, teach=teach)
    assert runner.current is None
    async with running(runner):
        job = await runner.submit("teach", "work")
        await reported.wait()
        assert runner.current is not None
        assert (runner.current[0].id, runner.current[0].state) == (job.id, "running")
        assert runner.current[1] == at
        go_on.set()
        await runner.wait(job.id)
        await asyncio.sleep(0)
        assert runner.current is None


async def test_a_report_after_the_jobs_end_is_not_heard(database: Database) -> None:
    """A straggler never shows a job that runs no more."""
    kept: list[Report] = []

    async def teach(account: str, report: Report) -> dict[str, object]:
        kept.append(report)
        return {}

    runner = make(database, teach=teach)
    await run_one(runner, "teach")
    with runner.subscribe() as events:
        kept[0](Progress(step="teach", done=1))
        assert events.empty()
    assert runner.current is None


async def test_a_subscriber_hears_every_step(database: Database) -> None:
    """Queued, running, its progress, its end, and what follows it."""
    at = Progress(step="fetch", done=1)

    async def sync(account: str, report: Report) -> dict[str, object]:
        report(at)
        return {}

    runner = make(database, sync=sync)
    with runner.subscribe() as events:
        await run_one(runner)
        heard = [events.get_nowait() for _ in range(5)]
    assert [(event.job.kind, event.job.state, event.progress) for event in heard] == [
        ("sync", "queued", None),
        ("sync", "running", None),
        ("sync", "running", at),
        ("sync", "done", None),
        ("edits", "queued", None),
    ]


async def test_a_subscriber_that_does_not_read_loses_the_oldest(database: Database) -> None:
    """It holds up neither the job nor the memory, and still hears the end."""

    async def teach(account: str, report: Report) -> dict[str, object]:
        for done in range(3 * BACKLOG):
            report(Progress(step="teach", done=done))
        return {}

    runner = make(database, teach=teach)
    with runner.subscribe() as events:
        await run_one(runner, "teach")
        heard: list[JobEvent] = [events.get_nowait() for _ in range(events.qsize())]
    assert len(heard) == BACKLOG
    assert heard[-1].job.state == "done"


# --- a full disk -----------------------------------------------------------------------------


def limit(connection: sqlite3.Connection, pages: int) -> None:
    """Let the store grow to so many pages and no further."""
    connection.execute(f"PRAGMA max_page_count = {pages}").fetchall()


async def test_a_full_disk_holds_the_runner_up_and_loses_no_outcome(database: Database) -> None:
    """Once there is room, the job that ended meanwhile is recorded as it ended."""
    outcome: dict[str, object] = {"left_out": "x" * 100_000}

    async def teach(account: str, report: Report) -> dict[str, object]:
        await database.read(limit, 1)
        return outcome

    runner = make(database, teach=teach)
    async with running(runner) as loop:
        job = await runner.submit("teach", "work")
        ended: Awaitable[Job] = asyncio.ensure_future(runner.wait(job.id))
        await asyncio.sleep(0.1)
        still = await database.read(jobs.job, job.id)
        assert still is not None
        assert still.state == "running"
        assert not loop.done()
        await database.read(limit, 100_000)
        assert ((await ended).state, (await ended).outcome) == ("done", outcome)


async def test_a_full_disk_ends_a_runner_that_does_not_wait(database: Database) -> None:
    """For a command whose user waits; the next runner reaps the job that it ran."""

    async def teach(account: str, report: Report) -> dict[str, object]:
        await database.read(limit, 1)
        return {"left_out": "x" * 100_000}

    table = cast("dict[JobKind, Task]", {"teach": teach})
    runner = Runner(database, table, Clock(), explain, retry_s=None)
    job = await runner.submit("teach", "work")
    with pytest.raises(StoreFull):
        await asyncio.wait_for(runner.run_forever(), DEAD_LINE_S)
    await database.read(limit, 100_000)
    await run_one(make(database), "edits")
    reaped = await database.read(jobs.job, job.id)
    assert reaped is not None
    assert reaped.state == "interrupted"


async def test_a_locked_store_holds_the_runner_up_and_ends_nothing(
    database: Database, tmp_path: Path
) -> None:
    """Another program holds the file while a job ends, for longer than SQLite waits."""
    await database.read(lambda c: c.execute("PRAGMA busy_timeout = 1").fetchall())
    other = sqlite3.connect(tmp_path / "trimtab.db", isolation_level=None)

    async def teach(account: str, report: Report) -> dict[str, object]:
        other.execute("BEGIN IMMEDIATE")
        return {"lessons": 3}

    runner = make(database, teach=teach)
    async with running(runner) as loop:
        job = await runner.submit("teach", "work")
        ended: Awaitable[Job] = asyncio.ensure_future(runner.wait(job.id))
        await asyncio.sleep(0.1)
        assert other.in_transaction
        assert not loop.done()
        other.close()
        assert ((await ended).state, (await ended).outcome) == ("done", {"lessons": 3})
