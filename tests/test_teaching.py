"""Teaching over the store, one at a time and in batches, against a provider that can be killed on.

Claude stands behind a server on this machine that speaks the real wire format and keeps account of
what it was paid for.
"""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from anthropic_server import Ledger, Refusal, Said, Server, process, serving
from large_homes import HOME, fill, open_door, settings, some_mails, write_home

from daemon import config
from daemon.app import build_tasks, now
from daemon.config import OFFLINE, Models
from daemon.errors import BudgetSpent
from daemon.jobs.tasks import Tasks, lessons_to_train, plan_teaching
from daemon.jobs.worker import Worker
from daemon.outgoing import Door
from daemon.records import TeachBatch
from daemon.store import answers as answer_store
from daemon.store import batches as batch_store
from daemon.store import ledger
from daemon.store import lessons as lesson_store
from daemon.store.database import Database
from daemon.teaching import BatchTeaching, StoreDesk
from mlx_agent.errors import KeyRefused, ModelUnreachable, RequestRefused
from mlx_agent.large.offline import Offline
from mlx_agent.records import Lesson
from mlx_agent.teach.desk import teach
from mlx_agent.teach.lessons import Recipe, SetAside, TeachItem, lesson_id

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
RECIPE = Recipe(model="claude-sonnet-5-5")
ITEMS = [TeachItem(mail=mail, recipient=None) for mail in some_mails(5)]
Made = list[Lesson | SetAside]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as started:
        yield started


def in_batches(
    door: Door, database: Database, clock: Callable[[], datetime] = now
) -> BatchTeaching:
    errand = door.errand("teach", HOME)
    assert errand.model.batches is not None
    return BatchTeaching(
        errand=errand,
        batches=errand.model.batches,
        database=database,
        recipe=RECIPE,
        clock=clock,
    )


async def rounds(batches: BatchTeaching, items: list[TeachItem], limit: int = 20) -> Made:
    """Rounds until nothing is waited for, as the job makes them."""
    made: Made = []
    for _ in range(limit):
        ended = {one.sample_id for one in made}
        left = [item for item in items if item.mail.id not in ended]
        found = await batches.round(left)
        made += found.made
        if not found.waiting and not found.made:
            return made
    raise AssertionError("it does not end")


def by_sample(made: Made) -> dict[str, Lesson]:
    return {one.sample_id: one for one in made if isinstance(one, Lesson)}


async def live(door: Door, database: Database) -> Made:
    desk = StoreDesk(door.errand("teach", HOME), database)
    async with aclosing(teach(ITEMS, desk, RECIPE, 2)) as lessons:
        return [made async for made in lessons]


def bare(lesson: Lesson) -> Lesson:
    """Without what its calls cost."""
    return replace(lesson, calls=())


# --- one at a time ----------------------------------------------------------------------------


async def test_every_answer_is_kept_until_the_lesson_is(server: Server, tmp_path: Path) -> None:
    """So a run that ends anywhere goes on from there, and pays nothing twice."""
    async with open_door(tmp_path, server) as (door, database):
        server.next.extend([None, None, Refusal(401, "authentication_error", "no")])
        desk = StoreDesk(door.errand("teach", HOME), database)
        with pytest.raises(Exception, match="claude"):
            [made async for made in teach(ITEMS[:1], desk, RECIPE, 1)]
        kept = await desk.kept(lesson_id(ITEMS[0], RECIPE))
        assert [one.prompt for one in kept] == ["intent", "baseline"]
        (lesson,) = [made async for made in teach(ITEMS[:1], desk, RECIPE, 1)]
        assert isinstance(lesson, Lesson)
        assert [call.prompt for call in lesson.calls] == ["intent", "baseline", "rules_distill"]
        await database.write(lesson_store.add_lesson, lesson)
        assert await desk.kept(lesson.id) == ()
    assert set(server.ledger.times().values()) == {1}


