"""How a number of the report came about: its rows, and what they give when it is done again. Pure.

Names, ids and numbers only; no text of a mail.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean, median

from daemon.report.numbers import numbers
from daemon.report.records import Evaluated, Explanation, Material, Number, Row
from daemon.research_errors import NumberUnknown
from mlx_agent.evaluate.figures import NEARER, Scores, figure, scores_of, used, worth
from mlx_agent.evaluate.records import Figure, Question

NEAR = 1e-9

_AGAIN: dict[str, Callable[[Sequence[Row]], float]] = {
    "row": lambda rows: rows[0].adds,
    "less": lambda rows: rows[0].values[0] - rows[0].values[1],
    "count": len,
    "sum": lambda rows: math.fsum(row.adds for row in rows),
    "mean": lambda rows: fmean(row.adds for row in rows),
    "median": lambda rows: median(row.adds for row in rows),
    "least": lambda rows: min(row.adds for row in rows),
    "last": lambda rows: rows[-1].adds,
}
_EMPTY = frozenset({"sum", "count"})
"""What no rows give a number of too."""


def explain(material: Material, name: str) -> Explanation:
    """The number of that name, or the figure of the latest run that has it.

    Raises NumberUnknown, and ExtraMissing for a figure that NumPy computes.
    """
    known = numbers(material)
    number = known.get(name) or _of_latest(material, known, name)
    if number is None:
        raise NumberUnknown(name)
    if number.figure is not None:
        (evaluated,) = [one for one in material.runs if one.run.id == number.run]
        return _figure(number, number.figure, evaluated)
    if not number.rows and number.by not in _EMPTY:
        return Explanation(number=number, rows=(), again=None, agrees=False)
    again = float(_AGAIN[number.by](number.rows))
    return Explanation(
        number=number, rows=number.rows, again=again, agrees=same(again, number.value)
    )


def _of_latest(material: Material, known: Mapping[str, Number], name: str) -> Number | None:
    found = [known.get(f"{one.run.experiment}/{name}") for one in reversed(material.runs)]
    return next((one for one in found if one is not None), None)


def _figure(number: Number, shown: Figure, evaluated: Evaluated) -> Explanation:
    run = evaluated.run
    asked = Question(name=shown.name, measure=shown.measure, of=shown.of, against=shown.against)
    scores = scores_of(
        evaluated.judgements,
        run.settings.get("judge", ""),
        run.settings.get("judge prompt", ""),
    )
    lost = {one for one in (*shown.of, *shown.against) if one not in evaluated.trials}
    found = Explanation(
        number=number,
        rows=_rows(asked, evaluated, scores),
        again=None,
        agrees=False,
        lost=tuple(sorted(lost)),
    )
    again = figure(run.id, asked, evaluated.values, scores, run.seed)
    if again is None:
        return found
    pairs = (again.value, shown.value), (again.low, shown.low), (again.high, shown.high)
    return replace(
        found,
        again=again.value,
        low=again.low,
        high=again.high,
        agrees=all(same(one, other) for one, other in pairs),
    )


def _rows(asked: Question, evaluated: Evaluated, scores: Scores) -> tuple[Row, ...]:
    found = []
    for row in used(asked, evaluated.values, scores):
        trial = evaluated.trials[row[0]]
        adds = worth(asked.measure, row, evaluated.values, scores)
        found.append(
            Row(
                kind="trial",
                id=trial.id,
                against=row[1],
                person=trial.person,
                mail=trial.mail,
                system=trial.system,
                adds=adds,
                values=_sides(asked, row, adds, evaluated),
            )
        )
    return tuple(found)


def _sides(
    asked: Question, row: tuple[str, str], adds: float, evaluated: Evaluated
) -> tuple[float, ...]:
    """What is compared of both sides of a pair: distances, or what each won."""
    if not asked.against:
        return ()
    if asked.measure == NEARER:
        return evaluated.values[row[0]]["distance"], evaluated.values[row[1]]["distance"]
    return adds, 1 - adds


def same(one: float, other: float) -> bool:
    """Whether two numbers are one but for rounding; two that are none are."""
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    return math.isclose(one, other, rel_tol=NEAR, abs_tol=NEAR)
