"""The one door to the large models: what may leave, what of it is hidden, and what is written down.

Claude stands behind a server on this machine that speaks the real wire format.
"""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import aclosing, closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from anthropic_server import Broken, Held, Refusal, Said, Server, serving
from large_homes import HOME, open_door
from teaching_examples import QUESTION, a_lesson, a_mail

from daemon.config import OFFLINE, Exclude, Models
from daemon.errors import (
    BudgetSpent,
    CloudForbidden,
    ExclusionsUnknown,
    MailExcluded,
    PriceUnknown,
    StoreLocked,
)
from daemon.outgoing import Purpose
from daemon.records import LedgerEntry
from daemon.store import excluded, ledger
from daemon.store.database import Database
from mlx_agent.errors import AnswerCutOff, KeyRefused, ModelUnreachable, TrimtabError
from mlx_agent.large.offline import Offline
from mlx_agent.records import Answer, BaselineTask, DraftTask, IntentTask, Metadata

MAIL = a_mail(1)
X = replace(
    a_lesson(1).x, intent=("The boat is ready on Friday", "It cost 4711"), context=(QUESTION,)
)
INTENT = IntentTask(own_text=MAIL.own_text, metadata=Metadata(sender=MAIL.sender, to=MAIL.to))
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as started:
        yield started


async def entries(database: Database) -> list[LedgerEntry]:
    return await database.read(ledger.entries, account=None, since=EPOCH, limit=99)


def sent(server: Server) -> str:
    """All that the provider was shown."""
    return json.dumps([seen.body for seen in server.seen], ensure_ascii=False)


@pytest.mark.parametrize(
    ("cloud", "purpose", "needs"),
    [
        ("never", "teach", "all"),
        ("never", "draft", "drafts"),
        ("never", "evaluate", "all"),
        ("drafts", "teach", "all"),
        ("drafts", "evaluate", "all"),
    ],
)
async def test_what_the_config_does_not_allow_does_not_leave(
    server: Server, tmp_path: Path, cloud: str, purpose: Purpose, needs: str
) -> None:
    """Nothing is sent, and nothing is reserved."""
    async with open_door(tmp_path, server, account={"cloud": cloud}) as (door, database):
        with pytest.raises(CloudForbidden) as caught:
            door.errand(purpose, HOME)
        assert (caught.value.account, caught.value.model, caught.value.needs) == (
            HOME,
            "claude",
            needs,
        )
        assert await entries(database) == []
    assert server.seen == []


@pytest.mark.parametrize(("cloud", "purpose"), [("drafts", "draft"), ("all", "teach")])
async def test_what_it_allows_leaves(
    server: Server, tmp_path: Path, cloud: str, purpose: Purpose
) -> None:
    """Drafts with less than all."""
    async with open_door(tmp_path, server, account={"cloud": cloud}) as (door, _):
        answer = await door.errand(purpose, HOME).complete(INTENT)
    assert "<points>" in answer.text


async def test_what_left_stands_in_the_ledger_with_its_end(server: Server, tmp_path: Path) -> None:
    """When, what for, to whom, about which mail, how much, and what it cost; never a text."""
    async with open_door(tmp_path, server) as (door, database):
        answer = await door.errand("teach", HOME, "m001").complete(INTENT)
        first, second = await entries(database)
        standing = await door.purse.standing()
    assert (first.event, second.event) == ("sent", "answered")
    assert first.request == second.request
    for entry in (first, second):
        assert (entry.account, entry.role, entry.about) == (HOME, "teacher", "m001")
        assert (entry.model, entry.host) == ("claude-sonnet-5-5", "127.0.0.1")
        assert (entry.prompt, entry.note, entry.redacted) == ("intent", "teach", False)
        assert entry.characters > len(MAIL.own_text)
    assert second.usage == answer.usage
    assert second.cost_usd == answer.usage.cost_usd == pytest.approx(standing.night_usd)
    assert first.cost_usd is not None
    assert answer.usage.cost_usd is not None
    assert first.cost_usd > answer.usage.cost_usd > 0
    assert "boat" not in repr((first, second))


async def test_an_answer_is_written_down_with_its_ledger_entry(
    server: Server, tmp_path: Path
) -> None:
    """In one transaction: what cannot be kept is not said to be answered."""

    def refuse(_connection: Any, _answer: Answer) -> None:
        raise RuntimeError("no")

    async with open_door(tmp_path, server) as (door, database):
        with pytest.raises(RuntimeError):
            await door.errand("teach", HOME).complete(INTENT, refuse)
        assert [entry.event for entry in await entries(database)] == ["sent"]


