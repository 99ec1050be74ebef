r"""A scripted IMAP server for faults that a real server cannot be made to show.

It runs in threads, knows the standard library alone, and speaks the real wire format. Left alone it
is a small correct server over mailboxes in memory; a test replaces the answer to one command:

    with ScriptedImap({"Sent": Folder(b"Subject: hi\r\n\r\nhi", flags=r"\Sent")}) as server:
        server.answers["UID FETCH"] = first(lambda _: Close())
        ...
        assert server.seen("EXAMINE") == ["EXAMINE Sent"]
        server.wait_for("IDLE")
        server.deliver("Sent", raw)            # appended, and told to whoever idles on it

An answer is a function from a `Command` to bytes, a `Fault`, or several of both, one after the
other; `command.usual()` is what the small correct server would say, `command.ok()`, `.no()` and
`.bad()` are tagged lines. `GREETING` and `LITERAL` (the "+" before a literal) are answers like the
commands. What it does not know it answers with BAD.
"""

from __future__ import annotations

import base64
import contextlib
import re
import socket
import ssl
import struct
import threading
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message as Email
from typing import Any, Self

DEAD_LINE_S = 30
"""A hang fails the test instead of the whole run."""
CAPABILITIES = "IMAP4rev1 IDLE UIDPLUS SPECIAL-USE ESEARCH AUTH=XOAUTH2 AUTH=OAUTHBEARER"
PASSWORD = "secret"


class Fault:
    """What the server does instead of sending bytes."""


class Close(Fault):
    """Close the connection in good order."""


class Reset(Fault):
    """Close it with a RST: what was sent before may be lost."""


class Stall(Fault):
    """Say nothing more, and keep the connection open until the client or the test ends it."""


@dataclass(frozen=True, slots=True)
class Trickle(Fault):
    """Send these bytes one by one, each after a pause (seconds)."""

    data: bytes
    pause_s: float = 0.01


@dataclass(frozen=True, slots=True)
class Wait(Fault):
    """Go on when the event is set."""

    event: threading.Event


class StartTls(Fault):
    """The TLS handshake."""


Step = bytes | Fault
Answer = Callable[["Command"], Step | Iterable[Step]]


@dataclass(slots=True, kw_only=True)
class Stored:
    """A message of a folder; `structure` and `received` are sent as they are, if given."""

    uid: int
    raw: bytes
    received: bytes = b'"01-Mar-2026 09:30:00 +0000"'
    flags: tuple[str, ...] = ()
    structure: bytes | None = None


class Folder:
    """Messages by ascending UID. A `uidvalidity` of None is not told; `flags` are LIST's."""

    def __init__(
        self, *raws: bytes, uidvalidity: int | None = 7, flags: str = "", delimiter: str = '"/"'
    ) -> None:
        self.uidvalidity = uidvalidity
        self.flags = flags
        self.delimiter = delimiter
        self.uidnext = 1
        self.messages: list[Stored] = []
        for raw in raws:
            self.add(raw)

    def add(self, raw: bytes, uid: int | None = None) -> Stored:
        """Append a message, under a UID of its own if none is given."""
        stored = Stored(uid=uid or self.uidnext, raw=raw)
        self.messages.append(stored)
        self.uidnext = max(self.uidnext, stored.uid + 1)
        return stored

    def remove(self, *uids: int) -> None:
        """Expunge messages."""
        self.messages = [message for message in self.messages if message.uid not in uids]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a client sent, its literals in place. `number`: the how-many-eth of that name."""

    tag: str
    name: str
    arguments: bytes
    number: int
    session: Session

    def ok(self, text: str = "done") -> bytes:
        """A tagged OK."""
        return f"{self.tag} OK {text}\r\n".encode()

    def no(self, text: str) -> bytes:
        """A tagged NO."""
        return f"{self.tag} NO {text}\r\n".encode()

    def bad(self, text: str) -> bytes:
        """A tagged BAD."""
        return f"{self.tag} BAD {text}\r\n".encode()

    def usual(self) -> bytes:
        """What the server would have said (done, where it changes a mailbox)."""
        steps = _USUAL.get(self.name, _unknown)(self)
        assert isinstance(steps, bytes), f"{self.name} is a dialogue"
        return steps

    def read_line(self) -> bytes:
        """The client's next line within this command, without its end."""
        return self.session.read_line()

    @property
    def words(self) -> list[Word]:
        """The arguments as atoms, strings and lists."""
        return _words(self.arguments)


