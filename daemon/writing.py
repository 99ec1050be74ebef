"""The writing of a draft: by the writer of the config, or by the stand-in on this machine."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import cast

from daemon.errors import (
    CloudForbidden,
    MailExcluded,
    StoreLocked,
    TransientError,
    WriterUnavailable,
)
from mlx_agent.errors import (
    AnswerMalformed,
    ModelOverloaded,
    ModelUnreachable,
    RateLimited,
    TrimtabError,
    WorkerBusy,
)
from mlx_agent.large import LargeModel
from mlx_agent.records import Answer, DraftTask

Writer = Callable[[], LargeModel]
"""Gives the large model, or raises why it must not be asked."""

_WHY: dict[type[TrimtabError], str] = {
    WriterUnavailable: "the writer could not be reached",
    CloudForbidden: "mail of this account stays on this machine",
    MailExcluded: "you have excluded this mail from leaving",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The whole answer, who wrote it, and why that was the stand-in, if it was."""

    answer: Answer
    writer: LargeModel
    stand_in: str | None = None


async def written(
    task: DraftTask, writer: Writer, stand_in: Writer | None
) -> AsyncGenerator[str | Written, None]:
    """Pieces of text, then what was written.

    The stand-in writes where the writer cannot be reached or must not be asked, and has not begun.
    Raises AnswerMalformed, WriterUnavailable and what else a writer raises.
    """
    begun, why = False, None
    try:
        async with aclosing(_pieces(task, writer)) as pieces:
            async for piece in pieces:
                begun = True
                yield piece
    except tuple(_WHY) as error:
        if begun or stand_in is None:
            raise
        why = _WHY[type(error)]
    if stand_in is not None and why is not None:
        async with aclosing(_pieces(task, stand_in, why)) as pieces:
            async for piece in pieces:
                yield piece


async def _pieces(
    task: DraftTask, writer: Writer, why: str | None = None
) -> AsyncGenerator[str | Written, None]:
    whole, model = False, writer()
    try:
        async with aclosing(cast("AsyncGenerator[str | Answer, None]", model.stream(task))) as told:
            async for piece in told:
                if isinstance(piece, Answer):
                    whole = True
                    yield Written(answer=piece, writer=model, stand_in=why)
                else:
                    yield piece
    except StoreLocked:  # what is noted of the asking could not be: it says nothing of the writer
        raise
    except (TransientError, OSError) as error:
        raise WriterUnavailable(model.name, _reason(error)) from error
    if not whole:
        raise AnswerMalformed("draft", "it was cut off")


def _reason(error: Exception) -> str:
    """Why a writer did not answer, in a few words for the user."""
    match error:
        case RateLimited(delay_s=float(delay)) | ModelOverloaded(delay_s=float(delay)) if delay > 0:
            return f"it asks to wait {math.ceil(delay)} s"
        case RateLimited():
            return "it is asked too often"
        case ModelOverloaded():
            return "it is overloaded"
        case ModelUnreachable():
            return error.reason
        case WorkerBusy():
            return "the agent is being trained"
    return type(error).__name__
