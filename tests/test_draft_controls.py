"""The user's word on a draft: its rules, writing it anew, the stand-in, and warming up."""

import errno
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from draft_examples import (
    GREETING,
    SIGN_OFF,
    ScriptedWriter,
    SomeAgents,
    a_draft,
    a_drafter,
    a_request,
    an_answer,
    done,
    events_of,
    opened,
    stored,
)

from daemon.draft_records import Warmed
from daemon.errors import (
    CloudForbidden,
    DraftNotFound,
    MailExcluded,
    StoreLocked,
    WriterUnavailable,
)
from daemon.ladder import applied
from daemon.records import StandingRules
from daemon.store import drafts as draft_store
from daemon.store.database import Database
from daemon.store.standing import set_standing_rules
from mlx_agent.errors import (
    AdapterDamaged,
    ModelOverloaded,
    ModelUnreachable,
    RateLimited,
    TrimtabError,
    WorkerBusy,
    WorkerDied,
    WorkerFailed,
)
from mlx_agent.large import LargeModel
from mlx_agent.large.offline import Offline
from mlx_agent.records import Rule

LENGTH = Rule(aspect="length", instruction="about 20 words")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened(tmp_path) as database:
        yield database


def test_the_users_word_is_over_the_agents_rules() -> None:
    """Off goes, added replaces, and the order stays the fixed one."""
    tone = Rule(aspect="tone", instruction="Be brief.")
    formal = Rule(aspect="greeting", instruction='Begin with "Dear {name},".')
    said = StandingRules()
    rules = applied((GREETING, tone, SIGN_OFF), said, frozenset({"tone"}), (formal,))
    assert rules == (formal, SIGN_OFF)


def test_the_word_for_this_draft_is_over_the_word_for_good() -> None:
    """A banned aspect has no rule unless one is added, a pinned rule stands unless it is off."""
    formal = Rule(aspect="greeting", instruction='Begin with "Dear {name},".')
    said = StandingRules(pinned=(formal,), banned=frozenset({"length"}))
    found = (GREETING, LENGTH, SIGN_OFF)
    assert applied(found, said, frozenset(), ()) == (formal, SIGN_OFF)
    assert applied((), said, frozenset(), ()) == (formal,)
    assert applied(found, said, frozenset({"greeting"}), (LENGTH,)) == (LENGTH, SIGN_OFF)


async def test_a_rule_switched_off_does_not_reach_the_writer(database: Database) -> None:
    """With the sign-off's rule off, the draft ends in the writer's own way."""
    drafter = a_drafter(database, SomeAgents(answer=an_answer(GREETING, SIGN_OFF)))
    on = done(await events_of(drafter, a_request("k1"))).draft
    off = done(await events_of(drafter, a_request("k2", rules_off=frozenset({"sign-off"})))).draft
    assert [rule.aspect for rule in off.rules] == ["greeting"]
    assert "Cheers" in on.text
    assert "Cheers" not in off.text


async def test_the_users_standing_rules_hold_for_every_draft(database: Database) -> None:
    """Pinned and banned, of this account alone."""
    said = StandingRules(pinned=(GREETING,), banned=frozenset({"sign-off"}))
    await database.write(set_standing_rules, "home", said)
    drafter = a_drafter(database, SomeAgents(answer=an_answer(SIGN_OFF, LENGTH)))
    draft = done(await events_of(drafter, a_request())).draft
    assert draft.rules == (GREETING, LENGTH)
    other = done(await events_of(drafter, a_request(account="work"))).draft
    assert other.rules == (LENGTH, SIGN_OFF)


async def test_a_draft_is_written_anew(database: Database) -> None:
    """The writer sees the one before, which stays; the new one has a key of its own."""
    writer = ScriptedWriter()
    drafter = a_drafter(database, SomeAgents(), writer)
    first = done(await events_of(drafter, a_request("k1"))).draft
    again = a_request("k2", replaces=first.id, instruction="shorter")
    second = done(await events_of(drafter, again)).draft
    assert writer.task is not None
    assert (writer.task.previous, writer.task.instruction) == (first.text, "shorter")
    assert second.id != first.id
    assert await stored(database) == 2


@pytest.mark.parametrize("other", ["no such", "of work"])
async def test_only_an_own_draft_is_written_anew(database: Database, other: str) -> None:
    """Another account's is none."""
    await database.write(
        draft_store.add_draft, replace(a_draft("of work", text="."), account="work")
    )
    drafter = a_drafter(database, SomeAgents())
    with pytest.raises(DraftNotFound):
        await events_of(drafter, a_request(replaces=other))


