"""From a request to a stored draft, down the ladder if need be."""

import asyncio
import errno
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from draft_examples import (
    CARD,
    GREETING,
    NOON,
    NORA,
    SIGN_OFF,
    ScriptedWriter,
    SomeAgents,
    a_drafter,
    a_request,
    an_answer,
    done,
    events_of,
    opened,
    stored,
)
from teaching_examples import a_lesson

from daemon.agents import Agents
from daemon.config import Account, Config
from daemon.draft_records import DraftEvent, RulesReady, TextPiece
from daemon.drafting import Drafter
from daemon.errors import (
    AccountUnknown,
    DraftCancelled,
    WriterUnavailable,
)
from daemon.jobs.worker import Worker
from daemon.ladder import from_adapter, from_style_card
from daemon.store import drafts as draft_store
from daemon.store import lessons as lesson_store
from daemon.store.database import Database
from mlx_agent import adapters
from mlx_agent.errors import (
    AdapterDamaged,
    AnswerMalformed,
    BaseNotFound,
    TrimtabError,
    WorkerBusy,
    WorkerDied,
    WorkerFailed,
)
from mlx_agent.few_shot import FEWEST
from mlx_agent.findings import Uncovered
from mlx_agent.records import Rule
from mlx_agent.render import prompt_version
from mlx_agent.rules import rule_id

LENGTH = Rule(aspect="length", instruction="about 20 words")
LESSONS = [a_lesson(number, rules=(GREETING, LENGTH)) for number in range(FEWEST)]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened(tmp_path) as database:
        yield database


def ready(events: list[DraftEvent]) -> RulesReady:
    assert isinstance(events[0], RulesReady)
    return events[0]


# --- the ladder -------------------------------------------------------------------------------


async def test_the_agents_rules_steer_the_writer(database: Database) -> None:
    """The top rung: nothing is degraded, and the provenance names adapter and base."""
    drafter = a_drafter(database, SomeAgents(answer=an_answer(SIGN_OFF, GREETING), style_card=None))
    draft = done(await events_of(drafter, a_request())).draft
    came = draft.provenance
    assert (came.rung, came.voice, came.degraded) == ("adapter", True, None)
    assert (came.adapter, came.base, came.writer) == ("a1", "pocket", "offline")
    assert draft.text.startswith("Hello Tim,\n")
    assert "\nCheers,\n" in draft.text
    assert [rule.aspect for rule in draft.rules] == ["greeting", "sign-off"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "no agent yet"),
        (an_answer(valid=False), "the agent's answer was no list of rules"),
        (AdapterDamaged("a1", "a file is missing"), "the agent's files are damaged"),
        (BaseNotFound("pocket"), "the agent's base model is missing"),
        (WorkerBusy(), "the agent is being trained"),
        (WorkerDied(-9), "the agent's process ended"),
        (WorkerFailed("RuntimeError"), "the agent's process failed"),
        (OSError(errno.ENOSPC, "no room for its log"), "the agent could not be started"),
    ],
)
async def test_without_an_agent_the_style_card_is_used_and_the_draft_says_why(
    database: Database, answer: TrimtabError | OSError | None, why: str
) -> None:
    """A rung that fails is no failure of the draft."""
    drafter = a_drafter(database, SomeAgents(answer=answer, style_card=CARD))
    events = await events_of(drafter, a_request())
    assert ready(events).rules == CARD.rules
    came = done(events).draft.provenance
    assert (came.rung, came.voice, came.adapter) == ("style-card", True, None)
    assert came.degraded == (
        f"{why}; too few lessons yet: your usual greeting, length and sign-off"
    )


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "no agent yet"),
        (an_answer(valid=False), "the agent's answer was no list of rules"),
        (AdapterDamaged("a1", "a file is missing"), "the agent's files are damaged"),
        (WorkerBusy(), "the agent is being trained"),
    ],
)
async def test_without_an_agent_the_nearest_lessons_are_asked_before_the_card(
    database: Database, answer: TrimtabError | None, why: str
) -> None:
    """Their rules, not the card's, and the draft says where they are from."""
    drafter = a_drafter(database, SomeAgents(answer=answer, style_card=CARD, lessons=LESSONS))
    events = await events_of(drafter, a_request())
    assert [rule.aspect for rule in ready(events).rules] == ["greeting", "length"]
    draft = done(events).draft
    came = draft.provenance
    assert (came.rung, came.voice, came.adapter, came.base) == ("few-shot", True, None, None)
    assert came.degraded == f"{why}: rules from your nearest mails"
    assert draft.text.startswith("Hello Tim,\n")


