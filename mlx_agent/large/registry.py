"""From a large model's settings to its client."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

from mlx_agent.large import LargeModel
from mlx_agent.large.local import Chat, Local
from mlx_agent.large.settings import ModelSettings

Provider = Literal["anthropic", "openai", "local"]
Key = Callable[[], Awaitable[str]]
"""Asks the key's source; raises KeyMissing. An empty key is sent to nobody."""


def open_model(provider: Provider, settings: ModelSettings, key: Key, chat: Chat) -> LargeModel:
    """The client; `key` and `chat` (the worker, for a local model) are used at the first task."""
    match provider:
        case "anthropic":
            from mlx_agent.large.anthropic import Anthropic

            return Anthropic(settings, key)
        case "openai":
            from mlx_agent.large.openai import OpenAI

            return OpenAI(settings, key)
        case "local":
            return Local(settings, chat)
