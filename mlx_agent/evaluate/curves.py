"""Loss curves, averaged over trainings of unequal length. Pure."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

PARTS = 20
"""A curve has so many points: means of as many equal parts of its training."""

Point = tuple[float, float]
"""How much of the training was done (0 to 1), and the loss there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Mean losses in nats a token, of what was trained on and of what was held out."""

    train: tuple[Point, ...]
    valid: tuple[Point, ...] = ()


Events = Sequence[tuple[int, float, float | None]]
"""A training's steps, its losses, and its validation losses where they were measured."""


def mean_curve(trainings: Sequence[Events]) -> Curve:
    """The mean of all of them at equal shares of their trainings, where each has a value."""
    trainings = [events for events in trainings if events]
    train, valid = (
        [_resampled(_points(events, which)) for events in trainings] for which in (1, 2)
    )
    return Curve(train=_mean(train), valid=_mean(valid))


def _points(events: Events, which: int) -> list[Point]:
    last = max(event[0] for event in events)
    found = [(event[0] / last, event[which]) for event in events]
    return [(at, loss) for at, loss in found if loss is not None and not math.isnan(loss)]


def _resampled(points: Sequence[Point]) -> list[float | None]:
    """A value for the end of each part: the mean of the part, else what lies between neighbours."""
    found: list[float | None] = []
    for part in range(1, PARTS + 1):
        start, end = (part - 1) / PARTS, part / PARTS
        inside = [loss for at, loss in points if start < at <= end]
        found.append(sum(inside) / len(inside) if inside else _between(points, end))
    return found


def _between(points: Sequence[Point], at: float) -> float | None:
    place = bisect_left([there for there, _ in points], at)
    if place in (0, len(points)):
        return None
    (left, low), (right, high) = points[place - 1], points[place]
    return low + (high - low) * (at - left) / (right - left)


def _mean(curves: Sequence[Sequence[float | None]]) -> tuple[Point, ...]:
    found = []
    for part, values in enumerate(zip(*curves, strict=True), 1):
        known = [value for value in values if value is not None]
        if known and len(known) == len(values):
            found.append((part / PARTS, sum(known) / len(known)))
    return tuple(found)
