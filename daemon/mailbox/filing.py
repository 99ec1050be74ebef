"""A message into a folder by APPEND, unless it is there: the only thing we write to a mailbox.

What is there is known by a header, not by what APPEND answers: that answer may be lost, and many
servers tell no UID with it (RFC 4315). The refusals that a user can do something about have errors
of their own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from daemon.config import Imap
from daemon.errors import (
    AppendRefused,
    FolderNotFound,
    MailboxFull,
    MessageTooBig,
    SavingUnknown,
    ServerBusy,
    ServerUnreachable,
    UserError,
)
from daemon.mailbox.imap import Mailbox
from daemon.mailbox.plan import Role
from daemon.mailbox.session import Session, open_session

_FULL = re.compile(r"\[OVERQUOTA\]|over ?quota|quota exceeded", re.IGNORECASE)
_GONE = re.compile(r"\[(?:TRYCREATE|NONEXISTENT)\]", re.IGNORECASE)
_TOO_BIG = re.compile(r"\[(?:TOOBIG|APPENDLIMIT)|too (?:big|large)|size limit", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a message belongs, and the headers (name, value) by any of which it is known there."""

    account: str
    server: Imap
    role: Role
    known_by: tuple[tuple[str, str], ...]

    @property
    def configured(self) -> str:
        """The folder's name in the config, empty where it is to be found."""
        return self.server.sent_folder if self.role == "sent" else self.server.drafts_folder


async def is_filed(place: Place) -> bool:
    """Whether the message is there. Raises FolderNotFound, and what a session does."""
    async with open_session(place.account, place.server) as session:
        return await _holds(session, await _folder(session, place), place)


async def file(place: Place, message: bytes, flags: tuple[bytes, ...]) -> bool:
    """APPEND the message unless it is there; whether it was.

    Raises SavingUnknown where the link died over it, and after all else nothing was put there:
    FolderNotFound, MailboxFull, MessageTooBig, AppendRefused, and what a session does.
    """
    async with open_session(place.account, place.server) as session:
        folder = await _folder(session, place)
        if await _holds(session, folder, place):
            return True
        try:
            await session.call(Mailbox.append, folder, message, flags)
        except (ServerUnreachable, ServerBusy) as error:
            if isinstance(error, ServerUnreachable) and error.lost:
                raise SavingUnknown(place.account, place.server.host) from error
            refusal = _refusal(str(error.__cause__), place, folder)
            if refusal is None and isinstance(error, ServerBusy):
                raise
            raise (refusal or AppendRefused(place.account, folder)) from error
    return False


async def _folder(session: Session, place: Place) -> str:
    return await session.call(Mailbox.find_folder, place.role, place.configured)


async def _holds(session: Session, folder: str, place: Place) -> bool:
    for header, value in place.known_by:
        if await session.call(Mailbox.find, folder, header, value):
            return True
    return False


def _refusal(said: str, place: Place, folder: str) -> UserError | None:
    """What the server's words for its NO mean (RFC 5530, 7889, 9051), None if nothing known."""
    if _FULL.search(said):
        return MailboxFull(place.account)
    if _GONE.search(said):
        return FolderNotFound(place.account, folder, place.role)
    return MessageTooBig(place.account) if _TOO_BIG.search(said) else None
