"""All that a draft asks of the store before it is begun, in one look.

Each look waits for the store's thread twice, there and back, which takes longer than the looking.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from daemon.records import StandingRules
from daemon.store import drafts, mail, standing
from mlx_agent.records import Draft, Mail


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a draft that is asked for.

    `made` is the one that was made under its key, `replaced` the account's that it is to replace.
    `earlier` mails with own text went to its first recipient, the latest of them `last`.
    """

    made: Draft | None
    replaced: Draft | None
    earlier: int
    last: Mail | None
    standing: StandingRules


def known(connection: sqlite3.Connection, account: str, key: str, replaces: str, to: str) -> Known:
    """What is known of a draft of an account; `to` is its first recipient's address, or empty."""
    replaced = drafts.draft(connection, replaces) if replaces else None
    earlier, last = mail.last_to(connection, account, to) if to else (0, None)
    return Known(
        made=drafts.draft_by_key(connection, account, key) if key else None,
        replaced=replaced if replaced and replaced.account == account else None,
        earlier=earlier,
        last=last,
        standing=standing.standing_rules(connection, account),
    )
