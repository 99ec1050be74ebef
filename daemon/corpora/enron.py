"""The Enron corpus: CMU's tree of mail folders, or the same as a CSV file of `file` and `message`.

Checked against public code that reads both: files are `maildir/allen-p/_sent_mail/1.`, a person a
folder, each file one message with `X-From` and the like in its header; Kaggle's `emails.csv` names
that path in `file`, from the person on, and holds the message in `message`. What a person sent lies
in `_sent_mail`, `sent` and `sent_items`, with copies of one mail in several of them, and mails of
assistants in between.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path, PurePosixPath

from daemon.corpora.records import Corpus, Found, Skipped, Text
from daemon.corpora.tables import rows
from daemon.mailbox.parsing.fields import addresses_of, read_fields, split_message
from daemon.mailbox.parsing.mail_files import MAX_MESSAGE, FileMessage
from daemon.research_errors import CorpusUnreadable

NOT_SENT = "a mail that is in no folder of sent mail"
NO_SENDER = "a mail without its sender's address"
UNREAD = "a file that cannot be read"
_SENT = re.compile(r"(?:^|[ _])sent(?:[ _]|$)", re.IGNORECASE)
_ROOT = "maildir"


def read(paths: Sequence[Path]) -> Iterator[Found]:
    """The mails in folders of sent mail; raises CorpusUnreadable."""
    return chain.from_iterable(_tree(path) if path.is_dir() else _table(path) for path in paths)


def own_addresses(person: str, counts: Mapping[str, int]) -> tuple[str, ...]:
    """Those with the person's surname, which their folder is named by; else the commonest one.

    `allen-p` wrote as `phillip.allen` and as `k..allen`; who else is in his folders worked for him.
    """
    surname = person.partition("-")[0].lower()
    named = [one for one in counts if surname in one.partition("@")[0].lower()]
    return tuple(sorted(named)) or (max(sorted(counts), key=lambda one: counts[one]),)


ENRON = Corpus(name="enron", kind="email", least=100, read=read, addresses=own_addresses)


def _tree(path: Path) -> Iterator[Found]:
    root = path / _ROOT if (path / _ROOT).is_dir() else path
    folders = 0
    for folder, below, files in os.walk(root):
        below.sort()
        place = PurePosixPath(Path(folder).relative_to(root).as_posix())
        if not _is_sent(place.parts[1:] or place.parts):
            continue
        folders += 1
        person = place.parts[0] if len(place.parts) > 1 else root.name
        for name in sorted(files):
            yield _of_file(person, Path(folder) / name)
    if not folders:
        raise CorpusUnreadable("enron", path, "it has no folder of sent mail")


def _of_file(person: str, file: Path) -> Found:
    try:
        with file.open("rb") as stream:
            return _text(person, stream.read(MAX_MESSAGE))
    except OSError:
        return Skipped(UNREAD)


def _table(path: Path) -> Iterator[Found]:
    for row in rows("enron", path, ("file", "message")):
        if isinstance(row, Skipped):
            yield row
            continue
        parts = PurePosixPath(row["file"]).parts
        parts = parts[1:] if parts[:1] == (_ROOT,) else parts
        if len(parts) < 3 or not _is_sent(parts[1:-1]):
            yield Skipped(NOT_SENT)
        else:
            yield _text(parts[0], row["message"].encode("utf-8", "replace"))


def _is_sent(folders: Sequence[str]) -> bool:
    return any(map(_SENT.search, folders))


def _text(person: str, raw: bytes) -> Found:
    header, body = split_message(raw)
    sender = addresses_of(read_fields(header), b"from", b"x-from")
    if not sender or sender[0].address.count("@") != 1:
        return Skipped(NO_SENDER)
    address = sender[0].address.lower()
    return Text(
        person=person,
        name=sender[0].name,
        address=address,
        message=lambda: FileMessage(raw=raw, received_at=datetime.now(UTC)),
        digest=hash((person, address, b"".join(body.split()))),
    )
