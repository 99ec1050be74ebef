"""The one silent repair of a draft by its writer."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from anthropic_server import Held, Said, Server, serving
from draft_examples import (
    BULLETS,
    NORA,
    TIM,
    ScriptedWriter,
    SomeAgents,
    a_drafter,
    a_request,
    events_of,
    opened,
)
from large_homes import HOME, open_door
from store_samples import a_batch, add_cut

from daemon.draft_records import Done, RulesReady, TextPiece, TextReplaced
from daemon.errors import DraftCancelled
from daemon.records import LedgerEntry
from daemon.repair import Checked, better, mended, to_be_mended
from daemon.store import drafts as draft_store
from daemon.store import ledger
from daemon.store import mail as mail_store
from daemon.store.database import Database
from mlx_agent.checks import check
from mlx_agent.errors import ModelOverloaded
from mlx_agent.findings import Checks, Uncovered
from mlx_agent.large.offline import Offline
from mlx_agent.large.prices import added
from mlx_agent.records import DraftTask, Metadata, Usage, X

GOOD = "Hello Tim,\n\nthe boat is ready on Friday. Can you bring the keys?"
POOR = "Hello Tim,\n\nthe boat is ready on Friday."
TASK = DraftTask(x=X(intent=BULLETS, metadata=Metadata(sender=NORA, to=(TIM,))))


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened(tmp_path) as database:
        yield database


def written(text: str = POOR, **usage: float | None) -> Checked:
    used = replace(Usage(input_tokens=2, output_tokens=1), **usage)
    return Checked(text=text, checks=check(text, TASK), usage=used)


def with_findings(number: int) -> Checked:
    checks = Checks(uncovered=tuple(Uncovered(position=n) for n in range(number)))
    return Checked(text=f"with {number}", checks=checks, usage=Usage(output_tokens=1))


# --- the decision -----------------------------------------------------------------------------


def test_what_is_right_is_not_mended() -> None:
    """Any finding is a reason to."""
    assert not to_be_mended(Checks())
    assert to_be_mended(Checks(uncovered=(Uncovered(position=0),)))


@pytest.mark.parametrize(
    ("first", "second", "text", "repair"),
    [
        (2, 1, "with 1", "used"),
        (2, 0, "with 0", "used"),
        (1, 1, "with 1", "no better"),
        (1, 2, "with 1", "no better"),
    ],
)
def test_a_repair_is_used_if_less_is_wrong(first: int, second: int, text: str, repair: str) -> None:
    """Of two that are equally bad the first stays, which the user has seen."""
    found = better(with_findings(first), with_findings(second))
    assert (found.text, found.repair, found.usage.output_tokens) == (text, repair, 2)


def test_what_a_repair_cost_is_added() -> None:
    """A cost that is not known makes the sum unknown."""
    one = Usage(input_tokens=1, output_tokens=2, cost_usd=0.5, cache_read_tokens=3)
    other = Usage(input_tokens=10, output_tokens=20, cost_usd=0.25, cache_write_tokens=4)
    assert added(one, other) == Usage(
        input_tokens=11,
        output_tokens=22,
        cost_usd=0.75,
        cache_read_tokens=3,
        cache_write_tokens=4,
    )
    assert added(one, replace(other, cost_usd=None)).cost_usd is None


# --- the request ------------------------------------------------------------------------------


async def test_the_writer_is_told_what_was_found() -> None:
    """Once, with its own draft."""
    writer = ScriptedWriter(mended=GOOD)
    found = await mended(writer, TASK, written())
    assert (found.text, found.repair, found.checks) == (GOOD, "used", Checks())
    (asked,) = writer.redrafts
    assert (asked.task, asked.text) == (TASK, POOR)
    assert asked.checks.uncovered == (Uncovered(position=1),)
    assert (found.usage.input_tokens, found.usage.output_tokens) == (9, 4)


async def test_a_repair_is_tidied_as_well() -> None:
    """It is an answer like any other."""
    found = await mended(ScriptedWriter(mended=f"Here is the draft:\n\n{GOOD}"), TASK, written())
    assert found.text == GOOD


async def test_a_good_draft_costs_no_second_request() -> None:
    """Nothing is asked."""
    writer = ScriptedWriter(mended="no")
    assert await mended(writer, TASK, written(GOOD)) == written(GOOD)
    assert writer.redrafts == []


@pytest.mark.parametrize(
    "failure", [ModelOverloaded("x", None), ConnectionResetError(), TimeoutError()], ids=repr
)
async def test_a_repair_that_fails_leaves_the_draft(failure: Exception) -> None:
    """The user has it before the eyes."""
    found = await mended(ScriptedWriter(mended=failure), TASK, written())
    assert found == replace(written(), repair="failed")


async def test_an_empty_repair_is_none() -> None:
    """It can be no draft."""
    found = await mended(ScriptedWriter(mended="\n"), TASK, written())
    assert (found.text, found.repair) == (POOR, "failed")


async def test_a_slow_repair_is_not_waited_for() -> None:
    """It has its time."""

    class Slow(ScriptedWriter):
        async def complete(self, task: object) -> object:  # type: ignore[override]
            await asyncio.sleep(60)
            return task

    found = await mended(Slow(), TASK, written(), seconds=0.01)
    assert (found.text, found.repair) == (POOR, "failed")


async def test_the_stand_in_has_no_second_way_to_say_a_thing() -> None:
    """Asked in vain, it says the same as before, which is no better."""
    x = X(
        intent=("the boat is ready on Friday and it is yours",),
        metadata=Metadata(sender=NORA),
    )
    task = DraftTask(x=x, instruction="auf Deutsch")
    first = (await Offline().complete(task)).text
    checks = check(first, task)
    assert checks.language is not None
    found = await mended(Offline(), task, Checked(text=first, checks=checks, usage=Usage()))
    assert (found.text, found.repair) == (first, "no better")


# --- the draft --------------------------------------------------------------------------------


async def test_a_mended_draft_replaces_the_pieces(database: Database) -> None:
    """It is stored, shown again on a repeat, and what both requests used is counted."""
    writer = ScriptedWriter(pieces=[POOR], mended=GOOD)
    drafter = a_drafter(database, SomeAgents(), writer)
    events = await events_of(drafter, a_request())
    assert [type(event) for event in events] == [RulesReady, TextPiece, TextReplaced, Done]
    *_, replaced, done = events
    assert isinstance(replaced, TextReplaced)
    assert isinstance(done, Done)
    assert replaced.text == done.draft.text == GOOD
    assert done.checks == Checks()
    came = done.draft.provenance
    assert (came.repair, came.usage.output_tokens) == ("used", 8)
    assert list(came.timings_ms)[-1] == "repair"
    assert await database.read(draft_store.draft, done.draft.id) == done.draft
    again = await events_of(drafter, a_request())
    assert [type(event) for event in again] == [RulesReady, TextPiece, Done]
    assert again[-1] == done
    assert (writer.calls, len(writer.redrafts)) == (1, 1)


async def test_a_repair_in_vain_is_not_shown(database: Database) -> None:
    """The findings are, and it was paid for."""
    writer = ScriptedWriter(pieces=[POOR])
    events = await events_of(a_drafter(database, SomeAgents(), writer), a_request())
    assert [type(event) for event in events] == [RulesReady, TextPiece, Done]
    done = events[-1]
    assert isinstance(done, Done)
    assert done.checks.uncovered == (Uncovered(position=1),)
    came = done.draft.provenance
    assert (came.repair, came.usage.output_tokens) == ("no better", 8)


async def test_a_good_draft_is_not_repaired(database: Database) -> None:
    """And says so."""
    writer = ScriptedWriter(pieces=[GOOD])
    events = await events_of(a_drafter(database, SomeAgents(), writer), a_request())
    done = events[-1]
    assert isinstance(done, Done)
    assert (done.draft.provenance.repair, writer.redrafts) == ("", [])


async def test_an_instruction_is_the_users_word_on_a_repeat_too(database: Database) -> None:
    """What it holds is supported, and a language that it names is the right one."""
    writer = ScriptedWriter(pieces=[f"{GOOD} It is 40 euros."])
    drafter = a_drafter(database, SomeAgents(), writer)
    request = a_request(instruction="say that it is 40 euros, in English")
    first, again = (await events_of(drafter, request))[-1], (await events_of(drafter, request))[-1]
    assert isinstance(first, Done)
    assert first.checks == Checks()
    assert again == first


async def test_the_accounts_signature_is_not_written_twice(database: Database) -> None:
    """The mail program appends what stands under the account's mails."""
    await database.write(add_cut, a_batch(1, 2, account="home"))
    block = "Ada Lindqvist\n+46 0"
    assert await database.read(mail_store.usual_signature, "home") == block
    writer = ScriptedWriter(pieces=[GOOD, f"\n\nCheers,\nNora\n\n-- \n{block}"])
    events = await events_of(a_drafter(database, SomeAgents(), writer), a_request())
    done = events[-1]
    assert isinstance(done, Done)
    assert done.draft.text == f"{GOOD}\n\nCheers,\nNora"


