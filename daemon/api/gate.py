"""The gate before everything that the daemon answers: whom it lets in, and what.

On both sockets: a head of bounded size; no web page, which is what sends an Origin; no body but
JSON, which a page cannot send without asking first. On 127.0.0.1, where every user and every page
of the machine can knock, also: the port's own Host, for a name that an attacker's DNS turns to
127.0.0.1 is another one; and the token. There Thunderbird's extension comes in, too, with an Origin
that no page can send, if it knows the token. No answer has a CORS header, so that no page may read
it.
"""

from __future__ import annotations

import hmac
import logging
import math
import re
import time
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Receive, Scope, Send

from daemon.api.errors import send_error
from daemon.errors import (
    HeadTooLarge,
    HostRefused,
    NotJson,
    OriginRefused,
    TokenRefused,
    TrimtabError,
)
from mlx_agent.log_lines import told

MAX_HEAD = 16 * 1024
"""Bytes of a request's target and headers."""
_HEADER_COST = 32
"""Bytes that a header counts besides its own, as in RFC 7541, 4.1: so their number is bounded."""
_EXTENSION = re.compile(rb"moz-extension://[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""The Origin of an extension: an id that Thunderbird has drawn for it in this profile."""

APART_S = 60.0
log = logging.getLogger(__name__)

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """What a client on 127.0.0.1 has to know: the port as its Host, and the token."""

    port: int
    token: str = field(repr=False)


class Gate:
    """Passes a request on, or refuses it before a byte of its body is read."""

    def __init__(self, app: ASGIApp, lock: Lock | None = None) -> None:
        """Without a lock, who connects is known to be the user."""
        self._app = app
        self._lock = lock
        self._told: dict[str, float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the head; errors are answered here."""
        try:
            check(scope, self._lock)
        except TrimtabError as error:
            self.tell(type(error).__name__)
            await send_error(send, error)
        else:
            await self._app(scope, receive, send)

    def tell(self, error: str) -> None:
        """Once a minute for each error: a page that asks on and on must not fill the log."""
        now = time.monotonic()
        if now - self._told.get(error, -math.inf) >= APART_S:
            self._told[error] = now
            log.warning("request was refused", extra=told(error=error))


def check(scope: Scope, lock: Lock | None) -> None:
    """Raises HeadTooLarge, HostRefused, OriginRefused, TokenRefused or NotJson, in this order."""
    headers: Headers = scope["headers"]
    check_size(scope)
    if lock is not None and values(headers, b"host") != [f"127.0.0.1:{lock.port}".encode()]:
        raise HostRefused(lock.port)
    if not all(lock and _EXTENSION.fullmatch(origin) for origin in values(headers, b"origin")):
        raise OriginRefused
    if lock is not None and not _shows(values(headers, b"authorization"), lock.token):
        raise TokenRefused
    if _has_body(headers) and not is_json(headers):
        raise NotJson


def check_size(scope: Scope) -> None:
    """Raises HeadTooLarge."""
    target = len(scope["raw_path"]) + len(scope["query_string"])
    costs = (len(name) + len(value) + _HEADER_COST for name, value in scope["headers"])
    if target + sum(costs) > MAX_HEAD:
        raise HeadTooLarge(MAX_HEAD)


def values(headers: Headers, name: bytes) -> list[bytes]:
    """What the headers of this name say, in their order."""
    return [value for key, value in headers if key == name]


def _shows(credentials: list[bytes], token: str) -> bool:
    """Whether there is one credential, which is the token; told in constant time."""
    if len(credentials) != 1:
        return False
    scheme, _, shown = credentials[0].partition(b" ")
    return scheme.lower() == b"bearer" and hmac.compare_digest(shown.strip(), token.encode())


def _has_body(headers: Headers) -> bool:
    lengths = values(headers, b"content-length")
    return bool(values(headers, b"transfer-encoding")) or lengths not in ([], [b"0"])


def is_json(headers: Headers) -> bool:
    """Whether the one content type is JSON's."""
    types = values(headers, b"content-type")
    return len(types) == 1 and types[0].partition(b";")[0].strip().lower() == b"application/json"
