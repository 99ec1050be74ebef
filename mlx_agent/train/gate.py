"""The gate: a candidate is used only if its drafts are no further from the truth than today's.

`score` measures drafts on held-out later mail, under the same task as in production; `decide` is
pure. A candidate passes if its rule lists parse and hold no facts of other mails, if its drafts are
nearer than those without rules, and if they are not worse than the current adapter's, or than those
under the account's style card, beyond what chance explains (a paired bootstrap). If they are no
nearer than the current adapter's either, it must not foresee the teacher's rules less well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlx_agent import names
from mlx_agent.bootstrap import interval
from mlx_agent.distance import distance
from mlx_agent.generalise import straight, unnamed
from mlx_agent.large import LargeModel
from mlx_agent.large.answers import parse_mail
from mlx_agent.records import Address, AgentAnswer, DraftTask, Lesson, Rule, X
from mlx_agent.rules import RulesMalformed, filter_facts, parse_rules
from mlx_agent.train.records import Beside, Lists, Verdict

CURRENT, CARD, ZERO_SHOT = "current agent", "style card", "zero-shot"
MIN_VALIDITY = 0.9
"""The share of answers that must parse."""
MAX_LEAKED = 0.1
"""The share of answers that may hold a fact of another mail, before it is filtered out."""
SLACK = 0.02
"""How much worse than the current adapter's either share may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The candidate's style distances and a rival's on the same mails, the drafts by `writer`."""

    name: str
    writer: str
    candidate: tuple[float, ...]
    rival: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateScores:
    """The candidate beside each rival, ZERO_SHOT among them, and what the rule lists are like.

    The first rival's writer judged them all; another one may have judged some of them again.
    `current` is None where there is no adapter to be compared with. `losses` are those of the
    teacher's lists for each mail, the candidate's and the current adapter's; None where there is
    none whose tokens are the same.
    """

    rivals: tuple[Series, ...]
    lists: Lists
    current: Lists | None = None
    losses: tuple[Sequence[float], Sequence[float]] | None = None


async def score(
    lessons: Sequence[Lesson], rules: Sequence[tuple[Rule, ...]], writer: LargeModel
) -> list[float]:
    """The distance from the truth of each lesson's draft under its rules, names masked."""
    found = []
    for lesson, chosen in zip(lessons, rules, strict=True):
        answer = await writer.complete(DraftTask(x=lesson.x, rules=chosen))
        hidden = names.maskable(lesson.x.metadata.sender, *lesson.x.metadata.to)
        found.append(distance(parse_mail(answer.text, lesson.x), lesson.own_text, hidden))
    return found


def lists_of(
    answers: Sequence[AgentAnswer], xs: Sequence[X], losses: Sequence[float] = ()
) -> Lists:
    """What an adapter's answers to these xs, at least one, are like; `losses` of the teacher's."""
    leaked = [leaks(answer.text, x) for answer, x in zip(answers, xs, strict=True)]
    return Lists(
        validity=sum(answer.valid for answer in answers) / len(answers),
        leaked=sum(leaked) / len(leaked),
        loss=sum(losses) / len(losses) if losses else None,
    )


def leaks(text: str, x: X) -> bool:
    """Whether a rule list, as the agent wrote it, has a rule that had to be filtered.

    The name of x's recipient is no leak: it is put in general words. A text that is no list has no
    rules, and leaks nothing.
    """
    try:
        written = parse_rules(text)
    except RulesMalformed:
        return False
    general = tuple(_general(rule, x) for rule in written)
    kept, _ = filter_facts(general, x)
    return kept != general


def _general(rule: Rule, x: X) -> Rule:
    to = x.metadata.to[0] if x.metadata.to else Address()
    text = unnamed(straight(rule.instruction), rule.aspect, to, x.metadata.sender)
    return replace(rule, instruction=text)


def decide(adapter_id: str, scores: GateScores) -> Verdict:
    """Whether the candidate is promoted, and why or why not in words."""
    beside = tuple(map(_beside, scores.rivals)) if _is_comparable(scores) else ()
    reason = _objection(scores, beside)
    by_name = {one.name: one for one in reversed(beside)}  # by the writer who judged them all
    zero_shot, now = by_name.get(ZERO_SHOT), by_name.get(CURRENT)
    return Verdict(
        adapter_id=adapter_id,
        promoted=reason is None,
        reason=reason or _praise(beside),
        candidate=zero_shot.candidate if zero_shot else math.nan,
        current=now.rival if now else None,
        zero_shot=zero_shot.rival if zero_shot else math.nan,
        validity=scores.lists.validity,
        beside=beside,
        lists=scores.lists,
        current_lists=scores.current,
    )