# --- by a model elsewhere ---------------------------------------------------------------------


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as started:
        yield started


async def entries(database: Database) -> list[LedgerEntry]:
    epoch = datetime(2020, 1, 1, tzinfo=UTC)
    return await database.read(ledger.entries, account=None, since=epoch, limit=9)


async def test_a_repair_goes_through_the_same_door(server: Server, tmp_path: Path) -> None:
    """It stands in the ledger, its cost in the draft, and what is redacted does not leave."""
    server.next.append(Said(text="Hello NAME_2,\n\nthe boat is ready. It costs 4711 euros."))
    async with open_door(tmp_path, server, redact=True) as (door, database):
        drafter = a_drafter(database, SomeAgents(), door.errand("draft", HOME, "d1"))
        done = (await events_of(drafter, a_request(bullets=("berth 8374 is ready for Bo",))))[-1]
        noted = await entries(database)
    assert isinstance(done, Done)
    assert done.draft.provenance.repair == "used"
    assert "8374" in done.draft.text
    assert done.checks == Checks()
    assert [(entry.prompt, entry.event, entry.about) for entry in noted] == [
        ("draft", "sent", "d1"),
        ("draft", "answered", "d1"),
        ("redraft", "sent", "d1"),
        ("redraft", "answered", "d1"),
    ]
    paid = sum(entry.cost_usd or 0 for entry in noted if entry.event == "answered")
    assert done.draft.provenance.usage.cost_usd == pytest.approx(paid)
    assert paid > 0
    asked = json.dumps([seen.body for seen in server.seen])
    assert "Left out: berth NUMBER_" in asked
    assert "Not in the material: " in asked
    for hidden in ("8374", "4711", "Oduya", "Tim", "Nora"):
        assert hidden not in asked


async def test_an_abandoned_repair_is_stopped_at_the_provider(
    server: Server, tmp_path: Path
) -> None:
    """As the writing is: the line is cut, and nothing is stored."""
    server.next += [Said(text=POOR), Held(asyncio.Event())]
    async with open_door(tmp_path, server) as (door, database):
        drafter = a_drafter(database, SomeAgents(), door.errand("draft", HOME))
        following = asyncio.create_task(events_of(drafter, a_request()))
        seen = await server.asked(2)
        drafter.cancel_all()
        with pytest.raises(DraftCancelled):
            await following
        await asyncio.wait_for(seen.gone.wait(), 5)
        assert await database.read(draft_store.drafts, "home") == []
        assert [entry.event for entry in await entries(database)][-2:] == ["sent", "lost"]
