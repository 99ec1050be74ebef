"""The sign-in in the browser: one answer is taken, by a listener on this machine alone."""

import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import Request, urlopen

import pytest
from oauth_server import CLIENT_SECRET, Provider, browse, running_provider
from tools import free_port

from daemon.config import Oauth
from daemon.errors import SignInFailed
from daemon.mailbox.auth import sign_in as module
from daemon.mailbox.auth.oauth import TokenSet
from daemon.mailbox.auth.sign_in import read_answer, sign_in


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running_provider() as running:
        yield running


@pytest.fixture(autouse=True)
def not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser stand-in that breaks does not hold up the run."""
    monkeypatch.setattr(module, "WAIT_S", 60)


def attempt(
    provider: Provider, browser: Callable[[str, int], Any], /, *, port: int = 0, **changes: str
) -> TokenSet:
    """A sign-in whose browser runs beside it, as a real one does, and has ended at the end."""
    browsers: list[threading.Thread] = []

    def show(url: str, port: int) -> None:
        browsers.append(threading.Thread(target=browser, args=(url, port)))
        browsers[0].start()

    client = Oauth(**provider.settings(**changes))  # type: ignore[arg-type]
    try:
        return sign_in(
            "work", client, CLIENT_SECRET, user="ada@field.example", show=show, port=port
        )
    finally:
        for one in browsers:
            one.join()


def reason(raised: pytest.ExceptionInfo[SignInFailed]) -> str:
    assert raised.value.account == "work"
    return raised.value.reason


def status(address: str, method: str = "GET") -> int:
    """The status code of an answer, whichever it is."""
    try:
        with urlopen(Request(address, method=method), timeout=60) as page:
            return int(page.status)
    except HTTPError as error:
        with error:
            return error.code


def state(url: str) -> str:
    return parse_qs(urlsplit(url).query)["state"][0]


def back(port: int, **fields: str) -> str:
    return f"http://127.0.0.1:{port}/?{urlencode(fields)}"


def test_a_sign_in_brings_tokens(provider: Provider) -> None:
    """The user sees that the window may be closed, and nothing that the provider sent."""
    pages: list[str] = []
    tokens = attempt(provider, lambda url, _: pages.append(browse(url)))
    assert (tokens.access_token, tokens.refresh_token) == ("access-2", "refresh-2")
    assert tokens.token_url == f"{provider.url}/token"
    (asked,) = provider.seen
    assert asked["redirect_uri"].startswith("http://127.0.0.1:")
    assert asked["login_hint"] == "ada@field.example"
    assert asked["code_challenge_method"] == "S256"
    (page,) = pages
    assert "You may close this window" in page
    assert "code-1" not in page


def test_microsoft_knows_this_machine_as_localhost(provider: Provider) -> None:
    """It ignores the port of no other host."""
    tokens = attempt(provider, lambda url, _: browse(url), provider="microsoft")
    assert tokens.access_token == "access-2"
    assert provider.seen[0]["redirect_uri"].startswith("http://localhost:")


def test_the_page_keeps_the_code_to_itself(provider: Provider) -> None:
    """It is not cached, loads nothing, and tells nobody where it was."""
    headers: list[dict[str, str]] = []

    def browser(url: str, _: int) -> None:
        with urlopen(url, timeout=60) as page:
            headers.append(dict(page.headers))

    attempt(provider, browser)
    assert headers[0]["Cache-Control"] == "no-store"
    assert headers[0]["Content-Security-Policy"] == "default-src 'none'"
    assert headers[0]["Referrer-Policy"] == "no-referrer"


def test_only_this_machine_can_answer(provider: Provider) -> None:
    """The listener is bound to 127.0.0.1, and gone when the answer is there."""
    ports: list[int] = []

    def browser(url: str, port: int) -> None:
        ports.append(port)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", port), 60)
        browse(url)

    attempt(provider, browser)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", ports[0]), 60)


def test_a_port_can_be_chosen(provider: Provider) -> None:
    """For a tunnel to it; twice running, too, though the system remembers the first connection."""

    def browser(url: str, port: int) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert asked["redirect_uri"] == f"http://127.0.0.1:{port}"
        answer = urlsplit(provider.authorize(asked))
        with socket.create_connection(("127.0.0.1", port), 60) as link:
            link.sendall(f"GET /?{answer.query} HTTP/1.1\r\nHost: {answer.netloc}\r\n\r\n".encode())
            while link.recv(4096):
                pass  # the listener closes first

    port = free_port()
    tokens = [attempt(provider, browser, port=port).access_token for _ in range(2)]
    assert tokens == ["access-2", "access-4"]


def test_a_port_in_use_is_told(provider: Provider) -> None:
    """Before any browser is bothered."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SignInFailed) as raised:
            attempt(provider, lambda url, _: browse(url), port=port)
    assert reason(raised) == f"port {port} is in use"
    assert provider.seen == []


