"""The gate's shell: asks a candidate and its rivals for their rules, and a writer for the drafts.

The offline writer judges on all held-out mails. A candidate that passes is looked at once more, on
a few mails and beside its nearest rival, by the writer that the user's drafts are written by: where
the config lets the account's mail leave for that, and within a budget of its own. What keeps that
writer from answering keeps no candidate from use.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

from daemon.config import OFFLINE
from daemon.errors import MailExcluded
from daemon.jobs.worker import Worker
from daemon.outgoing import Door, Errand
from daemon.store import mail as mail_store
from mlx_agent import adapters
from mlx_agent.card import style_card
from mlx_agent.errors import (
    AdapterDamaged,
    AdapterNotFound,
    BaseDamaged,
    BaseNotFound,
    TrimtabError,
)
from mlx_agent.large import LargeModel
from mlx_agent.records import AgentAnswer, DraftTask, Lesson, Rule
from mlx_agent.teach.dataset import Splits
from mlx_agent.train.gate import (
    CARD,
    CURRENT,
    ZERO_SHOT,
    GateScores,
    Series,
    decide,
    lists_of,
    refuse,
    score,
)
from mlx_agent.train.records import Adapter, Lists, TrainSettings, Verdict

log = logging.getLogger(__name__)

MAILS = 120
"""Held-out mails that the offline writer judges on: the newest."""
CARD_MAILS = 300
"""Mails that a style card is measured from, as for drafts."""
AT_ONCE = 16
"""Mails that an agent is asked about in one request, so that a draft need not wait for all."""
REAL_MAILS, REAL_USD = 6, 1.0
"""What the real writer judges: so many mails, and fewer where they could cost more than this.

