"""Thunderbird's native messaging <-> the daemon's Unix socket: a thin relay that decides nothing.

    native_host.py --socket PATH MANIFEST EXTENSION     (Thunderbird gives the last two)

Each message is JSON in UTF-8 behind its length, 4 bytes in the machine's order. The extension asks

    {"id", "method", "path", "body"}    one request of the daemon's API; `body` may be left out
    {"cancel": ID}                      hang that request up, at once; its `end` is the answer

and hears, by the request's id,

    {"id", "status", "data"}            a whole answer, of whatever status; 0: the daemon gave none
    {"id", "event", "data"}             each server-sent event of a stream, as it comes
    {"id", "end": true}                 after a stream, or after a cancel
    {"id", "part", "last"}              a piece of the JSON text of a message longer than 1 MiB

Every request has a thread and a connection of its own. The end of standard input is the end of the
process, and so of all connections, which the daemon takes as hang-ups. Standard library only; run
it with `python3 -I -S`, which starts soonest. No content is ever written but to the extension: what
cannot be understood is answered or, where it names no request, ends the host with one sentence that
quotes nothing and exit code 1.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from http.client import HTTPException, HTTPResponse
from typing import IO, Any, NamedTuple
from urllib.parse import unquote

LONGEST_SENT = 1024 * 1024
"""Bytes of a message to the extension; Thunderbird ends a host that sends a longer one."""
LONGEST_TAKEN = 8 * LONGEST_SENT
"""Bytes of a message from it. The daemon refuses a body beyond 1 MiB in its own words."""
PIECE = 400_000
"""Characters of a part's text: each may need a backslash before it, and the id has room, too."""
ANSWER_S = 900.0
"""Until an answer begins: a mail server may take ten minutes to accept a mail."""
SILENCE_S = 60.0
"""In a stream. The daemon sends a comment every 15 s; a longer silence means that it hangs."""
FINAL = frozenset({"done", "error"})
"""Events after which nothing is missing."""

_METHODS = frozenset({"GET", "POST", "PUT", "DELETE"})
_FIELDS = frozenset({"id", "method", "path", "body"})
_PATH = re.compile(r"/v1/[A-Za-z0-9._~%!$&'()*+,;=:@/?-]+")
_LOST = ("connection_lost", "The daemon went away; try again.")

Message = dict[str, Any]


class Unusable(Exception):
    """A message that names no request, or breaks the framing; the sentence quotes nothing."""


class Asked(NamedTuple):
    """A request of the extension; `refused` says why it is not relayed, if it is not."""

    id: str
    method: str = ""
    path: str = ""
    body: bytes | None = None
    refused: str = ""


class Cancelled(NamedTuple):
    """The request of this id is to be hung up."""

    id: str


# --- messages, as bytes --------------------------------------------------------------------------


def read_message(stream: IO[bytes]) -> bytes | None:
    """The next message's JSON; None at the end. Raises Unusable."""
    head = stream.read(4)
    if not head:
        return None
    length = int.from_bytes(head, sys.byteorder)
    if len(head) == 4 and length > LONGEST_TAKEN:
        raise Unusable("A message was too long.")
    content = stream.read(length)
    if len(head) < 4 or len(content) < length:
        raise Unusable("A message was cut off.")
    return content


def understood(content: bytes) -> Asked | Cancelled:
    """What the extension wants. Raises Unusable."""
    try:
        message = json.loads(content)
    except (ValueError, RecursionError):
        raise Unusable("A message was no JSON.") from None
    if not isinstance(message, dict):
        raise Unusable("A message was no JSON object.")
    if message.keys() == {"cancel"} and isinstance(message["cancel"], str):
        return Cancelled(message["cancel"])
    name = message.get("id")
    if not isinstance(name, str) or not 0 < len(name) <= 200:
        raise Unusable("A message named no request.")
    refused = _why_not(message)
    if refused:
        return Asked(name, refused=refused)
    return Asked(name, message["method"], message["path"], _json(message.get("body")))


def _why_not(message: Message) -> str:
    """Why a request is not relayed; empty if it is."""
    if not message.keys() <= _FIELDS:
        return "The request has unknown fields."
    if message.get("method") not in _METHODS:
        return "The request's method is none of GET, POST, PUT and DELETE."
    path = message.get("path")
    if not isinstance(path, str) or not _PATH.fullmatch(path) or ".." in unquote(path).split("/"):
        return "The request's path is not below /v1/."
    if not isinstance(message.get("body"), dict | None):
        return "The request's body is no JSON object."
    return ""


def _json(body: Any) -> bytes | None:
    """The body as it is sent on; half a character goes as an escape, for the daemon to refuse."""
    if body is None:
        return None
    try:
        return json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(body).encode()


def frames(message: Message) -> Iterator[bytes]:
    """The message behind its length, or its parts, each behind its own."""
    text = json.dumps(message)
    if len(text) <= LONGEST_SENT:
        yield _framed(text)
        return
    for start in range(0, len(text), PIECE):
        piece, last = text[start : start + PIECE], start + PIECE >= len(text)
        yield _framed(json.dumps({"id": message["id"], "part": piece, "last": last}))


def _framed(text: str) -> bytes:
    content = text.encode("ascii")
    return len(content).to_bytes(4, sys.byteorder) + content


def events(pieces: Iterable[bytes]) -> Iterator[tuple[str, Any]]:
    """Server-sent events (HTML standard, 9.2.6) as the daemon sends them: one data line.

    Raises ValueError where that is no JSON.
    """
    name, data, rest = "", b"", b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            field, _, value = line.rstrip(b"\r").partition(b":")
            if field == b"event":
                name = value.strip().decode()
            elif field == b"data":
                data = value
            elif not field and not value and data:
                yield name, json.loads(data)
                name, data = "", b""


