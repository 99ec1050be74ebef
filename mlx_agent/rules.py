"""Preference rules: their text form, parsing and validation. Pure.

The text form is one rule a line, `Aspect: instruction`, aspects in the order of `ASPECTS`, each at
most once. It is what the agent is trained to write, what the writer reads and what the user sees.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mlx_agent.errors import TrimtabError
from mlx_agent.records import ASPECTS, Rule, X

MAX_RULES = len(ASPECTS)
MAX_INSTRUCTION = 240
"""Characters in one instruction."""

MAX_QUOTED = 9
"""Words in a quoted phrase; a longer one is a piece of a mail."""

_LENGTH = re.compile(
    r"\b\d+(?:(?: ?[-–] ?| to | and | or )\d+)?[ -](?:short |long )?"
    r"(?:words?|sentences?|paragraphs?|lines?)\b"
)
_FACT = re.compile(r"\S*\d\S*|\S+@\S+|https?://\S+|www\.\S+")
_CAPITALISED = re.compile(r"(?<=[\w,] )(?!I\b|I'|(?:Mr|Mrs|Ms|Miss|Dr|Prof)\b)[A-Z][\w'’-]+")
_QUOTED = re.compile(r'"([^"]*)"')
_ORDER = {aspect: position for position, aspect in enumerate(ASPECTS)}


@dataclass(eq=False)
class RulesMalformed(TrimtabError):
    """A text that is no list of rules. `reason` never quotes it."""

    reason: str


def format_rules(rules: Iterable[Rule]) -> str:
    """The text form, one rule a line, without a final line end."""
    return "\n".join(f"{rule.aspect.capitalize()}: {rule.instruction}" for rule in rules)


def parse_rules(text: str) -> tuple[Rule, ...]:
    """Parse the text form into rules in the fixed order.

    Raises RulesMalformed for an empty list, a line without an aspect, an unknown or repeated
    aspect, and an empty or overlong instruction.
    """
    rules = [_parse_line(line.strip()) for line in text.splitlines() if line.strip()]
    if not rules:
        raise RulesMalformed("no rule")
    aspects = [rule.aspect for rule in rules]
    if len(set(aspects)) != len(aspects):
        raise RulesMalformed("an aspect occurs twice")
    return in_order(rules)


def in_order(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """The rules sorted by the fixed order of aspects."""
    return tuple(sorted(rules, key=lambda rule: _ORDER[rule.aspect]))


def filter_facts(rules: Iterable[Rule], x: X) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """The rules that may stay, and those dropped because they hold a fact that x does not.

    A fact is a number (other than a length in words, sentences, paragraphs or lines), a link, an
    address, a capitalised word inside an instruction, or a quoted run of more than MAX_QUOTED
    words.
    """
    held = _held(x)
    kept: list[Rule] = []
    dropped: list[Rule] = []
    for rule in rules:
        (dropped if _holds_fact(rule, held) else kept).append(rule)
    return tuple(kept), tuple(dropped)


def _held(x: X) -> str:
    people = (x.metadata.sender, *x.metadata.to, *x.metadata.cc)
    said = [x.metadata.subject, *x.intent, *(m.text for m in x.context), *(p.name for p in people)]
    return " ".join(said).lower()


def _holds_fact(rule: Rule, held: str) -> bool:
    text = _LENGTH.sub("", rule.instruction)
    odd = [*_FACT.findall(text), *_CAPITALISED.findall(text)]
    if any(fact.lower() not in held for fact in odd):
        return True
    return any(len(quoted.split()) > MAX_QUOTED for quoted in _QUOTED.findall(text))


def _parse_line(line: str) -> Rule:
    aspect, colon, instruction = line.partition(":")
    aspect, instruction = aspect.strip().lower(), instruction.strip()
    if not colon or aspect not in _ORDER:
        raise RulesMalformed("a line without a known aspect")
    if not 0 < len(instruction) <= MAX_INSTRUCTION:
        raise RulesMalformed("an instruction that is empty or too long")
    return Rule(aspect=aspect, instruction=instruction)
