"""Lessons as tokens, and batches of them under a budget of tokens.

mlx-lm's own batching raises on sets smaller than a batch, drops the remainder and pads at random;
here every lesson is used, small sets too, and like lengths go together. Which lessons share a batch
follows from their lengths, and the order of the batches from the seed and the epoch alone, so that
a training can be gone on with at any step.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from mlx_agent.chat import encode
from mlx_agent.engine import mx
from mlx_agent.render import context_words, with_context_cut

PAD_TO = 8
"""Lengths are rounded up to this: the trainer's step is compiled anew for every shape."""

Item = tuple[list[int], int]
"""A lesson's tokens, and the offset of the first token of its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Lessons that are trained on together, or the share of them that one machine has.

    `length` and `most` are the padded lengths of a lesson and of an answer, `answers` counts the
    answers' tokens, all for the whole batch; `blank` says that its lessons stand for none.
    """

    items: tuple[Item, ...]
    length: int
    most: int
    answers: int
    blank: bool = False

    @property
    def tokens(self) -> int:
        """Real tokens, without padding."""
        return 0 if self.blank else sum(len(tokens) for tokens, _ in self.items)

    def share(self, rank: int, size: int) -> Batch:
        """What one of `size` machines has of it."""
        own = self.items[rank::size]
        return replace(self, items=own or self.items[:1], blank=not own)


def batch_of(items: Sequence[Item]) -> Batch:
    """These lessons as a batch."""
    answers = [len(tokens) - offset for tokens, offset in items]
    return Batch(
        items=tuple(items),
        length=_rounded(max(len(tokens) for tokens, _ in items)),
        most=_rounded(max(answers)),
        answers=sum(answers),
    )


def read_items(path: Path, tokenizer: Any, max_tokens: int) -> list[Item]:
    """The lessons of a split in mlx-lm's chat format, tokenised by the base's chat template."""
    lines = path.read_text("utf-8").splitlines()
    return [tokenise(json.loads(line)["messages"], tokenizer, max_tokens) for line in lines]


def tokenise(messages: list[dict[str, str]], tokenizer: Any, max_tokens: int) -> Item:
    """One lesson; where it is too long its context goes, from the end, and never its answer.

    What is too long without any context loses the start of its prompt.
    """
    whole = _item(messages, tokenizer)
    if len(whole[0]) <= max_tokens:
        return whole
    *before, asked, answer = messages
    low, high = 0, context_words(asked["content"])
    item = whole
    while low <= high:
        words = (low + high) // 2
        content = with_context_cut(asked["content"], words)
        tried = _item([*before, {**asked, "content": content}, answer], tokenizer)
        if len(tried[0]) <= max_tokens:
            item, low = tried, words + 1
        else:
            item, high = tried if len(item[0]) > max_tokens else item, words - 1
    return _beheaded(item, max_tokens)


def _item(messages: list[dict[str, str]], tokenizer: Any) -> Item:
    prompt = encode(tokenizer, messages[:-1], answering=True)
    return encode(tokenizer, messages), len(prompt)


def _beheaded(item: Item, max_tokens: int) -> Item:
    tokens, offset = item
    kept = max(1, offset - max(0, len(tokens) - max_tokens))
    return tokens[offset - kept :], kept


def batches(items: Sequence[Item], budget: int) -> list[Batch]:
    """All items, the shortest first, as many together as their padded tokens allow."""
    cut: list[list[Item]] = []
    for item in sorted(items, key=lambda item: len(item[0])):
        if cut and (len(cut[-1]) + 1) * _rounded(len(item[0])) <= budget:
            cut[-1].append(item)
        else:
            cut.append([item])
    return [batch_of(some) for some in cut]


def order(count: int, seed: int, epoch: int) -> list[int]:
    """The order of so many batches in an epoch, from 0.

    The last one, which has the longest lessons, begins the first epoch: where memory is short, it
    shows at once.
    """
    shuffled = Random(f"{seed}/{epoch}").sample(range(count), count)
    if epoch == 0:
        shuffled.sort(key=lambda number: number != count - 1)
    return shuffled


def from_step(cut: Sequence[Batch], seed: int, done: int) -> Iterator[Batch]:
    """The batches after so many steps, epoch after epoch without end."""
    epoch, position = divmod(done, len(cut))
    while True:
        for number in order(len(cut), seed, epoch)[position:]:
            yield cut[number]
        epoch, position = epoch + 1, 0


def padded_tokens(batch: Batch) -> mx.array:
    """Tokens (batch x length), zero-padded on the right."""
    rows = [tokens + [0] * (batch.length - len(tokens)) for tokens, _ in batch.items]
    return mx.array(rows)


def targets(batch: Batch) -> tuple[mx.array, mx.array, mx.array]:
    """Where a batch's answers are and what they say, each (batch x longest answer).

    The positions that each target is predicted from, the targets, and 1 for a target, 0 for
    padding.
    """
    positions, tokens, weights = [], [], []
    for row, offset in batch.items:
        answer = row[offset:]
        gap = batch.most - len(answer)
        positions.append([*range(offset - 1, len(row) - 1), *[0] * gap])
        tokens.append([*answer, *[0] * gap])
        weights.append([float(not batch.blank)] * len(answer) + [0.0] * gap)
    return mx.array(positions), mx.array(tokens), mx.array(weights)


def padding(cut: Sequence[Batch]) -> float:
    """The share of padding among all tokens that are computed."""
    computed = sum(len(batch.items) * batch.length for batch in cut)
    return 1 - sum(batch.tokens for batch in cut) / computed


def _rounded(length: int) -> int:
    return length + -length % PAD_TO
