"""What the tests of a sync share: invented mails, an account, and the store's whole content."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from daemon.config import Account, Imap
from daemon.mailbox.sync import sync_account
from daemon.records import Progress, SyncResult
from daemon.store.database import Database

ADDRESS = "ada@field.example"
TIMES = frozenset({"applied_at", "gone_at", "found_at"})
"""Columns that say when a sync ran."""
WORDS = ("rope", "mast", "tide", "keel", "anchor", "harbour", "sail", "chart", "oar", "lantern")


def message(number: int, body: str | None = None, **headers: str) -> bytes:
    """A plain mail of its own; `headers` replace the usual ones, an empty one leaves it out."""
    usual = {
        "Date": f"Mon, 02 Mar 2026 {number // 60 % 24:02}:{number % 60:02}:00 +0000",
        "From": f"Ada Lindqvist <{ADDRESS}>",
        "To": "ben@yard.example",
        "Subject": f"Delivery {number}",
        "Message-ID": f"<{number}@field.example>",
    }
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in (usual | named).items() if value]
    text = own_text(number) if body is None else body
    return "\r\n".join([*lines, "", text.replace("\n", "\r\n"), ""]).encode()


def own_text(number: int) -> str:
    """What the mail of that number says."""
    first, second = WORDS[number % 10], WORDS[number // 10 % 10]
    return f"Hello Ben,\n\nplease bring {number} of the {first}, and one {second}.\n\nAda"


def mixed(number: int, attachment: bytes = b"QUJD" * 20) -> bytes:
    """The same with an HTML alternative and an attachment (base64 as given)."""
    html = own_text(number).replace("\n", "<br>")
    head = message(number, "", Content_Type='multipart/mixed; boundary="m"').rstrip()
    parts = f"""
--m
Content-Type: multipart/alternative; boundary="a"

--a
Content-Type: text/plain; charset=utf-8

{own_text(number)}
--a
Content-Type: text/html; charset=utf-8

<p>{html}</p>
--a--
--m
Content-Type: application/pdf; name="chart.pdf"
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename="chart.pdf"

{attachment.decode()}
--m--
"""
    return head + b"\r\n\r\n" + parts.replace("\n", "\r\n").encode()


def account_at(port: int, user: str = "ada", **imap: Any) -> Account:
    """An account with a server on this machine."""
    usual = {"host": "127.0.0.1", "security": "plain", "password": "secret"}
    server = Imap(port=port, user=user, **(usual | imap))
    return Account(addresses=(ADDRESS,), imap=server)


def ignore(progress: Progress) -> None:
    """No bar."""


async def sync(account: Account, database: Database, name: str = "work") -> SyncResult:
    """A sync of the account."""
    return await sync_account(name, account, database, ignore)


async def rows(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """All that the store holds, by table, without the times at which it got there."""
    return await database.read(all_rows)


def rows_at(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The same of a store that nobody has open."""
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    try:
        return all_rows(connection)
    finally:
        connection.close()


def all_rows(connection: sqlite3.Connection) -> dict[str, list[tuple[Any, ...]]]:
    """The same in a transaction."""
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return {
        name: sorted(
            (
                tuple(value for key, value in dict(row).items() if key not in TIMES)
                for row in connection.execute(f"SELECT * FROM {name}")
            ),
            key=repr,
        )
        for (name,) in map(tuple, tables)
        if not name.startswith("sqlite_")
    }


async def links(database: Database) -> dict[int, str]:
    """The own text of each mail that has a UID, by UID."""
    found = await database.read(
        lambda c: c.execute(
            "SELECT uid, own_text FROM uid_link JOIN mail ON id = mail_id AND mail.account = 'work'"
        ).fetchall()
    )
    return {row["uid"]: row["own_text"] for row in found}


async def linked(database: Database) -> dict[int, str]:
    """The same, having made sure that the store holds no other mail."""
    found = await links(database)
    stored = await database.read(lambda c: c.execute("SELECT own_text FROM mail").fetchall())
    assert set(found.values()) == {row["own_text"] for row in stored}
    return found


async def set_aside(database: Database) -> dict[int, str]:
    """The reason for each quarantined UID."""
    found = await database.read(lambda c: c.execute("SELECT * FROM quarantine").fetchall())
    return {row["uid"]: row["reason"] for row in found}
