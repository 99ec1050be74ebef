"""From rows to a figure: a mean over mails with its bootstrap 95 % interval. Pure.

Measures of one trial are averaged; `nearer`, `win` and `controlled` are about two systems on the
same mails. Whoever explains a figure works it out from the same rows by the same function.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlx_agent.bootstrap import Interval, interval
from mlx_agent.evaluate.records import Figure, Judgement, Question
from mlx_agent.evaluate.win_rate import length_controlled

NEARER, WIN, CONTROLLED = "nearer", "win", "controlled"
"""How often nearer in style; what is won before a judge; the same at equal lengths."""
TIED, CONTRADICTED = "tied", "contradicted"
"""Pairs that the judge found alike, and those of which each order named another draft: there the
place alone decided, which counts as a tie too."""
BESIDE = (NEARER, WIN, CONTROLLED, TIED, CONTRADICTED)
TIE = 1e-9

Values = Mapping[str, Mapping[str, float]]
"""By a trial's id its measures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What the first of two trials won of the second, and whether both orders named another."""

    won: float
    contradicted: bool


Scores = Mapping[tuple[str, str], Scored]


def figure(run: str, asked: Question, values: Values, scores: Scores, seed: int) -> Figure | None:
    """The figure over the trials that have what is measured; None where none has.

    ExtraMissing without NumPy for `controlled`.
    """
    rows = used(asked, values, scores)
    if not rows:
        return None
    found = _worked_out(asked.measure, rows, values, scores, seed)
    return Figure(
        run=run,
        name=asked.name,
        value=found.mean,
        low=found.low,
        high=found.high,
        measure=asked.measure,
        of=tuple(one for one, _ in rows),
        against=tuple(other for _, other in rows) if asked.against else (),
    )


def used(asked: Question, values: Values, scores: Scores) -> list[tuple[str, str]]:
    """The rows that count: trials, beside nothing or beside the rival's of the same mail."""
    if not asked.against:
        return [(one, "") for one in asked.of if asked.measure in values.get(one, {})]
    pairs = zip(asked.of, asked.against, strict=True)
    if asked.measure == NEARER:
        return [pair for pair in pairs if all("distance" in values.get(one, {}) for one in pair)]
    return [pair for pair in pairs if pair in scores]


def worth(measure: str, row: tuple[str, str], values: Values, scores: Scores) -> float:
    """What one row adds to the mean."""
    one, other = row
    if measure in (WIN, CONTROLLED):
        return scores[one, other].won
    if measure == TIED:
        return float(scores[one, other].won == 0.5)
    if measure == CONTRADICTED:
        return float(scores[one, other].contradicted)
    if measure == NEARER:
        mine, theirs = values[one]["distance"], values[other]["distance"]
        return 0.5 if abs(mine - theirs) < TIE else float(mine < theirs)
    return values[one][measure]


def scores_of(
    judgements: Sequence[Judgement], judge: str, prompt: str = ""
) -> dict[tuple[str, str], Scored]:
    """A judge's verdicts as scores, seen from either side; by one prompt, if named."""
    found: dict[tuple[str, str], Scored] = {}
    for one in judgements:
        if one.judge == judge and prompt in ("", one.prompt):
            orders = {one.forward, one.backward} == {"first", "second"}
            for pair, won in (
                ((one.second, one.first), 1 - one.score),
                ((one.first, one.second), one.score),
            ):
                found[pair] = Scored(won=won, contradicted=orders)
    return found


def _worked_out(
    measure: str, rows: Sequence[tuple[str, str]], values: Values, scores: Scores, seed: int
) -> Interval:
    each = [worth(measure, row, values, scores) for row in rows]
    if measure != CONTROLLED:
        return interval(each, seed)
    longer = [values[one]["words"] - values[other]["words"] for one, other in rows]
    return length_controlled(each, longer, seed)
