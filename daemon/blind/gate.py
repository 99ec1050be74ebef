"""The gate before a page on 127.0.0.1: the socket's rules, with a link in place of the token.

Host and Origin are the page's own, what changes anything is JSON, and no answer has a CORS header.
A browser cannot show a token that only a file holds, so the command prints a link: 32 random bytes
that open once, for a cookie of 32 others. Browsers send a cookie to every port of 127.0.0.1,
whoever listens there, but only below its path: so that is random, too, and no other page knows it.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field

from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from daemon.api.errors import send_error, status_of
from daemon.api.gate import Gate, check_size, is_json, values
from daemon.blind.peer import is_own_connection
from daemon.errors import HostRefused, NotJson, OriginRefused, TrimtabError
from daemon.explain import explain
from daemon.research_errors import LinkSpent

COOKIE = "trimtab"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
"""On every answer, refusals too."""


def _drawn() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where the page is, and what opens it."""

    port: int
    link: str = field(default_factory=_drawn, repr=False)
    cookie: str = field(default_factory=_drawn, repr=False)
    path: str = field(default_factory=lambda: f"/{secrets.token_urlsafe(16)}", repr=False)

    @property
    def origin(self) -> str:
        """Of the page."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def address(self) -> str:
        """The one-time link."""
        return f"{self.origin}/{self.link}"


class PageGate(Gate):
    """Opens once for the link, and then for its cookie; refuses the rest before its body."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        super().__init__(app)
        self._door = door
        self._spent = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the head; the link and errors are answered here."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        try:
            _check(scope, self._door)
            entering = self._enters(scope)
            if not (entering or _shows_cookie(scope, self._door.cookie)):
                raise LinkSpent
        except TrimtabError as error:
            self.tell(type(error).__name__)
            await _refuse(scope, receive, guarded, error)
        else:
            await (self._welcome() if entering else self._app)(scope, receive, guarded)

    def _enters(self, scope: Scope) -> bool:
        """Whether this is the link, for the first time, asked for by our own user."""
        path = bytes(scope["raw_path"])
        shown = hmac.compare_digest(path, f"/{self._door.link}".encode())
        if self._spent or not shown or scope["method"] != "GET":
            return False
        if not is_own_connection(tuple(scope["client"]), ("127.0.0.1", self._door.port)):
            return False
        self._spent = True
        return True

    def _welcome(self) -> ASGIApp:
        response = RedirectResponse(f"{self._door.path}/", 303)
        response.set_cookie(
            COOKIE, self._door.cookie, path=f"{self._door.path}/", httponly=True, samesite="strict"
        )
        return response


def _check(scope: Scope, door: Door) -> None:
    """Raises HeadTooLarge, HostRefused, OriginRefused or NotJson."""
    headers = scope["headers"]
    check_size(scope)
    if values(headers, b"host") != [f"127.0.0.1:{door.port}".encode()]:
        raise HostRefused(door.port)
    if values(headers, b"origin") not in ([], [door.origin.encode()]):
        raise OriginRefused
    if scope["method"] != "GET" and not is_json(headers):
        raise NotJson


def _shows_cookie(scope: Scope, cookie: str) -> bool:
    """Whether one of the cookies is ours; told in constant time."""
    wanted = f"{COOKIE}={cookie}".encode()
    shown = b";".join(values(scope["headers"], b"cookie")).split(b";")
    return any(hmac.compare_digest(one.strip(), wanted) for one in shown)


async def _refuse(scope: Scope, receive: Receive, send: Send, error: TrimtabError) -> None:
    """In words where a browser goes there, as the socket does where the page asks."""
    if isinstance(error, LinkSpent) and scope["method"] == "GET":
        await PlainTextResponse(explain(error), status_of(error))(scope, receive, send)
    else:
        await send_error(send, error)
