"""Drafting: a request becomes rules, and the rules become a draft.

Owns the order of the steps and the provenance. It knows neither sockets nor models: what it asks is
given to it. What fails a draft is the writer (WriterUnavailable, AnswerMalformed), the store
(StoreFull) and a wrong account (AccountUnknown); for rules there is always the next rung of the
ladder.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from daemon.draft_records import (
    Done,
    DraftEvent,
    DraftRequest,
    RulesReady,
    TextPiece,
    TextReplaced,
    Warmed,
)
from daemon.errors import DraftNotFound
from daemon.flight import Flight
from daemon.ladder import LADDER, Agents, Reached, Step, applied, climb, degraded, warmed
from daemon.records import StandingRules
from daemon.repair import Checked, looked_at, mended
from daemon.store import drafts as draft_store
from daemon.store import mail as mail_store
from daemon.store.database import Database
from daemon.store.known import Known, known
from daemon.writing import Written, written
from mlx_agent.checks import check
from mlx_agent.errors import TrimtabError
from mlx_agent.large import LargeModel
from mlx_agent.large.answers import parse_mail
from mlx_agent.log_lines import told
from mlx_agent.records import (
    Draft,
    DraftTask,
    Kind,
    Metadata,
    Provenance,
    Recipient,
    Rule,
    Rung,
    X,
)
from mlx_agent.render import prompt_version
from mlx_agent.rules import rule_id

log = logging.getLogger(__name__)


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

    `writer` gives a large model for a request and its draft's id, `stand_in` one on this machine
    for where that cannot be asked; `recipient` says of what the store knows what belongs to the
    first recipient of a request; `clock` gives aware UTC; `kind_of` is the kind of an account's
    texts.
    """

    database: Database
    agents: Agents
    writer: Callable[[DraftRequest, str], LargeModel]
    recipient: Callable[[DraftRequest, Known], Recipient | None]
    clock: Callable[[], datetime]
    stand_in: Callable[[DraftRequest, str], LargeModel] | None = None
    ladder: tuple[Step, ...] = LADDER
    kind_of: Callable[[str], Kind] = lambda _: "email"
    _flights: dict[tuple[str, str], Flight[DraftEvent]] = field(default_factory=dict)

    async def draft(self, request: DraftRequest) -> AsyncGenerator[DraftEvent, None]:
        """RulesReady, TextPieces, maybe TextReplaced, then Done; leaving it abandons the work.

        One (account, key) is one draft, whatever else the request says: a repeat gets the stored
        draft, and a second caller while it is being written follows the first one's events. The
        work goes on while anyone follows it. Raises AccountUnknown, AnswerMalformed,
        CloudForbidden, DraftCancelled, DraftNotFound, MailExcluded, StoreFull, WriterUnavailable
        and what else the writer raises; none of them leaves half a draft behind.
        """
        key = (request.account, request.key)
        if key not in self._flights:
            draft_id = uuid.uuid4().hex
            events = self._events(request, draft_id)
            self._flights[key] = Flight(draft_id, events, lambda flight: self._land(key, flight))
        async with aclosing(self._flights[key].follow()) as events:
            async for event in events:
                yield event

    async def warm(self, request: DraftRequest) -> Warmed:
        """Have the agent ready for a draft whose bullets are not known yet.

        Raises AccountUnknown and StoreFull; an agent that cannot answer is none of its failures.
        """
        ready = asyncio.to_thread(self._load_writer, request)
        x = self._x(request, await self._known(request))
        agent = warmed(self.agents, request.account, x)
        missed, _ = await asyncio.gather(agent, ready)
        if missed is not None:  # the draft may well have to go by the card
            await self.agents.card(request.account)
        return Warmed(ready=missed is None, why=missed.why if missed else None)

    def _load_writer(self, request: DraftRequest) -> None:
        """An SDK takes a second to load: now, and beside the loop."""
        with suppress(TrimtabError):  # the draft itself will say why
            self.writer(request, "")

    def cancel(self, draft_id: str) -> bool:
        """Abort the draft of that id, or asked for under that key; whether one was being written.

        The key is known from the start, the id only when the rules are there.
        """
        found = [
            flight
            for (_, key), flight in self._flights.items()
            if draft_id in (flight.draft_id, key)
        ]
        for flight in found:
            flight.cancel()
        return bool(found)

    def cancel_all(self) -> None:
        """Abort whatever is being written: the daemon ends."""
        for flight in list(self._flights.values()):
            flight.cancel()

    def _land(self, key: tuple[str, str], flight: Flight[DraftEvent]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]

    async def _events(
        self, request: DraftRequest, draft_id: str
    ) -> AsyncGenerator[DraftEvent, None]:
        watch = _Stopwatch()
        found = await self._known(request)
        if found.made is not None:
            for event in replay(found.made):
                yield event
            return
        if request.replaces and found.replaced is None:
            raise DraftNotFound(request.replaces)
        previous = found.replaced.text if found.replaced else ""
        x = self._x(request, found)
        watch.mark("x")
        ruled = await self._ruled(request, x, found.standing)
        watch.mark("rules")
        yield _rules_ready(draft_id, ruled.rules, ruled.reached.rung, ruled.degraded)
        task = DraftTask(x=x, rules=ruled.rules, instruction=request.instruction, previous=previous)
        end: Written | None = None
        async with aclosing(self._written(task, request, draft_id)) as pieces:
            async for piece in pieces:
                watch.mark("first_text")
                if isinstance(piece, Written):
                    end = piece
                else:
                    yield TextPiece(text=piece)
        assert end is not None, "a writing ends with what was written"
        watch.mark("text")
        first, last = await self._checked(task, end, request.account)
        if last.repair:
            watch.mark("repair")
        if last.text != first.text:
            yield TextReplaced(text=last.text)
        draft = Draft(
            id=draft_id,
            account=request.account,
            key=request.key,
            x=x,
            rules=ruled.rules,
            text=last.text,
            provenance=_provenance(ruled, task, end, last, watch.marks),
            created_at=self.clock(),
            in_reply_to=request.in_reply_to,
            references=request.references,
        )
        await self.database.write(draft_store.add_draft, draft)
        log.info("draft done", extra=_timed(draft))
        yield Done(draft=draft, checks=last.checks)

    async def _known(self, request: DraftRequest) -> Known:
        to = request.to[0].address if request.to else ""
        asked = (request.account, request.key, request.replaces, to)
        return await self.database.read(known, *asked)

    def _x(self, request: DraftRequest, found: Known) -> X:
        metadata = Metadata(
            sender=request.sender,
            to=request.to,
            cc=request.cc,
            subject=request.subject,
            reply=request.reply,
            recipient=self.recipient(request, found),
        )
        kind = self.kind_of(request.account)
        return X(intent=request.bullets, metadata=metadata, context=request.context, kind=kind)

    async def _ruled(self, request: DraftRequest, x: X, standing: StandingRules) -> _Ruled:
        missed, reached = await climb(self.ladder, self.agents, request.account, x)
        rules = applied(reached.rules, standing, request.rules_off, request.rules_added)
        return _Ruled(rules=rules, reached=reached, degraded=degraded(missed, reached))

    def _written(
        self, task: DraftTask, request: DraftRequest, draft_id: str
    ) -> AsyncGenerator[str | Written, None]:
        stand_in = partial(self.stand_in, request, draft_id) if self.stand_in else None
        return written(task, partial(self.writer, request, draft_id), stand_in)

    async def _checked(
        self, task: DraftTask, end: Written, account: str
    ) -> tuple[Checked, Checked]:
        """What was written, and that again as it was mended if something was found in it."""
        signature = await self.database.read(mail_store.usual_signature, account)
        text = parse_mail(end.answer.text, task.x, signature)
        first = await looked_at(text, task, end.answer.usage)
        return first, await mended(end.writer, task, first, signature=signature)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ruled:
    """The rules of a draft, the rung that they came from, and why from no higher one."""

    rules: tuple[Rule, ...]
    reached: Reached
    degraded: str | None


