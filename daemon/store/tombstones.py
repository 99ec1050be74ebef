"""What is left of a mail that is gone: its id, without content, and by whose word it went.

A mail that its folder lost comes back if the folder has it again. One that the user had forgotten
does not, from wherever it comes: its id is the hash of its content.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime

from daemon.records import FolderState
from daemon.store.columns import to_text


def bury(
    connection: sqlite3.Connection, account: str, mail_id: str, now: datetime, *, by_user: bool
) -> None:
    """Note that a mail is gone."""
    connection.execute(
        "INSERT OR REPLACE INTO tombstone VALUES (?, ?, ?, ?)",
        (account, mail_id, to_text(now), by_user),
    )


def is_forgotten(connection: sqlite3.Connection, account: str, mail_id: str) -> bool:
    """Whether the user had this mail forgotten."""
    row = connection.execute(
        "SELECT 1 FROM tombstone WHERE account = ? AND mail_id = ? AND by_user",
        (account, mail_id),
    ).fetchone()
    return row is not None


def pass_over(connection: sqlite3.Connection, folder: FolderState, uid: int) -> None:
    """Note that a message of a folder is one that the user had forgotten: it needs no fetching."""
    connection.execute(
        "INSERT OR REPLACE INTO passed_uid VALUES (?, ?, ?, ?)",
        (folder.account, folder.folder, folder.uidvalidity, uid),
    )


def passed_uids(connection: sqlite3.Connection, folder: FolderState) -> set[int]:
    """The UIDs of such messages."""
    rows = connection.execute(
        "SELECT uid FROM passed_uid WHERE account = ? AND folder = ? AND uidvalidity = ?",
        (folder.account, folder.folder, folder.uidvalidity),
    )
    return {row["uid"] for row in rows}
