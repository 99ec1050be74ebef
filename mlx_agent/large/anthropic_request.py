"""From a task to the body of a request to Anthropic's Messages API. Pure.

Models differ in what they take, and refuse the rest with an error. What each takes is a table of
name patterns, from platform.claude.com as of 2026-11-23: its pages on thinking, on the migration
to API version 2026-10-21, and on each model. A name that no pattern fits is asked for nothing but
an answer, which every model gives.

Sampling parameters left the API with version 2026-10-21, which the SDK speaks. Models up to Claude
4.6 still take a temperature in a request of the version before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from mlx_agent import render
from mlx_agent.large.settings import ModelSettings
from mlx_agent.records import IntentTask, JudgeTask, RulesTask, Task

VERSION_WITH_SAMPLING = "2023-06-01"
MOST_TEMPERATURE = 1.0
LEAST_BUDGET = 1024
"""Tokens of thinking that a model can be allowed at the least, where they are counted out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What a model takes.

    `thinks`: "adaptive" is the model's own choice of how long, "enabled" needs a budget. `still`
    is what keeps it from thinking; an always thinking model can only be asked for little ("low"),
    and one that does not think unasked needs nothing.
    """

    thinks: Literal["adaptive", "enabled", ""] = ""
    still: Literal["disabled", "between_tools", "low", ""] = ""
    temperature: bool = False


_TRAITS: tuple[tuple[str, Traits], ...] = (
    (r"claude-opus-5-5|claude-(fable|mythos)-.+", Traits(thinks="adaptive", still="low")),
    (r"claude-sonnet-5-5", Traits(thinks="adaptive", still="between_tools")),
    (r"claude-haiku-5-5|claude-(opus|sonnet)-5", Traits(thinks="adaptive", still="disabled")),
    (r"claude-opus-4-[78]", Traits(thinks="adaptive")),
    (r"claude-(opus|sonnet)-4-6", Traits(thinks="adaptive", temperature=True)),
    (r"claude-(opus|sonnet|haiku)-4(-[0-5])?", Traits(thinks="enabled", temperature=True)),
    (r"claude-3-7-sonnet", Traits(thinks="enabled", temperature=True)),
    (r"claude-3(-5)?-(opus|sonnet|haiku)", Traits(temperature=True)),
)


def traits(model: str) -> Traits:
    """What a model takes, by its name with or without its date."""
    name = re.sub(r"-(\d{8}|latest)$", "", model)
    return next((found for pattern, found in _TRAITS if re.fullmatch(pattern, name)), Traits())


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request's parameters; `sampling` are those that only the old version of the API has."""

    params: dict[str, Any]
    sampling: dict[str, float] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        """What must be said in the header for these parameters to be taken."""
        return {"anthropic-version": VERSION_WITH_SAMPLING} if self.sampling else {}


def request(task: Task, settings: ModelSettings) -> Request:
    """What to ask a model for a task."""
    system, *rest = render.messages(task)
    known = traits(settings.model)
    sampling = dict(_sampling(task, known))
    # Every task of one prompt begins with this. A prefix that is shorter than the model's least
    # (512 tokens for the newest models, up to 4,096 for others) is neither kept nor charged for.
    cached = {"type": "text", "text": system.content, "cache_control": {"type": "ephemeral"}}
    params: dict[str, Any] = {
        "model": settings.model,
        "max_tokens": settings.max_tokens,
        "system": [cached],
        "messages": [{"role": m.role, "content": m.content} for m in rest],
    }
    # A model that thinks is not sampled at a temperature; the prompt has it think in words.
    wanted = settings.thinking and not sampling and calls_for_thinking(task)
    return Request(params=params | _thinking(known, settings, wanted), sampling=sampling)


def calls_for_thinking(task: Task) -> bool:
    """Whether the task is one that is thought about before it is answered."""
    if isinstance(task, RulesTask):
        return task.strategy != "R1"
    return isinstance(task, IntentTask | JudgeTask)


def _sampling(task: Task, known: Traits) -> Iterator[tuple[str, float]]:
    if known.temperature and isinstance(task, IntentTask) and task.temperature is not None:
        yield "temperature", min(task.temperature, MOST_TEMPERATURE)


def _thinking(known: Traits, settings: ModelSettings, wanted: bool) -> dict[str, Any]:
    """Thinking counts as output: a budget leaves the answer half the room, and effort is bounded.

    Without a bound some models think at "high", at which a mail can use up `max_tokens`.
    """
    budget = settings.max_tokens // 2
    if wanted and known.thinks == "adaptive":
        return {"thinking": {"type": "adaptive"}, "output_config": {"effort": "medium"}}
    if wanted and known.thinks == "enabled" and budget >= LEAST_BUDGET:
        return {"thinking": {"type": "enabled", "budget_tokens": budget}}
    if known.still == "low":
        return {"output_config": {"effort": "low"}}
    return {"thinking": {"type": known.still}} if known.still else {}
