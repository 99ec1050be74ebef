"""The result of a blind test in words, and as rows of a table; for the page and the command."""

from __future__ import annotations

from typing import Any

from mlx_agent.bootstrap import Interval
from mlx_agent.evaluate.blind import Result, Standing, beyond_chance

COLUMNS = ("drafts by", "against", "won", "even", "lost", "win rate (95 %)")


def told(result: Result) -> dict[str, Any]:
    """What the page shows: sentences, and a table."""
    return {"sentences": sentences(result), "columns": COLUMNS, "rows": rows(result)}


def rows(result: Result) -> list[tuple[str, ...]]:
    """Of every system, and then of the first against each rival, where there is more than one."""
    some = result.systems + (result.rivals if len(result.rivals) > 1 else ())
    return [_row(one) for one in some]


def sentences(result: Result) -> list[str]:
    """What was found, and what that does not say."""
    found = [_said(one) for one in result.rivals]
    mails = f"{result.mails} mail{'s'[: result.mails != 1]}"
    limits = (
        f"This rests on {mails} and on one person's choices. The interval says how far chance in "
        "the choice of mails may move a win rate, not what another reader would say; a mail that "
        "was shown more than once counts once."
    )
    return [*found, limits]


def _said(one: Standing) -> str:
    pairs = one.won + one.tied + one.lost
    if not beyond_chance(one):
        verdict = "So few mails do not say which of them is better."
    else:
        nearer = one.system if one.won > one.lost else one.rival
        verdict = f"That is more than chance: {nearer} sounds more like you."
    rate, interval = f"{100 * one.rate.mean:.0f} %", _interval(one.rate)
    return (
        f"Of {pairs} pair{'s'[: pairs != 1]} you chose {one.system} in {one.won}, {one.rival} in "
        f"{one.lost}, and neither in {one.tied}: {one.system}'s win rate is {rate} (95 % interval "
        f"{interval}). {verdict}"
    )


def _row(one: Standing) -> tuple[str, ...]:
    counts = (str(one.won), str(one.tied), str(one.lost))
    rate = f"{100 * one.rate.mean:.0f} % ({_interval(one.rate)})"
    return (one.system, one.rival or "all others", *counts, rate)


def _interval(rate: Interval) -> str:
    return f"{100 * rate.low:.0f} to {100 * rate.high:.0f} %"
