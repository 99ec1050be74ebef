"""The gate at work: agents that were really trained, well, badly, and on what others planted."""

import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
import pytest_asyncio
from anthropic_server import Refusal, Server, serving
from kernels import scratch_in
from large_homes import HOME, fill, open_door
from teaching_examples import a_mail
from training_examples import Trained, a_request, lessons_of, train_here

from daemon.config import OFFLINE
from daemon.jobs.judging import FEWEST_REAL, REAL_MAILS, Judge
from daemon.jobs.worker import Worker
from daemon.records import LedgerEntry
from daemon.store import excluded, ledger
from daemon.store.database import Database
from mlx_agent import adapters
from mlx_agent.large.offline import Offline
from mlx_agent.large.offline_writer import write
from mlx_agent.pocket.personas import lesson, persona
from mlx_agent.records import Lesson, Rule
from mlx_agent.teach.dataset import Splits
from mlx_agent.train.gate import CARD, CURRENT, ZERO_SHOT
from mlx_agent.train.records import Adapter, Beside, Verdict

pytestmark = [pytest.mark.mlx, pytest.mark.asyncio(loop_scope="module")]

FACT = Rule(aspect="phrases", instruction="mention the 450 euros for Barnaby on Wednesday")
WRONG = Rule(aspect="mood", instruction="calm")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Worker]:
    """One for the whole module."""
    home = tmp_path_factory.mktemp("home")
    worker = Worker(home / "worker.log", scratch=scratch_in(home))
    yield worker
    await worker.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[Server]:
    async with serving() as started:
        yield started


@pytest.fixture(autouse=True)
def _nothing_seen(request: pytest.FixtureRequest) -> None:
    """Each test finds the server as if nobody had asked it anything."""
    if "server" in request.fixturenames:
        server: Server = request.getfixturevalue("server")
        server.seen.clear()
        server.next.clear()


def written(lessons: tuple[Lesson, ...]) -> tuple[Lesson, ...]:
    """The lessons with the mails that their rules lead to."""
    return tuple(replace(one, own_text=write(one.x, one.rules)) for one in lessons)


def judged_on(splits: Splits) -> Splits:
    """What no adapter was trained on, all of it held out."""
    return Splits(train=written(splits.train), valid=written(splits.valid + splits.test), test=())


@pytest.fixture
def root(trained: Trained, tmp_path: Path) -> Path:
    """A home's adapters: the good one, which is used."""
    root = tmp_path / "adapters"
    shutil.copytree(trained.path, root / trained.adapter.id)
    adapters.promote(root, "work", trained.adapter.id)
    return root


@asynccontextmanager
async def judging(
    worker: Worker, root: Path, server: Server | None = None, **account: object
) -> AsyncIterator[tuple[Judge, Database]]:
    """A judge; with a server, drafts are written by Claude there, else by nobody but us."""
    home = root.parent / "home"
    home.mkdir(exist_ok=True)
    async with open_door(home, server or Server(), account=account) as (door, database):
        if server is None:
            offline = door.config.models.model_copy(update={"writer": OFFLINE})
            config = door.config.model_copy(update={"models": offline})
            shut = replace(door, config=config)
            yield Judge(door=shut, worker=worker, offline=Offline(), root=root), database
        else:
            yield Judge(door=door, worker=worker, offline=Offline(), root=root), database


async def verdict_on(worker: Worker, root: Path, candidate: Adapter, splits: Splits) -> Verdict:
    async with judging(worker, root) as (judge, _):
        return await judge.judge(candidate, judged_on(splits))


def beside(verdict: Verdict) -> dict[str, Beside]:
    return {one.name: one for one in verdict.beside}


# --- good ones ---------------------------------------------------------------------------------


async def test_a_good_first_agent_passes(worker: Worker, trained: Trained, root: Path) -> None:
    """It is surely nearer than drafts without rules, and no further than those by the card."""
    adapters.rollback(root, "work")
    verdict = await verdict_on(worker, root, trained.adapter, trained.splits)
    assert verdict.promoted, verdict.reason
    found = beside(verdict)
    assert sorted(found) == sorted([ZERO_SHOT, CARD])
    assert found[ZERO_SHOT].low > 0
    assert {one.writer for one in verdict.beside} == {"offline"}
    assert verdict.lists is not None
    assert (verdict.lists.validity, verdict.lists.leaked) == (1.0, 0.0)
    assert verdict.lists.loss == pytest.approx(trained.adapter.metrics["valid_loss"], rel=0.5)


