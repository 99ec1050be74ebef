"""The rivals of an evaluation: what each asks of whom. Pure.

All systems answer the same x. The large model's are one task each for the writer; the small model's
own mails (M_S, M_F) are written by the worker. Everything goes through the one renderer, and what
comes back is parsed alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from mlx_agent.errors import AnswerMalformed
from mlx_agent.evaluate.records import Training
from mlx_agent.few_shot import NEIGHBOURS, few_shot_rules
from mlx_agent.large.answers import parse_mail
from mlx_agent.records import DraftTask, Example, FewShotTask, Lesson, Rule, Strategy, X

How = Literal["truth", "nothing", "examples", "rules", "small"]
"""What the writer is given; M_S (`small`) writes in its place, or the author did (`truth`)."""

REAL = "real mail"
"""What the author wrote: the bound of every measure, and the test of every classifier."""
ZERO_SHOT = "zero-shot"
FEW_SHOT_NEAR = "few-shot near"
FEW_SHOT_RANDOM = "few-shot random"
STYLE_CARD = "style card"
NEAREST_RULES = "nearest rules"
HAND_WRITTEN = "hand-written"
SMALL = "small zero-shot"
NAIVE = "naive fine-tune"
AGENT = "agent R3"
THINKING = "agent R3 thinking"
STRATEGIES: dict[Strategy, str] = {"R1": "agent R1", "R2": "agent R2", "R3": AGENT}
"""The agents by what taught them."""

SHOTS = 3
"""Examples that the writer is shown; the paper says "a limited number"."""
MAIL_TOKENS = 300
"""Tokens of a mail that the small model itself writes, at the most."""
FALLBACK = "No text came back."
"""What stands for a mail that a small model did not write, for an empty text has no distance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """A system at work on the held-out mails of a person.

    `agent_of` is whose training mails it knows, the person's own where it knows any; `training` is
    what its agent, or its M_F, was trained on. `label` tells arms of one system apart, by their
    ranks or sizes, say.
    """

    person: str
    system: str
    agent_of: str | None = None
    training: Training | None = None
    label: str = ""

    @property
    def how(self) -> How:
        """What the writer is given."""
        if self.system in (SMALL, NAIVE):
            return "small"
        if self.system in (FEW_SHOT_NEAR, FEW_SHOT_RANDOM):
            return "examples"
        plain: dict[str, How] = {ZERO_SHOT: "nothing", REAL: "truth"}
        return plain.get(self.system, "rules")

    @property
    def name(self) -> str:
        """The system's name, with what tells it from others of its kind."""
        return f"{self.system} {self.label}" if self.label else self.system


def random_examples(lessons: Sequence[Lesson], x: X, seed: int) -> tuple[Lesson, ...]:
    """SHOTS lessons by chance, the same ones for the same x and seed."""
    said = "\n".join((*x.intent, x.metadata.subject, str(seed)))
    chance = Random(hashlib.sha256(said.encode()).hexdigest())
    return tuple(chance.sample(list(lessons), min(SHOTS, len(lessons))))


def few_shot_task(x: X, lessons: Iterable[Lesson]) -> FewShotTask:
    """The question to the writer; the last example stands next to what is to be written."""
    examples = tuple(Example(x=one.x, own_text=one.own_text) for one in lessons)
    return FewShotTask(x=x, examples=examples[::-1])


def nearest_rules(nearest: Sequence[Lesson], x: X) -> tuple[Rule, ...]:
    """What the nearest lessons say, as before there is an agent."""
    return few_shot_rules(nearest[:NEIGHBOURS], x)


def draft_task(x: X, rules: Iterable[Rule]) -> DraftTask:
    """The question to the writer under rules, none for zero-shot."""
    return DraftTask(x=x, rules=tuple(rules))


def written(text: str, x: X) -> str:
    """The mail that a small model's words are; FALLBACK where they are none."""
    try:
        return parse_mail(text, x)
    except AnswerMalformed:
        return FALLBACK


def trial_id(arm: Arm, lesson: Lesson, *, writer: str, prompt: str, data: str, seed: int) -> str:
    """The key of a trial: all that its text follows from.

    `data` names the lessons that the arm knows, and the rules that were written by hand; `prompt`
    is the version of the prompt that is asked with.
    """
    training = arm.training.id if arm.training else ""
    parts = (
        *(arm.person, lesson.id, arm.system, arm.agent_of or "", training),
        *(writer, prompt, data, str(seed) if arm.system == FEW_SHOT_RANDOM else ""),
    )
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:24]
