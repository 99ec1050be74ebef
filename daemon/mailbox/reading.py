"""The stage after a fetch: raw messages become mails, their own text cut.

Then the account's recurring tails are learned from its mails, and mails that were cut by other
rules, the program's (`VERSION`) or the account's, are cut anew from what was fetched of them. Each
batch is one transaction; what is killed goes on where it stopped, and a repeat does nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from daemon.mailbox.cutting.tails import learn_tails, split_tail
from daemon.mailbox.parse import Parsed, build, cut_mail, parse, parse_parts
from daemon.records import (
    Batch,
    CutRules,
    FetchedBatch,
    Incoming,
    Progress,
    Quarantined,
    RawMessage,
    Source,
)
from daemon.store import cut_rules as rules_store
from daemon.store import fetched as fetched_store
from daemon.store import mail as mail_store
from daemon.store.database import Database
from mlx_agent.records import Mail

VERSION = 3
"""Of the rules of cutting. A change of them that should reach mails already stored raises it."""
BATCH = 500
TAIL_MAILS, TAIL_CHARACTERS = 20_000, 1_000
"""Tails are learned from the ends of so many mails, the newest."""
_FEW, _SHARE = 3, 50
"""They are learned anew after 3 more mails, and in a larger store after 2 % more."""

Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadResult:
    """How many messages were read, how many of them were new mails, and how many set aside."""

    read: int
    added: int
    quarantined: int


async def read_account(name: str, database: Database, report: Report) -> ReadResult:
    """Read all that was fetched for the account, newest first."""
    rules = await database.read(rules_store.rules, name, VERSION)
    total = await database.read(fetched_store.count, name)
    read = added = aside = 0
    while batch := await database.read(fetched_store.waiting, name, BATCH):
        row = await asyncio.to_thread(_read, batch, rules)
        added += await database.write(fetched_store.settle, row, rules.version)
        read += len(row.incoming)
        aside += len(row.quarantined)
        report(Progress(step="read", done=read + aside, total=total))
    return ReadResult(read=read, added=added, quarantined=aside)


async def settle_cuts(name: str, database: Database, report: Report) -> int:
    """Learn the account's tails, and cut anew what other rules have cut; how many mails."""
    await _learn(name, database)
    rules = await database.read(rules_store.rules, name, VERSION)
    total = await database.read(mail_store.count_outdated, name, rules.version)
    done = 0
    while pending := await database.read(mail_store.outdated, name, rules.version, BATCH):
        cuts = await asyncio.to_thread(_cut_all, pending, rules)
        await database.write(mail_store.replace_cuts, cuts, rules.version)
        done += len(cuts)
        report(Progress(step="cut", done=done, total=total))
    return done


def incoming(account: str, parsed: Parsed, rules: CutRules) -> Incoming:
    """A parsed message on its way into the store, cut by the account's rules."""
    built = build(account, parsed)
    mail, tail = _without_tail(built.mail, rules)
    return replace(built, mail=mail, tail=tail)


async def _learn(name: str, database: Database) -> None:
    rules = await database.read(rules_store.rules, name, VERSION)
    mails = await database.read(mail_store.count, name)
    if abs(mails - rules.learned_from) < max(_FEW, rules.learned_from // _SHARE):
        return
    texts = await database.read(mail_store.endings, name, TAIL_MAILS, TAIL_CHARACTERS)
    tails = await asyncio.to_thread(learn_tails, texts)
    await database.write(rules_store.keep_tails, name, tails, mails)


def _read(batch: FetchedBatch, rules: CutRules) -> Batch:
    """The mails of a batch. One that trips us up is set aside: it must not stop the rest."""
    account = batch.folder.account
    mails: list[Incoming] = []
    aside: list[Quarantined] = []
    for message in batch.messages:
        try:
            mails.append(replace(incoming(account, _parsed(message), rules), uid=message.uid))
        except Exception as error:  # noqa: BLE001  # by a fault of ours, whatever it is
            reason = f"trimtab cannot read it ({type(error).__name__})"
            aside.append(Quarantined(uid=message.uid, reason=reason))
    return Batch(
        account=account,
        incoming=tuple(mails),
        quarantined=tuple(aside),
        folder=batch.folder,
    )


def _parsed(message: RawMessage) -> Parsed:
    if message.parts is None:
        return parse(message.header, message.received_at)
    return parse_parts(
        message.header, list(message.parts), list(message.types), message.received_at
    )


def _cut_all(pending: Sequence[tuple[Mail, Source]], rules: CutRules) -> list[tuple[Mail, str]]:
    return [_without_tail(cut_mail(mail, source), rules) for mail, source in pending]


def _without_tail(mail: Mail, rules: CutRules) -> tuple[Mail, str]:
    """The mail with its recurring tail in its signature, and that tail."""
    own_text, tail = split_tail(mail.own_text, rules.tails)
    if not tail or "whole" in mail.flags:
        return mail, ""
    signature = "\n".join(filter(None, (tail, mail.signature)))
    return replace(mail, own_text=own_text, signature=signature), tail
