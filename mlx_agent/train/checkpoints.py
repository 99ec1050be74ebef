"""The state of a training on disk, so that it can end anywhere and go on to the same weights.

One file holds everything: the adapter's weights, the best ones so far, the optimizer's state, and
the figures in its metadata. It is replaced in one step, and what a full disk or a kill leaves of a
new one never harms the old one. A training is named by its key: what it is trained on, how, and
from what. A lock file keeps two processes from training for one account.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlx_agent import codec
from mlx_agent.engine import load_arrays, mx, save_arrays
from mlx_agent.errors import WorkerBusy, no_room_told

from mlx.utils import tree_flatten, tree_unflatten  # isort: skip  # after the engine

FILE = "state.safetensors"
KEPT = 3
"""Unfinished trainings whose states stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Where a training is. Losses in nats; `halvings` of the rate, of which each was a retreat."""

    step: int = 0
    first_loss: float | None = None
    train_loss: float | None = None
    best_loss: float | None = None
    halvings: int = 0
    batch_tokens: int = 0
    checkpointing: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A training between two steps; trees of arrays, as MLX has them."""

    figures: Figures
    weights: dict[str, Any]
    best: dict[str, Any]
    optimizer: Any


@no_room_told()
def save(directory: Path, state: State) -> None:
    """Replace the state in `directory`; raises DiskFull, and the one before stays."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    arrays = {f"weights/{name}": value for name, value in state.weights.items()}
    arrays |= {f"best/{name}": value for name, value in state.best.items()}
    arrays |= {f"optimizer/{name}": value for name, value in tree_flatten(state.optimizer)}
    building = directory / f".{os.getpid()}.safetensors"
    try:
        metadata = {"figures": codec.dumps(state.figures)}
        save_arrays(building, arrays, metadata)
        building.replace(directory / FILE)
    finally:
        building.unlink(missing_ok=True)


def load(directory: Path) -> State | None:
    """The state in `directory`, None where there is none that can be read."""
    try:
        arrays, metadata = load_arrays(directory / FILE)
        mx.eval(arrays)
        figures = codec.loads(Figures, metadata["figures"])
    except Exception:  # noqa: BLE001  # missing or broken: it is begun anew
        return None
    return State(
        figures=figures,
        weights=_part(arrays, "weights/"),
        best=_part(arrays, "best/"),
        optimizer=tree_unflatten(list(_part(arrays, "optimizer/").items())),
    )


def drop(directory: Path) -> None:
    """Remove the state of a training that begins anew."""
    (directory / FILE).unlink(missing_ok=True)


def forget(directory: Path) -> None:
    """Remove a training that has come to its end."""
    shutil.rmtree(directory, ignore_errors=True)


def prune(root: Path, account: str, keep: Path) -> None:
    """Of the account's unfinished trainings under `root` the newest stay, and `keep`."""
    others = [path for path in root.glob(f"{account}.*/") if path != keep]
    newest_first = sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)
    for path in newest_first[KEPT - 1 :]:
        forget(path)


@contextmanager
def alone(root: Path, account: str) -> Iterator[None]:
    """Hold the account's lock; raises WorkerBusy where another process has it."""
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(root / f"{account}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise WorkerBusy from error
        yield
    finally:
        os.close(descriptor)


def _part(arrays: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    found = arrays.items()
    return {name.removeprefix(prefix): one for name, one in found if name.startswith(prefix)}
