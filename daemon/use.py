"""How the drafts have served their user: how many were sent, how many as they were, how far apart.

Pure, over what became of each draft; nothing of it leaves this machine, and it holds no text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from statistics import median

from daemon.records import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Drafts made, of them known to have been sent, and of these sent as they were.

    `share` is that of the unchanged among those sent, `distance` their median edit distance (both 0
    to 1); None where none was sent.
    """

    drafts: int
    sent: int
    unchanged: int
    share: float | None
    distance: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekOfUse:
    """The use in one ISO week, such as `2026-W10`, of the drafts of one agent.

    `made_by` is its id, or the rung of the ladder where no agent wrote the rules.
    """

    week: str
    made_by: str
    use: Use


def use_of(outcomes: Iterable[Outcome]) -> Use:
    """The use of these drafts."""
    found = list(outcomes)
    sent = [one.distance for one in found if one.distance is not None]
    unchanged = sum(one.unchanged for one in found)
    return Use(
        drafts=len(found),
        sent=len(sent),
        unchanged=unchanged,
        share=unchanged / len(sent) if sent else None,
        distance=median(sent) if sent else None,
    )


def by_week(outcomes: Sequence[Outcome]) -> tuple[WeekOfUse, ...]:
    """The use by the week (in UTC) in which a draft was made and by who wrote its rules.

    The latest week comes first.
    """
    keyed = [((week_of(one.made_at), one.made_by), one) for one in outcomes]
    keyed.sort(key=lambda pair: (pair[0][0], pair[0][1]), reverse=True)
    return tuple(
        WeekOfUse(week=week, made_by=made_by, use=use_of(one for _, one in group))
        for (week, made_by), group in groupby(keyed, key=lambda pair: pair[0])
    )


def week_of(at: datetime) -> str:
    """The ISO week, such as `2026-W10`; text order is time order."""
    year, week, _ = at.isocalendar()
    return f"{year:04}-W{week:02}"
