"""Records of training: what is asked, what is told on the way, and what comes of it.

Frozen, like those of `mlx_agent.records`, and free of MLX: the daemon asks and stores.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from mlx_agent.records import RenderSettings

Settings = dict[str, bool | int | float | str | None]
"""Settings by name, as they were; what of them a later program knows is for it to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """One adapter directory by its manifest (`manifest.json`, written last).

    `settings` are those that it was trained with, by name; empty where the manifest is older.
    """

    id: str
    account: str
    base: str
    base_hash: str
    dataset_hash: str
    settings_hash: str
    lessons: int
    render: RenderSettings
    metrics: dict[str, float]
    created_at: datetime
    parent: str | None = None
    settings: Settings = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """One fixed set of hyper-parameters, as in the paper: alpha = rank, that is `scale` 1.0.

    The linear layers of the upper `layers` blocks are adapted, of all with 0. `batch_tokens` bounds
    a batch, padding included, and `max_tokens` a lesson: the context of a longer one is cut.
    `warm_up` is the share of the steps in which the rate rises. From the adapter before it a
    training starts with what is new since then, and with `replay` older lessons for each.
    """

    rank: int = 16
    scale: float = 1.0
    layers: int = 0
    epochs: int = 4
    batch_tokens: int = 3072
    learning_rate: float = 2e-3
    warm_up: float = 0.05
    max_tokens: int = 1024
    checkpointing: Literal["auto", "on", "off"] = "auto"
    start: Literal["base", "adapter"] = "base"
    replay: int = 3
    seed: int = 1


def usual_rate(base: str) -> float:
    """The learning rate for a base by name: large models take a twentieth of the pocket base's.

    1e-4 is usual for LoRA with alpha = rank on models of 1 to 8 billion weights; not measured here.
    """
    return TrainSettings().learning_rate if base == "pocket" else 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest:
    """What the worker is asked to train: a complete data set, and where the adapter goes.

    `parent` is the adapter before it. Past the `deadline` the training stops where it is; its state
    is written at least every `checkpoint_s` seconds. Of what the frozen blocks make of lessons,
    `keep_bytes` stay on disk for other nights.
    """

    account: str
    base: str
    dataset: Path
    dataset_hash: str
    lessons: int
    settings: TrainSettings
    adapters_root: Path
    parent: str | None = None
    deadline: datetime | None = None
    checkpoint_s: float = 60.0
    keep_bytes: int = 4_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainEvent:
    """One step of training. Losses are mean cross-entropies of the rules' tokens, in nats.

    `tokens_per_second` counts real tokens, prompts included. `note` is what was decided on the way.
    """

    step: int
    steps: int
    epoch: int
    loss: float
    valid_loss: float | None
    tokens_per_second: float
    peak_memory_mb: float
    seconds_left: float
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A candidate beside a rival on the same held-out mails, their drafts written by `writer`.

    `candidate` and `rival` are mean style distances from the truth; `nearer` is by how much the
    candidate's is the smaller one, on average, and `low` to `high` its bootstrap 95 % interval.
    """

    name: str
    writer: str
    mails: int
    candidate: float
    rival: float
    nearer: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """What an adapter's rule lists are like.

    `validity` is the share that parse, `leaked` the share that hold a fact of another mail, and
    `loss` the mean cross-entropy on the validation split, None where it was measured on another.
    """

    validity: float
    leaked: float
    loss: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The gate's decision on a candidate: the measured style distances and the reason.

    Distances are those by the offline writer; `beside` has each rival's, with the intervals.
    """

    adapter_id: str
    promoted: bool
    reason: str
    candidate: float
    current: float | None
    zero_shot: float
    validity: float
    beside: tuple[Beside, ...] = ()
    lists: Lists | None = None
    current_lists: Lists | None = None
