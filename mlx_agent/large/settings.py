"""A large model's settings, as its client needs them."""

from __future__ import annotations

from dataclasses import dataclass

from mlx_agent.records import Price


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """Which large model is asked, and how.

    `model` is its name at the provider, or the directory of a local one; `base_url` is empty for
    the provider's own. `remote`: mail leaves this machine when it is asked. `max_tokens` bounds an
    answer, its thinking included; a model that can think is let think where the task calls for it
    if `thinking` is set. `timeout_s` is how long a server may be silent. `price` is None where it
    is unknown.
    """

    model: str
    base_url: str = ""
    remote: bool = True
    max_tokens: int = 4096
    thinking: bool = True
    timeout_s: float = 120.0
    price: Price | None = None
