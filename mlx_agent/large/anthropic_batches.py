"""Anthropic's Message Batches: many tasks at half the price, answered within a day.

A batch lives at the provider under its id, and its answers for 29 days. Its requests are checked
when it is worked on: what is wrong with one comes out in the results.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

import anthropic

from mlx_agent.errors import ModelOverloaded, ModelUnreachable, TrimtabError
from mlx_agent.large.anthropic_answer import Reading
from mlx_agent.large.anthropic_errors import told, typed
from mlx_agent.large.anthropic_request import request
from mlx_agent.large.settings import ModelSettings
from mlx_agent.records import Answer, Price, Task

PAGE = 100
_ODD = (ValueError, TypeError, AttributeError)
"""What a record of a wrong form raises: the SDK does not validate what it is sent."""


class AnthropicBatches:
    """The `Batches` of Anthropic."""

    def __init__(
        self,
        settings: ModelSettings,
        price: Price | None,
        connected: Callable[[], Awaitable[anthropic.AsyncAnthropic]],
    ) -> None:
        self._settings = settings
        self._model = settings.model
        self._price = price
        self._connected = connected

    async def submit(self, tasks: Mapping[str, Task]) -> str:
        """Hand in tasks by their keys; the batch's id."""
        requests: list[Any] = []
        headers: dict[str, str] = {}
        for key, task in tasks.items():
            asked = request(task, self._settings)
            requests.append({"custom_id": key, "params": asked.params | asked.sampling})
            headers |= asked.headers
        client = await self._connected()
        with told(self._model, odd=_ODD):
            batch = await client.messages.batches.create(requests=requests, extra_headers=headers)
            return batch.id

    async def find(self, since: datetime, size: int) -> list[str]:
        """Ids of batches of `size` tasks handed in after `since`, by the provider's clock."""
        found: list[str] = []
        client = await self._connected()
        with told(self._model, odd=_ODD):
            async for batch in client.messages.batches.list(limit=PAGE):  # the newest first
                if batch.created_at <= since:
                    break
                if sum(batch.request_counts.to_dict().values()) == size:  # type: ignore[arg-type]
                    found.insert(0, batch.id)
        return found

    async def ended(self, batch_id: str) -> bool:
        """Whether all of it is answered, cancelled or expired."""
        client = await self._connected()
        with told(self._model, odd=_ODD):
            batch = await client.messages.batches.retrieve(batch_id)
            return batch.processing_status == "ended"

    async def results(
        self, batch_id: str
    ) -> AsyncGenerator[tuple[str, Answer | TrimtabError], None]:
        """The answer, or its error, by each task's key, in any order, as they come.

        An error about a task names the task by its key, for only the caller knows its prompt.
        """
        client = await self._connected()
        with told(self._model, odd=_ODD):
            lines = await client.messages.batches.results(batch_id)
            try:
                async for line in lines:
                    yield self._result(line.to_dict(warnings=False))
            finally:
                await lines.close()

    async def cancel(self, batch_id: str) -> None:
        """Ask for its end."""
        client = await self._connected()
        with told(self._model, odd=_ODD):
            await client.messages.batches.cancel(batch_id)

    def _result(self, line: object) -> tuple[str, Answer | TrimtabError]:
        match line:
            case {"custom_id": str(key), "result": {"type": "succeeded", "message": dict(message)}}:
                return key, self._answer(key, message)
            case {"custom_id": str(key), "result": {"type": "errored", "error": dict(error)}}:
                return key, typed(None, error, self._model, key)
            case {"custom_id": str(key), "result": {"type": "canceled" | "expired"}}:
                return key, ModelOverloaded(self._model)
        raise ModelUnreachable(self._model, "not the result of a batch", sent=True)

    def _answer(self, key: str, message: dict[str, Any]) -> Answer | TrimtabError:
        try:
            return Reading.of_message(message).answer(self._settings, self._price, key, batch=True)
        except TrimtabError as error:
            return error
