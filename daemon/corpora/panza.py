"""Mail as PanzaMail keeps it: JSON lines of `email` and `subject`, a file for each person.

Checked against its own `extract_emails.py`, which writes these two to `<user>_clean.jsonl`, and
against mails that were given away in that form, some with a `date`. They tell no recipient: that
is taken from the greeting, for how somebody is greeted is part of a manner.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

from daemon.corpora.messages import message
from daemon.corpora.records import Corpus, Found, Skipped, Text, all_of
from daemon.mailbox.parsing.mail_files import FileMessage
from daemon.research_errors import CorpusUnreadable
from mlx_agent.records import Address

NO_JSON, NO_TEXT = "a line that is no JSON", "a line without an email"
FIRST = datetime(2026, 3, 2, tzinfo=UTC)
"""Mails without dates stand a minute apart from here on, in the order of the file."""
LINE = 32 * 1024 * 1024
"""Bytes of a line; what is longer is no line of a mail."""
_GREETED = re.compile(
    r"(?:dear|hi|hello|hey)\b[ ,]*(?:prof|dr|mr|mrs|ms)?\.? ?([A-Z][\w-]+)", re.IGNORECASE
)


def read(paths: Sequence[Path]) -> Iterator[Found]:
    """The mails of each file's person; raises CorpusUnreadable."""
    return chain.from_iterable(map(_of_file, paths))


PANZA = Corpus(name="panza", kind="email", least=1, read=read, addresses=all_of)


def _of_file(path: Path) -> Iterator[Found]:
    who = path.stem.removesuffix("_clean")
    sender = Address(
        name=" ".join(re.split(r"[\W_]+", who)).strip().title(),
        address=f"{re.sub(r'[^a-z0-9.-]+', '-', who.lower()).strip('-.') or 'x'}@panza.example",
    )
    mails = 0
    try:
        with path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(LINE), b"")):
                if line.strip():
                    found = _found(line, who, sender, number)
                    mails += isinstance(found, Text)
                    yield found
    except OSError as error:
        raise CorpusUnreadable("panza", path, error.strerror or "unreadable") from error
    if not mails:
        raise CorpusUnreadable("panza", path, "no line has an email")


def _found(line: bytes, person: str, sender: Address, number: int) -> Found:
    try:
        stored = json.loads(line)
    except (ValueError, RecursionError):
        return Skipped(NO_JSON)
    text = stored.get("email") if isinstance(stored, dict) else None
    if not isinstance(text, str) or not text.strip():
        return Skipped(NO_TEXT)
    return Text(
        person=person,
        name=sender.name,
        address=sender.address,
        message=lambda: mail(stored, sender, number),
    )


def mail(stored: dict[str, Any], sender: Address, number: int) -> FileMessage:
    """A line as a message of its sender's, to whom it greets; Rob, if it greets nobody."""
    greeted = _GREETED.match(stored["email"])
    name = greeted[1] if greeted else "Rob"
    subject = stored.get("subject")
    sent_at = _date(stored.get("date")) or FIRST + timedelta(minutes=number)
    raw = message(
        sender=sender,
        to=Address(name=f"{name} Stone", address=f"{_plain(name)}@land.example"),
        subject=subject if isinstance(subject, str) else "",
        sent_at=sent_at,
        message_id=f"{number}.{sender.address}",
        text=stored["email"].replace("\r\n", "\n"),
    )
    return FileMessage(raw=raw, received_at=sent_at)


def _plain(name: str) -> str:
    lower = name.lower()
    return lower if lower.isascii() else lower.encode("punycode").decode("ascii").strip("-")


def _date(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
