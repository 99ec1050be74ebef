"""Adapters and the gate's verdicts on them.

A row repeats an adapter's manifest so that its history outlives its directory. Which adapter is
current is a pointer file of `mlx_agent.adapters`, not a row. Both are keyed by the adapter's id: a
training or a gate that is repeated replaces its row.
"""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime

from daemon.store.columns import to_float, to_moment, to_text
from mlx_agent import codec
from mlx_agent.records import RenderSettings
from mlx_agent.train.records import Adapter, Beside, Lists, Settings, Verdict


def add_adapter(connection: sqlite3.Connection, adapter: Adapter) -> None:
    """Store an adapter's manifest, in place of an earlier one of the same id."""
    connection.execute(
        """
        INSERT INTO adapter VALUES (:id, :account, :base, :base_hash, :dataset_hash, :settings_hash,
            :lessons, :render, :metrics, :created_at, :parent, :settings)
        ON CONFLICT (id) DO UPDATE SET base = excluded.base, base_hash = excluded.base_hash,
            dataset_hash = excluded.dataset_hash, settings_hash = excluded.settings_hash,
            lessons = excluded.lessons, render = excluded.render, metrics = excluded.metrics,
            created_at = excluded.created_at, parent = excluded.parent,
            settings = excluded.settings
        """,
        {
            "id": adapter.id,
            "account": adapter.account,
            "base": adapter.base,
            "base_hash": adapter.base_hash,
            "dataset_hash": adapter.dataset_hash,
            "settings_hash": adapter.settings_hash,
            "lessons": adapter.lessons,
            "render": codec.dumps(adapter.render),
            "metrics": json.dumps(adapter.metrics),  # a loss may be NaN, which the codec drops
            "created_at": to_text(adapter.created_at),
            "parent": adapter.parent,
            "settings": codec.dumps(adapter.settings),
        },
    )


def adapters(connection: sqlite3.Connection, account: str) -> list[Adapter]:
    """All adapters of the account, oldest first."""
    rows = connection.execute(
        "SELECT * FROM adapter WHERE account = ? ORDER BY created_at, id", (account,)
    )
    return [_adapter(row) for row in rows]


def add_verdict(connection: sqlite3.Connection, verdict: Verdict, at: datetime) -> None:
    """Store the gate's decision, in place of an earlier one on the same adapter.

    Raises sqlite3.IntegrityError for an adapter that was not stored before.
    """
    connection.execute(
        """
        INSERT OR REPLACE INTO verdict VALUES (:adapter_id, :decided_at, :promoted, :reason,
            :candidate, :current, :zero_shot, :validity, :beside, :lists, :current_lists)
        """,
        {
            "adapter_id": verdict.adapter_id,
            "decided_at": to_text(at),
            "promoted": verdict.promoted,
            "reason": verdict.reason,
            "candidate": verdict.candidate,
            "current": verdict.current,
            "zero_shot": verdict.zero_shot,
            "validity": verdict.validity,
            "beside": codec.dumps(verdict.beside),
            "lists": verdict.lists and codec.dumps(verdict.lists),
            "current_lists": verdict.current_lists and codec.dumps(verdict.current_lists),
        },
    )


def verdicts(connection: sqlite3.Connection, account: str) -> list[Verdict]:
    """The gate's decisions on the account's adapters, oldest first."""
    rows = connection.execute(
        """
        SELECT verdict.* FROM verdict JOIN adapter ON adapter.id = verdict.adapter_id
        WHERE adapter.account = ? ORDER BY verdict.decided_at, verdict.adapter_id
        """,
        (account,),
    )
    return [_verdict(row) for row in rows]


def verdict(connection: sqlite3.Connection, adapter_id: str) -> Verdict | None:
    """The gate's decision on an adapter, None where there was none."""
    row = connection.execute("SELECT * FROM verdict WHERE adapter_id = ?", (adapter_id,)).fetchone()
    return None if row is None else _verdict(row)


def last_verdict(connection: sqlite3.Connection, account: str) -> Verdict | None:
    """The latest decision on an adapter of the account."""
    row = connection.execute(
        """
        SELECT verdict.* FROM verdict JOIN adapter ON adapter.id = verdict.adapter_id
        WHERE adapter.account = ? ORDER BY verdict.decided_at DESC, verdict.adapter_id DESC LIMIT 1
        """,
        (account,),
    ).fetchone()
    return None if row is None else _verdict(row)


def _adapter(row: sqlite3.Row) -> Adapter:
    return Adapter(
        id=row["id"],
        account=row["account"],
        base=row["base"],
        base_hash=row["base_hash"],
        dataset_hash=row["dataset_hash"],
        settings_hash=row["settings_hash"],
        lessons=row["lessons"],
        render=codec.loads(RenderSettings, row["render"]),
        metrics=json.loads(row["metrics"]),
        created_at=to_moment(row["created_at"]),
        parent=row["parent"],
        settings=codec.loads(Settings, row["settings"]),
    )


def _verdict(row: sqlite3.Row) -> Verdict:
    return Verdict(
        adapter_id=row["adapter_id"],
        promoted=bool(row["promoted"]),
        reason=row["reason"],
        candidate=to_float(row["candidate"]),
        current=row["current"],
        zero_shot=to_float(row["zero_shot"]),
        validity=to_float(row["validity"]),
        beside=codec.loads(tuple[Beside, ...], row["beside"]),
        lists=row["lists"] and codec.loads(Lists, row["lists"]),
        current_lists=row["current_lists"] and codec.loads(Lists, row["current_lists"]),
    )
