"""Forgetting by the user's word: what goes, what stays marked, and how its bytes leave the file.

A forgotten mail takes along all that holds its text: its source, lessons, answers, edits, and the
drafts that it was. Its id stays as a tombstone, so that it does not come back, and the data sets
that held it stay by their hashes, so that the adapters that learned from them are known. What went
out, and when, stays in the ledger, which holds no text. Text that other mails quote stays theirs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from daemon.store import tombstones
from daemon.store.columns import to_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What to forget: a mail by its id or Message-ID, or an account's, or what is older.

    With `account` alone all that is kept of it goes; both `account` and `before` hold together.
    """

    mail: str | None = None
    account: str | None = None
    before: datetime | None = None

    @property
    def whole(self) -> bool:
        """Whether an account goes as a whole."""
        return self.account is not None and self.before is None and self.mail is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the store holds of a choice; `lesson_ids` by their account."""

    mails: int
    lessons: int
    drafts: int
    edits: int
    lesson_ids: dict[str, frozenset[str]]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to forget."""
        return not (self.mails or self.lessons or self.drafts or self.edits)


_CHOSEN = """
    (:account IS NULL OR {table}.account = :account)
    AND (:before IS NULL OR {table}.{time} < :before)
"""
_MAILS = f"""
    SELECT account, id, message_id, draft_id FROM mail
    WHERE (:mail IS NULL OR id = :mail OR message_id = :mail)
    AND {_CHOSEN.format(table="mail", time="sent_at")}
"""  # noqa: S608  # of constants alone
_DRAFTS = f"""
    SELECT id FROM draft
    WHERE (:mail IS NULL AND {_CHOSEN.format(table="draft", time="created_at")})
    OR id IN (SELECT draft_id FROM temp.doomed)
    OR id IN (SELECT edit.draft_id FROM edit JOIN temp.doomed AS gone
        ON gone.account = edit.account AND gone.id = edit.mail_id)
    OR EXISTS (SELECT 1 FROM temp.doomed AS gone
        WHERE gone.account = draft.account AND gone.message_id = draft.message_id)
"""  # noqa: S608  # as above
_OF_MAILS = "(account, {column}) IN (SELECT account, id FROM temp.doomed)"
_OF_DRAFTS = "draft_id IN (SELECT id FROM temp.doomed_draft)"
_OF_TRIALS = f"(SELECT id FROM trial WHERE {_OF_MAILS.format(column='mail_id')})"  # noqa: S608  # as above
_EDITS = f"{_OF_DRAFTS} OR {_OF_MAILS.format(column='mail_id')}"
_WHOLE = (
    *("lesson", "set_aside", "answer", "standing_rule", "cut_rules"),
    *("excluded", "excluded_by", "training", "evaluation_training"),
)
"""Tables whose rows of an account go with it, besides those of its mails and drafts."""


def held(connection: sqlite3.Connection, choice: Choice) -> Held:
    """What would go; the store is as it was. For a transaction that may write."""
    _choose(connection, choice)
    of_mails = _OF_MAILS.format(column="sample_id")
    rows = connection.execute(
        f"SELECT account, id FROM lesson WHERE account = :whole OR {of_mails}",  # noqa: S608  # as above
        {"whole": choice.account if choice.whole else None},
    ).fetchall()
    return Held(
        mails=_count(connection, "temp.doomed"),
        lessons=len(rows),
        drafts=_count(connection, "temp.doomed_draft"),
        edits=_count(connection, f"edit WHERE {_EDITS}"),
        lesson_ids={
            account: frozenset(row["id"] for row in rows if row["account"] == account)
            for account in {row["account"] for row in rows}
        },
    )


def forget(
    connection: sqlite3.Connection, choice: Choice, hashes: Iterable[tuple[str, str]], now: datetime
) -> Held:
    """Let it go; `hashes` are the data sets that held it, by their account. What went."""
    found = held(connection, choice)
    connection.executemany("INSERT OR IGNORE INTO forgotten_data VALUES (?, ?)", hashes)
    _forget_mails(connection, now)
    _forget_waiting(connection, choice)
    _forget_drafts(connection)
    connection.execute(f"DELETE FROM mail WHERE {_OF_MAILS.format(column='id')}")  # noqa: S608  # as above
    if choice.whole:
        _forget_rest(connection, choice.account or "")
    return found


def cleanse(connection: sqlite3.Connection) -> bool:
    """Let the bytes of what was deleted leave the file and its log; outside a transaction.

    A deleted row leaves its bytes in pages that are free, and its words in the index for searching.
    What the disk itself keeps of a file's former blocks is not ours to reach. False where another
    program was at the store all the while, so that its log still holds them.
    """
    connection.execute("INSERT INTO lesson_text (lesson_text) VALUES ('rebuild')")
    connection.execute("VACUUM")
    return not connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]


def marked(connection: sqlite3.Connection, account: str) -> frozenset[str]:
    """The adapters that learned from forgotten mail, or go on from one that did."""
    rows = connection.execute(
        """
        WITH RECURSIVE marked (id) AS (
            SELECT id FROM adapter
            WHERE account = :account AND (account, dataset_hash) IN (SELECT * FROM forgotten_data)
            UNION
            SELECT adapter.id FROM adapter JOIN marked ON adapter.parent = marked.id
            WHERE adapter.settings ->> '$.start' = 'adapter'
        )
        SELECT id FROM marked
        """,
        {"account": account},
    )
    return frozenset(row["id"] for row in rows)


