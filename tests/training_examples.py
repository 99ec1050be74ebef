"""Data sets of an invented person, and an agent trained once for all tests that need one.

MLX is imported where it is used, for every test file's fixtures pass through here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from mlx_agent import bases
from mlx_agent.pocket.personas import lesson, persona
from mlx_agent.records import Lesson
from mlx_agent.teach.dataset import Dataset, Splits, split, write_dataset
from mlx_agent.train.records import Adapter, TrainEvent, TrainRequest, TrainSettings

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
PERSON = 4
"""A persona that greets, closes and signs in ways of its own."""


def lessons_of(count: int, seed: int = PERSON) -> list[Lesson]:
    """Lessons of one persona, an hour and a thread each."""
    random = Random(seed)
    who = persona(random)
    return [
        replace(
            lesson(random, who),
            id=f"l{number}",
            sample_id=f"m{number}",
            account="work",
            own_text="",
            sent_at=JANUARY + timedelta(hours=number),
            thread=f"<{number}@example>",
        )
        for number in range(count)
    ]


def dataset_of(root: Path, splits: Splits) -> Dataset:
    """The splits on disk, rendered for the pocket base."""
    render = bases.render_settings(bases.find("pocket"))
    return write_dataset(root / "datasets", "work", splits, render)


def a_request(root: Path, lessons: int, **changes: Any) -> TrainRequest:
    """A request to train on lessons of the persona; `settings` are merged into quick ones."""
    splits = changes.pop("splits", None) or split(lessons_of(lessons))
    dataset = dataset_of(root, splits)
    settings = TrainSettings(**{"epochs": 1, **changes.pop("settings", {})})
    request = TrainRequest(
        account="work",
        base="pocket",
        dataset=dataset.path,
        dataset_hash=dataset.hash,
        lessons=len(splits.train),
        settings=settings,
        adapters_root=root / "adapters",
    )
    return replace(request, **changes)


def plain_loss(path: Path, base: str | Path, adapter: Path | None) -> float:
    """The mean cross-entropy of a split's answers' tokens in nats, each lesson by itself."""
    from mlx_agent.engine import load
    from mlx_agent.train.batches import read_items

    model, tokenizer = load(bases.find(str(base)), adapter)
    return loss_of(model, read_items(path, tokenizer, 1024))


def loss_of(model: Any, items: Iterable[tuple[list[int], int]]) -> float:
    """The mean cross-entropy of the items' answers' tokens in nats, each item by itself."""
    from mlx_agent.engine import mx, nn

    total, count = 0.0, 0
    for tokens, offset in items:
        logits = model(mx.array([tokens[:-1]]))[0, offset - 1 :]
        total += nn.losses.cross_entropy(logits, mx.array(tokens[offset:])).sum().item()
        count += len(tokens) - offset
    return total / count


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What a training was asked, said and made."""

    request: TrainRequest
    splits: Splits
    events: tuple[TrainEvent, ...]
    adapter: Adapter

    @property
    def path(self) -> Path:
        """The adapter's directory."""
        return self.request.adapters_root / self.adapter.id


def train_here(request: TrainRequest, splits: Splits | None = None) -> Trained:
    """Train in this process."""
    from mlx_agent.train.run import train

    events: list[TrainEvent] = []
    adapter = train(request, events.append)
    return Trained(
        request=request,
        splits=splits or Splits(train=(), valid=(), test=()),
        events=tuple(events),
        adapter=adapter,
    )


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """An agent of the persona, trained on 18 lessons for three epochs."""
    splits = split(lessons_of(28))
    root = tmp_path_factory.mktemp("trained")
    request = a_request(root, 28, splits=splits, settings={"epochs": 3}, parent="work-before")
    return train_here(request, splits)
