"""A large model on this machine, in the worker process: no mail leaves it, and nothing is paid.

Its `chat` is the worker's; a model that is loading or slow is waited for without a bound, for it is
at work. Memory: the model stays loaded beside the agents (see `mlx_agent.worker`).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

from mlx_agent import render
from mlx_agent.errors import (
    AnswerCutOff,
    BaseDamaged,
    BaseNotFound,
    ModelMissing,
    ModelOverloaded,
    PromptTooLong,
    WorkerBusy,
    WorkerDied,
)
from mlx_agent.large import prices, thinking
from mlx_agent.large.settings import ModelSettings
from mlx_agent.records import Answer, IntentTask, Message, Task, Usage

TEMPERATURE = 0.0
"""Of tasks that name none: the likeliest words, the same ones each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatEnd:
    """What a chat used, and whether the model ended it or its bound did."""

    input_tokens: int
    output_tokens: int
    ended: Literal["stop", "length"]


class Chat(Protocol):
    """Asks a model on this machine."""

    def __call__(
        self,
        model: str,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        temperature: float,
        thinking: bool,
    ) -> AsyncGenerator[str | ChatEnd, None]:
        """Pieces of the answer's text, without its thinking, and `ChatEnd` as the last item.

        `model` is a name or directory of `mlx_agent.bases`; `max_tokens` bounds thinking and text
        together; `thinking` tells a model that can be told whether to think. Closing it ends the
        work within a token. Raises BaseNotFound, BaseDamaged, PromptTooLong, WorkerBusy and
        WorkerDied.
        """
        ...


class Local:
    """The `LargeModel` of this machine."""

    remote = False
    host = ""
    takes_temperature = True
    batches = None

    def __init__(self, settings: ModelSettings, chat: Chat) -> None:
        self._settings = settings
        self._price = settings.price or prices.FREE
        self._chat = chat

    @property
    def name(self) -> str:
        """The model's name or directory."""
        return self._settings.model

    def most(self, task: Task, *, batch: bool = False) -> float | None:
        """Nothing, unless the config has a price."""
        asked = render.messages(task)
        return prices.most(asked, self._settings.max_tokens, self._price, batch=batch)

    async def complete(self, task: Task) -> Answer:
        """Answer one task."""
        async with aclosing(self.stream(task)) as items:
            async for item in items:
                if isinstance(item, Answer):
                    return item
        raise AssertionError("a stream ends with its answer")

    async def stream(self, task: Task) -> AsyncGenerator[str | Answer, None]:
        """Pieces of text as they come, then the whole answer."""
        prompt = render.prompt_name(task)
        pieces: list[str] = []
        with _as_large(self.name, prompt):
            async with aclosing(self._ask(task)) as items:
                async for item in items:
                    if isinstance(item, ChatEnd):
                        yield self._answer(prompt, "".join(pieces), item)
                        return
                    pieces.append(item)
                    yield item

    async def close(self) -> None:
        """The worker is not ours to close."""

    def _ask(self, task: Task) -> AsyncGenerator[str | ChatEnd, None]:
        named = task.temperature if isinstance(task, IntentTask) else None
        return self._chat(
            self.name,
            render.messages(task),
            max_tokens=self._settings.max_tokens,
            temperature=TEMPERATURE if named is None else named,
            thinking=self._settings.thinking and thinking.is_called_for(task),
        )

    def _answer(self, prompt: str, text: str, end: ChatEnd) -> Answer:
        if end.ended == "length":
            raise AnswerCutOff(prompt, self._settings.max_tokens)
        used = Usage(input_tokens=end.input_tokens, output_tokens=end.output_tokens)
        return Answer(text=text, model=self.name, usage=prices.priced(used, self._price))


@contextmanager
def _as_large(model: str, prompt: str) -> Iterator[None]:
    """The worker's errors as those of a large model."""
    try:
        yield
    except (BaseNotFound, BaseDamaged) as error:
        raise ModelMissing(model) from error
    except (WorkerBusy, WorkerDied) as error:
        raise ModelOverloaded(model) from error
    except PromptTooLong as error:
        raise PromptTooLong(prompt) from error
