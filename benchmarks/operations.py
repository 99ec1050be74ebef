"""What a training has to compute, counted: the limit of what can be gained by leaving things out.

Floating-point operations of a Llama model under LoRA. A product of a row with an m x n matrix is
2mn of them. Its gradient is as much for its input; for a frozen matrix there is no other. Attention
is counted as its whole matrix, for that is what is computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Batches = Sequence[tuple[int, int, int]]
"""Rows, padded length, and positions of each row at which the head is computed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Operations of one row: of a block there and back, of a low one, and of the head."""

    there: float
    back: float
    frozen: float
    head: float


def cost(config: Mapping[str, Any], rank: int, length: int) -> Cost:
    """Of a base by its `config.json`, for a token in a row of so many."""
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    keys = hidden * config["num_key_value_heads"] // config["num_attention_heads"]
    block = 2 * hidden * hidden + 2 * hidden * keys + 3 * hidden * inner
    lora = rank * (2 * (hidden + hidden) + 2 * (hidden + keys) + 3 * (hidden + inner))
    attention = 4 * length * hidden
    return Cost(
        there=2 * block + attention + 2 * lora,
        back=2 * block + 2 * attention + 4 * lora,
        frozen=2 * block + attention,
        head=4.0 * hidden * config["vocab_size"],
    )


def epoch(config: Mapping[str, Any], rank: int, trained: int, lower: float, cut: Batches) -> float:
    """Operations of an epoch; the blocks below the `trained` ones are computed `lower` times in it.

    That is 1 where nothing is kept, 1/3 where what they make is kept for three epochs, and 0 where
    it was kept before.
    """
    total = 0.0
    for rows, length, positions in cut:
        one = cost(config, rank, length)
        below = lower * (config["num_hidden_layers"] - trained) * one.frozen
        above = trained * (one.there + one.back)
        total += rows * (length * (below + above) + positions * one.head)
    return total
