"""Greedy decoding, with proposals that are checked several in one forward pass.

The answer is the one that plain decoding gives, a pass for each token. A pass over several tokens
rounds differently from passes over one, so that it decides only where the best logit is ahead of
the second by more than rounding can move them. At a nearer tie the tokens since the last one that
was read plainly are read again, plainly, and so is the tie.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mlx_agent.engine import Array, Model, mx

WIDTH = 12
"""Proposed tokens in one pass."""
TOLERANCE: dict[Any, float] = {mx.float32: 1e-3, mx.float16: 0.125, mx.bfloat16: 0.5}
"""By how much rounding may move two logits apart, by the model's type."""

Check = Callable[[], None]
Propose = Callable[[Sequence[int], int], list[int]]


def nothing(_said: Sequence[int], _count: int) -> list[int]:
    """The proposal of plain decoding."""
    return []


@dataclass(slots=True, kw_only=True)
class Decoder:
    """A model and a cache that holds all of a prompt but its last token.

    `passes` counts forward passes. Tokens come one by one, the end token last, at most `most` of
    them. `check` is called before each pass and ends the decoding by raising.
    """

    model: Model
    cache: list[Any]
    ends: frozenset[int]
    most: int
    check: Check
    passes: int = 0

    def greedy(self, last: int, propose: Propose) -> Iterator[int]:
        """The likeliest tokens after `last`, a prompt's last token.

        With another proposal than `nothing` the cache must be one that can be trimmed.
        """
        said: list[int] = []
        unsettled = [last]  # not read plainly yet; the last of them not read at all
        while len(said) < self.most:
            self.check()
            guess = propose(said, min(WIDTH, self.most - len(said) - 1))
            plain = not guess and len(unsettled) == 1
            logits = self._pass([unsettled[-1], *guess])
            accepted = [_best(logits)] if plain else _agreed(logits, guess)
            if plain:
                unsettled = []
            elif accepted:
                self._trim(1 + len(guess) - len(accepted))
            else:
                self._trim(len(guess) + len(unsettled))
                accepted = [self._read_plainly(unsettled)]
                unsettled = []
            unsettled += accepted
            for token in accepted:
                said.append(token)
                yield token
                if token in self.ends:
                    return

    def sampled(self, last: int, temperature: float, seed: int) -> Iterator[int]:
        """Tokens drawn at a temperature, the same ones for a seed; no other draw is touched."""
        key = mx.random.key(seed)
        for _ in range(self.most):
            self.check()
            key, now = mx.random.split(key)
            logits = self._pass([last])[-1].astype(mx.float32)
            drawn: Array = mx.random.categorical(logits / temperature, key=now)
            last = int(drawn.item())
            yield last
            if last in self.ends:
                return

    def _read_plainly(self, tokens: Sequence[int]) -> int:
        for token in tokens:
            self.check()
            logits = self._pass([token])
            mx.eval(logits)
        return _best(logits)

    def _pass(self, tokens: list[int]) -> Array:
        self.passes += 1
        return self.model(mx.array([tokens]), cache=self.cache)[0]

    def _trim(self, count: int) -> None:
        for layer in self.cache:
            layer.trim(count)


def _best(logits: Array) -> int:
    best: Array = mx.argmax(logits[-1])
    return int(best.item())


def _agreed(logits: Array, guess: Sequence[int]) -> list[int]:
    """The tokens that are surely the best ones: those that were guessed, and one more."""
    best: Array = mx.argmax(logits, axis=-1, keepdims=True)
    first = mx.take_along_axis(logits, best, axis=-1)
    others = mx.put_along_axis(logits, best, mx.array(-mx.inf, logits.dtype), axis=-1)
    ahead = first - others.max(axis=-1, keepdims=True)
    sure: Array = ahead > TOLERANCE.get(logits.dtype, TOLERANCE[mx.bfloat16])
    accepted: list[int] = []
    for place, (token, is_sure) in enumerate(
        zip(best[:, 0].tolist(), sure[:, 0].tolist(), strict=True)
    ):
        if not is_sure:
            break
        accepted.append(token)
        if place == len(guess) or token != guess[place]:
            break
    return accepted