Word = Any
"""`bytes`, or a list of words: what stands in parentheses."""


class ScriptedImap:
    """The server, running inside its `with` block on a free port.

    `context`: TLS from the first byte, or from STARTTLS on if `starttls`. The log holds the
    commands of all connections in their order, without tags.
    """

    def __init__(
        self,
        folders: dict[str, Folder] | None = None,
        *,
        capabilities: str = CAPABILITIES,
        context: ssl.SSLContext | None = None,
        starttls: bool = False,
        tokens: Iterable[str] = (),
        host: str = "127.0.0.1",
    ) -> None:
        self.folders = {"Sent": Folder(flags=r"\Sent")} if folders is None else folders
        self.capabilities = capabilities
        self.context = context
        self.starttls = starttls
        self.tokens = set(tokens)
        self.answers: dict[str, Answer] = {}
        self.log: list[str] = []
        self.opened = self.closed = 0
        self._changed = threading.Condition(threading.RLock())
        self._counts = Counter[str]()
        self._sessions: list[Session] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server((host, 0))
        self.port: int = self._listener.getsockname()[1]
        self.stopping = threading.Event()

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._changed:
            for session in self._sessions:
                session.drop()
        for thread in self._threads:
            thread.join(DEAD_LINE_S)

    def seen(self, start: str = "") -> list[str]:
        """The commands seen so far that begin with `start`."""
        with self._changed:
            return [line for line in self.log if line.upper().startswith(start.upper())]

    def wait(self, holds: Callable[[Self], bool]) -> None:
        """Until something about the server holds; looked at with every command and connection."""
        with self._changed:
            assert self._changed.wait_for(lambda: holds(self), DEAD_LINE_S), self.log

    def wait_for(self, start: str, times: int = 1) -> None:
        """Until that many commands that begin so have been seen."""
        self.wait(lambda server: len(server.seen(start)) >= times)

    def push(self, data: bytes) -> None:
        """Send untagged lines to whoever idles; waits until someone does."""
        self.wait(lambda server: any(session.idling for session in server._sessions))
        for session in self._sessions:
            if session.idling:
                session.send(data)

    def deliver(self, folder: str, raw: bytes) -> None:
        """Append a message, and tell those who idle."""
        with self._changed:
            self.folders[folder].add(raw)
        self.push(b"* %d EXISTS\r\n" % len(self.folders[folder].messages))

    def _count(self, name: str, line: str | None) -> int:
        with self._changed:
            if line is not None:
                self.log.append(line)
            self._counts[name] += 1
            self._changed.notify_all()
            return self._counts[name]

    def _note(self, change: Callable[[], None]) -> None:
        with self._changed:
            change()
            self._changed.notify_all()

    def _start(self, run: Callable[[], None]) -> None:
        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            with self._changed:
                session = Session(self, link)
                self._sessions.append(session)
                self.opened += 1
                self._changed.notify_all()
                if self.stopping.is_set():
                    session.drop()
            self._start(session.run)


