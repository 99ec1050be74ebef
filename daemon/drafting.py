"""Drafting: a request becomes rules, and the rules become a draft.

Owns the order of the steps, the ladder of fallbacks and the provenance. It knows neither sockets
nor models: what it asks is given to it. A rung of the ladder that cannot answer is never a failure
of the draft; it is named in words in the draft's provenance. What fails a draft is the writer
(WriterUnavailable, AnswerMalformed), the store (StoreFull) and a wrong account (AccountUnknown).
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from daemon.errors import TransientError, WriterUnavailable
from daemon.flight import Flight
from daemon.store import drafts as draft_store
from daemon.store.database import Database
from mlx_agent.checks import uncovered, unsupported
from mlx_agent.errors import (
    AdapterDamaged,
    AdapterNotFound,
    AnswerMalformed,
    BaseDamaged,
    BaseNotFound,
    TrimtabError,
    WorkerBusy,
    WorkerDied,
)
from mlx_agent.few_shot import FEWEST, NEIGHBOURS, few_shot_rules
from mlx_agent.large import LargeModel
from mlx_agent.large.answers import parse_mail
from mlx_agent.records import (
    Address,
    AgentAnswer,
    Answer,
    ContextMessage,
    Draft,
    DraftTask,
    Lesson,
    Metadata,
    Provenance,
    Recipient,
    Rule,
    Rung,
    StyleCard,
    X,
)
from mlx_agent.render import prompt_version
from mlx_agent.rules import in_order

AGENT_SECONDS = 30.0
"""How long a user waits for the agent before the next rung is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRequest:
    """What a client asks for. `key` is its idempotency key within the account.

    `rules_off` are aspects whose rule is left out; a rule in `rules_added` replaces the agent's
    rule on the same aspect.
    """

    account: str
    key: str
    sender: Address
    bullets: tuple[str, ...]
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    subject: str = ""
    context: tuple[ContextMessage, ...] = ()
    reply: bool = False
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    instruction: str = ""
    rules_off: frozenset[str] = frozenset()
    rules_added: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesReady:
    """The rules are there; the draft's id is announced with them."""

    draft_id: str
    rules: tuple[Rule, ...]
    rung: Rung
    voice: bool
    degraded: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPiece:
    """A piece of the draft as the writer writes it."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """Bullets (by position) that the draft does not cover, and facts that x does not hold."""

    uncovered: tuple[int, ...]
    unsupported: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The draft as it was stored; its text is the pieces without outer blank lines."""

    draft: Draft
    checks: Checks


DraftEvent = RulesReady | TextPiece | Done


class Agents(Protocol):
    """What drafting asks of the small model and of the account's own mails."""

    async def rules(self, account: str, x: X) -> AgentAnswer | None:
        """The current adapter's answer, None where there is no adapter.

        Raises AdapterDamaged, AdapterNotFound, BaseDamaged, BaseNotFound, WorkerBusy, WorkerDied.
        """
        ...

    async def nearest(self, account: str, x: X, limit: int) -> list[Lesson]:
        """The account's lessons nearest to x, the nearest first, at most `limit`."""
        ...

    async def card(self, account: str) -> StyleCard | None:
        """The account's style card, None before there is mail to measure."""
        ...