async def test_an_agent_that_answers_is_not_second_to_the_lessons(database: Database) -> None:
    """The lessons are what it has learned."""
    agents = SomeAgents(answer=an_answer(SIGN_OFF), style_card=CARD, lessons=LESSONS)
    came = done(await events_of(a_drafter(database, agents), a_request())).draft.provenance
    assert came.rung == "adapter"


async def test_a_few_lessons_are_no_choice(database: Database) -> None:
    """One below the least: the card knows more mails."""
    agents = SomeAgents(style_card=CARD, lessons=LESSONS[1:])
    came = done(await events_of(a_drafter(database, agents), a_request())).draft.provenance
    assert came.rung == "style-card"
    assert str(came.degraded).startswith("no agent yet; too few lessons yet:")


async def test_lessons_that_agree_on_nothing_leave_it_to_the_card(database: Database) -> None:
    """A rung without a rule is no rung."""
    silent = [replace(lesson, rules=()) for lesson in LESSONS]
    agents = SomeAgents(style_card=CARD, lessons=silent)
    events = await events_of(a_drafter(database, agents), a_request())
    assert ready(events).rules == CARD.rules
    assert "your nearest mails agree on no rule" in str(ready(events).degraded)


async def test_a_damaged_agent_is_stood_in_for_by_the_stored_lessons(
    database: Database, tmp_path: Path
) -> None:
    """The whole way: lessons in the store, an adapter whose files are broken, a draft."""
    for lesson in LESSONS:
        await database.write(lesson_store.add_lesson, lesson)
    (tmp_path / "adapters" / "home-1").mkdir(parents=True)
    adapters.promote(tmp_path / "adapters", "home", "home-1")
    agents = Agents(
        Config(accounts={"home": Account(addresses=(NORA.address,))}),
        tmp_path / "adapters",
        Worker(log=tmp_path / "log", scratch=tmp_path),
        database,
    )
    events = await events_of(a_drafter(database, agents), a_request())
    came = done(events).draft.provenance
    assert ready(events).rules[0] == GREETING
    assert (came.rung, came.degraded) == (
        "few-shot",
        "the agent's files are damaged: rules from your nearest mails",
    )
    with pytest.raises(AccountUnknown):
        await agents.nearest("work", LESSONS[0].x, 5)


async def test_without_anything_of_the_users_the_draft_has_no_voice(database: Database) -> None:
    """Every missing rung is named."""
    events = await events_of(a_drafter(database, SomeAgents()), a_request())
    assert ready(events).rules == ()
    assert ready(events).voice is False
    assert done(events).draft.provenance.degraded == (
        "no agent yet; too few lessons yet; no mail of yours to go by: "
        "a plain mail, not in your voice"
    )


async def test_a_slow_agent_is_not_waited_for(database: Database) -> None:
    """The user has waited long enough: the next rung answers."""
    agents = SomeAgents(answer=an_answer(GREETING), style_card=CARD, seconds=30)
    ladder = (partial(from_adapter, seconds=0.01), from_style_card)
    events = await events_of(a_drafter(database, agents, ladder=ladder), a_request())
    assert str(ready(events).degraded).startswith("the agent took too long")


async def test_an_account_that_is_not_in_the_config_gets_no_draft(database: Database) -> None:
    """It is no missing rung: no other account's voice stands in."""
    drafter = a_drafter(database, SomeAgents())
    with pytest.raises(AccountUnknown):
        await events_of(drafter, a_request(account="unknown"))


# --- the draft --------------------------------------------------------------------------------


async def test_events_come_in_order_and_the_pieces_are_the_draft(database: Database) -> None:
    """Rules, text, done; the stored draft is what `done` holds."""
    events = await events_of(a_drafter(database, SomeAgents(style_card=CARD)), a_request())
    pieces = [event.text for event in events if isinstance(event, TextPiece)]
    draft = done(events).draft
    assert [type(event) for event in events[1:-1]] == [TextPiece] * len(pieces)
    assert "".join(pieces).strip("\n ") == draft.text
    assert draft.id == ready(events).draft_id
    assert draft.created_at == NOON
    assert await database.read(draft_store.draft, draft.id) == draft


