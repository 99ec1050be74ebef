"""The Message-IDs of mails that the config excludes by a folder or a label, as last seen there."""

from __future__ import annotations

import sqlite3


def replace(connection: sqlite3.Connection, account: str, ids: frozenset[str], named: str) -> None:
    """These are all of the account's from now on; rows that stay are not written anew.

    `named` are the folders and labels in which they were found.
    """
    known = message_ids(connection, account)
    connection.executemany(
        "DELETE FROM excluded WHERE account = ? AND message_id = ?",
        [(account, each) for each in known - ids],
    )
    connection.executemany(
        "INSERT INTO excluded VALUES (?, ?)", [(account, each) for each in ids - known]
    )

    if looked_in(connection, account) != named:
        connection.execute("INSERT OR REPLACE INTO excluded_by VALUES (?, ?)", (account, named))


def looked_in(connection: sqlite3.Connection, account: str) -> str | None:
    """In which folders and labels the account's were last found; None if never looked for."""
    row = connection.execute(
        "SELECT named FROM excluded_by WHERE account = ?", (account,)
    ).fetchone()
    return None if row is None else str(row[0])


def message_ids(connection: sqlite3.Connection, account: str) -> frozenset[str]:
    """The account's, in angle brackets as `Mail.message_id` has them."""
    rows = connection.execute("SELECT message_id FROM excluded WHERE account = ?", (account,))
    return frozenset(row[0] for row in rows)