# --- the ladder ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A rung that answered, and with what."""

    rung: Rung
    rules: tuple[Rule, ...] = ()
    adapter: str | None = None
    base: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A rung that could not answer, and why, in words for the user."""

    why: str


Step = Callable[[Agents, str, X], Awaitable[Reached | Missed]]

_WHY: dict[type[TrimtabError], str] = {
    AdapterDamaged: "the agent's files are damaged",
    AdapterNotFound: "the agent's files are missing",
    BaseDamaged: "the agent's base model is damaged",
    BaseNotFound: "the agent's base model is missing",
    WorkerBusy: "the agent is being trained",
    WorkerDied: "the agent's process ended",
}
_INSTEAD: dict[Rung, str] = {
    "adapter": "",
    "few-shot": "rules from your nearest mails",
    "style-card": "your usual greeting, length and sign-off",
    "zero-shot": "a plain mail, not in your voice",
}


async def from_adapter(
    agents: Agents, account: str, x: X, *, seconds: float = AGENT_SECONDS
) -> Reached | Missed:
    """The top rung: the rules that the agent predicts for this mail, if it does so in time."""
    try:
        async with asyncio.timeout(seconds):
            answer = await agents.rules(account, x)
    except tuple(_WHY) as error:
        return Missed(why=_WHY[type(error)])
    except TimeoutError:
        return Missed(why="the agent took too long")
    if answer is None:
        return Missed(why="no agent yet")
    if not answer.valid or not answer.rules:
        return Missed(why="the agent's answer was no list of rules")
    return Reached(rung="adapter", rules=answer.rules, adapter=answer.adapter, base=answer.base)


async def from_nearest_lessons(agents: Agents, account: str, x: X) -> Reached | Missed:
    """What the lessons nearest to this mail say, once there are enough to choose from."""
    lessons = await agents.nearest(account, x, FEWEST)
    if len(lessons) < FEWEST:
        return Missed(why="too few lessons yet")
    rules = few_shot_rules(lessons[:NEIGHBOURS], x)
    if not rules:
        return Missed(why="your nearest mails agree on no rule")
    return Reached(rung="few-shot", rules=rules)


async def from_style_card(agents: Agents, account: str, _x: X) -> Reached | Missed:
    """The account's usual rules, whatever the mail."""
    card = await agents.card(account)
    if card is None or not card.rules:
        return Missed(why="no mail of yours to go by")
    return Reached(rung="style-card", rules=card.rules)


async def without_voice(_agents: Agents, _account: str, _x: X) -> Reached | Missed:
    """The ground: a draft under no rules, which says so."""
    return Reached(rung="zero-shot")


LADDER: tuple[Step, ...] = (
    from_adapter,
    from_nearest_lessons,
    from_style_card,
    without_voice,
)


def degraded(missed: Iterable[Missed], reached: Reached) -> str | None:
    """Why no higher rung was reached and what stands in for it; None on the top rung."""
    reasons = "; ".join(miss.why for miss in missed)
    return f"{reasons}: {_INSTEAD[reached.rung]}" if reasons else None


def applied(rules: Iterable[Rule], off: frozenset[str], added: Iterable[Rule]) -> tuple[Rule, ...]:
    """The rules with the user's own word over them, in the fixed order."""
    chosen = {rule.aspect: rule for rule in rules if rule.aspect not in off}
    return in_order((chosen | {rule.aspect: rule for rule in added}).values())


# --- the drafter -----------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class _Stopwatch:
    """Milliseconds since the start, by the name of what was reached; the first reading counts."""

    begun: float = field(default_factory=time.perf_counter)
    marks: dict[str, float] = field(default_factory=dict)

    def mark(self, name: str) -> None:
        self.marks.setdefault(name, round((time.perf_counter() - self.begun) * 1000, 1))