# --- the stand-in -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        (ModelUnreachable("claude", "time-out", sent=True), "the writer could not be reached"),
        (ModelOverloaded("claude", None), "the writer could not be reached"),
        (CloudForbidden("home", "claude", "drafts"), "mail of this account stays on this machine"),
        (MailExcluded("home", "word"), "you have excluded this mail from leaving"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_where_the_writer_cannot_be_asked_the_stand_in_writes(
    database: Database, failure: Exception, why: str
) -> None:
    """And the draft says so."""
    writer = ScriptedWriter(pieces=(), failure=failure)
    drafter = a_drafter(database, SomeAgents(), writer, stand_in=lambda *_: Offline())
    draft = done(await events_of(drafter, a_request())).draft
    assert (draft.provenance.writer, draft.provenance.stand_in) == ("offline", why)
    assert "boat is ready" in draft.text


async def test_a_writer_that_breaks_off_is_not_stood_in_for(database: Database) -> None:
    """Its first words have been shown."""
    writer = ScriptedWriter(failure=ModelUnreachable("claude", "time-out", sent=True))
    drafter = a_drafter(database, SomeAgents(), writer, stand_in=lambda *_: Offline())
    with pytest.raises(WriterUnavailable):
        await events_of(drafter, a_request())
    assert await stored(database) == 0


async def test_a_store_that_is_locked_is_not_the_writers_fault(database: Database) -> None:
    """It says so, and nobody stands in: what was to be noted of the asking could not be."""
    writer = ScriptedWriter(pieces=(), failure=StoreLocked(Path("trimtab.db")))
    drafter = a_drafter(database, SomeAgents(), writer, stand_in=lambda *_: Offline())
    with pytest.raises(StoreLocked):
        await events_of(drafter, a_request())


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        (RateLimited("claude", 29.4), "it asks to wait 30 s"),
        (RateLimited("claude", None), "it is asked too often"),
        (ModelOverloaded("claude", None), "it is overloaded"),
        (ModelUnreachable("claude", "time-out", sent=True), "time-out"),
        (WorkerBusy(), "the agent is being trained"),
    ],
)
async def test_why_the_writer_did_not_answer_is_told(
    database: Database, failure: Exception, why: str
) -> None:
    """In words: who is told to wait knows for how long."""
    writer = ScriptedWriter(pieces=(), failure=failure)
    with pytest.raises(WriterUnavailable) as caught:
        await events_of(a_drafter(database, SomeAgents(), writer), a_request())
    assert (caught.value.model, caught.value.reason) == ("scripted", why)


async def test_without_a_stand_in_the_error_is_the_writers(database: Database) -> None:
    """And nothing is stored."""
    writer = ScriptedWriter(pieces=(), failure=CloudForbidden("home", "claude", "drafts"))
    with pytest.raises(CloudForbidden):
        await events_of(a_drafter(database, SomeAgents(), writer), a_request())
    assert await stored(database) == 0


# --- warming up -------------------------------------------------------------------------------


async def test_opening_a_window_has_the_agent_ready(database: Database) -> None:
    """Of what is known, which is no bullets yet."""
    warmed = await a_drafter(database, SomeAgents(answer=an_answer(GREETING))).warm(
        a_request(bullets=())
    )
    assert warmed == Warmed(ready=True)


async def test_the_writers_code_is_loaded_beside_the_loop(database: Database) -> None:
    """It takes a second; and a writer that must not be asked is told of by the draft itself."""
    threads: list[str] = []

    def writer(*_: object) -> LargeModel:
        threads.append(threading.current_thread().name)
        raise CloudForbidden("home", "claude", "drafts")

    drafter = a_drafter(database, SomeAgents(answer=an_answer(GREETING)))
    drafter.writer = writer
    assert (await drafter.warm(a_request(bullets=()))).ready
    assert threads
    assert threading.main_thread().name not in threads


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "no agent yet"),
        (AdapterDamaged("a1", "a file is missing"), "the agent's files are damaged"),
        (WorkerDied(-9), "the agent's process ended"),
        (WorkerFailed("RuntimeError"), "the agent's process failed"),
        (OSError(errno.ENOSPC, "no room for its log"), "the agent could not be started"),
    ],
)
async def test_an_agent_that_cannot_be_ready_is_no_error(
    database: Database, answer: TrimtabError | OSError | None, why: str
) -> None:
    """The window opens all the same, and says what the draft will go by."""
    warmed = await a_drafter(database, SomeAgents(answer=answer)).warm(a_request(bullets=()))
    assert warmed == Warmed(ready=False, why=why)
