"""LaMP-3 (Salemi et al., 2024): product reviews by their users.

Checked against the benchmark's own code and public code that reads it: a file is one JSON list of
`{id, input, profile}`, a user each; the profile is a list of `{id, text, score}`, with a `date`
(year-month-day) in the split by time; `input` asks for the score of one more review of theirs,
which follows `review:`, and whose score stands in another file. The split by users, which the paper
calls LaMP 3U, has the same form. A file has gigabytes, so that one user is read at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any

import ijson

from daemon.corpora.messages import message, one_line
from daemon.corpora.records import Corpus, Found, Skipped, Text, all_of
from daemon.mailbox.parsing.mail_files import FileMessage
from daemon.research_errors import CorpusUnreadable
from mlx_agent.records import Address

NO_USER, NO_TEXT = "an entry that is no user", "a review without text"
CUT_OFF = "the rest of a file that is broken"
FIRST = datetime(2000, 1, 1, tzinfo=UTC)
"""Reviews without dates stand a minute apart from here on, in the order of the file."""
FAR = 9000
"""No review has such a date, and a minute more could be no date at all."""
_ASKED = re.compile(r"\breview:\s*(?P<text>.+)", re.DOTALL)


def read(paths: Sequence[Path]) -> Iterator[Found]:
    """The reviews of all users; raises CorpusUnreadable."""
    return chain.from_iterable(map(_of_file, paths))


REVIEWS = Corpus(
    name="reviews",
    kind="review",
    least=40,
    read=read,
    addresses=all_of,
    flags=frozenset({"whole"}),
)


def _of_file(path: Path) -> Iterator[Found]:
    users = entries = 0
    try:
        with path.open("rb") as file:
            try:
                for entry in ijson.items(file, "item"):
                    entries += 1
                    users += _is_user(entry)
                    yield from _of_user(entry) if _is_user(entry) else [Skipped(NO_USER)]
            except (ijson.JSONError, UnicodeDecodeError) as error:
                if not users:
                    raise CorpusUnreadable("reviews", path, "it is no JSON list") from error
                yield Skipped(CUT_OFF)
    except OSError as error:
        raise CorpusUnreadable("reviews", path, error.strerror or "unreadable") from error
    if not users:
        reason = "no entry has an id and a profile" if entries else "there is no user in it"
        raise CorpusUnreadable("reviews", path, reason)


def _is_user(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("id"), str | int)
        and isinstance(entry.get("profile"), list)
    )


def _of_user(entry: dict[str, Any]) -> Iterator[Found]:
    user = one_line(str(entry["id"]))
    for number, review in enumerate([*entry["profile"], *_asked(entry.get("input"))]):
        text = review.get("text") if isinstance(review, dict) else None
        if isinstance(text, str) and text.strip():
            yield _text(user, number, review)
        else:
            yield Skipped(NO_TEXT)


def _asked(question: Any) -> list[dict[str, str]]:
    """The review that the question is about, which is the user's last."""
    found = _ASKED.search(question) if isinstance(question, str) else None
    return [{"text": found["text"]}] if found else []


def _text(user: str, number: int, review: dict[str, Any]) -> Text:
    plain = re.sub(r"[^a-z0-9]+", "-", user.lower()).strip("-") or "x"
    sender = Address(name="", address=f"user-{plain}@reviews.example")
    return Text(
        person=f"user-{user}",
        name="",
        address=sender.address,
        message=lambda: _message(sender, number, review),
    )


def _message(sender: Address, number: int, review: dict[str, Any]) -> FileMessage:
    sent_at = (_date(review.get("date")) or FIRST) + timedelta(minutes=number)
    raw = message(
        sender=sender,
        to=None,
        subject=_about(review.get("score")),
        sent_at=sent_at,
        message_id=f"{number}.{sender.address}",
        text=review["text"].replace("\r\n", "\n"),
    )
    return FileMessage(raw=raw, received_at=sent_at)


def _about(score: Any) -> str:
    """What is known of the product: how many of five stars the user gave it."""
    if isinstance(score, str | int | float | Decimal):
        rated = re.fullmatch(r"([1-5])(?:\.0+)?", str(score).strip())
        if rated:
            return f"a product, rated {rated[1]} of 5"
    return "a product"


def _date(text: Any) -> datetime | None:
    try:
        found = datetime.strptime(str(text), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return found if found.year < FAR else None
