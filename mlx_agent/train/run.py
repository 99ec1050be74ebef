"""Fine-tune a base on lessons: LoRA through mlx-lm's trainer, with our batches and our loss.

The same code trains a float32 pocket base on a CPU and a 4-bit 8B base on Metal (QLoRA). After each
epoch the validation loss is measured, and the best epoch's weights are kept. The adapter comes into
being in one step at the end: training that is killed leaves nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlx_agent import adapters, bases, codec
from mlx_agent.engine import Model, load, mx
from mlx_agent.errors import BaseDamaged, TooFewLessons, TrainingDiverged
from mlx_agent.records import Adapter, TrainEvent, TrainRequest, TrainSettings
from mlx_agent.train.batches import Item, arrays, batch_iterator, loss, read_items

from mlx import optimizers as optim  # isort: skip  # after the engine
from mlx.utils import tree_flatten  # isort: skip
from mlx_lm.tuner import trainer  # isort: skip
from mlx_lm.tuner.utils import linear_to_lora_layers  # isort: skip

OnEvent = Callable[[TrainEvent], None]
KEYS = [
    "self_attn.q_proj",
    "self_attn.k_proj",
    "self_attn.v_proj",
    "self_attn.o_proj",
    "mlp.gate_proj",
    "mlp.up_proj",
    "mlp.down_proj",
]
"""All linear layers of a Llama block."""


def train(request: TrainRequest, on_event: OnEvent) -> Adapter:
    """Train an adapter and write it; it is not promoted.

    Raises TooFewLessons for an empty split, TrainingDiverged for a loss that is not a number,
    BaseNotFound and BaseDamaged.
    """
    base = bases.find(request.base)
    mx.random.seed(request.settings.seed)
    mx.reset_peak_memory()
    model, tokenizer = load(base)
    longest = request.settings.max_tokens
    train_items = read_items(request.dataset / "train.jsonl", tokenizer, longest)
    valid_items = read_items(request.dataset / "valid.jsonl", tokenizer, longest)
    if not train_items or not valid_items:
        have = len(train_items) + len(valid_items)
        raise TooFewLessons(request.account, have, have + 1)
    add_lora(model, request.settings)
    if not tree_flatten(model.trainable_parameters()):
        raise BaseDamaged(base.name, "it has none of the layers that an adapter changes")
    course = _Course(request.account, model, train_items, valid_items, request.settings, on_event)
    course.run()
    return _save(request, base, course)


def add_lora(model: Model, settings: TrainSettings) -> None:
    """Freeze the base and put LoRA on every linear layer of every block."""
    model.freeze()
    linear_to_lora_layers(model, len(model.layers), lora_config(settings)["lora_parameters"])
    model.train()


def lora_config(settings: TrainSettings) -> dict[str, Any]:
    """`adapter_config.json` as mlx-lm reads it; scale = alpha / rank."""
    parameters = {"rank": settings.rank, "scale": settings.scale, "dropout": 0.0, "keys": KEYS}
    return {"fine_tune_type": "lora", "num_layers": -1, "lora_parameters": parameters}


def mean_loss(model: Model, items: list[Item], batch_size: int) -> float:
    """The mean loss over all answer tokens of a split, in nats."""
    model.eval()
    total: Any = 0.0
    tokens: Any = 0.0
    for start in range(0, len(items), batch_size):
        value, count = loss(model, *arrays(items[start : start + batch_size]))
        total += value.item() * count.item()
        tokens += count.item()
    model.train()
    return float(total / tokens)


@dataclass(slots=True)
class _Course:
    """One training from start to end: its model, its data, and the best weights so far."""

    account: str
    model: Model
    train_items: list[Item]
    valid_items: list[Item]
    settings: TrainSettings
    on_event: OnEvent
    best: dict[str, Any] = field(default_factory=dict)
    best_loss: float = math.inf
    train_loss: float = math.nan
    started: float = field(default_factory=time.perf_counter)
    speed: float = 0.0

    def run(self) -> None:
        """Train under one schedule and one optimizer; the callback ends each epoch."""
        steps = self.per_epoch * self.settings.epochs
        schedule = optim.cosine_decay(self.settings.learning_rate, steps)
        with TemporaryDirectory() as scratch:
            arguments = trainer.TrainingArgs(
                batch_size=self.settings.batch_size,
                iters=steps,
                steps_per_report=1,
                steps_per_save=steps + 1,
                max_seq_length=self.settings.max_tokens,
                adapter_file=str(Path(scratch) / "adapters.safetensors"),
            )
            with contextlib.redirect_stdout(io.StringIO()):  # the trainer draws on it
                trainer.train(
                    self.model,
                    optim.AdamW(learning_rate=schedule),
                    self.train_items,
                    args=arguments,
                    loss=loss,
                    iterate_batches=batch_iterator(self.settings.seed),
                    training_callback=_Callback(self),
                )

    @property
    def per_epoch(self) -> int:
        """Steps in an epoch."""
        return math.ceil(len(self.train_items) / self.settings.batch_size)

    def stepped(self, step: int, train_loss: float, speed: float) -> None:
        """After a step; after an epoch's last one, measure, and keep the weights if the best.

        Raises TrainingDiverged at the first loss that is not a number.
        """
        self.train_loss, self.speed = train_loss, speed
        valid = None
        if step % self.per_epoch == 0:
            valid = mean_loss(self.model, self.valid_items, self.settings.batch_size)
        if not all(map(math.isfinite, (train_loss, valid or 0.0))):
            raise TrainingDiverged(self.account, step)
        if valid is not None and valid < self.best_loss:
            self.best_loss = valid
            self.best = dict(tree_flatten(self.model.trainable_parameters()))
        self._report(step, valid)

    def _report(self, step: int, valid: float | None) -> None:
        elapsed = time.perf_counter() - self.started
        steps = self.per_epoch * self.settings.epochs
        self.on_event(
            TrainEvent(
                step=step,
                steps=steps,
                epoch=(step - 1) // self.per_epoch + 1,
                loss=self.train_loss,
                valid_loss=valid,
                tokens_per_second=self.speed,
                peak_memory_mb=mx.get_peak_memory() / 1e6,
                seconds_left=elapsed / max(1, step) * (steps - step),
            )
        )


class _Callback(trainer.TrainingCallback):  # type: ignore[misc]  # mlx-lm is not typed
    """Passes the trainer's reports on."""

    def __init__(self, course: _Course) -> None:
        self._course = course

    def on_train_loss_report(self, train_info: dict[str, Any]) -> None:
        self._course.stepped(
            int(train_info["iteration"]),
            float(train_info["train_loss"]),
            float(train_info["tokens_per_second"]),
        )


def _save(request: TrainRequest, base: Path, course: _Course) -> Adapter:
    now = datetime.now(UTC)
    settings_hash = hashlib.sha256(codec.dumps(request.settings).encode()).hexdigest()
    adapter = Adapter(
        id=adapters.new_id(request.account, request.dataset_hash, settings_hash, now),
        account=request.account,
        base=request.base,
        base_hash=bases.base_hash(base),
        dataset_hash=request.dataset_hash,
        settings_hash=settings_hash,
        lessons=request.lessons,
        render=bases.render_settings(base),
        metrics={
            "train_loss": course.train_loss,
            "valid_loss": course.best_loss,
            "seconds": time.perf_counter() - course.started,
            "tokens_per_second": course.speed,
            "peak_memory_mb": mx.get_peak_memory() / 1e6,
        },
        created_at=now,
        parent=request.parent,
    )

    def write(directory: Path) -> None:
        mx.save_safetensors(str(directory / "adapters.safetensors"), course.best)
        config = json.dumps(lora_config(request.settings), indent=2)
        (directory / "adapter_config.json").write_text(config + "\n", "utf-8")

    return adapters.save(request.adapters_root, adapter, write)
