"""Lessons, and the samples that gave none.

A lesson's id holds everything that it depends on, so adding it twice is harmless and a changed
prompt or model makes another one. Rows are never changed.
"""

from __future__ import annotations

import sqlite3

from daemon.store import answers, nearest, tombstones
from daemon.store.columns import to_text
from mlx_agent import codec
from mlx_agent.records import Lesson


def add_lesson(connection: sqlite3.Connection, lesson: Lesson) -> bool:
    """Store a lesson; False when it is known. Its sample is no longer set aside.

    Its answers go with it: they are part of it now. Of a mail that the user had forgotten meanwhile
    nothing is stored.
    """
    if tombstones.is_forgotten(connection, lesson.account, lesson.sample_id):
        return False
    cursor = connection.execute(
        """
        INSERT INTO lesson VALUES (:account, :id, :sample_id, :x, :rules, :own_text, :baseline,
            :sent_at, :thread, :strategy, :calls, :recipe,
            :generalised, :dropped, :thinking)
        ON CONFLICT (account, id) DO NOTHING
        """,
        {
            "account": lesson.account,
            "id": lesson.id,
            "sample_id": lesson.sample_id,
            "x": codec.dumps(lesson.x),
            "rules": codec.dumps(lesson.rules),
            "own_text": lesson.own_text,
            "baseline": lesson.baseline,
            "sent_at": to_text(lesson.sent_at),
            "thread": lesson.thread,
            "strategy": lesson.strategy,
            "calls": codec.dumps(lesson.calls),
            "recipe": lesson.recipe,
            "generalised": lesson.generalised,
            "dropped": lesson.dropped,
            "thinking": lesson.thinking,
        },
    )
    connection.execute(
        "DELETE FROM set_aside WHERE account = ? AND sample_id = ?",
        (lesson.account, lesson.sample_id),
    )
    answers.forget(connection, lesson.account, lesson.id)
    if added := cursor.rowcount == 1:
        nearest.index(connection, lesson)
    return added


def lessons(connection: sqlite3.Connection, account: str) -> list[Lesson]:
    """All lessons of the account, by the time of their mail, oldest first."""
    rows = connection.execute(
        "SELECT * FROM lesson WHERE account = ? ORDER BY sent_at, id", (account,)
    )
    return [nearest.lesson_of(row) for row in rows]


def lesson_ids(connection: sqlite3.Connection, account: str) -> set[str]:
    """The ids of the account's lessons."""
    rows = connection.execute("SELECT id FROM lesson WHERE account = ?", (account,))
    return {row["id"] for row in rows}


def set_aside(connection: sqlite3.Connection, account: str, sample_id: str, reason: str) -> None:
    """Note that a sample gave no lesson, and why; a later reason replaces the earlier."""
    connection.execute(
        "INSERT OR REPLACE INTO set_aside VALUES (?, ?, ?)", (account, sample_id, reason)
    )


def set_aside_samples(connection: sqlite3.Connection, account: str) -> set[str]:
    """The samples of the account that gave no lesson."""
    rows = connection.execute("SELECT sample_id FROM set_aside WHERE account = ?", (account,))
    return {row["sample_id"] for row in rows}


def set_aside_counts(connection: sqlite3.Connection, account: str) -> dict[str, int]:
    """How many samples were set aside for each reason, the most frequent first."""
    rows = connection.execute(
        """
        SELECT reason, count(*) AS samples FROM set_aside WHERE account = ?
        GROUP BY reason ORDER BY samples DESC, reason
        """,
        (account,),
    )
    return {row["reason"]: row["samples"] for row in rows}
