"""A curve as one line of block characters. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable

from mlx_agent.train.records import TrainEvent

BLOCKS = "▁▂▃▄▅▆▇█"
Point = tuple[float, float]


def sparkline(points: Iterable[Point], width: int) -> str:
    """Points (x, y) in the order of x, as at most `width` blocks between the least and greatest y.

    A column is the mean of its points, and where it has none that of the one before. What is no
    number is left out; nothing is left of no points.
    """
    known = [(x, y) for x, y in points if math.isfinite(y)]
    if not known:
        return ""
    columns = _columns(known, min(width, len(known)))
    low, high = min(columns), max(columns)
    if high == low:
        return BLOCKS[0] * len(columns)
    top = len(BLOCKS) - 1
    return "".join(BLOCKS[round((value - low) / (high - low) * top)] for value in columns)


def _columns(points: list[Point], width: int) -> list[float]:
    first, last = points[0][0], points[-1][0]
    span = (last - first) or 1.0
    found: list[list[float]] = [[] for _ in range(width)]
    for x, y in points:
        found[min(width - 1, int((x - first) / span * width))].append(y)
    means: list[float] = []
    for values in found:
        means.append(sum(values) / len(values) if values else means[-1])
    return means


def losses(events: Iterable[TrainEvent]) -> list[Point]:
    """The training loss by the step."""
    return [(event.step, event.loss) for event in events]


def valid_losses(events: Iterable[TrainEvent]) -> list[Point]:
    """The validation loss by the step, where it was measured."""
    return [(e.step, e.valid_loss) for e in events if e.valid_loss is not None]
