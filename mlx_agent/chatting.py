"""A large model in the worker: messages to an answer, token by token.

Memory: the weights, the keys and values of the longest chat so far (for Llama-3-70B 320 KB a token,
for 8B 128 KB), and what one step of reading takes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from mlx_agent.chat import encode
from mlx_agent.engine import load, mx
from mlx_agent.errors import BaseDamaged, PromptTooLong
from mlx_agent.large.local import ChatEnd
from mlx_agent.large.thinking import CLOSE, OPEN, Splitter
from mlx_agent.records import Message

from mlx_lm.generate import generate_step, stream_generate  # isort: skip  # after the engine
from mlx_lm.models.cache import KVCache, make_prompt_cache  # isort: skip
from mlx_lm.sample_utils import make_sampler  # isort: skip

STEP = 512
"""Tokens of a prompt that are read at once, and so between two looks at whether to go on."""
_TAIL = 8
"""The last tokens of a prompt, among which a template opens a block of thinking."""

Check = Callable[[], None]


class LocalModel:
    """A loaded large model, and what it has read of the last system prompt.

    The tokens that a prompt shares with any other of the same system prompt are read once, and by
    themselves: an answer is the same to the bit whether they were read before or not.
    """

    def __init__(self, directory: Path) -> None:
        """Load it; raises BaseDamaged."""
        self._model, self._tokenizer = load(directory)
        if not self._tokenizer.has_chat_template:
            raise BaseDamaged(directory.name, "it has no chat template")
        self._read: list[int] = []
        self._cache: list[Any] = []

    def chat(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        temperature: float,
        thinking: bool,
        check: Check,
    ) -> Generator[str | ChatEnd, None, None]:
        """Pieces of text, without the thinking, then `ChatEnd`.

        `check` is called before each step of reading and after each token, and ends the chat by
        raising. Raises PromptTooLong where the model has no room left for an answer.
        """
        prompt = self._encode(messages, thinking=thinking)
        room = self._room(prompt)
        cache, start = self._read_shared(prompt, self._shared(prompt, messages), check)
        splitter = self._splitter(prompt)
        for token in stream_generate(
            self._model,
            self._tokenizer,
            prompt[start:],
            max_tokens=min(max_tokens, room),
            sampler=make_sampler(temperature),
            prompt_cache=cache,
            prefill_step_size=STEP,
            prompt_progress_callback=lambda *_: check(),
        ):
            check()
            if text := splitter.feed(token.text):
                yield text
        if text := splitter.end():
            yield text
        yield ChatEnd(
            input_tokens=len(prompt),
            output_tokens=token.generation_tokens,
            ended=token.finish_reason,
        )

    def _encode(self, messages: Sequence[Message], *, thinking: bool) -> list[int]:
        chat = [{"role": m.role, "content": m.content} for m in messages]
        return encode(self._tokenizer, chat, answering=True, thinking=thinking)

    def _room(self, prompt: Sequence[int]) -> int:
        """Tokens that an answer can have."""
        window = getattr(self._model.args, "max_position_embeddings", None) or 1 << 30
        if len(prompt) >= window:
            raise PromptTooLong("chat")
        return int(window) - len(prompt)

    def _shared(self, prompt: Sequence[int], messages: Sequence[Message]) -> int:
        """How many tokens the prompt begins with whatever its last message says."""
        *before, last = messages
        other = self._encode([*before, Message(role=last.role, content="-")], thinking=False)
        same = takewhile(lambda pair: pair[0] == pair[1], zip(prompt[:-1], other, strict=False))
        return sum(1 for _ in same)

    def _read_shared(
        self, prompt: Sequence[int], count: int, check: Check
    ) -> tuple[list[Any], int]:
        """A cache, and how many of the prompt's tokens it holds: `count`, or none.

        None with models whose caches cannot be wound back at any length.
        """
        shared = list(prompt[:count])
        if not shared or shared != self._read:
            self._read, self._cache = [], make_prompt_cache(self._model)
            if not shared or not all(type(layer) is KVCache for layer in self._cache):
                return self._cache, 0
            self._prefill(shared, check)
            self._read = shared
        for layer in self._cache:
            layer.trim(layer.offset - count)
        return self._cache, count

    def _prefill(self, tokens: list[int], check: Check) -> None:
        for _ in generate_step(
            mx.array(tokens),
            self._model,
            max_tokens=0,
            prompt_cache=self._cache,
            prefill_step_size=STEP,
            prompt_progress_callback=lambda *_: check(),
        ):
            pass

    def _splitter(self, prompt: Sequence[int]) -> Splitter:
        """For the model's own marks; some templates open a block at the end of the prompt."""
        opening = self._tokenizer.think_start or OPEN
        closing = self._tokenizer.think_end or CLOSE
        tail = self._tokenizer.decode(list(prompt[-_TAIL:])).rstrip()
        return Splitter(thinking=tail.endswith(opening), opening=opening, closing=closing)
