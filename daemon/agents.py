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
from mlx_agent.records import AgentAnswer, Kind, Lesson, Mail, Recipient, StyleCard, X
from mlx_agent.rules import format_rules
from mlx_agent.teach.select import SelectSettings, select
from mlx_agent.train.records import Adapter

Stamp = tuple[tuple[str, int, int], ...]

CARD_MAILS = 300
"""A card is measured from this many of the newest mails; more change nothing."""
LONGEST: dict[Kind, int] = {"article": 4000, "review": 1500}
"""Words up to which such texts teach, where `teach.max_words`, which is meant for mail, is less.
The New Yorker's articles have 850 tokens on average by the paper's Table 1, reviews 144."""


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
            kind = self.config.account(account).kind
            known = (mark, await asyncio.to_thread(measure_card, mails, settings, kind))
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
    """The selection's settings for an account by the config, and by the kind of its texts."""
    chosen = config.account(account)
    return SelectSettings(
        min_words=config.teach.min_words,
        max_words=max(config.teach.max_words, LONGEST.get(chosen.kind, 0)),
        limit=config.teach.limit,
        addresses=frozenset(chosen.addresses),
        unchanged=unchanged,
        excluded=excluded,
    )


def measure_card(
    mails: list[Mail], settings: SelectSettings, kind: Kind = "email"
) -> StyleCard | None:
    """A style card of the newest texts that teach, without any model."""
    chosen = {mail.id for mail in select(mails, settings).chosen[-CARD_MAILS:]}
    pairs = [
        (_measured_x(mail, known, kind), mail.own_text)
        for mail, known in walk(mails)
        if mail.id in chosen
    ]
    return style_card(pairs) if pairs else None


def _measured_x(mail: Mail, known: Recipient | None, kind: Kind) -> X:
    metadata = metadata_of(mail, known)
    points = intent_points(mail.own_text, metadata, kind)
    return X(intent=points, metadata=metadata, context=mail.context, kind=kind)
