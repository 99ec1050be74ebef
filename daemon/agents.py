"""What drafting asks of an account: its adapter's rules, its nearest lessons, its style card.

Joins the worker, the adapters on disk and the store; holds no state but the cards that it has
measured and the adapters that it has verified, until what they were made of changes.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path

from daemon.config import Config
from daemon.habits import seen
from daemon.jobs.worker import Worker
from daemon.learning import origins
from daemon.store import mail as mail_store
from daemon.store import nearest as nearest_store
from daemon.store import status as status_store
from daemon.store.database import Database
from daemon.store.status import Mark
from mlx_agent import adapters
from mlx_agent.card import style_card
from mlx_agent.few_shot import NEIGHBOURS
from mlx_agent.large.offline import intent_points
from mlx_agent.recipients import metadata_of, walk
from mlx_agent.records import AgentAnswer, Lesson, Mail, Recipient, StyleCard, X
from mlx_agent.rules import format_rules
from mlx_agent.teach.select import SelectSettings, select
from mlx_agent.train.records import Adapter

Stamp = tuple[tuple[str, int, int], ...]

CARD_MAILS = 300
"""A card is measured from this many of the newest mails; more change nothing."""


@dataclass(slots=True)
class Agents:
    """Rules and cards by account. One per app."""

    config: Config
    root: Path
    worker: Worker
    database: Database
    _cards: dict[str, tuple[Mark, StyleCard | None]] = field(default_factory=dict)
    _verified: dict[str, tuple[Stamp, Adapter]] = field(default_factory=dict)

    async def rules(self, account: str, x: X) -> AgentAnswer | None:
        """The current adapter's answer for x, None where there is no adapter.

        Raises AdapterDamaged, BaseNotFound, WorkerBusy, WorkerDied, WorkerFailed and OSError.
        """
        adapter = await self._adapter(account)
        if adapter is None:
            return None
        path = self.root / adapter.id
        lessons = await self.nearest(account, x, NEIGHBOURS)
        if adapter.render.habits:
            x = seen(x, lessons)
        hints = [format_rules(lesson.rules) for lesson in lessons]
        answers = await self.worker.rules(adapter.base, path, [x], adapter.render, hints=hints)
        return replace(answers[0], adapter=adapter.id, base=adapter.base)

    async def warm(self, account: str, x: X) -> bool:
        """Have the current adapter read what is known of x; False where there is no adapter.

        Raises what `rules` raises.
        """
        adapter = await self._adapter(account)
        if adapter is None:
            return False
        await self.worker.warm(adapter.base, self.root / adapter.id, x, adapter.render)
        return True

    async def nearest(self, account: str, x: X, limit: int) -> list[Lesson]:
        """The account's lessons nearest to x, the nearest first; raises AccountUnknown."""
        self.config.account(account)  # what is no account any more lends no voice
        return await self.database.read(nearest_store.nearest, account, x, limit)

    async def card(self, account: str) -> StyleCard | None:
        """The account's style card, None before there is mail to measure."""
        mark = await self.database.read(status_store.mark, account)
        known = self._cards.get(account)
        if known is None or known[0] != mark:
            mails = await self.database.read(mail_store.mails, account)
            found = await origins(self.database, account, mails)
            settings = select_settings(self.config, account, found.unchanged, found.taken_back)
            known = (mark, await asyncio.to_thread(measure_card, mails, settings))
            self._cards[account] = known
        return known[1]

    async def _adapter(self, account: str) -> Adapter | None:
        """The current adapter, None where there is none; raises as `adapters.verify`."""
        current = adapters.current(self.root, account)
        if current is None:
            return None
        stamp = _stamp(self.root / current)
        known = self._verified.get(current)
        if known is None or known[0] != stamp:
            known = (stamp, await asyncio.to_thread(adapters.verify, self.root, current))
            self._verified[current] = known
        return known[1]


def _stamp(directory: Path) -> Stamp:
    """What changes with the files of an adapter, to hash them once and not for every draft."""
    try:
        found = [(file.name, file.stat()) for file in directory.iterdir() if file.is_file()]
    except OSError:
        return ()
    return tuple(sorted((name, stat.st_mtime_ns, stat.st_size) for name, stat in found))


def select_settings(
    config: Config,
    account: str,
    unchanged: frozenset[str],
    excluded: frozenset[str] = frozenset(),
) -> SelectSettings:
    """The selection's settings for an account by the config."""
    return SelectSettings(
        min_words=config.teach.min_words,
        max_words=config.teach.max_words,
        limit=config.teach.limit,
        addresses=frozenset(config.account(account).addresses),
        unchanged=unchanged,
        excluded=excluded,
    )


def measure_card(mails: list[Mail], settings: SelectSettings) -> StyleCard | None:
    """A style card of the newest mails that teach, without any model."""
    chosen = {mail.id for mail in select(mails, settings).chosen[-CARD_MAILS:]}
    pairs = [
        (_measured_x(mail, known), mail.own_text)
        for mail, known in walk(mails)
        if mail.id in chosen
    ]
    return style_card(pairs) if pairs else None


def _measured_x(mail: Mail, known: Recipient | None) -> X:
    metadata = metadata_of(mail, known)
    return X(intent=intent_points(mail.own_text, metadata), metadata=metadata, context=mail.context)