An answer can cost many times what it does cost.
"""
FEWEST_REAL = 4
"""Of fewer mails no interval says anything."""
_UNUSABLE = (AdapterDamaged, AdapterNotFound, BaseDamaged, BaseNotFound)

RulesOf = Mapping[str, Sequence[tuple[Rule, ...]]]
"""By a rival's name its rules for each held-out mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Current:
    """What the current adapter says of the held-out mails; no losses where it has other tokens."""

    rules: Sequence[tuple[Rule, ...]]
    lists: Lists
    losses: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """The gate of a home. `offline` is the writer that costs nothing.

    `forgotten` are adapters that are to go, for they learned from mail that the user had forgotten:
    a candidate need not be better than they.
    """

    door: Door
    worker: Worker
    offline: LargeModel
    root: Path
    forgotten: frozenset[str] = frozenset()

    async def judge(self, candidate: Adapter, splits: Splits) -> Verdict:
        """The verdict on a candidate, by held-out later mail; raises WorkerDied and WorkerBusy."""
        held_out = splits.valid[-MAILS:]
        if not held_out:
            return refuse(candidate.id, "there is nothing to judge it by")
        if not math.isfinite(candidate.metrics.get("valid_loss", 0.0)):
            return refuse(candidate.id, "its validation loss is no number")
        try:
            answers = await self._answers(candidate.id, held_out)
        except _UNUSABLE as error:
            return refuse(candidate.id, _why(error))
        losses = await self._losses(candidate, candidate, held_out)
        lists = lists_of(answers, [one.x for one in held_out], losses)
        rivals: dict[str, Sequence[tuple[Rule, ...]]] = {ZERO_SHOT: [()] * len(held_out)}
        card = await asyncio.to_thread(_card, splits.train)
        if card:
            rivals[CARD] = [card] * len(held_out)
        now = await self._current(candidate, held_out)
        if now is not None:
            rivals[CURRENT] = now.rules
        rules = [answer.rules for answer in answers]
        scores = GateScores(
            rivals=await self._series(held_out, rules, rivals),
            lists=lists,
            current=now.lists if now else None,
            losses=(losses, now.losses) if losses and now and now.losses else None,
        )
        verdict = decide(candidate.id, scores)
        if not verdict.promoted:
            return verdict
        more = await self._by_the_real_writer(candidate.account, held_out, rules, rivals)
        return decide(candidate.id, replace(scores, rivals=(*scores.rivals, *more)))

    async def _answers(self, adapter_id: str, lessons: Sequence[Lesson]) -> list[AgentAnswer]:
        adapter = adapters.verify(self.root, adapter_id)
        found: list[AgentAnswer] = []
        for start in range(0, len(lessons), AT_ONCE):
            xs = [lesson.x for lesson in lessons[start : start + AT_ONCE]]
            path = self.root / adapter.id
            found += await self.worker.rules(adapter.base, path, xs, adapter.render)
        return found

    async def _losses(
        self, adapter: Adapter, candidate: Adapter, lessons: Sequence[Lesson]
    ) -> list[float]:
        """What an adapter does not foresee of these lessons; nothing where it has other tokens.

        One that thinks first foresees the rules from what it thought, which is not looked at here.
        """
        if adapter.base_hash != candidate.base_hash or adapter.render.thinking:
            return []
        found: list[float] = []
        most = int(adapter.settings.get("max_tokens") or TrainSettings().max_tokens)
        for start in range(0, len(lessons), AT_ONCE):
            some = [(one.x, one.rules) for one in lessons[start : start + AT_ONCE]]
            path = self.root / adapter.id
            found += await self.worker.losses(adapter.base, path, some, adapter.render, most)
        return found

    async def _current(self, candidate: Adapter, lessons: Sequence[Lesson]) -> _Current | None:
        """What the current adapter says, if there is one that can be asked."""
        current = adapters.current(self.root, candidate.account)
        if current is None or current in self.forgotten:
            return None
        try:
            answers = await self._answers(current, lessons)
            adapter = adapters.verify(self.root, current)
            losses = await self._losses(adapter, candidate, lessons)
        except _UNUSABLE as error:
            log.warning("the current adapter cannot be asked: %s", type(error).__name__)
            return None
        return _Current(
            rules=[answer.rules for answer in answers],
            lists=lists_of(answers, [lesson.x for lesson in lessons], losses),
            losses=losses,
        )

    async def _series(
        self, lessons: Sequence[Lesson], rules: Sequence[tuple[Rule, ...]], rivals: RulesOf
    ) -> tuple[Series, ...]:
        own = await score(lessons, rules, self.offline)
        return tuple(
            [
                Series(
                    name=name,
                    writer=self.offline.name,
                    candidate=tuple(own),
                    rival=tuple(await score(lessons, theirs, self.offline)),
                )
                for name, theirs in rivals.items()
            ]
        )

    async def _by_the_real_writer(
        self,
        account: str,
        lessons: Sequence[Lesson],
        rules: Sequence[tuple[Rule, ...]],
        rivals: RulesOf,
    ) -> tuple[Series, ...]:
        """The candidate beside the last of the rivals; nothing where that cannot be had."""
        writer = self.door.config.models.writer
        if writer == OFFLINE:
            return ()
        name = list(rivals)[-1]
        newest = list(zip(lessons, rules, rivals[name], strict=True))[::-1]
        try:
            async with aclosing(self._pairs(account, newest)) as pairs:
                found = [pair async for pair in pairs]
        except TrimtabError as error:
            log.info("%s did not judge the candidate: %s", writer, type(error).__name__)
            return ()
        if len(found) < FEWEST_REAL:
            return ()
        mine, theirs = zip(*found, strict=True)
        return (Series(name=name, writer=writer, candidate=mine, rival=theirs),)

    async def _pairs(
        self, account: str, mails: Sequence[tuple[Lesson, tuple[Rule, ...], tuple[Rule, ...]]]
    ) -> AsyncGenerator[tuple[float, float], None]:
        """The distances of both drafts for mail after mail, while the budget lasts."""
        left, judged = REAL_USD, 0
        for lesson, rules, theirs in mails:
            errand = await self._errand(account, lesson)
            most = _most(errand, [DraftTask(x=lesson.x, rules=r) for r in (rules, theirs)])
            if judged == REAL_MAILS or most > left:
                return
            try:
                found = await score([lesson] * 2, [rules, theirs], errand)
            except MailExcluded:
                continue
            left, judged = left - most, judged + 1
            yield found[0], found[1]

    async def _errand(self, account: str, lesson: Lesson) -> Errand:
        """For this mail, whose thread tells whether it may leave."""
        mail = await self.door.database.read(mail_store.mail, account, lesson.sample_id)
        thread = (mail.message_id, mail.in_reply_to, *mail.references) if mail else ()
        return self.door.errand("evaluate", account, lesson.sample_id, thread)


def _card(lessons: Sequence[Lesson]) -> tuple[Rule, ...]:
    """The account's style card as it is without the held-out mails."""
    return style_card([(lesson.x, lesson.own_text) for lesson in lessons[-CARD_MAILS:]]).rules


def _most(errand: Errand, tasks: Sequence[DraftTask]) -> float:
    """USD that the drafts can cost; the purse refuses what has no price."""
    return sum(errand.most(task) or 0.0 for task in tasks) if errand.remote else 0.0


def _why(error: TrimtabError) -> str:
    if isinstance(error, AdapterDamaged):
        return f"it is damaged: {error.reason}"
    return "its files are missing" if isinstance(error, AdapterNotFound) else "its base is missing"
