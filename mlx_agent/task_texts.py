"""The texts and the people of a task, all of them, in one place. Pure.

Whoever hides something of a task, or looks for something in one, must not miss a field.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from mlx_agent.findings import Checks
from mlx_agent.records import (
    Address,
    BaselineTask,
    ContextMessage,
    DraftTask,
    FewShotTask,
    IntentTask,
    JudgeTask,
    Metadata,
    Recipient,
    RedraftTask,
    RepairTask,
    Rule,
    RulesTask,
    Task,
    X,
)

AnyTask = TypeVar("AnyTask", bound=Task)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What becomes of each part of a task.

    `text` is for what is said, `style` for words on how to say it: rules, the user's instruction,
    an answer that may be either.
    """

    text: Callable[[str], str]
    style: Callable[[str], str]
    person: Callable[[Address], Address]

    def of(self, task: AnyTask) -> AnyTask:
        """The task with every text and every person changed, in a fixed order."""
        changed: Task
        match task:
            case IntentTask():
                changed = replace(
                    task,
                    metadata=self._metadata(task.metadata),
                    context=self._context(task.context),
                    own_text=self.text(task.own_text),
                )
            case BaselineTask():
                changed = replace(task, x=self._x(task.x))
            case RulesTask():
                changed = replace(
                    task,
                    x=self._x(task.x),
                    own_text=self.text(task.own_text),
                    baseline=None if task.baseline is None else self.text(task.baseline),
                )
            case DraftTask():
                changed = replace(
                    task,
                    x=self._x(task.x),
                    rules=tuple(map(self._rule, task.rules)),
                    instruction=self.style(task.instruction),
                    previous=self.text(task.previous),
                )
            case JudgeTask():
                changed = replace(
                    task,
                    x=self._x(task.x),
                    truth=self.text(task.truth),
                    first=self.text(task.first),
                    second=self.text(task.second),
                )
            case FewShotTask():
                changed = replace(
                    task,
                    x=self._x(task.x),
                    examples=tuple(
                        replace(one, x=self._x(one.x), own_text=self.text(one.own_text))
                        for one in task.examples
                    ),
                )
            case RedraftTask():
                changed = replace(
                    task,
                    task=self.of(task.task),
                    text=self.text(task.text),
                    checks=self._checks(task.checks),
                )
            case RepairTask():
                changed = replace(task, task=self.of(task.task), answer=self.style(task.answer))
        return changed

    def _x(self, x: X) -> X:
        return replace(
            x,
            metadata=self._metadata(x.metadata),
            intent=tuple(map(self.text, x.intent)),
            context=self._context(x.context),
        )

    def _metadata(self, metadata: Metadata) -> Metadata:
        return replace(
            metadata,
            sender=self.person(metadata.sender),
            to=tuple(map(self.person, metadata.to)),
            cc=tuple(map(self.person, metadata.cc)),
            subject=self.text(metadata.subject),
            recipient=metadata.recipient and self._recipient(metadata.recipient),
        )

    def _recipient(self, known: Recipient) -> Recipient:
        return replace(
            known,
            greeting=None if known.greeting is None else self.text(known.greeting),
            sign_off=None if known.sign_off is None else self.text(known.sign_off),
        )

    def _context(self, context: tuple[ContextMessage, ...]) -> tuple[ContextMessage, ...]:
        return tuple(
            replace(message, author=self.person(message.author), text=self.text(message.text))
            for message in context
        )

    def _checks(self, checks: Checks) -> Checks:
        """The findings; their places are those in the draft as it was."""
        return replace(
            checks,
            uncovered=tuple(
                replace(one, facts=tuple(map(self.text, one.facts))) for one in checks.uncovered
            ),
            unsupported=tuple(replace(one, text=self.text(one.text)) for one in checks.unsupported),
        )

    def _rule(self, rule: Rule) -> Rule:
        return replace(rule, instruction=self.style(rule.instruction))


def texts(task: Task) -> tuple[str, ...]:
    """Every text of a task but its people's names and addresses."""
    found: list[str] = []
    _looking(found, []).of(task)
    return tuple(found)


def people(task: Task) -> tuple[Address, ...]:
    """Everybody whom a task names as a person, the sender first, some of them more than once."""
    found: list[Address] = []
    _looking([], found).of(task)
    return tuple(found)


def _looking(texts: list[str], people: list[Address]) -> Change:
    def text(found: str) -> str:
        texts.append(found)
        return found

    def person(found: Address) -> Address:
        people.append(found)
        return found

    return Change(text=text, style=text, person=person)
