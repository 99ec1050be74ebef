"""How to train within a machine's memory: decided before it starts, from shapes alone. Pure.

What a step holds at its peak: the weights; what each trained block keeps for its gradient, or only
its input where it is computed a second time (checkpointing); the working set of one block; the
logits at the answers' tokens; the adapter with its gradient and two moments. Counted from the
operations of a Llama block; attention is counted as its whole matrix, as MLX's gradient needs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

GB = 1_000_000_000
SHARE = 0.52
"""Of the machine's memory, what training may take: 8.9 GB of 16 GiB; the rest is the user's."""
SMALLEST = 512
"""Tokens in a batch below which the machine waits for its memory instead of computing."""
ANSWERS = 0.35
"""The share of a lesson's tokens that are its answer, at most for most."""
SPARE = 0.3 * GB
"""What the runtime itself takes, and the allocator's waste."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A base, by what its memory depends on. `bits` a weight; `width` bytes an activation."""

    layers: int
    hidden: int
    inner: int
    heads: int
    key_values: int
    vocabulary: int
    bits: float
    width: int
    tied: bool

    @property
    def block(self) -> int:
        """Weights of one block."""
        attention = 2 * self.hidden * self.hidden + 2 * self.hidden * self.key_values
        return attention + 3 * self.hidden * self.inner

    @property
    def embedding(self) -> int:
        """Weights of the embedding, and of the head where it is another."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to train, the upper `layers` blocks with adapters.

    `needs` is the estimated peak in bytes; `fits`: within what is allowed.
    """

    layers: int
    batch_tokens: int
    checkpointing: bool
    needs: float
    fits: bool

    def told(self) -> str:
        """In words, for the log of the training."""
        again = ", blocks computed twice" if self.checkpointing else ""
        size = f"batches of {self.batch_tokens} tokens{again}"
        return f"{self.layers} blocks, {size}, about {self.needs / GB:.1f} GB"


def shape_of(config: Mapping[str, Any]) -> Shape:
    """A base's shape by its `config.json`, as Hugging Face and mlx-lm write it."""
    heads, hidden = int(config["num_attention_heads"]), int(config["hidden_size"])
    quantised = config.get("quantization")
    head = int(config.get("head_dim") or hidden // heads)
    width = 4 if config.get("torch_dtype", config.get("dtype")) == "float32" else 2
    # a scale and a bias of 16 bits for each group
    bits = quantised["bits"] + 32 / quantised["group_size"] if quantised else 8 * width
    return Shape(
        layers=int(config["num_hidden_layers"]),
        hidden=hidden,
        inner=int(config["intermediate_size"]),
        heads=heads,
        key_values=head * int(config.get("num_key_value_heads") or heads),
        vocabulary=int(config["vocab_size"]),
        bits=bits,
        width=width,
        tied=bool(config.get("tie_word_embeddings", False)),
    )


def estimate(
    shape: Shape, *, trained: int, rank: int, batch_tokens: int, longest: int, checkpointing: bool
) -> float:
    """The peak of a training step in bytes, `trained` blocks from the top with adapters.

    `longest` is the length of the longest lesson, which bounds the attention's matrix.
    """
    weights = (shape.layers * shape.block + shape.embedding) * shape.bits / 8
    a_token = shape.width * (
        7 * shape.hidden + 2 * shape.key_values + 4 * shape.inner + 2 * shape.heads * longest
    )
    kept = trained * batch_tokens * (shape.width * shape.hidden if checkpointing else a_token)
    working = 2 * batch_tokens * a_token
    logits = 3 * 4 * ANSWERS * batch_tokens * shape.vocabulary
    return weights + kept + working + logits + _adapter(shape, trained, rank) + SPARE


def plan(
    shape: Shape,
    *,
    memory: float,
    trained: int,
    rank: int,
    batch_tokens: int,
    longest: int,
    checkpointing: bool | None = None,
) -> Plan:
    """The largest batches that fit without checkpointing, else with it, else of fewer blocks.

    `memory` is the machine's, in bytes; of `checkpointing` None leaves the choice. A batch holds
    the longest lesson at least. Where nothing fits, what needs least.
    """
    allowed = memory * SHARE
    sizes = {max(longest, batch_tokens >> halved) for halved in range(8)}
    sizes = {size for size in sizes if size >= min(SMALLEST, batch_tokens)}
    choices: list[Plan] = []
    for layers in (trained, max(1, trained // 2), max(1, trained // 4)):
        for again in (False, True) if checkpointing is None else (checkpointing,):
            for size in sorted(sizes, reverse=True):
                needs = estimate(
                    shape,
                    trained=layers,
                    rank=rank,
                    batch_tokens=size,
                    longest=longest,
                    checkpointing=again,
                )
                choice = Plan(
                    layers=layers,
                    batch_tokens=size,
                    checkpointing=again,
                    needs=needs,
                    fits=needs <= allowed,
                )
                choices.append(choice)
    fitting = [choice for choice in choices if choice.fits]
    return fitting[0] if fitting else min(choices, key=lambda choice: choice.needs)


def _adapter(shape: Shape, trained: int, rank: int) -> float:
    """LoRA matrices of a block's seven layers: weights, gradient and two moments, in 32 bits."""
    sides = 2 * (shape.hidden + shape.hidden) + 2 * (shape.hidden + shape.key_values)
    sides += 3 * (shape.hidden + shape.inner)
    return 4 * 4 * rank * trained * sides
