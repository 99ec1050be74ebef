"""The pairs of the blind test, as they were shown, and what the user chose.

A session's id begins with the time it began at, so that the latest comes last.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable
from datetime import datetime

from daemon.store.columns import to_optional_moment, to_text
from mlx_agent.evaluate.records import BlindPair


def add(connection: sqlite3.Connection, pairs: Iterable[BlindPair]) -> None:
    """Store the pairs of a new session."""
    connection.executemany(
        "INSERT INTO blind_pair VALUES (?, ?, ?, ?, NULL, NULL)",
        [(pair.session, pair.number, pair.left, pair.right) for pair in pairs],
    )


def latest(connection: sqlite3.Connection, account: str) -> list[BlindPair]:
    """The pairs of the account's last session in their order; those of forgotten mails are gone."""
    rows = connection.execute(
        """
        SELECT * FROM blind_pair WHERE session = (
            SELECT max(session) FROM blind_pair JOIN trial ON trial.id = left_trial
            WHERE trial.account = ?
        )
        ORDER BY number
        """,
        (account,),
    )
    return [_pair(row) for row in rows]


def answered(connection: sqlite3.Connection, ids: Collection[str]) -> list[BlindPair]:
    """What was chosen in any session of pairs of which both are among these trials."""
    rows = connection.execute(
        """
        SELECT * FROM blind_pair WHERE choice IS NOT NULL
            AND left_trial IN (SELECT value FROM json_each(:ids))
            AND right_trial IN (SELECT value FROM json_each(:ids))
        ORDER BY session, number
        """,
        {"ids": json.dumps(sorted(ids))},
    )
    return [_pair(row) for row in rows]


def choose(connection: sqlite3.Connection, pair: BlindPair, at: datetime) -> None:
    """Store what was chosen of a pair, in place of what was chosen before."""
    connection.execute(
        "UPDATE blind_pair SET choice = ?, chosen_at = ? WHERE session = ? AND number = ?",
        (pair.choice, to_text(at), pair.session, pair.number),
    )


def _pair(row: sqlite3.Row) -> BlindPair:
    return BlindPair(
        session=row["session"],
        number=row["number"],
        left=row["left_trial"],
        right=row["right_trial"],
        choice=row["choice"],
        chosen_at=to_optional_moment(row["chosen_at"]),
    )
