"""Edits: what the user made of drafts. Append-only; triggers refuse UPDATE and DELETE.

One draft may have several: each final text is one row, and the same final text again is no row. A
text that a client reported comes again, as a row of its own, with the mail that it was sent in.
"""

from __future__ import annotations

import sqlite3
from hashlib import sha256

from daemon.store.columns import to_moment, to_text
from mlx_agent.records import Edit


def add_edit(connection: sqlite3.Connection, edit: Edit) -> bool:
    """Append an edit; False when this final text of this draft, from this mail, is known."""
    cursor = connection.execute(
        """
        INSERT INTO edit VALUES (NULL, :draft_id, :final_hash, :mail_id, :account, :draft_text,
            :final_text, :distance, :unchanged, :matched_by, :created_at)
        ON CONFLICT (draft_id, final_hash, ifnull(mail_id, '')) DO NOTHING
        """,
        {
            "draft_id": edit.draft_id,
            "final_hash": sha256(edit.final_text.encode()).hexdigest(),
            "mail_id": edit.mail_id,
            "account": edit.account,
            "draft_text": edit.draft_text,
            "final_text": edit.final_text,
            "distance": edit.distance,
            "unchanged": edit.unchanged,
            "matched_by": edit.matched_by,
            "created_at": to_text(edit.created_at),
        },
    )
    return cursor.rowcount == 1


def edits(connection: sqlite3.Connection, account: str) -> list[Edit]:
    """All edits of the account, oldest first."""
    rows = connection.execute(
        "SELECT * FROM edit WHERE account = ? ORDER BY created_at, number", (account,)
    )
    return [_edit(row) for row in rows]


def _edit(row: sqlite3.Row) -> Edit:
    return Edit(
        draft_id=row["draft_id"],
        mail_id=row["mail_id"],
        account=row["account"],
        draft_text=row["draft_text"],
        final_text=row["final_text"],
        distance=row["distance"],
        unchanged=bool(row["unchanged"]),
        matched_by=row["matched_by"],
        created_at=to_moment(row["created_at"]),
    )
