"""What the nearest lessons say, put into x: for a new mail, and for lessons as if each were one.

An agent learns when to follow its user's habits and when not, so that it must be shown in training
what it will be shown in use: a lesson never sees itself, nor what is akin to it, and what is held
out sees only what is trained on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from daemon.store.nearest import nearest_among
from mlx_agent.few_shot import NEIGHBOURS, habits
from mlx_agent.records import Lesson, X
from mlx_agent.teach.dataset import Splits, folded


def with_habits(splits: Splits) -> Splits:
    """The splits with the habits in each x that the lessons of the train split show for it."""
    return Splits(
        train=shown(splits.train, splits.train),
        valid=shown(splits.valid, splits.train),
        test=shown(splits.test, splits.train),
    )


def seen(x: X, nearest: Sequence[Lesson]) -> X:
    """X with what its nearest lessons, the nearest first, say."""
    return replace(x, habits=habits(nearest[:NEIGHBOURS], x))


def shown(lessons: Sequence[Lesson], known: Sequence[Lesson]) -> tuple[Lesson, ...]:
    """The lessons with what the others among `known`, one account's, say in each x."""
    orders = nearest_among(known, [lesson.x for lesson in lessons], len(known))
    return tuple(
        replace(lesson, x=seen(lesson.x, [*islice(_others(lesson, order), NEIGHBOURS)]))
        for lesson, order in zip(lessons, orders, strict=True)
    )


def _others(lesson: Lesson, lessons: Sequence[Lesson]) -> Iterator[Lesson]:
    """Those of another thread that say something else."""
    text = folded(lesson)
    for other in lessons:
        if other.thread != lesson.thread and (not text or folded(other) != text):
            yield other
