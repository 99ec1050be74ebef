"""The curve of a training: bounded, told without a gap, and kept whatever becomes of the run."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_samples import NOW, an_event

from daemon.errors import StoreFull
from daemon.jobs import curve as curves
from daemon.jobs.curve import KEPT, LATEST, TOLD, Curve, Recorder, recorded
from daemon.records import Progress
from daemon.store import jobs, trainings
from daemon.store.database import Database
from mlx_agent.train.records import TrainEvent


def curve_of(steps: int, most: int = 20, every: int = 0) -> Curve:
    """The curve of a training that measures the validation loss every so many steps."""
    curve = Curve(most)
    for step in range(1, steps + 1):
        valid = 0.5 if every and step % every == 0 else None
        curve.add(an_event(step, valid_loss=valid))
    return curve


def steps(curve: Curve) -> list[int]:
    return [event.step for event in curve.events()]


def test_a_short_training_is_kept_whole() -> None:
    """There is nothing to thin out."""
    assert steps(curve_of(20)) == list(range(1, 21))


def test_a_long_one_keeps_every_second_step_and_its_last() -> None:
    """Again and again, evenly."""
    assert steps(curve_of(30)) == [*range(1, 30, 2), 30]
    assert steps(curve_of(100)) == [*range(1, 98, 8), 100]


def test_measured_steps_and_notes_are_the_last_to_go() -> None:
    """There are few of them, and they are what one looks for."""
    curve = curve_of(60, every=15)
    curve.add(an_event(62, note="half the rate"))
    for step in range(63, 200):
        curve.add(an_event(step))
    assert {15, 30, 45, 60, 62} <= set(steps(curve))


@given(st.integers(0, 500), st.integers(2, 40), st.sampled_from([0, 1, 2, 7]))
def test_a_curve_is_bounded_and_in_order(count: int, most: int, every: int) -> None:
    """However often it measures; the first and the last step are always there."""
    found = steps(curve_of(count, most, every))
    assert len(found) <= most + 1
    assert found == sorted(set(found))
    assert found[:1] == [1][:count]
    assert found[-1:] == [count][: bool(count)]


# --- told and kept -----------------------------------------------------------------------------


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A store with a training that is running: run 1."""

    def begin(connection: sqlite3.Connection) -> None:
        jobs.enqueue(connection, "train", "work", NOW)
        jobs.lease(connection, NOW)

    database = await Database.open(tmp_path / "trimtab.db")
    await database.write(begin)
    yield database
    await database.close()


async def kept(database: Database, adapter_id: str) -> list[TrainEvent]:
    return list(await database.read(trainings.curve, adapter_id))


async def test_who_watches_hears_of_the_latest_steps_without_a_gap(database: Database) -> None:
    """And of the older ones as many as fit."""
    told: list[Progress] = []
    async with recorded(database, "work", told.append) as recorder:
        for step in range(1, 501):
            recorder.add(an_event(step))
        recorder.tell(Progress(step="train", done=500, total=500))
    found = [event.step for event in told[0].curve]
    assert found[-LATEST:] == list(range(501 - LATEST, 501))
    assert found[0] == 1
    assert found == sorted(set(found))
    assert len(found) <= TOLD + LATEST + 1
    assert (told[0].step, told[0].done) == ("train", 500)


async def test_the_store_has_the_curve_of_the_adapter_afterwards(database: Database) -> None:
    """Thinned out, but to the last step."""
    async with recorded(database, "work", lambda _: None) as recorder:
        for step in range(1, 2 * KEPT):
            recorder.add(an_event(step))
        recorder.adapter_id = "adapter-1"
    found = [event.step for event in await kept(database, "adapter-1")]
    assert len(found) <= KEPT + 1
    assert (found[0], found[-1]) == (1, 2 * KEPT - 1)


async def fail(database: Database, event: TrainEvent) -> None:
    """A training that dies after one step."""
    async with recorded(database, "work", lambda _: None) as recorder:
        recorder.add(event)
        raise InterruptedError


async def test_a_run_that_fails_has_its_curve(database: Database) -> None:
    """Until then; the run that goes on from there has all of it."""
    with pytest.raises(InterruptedError):
        await fail(database, an_event(1))
    await database.write(jobs.finish, 1, "failed", NOW, outcome={}, error=None)
    await database.write(jobs.enqueue, "train", "work", NOW)
    await database.write(jobs.lease, NOW)
    async with recorded(database, "work", lambda _: None) as recorder:
        recorder.add(an_event(2))
        recorder.adapter_id = "adapter-1"
    assert await kept(database, "adapter-1") == [an_event(1), an_event(2)]


async def test_a_run_that_is_cancelled_has_its_curve(database: Database) -> None:
    """The daemon ends; the store is still open."""
    begun = asyncio.Event()

    async def train() -> None:
        async with recorded(database, "work", lambda _: None) as recorder:
            recorder.adapter_id = "adapter-1"
            recorder.add(an_event(1))
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(train())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await kept(database, "adapter-1") == [an_event(1)]


async def test_the_curve_is_written_while_the_training_goes_on(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon that is killed has what was written by then."""
    monkeypatch.setattr(curves, "WRITE_S", 0)
    written: asyncio.Queue[None] = asyncio.Queue()
    write = Recorder.write

    async def watched(recorder: Recorder) -> None:
        await write(recorder)
        written.put_nowait(None)

    monkeypatch.setattr(Recorder, "write", watched)
    async with recorded(database, "work", lambda _: None) as recorder, asyncio.timeout(10):
        recorder.adapter_id = "adapter-1"
        for step in (1, 2):
            recorder.add(an_event(step))
            await written.get()
            assert len(await kept(database, "adapter-1")) == step


async def test_without_a_job_nothing_is_kept(database: Database) -> None:
    """Of another account none is running."""
    async with recorded(database, "home", lambda _: None) as recorder:
        recorder.add(an_event(1))
        recorder.adapter_id = "adapter-1"
    assert await kept(database, "adapter-1") == []


async def test_a_full_disk_does_not_end_a_training(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The curve is lost, the night's work is not."""

    async def full(*_: object, **__: object) -> None:
        raise StoreFull(Path("trimtab.db"))

    with monkeypatch.context() as patched:
        patched.setattr(Database, "write", full)
        async with recorded(database, "work", lambda _: None) as recorder:
            recorder.add(an_event(1))
            recorder.adapter_id = "adapter-1"
    assert await kept(database, "adapter-1") == []
