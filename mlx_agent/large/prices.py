"""What an answer costs, from the tokens it used. Pure; the prices are data with a date."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Any

from mlx_agent.large.settings import ModelSettings
from mlx_agent.records import Message, Price, Usage

FREE = Price(input=0.0, output=0.0)
"""The price of what runs on this machine."""
CHARS_PER_TOKEN = 2.0
"""Fewer characters than in any usual text's token, for a bound: English has about four."""
MESSAGE_TOKENS = 16
"""What a provider's own marks add to each message, at the most."""


def known_price(model: str) -> Price | None:
    """The list price of a model by its full name; None where it is unknown."""
    found = _table()["models"].get(model)
    return Price(input=found["input"], output=found["output"]) if found else None


def price_of(settings: ModelSettings) -> Price | None:
    """The price that counts: the user's own, else the list's, else nothing on this machine."""
    known = settings.price or known_price(settings.model)
    return known or (None if settings.remote else FREE)


def as_of() -> str:
    """The date of the list prices, ISO 8601."""
    return str(_table()["as_of"])


def priced(usage: Usage, price: Price | None, *, batch: bool = False) -> Usage:
    """The usage with what it cost in USD; None where the price is unknown."""
    if price is None:
        return replace(usage, cost_usd=None)
    table = _table()
    read = usage.input_tokens
    read += usage.cache_read_tokens * table["cache_read"]
    read += usage.cache_write_tokens * table["cache_write"]
    cost = (read * price.input + usage.output_tokens * price.output) / 1e6
    return replace(usage, cost_usd=cost * (table["batch"] if batch else 1.0))


def most(
    messages: Iterable[Message], max_tokens: int, price: Price | None, *, batch: bool = False
) -> float | None:
    """USD that an answer of `max_tokens` to these messages can cost at the most, or None."""
    read = sum(len(m.content) / CHARS_PER_TOKEN + MESSAGE_TOKENS for m in messages)
    worst = Usage(cache_write_tokens=round(read), output_tokens=max_tokens)
    return priced(worst, price, batch=batch).cost_usd


@cache
def _table() -> dict[str, Any]:
    text = (resources.files("mlx_agent") / "large" / "prices.toml").read_text("utf-8")
    return tomllib.loads(text)


def added(one: Usage, other: Usage) -> Usage:
    """What both used; the cost is unknown where one of them is."""
    costs = (one.cost_usd, other.cost_usd)
    return Usage(
        input_tokens=one.input_tokens + other.input_tokens,
        output_tokens=one.output_tokens + other.output_tokens,
        cost_usd=None if None in costs else sum(cost or 0.0 for cost in costs),
        cache_read_tokens=one.cache_read_tokens + other.cache_read_tokens,
        cache_write_tokens=one.cache_write_tokens + other.cache_write_tokens,
    )
