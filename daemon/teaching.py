"""Teaching over the store: the answers are kept there, whichever way they come.

Live, a desk asks one question at a time for each of many samples. In batches, all questions that
are open are handed in at once, for half the price, and the answers fetched when the provider has
them, maybe by another process. Either way a question has its row before it leaves, and its answer
is written down with the ledger's note of it in one transaction, so that a kill at any point loses
what is in flight at that moment and nothing else.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from daemon.errors import BudgetSpent, MailExcluded
from daemon.outgoing import Errand, Packed, ended, failed_end, failure_event, restored
from daemon.records import LedgerEntry, TeachBatch
from daemon.store import answers as answer_store
from daemon.store import batches as batch_store
from daemon.store import ledger
from daemon.store.database import Connection, Database
from mlx_agent import render
from mlx_agent.errors import ModelUnreachable, SampleError, TrimtabError, UserError
from mlx_agent.large import Batches
from mlx_agent.records import Answer, Lesson
from mlx_agent.redact import redact
from mlx_agent.teach.lessons import (
    Answered,
    Ask,
    Recipe,
    SetAside,
    TeachItem,
    advance,
    lesson_id,
)

BATCH = 1_000
"""Questions in one batch; a provider takes more, but this bounds what is in memory."""
SKEW = timedelta(minutes=5)
"""By so much a provider's clock may differ from ours."""
GRACE = timedelta(minutes=2)
"""So long a batch may be on its way before it counts as never having arrived."""


