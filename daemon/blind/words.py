"""The result of a blind test in words, and as rows of a table; for the page and the command."""

from __future__ import annotations

from typing import Any

from mlx_agent.bootstrap import Interval
from mlx_agent.evaluate.blind import Result, Standing

COLUMNS = ("drafts by", "against", "chosen", "no difference", "other chosen", "win rate (95 %)")


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
    low, high = one.rate.low, one.rate.high
    if low > 0.5:
        verdict = f"That is more than chance: {one.system} sounds more like you."
    elif high < 0.5:
        verdict = f"That is more than chance: {one.rival} sounds more like you."
    else:
        verdict = "The interval holds 50 %: so few mails do not say which is better."
    return (
        f"Of {pairs} pair{'s'[: pairs != 1]} you chose {one.system} in {one.won}, {one.rival} in "
        f"{one.lost}, and neither in {one.tied}: {one.system} wins {_rate(one.rate)}. {verdict}"
    )


def _row(one: Standing) -> tuple[str, ...]:
    counts = (str(one.won), str(one.tied), str(one.lost))
    return (one.system, one.rival or "all others", *counts, _rate(one.rate))


def _rate(rate: Interval) -> str:
    return f"{100 * rate.mean:.0f} % ({100 * rate.low:.0f} to {100 * rate.high:.0f} %)"
