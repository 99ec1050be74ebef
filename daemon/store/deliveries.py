"""Deliveries: how far each draft has got on its ways out, one row for a draft and a way.

`begin` is committed before the first byte of an attempt and `end` after the server's answer, so a
row that stands at `trying` without a process at work is an attempt whose end nobody saw.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime

from daemon.records import Delivery, DeliveryKind, DeliveryState
from daemon.store import drafts
from daemon.store.columns import to_moment, to_optional_moment, to_text


def delivery(connection: sqlite3.Connection, draft_id: str, kind: DeliveryKind) -> Delivery | None:
    """How far the draft has got on this way; None before the first attempt."""
    row = connection.execute(
        "SELECT * FROM delivery WHERE draft_id = ? AND kind = ?", (draft_id, kind)
    ).fetchone()
    if row is None:
        return None
    return Delivery(
        draft_id=row["draft_id"],
        kind=row["kind"],
        state=row["state"],
        attempts=row["attempts"],
        begun_at=to_moment(row["begun_at"]),
        ended_at=to_optional_moment(row["ended_at"]),
    )


def begin(
    connection: sqlite3.Connection,
    draft_id: str,
    kind: DeliveryKind,
    message_id: str,
    at: datetime,
) -> None:
    """An attempt begins, under this Message-ID; what came of an earlier one is overwritten."""
    connection.execute(
        """
        INSERT INTO delivery VALUES (?, ?, 'trying', 1, ?, NULL)
        ON CONFLICT (draft_id, kind) DO UPDATE SET state = 'trying', attempts = attempts + 1,
            begun_at = excluded.begun_at, ended_at = NULL
        """,
        (draft_id, kind, to_text(at)),
    )
    drafts.set_message_id(connection, draft_id, message_id)


def end(
    connection: sqlite3.Connection,
    draft_id: str,
    kind: DeliveryKind,
    state: DeliveryState,
    at: datetime,
) -> None:
    """What came of the latest attempt."""
    connection.execute(
        "UPDATE delivery SET state = ?, ended_at = ? WHERE draft_id = ? AND kind = ?",
        (state, to_text(at), draft_id, kind),
    )
