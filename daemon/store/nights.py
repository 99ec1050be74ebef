"""Nights: when each was, what held it up, whether nights are paused, and which were reported.

A night is named by the local date on which it begins. What it did stands in its jobs; its own row
is there also if it did nothing, with the reasons.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime

from daemon.records import Night, NightReport, NightRow, Wait
from daemon.store.columns import to_moment, to_text
from mlx_agent import codec


def note(connection: sqlite3.Connection, night: Night, waits: Sequence[Wait]) -> None:
    """What holds the night up now, or held it up when it was last looked at."""
    connection.execute(
        """
        INSERT INTO night VALUES (?, ?, ?, ?)
        ON CONFLICT (date) DO UPDATE SET ends = excluded.ends, waits = excluded.waits
        """,
        _row(night, waits),
    )


def miss(connection: sqlite3.Connection, nights: Iterable[Night]) -> None:
    """Nights in which nobody looked; one that has its row keeps it."""
    for night in nights:
        connection.execute("INSERT OR IGNORE INTO night VALUES (?, ?, ?, ?)", _row(night, ["off"]))


def last(connection: sqlite3.Connection) -> NightRow | None:
    """The latest night; None before the first."""
    found = history(connection, 1)
    return found[0] if found else None


def history(connection: sqlite3.Connection, limit: int) -> list[NightRow]:
    """The last nights, the latest first."""
    rows = connection.execute("SELECT * FROM night ORDER BY date DESC LIMIT ?", (limit,))
    return [
        NightRow(
            night=Night(
                date=row["date"], starts=to_moment(row["starts"]), ends=to_moment(row["ends"])
            ),
            waits=codec.loads(tuple[Wait, ...], row["waits"]),
        )
        for row in rows
    ]


def is_paused(connection: sqlite3.Connection) -> bool:
    """Whether the user wants no nights."""
    return connection.execute("SELECT 1 FROM nights_paused").fetchone() is not None


def set_paused(connection: sqlite3.Connection, at: datetime | None) -> None:
    """No nights from then on; nights again with None."""
    connection.execute("DELETE FROM nights_paused")
    if at is not None:
        connection.execute("INSERT INTO nights_paused VALUES (1, ?)", (to_text(at),))


# --- the morning's mail -----------------------------------------------------------------------


def begin_report(connection: sqlite3.Connection, date: str, account: str) -> bool:
    """An attempt to send it begins, to be committed before its first byte; False if one has."""
    cursor = connection.execute(
        "INSERT OR IGNORE INTO night_report VALUES (?, ?, 'trying')", (date, account)
    )
    return cursor.rowcount == 1


def end_report(
    connection: sqlite3.Connection, date: str, account: str, state: NightReport | None
) -> None:
    """What came of the attempt; None: nothing has left, and it may be tried again."""
    key = (date, account)
    if state is None:
        connection.execute("DELETE FROM night_report WHERE date = ? AND account = ?", key)
    else:
        connection.execute(
            "UPDATE night_report SET state = ? WHERE date = ? AND account = ?", (state, *key)
        )


def reports(connection: sqlite3.Connection, date: str) -> dict[str, NightReport]:
    """How far a night's mails are, by account; `trying` is also what a crash leaves behind."""
    rows = connection.execute("SELECT account, state FROM night_report WHERE date = ?", (date,))
    return {row["account"]: row["state"] for row in rows}


def _row(night: Night, waits: Sequence[Wait]) -> tuple[str, str, str, str]:
    told = codec.dumps(tuple(waits))
    return night.date, to_text(night.starts), to_text(night.ends), told
