"""By what each account's mails are cut: its recurring tails, and how often those have changed.

A mail keeps the version by which it was cut, so a change of the program's rules or of the tails
finds the mails that it concerns.
"""

from __future__ import annotations

import sqlite3

from daemon.records import CutRules, Tails
from mlx_agent import codec

GENERATIONS = 1_000_000
"""Room for the changes of an account's tails within one version of the program's rules."""


def rules(connection: sqlite3.Connection, account: str, version: int) -> CutRules:
    """The account's rules, where the program's own are of this version."""
    row = connection.execute("SELECT * FROM cut_rules WHERE account = ?", (account,)).fetchone()
    if row is None:
        return CutRules(version=version * GENERATIONS)
    lines, frames = codec.loads(tuple[tuple[str, ...], tuple[str, ...]], row["tails"])
    return CutRules(
        version=version * GENERATIONS + row["generation"],
        tails=Tails(lines=frozenset(lines), frames=frozenset(frames)),
        learned_from=row["learned_from"],
    )


def keep_tails(
    connection: sqlite3.Connection, account: str, tails: Tails, learned_from: int
) -> None:
    """Keep what was learned; other tails than before make a new generation."""
    told = codec.dumps((tuple(sorted(tails.lines)), tuple(sorted(tails.frames))))
    connection.execute(
        """
        INSERT INTO cut_rules VALUES (:account, :changed, :tails, :learned_from)
        ON CONFLICT (account) DO UPDATE SET learned_from = :learned_from, tails = :tails,
            generation = generation + (tails != :tails)
        """,
        {
            "account": account,
            "changed": bool(tails.lines),
            "tails": told,
            "learned_from": learned_from,
        },
    )
