"""The only IMAP I/O over a link: what a sync reads and a draft writes. Blocking.

The mailbox is never changed except by APPEND: folders are opened with EXAMINE, bodies fetched with
PEEK. Headers and structures come first and text leaves second, so that what is known already is
asked for no further, and attachments never move. What is wanted next is asked for meanwhile.
"""

from __future__ import annotations

import imaplib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from imapclient import IMAPClient
from imapclient.imap_utf7 import decode as decode_utf7
from imapclient.imap_utf7 import encode as encode_utf7
from imapclient.response_parser import parse_response

from daemon.errors import FolderNotFound, FolderUnstable
from daemon.mailbox.connection import BUSY, Link
from daemon.mailbox.parsing.decode import decode_text
from daemon.mailbox.parsing.fetch_answers import Row, body_of, date_of
from daemon.mailbox.pipeline import UNREADABLE, Command, Pipeline, bisected, is_refusal
from daemon.mailbox.plan import (
    MAX_PART_BYTES,
    Folder,
    Role,
    Section,
    Structure,
    by_sections,
    choose_folder,
    read_structure,
)
from daemon.records import FolderView, Quarantined, RawMessage, TextPart

PAGE = 50_000
"""Messages asked about in one SEARCH: a line of imaplib's holds a million bytes."""
MAX_HEADER_BYTES = 65_536
"""Bytes fetched of one header block; no person's mail has more."""
MAX_WHOLE_BYTES = 1_048_576
"""Bytes fetched of a message that cannot be had in pieces."""
_STATUS = ("MESSAGES", "UIDNEXT", "UIDVALIDITY")
_MODSEQ = "HIGHESTMODSEQ"
_HEADER = f"BODY.PEEK[HEADER]<0.{MAX_HEADER_BYTES}>"
_WHOLE = f"BODY.PEEK[]<0.{MAX_WHOLE_BYTES}>"
_MESSAGE_ID = ("BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]",)
_ATOM = re.compile(r"[!#$&'+-\[^-z|}~]+")
"""RFC 3501, 9: no blanks, and none of `(){%*"\\]`."""
_META = ("INTERNALDATE", "BODYSTRUCTURE", _HEADER)
_AT_ONCE = 8
"""Commands on their way at a time, whose lines a server's buffer holds before it answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A message before its text is fetched: its header block and where its text lies."""

    uid: int
    header: bytes
    structure: Structure
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What a batch brought: messages, and those that cannot be had."""

    messages: tuple[RawMessage, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()

    def __add__(self, other: Fetched) -> Fetched:
        return Fetched(
            messages=self.messages + other.messages,
            quarantined=self.quarantined + other.quarantined,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """What the first step of a batch brought; `done` are those that had to be fetched whole."""

    heads: tuple[Head, ...] = ()
    done: Fetched = Fetched()


class Mailbox:
    """A mailbox over a link. Every method raises ServerBusy and ServerUnreachable."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._pipeline = Pipeline(link.protocol)
        self._tells_modseq = False

    @property
    def account(self) -> str:
        """The account whose mailbox it is."""
        return self._link.account

    def abort(self) -> None:
        """Drop the connection under the command that is running; from any thread."""
        self._link.abort()

    def close(self) -> None:
        """Log out, or drop the connection if that fails."""
        self._link.close()

    def folders(self) -> list[Folder]:
        """All folders whose line can be read."""
        with self._link.command():
            kind, lines = self._link.protocol.list()  # imapclient fails with any of them
            if kind != "OK":
                raise imaplib.IMAP4.error("LIST was refused")
        found = (_folder(line) for line in lines if line)
        return [folder for folder in found if folder is not None]

    def find_folder(self, role: Role, configured: str) -> str:
        """The name of the account's Sent or Drafts folder; raises FolderNotFound."""
        folder = choose_folder(self.folders(), role, configured)
        if folder is None:
            raise FolderNotFound(self.account, configured or None, role)
        return folder

    def status(self, folder: str) -> FolderView | None:
        """How a folder stands, without opening it; None where the server refuses to say.

        Raises FolderUnstable without a UIDVALIDITY.
        """
        counted = self._link.has("CONDSTORE")
        items = (*_STATUS, _MODSEQ) if counted else _STATUS
        view = self._view(lambda client: client.folder_status(folder, items), b"MESSAGES")
        self._tells_modseq = counted and view is not None
        return view

    def examine(self, folder: str) -> FolderView | None:
        """Open a folder read-only; None and FolderUnstable as for `status`.

        To have asked for a mod-sequence makes the server tell them from then on (RFC 7162, 3.1).
        """
        if self._link.has("CONDSTORE") and not self._tells_modseq and self.status(folder) is None:
            return None
        return self._view(lambda client: client.select_folder(folder, readonly=True), b"EXISTS")

    def uids(self, view: FolderView, which: str = "UNDELETED") -> set[int]:
        """UIDs of the opened folder by a criterion of SEARCH: all not marked as deleted."""
        pages = range(1, view.messages + 1, PAGE)
        found: set[int] = set()
        for first in pages:
            last = "*" if first == pages[-1] else str(first + PAGE - 1)
            found |= self._search(f"{first}:{last} {which}")
        return found

    def uids_after(self, uid: int) -> set[int]:
        """UIDs above `uid`; by itself `n:*` names the last message too (RFC 9051, 9)."""
        return {found for found in self._search(f"UID {uid + 1}:*") if found > uid}

    def deleted(self) -> set[int]:
        """UIDs of messages that are marked as deleted and not yet expunged."""
        return self._search("DELETED")

    def holds(self, uids: Sequence[int]) -> set[int]:
        """Those of these UIDs that the opened folder still has."""
        return self._search(f"UID {','.join(map(str, uids))}") & set(uids) if uids else set()

    def heads(self, uids: Sequence[int], ahead: Sequence[int] = ()) -> Heads:
        """Header and structure of these messages; those that are gone meanwhile are left out.

        Those `ahead`, with which it will be called next, are on their way from then on. A batch
        that cannot be read is halved until the one message is found; that one is fetched whole,
        and set aside if even that fails.
        """
        pipeline = self._pipeline
        with self._link.command():
            pipeline.ask([(tuple(some), _META) for some in (uids, ahead) if some])
            parts = list(
                bisected(
                    uids,
                    partial(_heads, pipeline),
                    lambda uid: Heads(done=_whole(pipeline, uid)),
                )
            )
        return Heads(
            heads=tuple(head for part in parts for head in part.heads),
            done=sum((part.done for part in parts), Fetched()),
        )

    def texts(self, heads: Sequence[Head]) -> Fetched:
        """The text leaves of these messages, as `heads` brought them."""
        found = self._texts(heads)
        by_uid = {head.uid: head for head in heads}
        uids = {
            message.uid
            for message in found.messages
            if by_uid[message.uid].structure.spare and _is_blank(message)
        }
        if not uids:
            return found
        again = [_with_spare(head) for head in heads if head.uid in uids]
        kept = tuple(message for message in found.messages if message.uid not in uids)
        return replace(found, messages=kept) + self._texts(again)

    def _texts(self, heads: Sequence[Head]) -> Fetched:
        by_uid = {head.uid: head for head in heads}
        bare = [_message(head, {}) for head in heads if not head.structure.sections]
        parts = [Fetched(messages=tuple(bare))]
        groups = list(by_sections({uid: head.structure for uid, head in by_uid.items()}))
        commands = [_text_command(uids, sections) for sections, uids in groups]
        for place, (sections, uids) in enumerate(groups):
            with self._link.command():
                self._pipeline.ask(commands[place : place + _AT_ONCE])
                read = partial(_texts, self._pipeline, by_uid, sections)
                parts += bisected(uids, read, partial(_whole, self._pipeline))
        return sum(parts, Fetched())

    def append(self, folder: str, message: bytes, flags: Sequence[bytes]) -> None:
        """APPEND a message."""
        with self._link.command() as client:
            client.append(folder, message, flags)

    def find(self, folder: str, header: str, value: str) -> set[int]:
        """UIDs of a folder's messages whose header of that name holds the value.

        Raises FolderNotFound.
        """
        if self.examine(folder) is None:
            raise FolderNotFound(self.account, folder)
        with self._link.command() as client:
            return {int(uid) for uid in client.search(["HEADER", header, value])}

    def labelled(self, view: FolderView, label: str) -> set[int]:
        """UIDs of the opened folder with that keyword, or with that label of Gmail's.

        Beyond ASCII both are in modified UTF-7. A keyword is an atom; no other name can be one.
        """
        name = encode_utf7(label).decode("ascii")
        found = self.uids(view, f"KEYWORD {name}") if _ATOM.fullmatch(name) else set()
        if self._link.has("X-GM-EXT-1"):
            quoted = re.sub(r'(["\\])', r"\\\1", name)
            found |= self.uids(view, f'X-GM-LABELS "{quoted}"')
        return found

    def message_ids(self, uids: Sequence[int]) -> list[bytes]:
        """The Message-ID field of each message; none of one that the server does not hand out."""
        with self._link.command():
            read = partial(_message_ids, self._pipeline)
            found = list(bisected(uids, read, lambda _: []))
        return [field for fields in found for field in fields]

    def _search(self, criteria: str) -> set[int]:
        """UIDs, though the answer come in several lines or with a remark at its end."""
        with self._link.command():
            kind, lines = self._link.protocol.uid("SEARCH", criteria)
            if kind != "OK":
                raise imaplib.IMAP4.error("SEARCH was refused")
        words = b" ".join(line for line in lines if line).partition(b"(")[0].split()
        return {int(word) for word in words if word.isdigit()}

    def _view(
        self, ask: Callable[[IMAPClient], dict[bytes, Any]], count: bytes
    ) -> FolderView | None:
        with self._link.command() as client:
            try:
                found = ask(client)
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:
                if BUSY.search(str(error)):
                    raise
                return None
        uidvalidity = int(found.get(b"UIDVALIDITY") or 0)
        if uidvalidity <= 0:
            raise FolderUnstable(self.account)
        modseq = found.get(_MODSEQ.encode())
        return FolderView(
            uidvalidity=uidvalidity,
            uidnext=int(found.get(b"UIDNEXT") or 0),
            messages=int(found.get(count) or 0),
            modseq=int(modseq) if modseq else None,
        )