async def test_what_was_set_aside_is_not_asked_again(server: Server, tmp_path: Path) -> None:
    """Every night would pay for it."""
    async with open_door(tmp_path, server) as (door, database):
        server.next.extend([Said(text="No."), Said(text="Still no.")])
        desk = StoreDesk(door.errand("teach", HOME), database)
        for _ in range(2):
            (aside,) = [made async for made in teach(ITEMS[:1], desk, RECIPE, 1)]
            assert aside == SetAside(
                sample_id=ITEMS[0].mail.id, reason="intent: <points> occurs 0 times"
            )
    assert len(server.seen) == 2
    assert "This cannot be read" in server.seen[1].body["messages"][-1]["content"]


# --- in batches -------------------------------------------------------------------------------


async def test_batches_make_the_same_lessons_for_half_the_price(
    server: Server, tmp_path: Path
) -> None:
    """One batch for each question of the method, whatever the number of mails."""
    async with open_door(tmp_path / "a", server) as (door, database):
        alone = by_sample(await live(door, database))
        cost = await database.read(ledger.spent, EPOCH)
    async with open_door(tmp_path / "b", server) as (door, database):
        together = by_sample(await rounds(in_batches(door, database), ITEMS))
        half = await database.read(ledger.spent, EPOCH)
    assert len(together) == len(ITEMS)
    assert {key: bare(one) for key, one in together.items()} == {
        key: bare(one) for key, one in alone.items()
    }
    assert half.usd == pytest.approx(cost.usd / 2, rel=0.01)
    assert (half.reserved, half.requests) == (0, 15)
    assert [len(batch.requests) for batch in server.batches.values()] == [5, 5, 5]


async def test_what_the_provider_has_is_waited_for(server: Server, tmp_path: Path) -> None:
    """A round hands in, and the next ones look after it; nothing is handed in twice."""
    server.polls = 2
    async with open_door(tmp_path, server) as (door, database):
        batches = in_batches(door, database)
        for _ in range(2):
            found = await batches.round(ITEMS)
            assert (found.made, found.waiting) == ((), 5)
        assert not found.moved
        spent = await database.read(ledger.spent, EPOCH)
        assert spent.usd == spent.reserved > 0
        assert (await door.purse.standing()).night_usd == pytest.approx(spent.usd)
    assert [len(batch.requests) for batch in server.batches.values()] == [5]


async def test_another_process_fetches_the_answers(server: Server, tmp_path: Path) -> None:
    """The batch's id is a row."""
    server.polls = 1
    async with open_door(tmp_path, server) as (door, database):
        await in_batches(door, database).round(ITEMS)
    async with open_door(tmp_path, server) as (door, database):
        made = await rounds(in_batches(door, database), ITEMS)
        assert len(by_sample(made)) == 5
        assert (await database.read(ledger.spent, EPOCH)).reserved == 0
    assert set(server.ledger.times().values()) == {1}


async def lost_id(door: Door, database: Database, size: int = 5) -> TeachBatch:
    """A batch that the provider has and of which only the row before is known."""
    await in_batches(door, database).round(ITEMS[:size])
    (batch,) = await database.read(batch_store.open_batches)
    await database.write(
        lambda c: c.execute("UPDATE batch SET state = 'submitting', provider_id = NULL")
    )
    return batch


async def test_a_batch_whose_id_was_lost_is_found_again(server: Server, tmp_path: Path) -> None:
    """The process died between handing it in and writing down its id."""
    server.polls = 3
    async with open_door(tmp_path, server) as (door, database):
        before = await lost_id(door, database)
        await in_batches(door, database).round(ITEMS)
        (found,) = await database.read(batch_store.open_batches)
        assert (found.id, found.provider_id) == (before.id, before.provider_id)
    assert len(server.batches) == 1


