"""Batches of questions at a provider, by which an answer finds its way back after a restart.

A row is written before its batch is handed in, and gets the provider's id after: between the two
nobody knows whether the provider has it, which is for `daemon.teaching` to find out.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime

from daemon.records import BatchState, TeachBatch
from daemon.store.columns import to_moment, to_text
from mlx_agent import codec


def add(connection: sqlite3.Connection, batch: TeachBatch) -> None:
    """A batch that is about to be handed in."""
    connection.execute(
        """
        INSERT INTO batch (id, account, model, state, begun_at, provider_id, passed_over, asks)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (
            batch.id,
            batch.account,
            batch.model,
            batch.state,
            to_text(batch.begun_at),
            batch.provider_id,
            codec.dumps(batch.passed_over),
            codec.dumps(batch.asks),
        ),
    )


def submitted(connection: sqlite3.Connection, batch_id: str, provider_id: str) -> None:
    """The provider has it, under that id."""
    connection.execute(
        "UPDATE batch SET state = 'submitted', provider_id = ? WHERE id = ?",
        (provider_id, batch_id),
    )


def pass_over(connection: sqlite3.Connection, batch: TeachBatch, provider_id: str) -> None:
    """That batch at the provider is not this one."""
    connection.execute(
        "UPDATE batch SET state = 'submitting', provider_id = NULL, passed_over = ? WHERE id = ?",
        (codec.dumps((*batch.passed_over, provider_id)), batch.id),
    )


def end(connection: sqlite3.Connection, batch_id: str, state: BatchState, now: datetime) -> None:
    """Its answers are kept, or it never came to be."""
    connection.execute(
        "UPDATE batch SET state = ?, ended_at = ? WHERE id = ?", (state, to_text(now), batch_id)
    )


def open_batches(connection: sqlite3.Connection, account: str | None = None) -> list[TeachBatch]:
    """What has not ended, oldest first; of all accounts with None."""
    rows = connection.execute(
        """
        SELECT * FROM batch WHERE state IN ('submitting', 'submitted')
        AND (:account IS NULL OR account = :account) ORDER BY begun_at, id
        """,
        {"account": account},
    )
    return [_batch(row) for row in rows]


def known_ids(connection: sqlite3.Connection) -> set[str]:
    """The provider's ids of all batches that were ever handed in."""
    rows = connection.execute("SELECT provider_id FROM batch WHERE provider_id IS NOT NULL")
    return {row["provider_id"] for row in rows}


def _batch(row: sqlite3.Row) -> TeachBatch:
    return TeachBatch(
        id=row["id"],
        account=row["account"],
        model=row["model"],
        state=row["state"],
        begun_at=to_moment(row["begun_at"]),
        asks=codec.loads(tuple[str, ...], row["asks"]),
        provider_id=row["provider_id"],
        passed_over=codec.loads(tuple[str, ...], row["passed_over"]),
    )