def _folder(line: Any) -> Folder | None:
    try:
        flags, delimiter, name = parse_response([line])[:3]
        return Folder(
            name=str(name) if isinstance(name, int) else decode_utf7(name),
            flags=tuple(flag.decode("ascii", "replace") for flag in flags),
            delimiter=delimiter.decode("ascii") if delimiter else None,
        )
    except UNREADABLE:
        return None


def _heads(pipeline: Pipeline, uids: tuple[int, ...]) -> Heads:
    rows = pipeline.fetch((uids, _META))
    heads = (_head(uid, row) for uid, row in rows.items() if b"BODYSTRUCTURE" in row)
    return Heads(heads=tuple(heads))


def _head(uid: int, row: Row) -> Head:
    return Head(
        uid=uid,
        header=body_of(row, b"BODY[HEADER]"),
        structure=read_structure(row[b"BODYSTRUCTURE"]),
        received_at=_received(row),
    )


def _message_ids(pipeline: Pipeline, uids: tuple[int, ...]) -> list[bytes]:
    rows = pipeline.fetch((uids, _MESSAGE_ID))
    return [body_of(row, b"BODY[") for row in rows.values()]


def _text_command(uids: tuple[int, ...], sections: Sequence[str]) -> Command:
    return uids, tuple(f"BODY.PEEK[{number}]<0.{MAX_PART_BYTES}>" for number in sections)


