"""The one door to the large models: what may leave this machine, and the record of what did.

Whoever has something to ask gets an `Errand`, a large model for one account and purpose. For a
model elsewhere each request is, in this order, allowed by the config, looked at for what the user
has excluded, redacted if so wished, reserved in the budget and written into the ledger; then it
leaves, and the ledger says what came of it. A model on this machine is simply asked.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from daemon.config import OFFLINE, Config
from daemon.errors import CloudForbidden, ExclusionsUnknown, MailExcluded
from daemon.large_models import Models
from daemon.purse import Purse
from daemon.records import LedgerEntry, LedgerEvent, Role
from daemon.store import excluded as excluded_store
from daemon.store import ledger
from daemon.store.database import Connection, Database
from daemon.together import Together
from mlx_agent import render
from mlx_agent.errors import (
    KeyMissing,
    KeyRefused,
    ModelMissing,
    ModelOverloaded,
    ModelUnreachable,
    PromptTooLong,
    RateLimited,
    RequestRefused,
    SampleError,
)
from mlx_agent.large import LargeModel
from mlx_agent.records import Answer, Task, Usage
from mlx_agent.redact import Placeholders, redact
from mlx_agent.teach.exclude import Exclusions, excluded_task

Purpose = Literal["teach", "draft", "evaluate", "judge"]
Keep = Callable[[Connection, Answer], object]
"""Writes an answer down, in the transaction in which the ledger takes note of it."""

_NO_SLOT = nullcontext()
_ROLES: dict[Purpose, Role] = {
    "teach": "teacher",
    "draft": "writer",
    "evaluate": "writer",
    "judge": "judge",
}
_UNPAID = (
    *(KeyMissing, KeyRefused, ModelMissing, RequestRefused, PromptTooLong),
    *(RateLimited, ModelOverloaded),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A task as it leaves, what was redacted of it, and its entry in the ledger."""

    task: Task
    placeholders: Placeholders | None
    entry: LedgerEntry


@dataclass(frozen=True, slots=True)
class Door:
    """One per app. `models` are the large models by the config's names; `clock` gives UTC."""

    config: Config
    database: Database
    purse: Purse
    models: Models
    clock: Callable[[], datetime]
    writes: Together = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "writes", Together(self.database))

    def errand(
        self,
        purpose: Purpose,
        account: str,
        about: str = "",
        thread: tuple[str, ...] = (),
        model: str = "",
    ) -> Errand:
        """A large model for a purpose: the one of the config's for its role, or that `model`.

        `about` is the id of the mail or draft, `thread` the Message-IDs that a draft goes below.
        Raises CloudForbidden where the config does not let the account's mail leave for it.
        """
        name: str = model or getattr(self.config.models, _ROLES[purpose])
        chosen = self.models[name]
        needs: Literal["drafts", "all"] = "drafts" if purpose == "draft" else "all"
        allowed = {"never": (), "drafts": ("drafts",), "all": ("drafts", "all")}
        cloud = self.config.account(account).cloud
        if chosen.remote and needs not in allowed[cloud]:
            raise CloudForbidden(account, name, needs)
        redacted = name != OFFLINE and self.config.large[name].redact
        return Errand(self, chosen, account, purpose, about, thread, redacted=redacted)

    async def exclusions(self, account: str) -> Exclusions:
        """What must not leave of an account; raises ExclusionsUnknown.

        That is where no sync has looked into the folders and labels as the config names them now.
        """
        settings = self.config.account(account)
        chosen = settings.exclude
        found = frozenset[str]()
        if settings.imap and (chosen.folders or chosen.labels):
            if await self.database.read(excluded_store.looked_in, account) != chosen.places:
                raise ExclusionsUnknown(account)
            found = await self.database.read(excluded_store.message_ids, account)
        return Exclusions(addresses=chosen.addresses, words=chosen.words, message_ids=found)

    async def close(self) -> None:
        """Close all models."""
        await self.models.close()


