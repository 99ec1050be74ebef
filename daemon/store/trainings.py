"""What trainings reported on their way: one row for each run of the job, the events thinned out.

A training that was paused goes on in a later run; the curve of its adapter is that of all of them.
Only the last KEPT_RUNS of an account stay.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from mlx_agent import codec
from mlx_agent.train.records import TrainEvent

KEPT_RUNS = 50


def under_way(connection: sqlite3.Connection, account: str) -> int | None:
    """The run of the account's training: the id of its job, None where none is running."""
    row = connection.execute(
        "SELECT id FROM job WHERE kind = 'train' AND account = ? AND state = 'running'", (account,)
    ).fetchone()
    return None if row is None else int(row["id"])


def keep(
    connection: sqlite3.Connection,
    run: int,
    account: str,
    curve: Sequence[TrainEvent],
    adapter_id: str | None,
    *,
    dataset: str | None = None,
) -> None:
    """Store how far a run has got, in place of what was stored of it, and what it has made.

    `dataset` is the name of the data set's directory.
    """
    connection.execute(
        """
        INSERT INTO training VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (run) DO UPDATE SET adapter_id = excluded.adapter_id, curve = excluded.curve
        """,
        # not by the codec, which drops a loss that is no number
        (run, account, adapter_id, json.dumps([codec.to_data(event) for event in curve]), dataset),
    )
    connection.execute(
        """
        DELETE FROM training WHERE account = :account AND run <= (
            SELECT run FROM training WHERE account = :account
            ORDER BY run DESC LIMIT 1 OFFSET :kept
        )
        """,
        {"account": account, "kept": KEPT_RUNS},
    )


def unfinished(connection: sqlite3.Connection, account: str) -> str | None:
    """The data set of the account's last run, where that was cut off or stopped on its way."""
    row = connection.execute(
        """
        SELECT dataset, adapter_id, state, outcome ->> 'stopped' AS stopped
        FROM training JOIN job ON job.id = run WHERE training.account = ?
        ORDER BY run DESC LIMIT 1
        """,
        (account,),
    ).fetchone()
    if row is None or row["adapter_id"] is not None:
        return None
    stopped = row["state"] == "interrupted" or row["stopped"] is not None
    return str(row["dataset"]) if stopped and row["dataset"] else None


def curve(connection: sqlite3.Connection, adapter_id: str) -> tuple[TrainEvent, ...]:
    """What the training of an adapter reported, its first step first; empty where unknown."""
    made = connection.execute(
        "SELECT * FROM training WHERE adapter_id = ? ORDER BY run DESC LIMIT 1", (adapter_id,)
    ).fetchone()
    if made is None:
        return ()
    found = _events(made)
    earlier = connection.execute(
        """
        SELECT * FROM training WHERE account = ? AND run < ? AND adapter_id IS NULL
        ORDER BY run DESC
        """,
        (made["account"], made["run"]),
    )
    for row in earlier:
        before = _events(row)
        if not found or not before or not _goes_on(before[-1], found[0]):
            break
        found = (*(event for event in before if event.step < found[0].step), *found)
    return found


def _goes_on(last: TrainEvent, first: TrainEvent) -> bool:
    """Whether one run's last event and another's first are of the same training."""
    return 1 < first.step <= last.step + 1 and first.steps == last.steps


def _events(row: sqlite3.Row) -> tuple[TrainEvent, ...]:
    return codec.from_data(tuple[TrainEvent, ...], json.loads(row["curve"]))
