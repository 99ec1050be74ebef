"""The sign-in in the user's browser: a listener on this machine takes the one answer (RFC 8252)."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import cast
from urllib.parse import parse_qs, urlsplit

from daemon.config import Oauth
from daemon.errors import SignInFailed
from daemon.mailbox.auth import oauth
from daemon.mailbox.auth.oauth import TokenSet

WAIT_S = 300
"""For the user, who may have to find a second device."""
_REQUEST_S = 10
"""For a browser that connects and sends nothing."""
_PAGE = b"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>trimtab</title>
<p>trimtab has its answer. You may close this window and go back to the terminal.</p></html>
"""
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Length": str(len(_PAGE)),
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'",
    "Referrer-Policy": "no-referrer",
}


def sign_in(
    account: str,
    client: Oauth,
    secret: str,
    *,
    user: str,
    show: Callable[[str, int], object],
    port: int = 0,
) -> TokenSet:
    """Have the user sign in; their tokens, which are not stored yet.

    `show` is called once with the address for the browser and the port that waits for its answer
    (0: a free one is taken). `secret` is the client's, and may be empty. Raises SignInFailed, and
    what `oauth.redeem` raises.
    """
    host = oauth.provider_of(client).redirect_host
    with _listening(account, port) as listener:
        attempt = oauth.begin(f"http://{host}:{listener.port}")
        show(oauth.sign_in_url(client, attempt, user), listener.port)
        query = listener.wait()
    if query is None:
        raise SignInFailed(account, f"there was no answer within {WAIT_S // 60} minutes")
    code = read_answer(account, query, attempt.state)
    return oauth.redeem(account, client, secret, attempt, code)


def read_answer(account: str, query: str, state: str) -> str:
    """The code in the browser's answer; raises SignInFailed if it is not ours or holds none."""
    values = parse_qs(query)
    told = {name: found[0] for name, found in values.items() if len(found) == 1}
    if not hmac.compare_digest(told.get("state", "").encode(), state.encode()):
        raise SignInFailed(account, "the answer belongs to another sign-in")
    if "error" in values:
        code = oauth.error_code(told.get("error"))
        said = "access was denied" if code == "access_denied" else f"the provider answered {code}"
        raise SignInFailed(account, said)
    if "code" not in told:
        raise SignInFailed(account, "the answer holds no code")
    return told["code"]


class _Listener(ThreadingTCPServer):
    """Takes the first request that bears an answer; any other is turned away."""

    allow_reuse_address = True  # of a port that an attempt a minute ago has used
    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self._query: str | None = None
        self._taking = threading.Lock()
        self._answered = threading.Event()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def take(self, query: str) -> bool:
        """Whether this is the answer: the first one."""
        with self._taking:
            first = self._query is None
            self._query = query if first else self._query
        return first

    def done(self) -> None:
        """The browser has its page."""
        self._answered.set()

    def wait(self) -> str | None:
        """The answer's query, or None where none came in time."""
        self._answered.wait(WAIT_S)
        return self._query

    def handle_error(self, *_: object) -> None:
        """A browser that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    """One request of a browser."""

    timeout = _REQUEST_S

    def do_GET(self) -> None:
        listener = cast("_Listener", self.server)
        address = urlsplit(self.path)
        if address.path != "/" or not address.query:
            return self.send_error(404)  # an icon, say
        if not listener.take(address.query):
            return self.send_error(410)
        try:
            self.send_response(200)
            for name, value in _HEADERS.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(_PAGE)
        finally:
            listener.done()
        return None

    def log_message(self, *_: object) -> None:
        """Nothing: the line of the request holds the code."""


@contextmanager
def _listening(account: str, port: int) -> Iterator[_Listener]:
    try:
        listener = _Listener(port)
    except OSError as error:
        raise SignInFailed(account, f"port {port} is in use") from error
    with listener:
        serving = threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True)
        serving.start()
        try:
            yield listener
        finally:
            listener.shutdown()
            serving.join()
