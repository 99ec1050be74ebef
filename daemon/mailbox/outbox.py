"""Mail out: a draft into the Drafts folder, or by SMTP on the user's explicit word.

Each draft has one Message-ID, made from its id, and for each of its ways out one row in the store,
committed before the first byte leaves. So asking twice cannot make two: what is known to have
arrived is never done again, whatever the user has done with it since; what may have arrived is
looked for before anything is repeated; and a mail that may have been sent is not sent again without
another word of the user's.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import BaseHeader, HeaderRegistry, UniqueUnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime, formataddr, quote
from typing import Literal
from weakref import WeakValueDictionary

from daemon.config import Account, Imap, Smtp
from daemon.errors import (
    LoginRefused,
    SavingUnknown,
    SendingRefused,
    SendingUnknown,
    ServerMissing,
    TransientError,
    TrimtabError,
    UserError,
)
from daemon.mailbox.auth.credentials import Credential, find_credential
from daemon.mailbox.filing import Place, file, is_filed
from daemon.mailbox.message_ids import message_id
from daemon.mailbox.plan import Role
from daemon.mailbox.submission import Envelope, submit
from daemon.records import Delivery, DeliveryKind, DeliveryState
from daemon.store import deliveries
from daemon.store.database import Database
from mlx_agent.records import Address, Draft

HEADER = "X-Trimtab-Draft"
SentCopy = Literal["filed", "left_to_server", "none", "failed"]

_OUTLOOKS = "X-Microsoft-Original-Message-ID"
"""Outlook makes Message-IDs anew, and keeps the one that was there in this header."""
_FILE_THEMSELVES = ("smtp.gmail.com", "smtp.googlemail.com")
_FILE_THEMSELVES_UNDER = (".outlook.com", ".office365.com")
_ADDRESS = re.compile(r"[^\s<>(),;:\"@]+@[^\s<>(),;:\"@]+")
_turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
"""A lock for each draft that is under way. One process writes a home, so they are enough."""


# --- a draft as a message ---------------------------------------------------------------------


class _MessageIds(UniqueUnstructuredHeader, BaseHeader):  # type: ignore[misc]  # as it is made
    """Message-IDs, one a line: the library would encode one that is long, and it would be lost."""

    def fold(self, *, policy: Policy) -> str:
        ids = f"{policy.linesep} ".join(self.split())
        return f"{self.name}: {ids}{policy.linesep}"


_headers = HeaderRegistry()
_headers.map_to_type("in-reply-to", _MessageIds)
_headers.map_to_type("references", _MessageIds)
_POLICY = SMTP.clone(header_factory=_headers)


def compose(draft: Draft, date: datetime | None = None) -> EmailMessage:
    """The draft as a message of that date, else of its own.

    HEADER names the draft, so that its edit is found; In-Reply-To and References put it into the
    thread of the mail that it answers.
    """
    metadata = draft.x.metadata
    message = EmailMessage(policy=_POLICY)
    message["Message-ID"] = message_id(draft)
    message["Date"] = format_datetime(date or draft.created_at)
    message["From"] = _shown(metadata.sender)
    if metadata.to:
        message["To"] = ", ".join(map(_shown, metadata.to))
    if metadata.cc:
        message["Cc"] = ", ".join(map(_shown, metadata.cc))
    message["Subject"] = " ".join(metadata.subject.split())
    if draft.in_reply_to:
        message["In-Reply-To"] = draft.in_reply_to
    if references := _references(draft):
        message["References"] = " ".join(references)
    message[HEADER] = draft.id
    message.set_content(draft.text + "\n")
    return message


def envelope(draft: Draft, date: datetime) -> Envelope:
    """The draft as it is handed in; raises SendingRefused where it cannot be.

    HEADER does not leave: it is ours alone, and the Message-ID finds the edit.
    """
    metadata = draft.x.metadata
    if not metadata.to:
        raise SendingRefused(draft.account, "the draft has no recipient")
    addresses = ["".join(a.address.split()) for a in (metadata.sender, *metadata.to, *metadata.cc)]
    if not all(map(_ADDRESS.fullmatch, addresses)):
        raise SendingRefused(draft.account, "one of its addresses is no mail address")
    utf8 = not "".join(addresses).isascii()
    message = compose(draft, date)
    del message[HEADER]
    return Envelope(
        sender=addresses[0],
        recipients=tuple(dict.fromkeys(addresses[1:])),
        utf8=utf8,
        content=message.as_bytes(policy=_POLICY.clone(cte_type="7bit", utf8=utf8)),
    )


def _references(draft: Draft) -> tuple[str, ...]:
    """The thread ends with the mail that is answered."""
    parent = draft.in_reply_to
    return (
        draft.references
        if not parent or parent in draft.references
        else (
            *draft.references,
            parent,
        )
    )


def _shown(address: Address) -> str:
    name = " ".join(address.name.split())
    where = "".join(address.address.split())
    if where.isascii():
        return formataddr((name, where))
    return f'"{quote(name)}" <{where}>' if name else where  # formataddr refuses to write these


# --- its ways out -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A draft has arrived. `already`: it had before, and nothing was done now.

    `copy` says of a mail that was sent how it comes into the Sent folder: it was `filed` there (or
    found), is `left_to_server`, is wanted nowhere (`none`), or could not be filed (`failed`).
    """

    message_id: str
    already: bool
    copy: SentCopy | None = None


