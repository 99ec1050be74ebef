"""Standing rules: what the user has said once and for all of an account's rules."""

from __future__ import annotations

import sqlite3

from daemon.records import StandingRules
from mlx_agent.records import Rule


def standing_rules(connection: sqlite3.Connection, account: str) -> StandingRules:
    """Those of an account; none where nothing was ever said."""
    rows = connection.execute(
        "SELECT aspect, instruction FROM standing_rule WHERE account = ? ORDER BY aspect",
        (account,),
    ).fetchall()
    return StandingRules(
        pinned=tuple(
            Rule(aspect=row["aspect"], instruction=row["instruction"])
            for row in rows
            if row["instruction"] is not None
        ),
        banned=frozenset(row["aspect"] for row in rows if row["instruction"] is None),
    )


def set_standing_rules(
    connection: sqlite3.Connection, account: str, standing: StandingRules
) -> None:
    """Replace those of an account."""
    connection.execute("DELETE FROM standing_rule WHERE account = ?", (account,))
    said = dict.fromkeys(standing.banned)
    said |= {rule.aspect: rule.instruction for rule in standing.pinned}
    connection.executemany(
        "INSERT INTO standing_rule VALUES (?, ?, ?)",
        [(account, aspect, instruction) for aspect, instruction in said.items()],
    )
