"""What the clients of models behind a server have in common."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import cast
from urllib.parse import urlsplit

from mlx_agent import render
from mlx_agent.large.prices import most, price_of
from mlx_agent.large.settings import ModelSettings
from mlx_agent.records import Answer, Price, Task


class Served:
    """A `LargeModel` at a URL but for what its protocol says: `stream` and the rest."""

    def __init__(self, settings: ModelSettings, own_url: str) -> None:
        """`own_url` is the provider's, where the settings name none."""
        self._settings = settings
        self._url = settings.base_url or own_url

    @property
    def name(self) -> str:
        return self._settings.model

    @property
    def remote(self) -> bool:
        return self._settings.remote

    @property
    def host(self) -> str:
        return urlsplit(self._url).hostname or ""

    @property
    def _price(self) -> Price | None:
        return price_of(self._settings)

    def most(self, task: Task, *, batch: bool = False) -> float | None:
        """USD that the answer can cost at the most; None where the price is unknown."""
        asked = render.messages(task)
        return most(asked, self._settings.max_tokens, self._price, batch=batch)

    async def complete(self, task: Task) -> Answer:
        """Answer one task."""
        return cast(Answer, [piece async for piece in self.stream(task)][-1])

    def stream(self, task: Task) -> AsyncGenerator[str | Answer, None]:
        """Pieces of text as they come, then the whole answer."""
        raise NotImplementedError