@dataclass(frozen=True, slots=True)
class StoreDesk:
    """A `Desk` that keeps every answer in the store; a question is on its way within `slots`."""

    errand: Errand
    database: Database
    slots: AbstractAsyncContextManager[object] = field(default_factory=nullcontext)

    async def kept(self, lesson_id: str) -> tuple[Answered, ...]:
        """The answers that the store has of a lesson."""
        return await self.database.read(answer_store.answers, self.errand.account, lesson_id)

    async def ask(self, ask: Ask) -> Answered:
        """Have it answered, and keep what comes of it; raises as `Errand.complete`."""

        def keep(connection: Connection, answer: Answer) -> None:
            _keep(connection, self.errand.account, ask, ask.answered(answer))

        try:
            answer = await self.errand.complete(
                ask.task, keep, about=ask.sample_id, slot=self.slots
            )
        except SampleError as error:
            failed = ask.answered(error)
        except MailExcluded as error:
            failed = _left_in(ask, error)
        else:
            return ask.answered(answer)
        await self.database.write(_keep, self.errand.account, ask, failed)
        return failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What a round of batches came to, and how many questions are still at the provider.

    `moved`: something was fetched or handed in, so that another round may bring more at once.
    """

    made: tuple[Lesson | SetAside, ...]
    waiting: int
    moved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchTeaching:
    """Teaching one account in batches."""

    errand: Errand
    batches: Batches
    database: Database
    recipe: Recipe
    clock: Callable[[], datetime]

    async def round(self, items: Sequence[TeachItem]) -> Round:
        """Fetch what has been answered, and hand in what is to be asked next.

        Raises BudgetSpent where there is nothing to wait for and no room for more, and what the
        provider's service raises; what was fetched is kept all the same.
        """
        by_lesson = {lesson_id(item, self.recipe): item for item in items}
        before = await self._open()
        for batch in before:
            await self._look_after(batch, by_lesson)
        pending = {_lesson_of(key) for batch in await self._open() for key in batch.asks}
        made: list[Lesson | SetAside] = []
        asks: list[Ask] = []
        for lesson, item in by_lesson.items():
            if lesson in pending:
                continue
            step = advance(item, self.recipe, await self._kept(lesson))
            if isinstance(step, Ask):
                asks.append(step)
            else:
                made.append(step)
        try:
            await self._hand_in(asks)
        except BudgetSpent:
            if not made and not pending:
                raise
        after = await self._open()
        return Round(
            made=tuple(made),
            waiting=sum(len(batch.asks) for batch in after),
            moved={batch.id for batch in before} != {batch.id for batch in after},
        )

    async def _open(self) -> list[TeachBatch]:
        found = await self.database.read(batch_store.open_batches, self.errand.account)
        return [batch for batch in found if batch.model == self.errand.name]

    async def _kept(self, lesson: str) -> tuple[Answered, ...]:
        return await self.database.read(answer_store.answers, self.errand.account, lesson)

    # --- handing in ---------------------------------------------------------------------------

    async def _hand_in(self, asks: Sequence[Ask]) -> None:
        """As many of the questions as the budget has room for, in batches."""
        for start in range(0, len(asks), BATCH):
            chunk = asks[start : start + BATCH]
            batch_id = uuid.uuid4().hex[:12]
            packed = [one for ask in chunk if (one := await self._pack(batch_id, ask))]
            fit = await self.errand.door.purse.take_first([one.entry for one in packed])
            if fit:
                await self._submit(batch_id, packed[:fit])
            if fit < len(packed):
                return

    async def _pack(self, batch_id: str, ask: Ask) -> Packed | None:
        key = f"{batch_id}_{ask.key}"
        try:
            return await self.errand.pack(ask.task, ask.sample_id, batch=True, key=key)
        except MailExcluded as error:
            await self.database.write(_keep, self.errand.account, ask, _left_in(ask, error))
            return None

    async def _submit(self, batch_id: str, packed: Sequence[Packed]) -> None:
        batch = TeachBatch(
            id=batch_id,
            account=self.errand.account,
            model=self.errand.name,
            state="submitting",
            begun_at=self.clock(),
            asks=tuple(one.entry.request for one in packed),
        )

        def write(connection: Connection) -> None:
            ledger.add(connection, [one.entry for one in packed])
            batch_store.add(connection, batch)

        await self.database.write(write)
        try:
            tasks = {one.entry.request: one.task for one in packed}
            provider_id = await self.batches.submit(tasks)
        except TrimtabError as error:
            if failure_event(error) == "unpaid":
                await self._abandon(batch, error)
            raise
        await self.database.write(batch_store.submitted, batch_id, provider_id)

    async def _abandon(self, batch: TeachBatch, error: BaseException) -> None:
        """It is not at the provider: its questions are open again."""
        sent = await self.database.read(ledger.sent, batch.asks)

        def write(connection: Connection) -> None:
            note = type(error).__name__
            unpaid = [ended(e, "unpaid", self.errand.door, note=note) for e in sent.values()]
            ledger.add(connection, unpaid)
            batch_store.end(connection, batch.id, "abandoned", self.clock())

        await self.database.write(write)
        for entry in sent.values():
            await self.errand.door.purse.settle(entry, 0.0)

    # --- fetching -----------------------------------------------------------------------------

    async def _look_after(self, batch: TeachBatch, items: Mapping[str, TeachItem]) -> None:
        provider_id = batch.provider_id or await self._found(batch)
        if provider_id is not None and await self.batches.ended(provider_id):
            await self._collect(replace(batch, provider_id=provider_id), items)

    async def _found(self, batch: TeachBatch) -> str | None:
        """The provider's id of a batch that was being handed in when a process ended.

        If the provider has one of that time and size that is nobody's, it is taken for this one,
        until its answers say otherwise; if it has none after a while, this one never arrived.
        """
        known = await self.database.read(batch_store.known_ids)
        like_it = await self.batches.find(batch.begun_at - SKEW, len(batch.asks))
        for provider_id in like_it:
            if provider_id not in known and provider_id not in batch.passed_over:
                await self.database.write(batch_store.submitted, batch.id, provider_id)
                return provider_id
        if self.clock() - batch.begun_at > GRACE:
            await self._abandon(batch, ModelUnreachable(batch.model, "it never arrived"))
        return None

    async def _collect(self, batch: TeachBatch, items: Mapping[str, TeachItem]) -> None:
        """Write down all answers of a batch and its end at once."""
        assert batch.provider_id is not None
        sent = await self.database.read(ledger.sent, batch.asks)
        results: dict[str, Answer | TrimtabError] = {}
        async for key, result in self.batches.results(batch.provider_id):
            if key not in sent:  # somebody else's that looked like ours
                await self.database.write(batch_store.pass_over, batch, batch.provider_id)
                return
            results[key] = result
        ends = [self._end(sent[key], results.get(key)) for key in sent]
        answered = [
            one
            for key, result in results.items()
            if (one := await self._answered(sent[key], result, items))
        ]

        def write(connection: Connection) -> None:
            ledger.add(connection, ends)
            for ask, what in answered:
                _keep(connection, self.errand.account, ask, what)
            batch_store.end(connection, batch.id, "collected", self.clock())

        await self.database.write(write)
        for end in ends:
            await self.errand.door.purse.settle(sent[end.request], end.cost_usd)
        for result in results.values():
            if isinstance(result, UserError):  # the next batch would come to the same
                raise result

    def _end(self, sent: LedgerEntry, result: Answer | TrimtabError | None) -> LedgerEntry:
        if isinstance(result, Answer):
            return ended(sent, "answered", self.errand.door, result.usage)
        if result is None:
            return ended(sent, "unpaid", self.errand.door, note="no result")
        return failed_end(sent, result, self.errand.door)

    async def _answered(
        self, sent: LedgerEntry, result: Answer | TrimtabError, items: Mapping[str, TeachItem]
    ) -> tuple[Ask, Answered] | None:
        """The question that was sent and what came of it; None if nobody asks it any more."""
        lesson, position = _lesson_of(sent.request), int(sent.request.rpartition("-")[2])
        item = items.get(lesson)
        ask = item and advance(item, self.recipe, await self._kept(lesson))
        if not isinstance(ask, Ask) or ask.position != position:
            return None
        if isinstance(result, Answer):
            if sent.redacted:
                result = restored(result, redact(ask.task)[1])
            return ask, ask.answered(result)
        if isinstance(result, SampleError):  # about a key: the service knows no prompt
            return ask, ask.answered(replace(result, prompt=render.prompt_name(ask.task)))
        return None


def _lesson_of(key: str) -> str:
    """The lesson that a batch's key is about: `<batch>_<lesson>-<position>`."""
    return key.partition("_")[2].rpartition("-")[0]


def _keep(connection: Connection, account: str, ask: Ask, answered: Answered) -> None:
    answer_store.add(connection, account, ask.sample_id, (ask.lesson_id, ask.position), answered)


def _left_in(ask: Ask, error: MailExcluded) -> Answered:
    """The answer that there is none, for it must not be asked."""
    return ask.failed(f"excluded by its {error.by}")
