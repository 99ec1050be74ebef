"""Rules without an agent: what the lessons nearest to an x say of each aspect. Pure.

It is what drafts fall back to before there is an agent, and a rival of the agent in every
comparison. Which lessons are the nearest is found out elsewhere.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from statistics import median

from mlx_agent.records import ASPECTS, Habit, Lesson, Rule, X
from mlx_agent.rules import fitted, most_telling
from mlx_agent.style import bucket

NEIGHBOURS = 9
"""Lessons that are asked: with fewer chance decides, with many more it is the style card again."""
FEWEST = 10
"""Lessons from which on some are nearer than others; what all of them say is a worse style card."""

_QUOTED = re.compile(r'"[^"]*"')
_WORD = re.compile(r"[\w{}'’]+")


def few_shot_rules(nearest: Sequence[Lesson], x: X) -> tuple[Rule, ...]:
    """The rules of the nearest lessons, the nearest first, for the mail to be written from x.

    An aspect is spoken of if most lessons do, or half of them and the nearest among them. What is
    said is the most typical of their instructions. An instruction with a fact that x does not hold
    has no say. The length is not theirs: it follows from the size of x.
    """
    heard = _heard(nearest, x)
    rules = []
    for aspect in ASPECTS:
        said = [one[aspect] for one in heard if aspect in one]
        if _mostly_spoken(said):
            spoken = [each for each in said if each]
            instruction = _instruction(aspect, spoken, nearest, x)
            rules.append(Rule(aspect=aspect, instruction=instruction))
    return most_telling(rules)


def habits(nearest: Sequence[Lesson], x: X) -> tuple[Habit, ...]:
    """What the nearest lessons say of each aspect of which a third of them say anything.

    It is what an agent is shown: the vote, and how many are of one mind, for it to follow or not.
    """
    heard = _heard(nearest, x)
    found = []
    for aspect in ASPECTS:
        said = [one[aspect] for one in heard if aspect in one]
        spoken = [each for each in said if each]
        if spoken and 3 * len(spoken) >= len(said):
            chosen = _instruction(aspect, spoken, nearest, x)
            alike = spoken if aspect == "length" else [e for e in spoken if _same(e, chosen)]
            rule = Rule(aspect=aspect, instruction=chosen)
            found.append(Habit(rule=rule, said=len(alike), of=len(said)))
    return tuple(found)


def expected_length(nearest: Sequence[Lesson], x: X) -> str | None:
    """How long the mail will be, by how much longer than their intents the nearest mails are.

    In the median they are some words longer, and some times as long: the geometric mean of the two
    estimates, for intents are terse or full. None where there is nothing to go by.
    """
    size = _words(*x.intent)
    pairs = [(_words(one.own_text), _words(*one.x.intent)) for one in nearest]
    pairs = [(own, intent) for own, intent in pairs if own and intent]
    if not pairs or not size:
        return None
    longer = size + median(own - intent for own, intent in pairs)
    times = size * median(own / intent for own, intent in pairs)
    return f"about {bucket(round(math.sqrt(max(1, longer) * times)))} words"


def _heard(nearest: Sequence[Lesson], x: X) -> list[dict[str, str]]:
    """What each lesson says of each aspect, nothing where it is silent, nor what x cannot hold.

    Lessons say much the same, so that each rule is looked at once.
    """
    distinct = dict.fromkeys(rule for lesson in nearest for rule in lesson.rules)
    usable = dict(fitted(distinct, x))
    return [_said([(rule, usable[rule]) for rule in lesson.rules]) for lesson in nearest]


def _said(rules: Sequence[tuple[Rule, Rule | None]]) -> dict[str, str]:
    kept = [fit for _, fit in rules if fit is not None]
    dropped = {rule.aspect for rule, _ in rules} - {rule.aspect for rule in kept}
    silent = {aspect: "" for aspect in ASPECTS if aspect not in dropped}
    return silent | {rule.aspect: rule.instruction for rule in kept}


def _mostly_spoken(said: Sequence[str]) -> bool:
    spoken = sum(map(bool, said))
    return bool(said) and (2 * spoken > len(said) or (2 * spoken == len(said) and bool(said[0])))


def _instruction(aspect: str, spoken: Sequence[str], nearest: Sequence[Lesson], x: X) -> str:
    """What is said of an aspect: the typical instruction, but a length that suits x."""
    length = expected_length(nearest, x) if aspect == "length" else None
    return length or _typical(spoken)


def _typical(instructions: Sequence[str]) -> str:
    """The one that shares most with all others, each at most once; of equal ones the nearest.

    Where the wording is closed it is the commonest; where a model chose its words, no two of them
    may be equal.
    """
    words = [frozenset(_WORD.findall(each.lower())) for each in instructions]
    alike = [sum(_overlap(one, other) for other in words) for one in words]
    return instructions[max(range(len(alike)), key=lambda i: round(alike[i], 9))]


def _same(one: str, other: str) -> bool:
    """Whether two instructions ask for the same: the same phrases, in much the same words."""
    if _QUOTED.findall(one) != _QUOTED.findall(other):
        return False
    words = (frozenset(_WORD.findall(each.lower())) for each in (one, other))
    return _overlap(*words) > 0.5


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one | other else 1.0


def _words(*texts: str) -> int:
    return sum(len(text.split()) for text in texts)
