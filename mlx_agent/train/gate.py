"""The gate: a candidate is used only if its drafts are no further from the truth than today's.

`score` measures drafts on held-out later mail, under the same task as in production; `decide` is
pure. A candidate passes if its rules parse, its drafts are nearer than zero-shot ones, and they are
not worse than the current adapter's beyond what chance explains (a paired bootstrap).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from mlx_agent import names
from mlx_agent.distance import distance
from mlx_agent.large import LargeModel
from mlx_agent.large.answers import parse_mail
from mlx_agent.records import DraftTask, Lesson, Rule, Verdict

MIN_VALIDITY = 0.9
"""The share of answers that must parse."""
VALIDITY_SLACK = 0.02
"""How far below the current adapter's the candidate's validity may be."""
_RESAMPLES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class GateScores:
    """Style distances per held-out mail, in one order for all; validities as shares (0..1)."""

    candidate: tuple[float, ...]
    zero_shot: tuple[float, ...]
    validity: float
    current: tuple[float, ...] | None = None
    current_validity: float | None = None


async def score(
    lessons: Sequence[Lesson], rules: Sequence[tuple[Rule, ...]], writer: LargeModel
) -> list[float]:
    """The distance from the truth of each lesson's draft under its rules, names masked."""
    found = []
    for lesson, chosen in zip(lessons, rules, strict=True):
        answer = await writer.complete(DraftTask(x=lesson.x, rules=chosen))
        hidden = names.maskable(lesson.x.metadata.sender, *lesson.x.metadata.to)
        found.append(distance(parse_mail(answer.text), lesson.own_text, hidden))
    return found


def decide(adapter_id: str, scores: GateScores) -> Verdict:
    """Whether the candidate is promoted, and why or why not in words."""
    reason = _objection(scores)
    return Verdict(
        adapter_id=adapter_id,
        promoted=reason is None,
        reason=reason or _praise(scores),
        candidate=_mean(scores.candidate),
        current=None if scores.current is None else _mean(scores.current),
        zero_shot=_mean(scores.zero_shot),
        validity=scores.validity,
    )


def _objection(scores: GateScores) -> str | None:
    if not _comparable(scores):
        return "there is nothing to judge it by"
    if scores.validity < MIN_VALIDITY:
        return f"only {scores.validity:.0%} of its rule lists parse"
    if _mean(scores.candidate) >= _mean(scores.zero_shot):
        return "its drafts are no nearer to your mails than drafts without rules"
    return _objection_beside_current(scores)


def _comparable(scores: GateScores) -> bool:
    """Whether there is something to compare: figures for the same mails, all of them numbers."""
    series = [s for s in (scores.candidate, scores.zero_shot, scores.current) if s is not None]
    figures = [figure for one in series for figure in one]
    figures += [scores.validity, scores.current_validity or 0.0]
    same_mails = len({len(one) for one in series}) == 1
    return same_mails and len(scores.candidate) > 0 and all(map(math.isfinite, figures))


def _objection_beside_current(scores: GateScores) -> str | None:
    if scores.current is None:
        return None
    if scores.validity < (scores.current_validity or 0.0) - VALIDITY_SLACK:
        return "fewer of its rule lists parse than of the current agent's"
    if surely_worse(scores.candidate, scores.current):
        return "its drafts are further from your mails than the current agent's"
    return None


def _praise(scores: GateScores) -> str:
    said = f"distance {_mean(scores.candidate):.3f} against {_mean(scores.zero_shot):.3f} zero-shot"
    if scores.current is not None:
        said += f" and {_mean(scores.current):.3f} now"
    return said


def surely_worse(candidate: Sequence[float], current: Sequence[float], seed: int = 1) -> bool:
    """Whether the mean paired difference is above 0 in 97.5 % of bootstrap resamples."""
    random = Random(seed)
    differences = [new - old for new, old in zip(candidate, current, strict=True)]
    means = sorted(
        _mean(random.choices(differences, k=len(differences))) for _ in range(_RESAMPLES)
    )
    return means[int(0.025 * _RESAMPLES)] > 0


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
