"""What a training that starts from the last adapter learns from: what is new, and some of the old.

Without the old it would forget; with all of it, it might as well begin at the base.
"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

from mlx_agent import adapters
from mlx_agent.train.batches import Item
from mlx_agent.train.records import TrainRequest


def chosen(request: TrainRequest, items: list[Item]) -> list[Item]:
    """The items of lessons that the parent has not seen, and `replay` older ones for each.

    `items` are those of the train split in its order. All of them where nothing is new, or where
    nobody knows.
    """
    ids, before = _ids(request.dataset), _parent_ids(request)
    if before is None or len(ids) != len(items):
        return items
    new = [item for item, name in zip(items, ids, strict=True) if name not in before]
    old = [item for item, name in zip(items, ids, strict=True) if name in before]
    again = min(len(old), request.settings.replay * len(new))
    return new + Random(request.settings.seed).sample(old, again) if new else items


def _parent_ids(request: TrainRequest) -> set[str] | None:
    assert request.parent is not None
    parent = adapters.verify(request.adapters_root, request.parent)
    path = request.dataset.parent / parent.dataset_hash[:16]
    return set(_ids(path)) if (path / "manifest.json").is_file() else None


def _ids(dataset: Path) -> list[str]:
    """The ids of the train split's lessons, in the order of its lines."""
    manifest = json.loads((dataset / "manifest.json").read_text("utf-8"))
    found: list[str] = manifest["lessons"]["train"]
    return found
