"""Jobs as rows: queued, running, then done, failed or interrupted, with an outcome.

At most one job of a kind and account is open (queued or running); an index holds to that. A lease
has no end: the home's lock makes the process that holds it the only one that runs jobs, so whatever
is running when a process starts was left by a dead one, and is reaped then.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime

from daemon.records import Job, JobKind, JobState, Night
from daemon.store.columns import to_moment, to_optional_moment, to_text
from mlx_agent import codec

OPEN: frozenset[JobState] = frozenset({"queued", "running"})


def enqueue(
    connection: sqlite3.Connection,
    kind: JobKind,
    account: str,
    now: datetime,
    night: Night | None = None,
) -> Job:
    """Queue a job, for a night or not, or return the open one of the same kind and account.

    `attempt` starts at the number of tries since the last success; `lease` counts this one.
    """
    connection.execute(
        """
        INSERT INTO job (kind, account, state, attempt, requested_at, outcome, night, deadline)
        SELECT :kind, :account, 'queued', count(*), :now, '{}', :night, :deadline FROM job
        WHERE kind = :kind AND account = :account AND id > (
            SELECT coalesce(max(id), 0) FROM job
            WHERE kind = :kind AND account = :account AND state = 'done'
        )
        ON CONFLICT DO NOTHING
        """,
        {
            "kind": kind,
            "account": account,
            "now": to_text(now),
            "night": night and night.date,
            "deadline": night and to_text(night.ends),
        },
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


def under_way(connection: sqlite3.Connection, kind: JobKind, account: str) -> Job | None:
    """The account's running job of that kind."""
    row = connection.execute(
        "SELECT * FROM job WHERE kind = ? AND account = ? AND state = 'running'", (kind, account)
    ).fetchone()
    return None if row is None else _job(row)


def of_night(connection: sqlite3.Connection, date: str | None) -> list[Job]:
    """What the night of that date asked for, oldest first; of the last that did, with None."""
    rows = connection.execute(
        """
        SELECT * FROM job WHERE night = coalesce(?, (SELECT max(night) FROM job)) ORDER BY id
        """,
        (date,),
    )
    return [_job(row) for row in rows]


def open_jobs(connection: sqlite3.Connection) -> list[Job]:
    """What is queued or running, oldest first."""
    rows = connection.execute("SELECT * FROM job WHERE state IN ('queued', 'running') ORDER BY id")
    return [_job(row) for row in rows]


def last_done(connection: sqlite3.Connection, kind: JobKind) -> dict[str, datetime]:
    """When each account's last job of that kind that was done ended."""
    rows = connection.execute(
        """
        SELECT account, max(finished_at) AS at FROM job WHERE kind = ? AND state = 'done'
        GROUP BY account
        """,
        (kind,),
    )
    return {row["account"]: to_moment(row["at"]) for row in rows}


def prune(connection: sqlite3.Connection, before: datetime) -> int:
    """Remove the syncs and looks for edits that ended before then, by day alone; how many.

    They come every few minutes. The last of each account that was done stays.
    """
    cursor = connection.execute(
        """
        DELETE FROM job WHERE kind IN ('sync', 'edits') AND night IS NULL AND finished_at < ?
        AND id NOT IN (SELECT max(id) FROM job WHERE state = 'done' GROUP BY kind, account)
        """,
        (to_text(before),),
    )
    return cursor.rowcount


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
        night=row["night"],
        deadline=to_optional_moment(row["deadline"]),
    )