async def test_the_stages_are_timed_and_the_tokens_counted(database: Database) -> None:
    """In milliseconds since the request."""
    came = done(await events_of(a_drafter(database, SomeAgents()), a_request())).draft.provenance
    marks = came.timings_ms
    assert list(marks) == ["x", "rules", "first_text", "text"]
    assert 0 <= marks["x"] <= marks["rules"] <= marks["first_text"] <= marks["text"]
    assert came.usage.output_tokens > 0
    assert came.usage.cost_usd == 0


async def test_the_provenance_says_what_was_asked_of_whom(database: Database) -> None:
    """The prompts' versions, the rules' names in their order, and the agent's tokens."""
    drafter = a_drafter(database, SomeAgents(answer=an_answer(SIGN_OFF, GREETING)))
    events = await events_of(drafter, a_request())
    came = done(events).draft.provenance
    assert came.prompt_version == prompt_version("draft")
    assert came.agent_prompt_version == prompt_version("agent")
    assert came.rule_ids == ready(events).rule_ids == (rule_id(GREETING), rule_id(SIGN_OFF))
    assert came.agent_tokens == 9
    other = done(await events_of(a_drafter(database, SomeAgents()), a_request("k2"))).draft
    assert (other.provenance.agent_prompt_version, other.provenance.agent_tokens) == ("", 0)


async def test_what_the_bullets_say_is_in_the_draft(database: Database) -> None:
    """Even nonsense: the draft follows the intent, not a habit."""
    drafter = a_drafter(database, SomeAgents(style_card=CARD))
    events = await events_of(drafter, a_request(bullets=("the banana sings at 17:45",)))
    assert "banana sings at 17:45" in done(events).draft.text
    assert done(events).checks.uncovered == ()


async def test_a_draft_is_checked_against_the_request(database: Database) -> None:
    """A bullet that is left out is named by its place, an invented fact by its words."""
    writer = ScriptedWriter(pieces=["The boat is ready on Friday, 4 May, for 900 euros.\n"])
    checks = done(await events_of(a_drafter(database, SomeAgents(), writer), a_request())).checks
    assert checks.uncovered == (Uncovered(position=1, facts=()),)
    text = "The boat is ready on Friday, 4 May, for 900 euros."
    assert [(fact.kind, fact.text) for fact in checks.unsupported] == [
        ("number", "4"),
        ("date", "May"),
        ("amount", "900 euros"),
    ]
    assert all(text[fact.start : fact.end] == fact.text for fact in checks.unsupported)


@pytest.mark.parametrize("failure", [ConnectionResetError(), TimeoutError(), WorkerDied(1)])
async def test_a_writer_that_fails_leaves_no_draft_and_the_key_free(
    database: Database, failure: Exception
) -> None:
    """The client keeps the bullets and tries again with the same key."""
    writer = ScriptedWriter(failure=failure)
    drafter = a_drafter(database, SomeAgents(), writer)
    with pytest.raises(WriterUnavailable) as caught:
        await events_of(drafter, a_request())
    assert (caught.value.model, caught.value.reason) == ("scripted", type(failure).__name__)
    assert await stored(database) == 0
    writer.failure = None
    assert done(await events_of(drafter, a_request())).draft.text == "Hello Tim,\n\nIt floats."


async def test_an_empty_answer_is_no_draft(database: Database) -> None:
    """A writer that says nothing has failed."""
    drafter = a_drafter(database, SomeAgents(), ScriptedWriter(pieces=["\n", " "]))
    with pytest.raises(AnswerMalformed):
        await events_of(drafter, a_request())
    assert await stored(database) == 0


# --- one key, one draft -----------------------------------------------------------------------


async def test_a_repeat_gets_the_stored_draft(database: Database) -> None:
    """The writer is not asked, and paid, twice."""
    writer = ScriptedWriter()
    first = await events_of(a_drafter(database, SomeAgents(), writer), a_request())
    again = await events_of(a_drafter(database, SomeAgents(), writer), a_request())
    assert writer.calls == 1
    assert done(again) == done(first)
    assert ready(again) == ready(first)


