"""The store looked at from outside, and left as it is: no migration, no new file, no lock."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from daemon.errors import StoreDamaged, StoreLocked, StoreTooNew
from daemon.store import schema
from daemon.store.database import HELD, primary_code

ENGINE = sqlite3.sqlite_version
"""SQLite's version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """The schema's version on the disk, and the one that this program knows.

    `newest_mail` is the latest time that a mail tells, in ISO 8601; None without mails.
    """

    version: int
    known: int
    newest_mail: str | None


def inspect(path: Path) -> Inspection:
    """Read and check all of it (`PRAGMA quick_check`).

    Without a write-ahead log nobody has it open, and it is read as a file that does not change;
    SQLite would make that log anew. Raises StoreDamaged, StoreTooNew and StoreLocked.
    """
    mode = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "immutable=1"
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?{mode}", uri=True)) as connection:
            connection.execute("PRAGMA query_only = ON")
            found = schema.version(connection)
            if found > schema.KNOWN:
                raise StoreTooNew(path, found, schema.KNOWN)
            if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                raise StoreDamaged(path)
            newest = None
            if found:
                newest = connection.execute("SELECT max(sent_at) FROM mail").fetchone()[0]
    except sqlite3.Error as error:
        if primary_code(error) in HELD:
            raise StoreLocked(path) from error
        raise StoreDamaged(path) from error
    return Inspection(version=found, known=schema.KNOWN, newest_mail=newest)
