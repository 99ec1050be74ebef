"""From a mail to a lesson (x, p): intent, baseline, rules; the method of the paper, section 2.3.

Asks the teacher, parses its answers strictly, asks once more where an answer is malformed, and then
sets the sample aside. A lesson's id is its key: the sample, the strategy, the prompts' versions and
the model, so that a repeat costs nothing and a changed prompt makes new lessons.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Container, Sequence
from dataclasses import dataclass
from typing import TypeVar

from mlx_agent import render
from mlx_agent.errors import AnswerMalformed
from mlx_agent.large import LargeModel
from mlx_agent.large.answers import parse_mail, parse_points, parse_rules_answer
from mlx_agent.recipients import metadata_of
from mlx_agent.records import (
    BaselineTask,
    Call,
    Lesson,
    Mail,
    Recipient,
    RulesTask,
    Strategy,
    Task,
    X,
)
from mlx_agent.rules import filter_facts
from mlx_agent.teach.intents import intent_task

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class TeachSettings:
    """The strategy, and the seed that chooses the intent's variant."""

    strategy: Strategy = "R3"
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TeachItem:
    """A mail that teaches.

    `baseline` is the draft that it was edited from, if it was one: R3 then learns from what the
    user changed, and saves the baseline's call. R1 and R2 look at the mail alone.
    """

    mail: Mail
    recipient: Recipient | None
    baseline: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A sample of which no lesson could be made. The reason quotes nothing."""

    sample_id: str
    reason: str


def lesson_id(item: TeachItem, settings: TeachSettings, model: str) -> str:
    """The lesson's key, 24 hex digits."""
    distils = settings.strategy == "R3"
    prompts = ["intent", render.RULES_PROMPTS[settings.strategy], *["baseline"] * distils]
    versions = [render.prompt_version(name) for name in prompts]
    parts = [item.mail.id, settings.strategy, model, str(settings.seed), *versions]
    parts += [item.baseline] if distils and item.baseline is not None else []
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:24]


def thread_of(mail: Mail) -> str:
    """What groups a thread: the first reference, else the mail answered, else the mail itself."""
    return next(iter(mail.references), "") or mail.in_reply_to or mail.message_id or mail.id


async def make_lesson(item: TeachItem, teacher: LargeModel, settings: TeachSettings) -> Lesson:
    """One lesson; raises AnswerMalformed after a second malformed answer, and the teacher's own."""
    mail, calls = item.mail, list[Call]()
    metadata = metadata_of(mail, item.recipient)
    points = await _ask(teacher, intent_task(mail, metadata, settings.seed), parse_points, calls)
    x = X(intent=points, metadata=metadata, context=mail.context)
    generic = item.baseline if settings.strategy == "R3" else None
    if generic is None and settings.strategy == "R3":
        generic = await _ask(teacher, BaselineTask(x=x), parse_mail, calls)
    task = RulesTask(x=x, own_text=mail.own_text, baseline=generic, strategy=settings.strategy)
    rules, _ = filter_facts(await _ask(teacher, task, parse_rules_answer, calls), x)
    if not rules:
        raise AnswerMalformed("rules", "every rule quotes a fact")
    return Lesson(
        id=lesson_id(item, settings, teacher.name),
        sample_id=mail.id,
        account=mail.account,
        x=x,
        rules=rules,
        own_text=mail.own_text,
        baseline=generic,
        sent_at=mail.sent_at,
        thread=thread_of(mail),
        strategy=settings.strategy,
        calls=tuple(calls),
    )


async def teach(
    items: Sequence[TeachItem],
    teacher: LargeModel,
    settings: TeachSettings,
    known: Container[str],
    concurrency: int = 8,
) -> AsyncIterator[Lesson | SetAside]:
    """Lessons of the items that have none yet, as they come, `concurrency` requests in flight.

    An error of the teacher's own is raised as it is, after the lessons that were done before it.
    That error, closing the iterator and cancelling its reader all cancel what is in flight.
    """
    slots = asyncio.Semaphore(concurrency)
    running = [
        asyncio.create_task(_lesson_or_aside(item, teacher, settings, slots))
        for item in items
        if lesson_id(item, settings, teacher.name) not in known
    ]
    try:
        for made in asyncio.as_completed(running):
            yield await made
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _lesson_or_aside(
    item: TeachItem, teacher: LargeModel, settings: TeachSettings, slots: asyncio.Semaphore
) -> Lesson | SetAside:
    async with slots:
        try:
            return await make_lesson(item, teacher, settings)
        except AnswerMalformed as error:
            return SetAside(sample_id=item.mail.id, reason=f"{error.prompt}: {error.reason}")


async def _ask(teacher: LargeModel, task: Task, parse: Callable[[str], T], calls: list[Call]) -> T:
    """The parsed answer; a malformed one is asked for once more. Every call is recorded."""
    for last in (False, True):
        answer = await teacher.complete(task)
        name = render.prompt_name(task)
        version = render.prompt_version(name)
        calls.append(Call(prompt=name, version=version, model=answer.model, usage=answer.usage))
        try:
            return parse(answer.text)
        except AnswerMalformed:
            if last:
                raise
    raise AssertionError("unreachable")