# --- one request ---------------------------------------------------------------------------------


class Call:
    """A request on its way, with its own connection to the daemon."""

    def __init__(self, asked: Asked, where: str, *, silence_s: float = SILENCE_S) -> None:
        self.asked = asked
        self._where = where
        self._silence_s = silence_s
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.hung_up = False

    def hang_up(self) -> None:
        """From another thread: whoever waits for the connection finds it closed."""
        self.hung_up = True
        with suppress(OSError):  # not connected yet, or no more
            self._socket.shutdown(socket.SHUT_RDWR)

    def conversation(self) -> Iterator[Message]:
        """What there is to say of it, to its end, which is a `status` or an `end`."""
        with closing(self._socket):
            try:
                self._socket.connect(self._where)
            except OSError:
                start = f"No daemon answers at {self._where}; start it with `trimtab run`."
                yield {"status": 0, "data": _error("daemon_not_running", start)}
                return
            if not self.hung_up:  # before there was a connection to shut down
                yield from self._answer()

    def _answer(self) -> Iterator[Message]:
        name = None
        try:
            with closing(self._ask()) as response:
                if response.headers.get_content_type() != "text/event-stream":
                    yield {"status": response.status, "data": _data(response)}
                    return
                self._socket.settimeout(self._silence_s)
                name = ""
                for name, data in events(iter(response.read1, b"")):
                    yield {"event": name, "data": data}
        except (OSError, HTTPException, ValueError):
            if name is None:
                yield {"status": 0, "data": _error(*_LOST)}
                return
            if name not in FINAL:
                yield {"event": "error", "data": _error(*_LOST)}
        yield {"end": True}

    def _ask(self) -> HTTPResponse:
        """Send the request; the answer's head has come. Raises OSError and HTTPException."""
        self._socket.settimeout(ANSWER_S)
        with suppress(OSError):  # refused before it was sent whole: the answer says why
            self._socket.sendall(_request(self.asked))
        response = HTTPResponse(self._socket, method=self.asked.method)
        response.begin()
        return response


def _request(asked: Asked) -> bytes:
    lines = [f"{asked.method} {asked.path} HTTP/1.1", "Host: trimtab", "Connection: close"]
    if asked.body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(asked.body)}"]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + (asked.body or b"")


def _data(response: HTTPResponse) -> Any:
    content = response.read()
    try:
        return json.loads(content) if content else None
    except ValueError:
        return _error("unexpected_answer", f"The daemon answered {response.status}.")


def _error(code: str, message: str) -> Message:
    return {"error": {"code": code, "message": message}}


# --- all of them ---------------------------------------------------------------------------------


class Relay:
    """Every request that runs, by its id, and the one way out to the extension."""

    def __init__(self, where: str, out: int) -> None:
        """`where` is the daemon's socket, `out` the descriptor to write to."""
        self._where = where
        self._out = out
        self._calls: dict[str, Call] = {}
        self._lock = threading.Lock()
        """Over both: who has left the table says nothing more."""

    def take(self, message: Asked | Cancelled) -> None:
        """Do what the extension wants; raises Unusable."""
        if isinstance(message, Cancelled):
            self._cancel(message.id)
            return
        call = Call(message, self._where)
        with self._lock:
            if message.id in self._calls:
                raise Unusable("Two requests had one id.")
            self._calls[message.id] = call
        if message.refused:
            data = _error("request_malformed", message.refused)
            self._say(call, {"status": 400, "data": data})
        else:
            threading.Thread(target=self._relay, args=(call,), daemon=True).start()

    def _relay(self, call: Call) -> None:
        for message in call.conversation():
            if not call.hung_up:  # what came of the cancel itself is not told
                self._say(call, message)

    def _cancel(self, name: str) -> None:
        call = self._calls.get(name)
        if call is not None:  # otherwise its end is on the way to the extension already
            call.hang_up()
            self._say(call, {"end": True})

    def _say(self, call: Call, message: Message) -> None:
        name = call.asked.id
        with self._lock:
            if self._calls.get(name) is not call:
                return  # it was cancelled, and its end was said
            if "status" in message or "end" in message:
                del self._calls[name]
            for frame in frames({"id": name, **message}):
                self._write(frame)

    def _write(self, frame: bytes) -> None:
        left = memoryview(frame)
        try:
            while left:
                left = left[os.write(self._out, left) :]
        except OSError:
            os._exit(1)  # nobody listens any more


def main(arguments: list[str]) -> int:
    """Relay until standard input ends; the exit code."""
    if len(arguments) < 2 or arguments[0] != "--socket":
        print("usage: native_host.py --socket PATH MANIFEST EXTENSION", file=sys.stderr)
        return 2
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    relay = Relay(arguments[1], sys.stdout.fileno())
    try:
        while (content := read_message(sys.stdin.buffer)) is not None:
            relay.take(understood(content))
    except Unusable as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _fail(kind: type[BaseException]) -> None:
    """End by a bug: its class and no more, for its text may quote mail."""
    os.write(2, f"The host failed by a bug ({kind.__name__}).\n".encode())
    os._exit(1)


if __name__ == "__main__":
    threading.excepthook = lambda failure: _fail(failure.exc_type)
    sys.excepthook = lambda kind, *_: _fail(kind)
    sys.exit(main(sys.argv[1:]))
