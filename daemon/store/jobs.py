"""Jobs as rows: queued, running, then done, failed or interrupted, with an outcome.

At most one job of a kind and account is open (queued or running); an index holds to that. A lease
has no end: the home's lock makes the process that holds it the only one that runs jobs, so whatever
is running when a process starts was left by a dead one, and is reaped then.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime

from daemon.records import Job, JobKind, JobState
from daemon.store.columns import to_moment, to_optional_moment, to_text
from mlx_agent import codec

OPEN: frozenset[JobState] = frozenset({"queued", "running"})


def enqueue(connection: sqlite3.Connection, kind: JobKind, account: str, now: datetime) -> Job:
    """Queue a job, or return the open one of the same kind and account.

    `attempt` starts at the number of tries since the last success; `lease` counts this one.
    """
    connection.execute(
        """
        INSERT INTO job (kind, account, state, attempt, requested_at, outcome)
        SELECT :kind, :account, 'queued', count(*), :now, '{}' FROM job
        WHERE kind = :kind AND account = :account AND id > (
            SELECT coalesce(max(id), 0) FROM job
            WHERE kind = :kind AND account = :account AND state = 'done'
        )
        ON CONFLICT DO NOTHING
        """,
        {"kind": kind, "account": account, "now": to_text(now)},
    )
    row = connection.execute(
        "SELECT * FROM job WHERE kind = ? AND account = ? AND state IN ('queued', 'running')",
        (kind, account),
    ).fetchone()
    return _job(row)


def lease(connection: sqlite3.Connection, now: datetime) -> Job | None:
    """Take the oldest queued job: it is running now, and one more attempt. None if none waits."""
    row = connection.execute(
        """
        UPDATE job SET state = 'running', attempt = attempt + 1, started_at = ?
        WHERE id = (SELECT min(id) FROM job WHERE state = 'queued') RETURNING *
        """,
        (to_text(now),),
    ).fetchone()
    return None if row is None else _job(row)


def finish(
    connection: sqlite3.Connection,
    job_id: int,
    state: JobState,
    now: datetime,
    *,
    outcome: dict[str, object],
    error: str | None,
) -> None:
    """Record how a running job ended; LookupError if it is not running."""
    cursor = connection.execute(
        """
        UPDATE job SET state = ?, finished_at = ?, outcome = ?, error = ?
        WHERE id = ? AND state = 'running'
        """,
        (state, to_text(now), codec.dumps(outcome), error, job_id),
    )
    if cursor.rowcount != 1:
        raise LookupError(f"job {job_id} is not running")


def reap(connection: sqlite3.Connection, now: datetime) -> int:
    """Mark as interrupted what a dead process left running; how many there were."""
    cursor = connection.execute(
        "UPDATE job SET state = 'interrupted', finished_at = ? WHERE state = 'running'",
        (to_text(now),),
    )
    return cursor.rowcount


def job(connection: sqlite3.Connection, job_id: int) -> Job | None:
    """The job of that id."""
    row = connection.execute("SELECT * FROM job WHERE id = ?", (job_id,)).fetchone()
    return None if row is None else _job(row)


def history(connection: sqlite3.Connection, limit: int) -> list[Job]:
    """The last `limit` jobs, newest first."""
    rows = connection.execute("SELECT * FROM job ORDER BY id DESC LIMIT ?", (limit,))
    return [_job(row) for row in rows]


def _job(row: sqlite3.Row) -> Job:
    return Job(
        id=row["id"],
        kind=row["kind"],
        account=row["account"],
        state=row["state"],
        attempt=row["attempt"],
        requested_at=to_moment(row["requested_at"]),
        started_at=to_optional_moment(row["started_at"]),
        finished_at=to_optional_moment(row["finished_at"]),
        outcome=codec.loads(dict[str, object], row["outcome"]),
        error=row["error"],
    )
