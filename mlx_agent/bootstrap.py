"""Intervals by resampling: how far chance alone may move a mean over mails. Pure and seeded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

RESAMPLES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean and the bootstrap 95 % interval around it."""

    mean: float
    low: float
    high: float


def interval(values: Sequence[float], seed: int = 1) -> Interval:
    """The mean of at least one value, one for each mail, with its interval over mails."""
    random = Random(seed)
    means = sorted(_mean(random.choices(values, k=len(values))) for _ in range(RESAMPLES))
    return Interval(
        mean=_mean(values),
        low=means[int(0.025 * RESAMPLES)],
        high=means[int(0.975 * RESAMPLES)],
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
