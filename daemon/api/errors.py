"""Errors on the wire: one shape, and the status of each.

    {"error": {"code": "draft_not_found", "message": "There is no draft 'x'."}}

The code is the error's class in snake case and is part of the interface; the message is for the
user. Of a bug the log gets its class and place alone: an exception's text may quote mail. Imports
no framework: this is what answers before one is loaded.
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from starlette.types import Send

from daemon.errors import (
    AccountUnknown,
    DraftCancelled,
    DraftNotFound,
    HeadTooLarge,
    HostRefused,
    JobNotFound,
    NotJson,
    OriginRefused,
    RequestTooSlow,
    SendingUnknown,
    TokenRefused,
    TooManyDrafts,
    TransientError,
    TrimtabError,
    UserError,
)
from daemon.explain import explain
from daemon.research_errors import LinkSpent

Explain = Callable[[BaseException], str]

_STATUS: tuple[tuple[type[TrimtabError], HTTPStatus], ...] = (
    (AccountUnknown, HTTPStatus.NOT_FOUND),
    (DraftNotFound, HTTPStatus.NOT_FOUND),
    (JobNotFound, HTTPStatus.NOT_FOUND),
    (DraftCancelled, HTTPStatus.CONFLICT),
    (SendingUnknown, HTTPStatus.CONFLICT),
    (TokenRefused, HTTPStatus.UNAUTHORIZED),
    (HostRefused, HTTPStatus.FORBIDDEN),
    (OriginRefused, HTTPStatus.FORBIDDEN),
    (LinkSpent, HTTPStatus.FORBIDDEN),
    (RequestTooSlow, HTTPStatus.REQUEST_TIMEOUT),
    (NotJson, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (HeadTooLarge, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
    (TooManyDrafts, HTTPStatus.TOO_MANY_REQUESTS),
    (UserError, HTTPStatus.BAD_REQUEST),
    (TransientError, HTTPStatus.SERVICE_UNAVAILABLE),
    (TrimtabError, HTTPStatus.BAD_GATEWAY),
)
log = logging.getLogger(__name__)


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
    return body_of(code_of(error), explain(error))


def log_bug(error: BaseException) -> None:
    """Where a bug happened, without what the exception says."""
    frames = traceback.extract_tb(error.__traceback__)
    place = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames[-8:]))
    log.error("internal error: %s at %s", type(error).__name__, place)


def body_of(code: str, message: str) -> dict[str, Any]:
    """The one shape of errors."""
    return {"error": {"code": code, "message": message}}


async def send_error(send: Send, error: BaseException) -> None:
    """Answer a request with an error where no framework does it."""
    content = json.dumps(error_body(error, explain)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
    if isinstance(error, TokenRefused):
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status_of(error), "headers": headers})
    await send({"type": "http.response.body", "body": content})
