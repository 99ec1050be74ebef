"""Requests, agents and writers for the tests of drafting, of the socket and of its client.

The agents and writers stand at the seams that drafting gives them (`Agents`, `LargeModel`);
the store, the offline model and the server are the real ones.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from daemon.api.routes import build_api
from daemon.api.server import serve
from daemon.draft_records import Done, DraftEvent, DraftRequest
from daemon.drafting import Drafter
from daemon.errors import AccountUnknown, DraftNotFound
from daemon.explain import explain
from daemon.learning import SentText, record_sent, take_back
from daemon.mailbox.outbox import Delivered
from daemon.records import DeletedPolicy, Job, JobKind, JobState, StandingRules
from daemon.store import drafts as draft_store
from daemon.store import folders as folder_store
from daemon.store import jobs as job_store
from daemon.store import nights as night_store
from daemon.store import standing as standing_store
from daemon.store.database import Database
from daemon.store.known import Known
from mlx_agent.errors import TrimtabError
from mlx_agent.large import LargeModel
from mlx_agent.large.offline import Offline
from mlx_agent.records import (
    Address,
    AgentAnswer,
    Answer,
    Draft,
    DraftTask,
    Edit,
    Lesson,
    Mail,
    Metadata,
    Provenance,
    Recipient,
    RedraftTask,
    Rule,
    StyleCard,
    Task,
    Usage,
    X,
)

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NORA = Address(name="Nora Falk", address="nora@falk.example")
TIM = Address(name="Tim Oduya", address="tim@oduya.example")
GREETING = Rule(
    aspect="greeting", instruction='open with "Hello", the recipient\'s first name and a comma'
)
SIGN_OFF = Rule(aspect="sign-off", instruction='sign off with "Cheers" and a comma')
CARD = StyleCard(rules=(GREETING, SIGN_OFF), mails=30)
BULLETS = ("the boat is ready on Friday", "can you bring the keys?")


def clock() -> datetime:
    return NOON


def a_request(key: str = "k1", **changes: Any) -> DraftRequest:
    request = DraftRequest(
        account="home", key=key, sender=NORA, to=(TIM,), subject="The boat", bullets=BULLETS
    )
    return replace(request, **changes)


def body(key: str = "k1", **changes: Any) -> dict[str, Any]:
    """The same request as a client sends it."""
    return {
        "account": "home",
        "key": key,
        "from": {"name": NORA.name, "address": NORA.address},
        "to": [{"name": TIM.name, "address": TIM.address}],
        "subject": "The boat",
        "bullets": list(BULLETS),
    } | changes


def an_answer(*rules: Rule, valid: bool = True) -> AgentAnswer:
    return AgentAnswer(
        rules=rules, text="", valid=valid, tokens=9, seconds=0.1, adapter="a1", base="pocket"
    )


def a_draft(draft_id: str = "d1", *, text: str, created_at: datetime = NOON, **x: Any) -> Draft:
    metadata = Metadata(sender=NORA, to=x.get("to", (TIM,)), subject=x.get("subject", "The boat"))
    return Draft(
        id=draft_id,
        account="home",
        key=f"key of {draft_id}",
        x=X(intent=BULLETS, metadata=metadata),
        rules=(),
        text=text,
        provenance=Provenance(
            rung="zero-shot",
            voice=False,
            degraded=None,
            adapter=None,
            base=None,
            writer="offline",
            prompt_version="0",
            timings_ms={},
            usage=Usage(),
        ),
        created_at=created_at,
    )


def a_mail(mail_id: str = "m1", *, own_text: str, **changes: Any) -> Mail:
    mail = Mail(
        id=mail_id,
        account="home",
        message_id=f"<{mail_id}@falk.example>",
        in_reply_to="",
        references=(),
        sender=NORA,
        to=(TIM,),
        cc=(),
        subject="The boat",
        sent_at=NOON,
        own_text=own_text,
        context=(),
        signature="",
        forwarded="",
        flags=frozenset(),
    )
    return replace(mail, **changes)


@dataclass(slots=True, kw_only=True)
class SomeAgents:
    """Answers what it was given; raises it if it is an error."""

    answer: AgentAnswer | TrimtabError | OSError | None = None
    style_card: StyleCard | None = None
    seconds: float = 0.0
    lessons: Sequence[Lesson] = ()

    async def rules(self, account: str, x: X) -> AgentAnswer | None:
        assert x.metadata.sender == NORA, account
        await asyncio.sleep(self.seconds)
        if isinstance(self.answer, TrimtabError | OSError):
            raise self.answer
        return self.answer

    async def warm(self, account: str, x: X) -> bool:
        assert not x.intent
        return await self.rules(account, x) is not None

    async def nearest(self, account: str, x: X, limit: int) -> list[Lesson]:
        assert x.metadata.sender == NORA, account
        return list(self.lessons[:limit])

    async def card(self, account: str) -> StyleCard | None:
        if account == "unknown":
            raise AccountUnknown(account, ("home",))
        return self.style_card


@dataclass(slots=True, kw_only=True)
class ScriptedWriter:
    """Writes its pieces; waits at `gate` before the last; fails with `failure` after them.

    Asked to mend them it writes `mended`, or the same again; it fails with it if it is an error.
    """

    pieces: Sequence[str] = ("Hello Tim,\n\n", "It floats.\n")
    gate: asyncio.Event | None = None
    failure: Exception | None = None
    mended: str | Exception = ""
    redrafts: list[RedraftTask] = field(default_factory=list)
    name: str = "scripted"
    remote: bool = False
    host: str = ""
    takes_temperature: bool = False
    batches: None = None
    calls: int = 0
    task: DraftTask | None = None
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def stream(self, task: Task) -> AsyncIterator[str | Answer]:
        assert isinstance(task, DraftTask)
        self.calls, self.task = self.calls + 1, task
        self.begun.set()
        try:
            for piece in self.pieces:
                if piece is self.pieces[-1] and self.gate is not None:
                    await self.gate.wait()
                yield piece
            if self.failure is not None:
                raise self.failure
            yield Answer(text="".join(self.pieces), model=self.name, usage=Usage(output_tokens=5))
        finally:
            self.left.set()

    async def complete(self, task: Task) -> Answer:
        assert isinstance(task, RedraftTask)
        self.redrafts.append(task)
        if isinstance(self.mended, Exception):
            raise self.mended
        text = self.mended or "".join(self.pieces)
        return Answer(text=text, model=self.name, usage=Usage(input_tokens=7, output_tokens=3))

    def most(self, task: Task, *, batch: bool = False) -> float | None:
        raise NotImplementedError

    async def close(self) -> None:
        """Nothing is held."""


def nothing_known(request: DraftRequest, found: Known) -> Recipient | None:
    return None


def a_drafter(
    database: Database, agents: SomeAgents, writer: LargeModel | None = None, **changes: Any
) -> Drafter:
    return Drafter(
        database=database,
        agents=agents,
        writer=lambda *_: writer or Offline(),
        recipient=nothing_known,
        clock=clock,
        **changes,
    )


async def events_of(drafter: Drafter, request: DraftRequest) -> list[DraftEvent]:
    return [event async for event in drafter.draft(request)]


async def stored(database: Database) -> int:
    return len(await database.read(draft_store.drafts, "home"))


def done(events: list[DraftEvent]) -> Done:
    assert isinstance(events[-1], Done)
    return events[-1]


@dataclass(slots=True, kw_only=True)
class SmallService:
    """A `Service` over the real drafter and store. A job ends as `finish` says when asked for."""

    database: Database
    drafter: Drafter
    finish: Callable[[Job], tuple[JobState, dict[str, object], str | None]] | None = None
    bug: Exception | None = None
    news: dict[str, Any] = field(default_factory=dict)

    async def status(self) -> dict[str, Any]:
        if self.bug is not None:
            raise self.bug
        return {
            "accounts": [],
            "jobs": [],
            "progress": {"step": "sync", "done": 1, "total": 2},
        } | self.news

    async def pause_nights(self, *, paused: bool) -> dict[str, Any]:
        await self.database.write(night_store.set_paused, NOON if paused else None)
        nothing: dict[str, Any] = {"next": None, "ends": None, "waits_for": [], "runs": []}
        return nothing | {"paused": await self.database.read(night_store.is_paused)}

    async def submit_job(self, kind: JobKind, account: str) -> Job:
        self._known(account)
        return await self.database.write(job_store.enqueue, kind, account, NOON)

    async def answer_deletions(self, account: str, answer: DeletedPolicy) -> None:
        self._known(account)
        await self.database.write(folder_store.set_answer, account, answer)

    async def standing_rules(self, account: str) -> StandingRules:
        self._known(account)
        return await self.database.read(standing_store.standing_rules, account)

    async def set_standing_rules(self, account: str, standing: StandingRules) -> None:
        self._known(account)
        await self.database.write(standing_store.set_standing_rules, account, standing)

    async def job(self, job_id: int) -> Job | None:
        await self._advance()
        return await self.database.read(job_store.job, job_id)

    async def jobs(self) -> list[Job]:
        return await self.database.read(job_store.history, 10)

    async def sent(self, draft_id: str, sent: SentText) -> Edit:
        return await record_sent(self.database, draft_id, sent, clock)

    async def take_back(self, draft_id: str) -> None:
        await take_back(self.database, draft_id, clock)

    async def save(self, draft_id: str) -> Delivered:
        draft = await self._draft(draft_id)
        return Delivered(message_id=f"<{draft.id}@falk.example>", already=False)

    async def send(self, draft_id: str, *, again: bool) -> Delivered:
        saved = await self.save(draft_id)
        return replace(saved, already=again, copy="filed")

    def _known(self, account: str) -> None:
        if account != "home":
            raise AccountUnknown(account, ("home",))

    async def _draft(self, draft_id: str) -> Draft:
        draft = await self.database.read(draft_store.draft, draft_id)
        if draft is None:
            raise DraftNotFound(draft_id)
        return draft

    async def _advance(self) -> None:
        """Queued becomes running at the first look, and ends at the second."""
        running = [job for job in await self.jobs() if job.state == "running"]
        for job in running:
            if self.finish is not None:
                state, outcome, error = self.finish(job)
                await self.database.write(
                    job_store.finish, job.id, state, NOON, outcome=outcome, error=error
                )
        if not running:
            await self.database.write(job_store.lease, NOON)


@asynccontextmanager
async def served(service: SmallService) -> AsyncIterator[Path]:
    """The API over the service on a real Unix socket; its path."""
    with tempfile.TemporaryDirectory(prefix="tt") as home:  # pytest's own paths are too long
        path = Path(home) / "run" / "trimtab.sock"
        async with serve(build_api(service, explain), path):
            yield path


@asynccontextmanager
async def opened(directory: Path) -> AsyncIterator[Database]:
    """A new store under `directory`."""
    database = await Database.open(directory / "trimtab.db")
    try:
        yield database
    finally:
        await database.close()
