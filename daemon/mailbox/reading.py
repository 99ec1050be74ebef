"""The stage after a fetch: raw messages become mails, their own text cut.

Also, mails that older rules have cut (`VERSION`) are cut anew from what was fetched of them. Each
batch is one transaction; what is killed goes on where it stopped, and a repeat does nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from daemon.mailbox.parse import Parsed, build, cut_mail, parse, parse_parts
from daemon.records import (
    Batch,
    FetchedBatch,
    Incoming,
    Progress,
    Quarantined,
    RawMessage,
    Source,
)
from daemon.store import fetched as fetched_store
from daemon.store import mail as mail_store
from daemon.store.database import Database
from mlx_agent.records import Mail

VERSION = 2
"""Of the rules of cutting. A change of them that should reach mails already stored raises it."""
BATCH = 500

Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadResult:
    """How many messages were read, how many of them were new mails, and how many set aside."""

    read: int
    added: int
    quarantined: int


async def read_account(name: str, database: Database, report: Report) -> ReadResult:
    """Read all that was fetched for the account, newest first."""
    total = await database.read(fetched_store.count, name)
    read = added = aside = 0
    while batch := await database.read(fetched_store.waiting, name, BATCH):
        row = await asyncio.to_thread(_read, batch)
        added += await database.write(fetched_store.settle, row, VERSION)
        read += len(row.incoming)
        aside += len(row.quarantined)
        report(Progress(step="read", done=read + aside, total=total))
    return ReadResult(read=read, added=added, quarantined=aside)


async def cut_anew(name: str, database: Database, report: Report) -> int:
    """Cut the account's mails that other rules have cut, newest first; how many."""
    total = await database.read(mail_store.count_outdated, name, VERSION)
    done = 0
    while pending := await database.read(mail_store.outdated, name, VERSION, BATCH):
        mails = await asyncio.to_thread(_cut_all, pending)
        await database.write(mail_store.replace_cuts, mails, VERSION)
        done += len(mails)
        report(Progress(step="cut", done=done, total=total))
    return done


def _read(batch: FetchedBatch) -> Batch:
    """The mails of a batch. One that trips us up is set aside: it must not stop the rest."""
    account = batch.folder.account
    incoming: list[Incoming] = []
    aside: list[Quarantined] = []
    for message in batch.messages:
        try:
            incoming.append(replace(build(account, _parsed(message)), uid=message.uid))
        except Exception as error:  # noqa: BLE001  # by a fault of ours, whatever it is
            reason = f"trimtab cannot read it ({type(error).__name__})"
            aside.append(Quarantined(uid=message.uid, reason=reason))
    return Batch(
        account=account,
        incoming=tuple(incoming),
        quarantined=tuple(aside),
        folder=batch.folder,
    )


def _parsed(message: RawMessage) -> Parsed:
    if message.parts is None:
        return parse(message.header, message.received_at)
    return parse_parts(
        message.header, list(message.parts), list(message.types), message.received_at
    )


def _cut_all(pending: Sequence[tuple[Mail, Source]]) -> list[Mail]:
    return [cut_mail(mail, source) for mail, source in pending]