def _texts(
    pipeline: Pipeline, heads: dict[int, Head], sections: Sequence[str], uids: tuple[int, ...]
) -> Fetched:
    rows = pipeline.fetch(_text_command(uids, sections))
    found = []
    for uid, row in rows.items():
        if any(key.startswith(b"BODY[") for key in row):  # or it is about flags only
            bodies = {number: body_of(row, f"BODY[{number}]".encode()) for number in sections}
            found.append(_message(heads[uid], bodies))
    return Fetched(messages=tuple(found))


def _is_blank(message: RawMessage) -> bool:
    """Whether its text leaves say nothing; one that came whole has none that is missing."""
    parts = message.parts
    return parts is not None and not any(decode_text(part).strip() for part in parts)


def _with_spare(head: Head) -> Head:
    """With all forms of its text to be fetched."""
    structure = head.structure
    every = (*structure.sections, *structure.spare)
    return replace(head, structure=replace(structure, sections=every, spare=()))


def _whole(pipeline: Pipeline, uid: int) -> Fetched:
    """One message whole, or in quarantine; nothing if it is gone meanwhile."""
    try:
        row = pipeline.fetch(((uid,), ("INTERNALDATE", _WHOLE))).get(uid, {})
        if not any(key.startswith(b"BODY[") for key in row):
            return Fetched()
        raw = body_of(row, b"BODY[]")
    except imaplib.IMAP4.abort:
        raise
    except UNREADABLE as error:
        refused = is_refusal(error)
        why = "the server refuses it" if refused else "the server's answer cannot be read"
        reason = f"{why} ({type(error).__name__})"
        return Fetched(quarantined=(Quarantined(uid=uid, reason=reason),))
    message = RawMessage(uid=uid, header=raw, received_at=_received(row), parts=None)
    return Fetched(messages=(message,))


def _message(head: Head, bodies: dict[str, bytes]) -> RawMessage:
    structure = head.structure
    return RawMessage(
        uid=head.uid,
        header=head.header,
        received_at=head.received_at,
        parts=tuple(_part(each, bodies.get(each.number, b"")) for each in structure.sections),
        types=structure.types,
    )


def _part(section: Section, payload: bytes) -> TextPart:
    return TextPart(
        subtype=section.subtype,
        encoding=section.encoding,
        charset=section.charset,
        flowed=section.flowed,
        payload=payload,
        delsp=section.delsp,
        alone=section.alone,
    )


def _received(row: Row) -> datetime:
    """When it arrived, as the server says; nothing has arrived in the future."""
    now = datetime.now(UTC)
    return min(date_of(row) or now, now)
