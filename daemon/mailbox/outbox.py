"""Mail out: a draft into the Drafts folder, or by SMTP on the user's explicit word.

Each draft has one Message-ID, made from its id, so that asking twice cannot make two: before a
repeat the folder is searched for it. Sending is one attempt; its outcome is never guessed.
"""

from __future__ import annotations

import asyncio
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, quote

import aiosmtplib

from daemon.config import Account, Smtp
from daemon.errors import LoginRefused, SendingRefused, ServerMissing, ServerUnreachable
from daemon.mailbox.passwords import find_password
from daemon.mailbox.sync import find_folder, open_mailbox
from mlx_agent.records import Address, Draft

HEADER = "X-Trimtab-Draft"
_TIMEOUT_S = 60
_CUT = (
    aiosmtplib.SMTPConnectError,
    aiosmtplib.SMTPServerDisconnected,
    aiosmtplib.SMTPTimeoutError,
)


def message_id(draft: Draft) -> str:
    """The Message-ID of a draft: always the same."""
    return f"<{draft.id}@trimtab.invalid>"


def compose(draft: Draft) -> EmailMessage:
    """The draft as a message; the header names the draft so that its edit is found."""
    metadata = draft.x.metadata
    message = EmailMessage(policy=SMTP)
    message["Message-ID"] = message_id(draft)
    message["Date"] = format_datetime(draft.created_at)
    message["From"] = _shown(metadata.sender)
    if metadata.to:
        message["To"] = ", ".join(map(_shown, metadata.to))
    if metadata.cc:
        message["Cc"] = ", ".join(map(_shown, metadata.cc))
    message["Subject"] = " ".join(metadata.subject.split())
    message[HEADER] = draft.id
    message.set_content(draft.text + "\n")
    return message


async def append_draft(draft: Draft, account: Account) -> str:
    """APPEND the draft to the Drafts folder unless it is there; its Message-ID.

    Raises ServerMissing, FolderNotFound, and what a sync raises for the connection.
    """
    if account.imap is None:
        raise ServerMissing(draft.account)
    async with open_mailbox(draft.account, account.imap) as mailbox:
        folder = await find_folder(mailbox, "drafts", account.imap.drafts_folder)
        if not await asyncio.to_thread(mailbox.holds, folder, message_id(draft)):
            raw = compose(draft).as_bytes()
            await asyncio.to_thread(mailbox.append, folder, raw, [b"\\Draft"])
    return message_id(draft)


async def send(draft: Draft, account: Account) -> str:
    """Send the draft, once; its Message-ID.

    Raises SendingRefused where there is no SMTP server, no recipient, or the server says no to one
    of them or to all; LoginRefused; and ServerUnreachable, after which it is not known whether the
    mail left.
    """
    if account.smtp is None:
        raise SendingRefused(draft.account, "the account has no smtp table in the config")
    if not draft.x.metadata.to:
        raise SendingRefused(draft.account, "the draft has no recipient")
    message = compose(draft)
    del message[HEADER]  # ours alone; the Message-ID finds the edit
    password = await asyncio.to_thread(find_password, draft.account, account.smtp)
    await _hand_in(draft.account, account.smtp, password, message)
    return message_id(draft)


async def _hand_in(name: str, server: Smtp, password: str, message: EmailMessage) -> None:
    try:
        refused, _ = await aiosmtplib.send(
            message,
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=password,
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            timeout=_TIMEOUT_S,
        )
    except aiosmtplib.SMTPAuthenticationError as error:
        raise LoginRefused(name, server.host) from error
    except aiosmtplib.SMTPResponseException as error:
        raise SendingRefused(name, f"the server answered {error.code}") from error
    except aiosmtplib.SMTPRecipientsRefused as error:
        raise SendingRefused(name, "the server refused every recipient") from error
    except (*_CUT, OSError) as error:
        reason = "the connection failed; look in Sent before sending again"
        raise ServerUnreachable(name, server.host, server.port, reason) from error
    except aiosmtplib.SMTPException as error:  # no STARTTLS, no AUTH, no such addresses
        reason = "the server cannot do what this mail or the config asks"
        raise SendingRefused(name, reason) from error
    if refused:
        raise SendingRefused(
            name, f"the mail was sent, but {len(refused)} of its recipients refused"
        )


def _shown(address: Address) -> str:
    name = " ".join(address.name.split())
    where = "".join(address.address.split())
    if where.isascii():
        return formataddr((name, where))
    return f'"{quote(name)}" <{where}>' if name else where  # formataddr refuses to write these
