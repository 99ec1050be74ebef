"""The wait for news: every way in which a server can tell it, delay it, or fail."""

import imaplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from dovecot_server import PASSWORD, Dovecot, make_certificate
from imapclient import IMAPClient
from scripted_imap import Answer, Close, Command, Fault, Reset, ScriptedImap, Stall, Trickle

from daemon.mailbox import idle

DEAD_LINE_S = 20
"""A hang fails the test instead of the whole run."""
LONG_S = 600.0
"""A wait that a test does not sit out."""
MESSAGE = b"Subject: one\r\n\r\nOne.\r\n"


def unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.post_handshake_auth = True
    return context


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(params=["plain", "tls"])
def context(request: Any, certificate: tuple[Path, Path]) -> ssl.SSLContext | None:
    """The server's end of TLS, None without."""
    if request.param == "plain":
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    return context


@pytest.fixture(params=["a file", "pieces"], autouse=True)
def buffer(request: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The standard library's buffer up to Python 3.13, and the one that it has from 3.14 on."""
    if request.param == "pieces":
        monkeypatch.setattr(imaplib.IMAP4, "readline", line_of_pieces)


def line_of_pieces(imap: Any) -> bytes:
    """Read a line as Python 3.14 does: what is left of a piece stays in `_readbuf`."""
    pieces: list[bytes] = imap.__dict__.setdefault("_readbuf", [])
    while b"\n" not in (whole := b"".join(pieces)):
        pieces.append(imap.sock.recv(8192))
        if not pieces[-1]:
            return whole
    line, end, rest = whole.partition(b"\n")
    pieces[:] = [rest]
    return line + end


@contextmanager
def logged_in(
    port: int, *, tls: bool, folder: str = "Sent", user: str = "ada"
) -> Iterator[IMAPClient]:
    """A client whose folder is open; dropped at the end, whatever became of it."""
    secure = unverified() if tls else None
    client = IMAPClient("127.0.0.1", port, ssl=tls, ssl_context=secure, timeout=DEAD_LINE_S)
    try:
        client.login(user, PASSWORD)
        client.select_folder(folder, readonly=True)
        yield client
    finally:
        client.shutdown()


@pytest.fixture
def server(context: ssl.SSLContext | None) -> Iterator[ScriptedImap]:
    with ScriptedImap(context=context) as running:
        yield running


@pytest.fixture
def client(server: ScriptedImap) -> Iterator[IMAPClient]:
    with logged_in(server.port, tls=server.context is not None) as client:
        yield client


@pytest.fixture
def wake() -> Iterator[tuple[socket.socket, socket.socket]]:
    """What wakes the wait, and the end that is waited on."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


Waiting = Callable[..., "Future[bool]"]


@pytest.fixture
def waiting(client: IMAPClient, wake: tuple[socket.socket, socket.socket]) -> Waiting:
    """Starts a wait in a thread."""
    return lambda seconds=LONG_S: start(client, seconds, wake[1])


def start(client: IMAPClient, seconds: float, wake: socket.socket) -> "Future[bool]":
    """A wait in a thread that nothing waits for: a hang is to fail the test."""
    future: Future[bool] = Future()

    def run() -> None:
        try:
            future.set_result(idle.wait(client, seconds, wake))
        except BaseException as error:  # noqa: BLE001  # raised again where it is awaited
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def says(*steps: bytes | Fault) -> Answer:
    """An IDLE that sends this, and ends with a usual DONE."""

    def answer(command: Command) -> Iterable[bytes | Fault]:
        yield from steps
        assert command.read_line() == b"DONE"
        yield command.ok()

    return answer


def assert_usable(client: IMAPClient, server: ScriptedImap) -> None:
    """The connection has not been dropped, and nothing of the IDLE is left in it."""
    client.noop()
    assert server.opened == 1
    assert server.seen("NOOP") == ["NOOP"]


# --- news ------------------------------------------------------------------------------------


def test_a_message_that_comes_is_news(
    server: ScriptedImap, client: IMAPClient, waiting: Waiting
) -> None:
    """The wait ends, and the connection can go on; no command is sent in the middle of it."""
    wait = waiting()
    server.push(b"")  # which waits until someone idles
    server.deliver("Sent", MESSAGE)
    assert wait.result(DEAD_LINE_S) is True
    assert_usable(client, server)
    between = server.log[server.log.index('EXAMINE "Sent"') + 1 : server.log.index("NOOP")]
    assert between == ["IDLE"]


@pytest.mark.parametrize(
    "steps",
    [
        [b"+ idling\r\n* 4 EXISTS\r\n"],
        [b"* 4 EXISTS\r\n+ idling\r\n"],
        [b"* OK wait\r\n", b"+ idling\r\n", b"* 4 EXISTS\r\n"],
        [b"+ idling\r\n", Trickle(b"* 4 EXISTS\r\n")],
        [Trickle(b"+ idling\r\n* 4 EXISTS\r\n")],
        [b"+ idling\r\n", b"* 4 EXISTS\r\n* 1 RECENT\r\n"],
        [b"+ idling\r\n* 5 FETCH (FLAGS ())\r\n* 4 EXISTS\r\n"],
        [b"+ idling\r\n", b"* OK Still here\r\n", b"* OK Still here\r\n* 4 EXISTS\r\n"],
        [b"+ idling\r\n", b"* 2 EXPUNGE\r\n"],
        [b"+ idling\r\n", b"* VANISHED 405,407\r\n"],
        [b"+\r\n", b"* 4 EXISTS\r\n"],
    ],
    ids=lambda steps: b"|".join(getattr(s, "data", s) for s in steps).decode().strip(),
)
def test_news_is_heard_however_its_lines_arrive(
    server: ScriptedImap, client: IMAPClient, waiting: Waiting, steps: list[bytes | Fault]
) -> None:
    """With the "+" in one piece, before it, byte by byte, after others."""
    server.answers["IDLE"] = says(*steps)
    assert waiting().result(DEAD_LINE_S) is True
    assert_usable(client, server)


def test_news_between_done_and_the_answer_is_heard(
    server: ScriptedImap, client: IMAPClient, waiting: Waiting
) -> None:
    """Else it would be lost: the server tells it once."""

    def answer(command: Command) -> Iterable[bytes]:
        yield b"+ idling\r\n"
        command.read_line()
        yield b"* 4 EXISTS\r\n" + command.ok()

    server.answers["IDLE"] = answer
    assert waiting(0.01).result(DEAD_LINE_S) is True
    assert_usable(client, server)


@pytest.mark.parametrize(
    "said", [b"", b"* OK Still here\r\n", b"* 1 FETCH (FLAGS (\\Seen))\r\n", b"* 0 RECENT\r\n"]
)
def test_what_is_no_news_does_not_end_the_wait(
    server: ScriptedImap, client: IMAPClient, waiting: Waiting, said: bytes
) -> None:
    """Sign of life, flags; the IDLE is not begun anew for it."""
    server.answers["IDLE"] = says(b"+ idling\r\n" + said)
    assert waiting(0.05).result(DEAD_LINE_S) is False
    assert_usable(client, server)
    assert server.seen("IDLE") == ["IDLE"]


def test_chatter_does_not_hold_the_wait_beyond_its_time(
    server: ScriptedImap, client: IMAPClient, waiting: Waiting
) -> None:
    """Though there is always another line to be read."""
    server.answers["IDLE"] = says(b"+ idling\r\n" + b"* OK Still here\r\n" * 20_000)
    assert waiting(0.001).result(DEAD_LINE_S) is False
    assert_usable(client, server)


def test_records_of_tls_itself_are_no_lines(
    certificate: tuple[Path, Path], wake: tuple[socket.socket, socket.socket]
) -> None:
    """The socket can be read, and yet there is nothing to read: the wait goes on."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    context.verify_mode, context.post_handshake_auth = ssl.CERT_OPTIONAL, True
    asked = threading.Event()

    def answer(command: Command) -> Iterable[bytes]:
        yield b"+ idling\r\n"
        link: Any = command.session._link
        link.verify_client_post_handshake()
        link.do_handshake()  # which sends the question
        asked.set()
        command.read_line()
        yield command.ok()

    with ScriptedImap(context=context) as server, logged_in(server.port, tls=True) as client:
        server.answers["IDLE"] = answer
        wait = start(client, 0.2, wake[1])
        assert wait.result(DEAD_LINE_S) is False
        assert asked.is_set()
        assert_usable(client, server)


# --- the end ---------------------------------------------------------------------------------


def test_the_wait_ends_early_when_it_is_woken(
    server: ScriptedImap,
    client: IMAPClient,
    waiting: Waiting,
    wake: tuple[socket.socket, socket.socket],
) -> None:
    """By a byte, or by the end of the socket; the connection can go on."""
    wait = waiting()
    server.wait_for("IDLE")
    wake[0].close()
    assert wait.result(DEAD_LINE_S) is False
    assert_usable(client, server)


def test_a_wait_that_is_woken_before_it_begins_is_short(
    server: ScriptedImap,
    client: IMAPClient,
    waiting: Waiting,
    wake: tuple[socket.socket, socket.socket],
) -> None:
    """The wish to end is not lost between two waits."""
    wake[0].send(b"!")
    assert waiting().result(DEAD_LINE_S) is False
    assert_usable(client, server)


@pytest.mark.parametrize("kind", ["no", "bad"])
def test_a_refusal_is_an_error_and_the_connection_goes_on(
    server: ScriptedImap, client: IMAPClient, waiting: Waiting, kind: str
) -> None:
    """It is not left half in IDLE."""
    server.answers["IDLE"] = lambda command: getattr(command, kind)("not today")
    with pytest.raises(imaplib.IMAP4.error, match="not today") as raised:
        waiting().result(DEAD_LINE_S)
    assert not isinstance(raised.value, imaplib.IMAP4.abort)
    assert_usable(client, server)


def test_an_idle_that_ends_badly_is_an_error(
    server: ScriptedImap, client: IMAPClient, waiting: Waiting
) -> None:
    """The server may have stopped to tell long before."""

    def answer(command: Command) -> Iterable[bytes]:
        yield b"+ idling\r\n"
        command.read_line()
        yield command.no("lost track")

    server.answers["IDLE"] = answer
    with pytest.raises(imaplib.IMAP4.error, match="lost track"):
        waiting(0.01).result(DEAD_LINE_S)
    assert_usable(client, server)


def test_a_server_that_ends_idle_by_itself_is_told_nothing_more(
    server: ScriptedImap, client: IMAPClient, waiting: Waiting
) -> None:
    """A DONE now would be a command that it does not know."""
    server.answers["IDLE"] = lambda command: [b"+ idling\r\n", command.ok("that is enough")]
    with pytest.raises(imaplib.IMAP4.error, match="that is enough"):
        waiting().result(DEAD_LINE_S)
    assert_usable(client, server)


@pytest.mark.parametrize("when", ["at once", "idling"])
def test_a_bye_ends_the_wait_with_what_it_says(
    server: ScriptedImap, waiting: Waiting, when: str
) -> None:
    """The words tell whether the server is busy."""
    plus = b"" if when == "at once" else b"+ idling\r\n"
    server.answers["IDLE"] = lambda _: [plus, b"* BYE Too many connections\r\n", Close()]
    with pytest.raises(imaplib.IMAP4.abort, match="Too many connections"):
        waiting().result(DEAD_LINE_S)


@pytest.mark.parametrize("fault", [Close(), Reset()], ids=["EOF", "RST"])
@pytest.mark.parametrize("before", [b"", b"+ idling\r\n", b"+ idling\r\n* 4 EX"])
def test_the_end_of_the_connection_is_an_error(
    server: ScriptedImap, waiting: Waiting, fault: Fault, before: bytes
) -> None:
    """Once, and not a busy loop; half a line is none."""
    server.answers["IDLE"] = lambda _: [before, fault]
    with pytest.raises((OSError, imaplib.IMAP4.abort)):
        waiting().result(DEAD_LINE_S)


@pytest.mark.parametrize("line", [b"\r\n", b"* 4 EXISTS\n", b"what?\r\n", b"A0 OK\r\n"])
def test_what_is_no_response_is_an_error(
    server: ScriptedImap, waiting: Waiting, line: bytes
) -> None:
    """Nothing that follows could be trusted."""
    server.answers["IDLE"] = says(b"+ idling\r\n" + line)
    with pytest.raises(imaplib.IMAP4.abort):
        waiting().result(DEAD_LINE_S)


def black_hole(command: Command) -> Iterable[bytes | Fault]:
    yield b"+ idling\r\n"
    command.read_line()
    yield Stall()


def chatter(command: Command) -> Iterable[bytes | Fault]:
    yield b"+ idling\r\n"
    command.read_line()
    while True:
        yield Trickle(b"* OK Still here\r\n", pause_s=0.001)


@pytest.mark.parametrize(
    "answer",
    [lambda _: Stall(), black_hole, chatter],
    ids=["no plus", "no answer to DONE", "chatter instead"],
)
def test_a_server_that_does_not_answer_is_given_up(
    waiting: Waiting, server: ScriptedImap, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    """A dead connection looks like a silent one until something is asked of it."""
    monkeypatch.setattr(idle, "ANSWER_S", 0.1)
    server.answers["IDLE"] = answer
    with pytest.raises(TimeoutError):
        waiting(0.01).result(DEAD_LINE_S)


def test_half_a_line_is_waited_for_and_then_given_up(
    waiting: Waiting, server: ScriptedImap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is never taken for a whole one."""
    monkeypatch.setattr(idle, "ANSWER_S", 0.1)
    server.answers["IDLE"] = lambda _: [b"+ idling\r\n* 4 EXI", Stall()]
    with pytest.raises(TimeoutError):
        waiting().result(DEAD_LINE_S)


# --- a real server ---------------------------------------------------------------------------


@pytest.mark.dovecot
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_dovecot_tells_of_what_happens_elsewhere(
    dovecot: Dovecot, user: str, wake: tuple[socket.socket, socket.socket], *, tls: bool
) -> None:
    """Again and again over one connection, as a listener waits."""
    dovecot.append(user, [MESSAGE])
    port = dovecot.tls_port if tls else dovecot.port
    with logged_in(port, tls=tls, folder=dovecot.sent, user=user) as client:
        wait = start(client, LONG_S, wake[1])
        dovecot.append(user, [MESSAGE])
        assert wait.result(DEAD_LINE_S) is True
        wait = start(client, LONG_S, wake[1])
        expunge_one(dovecot, user)
        assert wait.result(DEAD_LINE_S) is True
        client.noop()


def expunge_one(dovecot: Dovecot, user: str) -> None:
    link = dovecot.connect(user)
    link.select(dovecot.sent)
    link.store("1", "+FLAGS", r"(\Deleted)")
    link.expunge()
    link.logout()
