"""From a mail to a lesson (x, p): intent, baseline, rules; the method of the paper, section 2.3.

`advance` is the method as a pure function: from the answers that a sample has so far to what is to
be asked next, or to the lesson. Whoever asks keeps the answers, so a run can end anywhere and go on
later, one request at a time or in batches of thousands, and nothing is asked twice.

Answers are parsed strictly. A malformed one is shown to the model with what is wrong, once; then
the sample is set aside. A lesson's id is its key: the sample, the strategy, the prompts' versions,
the model and the seed, so that a repeat costs nothing and a changed prompt makes new lessons.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from mlx_agent import codec, render, thoughts
from mlx_agent.errors import AnswerMalformed, SampleError
from mlx_agent.large.answers import parse_mail, parse_points, parse_rules_answer
from mlx_agent.recipients import metadata_of
from mlx_agent.records import (
    Answer,
    BaselineTask,
    Call,
    FirstTask,
    Kind,
    Lesson,
    Mail,
    Recipient,
    RepairTask,
    Rule,
    RulesTask,
    Strategy,
    Task,
    X,
)
from mlx_agent.rules import Trusted, trusted
from mlx_agent.teach.intents import intent_task

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How lessons are made, whatever the mail.

    `model` is the teacher's name, `sampled` whether it takes a temperature; the seed chooses each
    intent's variant. A text of another `kind` stands in a `Mail` too: its author is the sender, its
    title, or what it is of, the subject.
    """

    model: str
    strategy: Strategy = "R3"
    seed: int = 1
    sampled: bool = False
    kind: Kind = "email"

    @property
    def id(self) -> str:
        """12 hex digits of all that the lessons depend on, the prompts' versions included."""
        prompts = ["intent", render.RULES_PROMPTS[self.strategy]]
        prompts += ["baseline"] * (self.strategy == "R3")
        versions = [render.prompt_version(name, self.kind) for name in prompts]
        parts = [self.strategy, self.model, str(self.seed), str(self.sampled), *versions]
        parts += [self.kind] * (self.kind != "email")
        return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:12]


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
class Answered:
    """What came of one question: an answer, or a failure in words that quote nothing."""

    prompt: str
    version: str
    answer: Answer | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """The next question of a sample, its `position`-th."""

    lesson_id: str
    sample_id: str
    position: int
    task: Task

    @property
    def key(self) -> str:
        """Names the question among all, within 64 letters, digits and hyphens."""
        return f"{self.lesson_id}-{self.position}"

    @property
    def prompt(self) -> str:
        """The prompt that it is asked with."""
        return render.prompt_name(self.task)

    @property
    def version(self) -> str:
        """That prompt's version, by the kind of text."""
        return render.prompt_version(self.prompt, render.prompt_kind(self.task))

    def answered(self, result: Answer | SampleError) -> Answered:
        """The question with what came of it."""
        if isinstance(result, SampleError):
            return self.failed(reason(result))
        return Answered(prompt=self.prompt, version=self.version, answer=result)

    def failed(self, failure: str) -> Answered:
        """The question with why it has no answer, in words that quote nothing."""
        return Answered(prompt=self.prompt, version=self.version, failure=failure)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A sample of which no lesson could be made. The reason quotes nothing."""

    sample_id: str
    reason: str


def lesson_id(item: TeachItem, recipe: Recipe) -> str:
    """The lesson's key, 24 hex digits.

    It changes with the mail's own text and context, for the rules by which they are cut may change.
    """
    mail = item.mail
    context = codec.dumps(mail.context)
    parts = [mail.id, mail.own_text, context, recipe.id]
    if recipe.strategy == "R3" and item.baseline is not None:
        parts.append(item.baseline)
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:24]


def thread_of(mail: Mail) -> str:
    """What groups a thread: the first reference, else the mail answered, else the mail itself."""
    return next(iter(mail.references), "") or mail.in_reply_to or mail.message_id or mail.id


def reason(error: SampleError) -> str:
    """Why a sample came to nothing, in words that quote nothing; such as `intent: refused`."""
    words = {"AnswerRefused": "the model declined", "AnswerCutOff": "the answer was cut off"}
    words |= {"PromptTooLong": "too long for the model"}
    said = error.reason if isinstance(error, AnswerMalformed) else words[type(error).__name__]
    return f"{error.prompt}: {said}"


def advance(
    item: TeachItem, recipe: Recipe, answered: Sequence[Answered]
) -> Ask | Lesson | SetAside:
    """What is to be asked next of a sample with these answers, in their order, or what came of it.

    The same answers give the same.
    """
    answers = iter(answered)
    try:
        made = _drive(_method(item, recipe), answers)
    except _Open as question:
        return Ask(
            lesson_id=lesson_id(item, recipe),
            sample_id=item.mail.id,
            position=len(answered),
            task=question.task,
        )
    except _Failed as failed:
        return SetAside(sample_id=item.mail.id, reason=failed.reason)
    return _lesson(item, recipe, made, answered)


def usable(
    lessons: Sequence[Lesson], planned: Mapping[str, str], aside: Collection[str]
) -> list[Lesson]:
    """The lessons to train on, one a sample, in their order.

    `planned` are the ids of the lessons that there should be by now, by sample, `aside` the samples
    that give none. Until all of them are there, a sample's older lesson stands, of the recipe that
    has most; so a change of prompt or model does not leave the agent with a handful of lessons.
    """
    of_sample = [lesson for lesson in lessons if lesson.sample_id in planned]
    new = {one.sample_id: one for one in of_sample if planned[one.sample_id] == one.id}
    if all(sample in new or sample in aside for sample in planned):
        chosen = new
    else:
        old: dict[str, dict[str, Lesson]] = {}
        for lesson in of_sample:
            if lesson.sample_id not in new or new[lesson.sample_id].id != lesson.id:
                old.setdefault(lesson.recipe, {})[lesson.sample_id] = lesson
        fullest = max(sorted(old), key=lambda recipe: len(old[recipe]), default="")
        chosen = new | old.get(fullest, {})
    kept = {lesson.id for lesson in chosen.values()}
    return [lesson for lesson in of_sample if lesson.id in kept]


# --- the method -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """What the answers came to."""

    x: X
    baseline: str | None
    rules: Trusted
    thinking: str


class _Open(Exception):
    """There is no answer yet to this."""

    def __init__(self, task: Task) -> None:
        self.task = task


class _Failed(Exception):
    """The sample comes to nothing."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


