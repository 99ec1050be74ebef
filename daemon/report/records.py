"""What the report is made of, and what its numbers are. Frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from daemon.records import MonthCost, Outcome, Priced
from mlx_agent.evaluate.records import Figure, Judgement, Run, Training, Trial
from mlx_agent.records import Draft, Edit
from mlx_agent.train.records import Adapter, TrainEvent, Verdict

Unit = Literal["count", "share", "distance", "usd", "loss", "words", "seconds"]
By = Literal["figure", "row", "count", "sum", "mean", "median", "least", "last", "less"]
"""How a number follows from its rows; `less` is one value of a row less another, `figure` is left
to `mlx_agent.evaluate.figures`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMaterial:
    """An account: its agents and the gate's verdicts, its drafts and what became of them.

    `curves` are by the adapters' ids; `edits` are those that stand.
    """

    name: str
    adapters: tuple[Adapter, ...]
    verdicts: tuple[Verdict, ...]
    curves: Mapping[str, tuple[TrainEvent, ...]]
    drafts: tuple[Draft, ...]
    edits: tuple[Edit, ...]
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """A run that has ended, with all that its figures were computed from.

    `trainings` are those that its trials used; `values` are measures by trial.
    """

    run: Run
    figures: tuple[Figure, ...]
    trainings: Mapping[str, Training]
    trials: Mapping[str, Trial]
    values: Mapping[str, Mapping[str, float]]
    judgements: tuple[Judgement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A held-out mail with the agent's draft and the zero-shot one, by their trials."""

    why: str
    person: str
    mail: str
    real: str
    agent: Trial
    zero_shot: Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Everything that the report tells; `costs` and `priced` are of all its accounts."""

    made_at: datetime
    accounts: tuple[AccountMaterial, ...]
    runs: tuple[Evaluated, ...]
    examples: tuple[Shown, ...]
    costs: tuple[MonthCost, ...]
    priced: tuple[Priced, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row that a number came of, by ids alone; `adds` is what it adds.

    `kind` is what it is a row of. `against` is the other side of a pair, and `values` are both
    sides' values where there are two.
    """

    kind: Literal["trial", "verdict", "draft", "edit", "request", "training", "step"]
    id: str
    adds: float
    person: str = ""
    mail: str = ""
    system: str = ""
    against: str = ""
    values: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number of the report under its name; `how` says in words what it is.

    Without `rows` it is a figure of a run, which `figure` and `run` name.
    """

    name: str
    value: float
    unit: Unit
    how: str
    by: By
    rows: tuple[Row, ...] = ()
    low: float | None = None
    high: float | None = None
    figure: Figure | None = None
    run: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A number beside what its rows give today; `lost` are trials that are there no more.

    `again` is None where no row is left to compute it from.
    """

    number: Number
    rows: tuple[Row, ...]
    again: float | None
    low: float | None = None
    high: float | None = None
    agrees: bool
    lost: tuple[str, ...] = ()
