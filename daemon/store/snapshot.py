"""The store as one file that nobody writes to, its integrity, and all its rows in readable form."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_JSON = ("[", "{")
_OURS = frozenset({"migration", "forgetting", "forgotten_data", "passed_uid"})
"""Tables that say nothing of the user."""


def write_to(connection: sqlite3.Connection, path: Path) -> None:
    """Write the store as it is at this moment to a new file; outside a transaction."""
    connection.execute("VACUUM INTO ?", (str(path),))


def is_whole(connection: sqlite3.Connection) -> bool:
    """Whether SQLite finds nothing wrong with the file, and no key points nowhere."""
    said = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    return said == "ok" and connection.execute("PRAGMA foreign_key_check").fetchone() is None


def tables(connection: sqlite3.Connection) -> list[str]:
    """The tables that hold what is known of the user; not the index for searching, made of them."""
    rows = connection.execute(
        """
        SELECT name FROM sqlite_master WHERE type = 'table'
        AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'lesson_text%' ORDER BY name
        """
    )
    return [row["name"] for row in rows if row["name"] not in _OURS]


def rows(connection: sqlite3.Connection, table: str) -> Iterator[dict[str, Any]]:
    """The rows of one of `tables`, as JSON-compatible data; nested records as such."""
    found = connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2")  # noqa: S608  # from `tables`
    for row in found:
        yield {name: _readable(row[name]) for name in row.keys()}  # noqa: SIM118  # a Row's values are else


def _readable(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, str) and value.startswith(_JSON):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
