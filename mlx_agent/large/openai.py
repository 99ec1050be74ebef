"""A large model behind `/v1/chat/completions`.

That is Ollama, LM Studio, llama.cpp, vLLM, mlx_lm.server, OpenAI, and all that speak the same.

- An answer is always streamed, `complete` only gathers it: so a time-out is a silence and not a
  long answer, and a server notices that nobody listens any more. An answer without a reason for its
  end was cut off on its way, whatever the connection says of it.
- Thinking is never text, be it in a field of its own or in `<think>` at the answer's start. One
  case is told only at the answer's end, so that the pieces hold the thinking and the `Answer` does
  not: a chat template that has opened the block itself, at a server that does not part it.
- `ModelSettings.thinking` is not sent. Each server has a switch of its own, and so has the model.
- A server that does not count tokens, though it is asked to, has them estimated by the characters
  that went and came, as `prices` does: too many rather than too few. What comes out of a server's
  cache is priced in full, for it is cheaper by another share everywhere.
- A chat template that knows no system message is not catered for: all prompts have one.
- Ollama drops what does not fit its context, without a word: give it room (OLLAMA_CONTEXT_LENGTH).

The environment's variables for the SDK (a key, an organisation) are not used: a key goes only to
the server that the config names it for. No redirect is followed, as it would take mail elsewhere,
and no proxy is used for a model on this machine.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import httpx2
import openai

from mlx_agent import render
from mlx_agent.errors import (
    AnswerCutOff,
    AnswerRefused,
    KeyRefused,
    ModelMissing,
    ModelOverloaded,
    ModelUnreachable,
    PromptTooLong,
    RateLimited,
    RequestRefused,
    TrimtabError,
)
from mlx_agent.large.prices import (
    CHARS_PER_TOKEN,
    MESSAGE_TOKENS,
    priced,
)
from mlx_agent.large.served import Served
from mlx_agent.large.settings import ModelSettings
from mlx_agent.large.thinking import CLOSE, OPEN, Splitter
from mlx_agent.large.transport import delay_s, unreachable
from mlx_agent.records import Answer, IntentTask, Message, Price, Task, Usage

OWN_URL = "https://api.openai.com/v1"
CONNECT_S = 10.0
LOGGERS = ("openai", "httpx2", "httpcore2")
"""They can log addresses and headers, the key's among them."""

_REASONS = re.compile(r"(?:.*/)?(?:o\d|gpt-(?:[5-9]|\d\d))")
"""OpenAI's models that reason: they take `max_completion_tokens` and no temperature."""
_TOO_LONG = re.compile(
    r"context[ _-]?(?:length|size|window)|max(?:imum model length|_model_len)|too many tokens"
    r"|(?:request|prompt|input) (?:is )?too (?:large|long)|input token count",
    re.IGNORECASE,
)
_REFUSALS = {"content_filter", "content_policy_violation", "invalid_prompt"}
_STATUS = {
    "insufficient_quota": 402,
    "billing_hard_limit_reached": 402,
    "invalid_api_key": 401,
    "model_not_found": 404,
    "rate_limit_exceeded": 429,
}
"""Codes that say more than the status they come with, which is not always the same."""
_WORD = re.compile(r"[A-Za-z][\w.-]{0,63}")
_MESSAGE_START = 500


