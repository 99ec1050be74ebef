"""How well an agent foresees the teacher's rules: the loss of each list, for the gate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from mlx_agent.engine import Model, mx, nn
from mlx_agent.reading import Check
from mlx_agent.records import Message
from mlx_agent.train.batches import batch_of, padded_tokens, targets, tokenise
from mlx_agent.train.halves import Halves


def losses(
    model: Model,
    tokenizer: Any,
    chats: Iterable[Sequence[Message]],
    max_tokens: int,
    check: Check = lambda: None,
) -> list[float]:
    """The mean cross-entropy of each chat's last message, in nats a token; as training counts it.

    `check` is called before each, and ends the work by raising.
    """
    halves = Halves(model, 0)
    found = []
    for chat in chats:
        check()
        messages = [{"role": one.role, "content": one.content} for one in chat]
        batch = batch_of([tokenise(messages, tokenizer, max_tokens)])
        positions, tokens, weights = targets(batch)
        logits = halves.logits(padded_tokens(batch), positions).astype(mx.float32)
        total: Any = (nn.losses.cross_entropy(logits, tokens) * weights).sum()
        found.append(float(total.item()) / batch.answers)
    return found
