"""Server-sent events. Of a draft: `rules`, `text`..., perhaps `replace`, then `done` or `error`.

    rules     `draft_id`, `rules`, `rule_ids`, `rung`, `voice`, `degraded`
    text      `text`: a piece of the draft as the writer writes it
    replace   `text`: the whole draft, which the writer mended; to be shown in place of all pieces
    done      `draft` as it is stored, and `checks`: what is still to be found wrong with it
    error     `error` with `code` and `message`, in place of what has not come yet

And of the daemon: `status`, whenever that is another one, for as long as the client listens.

FastAPI frames the events, sends a comment every 15 s of silence, and closes the stream when the
client hangs up; this module says what the events are called and what they hold.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

from fastapi.sse import ServerSentEvent

from daemon.api.errors import Explain, error_body, log_bug
from daemon.draft_records import (
    Done,
    DraftEvent,
    DraftRequest,
    RulesReady,
    TextPiece,
    TextReplaced,
)
from daemon.drafting import Drafter
from daemon.errors import TrimtabError
from mlx_agent import codec

NAMES: dict[type[DraftEvent], str] = {
    RulesReady: "rules",
    TextPiece: "text",
    TextReplaced: "replace",
    Done: "done",
}
"""What an event is called, by what it holds."""
LOOK_S = 1.0
"""Between two looks at the status, while somebody listens."""

log = logging.getLogger(__name__)


async def draft_events(
    drafter: Drafter, request: DraftRequest, explain: Explain
) -> AsyncIterator[ServerSentEvent]:
    """The events of one draft; an error becomes the last of them. Closing abandons the work."""
    try:
        async with aclosing(drafter.draft(request)) as events:
            async for event in events:
                yield _event(NAMES[type(event)], codec.to_data(event))
    except TrimtabError as error:
        yield _event("error", error_body(error, explain))
    except Exception as error:  # noqa: BLE001 - the response has begun: this is its last resort
        log_bug(error)
        yield _event("error", error_body(error, explain))


async def status_events(
    status: Callable[[], Awaitable[dict[str, Any]]], every_s: float = LOOK_S
) -> AsyncIterator[ServerSentEvent]:
    """What the daemon's status is, now and whenever it has changed."""
    told: dict[str, Any] | None = None
    while True:
        found = await status()
        if found != told:
            yield _event("status", found)
            told = found
        await asyncio.sleep(every_s)


def _event(name: str, data: Any) -> ServerSentEvent:
    # ASCII, for clients whose line splitting knows U+2028 and U+0085 as line ends
    return ServerSentEvent(event=name, raw_data=json.dumps(data, ensure_ascii=True))