async def test_a_batch_of_another_program_is_not_taken_for_ours(
    server: Server, tmp_path: Path
) -> None:
    """It has the same size and time; its answers are not ours, and ours are waited for."""
    async with open_door(tmp_path, server) as (door, database):
        batch = await lost_id(door, database)
        assert batch.provider_id is not None
        theirs = server.batches[batch.provider_id]
        for result in theirs.results:
            result["custom_id"] = f"their-{result['custom_id']}"
        late = in_batches(door, database, lambda: now() + timedelta(hours=1))
        made = by_sample(await rounds(late, ITEMS))
        assert len(made) == 5
        assert (await database.read(ledger.spent, EPOCH)).reserved == 0
    assert [len(each.requests) for each in server.batches.values()] == [5, 5, 5, 5]


async def test_a_batch_that_never_arrived_is_handed_in_again(
    server: Server, tmp_path: Path
) -> None:
    """After a while, for it may be on its way."""
    clock = now()
    async with open_door(tmp_path, server) as (door, database):
        server.next.append(Refusal(529, "overloaded_error", "Overloaded"))
        await lost_id(door, database)
        server.batches.clear()
        soon = in_batches(door, database, lambda: clock)
        assert (await soon.round(ITEMS)).waiting == 5
        assert not server.batches
        late = in_batches(door, database, lambda: clock + timedelta(minutes=10))
        assert len(by_sample(await rounds(late, ITEMS))) == 5
        events = await database.read(ledger.entries, account=None, since=EPOCH, limit=99)
        assert [entry.event for entry in events].count("unpaid") == 5


async def test_what_a_provider_did_not_come_to_is_asked_again(
    server: Server, tmp_path: Path
) -> None:
    """A request that has expired or was cancelled cost nothing."""
    fates = {"0": "expired", "1": "canceled"}
    server.fate = lambda key: fates.pop(key[-1], None) if key.endswith(("0", "1")) else None
    async with open_door(tmp_path, server) as (door, database):
        made = await rounds(in_batches(door, database), ITEMS)
        assert len(by_sample(made)) == 5
        events = await database.read(ledger.entries, account=None, since=EPOCH, limit=99)
        assert [entry.event for entry in events].count("unpaid") == 2
        assert (await database.read(ledger.spent, EPOCH)).reserved == 0


async def test_a_sample_that_the_model_declines_is_set_aside(
    server: Server, tmp_path: Path
) -> None:
    """With the prompt's name; the others become lessons."""
    lesson = lesson_id(ITEMS[0], RECIPE)
    refused = Said(text="", stop_reason="refusal")
    server.fate = lambda key: refused if lesson in key else None
    async with open_door(tmp_path, server) as (door, database):
        made = await rounds(in_batches(door, database), ITEMS)
    assert len(by_sample(made)) == 4
    (aside,) = [one for one in made if isinstance(one, SetAside)]
    assert aside.reason == "intent: the model declined"


async def test_a_request_that_the_provider_does_not_take_ends_the_run(
    server: Server, tmp_path: Path
) -> None:
    """The next batch would come to the same; what it did take is kept."""
    invalid = Refusal(400, "invalid_request_error", "thinking: not supported")
    lesson = lesson_id(ITEMS[0], RECIPE)
    server.fate = lambda key: invalid if lesson in key else None
    async with open_door(tmp_path, server) as (door, database):
        batches = in_batches(door, database)
        await batches.round(ITEMS)
        with pytest.raises(RequestRefused):
            await batches.round(ITEMS)
        kept = await database.read(answer_store.begun, HOME)
        assert len(kept) == 4
        assert await database.read(batch_store.open_batches) == []


async def test_a_batch_is_as_large_as_the_budget(server: Server, tmp_path: Path) -> None:
    """Reserved with the most that it can cost; what is over is for the next round."""
    async with open_door(tmp_path, server, budget={"night_usd": 0.025}) as (door, database):
        batches = in_batches(door, database)
        with pytest.raises(BudgetSpent):
            await rounds(batches, ITEMS)
        spent = await database.read(ledger.spent, EPOCH)
        assert 0 < spent.usd <= 0.025
        assert spent.reserved == 0
    sizes = [len(batch.requests) for batch in server.batches.values()]
    assert all(size < 5 for size in sizes)