@pytest.mark.parametrize(
    ("told", "error", "event"),
    [
        (Refusal(401, "authentication_error", "no"), KeyRefused, "unpaid"),
        (Broken(2, "close"), ModelUnreachable, "lost"),
        (Said(text="It is", stop_reason="max_tokens"), AnswerCutOff, "answered"),
    ],
)
async def test_a_failure_says_whether_it_was_paid(
    server: Server, tmp_path: Path, told: Any, error: type[TrimtabError], event: str
) -> None:
    """What may have been paid stays reserved for good; what an answer used is known."""
    server.next.append(told)
    async with open_door(tmp_path, server) as (door, database):
        with pytest.raises(error):
            await door.errand("teach", HOME).complete(INTENT)
        first, second = await entries(database)
        standing = await door.purse.standing()
    assert (second.event, second.note) == (event, error.__name__)
    assert first.cost_usd is not None
    assert second.cost_usd is not None
    assert standing.night_usd == pytest.approx(second.cost_usd)
    assert (second.cost_usd == 0) == (event == "unpaid")
    assert (second.cost_usd == first.cost_usd) == (event == "lost")


async def test_a_request_that_was_cancelled_may_have_been_paid(
    server: Server, tmp_path: Path
) -> None:
    """The provider has it, and stops when the line is cut."""
    server.next.append(Held(asyncio.Event()))
    async with open_door(tmp_path, server) as (door, database):
        asking = asyncio.create_task(door.errand("teach", HOME).complete(INTENT))
        seen = await server.asked()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.wait_for(seen.gone.wait(), 5)
        assert [entry.event for entry in await entries(database)] == ["sent", "lost"]


# --- what is hidden ---------------------------------------------------------------------------


async def test_what_waited_for_its_slot_in_vain_cost_nothing(
    server: Server, tmp_path: Path
) -> None:
    """Its entry stands, for it is written before a request leaves; the money is given back."""
    slot = asyncio.Semaphore(0)
    async with open_door(tmp_path, server) as (door, database):
        task = asyncio.create_task(door.errand("teach", HOME).complete(INTENT, slot=slot))
        while not await entries(database):  # noqa: ASYNC110  # a row is no event
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        first, second = await entries(database)
        standing = await door.purse.standing()
    assert (first.event, second.event, second.cost_usd) == ("sent", "unpaid", 0.0)
    assert standing.night_usd == 0.0
    assert server.seen == []


async def test_what_is_redacted_does_not_leave_and_comes_back(
    server: Server, tmp_path: Path
) -> None:
    """Names and numbers are placeholders on the wire, and themselves in the draft."""
    async with open_door(tmp_path, server, redact=True) as (door, database):
        answer = await door.errand("draft", HOME).complete(BaselineTask(x=X))
        (first, _) = await entries(database)
    assert first.redacted
    for hidden in ("4711", "Oduya", "Tim", "Nora", "Falk"):
        assert hidden not in sent(server)
    assert "4711" in answer.text
    assert "Tim" in answer.text


async def test_a_stream_comes_back_whole_whatever_its_pieces(
    server: Server, tmp_path: Path
) -> None:
    """A placeholder may be cut in two by an event."""
    server.piece = 3
    async with open_door(tmp_path, server, redact=True) as (door, _):
        errand = door.errand("draft", HOME)
        async with aclosing(errand.stream(DraftTask(x=X))) as stream:  # type: ignore[type-var]
            pieces = [piece async for piece in stream]
    *texts, answer = pieces
    assert isinstance(answer, Answer)
    assert "".join(map(str, texts)).strip() == answer.text.strip()
    assert "4711" in answer.text
    assert "NUMBER" not in answer.text


@pytest.mark.parametrize(
    ("exclude", "by"),
    [
        ({"addresses": ["@oduya.example"]}, "address"),
        ({"words": ["friday"]}, "word"),
        ({"folders": ["Private"]}, "folder or label"),
    ],
)
async def test_what_the_user_excludes_stays(
    server: Server, tmp_path: Path, exclude: dict[str, list[str]], by: str
) -> None:
    """Whatever the config allows otherwise, and for drafts too."""
    imap = {"host": "mail.example", "user": "nora"}
    account = {"exclude": exclude, "imap": imap}
    async with open_door(tmp_path, server, account=account) as (door, database):
        found = frozenset({"<private@oduya.example>"})
        places = door.config.account(HOME).exclude.places
        await database.write(excluded.replace, HOME, found, places)
        errand = door.errand("draft", HOME, thread=("<private@oduya.example>",))
        with pytest.raises(MailExcluded) as caught:
            await errand.complete(BaselineTask(x=X))
        assert caught.value.by == by
        assert await entries(database) == []
    assert server.seen == []


