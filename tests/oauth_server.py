"""An OAuth provider on this machine, with the wire format of Google's and Microsoft's.

Its token endpoint checks what RFC 6749 and 7636 have it check, and answers errors as they do. It
signs every user in without asking. A test may put answers of its own before the right ones, and
looks at what was asked.
"""

import base64
import contextlib
import hashlib
import itertools
import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import urlopen

CLIENT_ID, CLIENT_SECRET = "client-1234", "client secret"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An answer of the token endpoint: `begun` when it was asked for, held back `until` then.

    One that `drips` sends a byte now and again until then.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    begun: threading.Event | None = None
    until: threading.Event | None = None
    drips: bool = False


def told(status: int, data: Any, **headers: str) -> Told:
    """An answer in JSON."""
    return Told(status=status, body=json.dumps(data).encode(), headers=headers)


@dataclass(slots=True, kw_only=True)
class Provider:
    """The provider's state. `next` holds answers that come before the right ones."""

    port: int = 0
    secret: str = CLIENT_SECRET
    rotates: bool = False
    next: deque[Told] = field(default_factory=deque)
    asked: list[dict[str, str]] = field(default_factory=list)
    """The forms that the token endpoint was sent."""
    seen: list[dict[str, str]] = field(default_factory=list)
    """The queries that browsers came with."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    valid: set[str] = field(default_factory=set)
    """The refresh tokens in force."""
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def settings(self, **changes: str) -> dict[str, str]:
        """The table oauth for this provider."""
        return {
            "client_id": CLIENT_ID,
            "authorize_url": f"{self.url}/authorize",
            "token_url": f"{self.url}/token",
            "scope": "mail offline",
            **changes,
        }

    def redeem(self, form: dict[str, str]) -> Told:
        """The token endpoint's answer: RFC 6749 sections 4.1.3, 5 and 6."""
        if form.get("client_id") != CLIENT_ID or form.get("client_secret", "") != self.secret:
            return told(401, {"error": "invalid_client", "error_description": "Unauthorized"})
        if form.get("grant_type") == "authorization_code":
            return self._by_code(form)
        if form.get("grant_type") != "refresh_token":
            return told(400, {"error": "unsupported_grant_type"})
        if form.get("refresh_token") not in self.valid:
            description = "Token has been expired or revoked."
            return told(400, {"error": "invalid_grant", "error_description": description})
        return self.tokens(with_refresh=self.rotates)

    def tokens(self, *, with_refresh: bool) -> Told:
        """A new access token, and a new refresh token in place of all others."""
        number = next(self.numbers)
        answer = {"access_token": f"access-{number}", "expires_in": 3599, "token_type": "Bearer"}
        if with_refresh:
            self.valid = {f"refresh-{number}"}
            answer["refresh_token"] = f"refresh-{number}"
        return told(200, answer, **{"Cache-Control": "no-store"})

    def _by_code(self, form: dict[str, str]) -> Told:
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            asked is None
            or asked["code_challenge"] != challenge
            or asked["redirect_uri"] != form.get("redirect_uri")
        ):
            return told(400, {"error": "invalid_grant", "error_description": "Bad Request"})
        return self.tokens(with_refresh=True)

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser is sent back to. Like Microsoft it adds the path that was left out."""
        code = f"code-{next(self.numbers)}"
        self.codes[code] = query
        return f"{query['redirect_uri']}/?{urlencode({'code': code, 'state': query['state']})}"


@contextmanager
def running_provider() -> Iterator[Provider]:
    """A provider for the `with` block."""
    state = Provider()

    class Handler(BaseHTTPRequestHandler):
        timeout = 60

        def do_GET(self) -> None:
            query = _fields(urlsplit(self.path).query)
            state.seen.append(query)
            self._answer(Told(status=302, headers={"Location": state.authorize(query)}))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            assert self.headers["Content-Type"] == "application/x-www-form-urlencoded"
            assert self.headers["Accept"] == "application/json"
            form = _fields(body)
            state.asked.append(form)
            self._answer(state.next.popleft() if state.next else state.redeem(form))

        def _answer(self, answer: Told) -> None:
            if answer.begun is not None:
                answer.begun.set()
            if answer.drips:
                return self._drip(answer)
            if answer.until is not None:
                assert answer.until.wait(60)
            return self._send(answer)

        def _drip(self, answer: Told) -> None:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n")
            assert answer.until is not None
            with contextlib.suppress(OSError):
                while not answer.until.wait(0.02):
                    self.wfile.write(b" ")

        def _send(self, answer: Told) -> None:
            with contextlib.suppress(OSError):  # who was not willing to wait
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.port = server.server_address[1]
        serving = threading.Thread(target=server.serve_forever, args=(0.02,))
        serving.start()
        try:
            yield state
        finally:
            server.shutdown()
            serving.join()


def browse(address: str) -> str:
    """A browser stand-in: goes to the address and wherever it is sent from there; the last page."""
    with urlopen(address, timeout=60) as page:
        return str(page.read().decode())


def _fields(text: str) -> dict[str, str]:
    fields = parse_qs(text, keep_blank_values=True, strict_parsing=True)
    assert all(len(values) == 1 for values in fields.values())
    return {name: values[0] for name, values in fields.items()}
