"""One training from its first step to its last: what is measured, kept and decided on the way."""

from __future__ import annotations

import contextlib
import io
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlx_agent.engine import Array, Model, mx, nn
from mlx_agent.errors import DiskFull, MemoryShort, TrainingDiverged, TrainingPaused
from mlx_agent.train import checkpoints
from mlx_agent.train.activations import Activations
from mlx_agent.train.batches import Batch, Item, batches, from_step, padded_tokens, targets
from mlx_agent.train.checkpoints import Figures, State
from mlx_agent.train.halves import Halves
from mlx_agent.train.machines import Machines
from mlx_agent.train.records import TrainEvent, TrainRequest

from mlx import optimizers as optim  # isort: skip  # after the engine
from mlx.utils import tree_flatten, tree_unflatten  # isort: skip
from mlx_lm.tuner import trainer  # isort: skip

OnEvent = Callable[[TrainEvent], None]
RETREATS = 2
"""How often a training that went astray goes back, with half the rate each time."""
ASTRAY = 3
"""Steps in a row with a loss far above the first one after which it did."""
FLOOR = 0.05
"""The rate at the end, as a share of the highest."""
CACHE_BYTES = 512_000_000
"""What the allocator may hold back between two steps."""
_NO_MEMORY = ("malloc", "memory", "allocate")


class _Astray(Exception):
    """The loss is no number, or far above where it began."""


