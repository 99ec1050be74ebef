"""Large models: one interface, four roles (teacher, writer, judge, baseline).

A client is given a *task* (a record), not a prompt: it renders the task with `render.messages`,
the only renderer, and returns the model's words unparsed. What the answer must look like is
stated in `answers`, which parses the answers of every client, so that a stand-in and a real model
are held to the same form.

A client asks once: it tries nothing again by itself, for an answer that was lost on its way may
have been paid for. `patient` tries again what is safe to.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Protocol

from mlx_agent.errors import TrimtabError
from mlx_agent.records import Answer, Task


class LargeModel(Protocol):
    """A large model. Implementations are safe to call concurrently and are closed once.

    What `complete` and `stream` raise: KeyMissing, KeyRefused, ModelMissing, RequestRefused,
    RateLimited, ModelOverloaded, ModelUnreachable, and about the one task AnswerRefused,
    AnswerCutOff and PromptTooLong. Cancelling the coroutine, or closing the iterator, closes the
    connection, at which a server stops.
    """

    @property
    def name(self) -> str:
        """The model's name as it stands in provenance and in a lesson's key."""
        ...

    @property
    def remote(self) -> bool:
        """Whether mail leaves this machine when the model is called."""
        ...

    @property
    def host(self) -> str:
        """The host that mail goes to; empty if none."""
        ...

    @property
    def takes_temperature(self) -> bool:
        """Whether it is sampled at the temperature that a task names."""
        ...

    @property
    def batches(self) -> Batches | None:
        """The provider's service for many tasks at half the price, if it has one."""
        ...

    def most(self, task: Task, *, batch: bool = False) -> float | None:
        """USD that the answer can cost at the most; None where the price is unknown."""
        ...

    async def complete(self, task: Task) -> Answer:
        """Answer one task."""
        ...

    def stream(self, task: Task) -> AsyncIterator[str | Answer]:
        """Pieces of text as they come, then the whole `Answer` as the last item."""
        ...

    async def close(self) -> None:
        """Release connections. Calling it twice is harmless."""
        ...


class Batches(Protocol):
    """Many tasks handed in at once, answered within hours, by an id that outlives this process.

    All methods raise what `LargeModel.complete` does.
    """

    async def submit(self, tasks: Mapping[str, Task]) -> str:
        """Hand in tasks by keys of `[A-Za-z0-9_-]{1,64}`; the batch's id."""
        ...

    async def find(self, since: datetime, size: int) -> list[str]:
        """Ids of batches of `size` tasks that were handed in after `since`, oldest first."""
        ...

    async def ended(self, batch_id: str) -> bool:
        """Whether all of it is answered, cancelled or expired."""
        ...

    def results(self, batch_id: str) -> AsyncIterator[tuple[str, Answer | TrimtabError]]:
        """The answer, or its error, by each task's key, of a batch that has ended.

        A task that was cancelled or has expired was not paid for: ModelOverloaded.
        """
        ...

    async def cancel(self, batch_id: str) -> None:
        """Ask for its end; what is answered by then is paid for and can be had."""
        ...
