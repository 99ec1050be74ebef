"""All the News 2.0 (Thompson, 2020): articles by their authors, those of The New Yorker as a rule.

Checked against public code that reads `all-the-news-2-1.csv` (8.8 GB): its columns are date, year,
month, day, author, title, article, url, section and publication, after two of row numbers that have
no names of their own; one row in 2.7 million has text where a number belongs; the paper's magazine
is called `New Yorker` there. Authors are people: a text by several, or by nobody, teaches no one's
manner.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from pathlib import Path

from daemon.corpora.messages import message, one_line
from daemon.corpora.records import Corpus, Found, Skipped, Text, all_of
from daemon.corpora.tables import Row, rows
from daemon.mailbox.parsing.mail_files import FileMessage
from mlx_agent.records import Address

NEW_YORKER = "The New Yorker"
COLUMNS = ("date", "author", "title", "article", "publication")
ELSEWHERE = "an article of another publication"
NOBODY, SEVERAL = "an article without an author", "an article of several authors"
EMPTY, NO_DATE = "an article without text", "an article without a date"
_BY = re.compile(r"^by\s+", re.IGNORECASE)
_THE = re.compile(r"^the\s+", re.IGNORECASE)
_AND = re.compile(r",|;|&|\band\b", re.IGNORECASE)


def read(paths: Sequence[Path], publication: str = NEW_YORKER) -> Iterator[Found]:
    """The articles of a publication; raises CorpusUnreadable."""
    each = (rows("articles", path, COLUMNS) for path in paths)
    for row in chain.from_iterable(each):
        yield row if isinstance(row, Skipped) else _found(row, publication)


def articles(publication: str = NEW_YORKER) -> Corpus:
    """The corpus of a publication's articles."""
    return Corpus(
        name="articles",
        kind="article",
        least=20,
        read=partial(read, publication=publication),
        addresses=all_of,
        flags=frozenset({"whole"}),
    )


def _found(row: Row, publication: str) -> Found:
    if _plain(row["publication"]) != _plain(publication):
        return Skipped(ELSEWHERE)
    author = _BY.sub("", one_line(row["author"]))
    if not author:
        return Skipped(NOBODY)
    if _AND.search(author):
        return Skipped(SEVERAL)
    if not row["article"].strip():
        return Skipped(EMPTY)
    sent_at = _date(row["date"])
    if sent_at is None:
        return Skipped(NO_DATE)
    digest = hashlib.sha256(author.lower().encode("utf-8", "replace")).hexdigest()[:12]
    sender = Address(name=author, address=f"author-{digest}@articles.example")
    return Text(
        person=author,
        name=author,
        address=sender.address,
        message=lambda: _message(row, sender, sent_at),
    )


def _message(row: Row, sender: Address, sent_at: datetime) -> FileMessage:
    said = f"{sender.address}\0{row['title']}\0{row['article']}".encode("utf-8", "replace")
    raw = message(
        sender=sender,
        to=None,
        subject=row["title"],
        sent_at=sent_at,
        message_id=f"{hashlib.sha256(said).hexdigest()[:24]}@articles.example",
        text=row["article"].replace("\r\n", "\n"),
    )
    return FileMessage(raw=raw, received_at=sent_at)


def _plain(publication: str) -> str:
    return _THE.sub("", publication.strip()).lower()


def _date(text: str) -> datetime | None:
    """`2016-12-09 18:31:00`, or its day alone; taken as UTC, for no zone is told."""
    try:
        found = datetime.fromisoformat(text.strip())
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