@dataclass(frozen=True, slots=True)
class Errand:
    """A `LargeModel` for one account and purpose."""

    door: Door
    model: LargeModel
    account: str
    purpose: Purpose
    about: str
    thread: tuple[str, ...]
    redacted: bool
    _exclusions: list[Exclusions] = field(default_factory=list)
    """Read once, for a run of teaching asks about thousands of mails."""

    @property
    def name(self) -> str:
        """The model's name."""
        return self.model.name

    @property
    def remote(self) -> bool:
        """Whether mail leaves this machine."""
        return self.model.remote

    @property
    def host(self) -> str:
        """Where mail goes to."""
        return self.model.host

    @property
    def takes_temperature(self) -> bool:
        """As the model does."""
        return self.model.takes_temperature

    @property
    def batches(self) -> None:
        """Batches go by way of `daemon.teaching`, which keeps their ids."""
        return

    def most(self, task: Task, *, batch: bool = False) -> float | None:
        """As the model says."""
        return self.model.most(task, batch=batch)

    async def close(self) -> None:
        """The door closes the models."""

    async def complete(
        self,
        task: Task,
        keep: Keep | None = None,
        *,
        about: str = "",
        slot: AbstractAsyncContextManager[object] = _NO_SLOT,
    ) -> Answer:
        """Answer a task, on its way within `slot`; `keep` writes the answer down.

        Raises MailExcluded, for teaching BudgetSpent and PriceUnknown, and what the model raises.
        """
        if not self.remote:
            async with slot:
                answer = await self.model.complete(task)
            if keep is not None:
                await self.door.writes.write(lambda connection: keep(connection, answer))
            return answer
        packed, begun = await self._let_out(task, about), False
        try:
            async with slot:
                begun = True
                answer = await self.model.complete(packed.task)
        except BaseException as error:
            await asyncio.shield(self.failed(packed.entry, error, begun=begun))
            raise
        return await self.came_back(packed, answer, keep)

    async def stream(self, task: Task) -> AsyncIterator[str | Answer]:
        """The answer in pieces, then whole; raises as `complete`."""
        if not self.remote:
            async with aclosing(self.model.stream(task)) as pieces:  # type: ignore[type-var]
                async for piece in pieces:
                    yield piece
            return
        packed = await self._let_out(task, "")
        restorer = packed.placeholders.restorer() if packed.placeholders else None
        answer: Answer | None = None
        try:
            async with aclosing(self.model.stream(packed.task)) as pieces:  # type: ignore[type-var]
                async for piece in pieces:
                    if isinstance(piece, Answer):
                        answer = piece
                    elif text := restorer.feed(piece) if restorer else piece:
                        yield text
        except BaseException as error:
            await asyncio.shield(self.failed(packed.entry, error))
            raise
        if restorer and (rest := restorer.end()):
            yield rest
        if answer is not None:
            yield await self.came_back(packed, answer)

    async def pack(self, task: Task, about: str, *, batch: bool = False, key: str = "") -> Packed:
        """A task made ready to leave; raises MailExcluded. Nothing is written yet."""
        if not self._exclusions:
            self._exclusions.append(await self.door.exclusions(self.account))
        by = excluded_task(task, self._exclusions[0], self.thread)
        if by is not None:
            raise MailExcluded(self.account, by)
        placeholders = None
        if self.redacted:
            task, placeholders = redact(task)
        said = render.messages(task)
        entry = LedgerEntry(
            request=key or uuid.uuid4().hex,
            event="sent",
            at=self.door.clock(),
            account=self.account,
            role=_ROLES[self.purpose],
            model=self.name,
            host=self.host,
            prompt=render.prompt_name(task),
            about=about or self.about,
            characters=sum(len(message.content) for message in said),
            redacted=self.redacted,
            cost_usd=self.most(task, batch=batch),
            note=f"{self.purpose}, batch" if batch else self.purpose,
        )
        return Packed(task=task, placeholders=placeholders, entry=entry)

    async def came_back(self, packed: Packed, answer: Answer, keep: Keep | None = None) -> Answer:
        """Take note of an answer, in the ledger and with its keeper at once; as it was meant."""
        answer = restored(answer, packed.placeholders)

        def write(connection: Connection) -> None:
            ledger.add(connection, [ended(packed.entry, "answered", self.door, answer.usage)])
            if keep is not None:
                keep(connection, answer)

        try:
            await self.door.writes.write(write)
        finally:  # a full disk frees what was reserved, or teaching would wait for it for ever
            await self.door.purse.settle(packed.entry, answer.usage.cost_usd)
        return answer

    async def failed(self, sent: LedgerEntry, error: BaseException, *, begun: bool = True) -> None:
        """Take note of a failure: paid for, as far as can be known, or not."""
        end = failed_end(sent, error, self.door)
        if not begun:
            end = replace(end, event="unpaid", cost_usd=0.0)
        try:
            await self.door.writes.write(lambda c: ledger.add(c, [end]))
        finally:
            await self.door.purse.settle(sent, end.cost_usd)

    async def _let_out(self, task: Task, about: str) -> Packed:
        packed = await self.pack(task, about)
        await self.door.purse.take(packed.entry, within=self.purpose != "draft")
        try:
            await self._note(packed.entry)
        except BaseException:
            await asyncio.shield(self.door.purse.settle(packed.entry, 0.0))  # it never left
            raise
        return packed

    async def _note(self, sent: LedgerEntry) -> None:
        """Write down what is about to leave; whoever waits for a draft does not wait for a disk."""
        if self.purpose == "draft":
            await self.door.database.write_unsynced(ledger.add, [sent])
        else:
            await self.door.writes.write(lambda connection: ledger.add(connection, [sent]))


def restored(answer: Answer, placeholders: Placeholders | None) -> Answer:
    """The answer with what was redacted put back."""
    return replace(answer, text=placeholders.restore(answer.text)) if placeholders else answer


def failure_event(error: BaseException) -> LedgerEvent:
    """Whether a request that failed so cost nothing, or may have been paid for."""
    if isinstance(error, SampleError) and error.usage is not None:
        return "answered"
    unsent = isinstance(error, ModelUnreachable) and not error.sent
    return "unpaid" if unsent or isinstance(error, _UNPAID) else "lost"


def failed_end(sent: LedgerEntry, error: BaseException, door: Door) -> LedgerEntry:
    """The entry of a failure; one that was paid for cost what it used, if that is known."""
    usage = error.usage if isinstance(error, SampleError) else None
    return ended(sent, failure_event(error), door, usage, note=type(error).__name__)


def ended(
    sent: LedgerEntry,
    event: LedgerEvent,
    door: Door,
    usage: Usage | None = None,
    note: str = "",
) -> LedgerEntry:
    """The entry of how a request ended."""
    costs: dict[LedgerEvent, float | None] = {"unpaid": 0.0, "lost": sent.cost_usd}
    return replace(
        sent,
        event=event,
        at=door.clock(),
        usage=usage,
        cost_usd=usage.cost_usd if usage else costs.get(event),
        note=note or sent.note,
    )
