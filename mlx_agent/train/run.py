"""Fine-tune a base on lessons: LoRA through mlx-lm's trainer, with our batches and our loss.

The same code trains a float32 pocket base on a CPU and a 4-bit 8B base on Metal (QLoRA). After each
epoch the validation loss is measured, and the best epoch's weights are kept. A training that ends
early leaves its state beside the adapters, and the same request goes on from there; the adapter
comes into being in one step at the end.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from mlx_agent import adapters, bases, codec
from mlx_agent.adapters import ACTIVATIONS, UNFINISHED
from mlx_agent.engine import Model, load, load_arrays, mx, save_arrays
from mlx_agent.errors import (
    AdapterDamaged,
    AdapterNotFound,
    BaseDamaged,
    MemoryShort,
    TooFewLessons,
    TrainingDiverged,
)
from mlx_agent.train import checkpoints, memory
from mlx_agent.train.activations import Activations, home
from mlx_agent.train.batches import Item, read_items
from mlx_agent.train.checkpoints import Figures
from mlx_agent.train.course import Course
from mlx_agent.train.halves import Halves
from mlx_agent.train.machines import Machines
from mlx_agent.train.records import Adapter, TrainEvent, TrainRequest, TrainSettings
from mlx_agent.train.replay import chosen

from mlx.utils import tree_flatten  # isort: skip  # after the engine
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

    `on_event` is called after every step; what it raises ends the training, which the same request
    then goes on with. Raises TooFewLessons for an empty split, TrainingDiverged, MemoryShort,
    TrainingPaused at the deadline, WorkerBusy where another process is at the same training,
    DiskFull, BaseNotFound and BaseDamaged.
    """
    base = bases.find(request.base)
    unfinished = request.adapters_root / UNFINISHED
    directory = unfinished / f"{request.account}.{_key(request, base)}"
    machines = Machines()
    course = _course(request, base, machines, directory, on_event)
    if machines.rank:
        course.run()
        return _adapter(request, base, course)
    with checkpoints.alone(unfinished, request.account):
        checkpoints.prune(unfinished, request.account, keep=directory)
        try:
            course.run()
        except TrainingDiverged:
            checkpoints.forget(directory)
            raise
        course.keep()  # the work is done, whatever becomes of the adapter
        adapter = _save(request, _adapter(request, base, course), course)
        checkpoints.forget(directory)
    if course.kept is not None:
        course.kept.prune()
    return adapter


def add_lora(model: Model, settings: TrainSettings) -> None:
    """Freeze the base and put LoRA on every linear layer of the upper blocks."""
    config = lora_config(settings)
    model.freeze()
    linear_to_lora_layers(model, config["num_layers"], config["lora_parameters"])
    model.train()


def lora_config(settings: TrainSettings) -> dict[str, Any]:
    """`adapter_config.json` as mlx-lm reads it; scale = alpha / rank."""
    parameters = {"rank": settings.rank, "scale": settings.scale, "dropout": 0.0, "keys": KEYS}
    layers = settings.layers or -1
    return {"fine_tune_type": "lora", "num_layers": layers, "lora_parameters": parameters}


def _course(
    request: TrainRequest, base: Path, machines: Machines, directory: Path, on_event: OnEvent
) -> Course:
    model, tokenizer = load(base, lazy=True)
    train_items, valid_items = _items(request, tokenizer)
    plan = _plan(request, base, len(model.layers), train_items + valid_items)
    request = replace(request, settings=replace(request.settings, layers=plan.layers))
    mx.random.seed(request.settings.seed)
    add_lora(model, request.settings)
    if not tree_flatten(model.trainable_parameters()):
        raise BaseDamaged(base.name, "it has none of the layers that an adapter changes")
    warm = _warm_start(request, base, model)
    halves = Halves(model, request.settings.layers)
    where = home(request.adapters_root / ACTIVATIONS, bases.base_hash(base), halves.depth)
    if not where.is_dir() and not _divides(base, halves.depth, train_items):
        halves.split = None
    halves.divide()
    mx.reset_peak_memory()
    kept = Activations(where, halves.below, request.keep_bytes) if halves.depth else None
    return Course(
        request=request,
        halves=halves,
        kept=kept,
        train_items=chosen(request, train_items) if warm else train_items,
        valid_items=valid_items,
        figures=Figures(batch_tokens=plan.batch_tokens, checkpointing=plan.checkpointing),
        directory=directory,
        machines=machines,
        on_event=on_event,
        note=plan.told(),
    )