async def test_an_agent_that_is_as_good_as_the_current_one_passes(
    worker: Worker, trained: Trained, root: Path
) -> None:
    """Here it is the very same, what it foresees included."""
    verdict = await verdict_on(worker, root, trained.adapter, trained.splits)
    assert verdict.promoted, verdict.reason
    assert beside(verdict)[CURRENT].nearer == 0
    assert verdict.current_lists == verdict.lists
    assert verdict.lists is not None
    assert verdict.lists.loss is not None


async def test_an_agent_that_learned_from_forgotten_mail_is_no_rival(
    worker: Worker, trained: Trained, root: Path
) -> None:
    """It is to go, so that nothing need be better than it."""
    async with judging(worker, root) as (judge, _):
        without = replace(judge, forgotten=frozenset({trained.adapter.id}))
        verdict = await without.judge(trained.adapter, judged_on(trained.splits))
    assert verdict.promoted, verdict.reason
    assert CURRENT not in beside(verdict)


async def test_both_losses_are_of_the_same_mails_whatever_each_was_trained_on(
    worker: Worker, trained: Trained, root: Path
) -> None:
    """The current agent's data set was another one; its tokens are the same."""
    resaved(root, trained, id="work-older", dataset_hash="0" * 64)
    adapters.promote(root, "work", "work-older")
    verdict = await verdict_on(worker, root, trained.adapter, trained.splits)
    assert verdict.current_lists == verdict.lists


async def test_what_an_agent_foresees_that_thinks_first_is_not_compared(
    worker: Worker, trained: Trained, root: Path
) -> None:
    """It foresees the rules from what it thought; its drafts are compared all the same."""
    render = replace(trained.adapter.render, thinking=True)
    candidate = resaved(root, trained, id="work-thinks", render=render)
    verdict = await verdict_on(worker, root, candidate, trained.splits)
    assert verdict.promoted, verdict.reason
    assert verdict.lists is not None
    assert verdict.current_lists is not None
    assert verdict.lists.loss is None
    assert verdict.current_lists.loss is not None


async def test_what_an_agent_of_another_base_foresees_is_not_compared(
    worker: Worker, trained: Trained, root: Path
) -> None:
    """A loss in nats a token says nothing beside one of other tokens."""
    tried = replace(trained.adapter, base_hash="0" * 64)
    async with judging(worker, root) as (judge, _):
        assert await judge._losses(trained.adapter, tried, trained.splits.valid) == []


async def test_a_current_agent_that_cannot_be_asked_does_not_lock_the_gate(
    worker: Worker, trained: Trained, root: Path
) -> None:
    """Or a damaged one would be the current one for ever."""
    copy = resaved(root, trained, id="work-copy")
    (root / trained.adapter.id / "adapters.safetensors").write_bytes(b"")
    verdict = await verdict_on(worker, root, copy, trained.splits)
    assert verdict.promoted, verdict.reason
    assert CURRENT not in beside(verdict)
    shutil.rmtree(root / trained.adapter.id)
    assert (await verdict_on(worker, root, copy, trained.splits)).promoted


# --- planted ones ------------------------------------------------------------------------------


def of_another_person(number: int, one: Lesson) -> tuple[Rule, ...]:
    """The rules that somebody else has for a mail of theirs."""
    del one
    return ANOTHER[number]


def with_facts(number: int, one: Lesson) -> tuple[Rule, ...]:
    """Every list has a fact of another mail."""
    del number
    return (*(rule for rule in one.rules if rule.aspect != "phrases"), FACT)


def no_lists(number: int, one: Lesson) -> tuple[Rule, ...]:
    """A line in every list that no list may have."""
    del number
    return (WRONG, *one.rules)


def noise(number: int, one: Lesson) -> tuple[Rule, ...]:
    """For each mail the rules of another stranger, for another mail."""
    del one
    random = Random(1000 + number)
    return lesson(random, persona(random)).rules


ANOTHER = [one.rules for one in lessons_of(28, seed=11)]
PLANTED = {
    "another person": of_another_person,
    "facts": with_facts,
    "no lists": no_lists,
    "noise": noise,
}


