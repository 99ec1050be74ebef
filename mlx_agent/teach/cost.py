"""What teaching would cost, before it is spent. Pure.

Tokens are estimated from words; prices are data with a date. An unknown model has an unknown price.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlx_agent.records import Mail, Strategy
from mlx_agent.render import LARGE

TOKENS_PER_WORD = 1.35
"""English mail under the tokenizers of large models."""
PROMPT_TOKENS = {"intent": 260, "baseline": 150, "rules": 340}
"""The words of ours that go with each call, in tokens."""
ANSWER_TOKENS = {"intent": 300, "baseline": 150, "rules": 700}
"""An answer with its thinking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """USD per million tokens."""

    input: float
    output: float


PRICES_OF = "2026-11"
PRICES = {
    "offline": Price(input=0.0, output=0.0),
    "claude-opus-5-5": Price(input=4.0, output=20.0),
    "claude-sonnet-5-5": Price(input=2.0, output=10.0),
    "claude-haiku-5-5": Price(input=0.10, output=0.50),
}
"""Public list prices as of PRICES_OF."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The size of a run of teaching; `cost_usd` is None where the price is unknown."""

    mails: int
    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None


def estimate(mails: Sequence[Mail], strategy: Strategy, model: str) -> Estimate:
    """The calls, tokens and price of teaching these mails."""
    steps = ("intent", "baseline", "rules") if strategy == "R3" else ("intent", "rules")
    read = sum(map(_words, mails)) * len(steps) * TOKENS_PER_WORD
    tokens_in = round(read) + len(mails) * sum(PROMPT_TOKENS[step] for step in steps)
    tokens_out = len(mails) * sum(ANSWER_TOKENS[step] for step in steps)
    price = PRICES.get(model)
    return Estimate(
        mails=len(mails),
        calls=len(mails) * len(steps),
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        cost_usd=(tokens_in * price.input + tokens_out * price.output) / 1e6 if price else None,
    )


def _words(mail: Mail) -> int:
    """The words of a mail that a call reads: its own, and the context within its budget."""
    context = sum(len(message.text.split()) for message in mail.context)
    return len(mail.own_text.split()) + min(context, LARGE.context_words)
