"""Ours and mlx-lm's training of the same base on the same lessons, for benchmarks.train.

The base has Llama-3-8B's proportions and random weights, 16 million of them; the lessons are
four people's, taught by the offline model.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from benchmarks import people
from benchmarks.teach import opened
from daemon.habits import with_habits
from daemon.jobs.tasks import lessons_to_train
from mlx_agent import bases, codec, pocket
from mlx_agent.chat import encode
from mlx_agent.records import Lesson
from mlx_agent.render import lesson_messages
from mlx_agent.teach.dataset import Dataset, Splits, split, write_dataset
from mlx_agent.train.records import TrainRequest, TrainSettings

BASE = {
    "model_type": "llama",
    "hidden_size": 512,
    "intermediate_size": 1792,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 1,
    "vocab_size": 2000,
    "rms_norm_eps": 1e-5,
    "rope_theta": 500000.0,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": False,
    "torch_dtype": "float32",
}
"""Llama-3-8B with an eighth of the blocks and of the width, and as large a head for them."""
EPOCHS, BATCH = 3, 4
HELD_OUT = 16
LONGEST = 800
"""Tokens in a lesson; longer ones are left out, for mlx-lm would cut their answers.

Attention, a fiftieth of the work at Llama-3-8B's width, would be most of it at this one.
"""
SETTINGS = TrainSettings(epochs=EPOCHS, max_tokens=LONGEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A training that was timed: real tokens in all epochs, and where its adapter is."""

    seconds: float
    peak_mb: float
    tokens: int
    shapes: list[tuple[int, int, int]]
    adapter: str

    @property
    def rate(self) -> float:
        """Real tokens per second."""
        return self.tokens / self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The base, the lessons as tokens, and where the runs leave what they make."""

    scratch: Path
    base: Path
    dataset: Dataset
    lengths: tuple[int, ...]

    @property
    def budget(self) -> int:
        """Tokens for a batch of as many lessons as the peer's, on average."""
        return BATCH * sum(self.lengths) // len(self.lengths)

    def child(self, *arguments: str) -> dict[str, Any]:
        """What a process says, with kernels that those of all benches beside this one share."""
        kernels = self.scratch.parent / "kernels"
        kernels.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "benchmarks.lora", *arguments]
        environment = os.environ | {"TMPDIR": str(kernels)}
        done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def ours(self, name: str, layers: int, seed: int = 1) -> Run:
        """Our training; `name` says whose activations are kept."""
        settings = replace(SETTINGS, layers=layers, batch_tokens=self.budget, seed=seed)
        request = TrainRequest(
            account="work",
            base=str(self.base),
            dataset=self.dataset.path,
            dataset_hash=self.dataset.hash,
            lessons=len(self.lengths),
            settings=settings,
            adapters_root=self.scratch / name,
        )
        return self._run("ours", name, codec.dumps(request))

    def peer(self, name: str, layers: int) -> Run:
        """mlx-lm's training."""
        steps = EPOCHS * (len(self.lengths) // BATCH)
        warm = max(1, round(SETTINGS.warm_up * steps))
        rate = SETTINGS.learning_rate
        scale = {"rank": SETTINGS.rank, "scale": SETTINGS.scale, "dropout": 0.0}
        settings = {
            "model": str(self.base),
            "data": str(self.dataset.path),
            "train": True,
            "mask_prompt": True,
            "optimizer": "adamw",
            "num_layers": layers or -1,
            "batch_size": BATCH,
            "iters": steps,
            "val_batches": 1,
            "steps_per_eval": steps,
            "steps_per_report": 1,
            "save_every": steps,
            "learning_rate": rate,
            "lr_schedule": {
                "name": "cosine_decay",
                "warmup": warm,
                "warmup_init": rate / (warm + 1),
                "arguments": [rate, steps - warm, rate * 0.05],
            },
            "max_seq_length": LONGEST,
            "adapter_path": str(self.scratch / name),
            "lora_parameters": scale,  # without keys: all linear layers of a block, as ours
            "seed": SETTINGS.seed,
        }
        return self._run("peer", name, json.dumps(settings))

    def loss(self, run: Run) -> float:
        """The validation loss under a run's adapter, measured alike for everybody."""
        split_path = str(self.dataset.path / "valid.jsonl")
        return float(self.child("loss", str(self.base), run.adapter, split_path)["loss"])

    def _run(self, what: str, name: str, asked: str) -> Run:
        path = self.scratch / f"{name}.{what}.json"
        path.write_text(asked, "utf-8")
        return Run(tokens=EPOCHS * sum(self.lengths), **self.child(what, str(path)))


def make_base(path: Path) -> None:
    """A model of random weights in BASE's shape, with the pocket base's tokenizer."""
    from mlx_agent.engine import mx, save_arrays

    from mlx.utils import tree_flatten  # isort: skip  # after the engine
    from mlx_lm.models.llama import Model, ModelArgs  # isort: skip

    path.mkdir(parents=True)
    (path / "config.json").write_text(json.dumps(BASE), "utf-8")
    for file in pocket.path().glob("token*.json"):
        (path / file.name).write_bytes(file.read_bytes())
    mx.random.seed(1)
    model = Model(ModelArgs.from_dict(BASE))
    save_arrays(path / "model.safetensors", dict(tree_flatten(model.parameters())))


async def people_lessons(scratch: Path) -> list[Splits]:
    """Each person's lessons, taught by the offline model."""
    paths, config = await people.fill(scratch / "home", {})
    async with opened(paths, config) as tasks:
        found = []
        for who in config.accounts:
            await tasks.teach(who, lambda _: None)
            lessons = await lessons_to_train(tasks.config, tasks.database, tasks.door, who)
            found.append(with_habits(split(lessons)))
        await tasks.worker.close()
    return found


def bench(scratch: Path, everyone: Sequence[Splits], count: int) -> Bench:
    """The base, and as many lessons of everybody as are asked for."""
    base = scratch / "base"
    if not base.is_dir():
        make_base(base)
    train, valid, test = (
        _some(base, [one for splits in everyone for one in getattr(splits, name)], size)
        for name, size in (("train", count), ("valid", HELD_OUT), ("test", 1))
    )
    dataset = write_dataset(
        scratch / "datasets",
        "work",
        Splits(train=train, valid=valid, test=test),
        bases.render_settings(base),
    )
    lengths = tuple(_length(base, one) for one in train)
    return Bench(scratch=scratch, base=base, dataset=dataset, lengths=lengths)


def _some(base: Path, lessons: Sequence[Lesson], count: int) -> tuple[Lesson, ...]:
    short = [one for one in lessons if _length(base, one) <= LONGEST]
    return tuple(Random(1).sample(short, count))


def _length(base: Path, lesson: Lesson) -> int:
    chat = lesson_messages(lesson.x, lesson.rules, bases.render_settings(base))
    return len(encode(_tokenizer(base), [{"role": m.role, "content": m.content} for m in chat]))


@cache
def _tokenizer(base: Path) -> Any:
    from mlx_agent.engine import load

    return load(base, lazy=True)[1]
