"""What FastAPI does with errors: the shape and status that `daemon.api.errors` gives them.

A bug answers `internal_error` without details.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from daemon.api.errors import Explain, body_of, error_body, log_bug, status_of
from daemon.errors import TrimtabError

_SHOWN_PROBLEMS = 5
_HTTP_CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}
"""What the framework refuses by itself; not its phrases, which differ between Python versions."""


def install(api: FastAPI, explain: Explain) -> None:
    """Give every error of the API its shape and status."""

    async def on_error(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse(error_body(error, explain), status_of(error))

    api.add_exception_handler(TrimtabError, on_error)
    api.add_exception_handler(RequestValidationError, _on_invalid_request)
    api.add_exception_handler(HTTPException, _on_http_error)
    api.add_middleware(_LastResort, explain=explain)


async def _on_invalid_request(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    body = body_of("request_invalid", _problems(error.errors()))
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
    body = body_of(_HTTP_CODES.get(error.status_code, "http_error"), error.detail)
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
