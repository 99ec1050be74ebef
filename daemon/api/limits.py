"""How large a request may be, and how many drafts are written at once: more is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from daemon.errors import TooManyDrafts

MAX_BODY = 1024 * 1024
"""Bytes of a request's body; a mail thread as text is far below."""
MAX_DRAFTS = 32
"""Drafts that clients wait for; one person asks for one or two at a time."""


def a_place_for_a_draft(limit: int = MAX_DRAFTS) -> Callable[[], AsyncIterator[None]]:
    """A dependency that holds one of `limit` places while a request is answered: TooManyDrafts."""
    taken = 0

    async def place() -> AsyncIterator[None]:
        nonlocal taken
        if taken >= limit:
            raise TooManyDrafts(limit)
        taken += 1
        try:
            yield
        finally:
            taken -= 1

    return place


class BodyLimit:
    """Raises HTTPException 413 where a body is read that is, or turns out to be, too large."""

    def __init__(self, app: ASGIApp, limit: int = MAX_BODY) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, self._limited(scope, receive), send)

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        declared = Headers(scope=scope).get("content-length", "0")
        size = int(declared) if declared.isdecimal() else 0
        come = 0

        async def limited() -> Message:
            nonlocal come
            if size > self._limit:
                raise self._too_large()
            message = await receive()
            come += len(message.get("body", b""))
            if come > self._limit:
                raise self._too_large()
            return message

        return limited

    def _too_large(self) -> HTTPException:
        detail = f"The request is larger than {self._limit // 1024} KiB."
        return HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
