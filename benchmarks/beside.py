"""Ours and mlx-lm's training of the same base on the same lessons, for benchmarks of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mlx_agent import codec
from mlx_agent.engine import load
from mlx_agent.teach.dataset import Dataset
from mlx_agent.train.batches import read_items
from mlx_agent.train.records import TrainRequest, TrainSettings

EPOCHS, BATCH = 3, 4
HELD_OUT = 16
LONGEST = 800
"""Tokens in a lesson; longer ones are left out, for mlx-lm would cut their answers.

Attention, a fiftieth of the work at Llama-3-8B's width, would be most of it at a small one.
"""
SETTINGS = TrainSettings(epochs=EPOCHS, max_tokens=LONGEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A training that was timed: real tokens in all epochs, and where its adapter is.

    `ends`: the seconds after which each step was done.
    """

    seconds: float
    peak_mb: float
    tokens: int
    shapes: list[tuple[int, int, int]]
    adapter: str
    ends: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Real tokens per second."""
        return self.tokens / self.seconds

    @property
    def last_rate(self) -> float:
        """The same of the last epoch, in which nothing is compiled any more."""
        return self.tokens / EPOCHS / (self.ends[-1] - self.ends[-1 - len(self.shapes)])

    @property
    def padding(self) -> float:
        """The share of padding among all tokens that are computed."""
        return 1 - self.tokens / EPOCHS / sum(rows * length for rows, length, _ in self.shapes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The base, the lessons as tokens, and where the runs leave what they make.

    A run that takes longer than `most_s` seconds fails.
    """

    scratch: Path
    base: Path
    dataset: Dataset
    lengths: tuple[int, ...]
    settings: TrainSettings = SETTINGS
    most_s: float | None = None

    @property
    def budget(self) -> int:
        """Tokens for a batch of as many lessons as the peer's, on average."""
        return BATCH * sum(self.lengths) // len(self.lengths)

    def child(self, *arguments: str) -> dict[str, Any]:
        """What a process says, with kernels that those of all benches beside this one share.

        Raises RuntimeError with the end of what it said before it failed, and TimeoutExpired.
        """
        kernels = self.scratch.parent / "kernels"
        kernels.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "benchmarks.lora", *arguments]
        found_here = os.pathsep.join(filter(None, sys.path))  # the tests' folder, too
        environment = os.environ | {"TMPDIR": str(kernels), "PYTHONPATH": found_here}
        done = subprocess.run(
            command,
            check=False,
            env=environment,
            capture_output=True,
            text=True,
            timeout=self.most_s,
        )
        if done.returncode:
            raise RuntimeError(f"exit code {done.returncode}: {done.stderr[-2000:]}")
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def ours(self, name: str, **changes: Any) -> Run:
        """Our training with some settings changed; `name` says whose activations are kept."""
        settings = replace(self.settings, **{"batch_tokens": self.budget, **changes})
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

    def peer(self, name: str, layers: int, **changes: Any) -> Run:
        """mlx-lm's training, with some settings of its own changed."""
        steps = EPOCHS * (len(self.lengths) // BATCH)
        warm = max(1, round(self.settings.warm_up * steps))
        rate = self.settings.learning_rate
        scale = {"rank": self.settings.rank, "scale": self.settings.scale, "dropout": 0.0}
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
            "seed": self.settings.seed,
        }
        return self._run("peer", name, json.dumps(settings | changes))

    def loss(self, run: Run) -> float:
        """The validation loss under a run's adapter, measured alike for everybody."""
        split_path = str(self.dataset.path / "valid.jsonl")
        return float(self.child("loss", str(self.base), run.adapter, split_path)["loss"])

    def _run(self, what: str, name: str, asked: str) -> Run:
        path = self.scratch / f"{name}.{what}.json"
        path.write_text(asked, "utf-8")
        return Run(tokens=EPOCHS * sum(self.lengths), **self.child(what, str(path)))


def bench(scratch: Path, base: Path, dataset: Dataset, **more: Any) -> Bench:
    """A base beside the lessons of a data set; raises ValueError where they fill no batches.

    For mlx-lm would leave those out that are too many.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    tokenizer = load(base, lazy=True)[1]
    items = read_items(dataset.path / "train.jsonl", tokenizer, LONGEST)
    if not items or len(items) % BATCH:
        raise ValueError(f"{len(items)} lessons do not fill batches of {BATCH}")
    lengths = tuple(len(tokens) for tokens, _ in items)
    return Bench(scratch=scratch, base=base, dataset=dataset, lengths=lengths, **more)
