"""One training in a process of its own, timed and weighed: ours, or mlx-lm's. For benchmarks.train.

    python -m benchmarks.lora ours REQUEST.json
    python -m benchmarks.lora peer SETTINGS.json
    python -m benchmarks.lora loss MODEL ADAPTER SPLIT.jsonl

Prints one JSON object. Of a training that is `seconds` without loading and without validation,
`ends` (for every step, after how many of those seconds it was done), `peak_mb`, and `shapes`: for
every batch of an epoch how many rows it has, how long they are with their padding, and at how many
positions of each row the head is computed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from training_examples import plain_loss

from mlx_agent import codec
from mlx_agent.engine import load, mx
from mlx_agent.train import course as course_module
from mlx_agent.train.course import Course
from mlx_agent.train.records import TrainRequest
from mlx_agent.train.run import train

from mlx_lm import lora  # isort: skip  # after the engine, for its BLAS
from mlx_lm.tuner import trainer  # isort: skip
from mlx_lm.tuner.datasets import CacheDataset, load_dataset  # isort: skip

Found = dict[str, Any]


@dataclass(slots=True)
class Stopwatch:
    """Seconds spent in a function that has returned, and when it was last called."""

    seconds: float = 0.0
    since: float = 0.0


@contextmanager
def timed(owner: Any, name: str) -> Iterator[Stopwatch]:
    """How long the calls of `owner.name` take, all together."""
    watch, usual = Stopwatch(), getattr(owner, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        watch.since = time.perf_counter()
        try:
            return usual(*args, **kwargs)
        finally:
            watch.seconds += time.perf_counter() - watch.since

    setattr(owner, name, call)
    try:
        yield watch
    finally:
        setattr(owner, name, usual)


class Ends(trainer.TrainingCallback):  # type: ignore[misc]  # mlx-lm is not typed
    """When each step was done, in seconds of a training without its validation so far."""

    def __init__(self, whole: Stopwatch, validation: Stopwatch) -> None:
        self.all: list[float] = []
        self._whole, self._validation = whole, validation

    def on_train_loss_report(self, _info: Any) -> None:
        now = time.perf_counter()
        self.all.append(now - self._whole.since - self._validation.seconds)


def ours(request: TrainRequest) -> Found:
    """A training as the worker does it, to an adapter."""
    shapes: list[tuple[int, int, int]] = []
    usual = course_module.batches

    def batches(*args: Any) -> Any:
        cut = usual(*args)
        shapes[:] = shapes or [(len(one.items), one.length, one.most) for one in cut]
        return cut

    course_module.batches = batches
    with timed(Course, "run") as whole, timed(Course, "valid_loss") as validation:
        ends = Ends(whole, validation)
        adapter = train(request, ends.on_train_loss_report)
    return {
        "seconds": whole.seconds - validation.seconds,
        "ends": ends.all,
        "peak_mb": adapter.metrics["peak_memory_mb"],
        "shapes": shapes,
        "adapter": str(request.adapters_root / adapter.id),
    }


def peer(settings: dict[str, Any]) -> Found:
    """What `mlx_lm.lora --train --mask-prompt` does with these settings, after loading."""
    args = SimpleNamespace(**lora.CONFIG_DEFAULTS | settings)
    model, tokenizer = load(Path(args.model))
    train_set, valid_set, _ = load_dataset(args, tokenizer)
    cached = CacheDataset(train_set)
    epoch = trainer.iterate_batches(cached, args.batch_size, args.max_seq_length)
    shapes = [(len(batch), batch.shape[1] - 1, batch.shape[1] - 1) for batch, _ in epoch]
    lora.CacheDataset = lambda data: cached if data is train_set else CacheDataset(data)
    mx.reset_peak_memory()  # and the lessons are tokens by now, as ours are before the clock runs
    with timed(lora, "train") as whole, timed(trainer, "evaluate") as validation:
        ends = Ends(whole, validation)
        lora.train_model(args, model, train_set, valid_set, ends)
    return {
        "seconds": whole.seconds - validation.seconds,
        "ends": ends.all,
        "peak_mb": mx.get_peak_memory() / 1e6,
        "shapes": shapes,
        "adapter": args.adapter_path,
    }


def loss(model: str, adapter: str, split: str) -> Found:
    """The mean loss of a split's answers under an adapter, in nats, each lesson by itself."""
    return {"loss": plain_loss(Path(split), model, Path(adapter))}


def main() -> None:
    """Do what is asked for."""
    what, *arguments = sys.argv[1:]
    answers, sys.stdout = sys.stdout, sys.stderr  # the trainer draws on it
    if what == "ours":
        found = ours(codec.loads(TrainRequest, Path(arguments[0]).read_text("utf-8")))
    elif what == "peer":
        found = peer(json.loads(Path(arguments[0]).read_text("utf-8")))
    else:
        found = loss(*arguments)
    print(json.dumps(found), file=answers)


if __name__ == "__main__":
    main()
