"""The stage after a sync or an import: what was fetched is cut into its parts.

Fetching stores a mail as it came, so that it never waits for this; here its own text is cut, and
cut again when the rules have changed (`VERSION`). Each batch is one transaction; what is killed
goes on where it stopped, and a repeat does nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from daemon.mailbox.parse import Parsed, mail_id
from daemon.mailbox.text import Cut, cut
from daemon.records import Incoming, Progress, Source
from daemon.store import mail as mail_store
from daemon.store.database import Database
from mlx_agent.records import Mail

VERSION = 2
"""Of the rules of cutting. A change of them that should reach mails already stored raises it."""
BATCH = 500

Report = Callable[[Progress], None]


def uncut(account: str, parsed: Parsed) -> Incoming:
    """A parsed message as it goes into the store, its identity given and nothing cut yet."""
    mail = Mail(
        id=mail_id(parsed),
        account=account,
        message_id=parsed.message_id,
        in_reply_to=parsed.in_reply_to,
        references=parsed.references,
        sender=parsed.sender,
        to=parsed.to,
        cc=parsed.cc,
        subject=parsed.subject,
        sent_at=parsed.sent_at,
        own_text="",
        context=(),
        signature="",
        forwarded="",
        flags=parsed.flags,
        draft_id=parsed.draft_id,
    )
    source = Source(header=parsed.header, plain=parsed.plain, html=parsed.html)
    return Incoming(mail=mail, source=source)


def cut_mail(mail: Mail, source: Source) -> Mail:
    """The mail with the parts that its source is cut into."""
    parts = cut(source.plain, source.html)
    return replace(
        mail,
        own_text=parts.own_text,
        context=parts.context,
        signature=parts.signature,
        forwarded=parts.forwarded,
        flags=(mail.flags - {"forward"}) | _forward(parts),
    )


async def cut_account(name: str, database: Database, report: Report) -> int:
    """Cut what is stored of the account and not cut by these rules, newest first; how many."""
    total = await database.read(mail_store.count_uncut, name, VERSION)
    done = 0
    while pending := await database.read(mail_store.uncut, name, VERSION, BATCH):
        mails = await asyncio.to_thread(_cut_all, pending)
        await database.write(mail_store.replace_cuts, mails, VERSION)
        done += len(mails)
        report(Progress(step="cut", done=done, total=total))
    return done


def _cut_all(pending: Sequence[tuple[Mail, Source]]) -> list[Mail]:
    return [cut_mail(mail, source) for mail, source in pending]


def _forward(parts: Cut) -> frozenset[str]:
    return frozenset({"forward"}) if parts.forwarded and not parts.own_text else frozenset()
