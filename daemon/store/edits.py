"""Edits: what the user made of drafts. Append-only; triggers refuse UPDATE and DELETE.

They go only with what the user has forgotten (`daemon.store.forgetting`).

One draft may have several: each final text is one row, and the same final text again is no row. A
text that a client reported comes again, as a row of its own, with the mail that it was sent in. Of
them one *stands*: that of a mail which names its draft, else that of a mail which was taken for it,
else what a client reported last; and none where the user took it back, which is a row of its own.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime
from hashlib import sha256

from daemon.records import Outcome
from daemon.store import tombstones
from daemon.store.columns import to_moment, to_text
from mlx_agent import codec
from mlx_agent.differences import changes
from mlx_agent.records import Change, Edit

_STANDING = """
    SELECT number FROM (
        SELECT number, draft_id, row_number() OVER (
            PARTITION BY draft_id ORDER BY
                mail_id IS NULL,
                matched_by IN ('thread', 'similarity'),
                CASE WHEN mail_id IS NULL THEN -number ELSE number END
        ) AS place
        FROM edit WHERE account = :account
    ) WHERE place = 1 AND draft_id NOT IN (SELECT draft_id FROM taken_back)
"""
_MAILS_TAKEN_BACK = """
    SELECT mail_id FROM edit JOIN taken_back USING (draft_id)
    WHERE account = :account AND mail_id IS NOT NULL
    UNION
    SELECT mail.id FROM mail JOIN draft ON draft.account = mail.account
        AND (mail.draft_id = draft.id OR mail.message_id = draft.message_id)
    JOIN taken_back ON taken_back.draft_id = draft.id
    WHERE mail.account = :account
"""


def add_edit(connection: sqlite3.Connection, edit: Edit) -> bool:
    """Append an edit; False when this final text of this draft, from this mail, is known.

    Nor is one stored of a mail that the user had forgotten meanwhile.
    """
    if edit.mail_id and tombstones.is_forgotten(connection, edit.account, edit.mail_id):
        return False
    cursor = connection.execute(
        """
        INSERT INTO edit VALUES (NULL, :draft_id, :final_hash, :mail_id, :account, :draft_text,
            :final_text, :distance, :unchanged, :matched_by, :created_at, :changes)
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
            "changes": codec.dumps(edit.changes),
        },
    )
    return cursor.rowcount == 1


def edits(connection: sqlite3.Connection, account: str) -> list[Edit]:
    """All edits of the account, oldest first."""
    rows = connection.execute(
        "SELECT * FROM edit WHERE account = ? ORDER BY created_at, number", (account,)
    )
    return [_edit(row) for row in rows]


def standing(connection: sqlite3.Connection, account: str) -> list[Edit]:
    """The edits that stand, at most one of a draft, oldest first."""
    rows = connection.execute(
        f"SELECT * FROM edit WHERE number IN ({_STANDING}) ORDER BY created_at, number",  # noqa: S608  # of our own parts
        {"account": account},
    )
    return [_edit(row) for row in rows]


def outcomes(connection: sqlite3.Connection, account: str) -> list[Outcome]:
    """What became of each draft of the account, oldest first; of what was taken back, nothing."""
    stood = connection.execute(
        f"SELECT draft_id, distance, unchanged FROM edit WHERE number IN ({_STANDING})",  # noqa: S608  # of our own parts
        {"account": account},
    )
    known = {row["draft_id"]: (row["distance"], bool(row["unchanged"])) for row in stood}
    drafts = connection.execute(
        """
        SELECT id, created_at,
            coalesce(provenance ->> '$.adapter', provenance ->> '$.rung') AS made_by
        FROM draft WHERE account = ? ORDER BY created_at, rowid
        """,
        (account,),
    )
    found = []
    for row in drafts:
        distance, unchanged = known.get(row["id"], (None, False))
        found.append(
            Outcome(
                made_at=to_moment(row["created_at"]),
                made_by=row["made_by"],
                distance=distance,
                unchanged=unchanged,
            )
        )
    return found


def take_back(connection: sqlite3.Connection, draft_id: str, at: datetime) -> None:
    """Let no edit of the draft stand, and forget the lessons of the mails that it became."""
    connection.execute(
        "INSERT INTO taken_back VALUES (?, ?) ON CONFLICT DO NOTHING", (draft_id, to_text(at))
    )
    row = connection.execute("SELECT account FROM draft WHERE id = ?", (draft_id,)).fetchone()
    for table in ("lesson", "answer"):
        connection.execute(
            f"DELETE FROM {table} WHERE account = :account AND sample_id IN ({_MAILS_TAKEN_BACK})",  # noqa: S608  # of our own parts
            {"account": row["account"]},
        )


def taken_back_mails(connection: sqlite3.Connection, account: str) -> set[str]:
    """The ids of the mails that drafts became of which the user took it back."""
    return {row[0] for row in connection.execute(_MAILS_TAKEN_BACK, {"account": account})}


def _edit(row: sqlite3.Row) -> Edit:
    known = row["changes"]  # an older store has none
    texts = row["draft_text"], row["final_text"]
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
        changes=changes(*texts) if known is None else codec.loads(tuple[Change, ...], known),
    )
