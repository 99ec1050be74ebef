"""Mail from files into the store.

From the bytes of a message on, the way is the same as for a sync. Importing twice adds nothing, for
a mail's identity is its content. Batches are bounded by count and by bytes, so that memory is.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from daemon.errors import SourceUnreadable
from daemon.mailbox.parse import parse
from daemon.mailbox.parsing.mail_files import EMPTY, FileMessage, Found, Unreadable, read_messages
from daemon.mailbox.reading import VERSION, incoming, settle_cuts
from daemon.records import Batch, CutRules, Incoming, Progress, Quarantined, SyncResult
from daemon.store import cut_rules as rules_store
from daemon.store import mail as mail_store
from daemon.store.database import Database

BATCH = 500
BATCH_BYTES = 8 * 1024 * 1024
NONE: frozenset[str] = frozenset()

Report = Callable[[Progress], None]


async def import_path(path: Path, name: str, database: Database, report: Report) -> SyncResult:
    """Import every message under `path`; raises SourceUnreadable if there is none."""
    result = await add_messages(read_messages(path), name, database, report)
    if not (result.added or result.known or result.quarantined):
        raise SourceUnreadable(path, EMPTY)
    await settle_cuts(name, database, report)
    return result


async def add_messages(
    found: Iterator[Found],
    name: str,
    database: Database,
    report: Report,
    flags: frozenset[str] = NONE,
) -> SyncResult:
    """Store the messages, each with these flags too. The account's cuts are settled afterwards."""
    rules = await database.read(rules_store.rules, name, VERSION)
    added = done = unreadable = 0
    while batch := await asyncio.to_thread(_read_batch, found, name, rules, flags):
        added += await database.write(mail_store.add_batch, batch, rules.version)
        done += len(batch.incoming)
        unreadable += len(batch.quarantined)
        report(Progress(step="import", done=done + unreadable))
    return SyncResult(account=name, added=added, known=done - added, quarantined=unreadable)


def _read_batch(
    found: Iterator[Found], name: str, rules: CutRules, flags: frozenset[str]
) -> Batch | None:
    """The next messages; None after the last one."""
    mails: list[Incoming] = []
    unreadable: list[Quarantined] = []
    size = 0
    for item in islice(found, BATCH):
        if isinstance(item, Unreadable):
            unreadable.append(_quarantined(item))
            continue
        mails.append(_incoming(item, name, rules, flags))
        size += len(item.raw)
        if size >= BATCH_BYTES:
            break
    if not mails and not unreadable:
        return None
    return Batch(account=name, incoming=tuple(mails), quarantined=tuple(unreadable))


def _incoming(found: FileMessage, name: str, rules: CutRules, flags: frozenset[str]) -> Incoming:
    """A message without a date came when its file says, but not in the future."""
    now = datetime.now(UTC)
    parsed = parse(found.raw, now)
    parsed = replace(parsed, flags=parsed.flags | flags)
    if not parsed.dated:
        parsed = replace(parsed, sent_at=min(found.received_at, now))
    return incoming(name, parsed, rules)


def _quarantined(found: Unreadable) -> Quarantined:
    """Under a number that its place gives, so that a second import counts it once."""
    digest = hashlib.sha256(found.place.encode("utf-8", "surrogateescape")).digest()
    return Quarantined(uid=int.from_bytes(digest[:6], "big"), reason=found.reason)
