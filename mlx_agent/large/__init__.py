"""Large models: one interface, four roles (teacher, writer, judge, baseline).

A client is given a *task* (a record), not a prompt: it renders the task with `render.messages`,
the only renderer, and returns the model's words unparsed. What the answer must look like is
stated in `answers`, which parses the answers of every client, so that a stand-in and a real model
are held to the same form.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from mlx_agent.errors import TrimtabError
from mlx_agent.records import Answer, Task


class LargeModel(Protocol):
    """A large model. Implementations are safe to call concurrently and are closed once."""

    @property
    def name(self) -> str:
        """The model's name as it stands in provenance."""
        ...

    @property
    def remote(self) -> bool:
        """Whether mail leaves this machine when the model is called."""
        ...

    async def complete(self, task: Task) -> Answer:
        """Answer one task. Cancelling the coroutine stops the request."""
        ...

    def stream(self, task: Task) -> AsyncIterator[str | Answer]:
        """Pieces of text as they come, then the whole `Answer` as the last item."""
        ...

    def batch(self, tasks: Sequence[Task]) -> AsyncIterator[tuple[int, Answer | TrimtabError]]:
        """Answer many tasks, in any order: (index of the task, its answer or its error)."""
        ...

    async def close(self) -> None:
        """Release connections. Calling it twice is harmless."""
        ...
