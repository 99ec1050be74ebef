"""What an agent will probably say next: tokens that its user's past rule lists held there. Pure.

No second model: the nearest rule lists and the prompt itself are looked up by what was said last.
A proposal costs nothing if it is wrong, for the model reads it before it counts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

LONGEST = 8
"""Tokens said last that are looked up, the most first."""
START = -1
"""Stands before the first token of a list, as no token of any model does."""


class Phrasebook:
    """Which token followed which others in the texts it was made of.

    `lists` are whole answers, the likeliest first, and `prompt` is what is being answered. What
    follows the longest run in more of them is proposed.
    """

    def __init__(self, lists: Sequence[Sequence[int]], prompt: Sequence[int]) -> None:
        self._after: defaultdict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
        for tokens in lists:
            self._learn([START, *tokens], shortest=1)
        self._learn(prompt, shortest=2)

    def _learn(self, tokens: Sequence[int], *, shortest: int) -> None:
        for place in range(1, len(tokens)):
            for length in range(shortest, min(LONGEST, place) + 1):
                self._after[tuple(tokens[place - length : place])][tokens[place]] += 1

    def propose(self, said: Sequence[int], count: int) -> list[int]:
        """At most `count` tokens that may follow what was said of an answer."""
        tail = [START, *said][-LONGEST:]
        proposed: list[int] = []
        while len(proposed) < count and (token := self._next(tail)) is not None:
            proposed.append(token)
            tail = [*tail, token][-LONGEST:]
        return proposed

    def _next(self, tail: Sequence[int]) -> int | None:
        for length in range(len(tail), 0, -1):
            known = self._after.get(tuple(tail[-length:]))
            if known:
                return max(known, key=known.__getitem__)  # of equals the first that was learned
        return None