async def test_redacted_batches_come_back_as_they_were_meant(
    server: Server, tmp_path: Path
) -> None:
    """The placeholders are worked out again from the question."""
    async with open_door(tmp_path, server, redact=True) as (door, database):
        made = by_sample(await rounds(in_batches(door, database), ITEMS))
    assert len(made) == 5
    for lesson in made.values():
        assert "Tim" in (lesson.baseline or "")
        assert "NAME_" not in repr(lesson.x)
    shown = repr([request for batch in server.batches.values() for request in batch.requests])
    assert "Tim" not in shown
    assert "Oduya" not in shown


async def test_a_batch_that_is_lost_on_its_way_is_not_handed_in_again_at_once(
    server: Server, tmp_path: Path
) -> None:
    """The connection broke when the provider may have had it: it would be paid twice."""
    async with open_door(tmp_path, server) as (door, database):
        batches = in_batches(door, database)
        broken = replace(batches, batches=_Breaking(batches.batches))
        with pytest.raises(ModelUnreachable):
            await broken.round(ITEMS)
        made = by_sample(await rounds(batches, ITEMS))
    assert len(made) == 5
    assert set(server.ledger.times().values()) == {1}
    assert len(server.batches) == 3


class _Breaking:
    """A provider's service, the first answer of which does not come through."""

    def __init__(self, batches: Any) -> None:
        self._batches = batches

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batches, name)

    async def submit(self, tasks: Any) -> str:
        await self._batches.submit(tasks)
        raise ModelUnreachable("claude", "reset", sent=True)


# --- the job ----------------------------------------------------------------------------------


def a_job(door: Door, root: Path) -> Tasks:
    paths = config.find_paths(str(root))
    return build_tasks(paths, door, Worker(paths.logs / "worker.log", scratch=paths.scratch))


async def test_a_spent_budget_ends_the_night_and_not_the_job(
    server: Server, tmp_path: Path
) -> None:
    """What was made is kept and counted; the outcome says why there is no more."""
    budget = {"night_usd": 0.045}
    async with open_door(tmp_path, server, budget=budget, batch=False) as (door, database):
        await fill(database, some_mails(6))
        outcome = await a_job(door, tmp_path).teach(HOME, lambda _: None)
        made = await database.read(lesson_store.lessons, HOME)
        assert (await database.read(ledger.spent, EPOCH)).usd <= 0.045
    assert outcome["budget_spent"] == "night"
    assert outcome["lessons"] == len(made)


async def test_the_job_says_what_it_waits_for(server: Server, tmp_path: Path) -> None:
    """And the next run goes on; in between the job is done, for others are waiting too."""
    server.polls = 3
    async with open_door(tmp_path, server) as (door, database):
        await fill(database, some_mails(4))
        job = a_job(door, tmp_path)
        first = await job.teach(HOME, lambda _: None)
        assert (first["lessons"], first["waiting"]) == (0, 4)
        server.polls = 0
        made = 0
        for _ in range(4):
            outcome = await job.teach(HOME, lambda _: None)
            made += int(str(outcome["lessons"]))
        assert (made, outcome["known"], outcome["waiting"]) == (4, 4, 0)
    assert set(server.ledger.times().values()) == {1}


async def test_what_is_excluded_does_not_teach_a_teacher_elsewhere(
    server: Server, tmp_path: Path
) -> None:
    """It has its reason; a teacher on this machine may read it."""
    account = {"exclude": {"words": ["rope"]}}
    async with open_door(tmp_path, server, account=account) as (door, database):
        await fill(database, some_mails(6))
        plan = await plan_teaching(door.config, database, door, HOME)
        assert [one.reason for one in plan.selection.left_out] == ["excluded"]
        outcome = await a_job(door, tmp_path).teach(HOME, lambda _: None)
        assert (outcome["lessons"], outcome["left_out"]) == (5, {"excluded": 1})
        offline = door.config.model_copy(update={"models": Models()})
        near = replace(door, config=offline, models={OFFLINE: Offline()})
        assert len((await plan_teaching(offline, database, near, HOME)).items) == 6
    assert "rope" not in repr([each.body for each in server.seen])