def refuse(adapter_id: str, reason: str) -> Verdict:
    """The verdict on a candidate that could not be measured."""
    return Verdict(
        adapter_id=adapter_id,
        promoted=False,
        reason=reason,
        candidate=math.nan,
        current=None,
        zero_shot=math.nan,
        validity=math.nan,
    )


def _is_comparable(scores: GateScores) -> bool:
    """Whether there is something to compare: figures for the same mails, all of them numbers."""
    shares = [share for one in (scores.lists, scores.current) if one for share in _shares(one)]
    figures = [figure for one in scores.rivals for figure in (*one.candidate, *one.rival)]
    figures += [figure for one in scores.losses or () for figure in one]
    paired = all(0 < len(one.candidate) == len(one.rival) for one in scores.rivals)
    judged = any(one.name == ZERO_SHOT for one in scores.rivals)
    return judged and paired and all(map(math.isfinite, [*shares, *figures]))


def _shares(lists: Lists) -> tuple[float, float]:
    return lists.validity, lists.leaked


def _beside(series: Series) -> Beside:
    pairs = list(zip(series.candidate, series.rival, strict=True))
    by = interval([rival - candidate for candidate, rival in pairs])
    return Beside(
        name=series.name,
        writer=series.writer,
        mails=len(pairs),
        candidate=sum(series.candidate) / len(pairs),
        rival=sum(series.rival) / len(pairs),
        nearer=by.mean,
        low=by.low,
        high=by.high,
    )


def _objection(scores: GateScores, beside: Sequence[Beside]) -> str | None:
    if not beside:
        return "there is nothing to judge it by"
    objections = (
        _to_lists(scores.lists, scores.current),
        *(_to_drafts(one, beside) for one in beside),
        _to_losses(scores.losses, beside),
    )
    return next((one for one in objections if one is not None), None)


def _to_lists(new: Lists, now: Lists | None) -> str | None:
    if new.loss is not None and not math.isfinite(new.loss):
        return "its validation loss is no number"
    if new.validity < MIN_VALIDITY:
        return f"only {new.validity:.0%} of its rule lists parse"
    if new.leaked > MAX_LEAKED:
        return f"{new.leaked:.0%} of its rule lists hold facts of other mails"
    if now is not None and new.validity < now.validity - SLACK:
        return "fewer of its rule lists parse than of the current agent's"
    if now is not None and new.leaked > now.leaked + SLACK:
        return "more of its rule lists hold facts of other mails than of the current agent's"
    return None


def _to_drafts(one: Beside, beside: Sequence[Beside]) -> str | None:
    """What speaks against the candidate beside one rival.

    Where an agent is in use that is no better than the style card either, the nearer agent is used.
    """
    drafts = "its drafts" if one.writer == beside[0].writer else f"its drafts by {one.writer}"
    surely_worse = one.high < 0
    if one.name == ZERO_SHOT and one.nearer <= 0:
        return f"{drafts} are no nearer to your mails than drafts without rules"
    if one.name == CURRENT and surely_worse:
        return f"{drafts} are further from your mails than the current agent's"
    if (
        one.name == CARD
        and surely_worse
        and not any(b.name == CURRENT and b.nearer > 0 for b in beside)
    ):
        return f"{drafts} are further from your mails than those under your style card"
    return None


def _to_losses(
    losses: tuple[Sequence[float], Sequence[float]] | None, beside: Sequence[Beside]
) -> str | None:
    """What the drafts show counts more: the loss decides where they are no nearer than today's."""
    if losses is None or any(one.name == CURRENT and one.nearer > 0 for one in beside):
        return None
    if interval([now - new for new, now in zip(*losses, strict=True)]).high < 0:
        return "it foresees the rules of your later mails less well than the current agent"
    return None


_AGAINST = {ZERO_SHOT: "zero-shot", CARD: "under your style card", CURRENT: "now"}


def _praise(beside: Sequence[Beside]) -> str:
    said = []
    for writer in dict.fromkeys(one.writer for one in beside):
        by = [one for one in beside if one.writer == writer]
        rivals = ", ".join(f"{one.rival:.3f} {_AGAINST[one.name]}" for one in by)
        said.append(f"distance {by[0].candidate:.3f} against {rivals}")
    writers = list(dict.fromkeys(one.writer for one in beside))
    return said[0] + "".join(
        f"; by {writer} {text}" for writer, text in zip(writers[1:], said[1:], strict=True)
    )
