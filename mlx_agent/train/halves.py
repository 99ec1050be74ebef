"""A model in two halves: what no training changes, and what it does.

With LoRA on the upper blocks alone the lower ones are frozen, so that what they make of a lesson is
the same in every epoch and every night. Both halves are the model's own code: a block that is left
out is replaced by one that hands its input on, so that parameters keep their names and masks and
norms stay the model's affair. Whether that gives what the whole model gives is tried on one lesson;
an architecture for which it does not is trained whole, from its tokens to its logits.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from mlx_agent.engine import Array, Model, mx, nn

TOLERANCE = {mx.float32: 1e-3, mx.float16: 0.05, mx.bfloat16: 0.3}
"""By how much the halves' logits may differ from the whole model's, by its type of numbers."""


class _Through(nn.Module):  # type: ignore[misc]  # MLX's modules are not typed
    """In the place of a block: what goes in comes out. It has the block's plain attributes."""

    def __init__(self, block: Model) -> None:
        super().__init__()
        for name, value in vars(block).items():
            if not name.startswith("_"):
                setattr(self, name, value)

    def __call__(self, x: mx.array, *_: Any, **__: Any) -> Array:
        return x


class _Identity(nn.Module):  # type: ignore[misc]
    """In the place of the last norm."""

    def __call__(self, x: mx.array) -> Array:
        return x


class Halves:
    """A model whose upper blocks are trained. `split` is the number of the frozen lower ones.

    None where the model is not to be divided; then everything starts from tokens, and the logits
    are computed at every position.
    """

    def __init__(self, model: Model, trained: int) -> None:
        """`trained` blocks from the top are; 0 stands for all of them."""
        self.model = model
        blocks = len(model.layers)
        self.split: int | None = blocks - min(trained, blocks) if trained else 0
        self._lower: Model | None = None

    @property
    def depth(self) -> int:
        """How many blocks lie below what is trained from: 0 where it starts from tokens."""
        return self.split or 0

    def agrees(self, tokens: Sequence[int]) -> bool:
        """Whether the halves give what the whole model gives of these tokens; loads all weights."""
        return self._agrees(mx.array([list(tokens)]))

    def divide(self) -> None:
        """Take the lower blocks out of the model."""
        if self.depth:
            inner = self.model.model
            self._lower = self._below(inner)
            inner.layers = self._above(inner)

    def below(self, tokens: mx.array) -> Array:
        """Hidden states (batch x length x width) that the lower blocks make of tokens."""
        assert self._lower is not None
        return mx.stop_gradient(self._lower(tokens))

    def logits(self, start: mx.array, positions: mx.array) -> Array:
        """Logits (batch x positions x vocabulary) at positions; `start`: tokens or `below`'s."""
        if self.split is None:
            return _at(self.model(start), positions)
        return self._head(_at(self._hidden(start), positions))

    def _hidden(self, start: mx.array) -> Array:
        inner = self.model.model
        if not self.depth:
            return inner(start)
        return inner(start[..., 0], input_embeddings=start)

    def _head(self, hidden: mx.array) -> Array:
        if "lm_head" in self.model:
            return self.model.lm_head(hidden)
        return self.model.model.embed_tokens.as_linear(hidden)

    def _agrees(self, tokens: mx.array) -> bool:
        try:
            expected = self.model(tokens)
            found = self._head(self._tried(tokens))
        except Exception:  # noqa: BLE001  # another architecture: whatever it lacks
            return False
        apart: Array = mx.abs(expected.astype(mx.float32) - found.astype(mx.float32)).max()
        return bool(apart.item() <= TOLERANCE.get(expected.dtype, 0.0))

    def _tried(self, tokens: mx.array) -> Array:
        inner = self.model.model
        if not self.depth:
            return inner(tokens)
        upper = copy.copy(inner)
        upper.layers = self._above(inner)
        return upper(tokens, input_embeddings=self._below(inner)(tokens))

    def _below(self, inner: Model) -> Model:
        lower = copy.copy(inner)
        blocks = list(inner.layers)
        lower.layers = [*blocks[: self.depth], *map(_Through, blocks[self.depth :])]
        lower.norm = _Identity()
        return lower

    def _above(self, inner: Model) -> list[Model]:
        blocks = list(inner.layers)
        return [*map(_Through, blocks[: self.depth]), *blocks[self.depth :]]


def _at(states: mx.array, positions: mx.array) -> Array:
    """The states (batch x length x width) at positions (batch x n)."""
    return mx.take_along_axis(states, positions[..., None], axis=1)