async def test_a_new_teachers_lessons_train_when_they_are_complete(
    server: Server, tmp_path: Path
) -> None:
    """Until then the old ones do; nothing old is taught again when the old teacher comes back."""
    async with open_door(tmp_path, server, batch=False) as (door, database):
        await fill(database, some_mails(6))
        offline = door.config.model_copy(update={"models": Models()})
        near = replace(door, config=offline, models={OFFLINE: Offline()})
        await a_job(near, tmp_path).teach(HOME, lambda _: None)
        old = await lessons_to_train(offline, database, near, HOME)
        assert len(old) == 6
        broken = [None] * 8 + [Refusal(401, "authentication_error", "no")]
        server.next.extend(broken)
        with pytest.raises(KeyRefused):
            await a_job(door, tmp_path).teach(HOME, lambda _: None)
        assert await lessons_to_train(door.config, database, door, HOME) == old
        server.next.clear()
        await a_job(door, tmp_path).teach(HOME, lambda _: None)
        new = await lessons_to_train(door.config, database, door, HOME)
        assert {lesson.calls[0].model for lesson in new} == {"claude-sonnet-5-5"}
        assert len(new) == 6
        again = await a_job(near, tmp_path).teach(HOME, lambda _: None)
        assert (again["lessons"], again["known"]) == (0, 6)


# --- killed -----------------------------------------------------------------------------------


def run_killed(home: Path, *arguments: str) -> int:
    """How many runs of teaching were killed until it was done."""
    script = Path(__file__).with_name("killed_teaching.py")
    path = os.pathsep.join([str(Path(__file__).parent.parent), str(Path(__file__).parent)])
    command = [sys.executable, str(script), str(home), *arguments]
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


async def a_killable_home(root: Path, url: str, **large: Any) -> Path:
    paths, _ = write_home(root, settings(url, **large))
    database = await Database.open(paths.database)
    await fill(database, some_mails(6))
    await database.close()
    return root


async def lessons_in(home: Path) -> list[Lesson]:
    database = await Database.open(home / "trimtab.db")
    try:
        return await database.read(lesson_store.lessons, HOME)
    finally:
        await database.close()


async def test_batches_killed_at_every_commit_are_paid_once(tmp_path: Path) -> None:
    """And make the lessons of an undisturbed run."""
    ledgers = [tmp_path / "killed.jsonl", tmp_path / "clean.jsonl"]
    with process("--ledger", str(ledgers[0])) as url:
        killed_home = await a_killable_home(tmp_path / "killed", url)
        assert run_killed(killed_home) >= 4
    with process("--ledger", str(ledgers[1])) as url:
        clean_home = await a_killable_home(tmp_path / "clean", url)
        assert run_killed(clean_home, "--random", "1", "--kills", "0") == 0
    killed, clean = await lessons_in(killed_home), await lessons_in(clean_home)
    assert len(clean) == 6
    assert list(map(bare, killed)) == list(map(bare, clean))
    paid = Ledger(ledgers[0]).times()
    assert set(paid.values()) == {1}
    assert paid == Ledger(ledgers[1]).times()


async def test_live_requests_killed_cost_at_most_those_in_flight(tmp_path: Path) -> None:
    """A kill loses what is on its way at that moment, and nothing that was written down.

    Two requests are in flight, and a third sample's answer may be being written.
    """
    ledger_file = tmp_path / "killed.jsonl"
    with process("--ledger", str(ledger_file)) as url:
        home = await a_killable_home(tmp_path / "killed", url, batch=False, in_flight=2)
        killed = run_killed(home)
    assert killed >= 4
    assert len(await lessons_in(home)) == 6
    paid = Ledger(ledger_file).times()
    assert len(paid) == 18
    assert sum(paid.values()) <= 18 + 3 * killed