@dataclass(slots=True, kw_only=True)
class Drafter:
    """Makes drafts. One per app; safe to call concurrently.

    `writer` gives a large model for a request and its draft's id; `recipient` says what the store
    knows of a request's first recipient; `clock` gives aware UTC.
    """

    database: Database
    agents: Agents
    writer: Callable[[DraftRequest, str], LargeModel]
    recipient: Callable[[DraftRequest], Awaitable[Recipient | None]]
    clock: Callable[[], datetime]
    ladder: tuple[Step, ...] = LADDER
    _flights: dict[tuple[str, str], Flight[DraftEvent]] = field(default_factory=dict)

    async def draft(self, request: DraftRequest) -> AsyncGenerator[DraftEvent, None]:
        """RulesReady, then TextPieces, then Done; leaving the iterator abandons the work.

        One (account, key) is one draft, whatever else the request says: a repeat gets the stored
        draft, and a second caller while it is being written follows the first one's events. The
        work goes on while anyone follows it. Raises AccountUnknown, AnswerMalformed,
        CloudForbidden, DraftCancelled, MailExcluded, StoreFull, WriterUnavailable and what else the
        writer raises; none of them leaves half a draft behind.
        """
        key = (request.account, request.key)
        if key not in self._flights:
            draft_id = uuid.uuid4().hex
            events = self._events(request, draft_id)
            self._flights[key] = Flight(draft_id, events, lambda flight: self._land(key, flight))
        async with aclosing(self._flights[key].follow()) as events:
            async for event in events:
                yield event

    def cancel(self, draft_id: str) -> bool:
        """Abort the draft of that id; False where none of that id is being written."""
        for flight in list(self._flights.values()):
            if flight.draft_id == draft_id:
                flight.cancel()
                return True
        return False

    def cancel_all(self) -> None:
        """Abort whatever is being written: the daemon ends."""
        for flight in list(self._flights.values()):
            flight.cancel()

    def _land(self, key: tuple[str, str], flight: Flight[DraftEvent]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]

    async def _events(self, request: DraftRequest, draft_id: str) -> AsyncIterator[DraftEvent]:
        stored = await self.database.read(draft_store.draft_by_key, request.account, request.key)
        if stored is not None:
            for event in replay(stored):
                yield event
            return
        watch = _Stopwatch()
        x = await self._x(request)
        missed, reached = await self._climb(request.account, x)
        rules = applied(reached.rules, request.rules_off, request.rules_added)
        watch.mark("rules")
        why = degraded(missed, reached)
        yield _rules_ready(draft_id, rules, reached.rung, why)
        answer: Answer | None = None
        task = DraftTask(x=x, rules=rules, instruction=request.instruction)
        async for piece in _written(self.writer(request, draft_id), task):
            watch.mark("first_text")
            if isinstance(piece, Answer):
                answer = piece
            else:
                yield TextPiece(text=piece)
        if answer is None:
            raise AnswerMalformed("draft", "it was cut off")
        watch.mark("text")
        draft = Draft(
            id=draft_id,
            account=request.account,
            key=request.key,
            x=x,
            rules=rules,
            text=parse_mail(answer.text),
            provenance=_provenance(reached, why, answer, watch.marks),
            created_at=self.clock(),
            in_reply_to=request.in_reply_to,
            references=request.references,
        )
        await self.database.write(draft_store.add_draft, draft)
        yield _done(draft)

    async def _x(self, request: DraftRequest) -> X:
        metadata = Metadata(
            sender=request.sender,
            to=request.to,
            cc=request.cc,
            subject=request.subject,
            reply=request.reply,
            recipient=await self.recipient(request),
        )
        return X(intent=request.bullets, metadata=metadata, context=request.context)

    async def _climb(self, account: str, x: X) -> tuple[list[Missed], Reached]:
        missed: list[Missed] = []
        for step in self.ladder:
            found = await step(self.agents, account, x)
            if isinstance(found, Reached):
                return missed, found
            missed.append(found)
        return missed, Reached(rung="zero-shot")


async def _written(writer: LargeModel, task: DraftTask) -> AsyncIterator[str | Answer]:
    try:
        async for piece in writer.stream(task):
            yield piece
    except (TransientError, OSError) as error:
        raise WriterUnavailable(writer.name, type(error).__name__) from error


def replay(draft: Draft) -> tuple[DraftEvent, ...]:
    """The events of a stored draft, its text in one piece."""
    came = draft.provenance
    ready = _rules_ready(draft.id, draft.rules, came.rung, came.degraded)
    return ready, TextPiece(text=draft.text), _done(draft)


def _rules_ready(draft_id: str, rules: tuple[Rule, ...], rung: Rung, why: str | None) -> RulesReady:
    return RulesReady(
        draft_id=draft_id, rules=rules, rung=rung, voice=rung != "zero-shot", degraded=why
    )


def _done(draft: Draft) -> Done:
    checks = Checks(
        uncovered=uncovered(draft.x.intent, draft.text),
        unsupported=unsupported(draft.text, draft.x),
    )
    return Done(draft=draft, checks=checks)


def _provenance(
    reached: Reached, why: str | None, answer: Answer, timings: dict[str, float]
) -> Provenance:
    return Provenance(
        rung=reached.rung,
        voice=reached.rung != "zero-shot",
        degraded=why,
        adapter=reached.adapter,
        base=reached.base,
        writer=answer.model,
        prompt_version=prompt_version("draft"),
        timings_ms=timings,
        usage=answer.usage,
    )
