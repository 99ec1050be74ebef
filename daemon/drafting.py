"""Drafting: a request becomes rules, and the rules become a draft.

Owns the order of the steps and the provenance. It knows neither sockets nor models: what it asks is
given to it. What fails a draft is the writer (WriterUnavailable, AnswerMalformed), the store
(StoreFull) and a wrong account (AccountUnknown); for rules there is always the next rung of the
ladder.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime

from daemon.draft_records import Checks, Done, DraftEvent, DraftRequest, RulesReady, TextPiece
from daemon.errors import TransientError, WriterUnavailable
from daemon.flight import Flight
from daemon.ladder import LADDER, Agents, Reached, Step, applied, climb, degraded
from daemon.store import drafts as draft_store
from daemon.store.database import Database
from mlx_agent.checks import uncovered, unsupported
from mlx_agent.errors import AnswerMalformed
from mlx_agent.large import LargeModel
from mlx_agent.large.answers import parse_mail
from mlx_agent.records import (
    Answer,
    Draft,
    DraftTask,
    Metadata,
    Provenance,
    Recipient,
    Rule,
    Rung,
    X,
)
from mlx_agent.render import prompt_version


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
        missed, reached = await climb(self.ladder, self.agents, request.account, x)
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