async def test_nothing_leaves_before_the_excluded_folders_are_known(
    server: Server, tmp_path: Path
) -> None:
    """The config was changed, and no sync has looked into them since."""
    account = {
        "imap": {"host": "mail.example", "user": "nora"},
        "exclude": {"folders": ["Private"], "labels": ["secret"]},
    }
    async with open_door(tmp_path, server, account=account) as (door, database):
        old = Exclude(folders=("Private",)).places
        await database.write(excluded.replace, HOME, frozenset(), old)
        with pytest.raises(ExclusionsUnknown):
            await door.errand("draft", HOME).complete(BaselineTask(x=X))
    assert server.seen == []


# --- what it may cost -------------------------------------------------------------------------


async def test_teaching_stops_before_a_cap_is_passed(server: Server, tmp_path: Path) -> None:
    """One request more could pass it: it does not leave."""
    async with open_door(tmp_path, server, budget={"night_usd": 0.06}) as (door, database):
        errand = door.errand("teach", HOME)
        asking = asyncio.gather(*(errand.complete(INTENT) for _ in range(100)))
        with pytest.raises(BudgetSpent):
            await asking
        spent = await database.read(ledger.spent, EPOCH)
        assert 0 < spent.usd <= 0.06
        assert spent.reserved == 0
        assert "<points>" not in (await door.errand("draft", HOME).complete(DraftTask(x=X))).text
    assert 0 < len(server.seen) < 100


@pytest.mark.parametrize("when", ["sent", "answered", "failed"])
async def test_what_could_not_be_noted_is_not_reserved_for_ever(
    server: Server, tmp_path: Path, when: str
) -> None:
    """A request whose entry the store did not take is at its end: others learn of the budget."""
    go_on = asyncio.Event()
    server.next.append(Held(go_on))
    async with open_door(tmp_path, server, budget={"night_usd": 0.06}) as (door, database):
        await database.read(lambda c: c.execute("PRAGMA busy_timeout = 1").fetchall())
        errand = door.errand("teach", HOME)
        await door.purse.standing()
        asking = asyncio.create_task(errand.complete(INTENT))
        if when != "sent":
            await server.asked()
        with closing(sqlite3.connect(tmp_path / "trimtab.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            if when == "failed":
                server.connections[-1].reset()
            go_on.set()
            with pytest.raises(StoreLocked):
                await asking
        dear = replace((await errand.pack(INTENT, "")).entry, cost_usd=1.0)
        with pytest.raises(BudgetSpent):
            await asyncio.wait_for(door.purse.take(dear, within=True), 10)


async def test_a_model_of_unknown_price_does_not_teach(server: Server, tmp_path: Path) -> None:
    """It says how to name one; drafts are written all the same."""
    async with open_door(tmp_path, server, model="claude-opus-4-8") as (door, database):
        with pytest.raises(PriceUnknown):
            await door.errand("teach", HOME).complete(INTENT)
        await door.errand("draft", HOME).complete(DraftTask(x=X))
        *_, last = await entries(database)
        assert last.cost_usd is None
        assert (await database.read(ledger.spent, EPOCH)).unpriced == 1


async def test_a_provider_that_cannot_answer_is_asked_again(server: Server, tmp_path: Path) -> None:
    """It was not paid for, and the ledger has one request."""
    overloaded = Refusal(529, "overloaded_error", "Overloaded", headers={"retry-after": "0"})
    server.next.extend([overloaded, None])
    async with open_door(tmp_path, server) as (door, database):
        await door.errand("teach", HOME).complete(INTENT)
        assert [entry.event for entry in await entries(database)] == ["sent", "answered"]
    assert len(server.seen) == 2


async def test_a_model_on_this_machine_is_simply_asked(server: Server, tmp_path: Path) -> None:
    """Nothing leaves: no permission, no ledger, no budget."""
    async with open_door(tmp_path, server, account={"cloud": "never"}) as (door, database):
        offline = door.config.model_copy(update={"models": Models()})
        local = replace(door, config=offline, models={OFFLINE: Offline()})
        answer = await local.errand("teach", HOME).complete(INTENT)
        assert "<points>" in answer.text
        assert await entries(database) == []
    assert server.seen == []