@dataclass(slots=True)
class Course:
    """One training: its model and data, and where it is.

    `directory` holds its state. The weights it begins with are those of the model.
    """

    request: TrainRequest
    halves: Halves
    kept: Activations | None
    train_items: Sequence[Item]
    valid_items: Sequence[Item]
    figures: Figures
    directory: Path
    machines: Machines
    on_event: OnEvent
    note: str = ""
    best: dict[str, Any] = field(default_factory=dict)
    _cut: list[Batch] = field(default_factory=list)
    _optimizer: Any = None
    _begin: dict[str, Any] = field(default_factory=dict)
    _astray: int = 0
    _tokens: int = 0
    _since: float = field(default_factory=time.perf_counter)
    _saved: float = field(default_factory=time.perf_counter)

    @property
    def model(self) -> Model:
        """The model that is trained."""
        return self.halves.model

    @property
    def per_epoch(self) -> int:
        """Steps in an epoch."""
        return len(self._cut)

    @property
    def steps(self) -> int:
        """Steps in all epochs."""
        return self.per_epoch * self.request.settings.epochs

    def run(self) -> None:
        """Train to the end, and put the best weights into `best`.

        Raises TrainingDiverged, MemoryShort, TrainingPaused at the deadline, DiskFull, and what
        `on_event` raises; but for the first two it goes on from there another time.
        """
        self._begin = dict(tree_flatten(self.model.parameters()))
        self._resume(self._stored())
        while True:
            try:
                return self._attempt()
            except _Astray:
                self._retreat()
            except (MemoryError, RuntimeError) as error:
                if not _is_memory(error):
                    raise
                self._shrink()

    # --- attempts ----------------------------------------------------------------------------

    def _attempt(self) -> None:
        left = self.steps - self.figures.step
        if left <= 0:
            return
        self._since = self._saved = time.perf_counter()
        self._tokens = self._astray = 0
        with TemporaryDirectory() as scratch, _computed_twice(self.model, self.figures):
            arguments = trainer.TrainingArgs(
                iters=left,
                steps_per_report=1,
                steps_per_save=left + 1,
                adapter_file=str(Path(scratch) / "adapters.safetensors"),
                clear_cache_threshold=CACHE_BYTES,
            )
            with contextlib.redirect_stdout(io.StringIO()):  # the trainer draws on it
                trainer.train(
                    self.model,
                    self._optimizer,
                    [],
                    args=arguments,
                    loss=self._loss,
                    iterate_batches=lambda **_: self._stream(),
                    training_callback=_Callback(self),
                )

    def _resume(self, state: State | None) -> None:
        """Go on from a state, or begin."""
        settings = self.request.settings
        if state is not None:
            self.figures, self.best = state.figures, state.best
        # all of them, for a step that failed while it was compiled leaves its tracers in the model
        weights = self._begin | (state.weights if state is not None else {})
        self.model.update(tree_unflatten(list(weights.items())))
        mx.random.seed(settings.seed)
        self._cut = batches(self.train_items, self.figures.batch_tokens)
        rate = settings.learning_rate * 0.5**self.figures.halvings
        warm = max(1, round(settings.warm_up * self.steps))
        rise = optim.linear_schedule(rate / (warm + 1), rate, warm)
        fall = optim.cosine_decay(rate, max(1, self.steps - warm), rate * FLOOR)
        self._optimizer = optim.AdamW(learning_rate=optim.join_schedules([rise, fall], [warm]))
        if state is not None and self.figures.step:
            self._optimizer.state = state.optimizer

    def _stored(self) -> State | None:
        """The state on disk, if every machine has the same one."""
        state = checkpoints.load(self.directory)
        step = state.figures.step if state is not None else 0
        total: Array = self.machines.sum(mx.array(step))
        return state if int(total.item()) == step * self.machines.size else None

    def _retreat(self) -> None:
        """Back to the last state that was written, or to the start, with half the rate."""
        if self.figures.halvings == RETREATS:
            raise TrainingDiverged(self.request.account, self.figures.step)
        halvings = self.figures.halvings + 1
        state = self._stored()
        if state is None or state.figures.step == 0:
            state, self.figures, self.best = None, self._begun(), {}
        else:
            state = replace(state, figures=replace(state.figures, halvings=halvings))
        self.figures = replace(self.figures, halvings=halvings)
        self._resume(state)
        self.note = "the loss grew: half the rate"

    def _shrink(self) -> None:
        """Begin anew with less memory."""
        mx.clear_cache()
        longest = max(len(tokens) for tokens, _ in self.train_items)
        figures = self._begun()
        if figures.batch_tokens > longest:
            figures = replace(figures, batch_tokens=max(longest, figures.batch_tokens // 2))
        elif not figures.checkpointing:
            figures = replace(figures, checkpointing=True)
        else:
            raise MemoryShort(self.request.account, self.request.base)
        self.figures, self.best = figures, {}
        checkpoints.drop(self.directory)
        self._resume(None)
        self.note = f"memory was short: batches of {figures.batch_tokens} tokens"

    def _begun(self) -> Figures:
        now = self.figures
        return Figures(
            batch_tokens=now.batch_tokens, checkpointing=now.checkpointing, halvings=now.halvings
        )

    # --- steps -------------------------------------------------------------------------------

    def _stream(self) -> Iterator[tuple[mx.array, ...]]:
        for batch in from_step(self._cut, self.request.settings.seed, self.figures.step):
            self._tokens += batch.tokens
            yield self._arrays(batch)

    def _arrays(self, batch: Batch) -> tuple[mx.array, ...]:
        own = batch.share(self.machines.rank, self.machines.size)
        start = padded_tokens(own) if self.kept is None else self.kept.of(own)
        return (start, *targets(own), mx.array(batch.answers / self.machines.size))

    def _loss(
        self,
        _model: Model,
        start: mx.array,
        *wanted: mx.array,
    ) -> tuple[mx.array, mx.array]:
        """Cross-entropy of the answers' tokens in nats, over the batch's; and how many there are.

        The model is the halves' own; `wanted` are positions, tokens and weights (batch x answers),
        and the batch's answers' tokens on all machines, for each of them.
        """
        positions, tokens, weights, count = wanted
        logits = self.halves.logits(start, positions).astype(mx.float32)
        losses = nn.losses.cross_entropy(logits, tokens) * weights
        return losses.sum() / count, weights.sum()

    def valid_loss(self) -> float:
        """The mean loss over all answer tokens of the validation split, in nats."""
        self.model.eval()
        cut = batches(self.valid_items, self.figures.batch_tokens)
        total = mx.array(0.0)
        for batch in cut:
            value, _ = self._loss(self.model, *self._arrays(batch))
            total = total + value * batch.answers
            mx.eval(total)
        self.model.train()
        mean: Array = self.machines.sum(total) / self.machines.size
        return float(mean.item()) / sum(batch.answers for batch in cut)

    def stepped(self, train_loss: float) -> None:
        """After a step: measure, keep, tell, and stop where it must."""
        now = self.figures
        step = now.step + 1
        first = now.first_loss if now.first_loss is not None else train_loss
        self.figures = replace(now, step=step, train_loss=train_loss, first_loss=first)
        self._judge(train_loss, first)
        valid = None
        if step % self.per_epoch == 0:
            valid = self.valid_loss()
            self._judge(valid, first)
            if self.figures.best_loss is None or valid < self.figures.best_loss:
                self.figures = replace(self.figures, best_loss=valid)
                self.best = dict(tree_flatten(self.model.trainable_parameters()))
        self._tell(valid)
        self._stop_or_keep()

    def _judge(self, loss: float, first: float) -> None:
        if not math.isfinite(loss):
            raise _Astray
        self._astray = self._astray + 1 if loss > 2 * first + 1 else 0
        if self._astray == ASTRAY:
            raise _Astray

    def _tell(self, valid: float | None) -> None:
        elapsed = time.perf_counter() - self._since
        done = self.figures.step
        rate = elapsed / max(1, self._tokens)
        ahead = (self.steps - done) / max(1, self.per_epoch)
        per_epoch = sum(batch.tokens for batch in self._cut)
        event = TrainEvent(
            step=done,
            steps=self.steps,
            epoch=(done - 1) // self.per_epoch + 1,
            loss=self.figures.train_loss or 0.0,
            valid_loss=valid,
            tokens_per_second=self._tokens / elapsed,
            peak_memory_mb=mx.get_peak_memory() / 1e6,
            seconds_left=ahead * per_epoch * rate,
            note=self.note,
        )
        self.note = ""
        if self.machines.rank == 0:
            try:
                self.on_event(event)
            except BaseException:
                with contextlib.suppress(DiskFull):  # why it ends says more
                    self.keep()
                raise

    def _stop_or_keep(self) -> None:
        deadline = self.request.deadline
        over = deadline is not None and datetime.now(UTC) >= deadline
        if self.machines.agree(over) and self.figures.step < self.steps:
            self.keep()
            raise TrainingPaused(self.request.account, self.figures.step, self.steps)
        if time.perf_counter() - self._saved >= self.request.checkpoint_s:
            self.keep()

    def keep(self) -> None:
        """Write the state down, unless the training may be going astray; raises DiskFull."""
        if self.machines.rank or self._astray or not self._sound():
            return
        now = time.perf_counter()
        self.figures = replace(self.figures, seconds=self.figures.seconds + now - self._saved)
        self._saved = now
        state = State(
            figures=self.figures,
            weights=dict(tree_flatten(self.model.trainable_parameters())),
            best=self.best,
            optimizer=self._optimizer.state,
        )
        checkpoints.save(self.directory, state)

    def _sound(self) -> bool:
        """Whether all weights are numbers: a loss tells of them a step too late."""
        weights = tree_flatten(self.model.trainable_parameters())
        return all(bool(mx.isfinite(one).all().item()) for _, one in weights)

    @property
    def seconds(self) -> float:
        """How long it has taken, interruptions left out."""
        return self.figures.seconds + time.perf_counter() - self._saved


class _Callback(trainer.TrainingCallback):  # type: ignore[misc]  # mlx-lm is not typed
    """Passes the trainer's reports on."""

    def __init__(self, course: Course) -> None:
        self._course = course

    def on_train_loss_report(self, train_info: dict[str, Any]) -> None:
        self._course.stepped(float(train_info["train_loss"]))


@contextlib.contextmanager
def _computed_twice(model: Model, figures: Figures) -> Iterator[None]:
    """Have the blocks keep their inputs alone, if so decided; mlx-lm patches their class."""
    if not figures.checkpointing:
        yield
        return
    kind = type(model.layers[-1])
    usual = kind.__call__
    trainer.grad_checkpoint(model.layers[-1])
    try:
        yield
    finally:
        kind.__call__ = usual


def _is_memory(error: BaseException) -> bool:
    said = str(error).lower()
    return isinstance(error, MemoryError) or any(word in said for word in _NO_MEMORY)
