"""The measures that every trial has, against what its author wrote. Pure.

Facts are looked for in x alone, not in the rules that a system gave its writer, so that all systems
are held to one measure: a rule may carry a fact of another mail.
"""

from __future__ import annotations

from typing import get_args

from mlx_agent import names
from mlx_agent.checks import uncovered, unsupported
from mlx_agent.differences import edit_distance, words_of
from mlx_agent.distance import distance
from mlx_agent.evaluate.records import Measure, Measured, Trial
from mlx_agent.records import DraftTask, Lesson

MEASURES: tuple[Measured, ...] = get_args(Measured)


def measure(trial: Trial, lesson: Lesson) -> tuple[Measure, ...]:
    """The measures of a trial of the lesson's mail, in the order of `MEASURES`.

    A fact that stands in a draft twice counts once.
    """
    hidden = names.maskable(lesson.x.metadata.sender, *lesson.x.metadata.to)
    facts = unsupported(trial.text, DraftTask(x=lesson.x))
    values: dict[Measured, float] = {
        "distance": distance(trial.text, lesson.own_text, hidden),
        "edit": edit_distance(trial.text, lesson.own_text),
        "words": len(words_of(trial.text)),
        "unsupported": len({(fact.kind, fact.text) for fact in facts}),
        "uncovered": len(uncovered(lesson.x, trial.text)),
    }
    return tuple(Measure(trial=trial.id, name=name, value=float(values[name])) for name in MEASURES)
