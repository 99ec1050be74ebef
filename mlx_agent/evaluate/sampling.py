"""Who is evaluated, and on which lessons: the paper's sampling, and ours. Pure.

The paper (section 3.2) draws 15 people, and splits each one's texts at random: 80 to 20 for mail
and reviews, 50 to 50 for articles. A random split puts mails of one thread, and texts that were
sent twice, on both sides; `leaks` counts them. Ours (`teach.dataset.split`) is in the order of
time, keeps threads and copies together, and leaves none.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from mlx_agent.records import Kind, Lesson
from mlx_agent.teach.dataset import SHARES, SMALLEST, Splits, folded, split

How = Literal["ours", "paper"]

TEST_SHARES: dict[Kind, float] = {"email": 0.2, "review": 0.2, "article": 0.5}
"""Of the lessons of each kind, what the paper tests on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaks:
    """Of so many `test` lessons, those whose thread, own text, or either one trained too."""

    test: int
    threads: int
    texts: int
    either: int


def draw(people: Iterable[str], count: int, seed: int) -> tuple[str, ...]:
    """So many of the people, or all there are, in the order of their names.

    The same people and seed give the same, whatever their order.
    """
    known = sorted(set(people))
    return tuple(sorted(random.Random(seed).sample(known, min(count, len(known)))))


def splits(lessons: Sequence[Lesson], how: How, seed: int, kind: Kind) -> Splits:
    """The lessons of one person for training, for the gate and for evaluation, each oldest first.

    The paper's are random by the seed, with the validation lessons taken from those for training;
    ours depend on the lessons alone.
    """
    return split(lessons) if how == "ours" else _paper(lessons, seed, TEST_SHARES[kind])


def leaks(found: Splits) -> Leaks:
    """How many test lessons are known from training and validation: by thread, by own text."""
    learned = (*found.train, *found.valid)
    threads = {lesson.thread for lesson in learned}
    texts = {folded(lesson) for lesson in learned} - {""}
    by = [(lesson.thread in threads, folded(lesson) in texts) for lesson in found.test]
    return Leaks(
        test=len(by),
        threads=sum(thread for thread, _ in by),
        texts=sum(text for _, text in by),
        either=sum(thread or text for thread, text in by),
    )


def _paper(lessons: Sequence[Lesson], seed: int, share: float) -> Splits:
    """As `split` does, two lessons of one sample count once; one at least trains."""
    by_sample = {lesson.sample_id: lesson for lesson in lessons}
    shuffled = [by_sample[sample] for sample in sorted(by_sample)]
    random.Random(seed).shuffle(shuffled)
    total = len(shuffled)
    test = min(round(total * share), max(total - 1, 0))
    valid = min(max(SMALLEST, round(total * SHARES[1])), (total - test) // 4)
    parts = shuffled[:test], shuffled[test : test + valid], shuffled[test + valid :]
    found = [tuple(sorted(part, key=lambda one: (one.sent_at, one.id))) for part in parts]
    return Splits(test=found[0], valid=found[1], train=found[2])
