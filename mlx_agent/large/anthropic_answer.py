"""Read an answer of Anthropic's Messages API, as a stream of events or whole. Pure.

Only blocks of text are text: thinking stands in blocks of its own. An answer without its last event
was cut off on its way, whatever the connection says of it.
"""

from __future__ import annotations

from typing import Any

from mlx_agent.errors import AnswerCutOff, AnswerRefused, ModelUnreachable, PromptTooLong
from mlx_agent.large.prices import priced
from mlx_agent.large.settings import ModelSettings
from mlx_agent.records import Answer, Price, Usage


class Reading:
    """What has come of one answer."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._counts: dict[str, int] = {}
        self._stop_reason = ""
        self._ended = False

    @classmethod
    def of_message(cls, message: dict[str, Any]) -> Reading:
        """The reading of a whole message."""
        reading = cls()
        for block in message.get("content") or ():
            reading.take({"type": "content_block_start", "content_block": block})
        reading.take({"type": "message_start", "message": message})
        reading.take({"type": "message_delta", "delta": message})
        reading.take({"type": "message_stop"})
        return reading

    def take(self, event: object) -> str:
        """The text in an event; an event of any other kind, also of a new one, has none."""
        match event:
            case {
                "type": "content_block_delta",
                "delta": {"type": "text_delta", "text": str(text)},
            }:
                self._pieces.append(text)
                return text
            case {
                "type": "content_block_start",
                "content_block": {"type": "text", "text": str(text)},
            }:
                self._pieces.append(text)
                return text
            case {"type": "message_start", "message": {"usage": usage}}:
                self._count(usage)
            case {"type": "message_delta", "delta": {"stop_reason": str(reason)}, **rest}:
                self._stop_reason = reason
                self._count(rest.get("usage"))
            case {"type": "message_stop"}:
                self._ended = True
        return ""

    def answer(
        self, settings: ModelSettings, price: Price | None, prompt: str, *, batch: bool = False
    ) -> Answer:
        """The whole answer.

        Raises AnswerRefused, AnswerCutOff, PromptTooLong, and ModelUnreachable where its end is
        missing.
        """
        if not self._ended or not self._stop_reason:
            raise ModelUnreachable(settings.model, "the answer broke off", sent=True)
        usage = priced(self._usage(), price, batch=batch)
        match self._stop_reason:
            case "refusal":
                raise AnswerRefused(prompt, usage=usage)
            case "max_tokens":
                raise AnswerCutOff(prompt, settings.max_tokens, usage=usage)
            case "model_context_window_exceeded":
                raise PromptTooLong(prompt, usage=usage)
        return Answer(text="".join(self._pieces), model=settings.model, usage=usage)

    def _count(self, usage: object) -> None:
        """Counts are those of the whole answer so far: the latest holds."""
        if isinstance(usage, dict):
            self._counts |= {name: n for name, n in usage.items() if isinstance(n, int)}

    def _usage(self) -> Usage:
        return Usage(
            input_tokens=self._counts.get("input_tokens", 0),
            output_tokens=self._counts.get("output_tokens", 0),
            cache_read_tokens=self._counts.get("cache_read_input_tokens", 0),
            cache_write_tokens=self._counts.get("cache_creation_input_tokens", 0),
        )
