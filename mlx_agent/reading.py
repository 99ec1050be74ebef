"""A prompt read into a cache, and of the last prompts what the next one begins with too.

Where a pass of reading ends changes the last bits of what is read. So the ends are a function of
the prompt alone: the prefix that all prompts share is read by itself, what follows in blocks of
BLOCK tokens, and then the rest. Of an earlier prompt whole blocks are used again; an answer is the
same to the bit whether anything was read before or not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Any

from mlx_agent.engine import Model, mx
from mlx_agent.prefixes import Shelf

BLOCK = 32
"""Tokens after the prefix that are read at once, and that are kept or read again together."""
STEP = 512
"""Tokens of a prefix that are read at once."""

Check = Callable[[], None]


def common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens both begin with."""
    same = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return sum(1 for _ in same)


def kept(read: Sequence[int], prompt: Sequence[int], prefix: int) -> int:
    """How many tokens of `read` serve for a prompt with a prefix of that length: 0, or more.

    The last token of a prompt is never read with the others.
    """
    same = common(read, prompt[:-1])
    return prefix + (same - prefix) // BLOCK * BLOCK if 0 < prefix <= same else 0


class Reading:
    """A model's cache and the tokens that it holds surely. `new_cache` makes an empty one."""

    def __init__(
        self, model: Model, new_cache: Callable[[], list[Any]], shelf: Shelf | None
    ) -> None:
        self._model = model
        self._new_cache = new_cache
        self._shelf = shelf
        self._tokens: list[int] = []
        self._prefix = 0
        self._cache: list[Any] = []

    def read(self, prompt: Sequence[int], prefix: int, check: Check) -> list[Any]:
        """A cache that holds all of the prompt but its last token.

        The first `prefix` tokens are those that all prompts share; 0 where the cache cannot be
        trimmed. `check` is called before each pass, and may raise.
        """
        self._begin(prompt, prefix, check)
        while len(self._tokens) + BLOCK < len(prompt) and prefix:
            block = prompt[len(self._tokens) : len(self._tokens) + BLOCK]
            self._pass(block, check)
            self._tokens += block
        rest = prompt[len(self._tokens) : -1]
        for start in range(0, len(rest), STEP):
            self._pass(rest[start : start + STEP], check)
        return self._cache

    def _begin(self, prompt: Sequence[int], prefix: int, check: Check) -> None:
        """Go back to what serves for this prompt too, or begin with its prefix."""
        count = kept(self._tokens, prompt, prefix) if prefix == self._prefix else 0
        if count:
            self._tokens = self._tokens[:count]
            for layer in self._cache:
                layer.trim(layer.offset - count)
            return
        self._tokens, self._prefix, self._cache = [], prefix, self._new_cache()
        shared = list(prompt[:prefix])
        if shared and not (self._shelf and self._shelf.take(shared, self._cache)):
            for start in range(0, prefix, STEP):
                self._pass(shared[start : start + STEP], check)
            if self._shelf:
                self._shelf.keep(shared, self._cache)
        self._tokens = shared

    def _pass(self, tokens: Sequence[int], check: Check) -> None:
        check()
        self._model(mx.array([list(tokens)]), cache=self._cache)
        mx.eval([layer.state for layer in self._cache])
