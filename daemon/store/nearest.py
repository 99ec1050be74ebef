"""The lessons nearest to an x: full-text search over their recipients and topics.

The index is FTS5's, one row a lesson, which goes with the lesson. Mail text never becomes a query's
syntax: a query is made of quoted words of letters and digits. What is found is ranked by BM25, the
recipient's words over the topic's; the rest follows by time, so that there is an answer even where
no word is shared.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import closing

from daemon.store import schema
from daemon.store.columns import to_moment, to_text
from mlx_agent import codec
from mlx_agent.records import Call, Lesson, Rule, X

RECIPIENT_WEIGHT = 4.0
"""How much a word of the recipient's counts beside one of the topic's."""

_WORD = re.compile(r"[^\W_]+")

Known = tuple[str, str, str]
"""A lesson's id, its sample's id, and the time of its mail as the store writes it."""


def index(connection: sqlite3.Connection, lesson: Lesson) -> None:
    """Add a lesson that is stored for the first time; part of the caller's transaction."""
    connection.execute(
        "INSERT INTO lesson_text (account, lesson_id, recipient, topic) VALUES (?, ?, ?, ?)",
        (lesson.account, lesson.id, _recipient(lesson.x), _topic(lesson.x)),
    )


def nearest(connection: sqlite3.Connection, account: str, x: X, limit: int) -> list[Lesson]:
    """The account's lessons nearest to x, the nearest first, at most `limit`.

    Of equally near ones the newest goes first; of a sample's lessons, the last one stored.
    """
    rows = connection.execute(
        "SELECT id, sample_id, sent_at FROM lesson WHERE account = ? ORDER BY rowid", (account,)
    )
    known = [(row["id"], row["sample_id"], row["sent_at"]) for row in rows]
    found = [
        connection.execute("SELECT * FROM lesson WHERE account = ? AND id = ?", (account, chosen))
        for chosen in _order(known, _ranks(connection, account, x))[:limit]
    ]
    return [lesson_of(cursor.fetchone()) for cursor in found]


def nearest_among(
    lessons: Sequence[Lesson], xs: Iterable[X], limit: int
) -> tuple[tuple[Lesson, ...], ...]:
    """For each x, what `nearest` would find were these lessons of one account all there is."""
    by_id = {lesson.id: lesson for lesson in lessons}
    known = [(lesson.id, lesson.sample_id, to_text(lesson.sent_at)) for lesson in lessons]
    account = lessons[0].account if lessons else ""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        schema.migrate(connection)
        for lesson in by_id.values():
            index(connection, lesson)
        orders = (_order(known, _ranks(connection, account, x)) for x in xs)
        return tuple(tuple(by_id[chosen] for chosen in order[:limit]) for order in orders)


def _ranks(connection: sqlite3.Connection, account: str, x: X) -> dict[str, float]:
    """The BM25 of each lesson that shares a word with x; the lower, the nearer."""
    query = _query(x)
    if not query:
        return {}
    rows = connection.execute(
        """
        SELECT lesson_id, bm25(lesson_text, 0, 0, ?, 1) AS rank FROM lesson_text
        WHERE lesson_text MATCH ? AND account = ?
        """,
        (RECIPIENT_WEIGHT, query, account),
    )
    return {row["lesson_id"]: row["rank"] for row in rows}


def _order(known: Sequence[Known], ranks: dict[str, float]) -> list[str]:
    """Lessons by their rank and then the newest first; `known` is in the order of storing."""
    last = {sample_id: (lesson_id, sent_at) for lesson_id, sample_id, sent_at in known}
    newest_first = sorted(last.values(), key=lambda one: (one[1], one[0]), reverse=True)
    return [one for one, _ in sorted(newest_first, key=lambda one: ranks.get(one[0], 0.0))]


def _query(x: X) -> str:
    columns = {"recipient": _recipient(x), "topic": _topic(x)}
    return " OR ".join(
        f"{column} : ({' OR '.join(words)})"
        for column, text in columns.items()
        if (words := _quoted(text))
    )


def _quoted(text: str) -> list[str]:
    composed = unicodedata.normalize("NFC", text).lower()
    return [f'"{word}"' for word in sorted(set(_WORD.findall(composed)))]


def _recipient(x: X) -> str:
    return " ".join(f"{to.name} {to.address}" for to in x.metadata.to[:1])


def _topic(x: X) -> str:
    return " ".join((x.metadata.subject, *x.intent))


def lesson_of(row: sqlite3.Row) -> Lesson:
    """The lesson that a row of the table `lesson` holds."""
    parsed = {
        "x": codec.loads(X, row["x"]),
        "rules": codec.loads(tuple[Rule, ...], row["rules"]),
        "calls": codec.loads(tuple[Call, ...], row["calls"]),
        "sent_at": to_moment(row["sent_at"]),
    }
    return Lesson(**(dict(row) | parsed))
