"""Evaluation: drafts under rival conditions on held-out mails, compared with the truth.

A condition is a name and the rules it gives for each mail. For every pair of conditions it is said
how often the one is nearer to the truth, and by how much, with a bootstrap interval over mails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

from mlx_agent.bootstrap import interval
from mlx_agent.large import LargeModel
from mlx_agent.records import Lesson, Rule
from mlx_agent.train.gate import score

_TIE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A rival: the rules that it gives for each held-out mail, none for zero-shot."""

    name: str
    rules: tuple[tuple[Rule, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The style distances of a condition's drafts from the truth, one per mail."""

    name: str
    distances: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean distance."""
        return sum(self.distances) / len(self.distances)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One condition against a rival on the same mails.

    `nearer` is the share of mails on which it is nearer to the truth, ties counted half, with its
    bootstrap 95 % interval; `by` is the mean difference of the distances (rival minus it).
    """

    name: str
    rival: str
    mails: int
    nearer: float
    low: float
    high: float
    by: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Every condition measured, and each compared with each other one, in the conditions' order."""

    mails: int
    measured: tuple[Measured, ...]
    comparisons: tuple[Comparison, ...]


async def evaluate(
    lessons: Sequence[Lesson], conditions: Sequence[Condition], writer: LargeModel
) -> Evaluation:
    """Measure the conditions on the lessons' mails, at least one, and compare them all."""
    measured = await measure(lessons, conditions, writer)
    return Evaluation(
        mails=len(lessons),
        measured=tuple(measured),
        comparisons=tuple(compare(one, rival) for one, rival in permutations(measured, 2)),
    )


async def measure(
    lessons: Sequence[Lesson], conditions: Sequence[Condition], writer: LargeModel
) -> list[Measured]:
    """Write the drafts of every condition and measure them; the order is the conditions'."""
    return [
        Measured(name=c.name, distances=tuple(await score(lessons, c.rules, writer)))
        for c in conditions
    ]


def compare(one: Measured, rival: Measured, seed: int = 1) -> Comparison:
    """How often, and by how much, `one` is nearer to the truth than `rival`."""
    pairs = list(zip(one.distances, rival.distances, strict=True))
    wins = [0.5 if abs(a - b) < _TIE else float(a < b) for a, b in pairs]
    share = interval(wins, seed)
    return Comparison(
        name=one.name,
        rival=rival.name,
        mails=len(wins),
        nearer=share.mean,
        low=share.low,
        high=share.high,
        by=rival.mean - one.mean,
    )


def pool(measured: Sequence[Measured]) -> Measured:
    """The same condition over several people, as one."""
    return Measured(
        name=measured[0].name, distances=tuple(d for one in measured for d in one.distances)
    )
