"""What stands before the rules in an answer: kept of a teacher's, left out of an agent's. Pure."""

from __future__ import annotations

from itertools import accumulate, takewhile

from mlx_agent.records import X
from mlx_agent.rules import sayable

MOST_WORDS = 150
"""Of a teacher's thinking; an agent that thinks longer keeps its user waiting."""
OPEN, CLOSE = "<thinking>", "</thinking>"


def kept(text: str, x: X, own_text: str, baseline: str | None) -> str:
    """The lines before a rules answer's tag that any mail might hold, MOST_WORDS at most.

    As with rules: no fact, no quote and no run of words that x does not hold. Lines that are left
    out take nothing with them, for each names a difference of its own.
    """
    before = text.partition("<rules>")[0].replace(OPEN, "").replace(CLOSE, "")
    lines = [line.strip() for line in before.splitlines() if line.strip()]
    usable = sayable(lines, x, own_text, baseline)
    words = accumulate(len(line.split()) for line in usable)
    few = takewhile(lambda pair: pair[1] <= MOST_WORDS, zip(usable, words, strict=True))
    return "\n".join(line for line, _ in few)


def with_thinking(thinking: str, rules: str) -> str:
    """An agent's answer that thinks first."""
    return f"{OPEN}\n{thinking}\n{CLOSE}\n{rules}"


def without_thinking(text: str) -> str:
    """The rules of an agent's answer; nothing while it thinks."""
    if not text.startswith(OPEN[: len(text)] or OPEN):
        return text
    return text.partition(CLOSE)[2].lstrip("\n")