def files_by_itself(host: str) -> bool:
    """Whether this SMTP server is known to put what it sends into the user's Sent folder."""
    return host.lower() in _FILE_THEMSELVES or host.lower().endswith(_FILE_THEMSELVES_UNDER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """The ways out of one draft."""

    draft: Draft
    account: Account
    database: Database
    clock: Callable[[], datetime]

    async def save(self) -> Delivered:
        """APPEND the draft to the Drafts folder, once and for all.

        Raises ServerMissing, SavingUnknown, and after all else nothing was saved: FolderNotFound,
        MailboxFull, MessageTooBig, AppendRefused, and what a session raises.
        """
        imap = self.account.imap
        if imap is None:
            raise ServerMissing(self.draft.account)
        async with _turn(self.draft):
            already = await self._state("save") == "done"
            if not already:
                raw = compose(self.draft).as_bytes()
                place = self._place("drafts", imap)
                already = await self._file("save", place, raw, (b"\\Draft", b"\\Seen"))
        return Delivered(message_id=message_id(self.draft), already=already)

    async def send(self, *, again: bool = False) -> Delivered:
        """Send the draft, once and for all; then file a copy where the server does not.

        `again`: the user has looked, and asks for a mail that may have been sent to be sent once
        more; one that is known to have left stays sent. Raises SendingUnknown, and after all else
        nothing was sent: SendingRefused, LoginRefused, SendingFailed, and what a credential's
        source raises. What befalls the copy is no error.
        """
        smtp = self.account.smtp
        if smtp is None:
            raise SendingRefused(self.draft.account, "the account has no smtp table in the config")
        async with _turn(self.draft):
            already = await self._has_left(smtp, again=again)
            if not already:
                await self._hand_in(smtp)
            copy = await self._file_copy(smtp)
        return Delivered(message_id=message_id(self.draft), already=already, copy=copy)

    async def _has_left(self, smtp: Smtp, *, again: bool) -> bool:
        """Whether the mail was sent before; raises SendingUnknown."""
        state = await self._state("send")
        if state in {None, "failed", "done"}:
            return state == "done"
        if await self._is_in_sent():
            await self._end("send", "done")
            return True
        if not again:
            await self._end("send", "unknown")
            raise SendingUnknown(self.draft.account, smtp.host)
        return False

    async def _hand_in(self, smtp: Smtp) -> None:
        name, at = self.draft.account, self.clock()
        mail = envelope(self.draft, at)
        credential = await asyncio.to_thread(find_credential, name, smtp)
        await self._begin("send", at)
        try:
            await hand_in(name, smtp, credential, mail)
        except SendingUnknown:
            await self._end("send", "unknown")
            if not await self._is_in_sent():
                raise
        except TrimtabError:
            await self._end("send", "failed")
            raise
        await self._end("send", "done")

    async def _is_in_sent(self) -> bool:
        """Whether the mail is seen in the Sent folder; not so where that cannot be looked into."""
        imap = self.account.imap
        return imap is not None and await _seen(self._place("sent", imap))

    async def _file_copy(self, smtp: Smtp) -> SentCopy:
        imap = self.account.imap
        if imap is None or smtp.file_sent == "never":
            return "none"
        if smtp.file_sent == "auto" and files_by_itself(smtp.host):
            return "left_to_server"
        sent = await self._row("send")
        if sent is not None and await self._state("file") != "done":
            content = envelope(self.draft, sent.begun_at).content
            raw = f"{HEADER}: {self.draft.id}\r\n".encode() + content
            try:
                await self._file("file", self._place("sent", imap), raw, (b"\\Seen",))
            except (TransientError, UserError):
                return "failed"
        return "filed"

    async def _file(
        self, kind: DeliveryKind, place: Place, raw: bytes, flags: tuple[bytes, ...]
    ) -> bool:
        """Put the message into the folder unless it is there; whether it was."""
        await self._begin(kind, self.clock())
        try:
            found = await file(place, raw, flags)
        except SavingUnknown:
            await self._end(kind, "unknown")
            if not await _seen(place):
                raise
            found = False
        except TrimtabError:
            await self._end(kind, "failed")
            raise
        await self._end(kind, "done")
        return found

    def _place(self, role: Role, imap: Imap) -> Place:
        ours = message_id(self.draft)
        known_by = (("Message-ID", ours), (HEADER, self.draft.id), (_OUTLOOKS, ours))
        return Place(account=self.draft.account, server=imap, role=role, known_by=known_by)

    async def _row(self, kind: DeliveryKind) -> Delivery | None:
        return await self.database.read(deliveries.delivery, self.draft.id, kind)

    async def _state(self, kind: DeliveryKind) -> DeliveryState | None:
        row = await self._row(kind)
        return row.state if row else None

    async def _begin(self, kind: DeliveryKind, at: datetime) -> None:
        name = message_id(self.draft)
        await self.database.write(deliveries.begin, self.draft.id, kind, name, at)

    async def _end(self, kind: DeliveryKind, state: DeliveryState) -> None:
        await self.database.write(deliveries.end, self.draft.id, kind, state, self.clock())


async def hand_in(account: str, smtp: Smtp, credential: Credential, mail: Envelope) -> None:
    """Submit the mail, with a new token where the server refuses the one there is.

    Raises what `submit` and a credential's source raise.
    """
    try:
        await submit(account, smtp, credential, mail)
    except LoginRefused:
        if credential.mechanism == "login":
            raise
        credential = await asyncio.to_thread(find_credential, account, smtp, refused=True)
        await submit(account, smtp, credential, mail)


def _turn(draft: Draft) -> asyncio.Lock:
    """Who is second waits, and then finds what the first has done."""
    return _turns.setdefault(draft.id, asyncio.Lock())


async def _seen(place: Place) -> bool:
    try:
        return await is_filed(place)
    except (TransientError, UserError):
        return False
