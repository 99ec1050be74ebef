"""The large model's stand-in: no network, no key, deterministic plain code.

It answers the same tasks as a real model, in the same form, so that the demo, the tests and a user
without a key go the same way as everybody else. It is not a language model: it says what the
bullets say, in the manner that the rules give, and nothing more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from mlx_agent import names, render
from mlx_agent.card import style_card
from mlx_agent.distance import distance
from mlx_agent.large.offline_intent import intent_points
from mlx_agent.large.offline_rules import rules_for
from mlx_agent.large.offline_writer import baseline, write
from mlx_agent.records import (
    Answer,
    BaselineTask,
    DraftTask,
    FewShotTask,
    IntentTask,
    JudgeTask,
    RedraftTask,
    RepairTask,
    RulesTask,
    Task,
    Usage,
)
from mlx_agent.rules import format_rules

__all__ = ["Offline", "baseline", "intent_points", "rules_for", "write"]

TIE = 0.005
"""Two distances that are nearer than this are a tie to the judge."""


class Offline:
    """The `LargeModel` that is always there."""

    name = "offline"
    remote = False
    host = ""
    takes_temperature = False
    batches = None

    def most(self, task: Task, *, batch: bool = False) -> float | None:
        """Nothing."""
        del task, batch
        return 0.0

    async def complete(self, task: Task) -> Answer:
        """Answer one task."""
        text = answer(task)
        asked = sum(len(message.content.split()) for message in render.messages(task))
        usage = Usage(input_tokens=asked, output_tokens=len(text.split()), cost_usd=0.0)
        return Answer(text=text, model=self.name, usage=usage)

    async def stream(self, task: Task) -> AsyncIterator[str | Answer]:
        """The answer line by line, then whole."""
        whole = await self.complete(task)
        for piece in whole.text.splitlines(keepends=True):
            yield piece
        yield whole

    async def close(self) -> None:
        """Nothing is held."""


def answer(task: Task) -> str:  # noqa: PLR0911  # a case for each task
    """The words of an answer, in the form that `answers` parses."""
    match task:
        case IntentTask():
            points = intent_points(task.own_text, task.metadata, task.kind)
            bullets = "\n".join(f"- {point}" for point in points)
            # a mail may hold the answer's own tags, and this model repeats what it reads
            return f"<points>\n{bullets.replace('points>', 'points >')}\n</points>"
        case BaselineTask():
            return baseline(task.x)
        case RulesTask():
            rules = rules_for(task.x, task.own_text, task.baseline)
            return f"<rules>\n{format_rules(rules)}\n</rules>"
        case DraftTask():
            return write(task.x, task.rules, task.instruction)
        case FewShotTask():
            examples = [(one.x, one.own_text) for one in task.examples]
            return write(task.x, style_card(examples).rules)
        case JudgeTask():
            return f"<verdict>{_verdict(task)}</verdict>"
        case RedraftTask() | RepairTask():
            return answer(task.task)  # it has no second way to say a thing


def _verdict(task: JudgeTask) -> str:
    hidden = names.maskable(task.x.metadata.sender, *task.x.metadata.to)
    first = distance(task.first, task.truth, hidden)
    second = distance(task.second, task.truth, hidden)
    if abs(first - second) < TIE:
        return "tie"
    return "first" if first < second else "second"
