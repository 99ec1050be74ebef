"""Records of evaluation: what was run, what was trained for it, written, measured and judged.

Frozen, and free of MLX and of the store, which keeps them: every figure names the trials that it
was computed from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from mlx_agent.large.answers import Choice
from mlx_agent.records import Rule, Strategy, Usage

Target = Literal["rules", "thinking", "text"]
"""What an agent learns: rules, what the teacher thought and the rules, or the mail itself (M_F)."""

Measured = Literal[
    "distance",  # style distance from the truth (`mlx_agent.distance`), names masked
    "edit",  # word-level edit distance from the truth, divided by the longer text's words
    "words",  # of the draft
    "unsupported",  # facts that x does not hold (`mlx_agent.checks`)
    "uncovered",  # points of the intent that the draft leaves out
]
"""The measures that every trial has; others (of classifiers, of extras) have names of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """An experiment with a seed, over people (accounts). `settings` is all else it depends on."""

    id: str
    experiment: str
    seed: int
    people: tuple[str, ...]
    started_at: datetime
    ended_at: datetime | None = None
    settings: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What an agent of a person is trained on, and how; without an adapter as long as it is not.

    `lessons` are the latest so many of the training split, all with 0. `part` names what else sets
    it apart: the night of a nightly retraining, say. `id` is the hash of all that and the lessons.
    `steps`, `losses` and `valid_losses` are its curve, in nats a token; a validation loss is None
    where none was measured at that step.
    """

    id: str
    person: str
    target: Target = "rules"
    strategy: Strategy = "R3"
    rank: int = 16
    lessons: int = 0
    part: str = ""
    adapter: str | None = None
    seconds: float = 0.0
    steps: tuple[int, ...] = ()
    losses: tuple[float, ...] = ()
    valid_losses: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What one system wrote for one held-out mail of a person; of `mail`, the sample's id.

    `agent_of` is whose agent or card it was, None where there was none. `usage` is the writer's.
    """

    id: str
    person: str
    mail: str
    lesson: str
    system: str
    agent_of: str | None
    writer: str
    text: str
    rules: tuple[Rule, ...] = ()
    training: str | None = None
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A figure of one trial."""

    trial: str
    name: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Two trials of one mail before a judge, in both orders.

    `forward` is the verdict where `first` was shown first; `backward` the one where it was shown
    second, told as if it had been shown first. `prompt` is the version of the judge's prompt.
    """

    judge: str
    first: str
    second: str
    forward: Choice
    backward: Choice
    prompt: str = ""
    usage: Usage = field(default_factory=Usage)

    @property
    def score(self) -> float:
        """What `first` won of the two orders, a tie half: 0, 0.25, 0.5, 0.75 or 1."""
        worth = {"first": 1.0, "tie": 0.5, "second": 0.0}
        return (worth[self.forward] + worth[self.backward]) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A figure to be worked out: `measure` over `of`, or beside `against` mail by mail.

    `measure` is a measure's name, or one of `figures` that is about two systems.
    """

    name: str
    measure: str
    of: tuple[str, ...]
    against: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number of a run, with its bootstrap 95 % interval and the rows that it was made of.

    `name` is a path, `win/agent R3/zero-shot` say, unique in its run. Of the trials `of`, set
    against those of `against` mail by mail where there are any, `measure` was looked at.
    """

    run: str
    name: str
    value: float
    low: float
    high: float
    measure: str
    of: tuple[str, ...]
    against: tuple[str, ...] = ()

    @property
    def mails(self) -> int:
        """How many trials it was computed from."""
        return len(self.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindPair:
    """Two trials of one mail as a person is shown them, and what they chose.

    `left` and `right` are the trials by where they stand; `number` counts from 0.
    """

    session: str
    number: int
    left: str
    right: str
    choice: Literal["left", "right", "tie"] | None = None
    chosen_at: datetime | None = None
