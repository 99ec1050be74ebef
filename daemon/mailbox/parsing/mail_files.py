"""Messages in files, as bytes: mbox, Maildir, a directory of .eml or .emlx files, one such file.

Read as a stream: no more than one message is held, and of one that is very large its beginning,
where its header and text are. What cannot be read is named by a reason and stops nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from daemon.errors import SourceUnreadable
from daemon.mailbox.parsing.fields import date_of, read_fields, split_message
from daemon.mailbox.parsing.mbox import split_mbox

MAX_MESSAGE = 50 * 1024 * 1024
"""Bytes that are read of one message; providers take none that is larger."""
_HEADER = 262_144
"""Bytes in which a message's header is looked at here."""
EMPTY = "there is no message in it"
NO_MAIL = "it has no header of a mail"

_MAILS_FIELDS = frozenset(
    b"from to cc bcc date subject message-id received return-path sender mime-version "
    b"content-type".split()
)
_GONE = re.compile(
    rb"^(?:x-mozilla-status:[ \t]*[0-9a-f]{3}[89a-f]|x-status:[^\n]*[dt])",
    re.IGNORECASE | re.MULTILINE,
)
"""An mbox's marks of deleted mail and of drafts: Thunderbird's, and those of IMAP servers."""
_MAILDIR_FLAGS = re.compile(r"[:;!]2,([A-Za-z]*)$")
_EMLX_LENGTH = re.compile(rb"\s*(\d{1,12})[ \t]*\r?\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMessage:
    """The bytes of a message, and when its file says that it came."""

    raw: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A file or a piece of one that is no mail. `place` tells it from others, for us alone."""

    place: str
    reason: str


Found = FileMessage | Unreadable


def read_messages(path: Path) -> Iterator[Found]:
    """What lies under a path, in the order of names. Raises SourceUnreadable for the path itself.

    Of a Maildir, its own messages without trashed ones and drafts: its subfolders are Maildirs that
    can be given in their turn.
    """
    try:
        if (path / "mbox").is_file():  # as Apple Mail exports a mailbox
            path = path / "mbox"
        if path.is_dir():
            yield from _of_files(_maildir(path) if _is_maildir(path) else _tree(path))
        elif _is_mbox(path):
            yield from _mbox(path)
        else:
            yield from _single(path)
    except OSError as error:
        raise SourceUnreadable(path, error.strerror or "it cannot be read") from error


def _single(path: Path) -> Iterator[Found]:
    found = _message(path)
    if isinstance(found, Unreadable):
        raise SourceUnreadable(path, found.reason)
    yield found


def _of_files(files: Iterable[Path | Unreadable]) -> Iterator[Found]:
    for file in files:
        if isinstance(file, Unreadable):
            yield file
        elif file.is_file():
            try:
                yield _message(file)
            except OSError as error:
                yield Unreadable(place=str(file), reason=error.strerror or "it cannot be read")


def _message(file: Path) -> Found:
    with file.open("rb") as stream:
        raw = stream.read(MAX_MESSAGE)
        came = datetime.fromtimestamp(os.fstat(stream.fileno()).st_mtime, UTC)
    if file.suffix.lower() == ".emlx":
        raw = _without_frame(raw)
    return _checked(raw, came, str(file))


def _checked(raw: bytes, received_at: datetime, place: str) -> Found:
    if not raw.strip():
        return Unreadable(place=place, reason=EMPTY)
    if _MAILS_FIELDS.isdisjoint(read_fields(_header(raw))):
        return Unreadable(place=place, reason=NO_MAIL)
    return FileMessage(raw=raw, received_at=received_at)


def _header(raw: bytes) -> bytes:
    return split_message(raw[:_HEADER])[0]


def _without_frame(raw: bytes) -> bytes:
    """A message as Apple Mail keeps it: its length stands above it, notes of its own below."""
    length = _EMLX_LENGTH.match(raw)
    return raw[length.end() : length.end() + int(length[1])] if length else raw


def _tree(path: Path) -> Iterator[Path | Unreadable]:
    """Files that are called mail, however deep, and the directories that cannot be listed."""
    closed: list[Unreadable] = []

    def note(error: OSError) -> None:
        closed.append(Unreadable(place=str(error.filename), reason=error.strerror or ""))

    next(path.iterdir(), None)  # the path itself must be readable
    for folder, folders, files in os.walk(path, onerror=note):
        folders.sort()
        for name in sorted(files):
            if name.lower().endswith((".eml", ".emlx")):
                yield Path(folder) / name
    yield from closed


def _is_maildir(path: Path) -> bool:
    """Whether it has a Maildir's directories; a copy of one may lack those that were empty."""
    return (path / "cur").is_dir() or ((path / "new").is_dir() and (path / "tmp").is_dir())


def _maildir(path: Path) -> Iterator[Path]:
    files = [file for name in ("cur", "new") for file in (path / name).glob("*")]
    for file in sorted(files, key=lambda file: file.name):
        flags = _MAILDIR_FLAGS.search(file.name)
        if not file.name.startswith(".") and not (flags and {"T", "D"} & set(flags[1])):
            yield file


def _is_mbox(path: Path) -> bool:
    with path.open("rb") as file:
        begins = file.read(1000).lstrip(b"\xef\xbb\xbf\r\n ").startswith(b"From ")
    return begins or path.suffix.lower() in {".mbox", ".mbx"}


def _mbox(path: Path) -> Iterator[Found]:
    with path.open("rb") as file:
        came = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
        for number, (line, raw) in enumerate(split_mbox(file, MAX_MESSAGE)):
            date = date_of({b"date": [_date_in(line)]}, b"date")
            if not _GONE.search(_header(raw)) and (raw.strip() or number):
                yield _checked(raw, date or came, f"{path}#{number}")


def _date_in(line: bytes) -> bytes:
    words = line.split()
    days = {b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"}
    start = next((i for i, w in enumerate(words) if w.lower().rstrip(b",") in days), len(words))
    return b" ".join(words[start:])
