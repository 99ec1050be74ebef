"""Errors on the wire: one shape, and the status of each.

    {"error": {"code": "draft_not_found", "message": "There is no draft 'x'."}}

The code is the error's class in snake case and is part of the interface; the message is for the
user. A bug answers `internal_error` without details, and the log gets its class and place alone: an
exception's text may quote mail.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from daemon.errors import (
    AccountUnknown,
    DraftCancelled,
    DraftNotFound,
    JobNotFound,
    SendingUnknown,
    TransientError,
    TrimtabError,
    UserError,
)

Explain = Callable[[BaseException], str]

_SHOWN_PROBLEMS = 5
_STATUS: tuple[tuple[type[TrimtabError], HTTPStatus], ...] = (
    (AccountUnknown, HTTPStatus.NOT_FOUND),
    (DraftNotFound, HTTPStatus.NOT_FOUND),
    (JobNotFound, HTTPStatus.NOT_FOUND),
    (DraftCancelled, HTTPStatus.CONFLICT),
    (SendingUnknown, HTTPStatus.CONFLICT),
    (UserError, HTTPStatus.BAD_REQUEST),
    (TransientError, HTTPStatus.SERVICE_UNAVAILABLE),
    (TrimtabError, HTTPStatus.BAD_GATEWAY),
)
_HTTP_CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}
"""What the framework refuses by itself; not its phrases, which differ between Python versions."""

log = logging.getLogger(__name__)


def install(api: FastAPI, explain: Explain) -> None:
    """Give every error of the API its shape and status."""

    async def on_error(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse(error_body(error, explain), status_of(error))

    api.add_exception_handler(TrimtabError, on_error)
    api.add_exception_handler(RequestValidationError, _on_invalid_request)
    api.add_exception_handler(HTTPException, _on_http_error)
    api.add_middleware(_LastResort, explain=explain)


def code_of(error: BaseException) -> str:
    """`DraftNotFound` -> `draft_not_found`; a bug is an `internal_error`."""
    if not isinstance(error, TrimtabError):
        return "internal_error"
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()


def status_of(error: BaseException) -> HTTPStatus:
    """4xx for what the user can mend, 503 for what may work later, 502 for a model's bad answer."""
    for kind, status in _STATUS:
        if isinstance(error, kind):
            return status
    return HTTPStatus.INTERNAL_SERVER_ERROR


def error_body(error: BaseException, explain: Explain) -> dict[str, Any]:
    """The body, or the data of an `error` event."""
    return _body(code_of(error), explain(error))


def log_bug(error: BaseException) -> None:
    """Where a bug happened, without what the exception says."""
    frames = traceback.extract_tb(error.__traceback__)
    place = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames[-8:]))
    log.error("internal error: %s at %s", type(error).__name__, place)


def _body(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


async def _on_invalid_request(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    body = _body("request_invalid", _problems(error.errors()))
    return JSONResponse(body, HTTPStatus.UNPROCESSABLE_ENTITY)


def _problems(errors: Sequence[Any]) -> str:
    """Where and what, never the value: it may be mail."""
    shown = [
        f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}"
        for each in errors[:_SHOWN_PROBLEMS]
    ]
    more = len(errors) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more else "")


async def _on_http_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    body = _body(_HTTP_CODES.get(error.status_code, "http_error"), error.detail)
    return JSONResponse(body, error.status_code, headers=error.headers)


class _LastResort:
    """Turns a bug into a 500 of our shape, before a server's log gets to see its text."""

    def __init__(self, app: ASGIApp, explain: Explain) -> None:
        self._app = app
        self._explain = explain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:  # noqa: BLE001 - the last resort
            log_bug(error)
            if not begun:
                body = error_body(error, self._explain)
                await JSONResponse(body, HTTPStatus.INTERNAL_SERVER_ERROR)(scope, receive, send)