def forgotten_data(connection: sqlite3.Connection) -> set[str]:
    """The hashes of the data sets that held forgotten mail."""
    return {row[0] for row in connection.execute("SELECT dataset_hash FROM forgotten_data")}


def data_hashes(connection: sqlite3.Connection, account: str) -> set[str]:
    """The hashes of the data sets that the account's adapters were trained on."""
    rows = connection.execute("SELECT dataset_hash FROM adapter WHERE account = ?", (account,))
    return {row["dataset_hash"] for row in rows}


def trained(
    connection: sqlite3.Connection, account: str, dataset_hash: str, samples: Collection[str]
) -> None:
    """Note of a data set whether one of its samples was forgotten while it was trained on."""
    if any(tombstones.is_forgotten(connection, account, sample) for sample in samples):
        connection.execute(
            "INSERT OR IGNORE INTO forgotten_data VALUES (?, ?)", (account, dataset_hash)
        )


def _choose(connection: sqlite3.Connection, choice: Choice) -> None:
    """List the mails and drafts of a choice in temporary tables."""
    connection.execute("DROP TABLE IF EXISTS temp.doomed")
    connection.execute("DROP TABLE IF EXISTS temp.doomed_draft")
    where = {
        "mail": choice.mail,
        "account": choice.account,
        "before": to_text(choice.before) if choice.before else None,
    }
    assert any(where.values()), "to forget everything is to uninstall"
    connection.execute("CREATE TEMP TABLE doomed (account, id, message_id, draft_id)")
    connection.execute(f"INSERT INTO temp.doomed {_MAILS}", where)
    connection.execute("CREATE INDEX temp.doomed_by_id ON doomed (account, id)")
    connection.execute("CREATE TEMP TABLE doomed_draft (id PRIMARY KEY)")
    connection.execute(f"INSERT INTO temp.doomed_draft {_DRAFTS}", where)


def _count(connection: sqlite3.Connection, source: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {source}").fetchone()  # noqa: S608  # as above
    return int(row[0])


def _forget_mails(connection: sqlite3.Connection, now: datetime) -> None:
    for row in connection.execute("SELECT account, id FROM temp.doomed").fetchall():
        tombstones.bury(connection, row["account"], row["id"], now, by_user=True)
    connection.execute(
        f"""
        INSERT OR REPLACE INTO passed_uid SELECT account, folder, uidvalidity, uid FROM uid_link
        WHERE {_OF_MAILS.format(column="mail_id")}
        """  # noqa: S608  # as above
    )
    for table, *columns in (
        *(("evaluation_trial", "trial"), ("trial_measure", "trial")),
        *(("judgement", "first", "second"), ("blind_pair", "left_trial", "right_trial")),
    ):
        of_trials = " OR ".join(f"{column} IN {_OF_TRIALS}" for column in columns)
        connection.execute(f"DELETE FROM {table} WHERE {of_trials}")  # noqa: S608  # as above
    for table, column in (
        ("trial", "mail_id"),
        *(("lesson", "sample_id"), ("set_aside", "sample_id"), ("answer", "sample_id")),
        *(("uid_link", "mail_id"), ("source", "mail_id")),
    ):
        connection.execute(f"DELETE FROM {table} WHERE {_OF_MAILS.format(column=column)}")  # noqa: S608  # as above


def _forget_waiting(connection: sqlite3.Connection, choice: Choice) -> None:
    """What was fetched and not read yet, of whose content only the time is known."""
    if choice.mail is not None:
        return
    where = {
        "account": choice.account,
        "before": to_text(choice.before) if choice.before else None,
    }
    condition = _CHOSEN.format(table="fetched", time="received_at")
    waiting = f"SELECT account, folder, uidvalidity, uid FROM fetched WHERE {condition}"  # noqa: S608  # as above
    connection.execute(f"INSERT OR REPLACE INTO passed_uid {waiting}", where)
    connection.execute(f"DELETE FROM fetched WHERE {condition}", where)  # noqa: S608  # as above


def _forget_drafts(connection: sqlite3.Connection) -> None:
    """The drafts with their edits, which nothing else may delete."""
    connection.execute("INSERT INTO forgetting VALUES (1)")
    connection.execute(f"DELETE FROM edit WHERE {_EDITS}")  # noqa: S608  # as above
    connection.execute("DELETE FROM forgetting")
    connection.execute(f"DELETE FROM delivery WHERE {_OF_DRAFTS}")  # noqa: S608  # as above
    connection.execute(f"DELETE FROM taken_back WHERE {_OF_DRAFTS}")  # noqa: S608  # as above
    connection.execute("DELETE FROM draft WHERE id IN (SELECT id FROM temp.doomed_draft)")


def _forget_rest(connection: sqlite3.Connection, account: str) -> None:
    for table in _WHOLE:
        connection.execute(f"DELETE FROM {table} WHERE account = ?", (account,))  # noqa: S608  # as above
    connection.execute(
        "DELETE FROM verdict WHERE adapter_id IN (SELECT id FROM adapter WHERE account = ?)",
        (account,),
    )
    connection.execute("DELETE FROM adapter WHERE account = ?", (account,))