def replay(draft: Draft) -> tuple[DraftEvent, ...]:
    """The events of a stored draft, its text in one piece."""
    came = draft.provenance
    ready = _rules_ready(draft.id, draft.rules, came.rung, came.degraded)
    asked = DraftTask(x=draft.x, rules=draft.rules, instruction=came.instruction)
    done = Done(draft=draft, checks=check(draft.text, asked))
    return ready, TextPiece(text=draft.text), done


def _rules_ready(draft_id: str, rules: tuple[Rule, ...], rung: Rung, why: str | None) -> RulesReady:
    return RulesReady(
        draft_id=draft_id,
        rules=rules,
        rule_ids=tuple(map(rule_id, rules)),
        rung=rung,
        voice=rung != "zero-shot",
        degraded=why,
    )


def _timed(draft: Draft) -> dict[str, dict[str, object]]:
    """What of a draft is for the log: where it came from, and when each step was done (ms)."""
    came = draft.provenance
    steps = {f"{step}_ms": round(ms) for step, ms in came.timings_ms.items()}
    return told(account=draft.account, rung=came.rung, writer=came.writer, **steps)


def _provenance(
    ruled: _Ruled, task: DraftTask, end: Written, last: Checked, timings: dict[str, float]
) -> Provenance:
    reached = ruled.reached
    return Provenance(
        rung=reached.rung,
        voice=reached.rung != "zero-shot",
        degraded=ruled.degraded,
        adapter=reached.adapter,
        base=reached.base,
        writer=end.answer.model,
        stand_in=end.stand_in,
        prompt_version=prompt_version("draft"),
        agent_prompt_version=prompt_version("agent") if reached.adapter else "",
        rule_ids=tuple(map(rule_id, ruled.rules)),
        timings_ms=timings,
        usage=last.usage,
        agent_tokens=reached.tokens,
        instruction=task.instruction,
        repair=last.repair,
    )