class OpenAI(Served):
    """The `LargeModel` of a server that speaks OpenAI's chat completions."""

    batches = None
    """Compatible servers have none; OpenAI's own are files that are uploaded first."""

    def __init__(self, settings: ModelSettings, key: Callable[[], Awaitable[str]]) -> None:
        """`key` is awaited at the first task; an empty one is sent to nobody."""
        super().__init__(settings, OWN_URL)
        self._key = key
        self._reasons = _REASONS.match(settings.model) is not None
        self._counts = True
        self._opening = asyncio.Lock()
        self._client: openai.AsyncOpenAI | None = None
        self._headers: dict[str, str | openai.Omit] = {
            "OpenAI-Organization": openai.omit,
            "OpenAI-Project": openai.omit,
        }

    @property
    def takes_temperature(self) -> bool:
        return not self._reasons

    async def stream(self, task: Task) -> AsyncGenerator[str | Answer, None]:
        """Pieces of text as they come, then the whole answer."""
        asked, prompt = render.messages(task), render.prompt_name(task)
        reading = _Reading()
        async with aclosing(self._chunks(self._body(task, asked), prompt)) as chunks:
            async for chunk in chunks:
                if piece := reading.take(chunk):
                    yield piece
        if piece := reading.end():
            yield piece
        usage = reading.usage(asked, self._price)
        self._refuse_half(reading, prompt, usage)
        yield Answer(text=reading.text(), model=self.name, usage=usage)

    async def close(self) -> None:
        """Release connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _body(self, task: Task, asked: tuple[Message, ...]) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.name,
            "messages": [{"role": m.role, "content": m.content} for m in asked],
            "stream": True,
        }
        newer = self._reasons or self._url.startswith(OWN_URL)
        body["max_completion_tokens" if newer else "max_tokens"] = self._settings.max_tokens
        if self.takes_temperature and isinstance(task, IntentTask) and task.temperature is not None:
            body["temperature"] = task.temperature
        return body

    async def _chunks(self, body: dict[str, Any], prompt: str) -> AsyncGenerator[object, None]:
        client = await self._connected()
        try:
            async with await self._ask(client, body) as stream:
                async for chunk in stream:
                    yield chunk
        except openai.APIError as error:
            raise _told(error, self.name, prompt) from None
        except (httpx2.RequestError, OSError) as error:  # while the SDK read a server's error
            raise unreachable(self.name, error) from None
        except ValueError:  # no JSON, or no UTF-8
            raise ModelUnreachable(self.name, "not the answer of a model", sent=True) from None

    async def _ask(
        self, client: openai.AsyncOpenAI, body: dict[str, Any]
    ) -> openai.AsyncStream[object]:
        """Ask for the answer, and for its tokens where the server knows how to be asked.

        One that refuses the request for that reason has not answered it, so that it is asked again.
        """
        count = {"stream_options": {"include_usage": True}} if self._counts else {}
        try:
            # Not by way of `client.chat`: typing every chunk is a third of all the work.
            return await client.post(
                "/chat/completions",
                cast_to=object,
                body=body | count,
                options={"headers": self._headers},
                stream=True,
                stream_cls=openai.AsyncStream[object],
            )
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            if not count or "stream_options" not in str(error.body):
                raise
            self._counts = False
            return await self._ask(client, body)

    async def _connected(self) -> openai.AsyncOpenAI:
        async with self._opening:
            if self._client is None:
                key = await self._key()
                if not (key.isascii() and key.isprintable()):
                    raise KeyRefused(self.name, "it is no key")
                self._headers["Authorization"] = f"Bearer {key}" if key else openai.omit
                self._client = self._new_client()
            return self._client

    def _new_client(self) -> openai.AsyncOpenAI:
        for logger in LOGGERS:
            logging.getLogger(logger).setLevel(logging.WARNING)
        silence = self._settings.timeout_s
        timeout = httpx2.Timeout(silence, connect=min(silence, CONNECT_S), pool=None)
        http = openai.DefaultAsyncHttpx2Client(
            timeout=timeout, follow_redirects=False, trust_env=self.remote
        )
        # The key is in each request's header: the SDK would fill an empty one from the environment.
        return openai.AsyncOpenAI(
            api_key="none", base_url=self._url, http_client=http, timeout=timeout, max_retries=0
        )

    def _refuse_half(self, reading: _Reading, prompt: str, usage: Usage) -> None:
        if reading.refused or reading.finish == "content_filter":
            raise AnswerRefused(prompt, usage=usage)
        if reading.finish == "length":
            raise AnswerCutOff(prompt, self._settings.max_tokens, usage=usage)
        if reading.finish in {"", "error"}:
            raise ModelUnreachable(self.name, "the answer broke off", sent=True)
        if reading.only_thought:
            raise AnswerCutOff(prompt, self._settings.max_tokens, usage=usage)


class _Reading:
    """What has come of an answer. A chunk may be anything: nothing has looked at it before."""

    def __init__(self) -> None:
        self.finish = ""
        self.refused = False
        self._splitter = Splitter()
        self._pieces: list[str] = []
        self._answered = 0
        self._thought = 0
        self._usage: object = None

    def take(self, chunk: object) -> str:
        """The text of a chunk."""
        self._usage = _field(chunk, "usage") or self._usage
        choices = _field(chunk, "choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        delta = _field(choice, "delta")
        self.finish = _text(choice, "finish_reason") or self.finish
        self.refused = self.refused or bool(_text(delta, "refusal"))
        self._thought += max(len(_text(delta, f)) for f in ("reasoning_content", "reasoning"))
        self._answered += len(_text(delta, "content"))
        return self._shown(self._splitter.feed(_text(delta, "content")))

    def end(self) -> str:
        """What was held back."""
        return self._shown(self._splitter.end())

    @property
    def only_thought(self) -> bool:
        """Whether all that was written is a block of thinking."""
        return self._answered > 0 and not any(self._pieces)

    def text(self) -> str:
        """The whole text, less thinking that began in the prompt."""
        text = "".join(self._pieces)
        if CLOSE in text and OPEN not in text:
            return text.partition(CLOSE)[2].lstrip()
        return text

    def usage(self, asked: tuple[Message, ...], price: Price | None) -> Usage:
        """What the server counted, or else an estimate, and its cost."""
        estimate = sum(len(m.content) / CHARS_PER_TOKEN + MESSAGE_TOKENS for m in asked)
        read = _count(self._usage, "prompt_tokens") or math.ceil(estimate)
        wrote = _count(self._usage, "completion_tokens") or math.ceil(
            (self._thought + self._answered) / CHARS_PER_TOKEN
        )
        details = _field(self._usage, "prompt_tokens_details")
        cached = min(_count(details, "cached_tokens"), read)
        usage = priced(Usage(input_tokens=read, output_tokens=wrote), price)
        return replace(usage, input_tokens=read - cached, cache_read_tokens=cached)

    def _shown(self, piece: str) -> str:
        self._pieces.append(piece)
        return piece


def _field(record: object, name: str) -> Any:
    return record.get(name) if isinstance(record, dict) else None


def _text(record: object, name: str) -> str:
    value = _field(record, name)
    return value if isinstance(value, str) else ""


def _count(record: object, name: str) -> int:
    value = _field(record, name)
    return value if isinstance(value, int) and value > 0 else 0


def _told(error: openai.APIError, model: str, prompt: str) -> TrimtabError:
    """Our error for the SDK's, by the words that servers have for it and then by the status."""
    if isinstance(error, openai.APIConnectionError):
        return unreachable(model, error.__cause__ or error)
    code, said = _code(error), _said(error)
    if _TOO_LONG.search(said):
        return PromptTooLong(prompt)
    if code in _REFUSALS:
        return AnswerRefused(prompt)
    if isinstance(error, openai.APIStatusError):
        status = _STATUS.get(code, error.status_code)
        return _by_status(status, code, model, prompt, error.response.headers)
    number = error.code or ""
    status = _STATUS.get(code) or (int(number) if number.isdecimal() else 0)
    if status in {400, 401, 402, 403, 404, 413, 422}:
        return _by_status(status, code, model, prompt, {})
    # In the middle of an answer, whatever the reason: what had come by then may be paid for.
    return ModelUnreachable(model, code or "the server failed", sent=True)


def _by_status(
    status: int, code: str, model: str, prompt: str, headers: Mapping[str, str]
) -> TrimtabError:
    reason = code or f"HTTP {status}"
    error: TrimtabError = RequestRefused(model, reason)
    match status:
        case 401 | 402 | 403:
            error = KeyRefused(model, reason)
        case 404:
            error = ModelMissing(model)
        case 413:
            error = PromptTooLong(prompt)
        case 429:
            error = RateLimited(model, delay_s(headers))
        case 504 | 524:  # the gateway's patience ended, and not the model's work
            error = ModelUnreachable(model, reason, sent=True)
        case _ if status >= 500 or status in {408, 409, 425}:
            error = ModelOverloaded(model, delay_s(headers))
    return error


def _code(error: openai.APIError) -> str:
    """The server's word for it: one word, so that it cannot quote mail."""
    words = (str(word) for word in (error.code, error.type) if word is not None)
    return next((word for word in words if _WORD.fullmatch(word)), "")


def _said(error: openai.APIError) -> str:
    """What tells kinds of error apart; never part of an error of ours."""
    body = error.body
    message = body.get("message", "") if isinstance(body, dict) else body
    return f"{error.code} {error.type} {str(message)[:_MESSAGE_START]}"