async def test_two_who_ask_at_once_share_one_draft(database: Database) -> None:
    """The one who comes late gets everything that was missed."""
    writer = ScriptedWriter(gate=asyncio.Event())
    drafter = a_drafter(database, SomeAgents(), writer)
    first = asyncio.create_task(events_of(drafter, a_request()))
    late = asyncio.create_task(collect_from_second_piece(drafter, writer))
    assert await first == await late
    assert writer.calls == 1
    assert await stored(database) == 1


async def collect_from_second_piece(drafter: Drafter, writer: ScriptedWriter) -> list[DraftEvent]:
    await writer.begun.wait()
    events = []
    async for event in drafter.draft(a_request()):
        events.append(event)
        if writer.gate is not None:
            writer.gate.set()
    return events


async def test_the_same_key_in_another_account_is_another_draft(database: Database) -> None:
    """Keys are the client's, per account."""
    drafter = a_drafter(database, SomeAgents())
    home = done(await events_of(drafter, a_request())).draft
    work = done(await events_of(drafter, a_request(account="work"))).draft
    assert home.id != work.id


# --- the end of the work ----------------------------------------------------------------------


async def test_a_cancelled_draft_stops_the_writer_and_frees_the_key(database: Database) -> None:
    """By the id that the rules announced."""
    writer = ScriptedWriter(gate=asyncio.Event())
    drafter = a_drafter(database, SomeAgents(), writer)
    following = asyncio.create_task(events_of(drafter, a_request()))
    await writer.begun.wait()
    assert drafter.cancel(await announced(drafter))
    with pytest.raises(DraftCancelled):
        await following
    assert writer.left.is_set()
    assert await stored(database) == 0
    writer.gate = None
    assert done(await events_of(drafter, a_request())).draft.text


async def announced(drafter: Drafter) -> str:
    """The id that a second follower is told."""
    events = drafter.draft(a_request())
    first = await anext(events)
    await events.aclose()
    assert isinstance(first, RulesReady)
    return first.draft_id


async def test_when_the_daemon_ends_every_draft_is_aborted(database: Database) -> None:
    """Each client is told, and none is left waiting."""
    writer = ScriptedWriter(gate=asyncio.Event())
    drafter = a_drafter(database, SomeAgents(), writer)
    following = [asyncio.create_task(events_of(drafter, a_request(key))) for key in ("k1", "k2")]
    await writer.begun.wait()
    drafter.cancel_all()
    ends = await asyncio.gather(*following, return_exceptions=True)
    assert [type(end) for end in ends] == [DraftCancelled, DraftCancelled]


async def test_a_draft_is_cancelled_by_its_key_before_its_id_is_known(database: Database) -> None:
    """While the agent answers, nobody was told the id."""
    drafter = a_drafter(database, SomeAgents(seconds=600))
    asked = asyncio.create_task(events_of(drafter, a_request("k1")))
    await asyncio.sleep(0)
    assert drafter.cancel("k1")
    with pytest.raises(DraftCancelled):
        await asked
    assert drafter.cancel("k1") is False


async def test_there_is_nothing_to_cancel_in_a_finished_draft(database: Database) -> None:
    """It stays as it is."""
    drafter = a_drafter(database, SomeAgents())
    draft = done(await events_of(drafter, a_request())).draft
    assert drafter.cancel(draft.id) is False
    assert await stored(database) == 1


async def test_when_the_last_follower_leaves_the_work_ends(database: Database) -> None:
    """Not before: the first to leave ends nothing."""
    writer = ScriptedWriter(gate=asyncio.Event())
    drafter = a_drafter(database, SomeAgents(), writer)
    first, second = drafter.draft(a_request()), drafter.draft(a_request())
    for events in (first, second):
        assert isinstance(await anext(events), RulesReady)
        assert isinstance(await anext(events), TextPiece)
    await first.aclose()
    await asyncio.sleep(0.02)
    assert not writer.left.is_set()
    await second.aclose()
    await asyncio.wait_for(writer.left.wait(), 1)
    assert await stored(database) == 0