def _divides(base: Path, depth: int, items: list[Item]) -> bool:
    """Whether the base can be divided, tried on the shortest lesson; its weights then go again."""
    model, _ = load(base, lazy=True)
    shortest = min(items, key=lambda item: len(item[0]))
    return Halves(model, len(model.layers) - depth).agrees(shortest[0])


def _items(request: TrainRequest, tokenizer: Any) -> tuple[list[Item], list[Item]]:
    longest = request.settings.max_tokens
    train_items = read_items(request.dataset / "train.jsonl", tokenizer, longest)
    valid_items = read_items(request.dataset / "valid.jsonl", tokenizer, longest)
    if not train_items or not valid_items:
        have = len(train_items) + len(valid_items)
        raise TooFewLessons(request.account, have, have + 1)
    return train_items, valid_items


def _plan(request: TrainRequest, base: Path, blocks: int, items: list[Item]) -> memory.Plan:
    """What fits this machine; what is wished for where the base's shape is none of those known.

    Raises MemoryShort where nothing fits.
    """
    config: Mapping[str, Any] = json.loads((base / "config.json").read_text("utf-8"))
    settings = request.settings
    again = {"auto": None, "on": True, "off": False}[settings.checkpointing]
    trained = min(settings.layers, blocks) or blocks
    try:
        shape = memory.shape_of(config)
    except (KeyError, TypeError, ValueError):
        return memory.Plan(
            layers=trained,
            batch_tokens=settings.batch_tokens,
            checkpointing=bool(again),
            needs=0,
            fits=True,
        )
    plan = memory.plan(
        shape,
        memory=psutil.virtual_memory().total,
        trained=trained,
        rank=settings.rank,
        batch_tokens=settings.batch_tokens,
        longest=max(len(tokens) for tokens, _ in items),
        checkpointing=again,
    )
    if not plan.fits:
        raise MemoryShort(request.account, request.base)
    return plan


def _warm_start(request: TrainRequest, base: Path, model: Model) -> bool:
    """Give the model the parent's weights, if so asked and they fit; whether it has them."""
    if request.settings.start != "adapter" or request.parent is None:
        return False
    try:
        parent = adapters.verify(request.adapters_root, request.parent)
        if parent.base_hash != bases.base_hash(base):
            return False
        path = request.adapters_root / parent.id / "adapters.safetensors"
        model.load_weights(_fitting(model, load_arrays(path)[0]), strict=False)
    except (AdapterDamaged, AdapterNotFound, ValueError):
        return False
    return True


def _fitting(model: Model, weights: dict[str, Any]) -> list[tuple[str, Any]]:
    """The weights as MLX takes them; raises ValueError unless they are just those trained."""
    own = {name: one.shape for name, one in tree_flatten(model.trainable_parameters())}
    if own != {name: one.shape for name, one in weights.items()}:
        raise ValueError("an adapter of other layers or another rank")
    return list(weights.items())


def _key(request: TrainRequest, base: Path) -> str:
    """What names a training: the same key goes on from the same state."""
    parts = [request.account, request.dataset_hash, codec.dumps(request.settings)]
    parts += [bases.base_hash(base)]
    if request.settings.start == "adapter":
        parts.append(request.parent or "")
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:24]


def _adapter(request: TrainRequest, base: Path, course: Course) -> Adapter:
    now = datetime.now(UTC)
    settings_hash = hashlib.sha256(codec.dumps(request.settings).encode()).hexdigest()
    figures = course.figures
    return Adapter(
        id=adapters.new_id(request.account, request.dataset_hash, settings_hash, now),
        account=request.account,
        base=request.base,
        base_hash=bases.base_hash(base),
        dataset_hash=request.dataset_hash,
        settings_hash=settings_hash,
        lessons=request.lessons,
        render=bases.render_settings(base),
        metrics={
            "train_loss": figures.train_loss or 0.0,
            "valid_loss": figures.best_loss or 0.0,
            "seconds": course.seconds,
            "peak_memory_mb": mx.get_peak_memory() / 1e6,
        },
        created_at=now,
        parent=request.parent,
        settings=asdict(course.request.settings),
    )


def _save(request: TrainRequest, adapter: Adapter, course: Course) -> Adapter:
    def write(directory: Path) -> None:
        save_arrays(directory / "adapters.safetensors", course.best)
        config = json.dumps(lora_config(course.request.settings), indent=2)
        (directory / "adapter_config.json").write_text(config + "\n", "utf-8")

    return adapters.save(request.adapters_root, adapter, write)
