"""Drafts, found by id, by the client's idempotency key, and by the Message-ID they left with.

A draft is written once. Only its Message-ID comes later, when it is saved or sent. A second draft
under one key of an account is a bug of the caller and raises sqlite3.IntegrityError.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from daemon.store.columns import to_moment, to_text
from mlx_agent import codec
from mlx_agent.records import Draft, Provenance, Rule, X


def add_draft(connection: sqlite3.Connection, draft: Draft) -> None:
    """Store a new draft."""
    connection.execute(
        """
        INSERT INTO draft VALUES (:id, :account, :key, :x, :rules, :text, :provenance, :created_at,
            NULL, :in_reply_to, :reference_ids)
        """,
        {
            "id": draft.id,
            "account": draft.account,
            "key": draft.key,
            "x": codec.dumps(draft.x),
            "rules": codec.dumps(draft.rules),
            "text": draft.text,
            "provenance": codec.dumps(draft.provenance),
            "created_at": to_text(draft.created_at),
            "in_reply_to": draft.in_reply_to,
            "reference_ids": codec.dumps(draft.references),
        },
    )


def draft(connection: sqlite3.Connection, draft_id: str) -> Draft | None:
    """The draft of that id."""
    return _one(connection.execute("SELECT * FROM draft WHERE id = ?", (draft_id,)))


def draft_by_key(connection: sqlite3.Connection, account: str, key: str) -> Draft | None:
    """The draft that the client asked for under that idempotency key."""
    return _one(
        connection.execute("SELECT * FROM draft WHERE account = ? AND key = ?", (account, key))
    )


def drafts(connection: sqlite3.Connection, account: str) -> list[Draft]:
    """All drafts of the account, newest first."""
    return _drafts(
        connection.execute(
            "SELECT * FROM draft WHERE account = ? ORDER BY created_at DESC, rowid DESC", (account,)
        )
    )


def drafts_by_message_id(connection: sqlite3.Connection, account: str) -> dict[str, Draft]:
    """The drafts that were saved or sent; the latest where several left under one Message-ID."""
    rows = connection.execute(
        """
        SELECT * FROM draft WHERE account = ? AND message_id IS NOT NULL
        ORDER BY created_at, rowid
        """,
        (account,),
    ).fetchall()
    return dict(zip((row["message_id"] for row in rows), _drafts(rows), strict=True))


def set_message_id(connection: sqlite3.Connection, draft_id: str, message_id: str) -> None:
    """Note the Message-ID under which a draft was saved or sent; a later one replaces it."""
    connection.execute("UPDATE draft SET message_id = ? WHERE id = ?", (message_id, draft_id))


def _drafts(rows: Iterable[sqlite3.Row]) -> list[Draft]:
    """Whole rows of `draft` as records."""
    return [
        Draft(
            id=row["id"],
            account=row["account"],
            key=row["key"],
            x=codec.loads(X, row["x"]),
            rules=codec.loads(tuple[Rule, ...], row["rules"]),
            text=row["text"],
            provenance=codec.loads(Provenance, row["provenance"]),
            created_at=to_moment(row["created_at"]),
            in_reply_to=row["in_reply_to"],
            references=codec.loads(tuple[str, ...], row["reference_ids"]),
        )
        for row in rows
    ]


def _one(rows: Iterable[sqlite3.Row]) -> Draft | None:
    return next(iter(_drafts(rows)), None)