def test_what_is_no_answer_is_turned_away(provider: Provider) -> None:
    """Icons, other methods, connections that say nothing or nonsense; the answer still counts."""
    statuses: list[int] = []

    def browser(url: str, port: int) -> None:
        home = f"http://127.0.0.1:{port}"
        with (
            socket.create_connection(("127.0.0.1", port), 60),
            socket.create_connection(("127.0.0.1", port), 60) as nonsense,
        ):
            nonsense.sendall(b"\x16\x03\x01 hello\r\n\r\n")
            statuses.append(status(f"{home}/favicon.ico?code=x"))
            statuses.append(status(f"{home}/"))
            statuses.append(status(f"{home}/?code=x", method="POST"))
            browse(url)

    assert attempt(provider, browser).access_token == "access-2"
    assert statuses == [404, 404, 501]


def test_a_second_answer_is_turned_away(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one counts, whatever the second brings and however soon."""
    written, second = threading.Event(), threading.Event()
    done = module._Listener.done

    def held(listener: module._Listener) -> None:
        written.set()
        assert second.wait(60)  # the listener is still there
        done(listener)

    monkeypatch.setattr(module._Listener, "done", held)
    statuses: list[int] = []

    def browser(url: str, port: int) -> None:
        browse(url)
        assert written.wait(60)
        statuses.append(status(back(port, code="evil", state=state(url))))
        second.set()

    assert attempt(provider, browser).access_token == "access-2"
    assert statuses == [410]
    assert [form["code"] for form in provider.asked] == ["code-1"]


@pytest.mark.parametrize("given", ["", "wrong", "é"])
def test_an_answer_with_another_state_fails(provider: Provider, given: str) -> None:
    """Another page has made it up; its code goes nowhere."""
    with pytest.raises(SignInFailed) as raised:
        attempt(provider, lambda _, port: status(back(port, code="evil", state=given)))
    assert reason(raised) == "the answer belongs to another sign-in"
    assert provider.asked == []


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("access_denied", "access was denied"),
        ("server_error", "the provider answered server_error"),
        ("<b>Ada</b>", "the provider answered unknown_error"),
    ],
)
def test_a_user_who_declines_is_heard(provider: Provider, error: str, told: str) -> None:
    """So is whatever else the provider says, by its code alone."""

    def browser(url: str, port: int) -> None:
        status(back(port, error=error, error_description="Ada said no", state=state(url)))

    with pytest.raises(SignInFailed) as raised:
        attempt(provider, browser)
    assert reason(raised) == told


def test_a_sign_in_without_an_answer_ends(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its time; the listener is gone."""
    monkeypatch.setattr(module, "WAIT_S", 0)
    ports: list[int] = []
    with pytest.raises(SignInFailed) as raised:
        attempt(provider, lambda _, port: ports.append(port))
    assert reason(raised).startswith("there was no answer within")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", ports[0]), 60)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("code=c&state=s", None),
        ("code=c&state=s&scope=x&session_state=y", None),
        ("code=c", "the answer belongs to another sign-in"),
        ("code=c&state=s&state=s", "the answer belongs to another sign-in"),
        ("state=s", "the answer holds no code"),
        ("state=s&code=", "the answer holds no code"),
        ("state=s&code=c&code=d", "the answer holds no code"),
        ("state=s&code=c&error=access_denied", "access was denied"),
        ("state=s&error=access_denied&error=x", "the provider answered unknown_error"),
        ("error=access_denied", "the answer belongs to another sign-in"),
    ],
)
def test_how_an_answer_is_read(query: str, told: str | None) -> None:
    """Nothing in it may come twice, and its state comes before anything else."""
    if told is None:
        assert read_answer("work", query, "s") == "c"
        return
    with pytest.raises(SignInFailed) as raised:
        read_answer("work", query, "s")
    assert reason(raised) == told


def test_no_error_tells_a_code_or_state() -> None:
    """Nor does a traceback of it."""
    with pytest.raises(SignInFailed) as raised:
        read_answer("work", urlencode({"code": "hush", "state": "quiet"}), "s")
    words = "".join(traceback.format_exception(raised.value))
    assert "hush&state" not in words
    assert "'hush'" not in words
