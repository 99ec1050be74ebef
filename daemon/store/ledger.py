"""The ledger: what left this machine, when, to whom and why, and what it cost. Append-only.

Triggers refuse any change. It holds no text: a mail or a draft stands in it by its id.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime

from daemon.records import LedgerEntry, MonthCost, Priced, Spent
from daemon.store.columns import to_moment, to_text
from mlx_agent import codec
from mlx_agent.records import Usage


def add(connection: sqlite3.Connection, entries: Iterable[LedgerEntry]) -> None:
    """Append entries."""
    connection.executemany(
        """
        INSERT INTO ledger (request, event, at, account, role, model, host, prompt, about,
            characters, redacted, usage, cost_usd, note)
        VALUES (:request, :event, :at, :account, :role, :model, :host, :prompt, :about,
            :characters, :redacted, :usage, :cost_usd, :note)
        """,
        [_row(entry) for entry in entries],
    )


def spent(connection: sqlite3.Connection, since: datetime) -> Spent:
    """What was sent since then cost, or can have cost at the most where its end is not known."""
    row = connection.execute(
        """
        SELECT
            total(coalesce(done.cost_usd, sent.cost_usd)) AS usd,
            total(CASE WHEN done.event IS NULL THEN sent.cost_usd END) AS reserved,
            count(*) AS requests,
            count(*) - count(coalesce(done.cost_usd, sent.cost_usd)) AS unpriced
        FROM ledger AS sent
        LEFT JOIN ledger AS done ON done.request = sent.request AND done.event != 'sent'
        WHERE sent.event = 'sent' AND sent.at >= ?
        """,
        (to_text(since),),
    ).fetchone()
    return Spent(
        usd=row["usd"],
        reserved=row["reserved"],
        requests=row["requests"],
        unpriced=row["unpriced"],
    )


def cost(connection: sqlite3.Connection, account: str, since: datetime, until: datetime) -> float:
    """USD that what was sent in this time for an account cost, or can have cost; drafts apart."""
    row = connection.execute(
        """
        SELECT total(coalesce(done.cost_usd, sent.cost_usd)) AS usd
        FROM ledger AS sent
        LEFT JOIN ledger AS done ON done.request = sent.request AND done.event != 'sent'
        WHERE sent.event = 'sent' AND sent.account = ? AND sent.at BETWEEN ? AND ?
        AND sent.about NOT IN (SELECT id FROM draft)
        """,
        (account, to_text(since), to_text(until)),
    ).fetchone()
    return float(row["usd"])


def by_month(connection: sqlite3.Connection, account: str | None = None) -> list[MonthCost]:
    """What each role cost in each month, the earliest first; of all accounts with None."""
    rows = connection.execute(
        """
        SELECT substr(sent.at, 1, 7) AS month, sent.role,
            total(coalesce(done.cost_usd, sent.cost_usd)) AS usd, count(*) AS requests
        FROM ledger AS sent
        LEFT JOIN ledger AS done ON done.request = sent.request AND done.event != 'sent'
        WHERE sent.event = 'sent' AND (:account IS NULL OR sent.account = :account)
        GROUP BY month, sent.role ORDER BY month, sent.role
        """,
        {"account": account},
    )
    return [
        MonthCost(month=row["month"], role=row["role"], usd=row["usd"], requests=row["requests"])
        for row in rows
    ]


def priced(connection: sqlite3.Connection, account: str | None = None) -> list[Priced]:
    """Every request with the rows that tell its cost, oldest first; of all accounts with None."""
    entries = connection.execute(
        "SELECT * FROM ledger WHERE :account IS NULL OR account = :account ORDER BY id",
        {"account": account},
    ).fetchall()
    ends = {row["request"]: row for row in entries if row["event"] != "sent"}
    found = []
    for row in entries:
        if row["event"] == "sent":
            end = ends.get(row["request"])
            cost = row["cost_usd"] if end is None or end["cost_usd"] is None else end["cost_usd"]
            found.append(
                Priced(
                    row=row["id"],
                    end=end and end["id"],
                    month=row["at"][:7],
                    role=row["role"],
                    usd=cost,
                )
            )
    return found


def entries(
    connection: sqlite3.Connection, *, account: str | None, since: datetime, limit: int
) -> list[LedgerEntry]:
    """The last `limit` entries since a time, oldest first; of all accounts with None."""
    rows = connection.execute(
        """
        SELECT * FROM ledger WHERE at >= :since AND (:account IS NULL OR account = :account)
        ORDER BY id DESC LIMIT :limit
        """,
        {"since": to_text(since), "account": account, "limit": limit},
    ).fetchall()
    return [_entry(row) for row in reversed(rows)]


def sent(connection: sqlite3.Connection, requests: Iterable[str]) -> dict[str, LedgerEntry]:
    """The entries "sent" of these requests that have no end yet."""
    found = {}
    for request in requests:
        row = connection.execute(
            """
            SELECT * FROM ledger AS sent WHERE request = :request AND event = 'sent'
            AND NOT EXISTS (SELECT 1 FROM ledger WHERE request = :request AND event != 'sent')
            """,
            {"request": request},
        ).fetchone()
        if row is not None:
            found[request] = _entry(row)
    return found


def _row(entry: LedgerEntry) -> dict[str, object]:
    return {
        "request": entry.request,
        "event": entry.event,
        "at": to_text(entry.at),
        "account": entry.account,
        "role": entry.role,
        "model": entry.model,
        "host": entry.host,
        "prompt": entry.prompt,
        "about": entry.about,
        "characters": entry.characters,
        "redacted": entry.redacted,
        "usage": None if entry.usage is None else codec.dumps(entry.usage),
        "cost_usd": entry.cost_usd,
        "note": entry.note,
    }


def _entry(row: sqlite3.Row) -> LedgerEntry:
    return LedgerEntry(
        request=row["request"],
        event=row["event"],
        at=to_moment(row["at"]),
        account=row["account"],
        role=row["role"],
        model=row["model"],
        host=row["host"],
        prompt=row["prompt"],
        about=row["about"],
        characters=row["characters"],
        redacted=bool(row["redacted"]),
        usage=None if row["usage"] is None else codec.loads(Usage, row["usage"]),
        cost_usd=row["cost_usd"],
        note=row["note"],
    )