_Question = tuple[FirstTask, Callable[[str], Any]]


def _method(item: TeachItem, recipe: Recipe) -> Generator[_Question, Any, _Made]:
    """Yields a task and how its answer is parsed; is sent what was parsed."""
    mail = item.mail
    metadata = metadata_of(mail, item.recipient)
    task = intent_task(mail, metadata, recipe.seed, sampled=recipe.sampled, kind=recipe.kind)
    points = yield task, parse_points
    x = X(intent=points, metadata=metadata, context=mail.context, kind=recipe.kind)
    baseline = item.baseline if recipe.strategy == "R3" else None
    if baseline is None and recipe.strategy == "R3":
        baseline = yield BaselineTask(x=x), partial(parse_mail, x=x)
    question = RulesTask(x=x, own_text=mail.own_text, baseline=baseline, strategy=recipe.strategy)
    answered, said = yield question, _rules_and_all
    rules = trusted(answered, x, mail.own_text, baseline)
    if not rules.rules:
        raise _Failed("rules: every rule quotes a fact")
    thinking = thoughts.kept(said, x, mail.own_text, baseline)
    return _Made(x=x, baseline=baseline, rules=rules, thinking=thinking)


def _rules_and_all(text: str) -> tuple[tuple[Rule, ...], str]:
    return parse_rules_answer(text), text


def _drive(method: Generator[_Question, Any, _Made], answers: Iterator[Answered]) -> _Made:
    parsed: Any = None
    while True:
        try:
            task, parse = method.send(parsed)
        except StopIteration as end:
            made: _Made = end.value
            return made
        parsed = _parsed(task, parse, answers)


def _parsed(task: FirstTask, parse: Callable[[str], T], answers: Iterator[Answered]) -> T:
    """The next answer, parsed; a malformed one is asked to be mended once."""
    text = _next(task, answers)
    try:
        return parse(text)
    except AnswerMalformed as error:
        mended = _next(RepairTask(task=task, answer=text, reason=error.reason), answers)
    try:
        return parse(mended)
    except AnswerMalformed as error:
        raise _Failed(reason(error)) from error


def _next(task: Task, answers: Iterator[Answered]) -> str:
    said = next(answers, None)
    if said is None:
        raise _Open(task)
    if said.answer is None:
        raise _Failed(said.failure or "")
    return said.answer.text


def _lesson(item: TeachItem, recipe: Recipe, made: _Made, answered: Sequence[Answered]) -> Lesson:
    mail = item.mail
    calls = [
        Call(prompt=one.prompt, version=one.version, model=one.answer.model, usage=one.answer.usage)
        for one in answered
        if one.answer is not None
    ]
    return Lesson(
        id=lesson_id(item, recipe),
        sample_id=mail.id,
        account=mail.account,
        x=made.x,
        rules=made.rules.rules,
        own_text=mail.own_text,
        baseline=made.baseline,
        sent_at=mail.sent_at,
        thread=thread_of(mail),
        strategy=recipe.strategy,
        calls=tuple(calls),
        recipe=recipe.id,
        generalised=sum(made.rules.generalised.values()),
        dropped=sum(made.rules.dropped.values()),
        thinking=made.thinking,
    )
