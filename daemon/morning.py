"""The morning's mail: what the night did for an account, from the user to the user.

Made from the night's rows alone, so no mail's content is in it. It says that a program made it
(RFC 3834), by which every sync knows it for mail that neither teaches nor is paired. Once for each
night and account: what may have been sent is never sent again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from typing import Any

from daemon.config import Account, Config, Smtp
from daemon.errors import SendingFailed, SendingUnknown, TrimtabError
from daemon.mailbox.auth.credentials import find_credential
from daemon.mailbox.outbox import hand_in
from daemon.mailbox.submission import Envelope
from daemon.night_words import WAITS
from daemon.records import NightReport, NightRow
from daemon.store import nights as night_store
from daemon.store.database import Database
from mlx_agent.log_lines import told

Runs = Sequence[Mapping[str, Any]]
"""As the status tells them: `daemon.nights.runs`."""

log = logging.getLogger(__name__)


def compose(name: str, account: Account, row: NightRow, runs: Runs, now: datetime) -> Envelope:
    """The mail of one account's runs, the newest first."""
    address = account.addresses[0]
    own = [run for run in reversed(runs) if run["account"] == name]
    utf8 = not address.isascii()
    message = EmailMessage(policy=SMTP.clone(cte_type="7bit", utf8=utf8))
    message["Message-ID"] = f"<night-{row.night.date}.{name}@{address.rpartition('@')[2]}>"
    message["Date"] = format_datetime(now)
    shown = formataddr((account.name, address)) if address.isascii() else address
    message["From"] = shown
    message["To"] = shown
    message["Subject"] = f"trimtab: the night of {row.night.date}, account {name}"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n".join(_lines(row, own)) + "\n")
    return Envelope(sender=address, recipients=(address,), utf8=utf8, content=message.as_bytes())


def _lines(row: NightRow, own: Runs) -> list[str]:
    if not own:
        reasons = [WAITS[wait] for wait in row.waits]
        return ["Nothing was done this night.", *reasons]
    lines = [_line(run) for run in own]
    usd = sum(run["usd"] for run in own)
    return lines if usd == 0 else [*lines, f"Large models cost {usd:.2f} USD."]


def _line(run: Mapping[str, Any]) -> str:
    minutes, seconds = divmod(round(run["seconds"] or 0), 60)
    took = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    return f"{run['kind']} ({took}): {run['sentence']}"


async def send_report(
    config: Config, database: Database, row: NightRow, runs: Runs, now: datetime
) -> None:
    """Send each account that can send its mail of a night, unless that was tried before.

    What could not be handed in for want of a connection is tried again by the next call.
    """
    tried = await database.read(night_store.reports, row.night.date)
    for name, account in config.accounts.items():
        if account.smtp is not None and name not in tried:
            mail = compose(name, account, row, runs, now)
            if await database.write(night_store.begin_report, row.night.date, name):
                state = await _sent(name, account.smtp, mail)
                await database.write(night_store.end_report, row.night.date, name, state)


async def _sent(name: str, smtp: Smtp, mail: Envelope) -> NightReport | None:
    """What came of it; None where nothing left, and another attempt may do better."""
    state: NightReport | None = "done"
    try:
        credential = await asyncio.to_thread(find_credential, name, smtp)
        await hand_in(name, smtp, credential, mail)
    except SendingFailed:
        state = None
    except SendingUnknown:
        state = "unknown"
    except TrimtabError as error:
        state = "failed"
        failed = told(account=name, error=type(error).__name__)
        log.warning("the morning's mail was not sent", extra=failed)
    return state
