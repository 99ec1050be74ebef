"""Parse what a large model answered. Strict: a wrong form raises AnswerMalformed.

    intent    <points> one `- bullet` per line </points>
    rules     <rules> one `Aspect: instruction` per line </rules>
    judge     <verdict> first | second | tie </verdict>
    baseline, draft, redraft    the mail's text; what is said around it is cut off (`tidy`)

Text before the tag is the model's thinking, of which `mlx_agent.thoughts` keeps some. A tag must be
opened exactly once and closed exactly once, after the thinking: where the thinking repeats a mail
that holds such tags, nobody can tell whose answer they enclose.
"""

from __future__ import annotations

import re
from typing import Literal, cast

from mlx_agent.errors import AnswerMalformed
from mlx_agent.records import Rule, X
from mlx_agent.rules import RulesMalformed, parse_rules
from mlx_agent.tidy import tidied

Choice = Literal["first", "second", "tie"]


def parse_points(text: str) -> tuple[str, ...]:
    """The bullets of an intent answer, at least one."""
    lines = [line.strip() for line in _tagged("intent", "points", text).splitlines()]
    points = tuple(line[2:].strip() for line in lines if line.startswith("- ") and line[2:].strip())
    if not points:
        raise AnswerMalformed("intent", "no bullet")
    if any(line and not line.startswith("- ") for line in lines):
        raise AnswerMalformed("intent", "a line that is no bullet")
    return points


def parse_rules_answer(text: str) -> tuple[Rule, ...]:
    """The rules of a rules answer, at least one, in the fixed order of aspects."""
    try:
        return parse_rules(_tagged("rules", "rules", text))
    except RulesMalformed as error:
        raise AnswerMalformed("rules", error.reason) from error


def parse_verdict(text: str) -> Choice:
    """Which draft the judge found nearer to the truth."""
    choice = _tagged("judge", "verdict", text).strip()
    if choice not in ("first", "second", "tie"):
        raise AnswerMalformed("judge", "no such verdict")
    return cast(Choice, choice)


def parse_mail(text: str, x: X, signature: str = "") -> str:
    """The text of a baseline or a draft for x, without what is no part of a mail: see `tidy`.

    `signature` is the block that the account's mail program appends.
    """
    mail = tidied(text.replace("\r\n", "\n").strip("\n "), x, signature)
    if not mail:
        raise AnswerMalformed("draft", "empty")
    return mail


def _tagged(prompt: str, tag: str, text: str) -> str:
    """What stands between the tags: a second one, even unclosed, may be another's words."""
    times = max(text.count(f"<{tag}>"), text.count(f"</{tag}>"))
    found = re.search(rf"<{tag}>(.*)</{tag}>", text, re.DOTALL)
    if times != 1:
        raise AnswerMalformed(prompt, f"<{tag}> occurs {times} times")
    if found is None:
        raise AnswerMalformed(prompt, f"<{tag}> does not enclose an answer")
    return found[1]