class Session:
    """One connection: reads commands, sends answers, and knows which folder is open."""

    def __init__(self, server: ScriptedImap, link: socket.socket) -> None:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server = server
        self.idling = False
        self.folder: Folder | None = None
        self.known: list[int] = []
        """The UIDs of the open folder by sequence number, as the client knows them."""
        self._link = link
        self._buffer = b""
        self._sending = threading.Lock()

    def run(self) -> None:
        """Until either side ends it."""
        try:
            if self.server.context and not self.server.starttls:
                self._handshake()
            self._answer(self._command("*", "GREETING", b""))
            while True:
                self._answer(self._next_command())
        except (_Ended, OSError):
            pass
        finally:
            self.drop()
            self._link.close()
            self.server._note(self._count_closed)

    def drop(self) -> None:
        """End the connection from any thread; a blocked read or write ends with it."""
        with contextlib.suppress(OSError):
            self._link.shutdown(socket.SHUT_RDWR)

    def send(self, data: bytes) -> None:
        """Bytes to the client."""
        with self._sending:
            self._link.sendall(data)

    def read_line(self) -> bytes:
        """A line without its end."""
        while b"\r\n" not in self._buffer:
            self._receive()
        line, self._buffer = self._buffer.split(b"\r\n", 1)
        return line

    def idle(self, active: bool) -> None:
        """Whether untagged lines may be pushed now."""
        self.server._note(lambda: setattr(self, "idling", active))

    def _count_closed(self) -> None:
        self.server.closed += 1
        self.idling = False

    def _receive(self) -> None:
        data = self._link.recv(65_536)
        if not data:
            raise _Ended
        self._buffer += data

    def _read_bytes(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._receive()
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    def _next_command(self) -> Command:
        whole = line = self.read_line()
        while literal := re.search(rb"\{(\d+)(\+?)\}$", line):
            if not literal[2]:
                self._answer(self._command("+", "LITERAL", literal[1]))
            data, line = self._read_bytes(int(literal[1])), self.read_line()
            whole += b"\r\n" + data + line
        tag, _, rest = whole.partition(b" ")
        name, _, arguments = rest.partition(b" ")
        if name.upper() == b"UID":
            second, _, arguments = arguments.partition(b" ")
            name = b"UID " + second
        return self._command(tag.decode(), name.decode().upper(), arguments)

    def _command(self, tag: str, name: str, arguments: bytes) -> Command:
        line = f"{name} {arguments.decode('utf-8', 'replace')}".rstrip()
        number = self.server._count(name, None if tag in {"*", "+"} else line)
        return Command(tag=tag, name=name, arguments=arguments, number=number, session=self)

    def _answer(self, command: Command) -> None:
        usual = _USUAL.get(command.name, _unknown)
        steps = self.server.answers.get(command.name, usual)(command)
        for step in [steps] if isinstance(steps, bytes | Fault) else steps:
            if isinstance(step, bytes):
                self.send(step)
            else:
                self._fail(step)
        if command.name == "LOGOUT":
            raise _Ended

    def _fail(self, fault: Fault) -> None:
        match fault:
            case Close():
                raise _Ended
            case Reset():
                linger = struct.pack("ii", 1, 0)
                self._link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self._link.close()
                raise _Ended
            case Stall():
                while True:
                    self._receive()
            case Trickle(data=data, pause_s=pause_s):
                for byte in data:
                    self.send(bytes([byte]))
                    self.server.stopping.wait(pause_s)
            case Wait(event=event):
                assert event.wait(DEAD_LINE_S)
            case StartTls():
                self._handshake()

    def _handshake(self) -> None:
        assert self.server.context is not None
        self._link = self.server.context.wrap_socket(self._link, server_side=True)


class _Ended(Exception):
    """The connection is over."""


def first(answer: Answer) -> Answer:
    """That answer the first time, afterwards the usual one."""
    return only(1, answer)


def only(number: int, answer: Answer) -> Answer:
    """That answer to the `number`-th command of its name, the usual one to all others."""
    return lambda command: answer(command) if command.number == number else usual(command)


def usual(command: Command) -> Step | Iterable[Step]:
    """What the small correct server answers, dialogues included."""
    return _USUAL.get(command.name, _unknown)(command)


def _greeting(command: Command) -> bytes:
    return command.ok(f"[CAPABILITY {_capabilities(command)}] ready")


def _capabilities(command: Command) -> str:
    plain = command.session.server.starttls and not isinstance(command.session._link, ssl.SSLSocket)
    return command.session.server.capabilities + (" STARTTLS" if plain else "")


def _capability(command: Command) -> bytes:
    return f"* CAPABILITY {_capabilities(command)}\r\n".encode() + command.ok()


def _starttls(command: Command) -> Iterator[Step]:
    yield command.ok("begin TLS")
    yield StartTls()


def _login(command: Command) -> bytes:
    if command.words[1] != PASSWORD.encode():
        return command.no("[AUTHENTICATIONFAILED] no")
    return command.ok()


def _authenticate(command: Command) -> Iterator[Step]:
    """XOAUTH2 and OAUTHBEARER: a wrong token is told by a challenge, which has to be answered."""
    words = command.words
    if len(words) == 1:
        yield b"+ \r\n"
        words.append(command.read_line())
    said = base64.b64decode(words[1])
    token = re.search(rb"auth=Bearer ([^\x01]+)", said)
    if token is not None and token[1].decode() in command.session.server.tokens:
        yield command.ok()
        return
    yield b"+ " + base64.b64encode(b'{"status":"401","schemes":"bearer"}') + b"\r\n"
    command.read_line()
    yield command.no("[AUTHENTICATIONFAILED] invalid token")


def _list(command: Command) -> bytes:
    lines = [
        f'* LIST ({folder.flags}) {folder.delimiter} "{name}"\r\n'
        for name, folder in command.session.server.folders.items()
    ]
    return "".join(lines).encode() + command.ok()


def _status(command: Command) -> bytes:
    name, items = command.words
    folder = command.session.server.folders.get(name.decode())
    if folder is None:
        return command.no("[NONEXISTENT] no such folder")
    known = {
        b"MESSAGES": len(folder.messages),
        b"UIDNEXT": folder.uidnext,
        b"UIDVALIDITY": folder.uidvalidity,
        b"RECENT": 0,
        b"UNSEEN": 0,
    }
    values = " ".join(f"{i.decode()} {known[i.upper()]}" for i in items)
    return f'* STATUS "{name.decode()}" ({values})\r\n'.encode() + command.ok()


def _open(command: Command) -> bytes:
    folder = command.session.server.folders.get(bytes(command.words[0]).decode())
    if folder is None:
        return command.no("[NONEXISTENT] no such folder")
    session = command.session
    session.folder, session.known = folder, [message.uid for message in folder.messages]
    lines = [
        r"* FLAGS (\Answered \Flagged \Deleted \Seen \Draft)",
        f"* {len(session.known)} EXISTS",
        "* 0 RECENT",
        f"* OK [UIDVALIDITY {folder.uidvalidity}] valid",
        f"* OK [UIDNEXT {folder.uidnext}] next",
    ]
    told = [line for line in lines if "VALIDITY None" not in line]
    mode = "READ-ONLY" if command.name == "EXAMINE" else "READ-WRITE"
    return "\r\n".join([*told, ""]).encode() + command.ok(f"[{mode}] open")


def _noop(command: Command) -> bytes:
    return _news(command.session) + command.ok()


def _news(session: Session) -> bytes:
    """EXPUNGE and EXISTS lines for what happened since the client was told last."""
    if session.folder is None:
        return b""
    now = {message.uid for message in session.folder.messages}
    gone = [number for number, uid in enumerate(session.known, 1) if uid not in now]
    lines = [b"* %d EXPUNGE\r\n" % number for number in reversed(gone)]
    if now - set(session.known):
        lines.append(b"* %d EXISTS\r\n" % len(now))
    session.known = sorted(now)
    return b"".join(lines)


def _idle(command: Command) -> Iterator[Step]:
    yield b"+ idling\r\n" + _news(command.session)
    command.session.idle(True)
    line = command.read_line()
    command.session.idle(False)
    yield command.ok() if line.upper() == b"DONE" else command.bad("DONE was expected")


def _append(command: Command) -> bytes:
    words = command.words
    folder = command.session.server.folders.get(words[0].decode())
    if folder is None:
        return command.no("[TRYCREATE] no such folder")
    stored = folder.add(words[-1])
    for word in words[1:-1]:
        if isinstance(word, list):
            stored.flags = tuple(flag.decode() for flag in word)
    return command.ok(f"[APPENDUID {folder.uidvalidity} {stored.uid}] stored")


def _logout(command: Command) -> bytes:
    return b"* BYE bye\r\n" + command.ok()


def _search(command: Command) -> bytes:
    folder, words = command.session.folder, command.words
    if folder is None:
        return command.bad("no folder is open")
    extended = words[0] == b"RETURN"
    if extended and "ESEARCH" not in command.session.server.capabilities:
        return command.bad("RETURN is not known")
    words = words[2:] if extended else words
    words = words[2:] if words[0] == b"CHARSET" else words
    news = _news(command.session)
    try:
        found = _matching(folder, words)
    except (KeyError, IndexError, ValueError) as error:
        return command.bad(f"{error!r}: no criteria of this server's")
    if extended:
        ranges = f" ALL {_as_set(found)}" if found else ""
        line = f'* ESEARCH (TAG "{command.tag}") UID{ranges}\r\n'
    else:
        line = f"* SEARCH {' '.join(map(str, found))}".rstrip() + "\r\n"
    return news + line.encode() + command.ok()


def _matching(folder: Folder, words: list[Word]) -> list[int]:
    found, rest = folder.messages, list(words)
    while rest:
        key = rest.pop(0).upper()
        negated = key == b"NOT"
        if negated:
            key = rest.pop(0).upper()
        test = _by_number(folder, key) if key[:1].isdigit() else _KEYS[key](folder, rest)
        found = [message for message in found if test(message) != negated]
    return [message.uid for message in found]


Test = Callable[[Stored], bool]


def _by_number(folder: Folder, numbers: bytes) -> Test:
    present = [message.uid for message in folder.messages]
    wanted = {present[n - 1] for n in _from_set(numbers, list(range(1, len(present) + 1)))}
    return lambda message: message.uid in wanted


def _by_uid(folder: Folder, rest: list[Word]) -> Test:
    wanted = _from_set(rest.pop(0), [message.uid for message in folder.messages])
    return lambda message: message.uid in wanted


def _by_header(_: Folder, rest: list[Word]) -> Test:
    name, value = rest.pop(0).decode(), rest.pop(0).decode().lower()
    return lambda message: value in str(message_from_bytes(message.raw).get(name, "\0")).lower()


_KEYS: dict[bytes, Callable[[Folder, list[Word]], Test]] = {
    b"ALL": lambda _, __: lambda _: True,
    b"UID": _by_uid,
    b"HEADER": _by_header,
    b"DELETED": lambda _, __: lambda message: r"\Deleted" in message.flags,
    b"UNDELETED": lambda _, __: lambda message: r"\Deleted" not in message.flags,
}


def _from_set(text: bytes, present: list[int]) -> set[int]:
    """The present numbers of a sequence set; `n:*` holds the last one, whatever n is."""
    last, found = max(present, default=0), set[int]()
    for piece in text.decode().split(","):
        ends = [last if end == "*" else int(end) for end in piece.split(":")]
        found.update(present[bisect_left(present, min(ends)) : bisect_right(present, max(ends))])
    return found


def _as_set(numbers: list[int]) -> str:
    pieces: list[list[int]] = []
    for number in numbers:
        if pieces and pieces[-1][-1] == number - 1:
            pieces[-1][1:] = [number]
        else:
            pieces.append([number])
    return ",".join(":".join(map(str, piece)) for piece in pieces)


def _fetch(command: Command) -> bytes:
    session, words = command.session, command.words
    if session.folder is None:
        return command.bad("no folder is open")
    items = words[1] if isinstance(words[1], list) else [words[1]]
    asked = [item.decode() for item in items]
    news = _news(session)
    wanted = _from_set(words[0], session.known)
    found = [message for message in session.folder.messages if message.uid in wanted]
    return news + b"".join(row(session, message, asked) for message in found) + command.ok()


def row(session: Session, message: Stored, asked: Iterable[str]) -> bytes:
    """One message's FETCH line with these items; the UID comes first."""
    number = bisect_left(session.known, message.uid) + 1
    values = [_item(message, item) for item in asked if item.upper() != "UID"]
    return b"* %d FETCH (UID %d %s)\r\n" % (number, message.uid, b" ".join(values))


def _item(message: Stored, item: str) -> bytes:
    match item.upper():
        case "FLAGS":
            return f"FLAGS ({' '.join(message.flags)})".encode()
        case "INTERNALDATE":
            return b"INTERNALDATE " + message.received
        case "RFC822.SIZE":
            return b"RFC822.SIZE %d" % len(message.raw)
        case "BODYSTRUCTURE":
            return b"BODYSTRUCTURE " + (message.structure or structure(message.raw))
    asked = re.fullmatch(r"BODY(?:\.PEEK)?\[(.*)\](?:<(\d+)\.(\d+)>)?", item, re.IGNORECASE)
    assert asked is not None, f"FETCH {item} is not known to the scripted server"
    data, start = section(message.raw, asked[1]), ""
    if asked[2]:
        data, start = data[int(asked[2]) :][: int(asked[3])], f"<{asked[2]}>"
    return f"BODY[{asked[1]}]{start} {{{len(data)}}}\r\n".encode() + data


def section(raw: bytes, wanted: str) -> bytes:
    """The bytes of a section: "", HEADER, HEADER.FIELDS (..), TEXT, a part, or its MIME header."""
    header, blank, body = raw.partition(b"\r\n\r\n")
    named = {"": raw, "HEADER": header + blank, "TEXT": body}
    if wanted.upper() in named:
        return named[wanted.upper()]
    if fields := re.fullmatch(r"HEADER\.FIELDS \((.*)\)", wanted, re.IGNORECASE):
        names = "|".join(map(re.escape, fields[1].split()))
        lines = rb"(?im)^(?:%s):.*\r\n(?:[ \t].*\r\n)*" % names.encode()
        return b"".join(re.findall(lines, header + b"\r\n")) + b"\r\n"
    number, mime, _ = wanted.upper().partition(".MIME")
    part = _part(message_from_bytes(raw), [int(step) for step in number.split(".")])
    if part is None:
        return b""
    if mime:
        return b"".join(f"{k}: {v}\r\n".encode() for k, v in part.raw_items()) + b"\r\n"
    return _payload(part)


def _part(part: Email, steps: list[int]) -> Email | None:
    for step in steps:
        children = _children(part) or [part]
        if step > len(children):
            return None
        part = children[step - 1]
    return part


def structure(raw: bytes) -> bytes:
    """BODYSTRUCTURE of a message of leaves and multiparts; a message within it is a leaf here."""
    return _structure(message_from_bytes(raw)).encode("utf-8", "surrogateescape")


def _structure(part: Email) -> str:
    subtype = f'"{part.get_content_subtype().upper()}"'
    if children := _children(part):
        parts = "".join(_structure(child) for child in children)
        return f"({parts} {subtype} {_parameters(part)} NIL NIL NIL)"
    kind, payload = part.get_content_maintype(), _payload(part)
    encoding = str(part.get("Content-Transfer-Encoding", "7BIT")).upper()
    lines = f" {payload.count(bytes([10]))}" if kind == "text" else ""
    head = f'"{kind.upper()}" {subtype} {_parameters(part)} NIL NIL "{encoding}"'
    disposition = part.get_content_disposition()
    shown = f'("{disposition.upper()}" NIL)' if disposition else "NIL"
    return f"({head} {len(payload)}{lines} NIL {shown} NIL NIL)"


def _parameters(part: Email) -> str:
    found = [f'"{name.upper()}" "{value}"' for name, value in (part.get_params() or [])[1:]]
    if not found and part.get_content_maintype() == "text":
        return '("CHARSET" "us-ascii")'
    return f"({' '.join(found)})" if found else "NIL"


def _children(part: Email) -> list[Email]:
    payload = part.get_payload()
    multipart = part.get_content_maintype() == "multipart" and isinstance(payload, list)
    return [child for child in payload if isinstance(child, Email)] if multipart else []


def _payload(part: Email) -> bytes:
    payload = part.get_payload()
    if isinstance(payload, str):
        return payload.encode("utf-8", "surrogateescape")
    return b"".join(child.as_bytes() for child in payload if isinstance(child, Email))


def _unknown(command: Command) -> bytes:
    return command.bad(f"{command.name} is not known")


_WORD = re.compile(
    rb"""\s*(?:
    (?P<open>\() | (?P<close>\)) |
    "(?P<string>(?:[^"\\]|\\.)*)" |
    \{(?P<literal>\d+)\+?\}\r\n |
    (?P<atom>[^\s()\["]*\[[^\]]*\](?:<[^>]*>)? | [^\s()"]+)
    )""",
    re.VERBOSE,
)


def _words(text: bytes) -> list[Word]:
    stack: list[list[Word]] = [[]]
    at = 0
    while at < len(text) and (found := _WORD.match(text, at)):
        at = found.end()
        if found["open"]:
            stack.append([])
        elif found["close"]:
            inner = stack.pop()
            stack[-1].append(inner)
        elif found["literal"]:
            stack[-1].append(text[at : at + int(found["literal"])])
            at += int(found["literal"])
        elif found["string"] is not None:
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", found["string"]))
        else:
            stack[-1].append(found["atom"])
    return stack[0]


_USUAL: dict[str, Answer] = {
    "GREETING": _greeting,
    "LITERAL": lambda _: b"+ go on\r\n",
    "CAPABILITY": _capability,
    "STARTTLS": _starttls,
    "LOGIN": _login,
    "AUTHENTICATE": _authenticate,
    "LIST": _list,
    "STATUS": _status,
    "SELECT": _open,
    "EXAMINE": _open,
    "NOOP": _noop,
    "IDLE": _idle,
    "APPEND": _append,
    "LOGOUT": _logout,
    "UID SEARCH": _search,
    "UID FETCH": _fetch,
}
