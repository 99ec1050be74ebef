"""What the store holds of an account, in numbers. Reads only."""

from __future__ import annotations

import sqlite3

from daemon.records import AccountCounts
from daemon.store.adapters import last_verdict
from daemon.store.columns import to_optional_moment

Mark = tuple[int, int, int, int]
"""Equal as long as an account's mails, their own texts and what is known of them stay the same."""


def mark(connection: sqlite3.Connection, account: str) -> Mark:
    """How the account's mails stand now."""
    row = connection.execute(
        """
        SELECT
            (SELECT count(*) FROM mail WHERE account = :account),
            (SELECT total(cut_version) FROM mail WHERE account = :account),
            (SELECT count(*) FROM edit WHERE account = :account),
            (SELECT count(*) FROM taken_back)
        """,
        {"account": account},
    ).fetchone()
    mails, cuts, edits, taken_back = row
    return mails, int(cuts), edits, taken_back


def counts(connection: sqlite3.Connection, account: str) -> AccountCounts:
    """Rows per table, the end of the last successful sync, and the last verdict if it was no.

    `adapter` is None: which one is current is not the store's to know.
    """
    row = connection.execute(
        """
        SELECT
            (SELECT count(*) FROM mail WHERE account = :account) AS mails,
            (SELECT count(*) FROM quarantine WHERE account = :account) AS quarantined,
            (SELECT count(*) FROM tombstone WHERE account = :account) AS forgotten,
            (SELECT count(*) FROM lesson WHERE account = :account) AS lessons,
            (SELECT count(*) FROM draft WHERE account = :account) AS drafts,
            (SELECT count(DISTINCT draft_id) FROM edit WHERE account = :account) AS edits,
            (SELECT max(finished_at) FROM job
                WHERE account = :account AND kind = 'sync' AND state = 'done') AS last_sync
        """,
        {"account": account},
    ).fetchone()
    verdict = last_verdict(connection, account)
    return AccountCounts(
        account=account,
        mails=row["mails"],
        quarantined=row["quarantined"],
        forgotten=row["forgotten"],
        lessons=row["lessons"],
        drafts=row["drafts"],
        edits=row["edits"],
        last_sync=to_optional_moment(row["last_sync"]),
        adapter=None,
        kept=verdict.reason if verdict and not verdict.promoted else None,
    )
