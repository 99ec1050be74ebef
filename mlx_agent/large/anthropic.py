"""Claude, by Anthropic's Messages API.

- An answer is always streamed, `complete` only gathers it: so a time-out is a silence and not a
  long answer, and closing the connection stops the work. The SDK opens the stream and its bytes are
  read here: its records of the events cost more than all the rest of a call, its lines a quarter.
- Mail goes to the host of the config and to no other: the environment's variables for the SDK (a
  URL, a key) are not used, and no redirect is followed.
- The SDK writes whole requests into its debugging log, which is therefore kept shut.
- HTTP is aiohttp's: httpcore looks at each of its connections for each request.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, cast

import anthropic
import httpx2
from pydantic_core import from_json

from mlx_agent import render
from mlx_agent.errors import KeyRefused
from mlx_agent.large.anthropic_answer import Reading
from mlx_agent.large.anthropic_batches import AnthropicBatches
from mlx_agent.large.anthropic_errors import told, typed
from mlx_agent.large.anthropic_request import request, traits
from mlx_agent.large.event_stream import EventReader
from mlx_agent.large.served import Served
from mlx_agent.large.settings import ModelSettings
from mlx_agent.records import Answer, Task

OWN_URL = "https://api.anthropic.com"
CONNECT_S = 10.0
SILENCES = 3
"""To connect, to take the request and to begin the answer, each of which may be silent once."""
RAW = b"x-stainless-raw-response"
"""By this header the SDK remembers, until the answer is there, that its bytes are wanted."""
LOGGERS = ("anthropic", "httpx2", "aiohttp")


class Anthropic(Served):
    """The `LargeModel` behind Anthropic's Messages API."""

    def __init__(self, settings: ModelSettings, key: Callable[[], Awaitable[str]]) -> None:
        """`key` is awaited at the first task; an empty one is sent to nobody."""
        super().__init__(settings, OWN_URL)
        self._key = key
        self._opening = asyncio.Lock()
        self._client: anthropic.AsyncAnthropic | None = None
        self.batches = AnthropicBatches(settings, self._price, self._connected)

    @property
    def takes_temperature(self) -> bool:
        """Older models do, up to 1.0."""
        return traits(self.name).temperature

    async def complete(self, task: Task) -> Answer:
        """Answer one task; as `stream`, without a turn of the loop for each piece."""
        prompt, reading = render.prompt_name(task), Reading()
        async with aclosing(self._events(task, prompt)) as events:
            async for some in events:
                for event in some:
                    reading.take(event)
        return reading.answer(self._settings, self._price, prompt)

    async def stream(self, task: Task) -> AsyncGenerator[str | Answer, None]:
        """Pieces of text as they come, then the whole answer."""
        prompt, reading = render.prompt_name(task), Reading()
        async with aclosing(self._events(task, prompt)) as events:
            async for some in events:
                for event in some:
                    if piece := reading.take(event):
                        yield piece
        yield reading.answer(self._settings, self._price, prompt)

    async def close(self) -> None:
        """Release connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _events(self, task: Task, prompt: str) -> AsyncGenerator[list[object], None]:
        """The events of the answer, as many at a time as have come."""
        asked, client = request(task, self._settings), await self._connected()
        opening = client.messages.with_streaming_response.create(
            **asked.params, stream=True, extra_body=asked.sampling, extra_headers=asked.headers
        )
        with told(self.name, prompt):
            async with opening as response:
                reader = EventReader()
                async for piece in response.http_response.aiter_bytes():
                    some: list[object] = []
                    for event in reader.feed(piece):
                        said = from_json(event.data)
                        if event.name == "error":
                            yield some
                            raise typed(None, said, self.name, prompt)
                        some.append(said)
                    yield some

    async def _connected(self) -> anthropic.AsyncAnthropic:
        async with self._opening:
            if self._client is None:
                key = await self._key()
                if not (key.isascii() and key.isprintable()):
                    raise KeyRefused(self.name, "it is no key")
                self._client = self._new_client(key)
            return self._client

    def _new_client(self, key: str) -> anthropic.AsyncAnthropic:
        for logger in LOGGERS:
            logging.getLogger(logger).setLevel(logging.WARNING)
        silence = self._settings.timeout_s
        # The pool's is all the way to a connection: addresses, TLS, and what a proxy says.
        timeout = anthropic.Timeout(silence, connect=min(silence, CONNECT_S), pool=silence)
        http = _Http(timeout=timeout, follow_redirects=False, trust_env=self.remote)
        return anthropic.AsyncAnthropic(
            api_key=key,
            base_url=self._url,
            http_client=http,
            timeout=timeout,
            max_retries=0,
            open_telemetry=False,  # its spans can hold whole requests
            default_headers=None if key else cast(Any, {"Authorization": anthropic.omit}),
        )


class _Http(anthropic.DefaultAioHttpClient):
    """The SDK's HTTP over aiohttp, which alone waits without end for a request to be taken."""

    def build_request(
        self, method: str, url: httpx2.URL | str, *, headers: Any = None, **options: Any
    ) -> httpx2.Request:
        """Without what the SDK tells of this machine and itself: nobody needs to know."""
        kept = [
            (name, value)
            for name, value in httpx2.Headers(headers).raw
            if not name.lower().startswith(b"x-stainless-") or name.lower() == RAW
        ]
        return super().build_request(method, url, headers=kept, **options)

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        try:
            async with asyncio.timeout(SILENCES * cast(float, self.timeout.read)):
                return await super().send(request, **options)
        except TimeoutError:
            raise httpx2.WriteTimeout("", request=request) from None
