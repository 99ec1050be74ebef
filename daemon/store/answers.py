"""The answers of samples that have no lesson yet, so that nothing is asked twice.

They go when their lesson comes, and with their mail. Those of a sample that was set aside stay: it
is not asked about again until its key changes.
"""

from __future__ import annotations

import sqlite3

from daemon.store import tombstones
from mlx_agent import codec
from mlx_agent.teach.lessons import Answered


def add(
    connection: sqlite3.Connection,
    account: str,
    sample_id: str,
    key: tuple[str, int],
    answered: Answered,
) -> None:
    """Keep the answer to a lesson's question; `key` is the lesson's id and the position.

    The first one counts: a second answer to the same question is as good, and not needed. Of a mail
    that the user had forgotten meanwhile none is kept.
    """
    if tombstones.is_forgotten(connection, account, sample_id):
        return
    connection.execute(
        """
        INSERT INTO answer (account, lesson_id, position, sample_id, answer)
        VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
        """,
        (account, *key, sample_id, codec.dumps(answered)),
    )


def answers(connection: sqlite3.Connection, account: str, lesson_id: str) -> tuple[Answered, ...]:
    """A lesson's answers so far, in their order."""
    rows = connection.execute(
        "SELECT answer FROM answer WHERE account = ? AND lesson_id = ? ORDER BY position",
        (account, lesson_id),
    )
    return tuple(codec.loads(Answered, row["answer"]) for row in rows)


def begun(connection: sqlite3.Connection, account: str) -> dict[str, int]:
    """How many answers there are, by lesson id."""
    rows = connection.execute(
        "SELECT lesson_id, count(*) AS answers FROM answer WHERE account = ? GROUP BY lesson_id",
        (account,),
    )
    return {row["lesson_id"]: row["answers"] for row in rows}


def forget(connection: sqlite3.Connection, account: str, lesson_id: str) -> None:
    """The lesson is made: its answers are part of it."""
    connection.execute(
        "DELETE FROM answer WHERE account = ? AND lesson_id = ?", (account, lesson_id)
    )
