"""Batches of lessons for mlx-lm's trainer, and the loss, in which only the rules' tokens count.

mlx-lm's own batching raises on sets smaller than a batch, drops the remainder and pads at random;
here every lesson is used, small sets too, and like lengths go together (on mail, random order pads
to 1.5 times the tokens, sorted order to 1.03 times).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

from mlx_agent.chat import encode
from mlx_agent.engine import Model, mx, nn

PAD_TO = 32
"""Lengths are rounded up to this: the trainer's step is compiled anew for every shape."""

Item = tuple[list[int], int]
"""A lesson's tokens, and the offset of the first token of its answer."""


def read_items(path: Path, tokenizer: Any, max_tokens: int) -> list[Item]:
    """The lessons of a split in mlx-lm's chat format, tokenised by the base's chat template."""
    lines = path.read_text("utf-8").splitlines()
    return [tokenise(json.loads(line)["messages"], tokenizer, max_tokens) for line in lines]


def tokenise(messages: list[dict[str, str]], tokenizer: Any, max_tokens: int) -> Item:
    """One lesson; where it is too long, the start of the prompt goes, never the answer."""
    prompt = encode(tokenizer, messages[:-1], answering=True)
    whole = encode(tokenizer, messages)
    answer = whole[len(prompt) :]
    prompt = prompt[-max(1, max_tokens - len(answer)) :]
    return prompt + answer, len(prompt)


def order(items: Sequence[Item], size: int, random: Random) -> list[list[Item]]:
    """All items in batches of like lengths, the batches in random order."""
    shuffled = random.sample(list(items), len(items))
    by_length = sorted(shuffled, key=lambda item: len(item[0]))
    cut = [by_length[i : i + size] for i in range(0, len(by_length), size)]
    random.shuffle(cut)
    return cut


def arrays(batch: Sequence[Item]) -> tuple[mx.array, mx.array]:
    """Tokens (batch x length, zero-padded) and spans (batch x 2: answer's offset, length)."""
    longest = max(len(tokens) for tokens, _ in batch)
    longest += -longest % PAD_TO
    rows = [tokens + [0] * (longest - len(tokens)) for tokens, _ in batch]
    spans = [[offset, len(tokens)] for tokens, offset in batch]
    return mx.array(rows), mx.array(spans)


def batch_iterator(seed: int) -> Any:
    """An `iterate_batches` for mlx-lm's trainer: every epoch has all items, in its own order."""

    def iterate(
        dataset: Sequence[Item], batch_size: int, max_seq_length: int, loop: bool = False, **_: Any
    ) -> Iterator[tuple[mx.array, mx.array]]:
        del max_seq_length  # the items are cut to length already
        random = Random(seed)
        while True:
            for batch in order(dataset, batch_size, random):
                yield arrays(batch)
            if not loop:
                return

    return iterate


def loss(model: Model, tokens: mx.array, spans: mx.array) -> tuple[mx.array, mx.array]:
    """(mean cross-entropy of the answers' tokens in nats, how many they are)."""
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    positions = mx.arange(1, targets.shape[1] + 1)
    mask = mx.logical_and(positions >= spans[:, :1], positions < spans[:, 1:])
    losses = nn.losses.cross_entropy(model(inputs), targets) * mask
    count = mask.sum()
    return losses.astype(mx.float32).sum() / count, count