@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED)
async def test_an_agent_that_was_trained_on_what_was_planted_is_never_used(
    worker: Worker,
    trained: Trained,
    root: Path,
    plant: Callable[[int, Lesson], tuple[Rule, ...]],
) -> None:
    """Neither beside a good one nor as the first."""
    taught = tuple(replace(one, rules=plant(n, one)) for n, one in enumerate(trained.splits.train))
    poisoned = replace(trained.splits, train=taught)
    request = a_request(root.parent, 28, splits=poisoned, settings={"epochs": 3})
    candidate = train_here(request).adapter
    verdict = await verdict_on(worker, root, candidate, trained.splits)
    assert not verdict.promoted, verdict.reason
    adapters.rollback(root, "work")
    first = await verdict_on(worker, root, candidate, trained.splits)
    assert not first.promoted, first.reason


# --- broken ones -------------------------------------------------------------------------------


def resaved(root: Path, trained: Trained, **changes: object) -> Adapter:
    """The good adapter saved once more, with another manifest."""

    def write_files(directory: Path) -> None:
        for name in ("adapters.safetensors", "adapter_config.json"):
            shutil.copy(trained.path / name, directory / name)

    candidate = replace(trained.adapter, **{"id": "work-candidate", **changes})  # type: ignore[arg-type]
    return adapters.save(root, candidate, write_files)


def truncated(root: Path, trained: Trained) -> Adapter:
    candidate = resaved(root, trained)
    weights = root / candidate.id / "adapters.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    return candidate


def not_numbers(root: Path, trained: Trained) -> Adapter:
    from mlx_agent.engine import mx

    def write_files(directory: Path) -> None:
        weights = mx.load(str(trained.path / "adapters.safetensors"))
        spoilt = {name: mx.full(w.shape, float("nan")) for name, w in weights.items()}
        mx.save_safetensors(str(directory / "adapters.safetensors"), spoilt)
        shutil.copy(trained.path / "adapter_config.json", directory / "adapter_config.json")

    return adapters.save(root, replace(trained.adapter, id="work-candidate"), write_files)


def of_another_base(root: Path, trained: Trained) -> Adapter:
    return resaved(root, trained, base_hash="0" * 64)


def of_no_base(root: Path, trained: Trained) -> Adapter:
    return resaved(root, trained, base="gone")


def with_a_loss_that_is_no_number(root: Path, trained: Trained) -> Adapter:
    return resaved(root, trained, metrics={"valid_loss": float("nan")})


def edited(root: Path, trained: Trained) -> Adapter:
    candidate = resaved(root, trained)
    path = root / candidate.id / adapters.MANIFEST
    data = json.loads(path.read_text("utf-8"))
    data["adapter"]["account"] = "home"
    path.write_text(json.dumps(data), "utf-8")
    return candidate


def gone(root: Path, trained: Trained) -> Adapter:
    candidate = resaved(root, trained)
    shutil.rmtree(root / candidate.id)
    return candidate


BROKEN = {
    "truncated weights": (truncated, "it is damaged: adapters.safetensors is missing or changed"),
    "weights that are no numbers": (not_numbers, "its validation loss is no number"),
    "another base": (of_another_base, "it is damaged: its base model has changed"),
    "no base": (of_no_base, "its base is missing"),
    "a loss that is no number": (with_a_loss_that_is_no_number, "its validation loss is no number"),
    "an edited manifest": (edited, "it is damaged: its manifest was changed"),
    "gone": (gone, "its files are missing"),
}


@pytest.mark.parametrize(("breaking", "reason"), BROKEN.values(), ids=BROKEN)
async def test_a_broken_agent_is_never_used(
    worker: Worker,
    trained: Trained,
    root: Path,
    breaking: Callable[[Path, Trained], Adapter],
    reason: str,
) -> None:
    """Though it is a good one but for that; and the verdict says what is wrong."""
    adapters.rollback(root, "work")
    few = replace(trained.splits, valid=trained.splits.valid[:2], test=())  # NaN decodes to the end
    verdict = await verdict_on(worker, root, breaking(root, trained), few)
    assert (verdict.promoted, verdict.reason) == (False, reason)


async def test_where_nothing_is_held_out_nothing_passes(
    worker: Worker, trained: Trained, root: Path
) -> None:
    """There is nothing to judge it by."""
    async with judging(worker, root) as (judge, _):
        none = replace(trained.splits, valid=(), test=())
        verdict = await judge.judge(trained.adapter, none)
    assert (verdict.promoted, verdict.reason) == (False, "there is nothing to judge it by")


# --- the real writer ---------------------------------------------------------------------------


