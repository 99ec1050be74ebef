"""Mails, lessons and teachers for the tests of teaching, data sets, the gate and evaluation.

The teachers are the offline model with one thing changed: they stand at the seam that learning
gives every model, `LargeModel`.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from mlx_agent import render
from mlx_agent.errors import SampleError
from mlx_agent.large import LargeModel
from mlx_agent.large.offline import Offline
from mlx_agent.recipients import Correspondence
from mlx_agent.records import (
    Address,
    Answer,
    ContextMessage,
    DraftTask,
    Lesson,
    Mail,
    Metadata,
    Recipient,
    Rule,
    Task,
    X,
)
from mlx_agent.teach.lessons import Answered, Ask

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NORA = Address(name="Nora Falk", address="nora@falk.example")
TIM = Address(name="Tim Oduya", address="tim@oduya.example")
KIM = Address(name="Kim Aster", address="kim@falk.example")
QUESTION = ContextMessage(author=TIM, text="Dear Nora,\n\nWhen will it be done?\n\nRegards,\nTim")
GREETING = Rule(
    aspect="greeting", instruction='open with "Hello", the recipient\'s first name and a comma'
)
LENGTH = Rule(aspect="length", instruction="about 20 words")
OWN_TEXTS = (
    "Hello Tim,\n\nthe boat is ready on Friday. Can you bring the keys?\n\nCheers,\nNora",
    "Hello Tim,\n\nI've sent the invoice to your office. It's due in June.\n\nCheers,\nNora",
    "Hello Tim,\n\nwe don't have the sail yet. I'll ask the yard again!\n\nCheers,\nNora",
    "Hello Tim,\n\nthe mast came back today. It's as good as new.\n\nCheers,\nNora",
)


def recipient_after(
    sender: Address, to: Sequence[Address], earlier: Iterable[Mail], context: Sequence[Any]
) -> Recipient | None:
    """What is known of the first recipient after mails, oldest first."""
    known = Correspondence()
    for mail in earlier:
        known.add(mail)
    return known.recipient(sender, to, context)


def a_mail(number: int = 1, **changes: Any) -> Mail:
    """A mail that teaches; its text and its time follow its number."""
    mail = Mail(
        id=f"m{number:03}",
        account="home",
        message_id=f"<{number}@falk.example>",
        in_reply_to="",
        references=(),
        sender=NORA,
        to=(TIM,),
        cc=(),
        subject="The boat",
        sent_at=NOON + timedelta(hours=number),
        own_text=OWN_TEXTS[number % len(OWN_TEXTS)].replace(
            "\n\nCheers", f" No. {number}.\n\nCheers"
        ),
        context=(),
        signature="",
        forwarded="",
        flags=frozenset(),
    )
    return replace(mail, **changes)


def a_lesson(number: int = 1, **changes: Any) -> Lesson:
    """A lesson in a thread of its own; its time follows its number."""
    lesson = Lesson(
        id=f"l{number:03}",
        sample_id=f"m{number:03}",
        account="home",
        x=X(
            intent=("The boat is ready on Friday", f"It is boat {number}"),
            metadata=Metadata(sender=NORA, to=(TIM,), subject="The boat"),
        ),
        rules=(GREETING, LENGTH),
        own_text=OWN_TEXTS[0],
        baseline=None,
        sent_at=NOON + timedelta(hours=number),
        thread=f"<{number}@falk.example>",
        strategy="R3",
        calls=(),
    )
    return replace(lesson, **changes)


class Recording(Offline):
    """The offline model, which remembers its tasks."""

    def __init__(self) -> None:
        self.asked: list[Task] = []

    async def complete(self, task: Task) -> Answer:
        self.asked.append(task)
        return await super().complete(task)

    @property
    def prompts(self) -> list[str]:
        return [render.prompt_name(task) for task in self.asked]


class Clumsy(Recording):
    """Its first answers to a prompt, as many as given, are these words instead."""

    def __init__(self, words: str = "I would rather not.", **malformed: int) -> None:
        super().__init__()
        self.words = words
        self.malformed = Counter(malformed)

    async def complete(self, task: Task) -> Answer:
        answer = await super().complete(task)
        if self.malformed[self.prompts[-1]] <= 0:
            return answer
        self.malformed[self.prompts[-1]] -= 1
        return replace(answer, text=self.words)


class Copyist(Recording):
    """A writer that answers every draft with the text it was given for the task's intent."""

    def __init__(self, texts: dict[tuple[str, ...], str]) -> None:
        super().__init__()
        self.texts = texts

    async def complete(self, task: Task) -> Answer:
        assert isinstance(task, DraftTask)
        return replace(await super().complete(task), text=self.texts[task.x.intent])


class Teacher:
    """A desk at which a model sits, and which keeps nothing."""

    def __init__(self, model: LargeModel) -> None:
        self._model = model

    async def kept(self, lesson_id: str) -> tuple[Answered, ...]:
        """Nothing."""
        del lesson_id
        return ()

    async def ask(self, ask: Ask) -> Answered:
        """Ask the model."""
        try:
            return ask.answered(await self._model.complete(ask.task))
        except SampleError as error:
            return ask.answered(error)
