"""Jobs as rows: one open job of a kind and account, in order, with an outcome."""

import sqlite3
from datetime import timedelta

import pytest
from store_samples import NOW

from daemon.records import Job, JobKind, JobState, Night
from daemon.store import jobs

SOON = NOW + timedelta(minutes=1)
LATER = NOW + timedelta(minutes=2)


def run(connection: sqlite3.Connection, kind: JobKind, state: JobState) -> Job:
    """Queue and lease one job and let it end."""
    jobs.enqueue(connection, kind, "work", NOW)
    job = jobs.lease(connection, NOW)
    assert job is not None
    jobs.finish(connection, job.id, state, LATER, outcome={}, error=None)
    return job


def test_a_job_goes_from_queued_to_running_to_done(connection: sqlite3.Connection) -> None:
    """Each step leaves its time; the outcome and the error are kept."""
    queued = jobs.enqueue(connection, "sync", "work", NOW)
    assert queued == Job(
        id=1, kind="sync", account="work", state="queued", attempt=0, requested_at=NOW
    )
    running = jobs.lease(connection, SOON)
    assert running == Job(
        id=1,
        kind="sync",
        account="work",
        state="running",
        attempt=1,
        requested_at=NOW,
        started_at=SOON,
    )
    outcome: dict[str, object] = {"added": 3, "left_out": {"empty": 1}, "share": 0.5, "why": None}
    jobs.finish(connection, 1, "failed", LATER, outcome=outcome, error="It did not work.")
    assert jobs.job(connection, 1) == Job(
        id=1,
        kind="sync",
        account="work",
        state="failed",
        attempt=1,
        requested_at=NOW,
        started_at=SOON,
        finished_at=LATER,
        outcome=outcome,
        error="It did not work.",
    )


def test_a_job_that_is_open_is_returned_instead_of_a_second(connection: sqlite3.Connection) -> None:
    """Whether it waits or runs; one of another kind or account is another."""
    first = jobs.enqueue(connection, "sync", "work", NOW)
    assert jobs.enqueue(connection, "sync", "work", LATER) == first
    running = jobs.lease(connection, SOON)
    assert jobs.enqueue(connection, "sync", "work", LATER) == running
    assert jobs.enqueue(connection, "teach", "work", NOW).id != first.id
    assert jobs.enqueue(connection, "sync", "home", NOW).id != first.id
    jobs.finish(connection, first.id, "done", LATER, outcome={}, error=None)
    assert jobs.enqueue(connection, "sync", "work", LATER).id > first.id


def test_jobs_are_leased_in_the_order_of_their_queueing(connection: sqlite3.Connection) -> None:
    """Each once; None when no job waits."""
    kinds: tuple[JobKind, ...] = ("teach", "sync", "train")
    for kind in kinds:
        jobs.enqueue(connection, kind, "work", NOW)
    leased = [jobs.lease(connection, NOW) for _ in range(4)]
    assert [job and job.kind for job in leased] == [*kinds, None]


def test_attempts_are_counted_since_the_last_success(connection: sqlite3.Connection) -> None:
    """Of the same kind and account only."""
    states: tuple[JobState, ...] = ("failed", "interrupted", "done", "failed")
    attempts = [run(connection, "sync", state).attempt for state in states]
    assert attempts == [1, 2, 3, 1]
    assert run(connection, "teach", "done").attempt == 1


@pytest.mark.parametrize("job_id", [1, 2])
def test_only_a_running_job_can_end(connection: sqlite3.Connection, job_id: int) -> None:
    """Neither one that waits, nor one that there is not, nor one that has ended."""
    jobs.enqueue(connection, "sync", "work", NOW)
    with pytest.raises(LookupError, match="not running"):
        jobs.finish(connection, job_id, "done", NOW, outcome={}, error=None)
    jobs.lease(connection, NOW)
    jobs.finish(connection, 1, "done", NOW, outcome={}, error=None)
    with pytest.raises(LookupError, match="not running"):
        jobs.finish(connection, job_id, "failed", NOW, outcome={}, error=None)


def test_reaping_interrupts_what_was_running(connection: sqlite3.Connection) -> None:
    """What waits still waits, what ended stays as it ended, and the next one can be queued."""
    ended = run(connection, "train", "done")
    left = jobs.enqueue(connection, "sync", "work", NOW)
    jobs.lease(connection, SOON)
    waiting = jobs.enqueue(connection, "teach", "work", NOW)
    assert jobs.reap(connection, LATER) == 1
    states = {job.id: (job.state, job.finished_at) for job in jobs.history(connection, 10)}
    assert states == {
        ended.id: ("done", LATER),
        left.id: ("interrupted", LATER),
        waiting.id: ("queued", None),
    }
    assert jobs.enqueue(connection, "sync", "work", LATER).id not in states
    assert jobs.reap(connection, LATER) == 0


def test_history_is_newest_first_and_bounded(connection: sqlite3.Connection) -> None:
    """The last jobs of all accounts."""
    ended = [run(connection, "sync", "done").id for _ in range(3)]
    assert [job.id for job in jobs.history(connection, 2)] == ended[:0:-1]
    assert jobs.job(connection, 99) is None


def test_a_nights_jobs_are_found_by_its_date(connection: sqlite3.Connection) -> None:
    """With its end as their deadline; those of the last night where no date is named."""
    run(connection, "sync", "done")
    for number in (1, 2):
        at = NOW + timedelta(days=number)
        night = Night(date=f"{at:%Y-%m-%d}", starts=at, ends=at + timedelta(hours=4))
        job = jobs.enqueue(connection, "teach", "work", at, night)
        assert (job.night, job.deadline) == (night.date, night.ends)
        assert jobs.lease(connection, at) == jobs.under_way(connection, "teach", "work")
        assert [each.id for each in jobs.open_jobs(connection)] == [job.id]
        jobs.finish(connection, job.id, "done", at, outcome={}, error=None)
        assert [each.id for each in jobs.of_night(connection, None)] == [job.id]
        assert jobs.under_way(connection, "teach", "work") is None
    assert len(jobs.of_night(connection, f"{NOW + timedelta(days=1):%Y-%m-%d}")) == 1
    assert jobs.of_night(connection, "2020-01-01") == []
    assert jobs.last_done(connection, "teach") == {"work": NOW + timedelta(days=2)}


def test_old_syncs_go_but_for_the_last_that_was_done(connection: sqlite3.Connection) -> None:
    """Nor does anything go that taught or trained."""
    kept = [run(connection, "train", "done").id]
    states: tuple[JobState, ...] = ("done", "failed", "done", "failed")
    syncs = [run(connection, "sync", state).id for state in states]
    assert jobs.prune(connection, LATER) == 0
    assert jobs.prune(connection, LATER + timedelta(seconds=1)) == 3
    assert [job.id for job in jobs.history(connection, 9)] == [syncs[2], *kept]
