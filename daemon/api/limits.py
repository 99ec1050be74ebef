"""How large a request may be: more is refused before it fills the memory."""

from __future__ import annotations

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 1024 * 1024
"""Bytes of a request's body; a mail thread as text is far below."""


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