async def by_claude(
    worker: Worker, trained: Trained, root: Path, server: Server, hidden: int = 0, **account: object
) -> tuple[Verdict, list[LedgerEntry]]:
    """The verdict on a good first agent of the account `home`, and what it cost.

    The newest mails, as many as are `hidden`, lie in a folder that the config excludes.
    """
    adapters.rollback(root, "work")
    candidate = replace(trained.adapter, account=HOME)
    exclude = {"exclude": {"folders": ["Private"]}, "imap": {"host": "x.example", "user": "n"}}
    async with judging(worker, root, server, **(exclude | account)) as (judge, database):
        splits = judged_on(trained.splits)
        mails = [
            a_mail(number, id=one.sample_id, message_id=f"<{one.sample_id}@falk.example>")
            for number, one in enumerate(splits.valid)
        ]
        await fill(database, mails)
        private = frozenset(mail.message_id for mail in mails[len(mails) - hidden :])
        places = judge.door.config.account(HOME).exclude.places
        await database.write(excluded.replace, HOME, private, places)
        verdict = await judge.judge(candidate, splits)
        epoch = datetime(2020, 1, 1, tzinfo=UTC)
        paid = await database.read(ledger.entries, account=HOME, since=epoch, limit=99)
    return verdict, paid


async def test_the_real_writer_looks_at_a_few_mails_of_one_that_passes(
    worker: Worker, trained: Trained, root: Path, server: Server
) -> None:
    """Beside the nearest rival; every request is in the ledger as one for evaluation."""
    verdict, paid = await by_claude(worker, trained, root, server)
    (real,) = [one for one in verdict.beside if one.writer == "claude"]
    assert verdict.promoted, verdict.reason
    assert "; by claude distance" in verdict.reason
    assert (real.name, real.mails) == (CARD, REAL_MAILS)
    sent = [entry for entry in paid if entry.event == "sent"]
    assert len(sent) == len(server.seen) == 2 * REAL_MAILS
    assert {(entry.note, entry.role) for entry in sent} == {("evaluate", "writer")}
    assert {entry.about for entry in sent} <= {f"m{number}" for number in range(28)}


async def test_it_is_asked_only_where_the_config_lets_all_leave(
    worker: Worker, trained: Trained, root: Path, server: Server
) -> None:
    """With leave for drafts alone, the offline writer judges alone."""
    verdict, paid = await by_claude(worker, trained, root, server, cloud="drafts")
    assert verdict.promoted, verdict.reason
    assert {one.writer for one in verdict.beside} == {"offline"}
    assert (paid, server.seen) == ([], [])


async def test_a_mail_that_the_user_excludes_is_passed_over(
    worker: Worker, trained: Trained, root: Path, server: Server
) -> None:
    """The next ones are looked at instead, as far as they go."""
    valid = judged_on(trained.splits).valid
    hidden = len(valid) - FEWEST_REAL
    verdict, paid = await by_claude(worker, trained, root, server, hidden=hidden)
    assert [one.mails for one in verdict.beside if one.writer == "claude"] == [FEWEST_REAL]
    assert {e.about for e in paid} == {one.sample_id for one in valid[:FEWEST_REAL]}
    verdict, _ = await by_claude(worker, trained, root, server, hidden=hidden + 1)
    assert {one.writer for one in verdict.beside} == {"offline"}


async def test_it_is_not_asked_about_one_that_does_not_pass(
    worker: Worker, trained: Trained, root: Path, server: Server
) -> None:
    """That would be money for nothing."""
    broken = replace(trained, adapter=with_a_loss_that_is_no_number(root, trained))
    verdict, paid = await by_claude(worker, broken, root, server)
    assert not verdict.promoted
    assert (paid, server.seen) == ([], [])


async def test_it_spends_no_more_than_its_own_budget(
    worker: Worker, trained: Trained, root: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where the most that the drafts can cost would be more; too few say nothing."""
    monkeypatch.setattr("daemon.jobs.judging.REAL_USD", 0.0)
    verdict, paid = await by_claude(worker, trained, root, server)
    assert verdict.promoted, verdict.reason
    assert {one.writer for one in verdict.beside} == {"offline"}
    assert (paid, server.seen) == ([], [])


async def test_a_writer_that_fails_keeps_nobody_from_use(
    worker: Worker, trained: Trained, root: Path, server: Server
) -> None:
    """The offline writer's judgement stands."""
    server.next.extend([None, None, Refusal(401, "authentication_error", "no")])
    verdict, paid = await by_claude(worker, trained, root, server)
    assert verdict.promoted, verdict.reason
    assert {one.writer for one in verdict.beside} == {"offline"}
    assert [entry.event for entry in paid].count("unpaid") == 1
