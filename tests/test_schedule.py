"""What runs when: the timetable, what follows what, and APScheduler under it."""

import asyncio
import logging
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from daemon.config import Account, Config, Imap, Schedule
from daemon.errors import StoreFull
from daemon.jobs import schedule
from daemon.jobs.schedule import Trigger, followers, triggers
from daemon.records import Job, JobKind
from mlx_agent.log_lines import LineFormatter

ON_SERVER = Account(addresses=("a@b.example",), imap=Imap(host="imap.example", user="a"))
IMPORTED = Account(addresses=("c@d.example",))
CONFIG = Config(
    accounts={"work": ON_SERVER, "old": IMPORTED},
    schedule=Schedule(sync_minutes=10, teach_at="01:15", train_at="23:59"),
)
BERLIN = ZoneInfo("Europe/Berlin")
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


async def nobody() -> set[str]:
    """No account waits for a batch."""
    return set()


async def stop(scheduler: Any) -> None:
    scheduler.shutdown(wait=False)
    await asyncio.sleep(0)


async def settle() -> None:
    await asyncio.sleep(0.05)


def test_every_account_learns_at_night() -> None:
    """Also one whose mail is imported. When mail comes in by day is not the timetable's."""
    assert triggers(CONFIG) == (
        Trigger(kind="teach", account="work", at=time(1, 15)),
        Trigger(kind="teach", account="old", at=time(1, 15)),
        Trigger(kind="train", account="work", at=time(23, 59)),
        Trigger(kind="train", account="old", at=time(23, 59)),
    )


def test_without_accounts_nothing_is_due() -> None:
    """The daemon of a fresh config only serves its socket."""
    assert triggers(Config()) == ()


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


async def test_at_start_the_nights_work_is_not_due() -> None:
    """A daemon that is started in the morning does not begin with training."""
    submitted = Submissions()
    scheduler = schedule.start(CONFIG, submitted, nobody)
    await settle()
    await stop(scheduler)
    assert submitted.made == []


async def test_times_of_day_are_local_also_when_the_clocks_change() -> None:
    """01:15 in Berlin is another moment of UTC in winter and in summer."""
    scheduler = schedule.start(CONFIG, Submissions(), nobody, BERLIN)
    nightly = scheduler.get_job("teach work").trigger
    winter, summer = datetime(2026, 1, 5, 12, tzinfo=UTC), datetime(2026, 7, 5, 12, tzinfo=UTC)
    fires = [nightly.get_next_fire_time(None, noon).astimezone(UTC) for noon in (winter, summer)]
    await stop(scheduler)
    assert [fire.strftime("%d %H:%M") for fire in fires] == ["06 00:15", "05 23:15"]


@pytest.mark.parametrize("nights", [1, 3])
async def test_nights_that_the_machine_slept_through_are_made_up_for_by_one(nights: int) -> None:
    """However long it slept; teaching before training."""
    submitted = Submissions()
    scheduler = schedule.start(
        CONFIG.model_copy(update={"accounts": {"old": IMPORTED}}), submitted, nobody
    )
    asleep = datetime.now(UTC) - timedelta(days=nights, hours=1)
    for number, kind in enumerate(("train", "teach")):
        scheduler.modify_job(f"{kind} old", next_run_time=asleep - timedelta(minutes=number))
    await settle()
    await stop(scheduler)
    assert submitted.made == [("teach", "old"), ("train", "old")]


async def test_the_clock_is_looked_at_every_few_minutes() -> None:
    """Even where nothing is due until night: timers stand still while the machine sleeps."""
    only_imported = CONFIG.model_copy(update={"accounts": {"old": IMPORTED}})
    scheduler = schedule.start(only_imported, Submissions(), nobody)
    soonest = min(job.next_run_time for job in scheduler.get_jobs())
    await stop(scheduler)
    assert soonest - datetime.now(UTC) <= schedule.LOOK_AT_THE_CLOCK


async def test_a_submission_that_fails_is_logged_and_comes_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """By its class; the next turn stands."""
    submitted = Submissions(StoreFull(Path("/x/trimtab.db")))
    scheduler = schedule.start(CONFIG, submitted, nobody)
    scheduler.modify_job("teach work", next_run_time=datetime.now(UTC))
    with caplog.at_level(logging.WARNING):
        await settle()
    again = scheduler.get_job("teach work")
    await stop(scheduler)
    assert again is not None
    (record,) = caplog.records
    said = "WARNING job was not queued kind=teach account=work error=StoreFull"
    assert LineFormatter().format(record).partition(" ")[2] == said


async def test_a_scheduler_that_was_shut_down_submits_no_more() -> None:
    """The app's shutdown begins with it."""
    submitted = Submissions()
    scheduler = schedule.start(CONFIG, submitted, nobody)
    scheduler.modify_job("teach work", next_run_time=datetime.now(UTC))
    scheduler.shutdown(wait=False)
    await settle()
    assert not scheduler.running
    assert submitted.made == []


async def test_teaching_goes_on_when_a_provider_may_have_its_answers() -> None:
    """Every few minutes, for the accounts that wait, and for no others."""
    submitted = Submissions()

    async def waiting() -> set[str]:
        return {"work", "old"}

    scheduler = schedule.start(CONFIG, submitted, waiting)
    try:
        job = scheduler.get_job("batches")
        assert job.trigger.interval == schedule.GO_ON
        await job.func(*job.args)
        assert submitted.made == [("teach", "old"), ("teach", "work")]
    finally:
        await stop(scheduler)
