"""The ladder: where a draft's rules come from, the best rung that can answer.

A rung that cannot is never a failure of the draft: what it says of why is shown to the user.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from daemon.records import StandingRules
from mlx_agent.errors import (
    AdapterDamaged,
    AdapterNotFound,
    BaseDamaged,
    BaseNotFound,
    TrimtabError,
    WorkerBusy,
    WorkerDied,
    WorkerFailed,
)
from mlx_agent.few_shot import FEWEST, NEIGHBOURS, few_shot_rules
from mlx_agent.records import AgentAnswer, Lesson, Rule, Rung, StyleCard, X
from mlx_agent.rules import in_order

T = TypeVar("T")

AGENT_SECONDS = 30.0
"""How long a user waits for the agent before the next rung is taken."""


class Agents(Protocol):
    """What drafting asks of the small model and of the account's own mails."""

    async def rules(self, account: str, x: X) -> AgentAnswer | None:
        """The current adapter's answer, None where there is no adapter.

        Raises AdapterDamaged, AdapterNotFound, BaseDamaged, BaseNotFound, WorkerBusy, WorkerDied,
        WorkerFailed and OSError.
        """
        ...

    async def warm(self, account: str, x: X) -> bool:
        """Have the current adapter read what is known of x; False where there is no adapter.

        Raises what `rules` raises.
        """
        ...

    async def nearest(self, account: str, x: X, limit: int) -> list[Lesson]:
        """The account's lessons nearest to x, the nearest first, at most `limit`."""
        ...

    async def card(self, account: str) -> StyleCard | None:
        """The account's style card, None before there is mail to measure."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A rung that answered, and with what."""

    rung: Rung
    rules: tuple[Rule, ...] = ()
    adapter: str | None = None
    base: str | None = None
    tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A rung that could not answer, and why, in words for the user."""

    why: str


Step = Callable[[Agents, str, X], Awaitable[Reached | Missed]]

_WHY: dict[type[TrimtabError], str] = {
    AdapterDamaged: "the agent's files are damaged",
    AdapterNotFound: "the agent's files are missing",
    BaseDamaged: "the agent's base model is damaged",
    BaseNotFound: "the agent's base model is missing",
    WorkerBusy: "the agent is being trained",
    WorkerDied: "the agent's process ended",
    WorkerFailed: "the agent's process failed",
}
_INSTEAD: dict[Rung, str] = {
    "adapter": "",
    "few-shot": "rules from your nearest mails",
    "style-card": "your usual greeting, length and sign-off",
    "zero-shot": "a plain mail, not in your voice",
}


async def from_adapter(
    agents: Agents, account: str, x: X, *, seconds: float = AGENT_SECONDS
) -> Reached | Missed:
    """The top rung: the rules that the agent predicts for this mail, if it does so in time."""
    answer = await _answered(agents.rules(account, x), seconds)
    if isinstance(answer, Missed):
        return answer
    if answer is None:
        return Missed(why="no agent yet")
    if not answer.valid or not answer.rules:
        return Missed(why="the agent's answer was no list of rules")
    return Reached(
        rung="adapter",
        rules=answer.rules,
        adapter=answer.adapter,
        base=answer.base,
        tokens=answer.tokens,
    )


async def warmed(
    agents: Agents, account: str, x: X, *, seconds: float = AGENT_SECONDS
) -> Missed | None:
    """Have the agent ready for what is known of x; why it is not, where it is not."""
    ready = await _answered(agents.warm(account, x), seconds)
    if isinstance(ready, Missed):
        return ready
    return None if ready else Missed(why="no agent yet")


async def _answered(asked: Awaitable[T], seconds: float) -> T | Missed:
    """What the agent answers in time, or why it does not."""
    try:
        async with asyncio.timeout(seconds):
            return await asked
    except tuple(_WHY) as error:
        return Missed(why=_WHY[type(error)])
    except TimeoutError:
        return Missed(why="the agent took too long")
    except OSError:  # no room for its log, no memory for a process, a file gone just now
        return Missed(why="the agent could not be started")


async def from_nearest_lessons(agents: Agents, account: str, x: X) -> Reached | Missed:
    """What the lessons nearest to this mail say, once there are enough to choose from."""
    lessons = await agents.nearest(account, x, FEWEST)
    if len(lessons) < FEWEST:
        return Missed(why="too few lessons yet")
    rules = few_shot_rules(lessons[:NEIGHBOURS], x)
    if not rules:
        return Missed(why="your nearest mails agree on no rule")
    return Reached(rung="few-shot", rules=rules)


async def from_style_card(agents: Agents, account: str, _x: X) -> Reached | Missed:
    """The account's usual rules, whatever the mail."""
    card = await agents.card(account)
    if card is None or not card.rules:
        return Missed(why="no mail of yours to go by")
    return Reached(rung="style-card", rules=card.rules)


async def without_voice(_agents: Agents, _account: str, _x: X) -> Reached | Missed:
    """The ground: a draft under no rules, which says so."""
    return Reached(rung="zero-shot")


LADDER: tuple[Step, ...] = (
    from_adapter,
    from_nearest_lessons,
    from_style_card,
    without_voice,
)


def degraded(missed: Iterable[Missed], reached: Reached) -> str | None:
    """Why no higher rung was reached and what stands in for it; None on the top rung."""
    reasons = "; ".join(miss.why for miss in missed)
    return f"{reasons}: {_INSTEAD[reached.rung]}" if reasons else None


def applied(
    rules: Iterable[Rule], standing: StandingRules, off: frozenset[str], added: Iterable[Rule]
) -> tuple[Rule, ...]:
    """The rules under the user's word, in the fixed order: for good, and then for this draft."""
    chosen = {rule.aspect: rule for rule in rules if rule.aspect not in standing.banned}
    chosen |= {rule.aspect: rule for rule in standing.pinned}
    kept = {aspect: rule for aspect, rule in chosen.items() if aspect not in off}
    return in_order((kept | {rule.aspect: rule for rule in added}).values())


async def climb(
    ladder: Iterable[Step], agents: Agents, account: str, x: X
) -> tuple[list[Missed], Reached]:
    """The first rung that answers, and why those above it did not."""
    missed: list[Missed] = []
    for step in ladder:
        found = await step(agents, account, x)
        if isinstance(found, Reached):
            return missed, found
        missed.append(found)
    return missed, Reached(rung="zero-shot")
