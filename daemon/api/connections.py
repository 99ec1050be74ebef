"""One client's connection, with limits: who is at its other end, how long, beside how many.

uvicorn times nothing but the pause between two requests. Here it matters whose turn it is: while it
is the client's, to send a whole request or to take an answer, a deadline runs, which no drip of
bytes puts off; while it is ours, none does. Connections are bounded in number: where one is too
many, the one that has kept us waiting longest goes, and only where all are at work is the new one
refused.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import socket
from typing import Literal

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from daemon.api.errors import error_body, status_of
from daemon.api.security import is_own_user
from daemon.errors import RequestMalformed, RequestTooSlow, TooManyConnections, TrimtabError
from daemon.explain import explain

REQUEST_S = 10.0
"""From the connection's beginning, or from the last answer, until a whole request has come."""
TAKING_S = 30.0
"""How long a client may leave an answer lie."""
LINGER_S = 1.0
"""How long a client that was answered before it had sent everything may go on sending."""
MAX_CONNECTIONS = 48
"""Of a socket. Two sockets stay far below the 256 files that macOS lets a process open."""

Turn = Literal["ours", "request", "taking", "linger"]
_SECONDS: dict[Turn, float] = {"request": REQUEST_S, "taking": TAKING_S, "linger": LINGER_S}

log = logging.getLogger(__name__)


class Connection(H11Protocol):
    """HTTP/1.1 for the user we run as; on a Unix socket anybody else is cut off before a byte."""

    _turn: Turn = "ours"
    _refused = False
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        # (uvicorn narrows asyncio's BaseTransport in the same way)
        super().connection_made(transport)
        self.access_log = False  # uvicorn decides it by who listens to its logger
        peer = transport.get_extra_info("socket")
        if peer.family == socket.AF_UNIX and not is_own_user(peer):
            log.warning("refused a connection of another user")
            transport.abort()
            return
        self._look()
        self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """No deadline outlives its connection."""
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes may have made it our turn; those of a client that was refused are dropped."""
        if not self._refused:
            super().data_received(data)
            self._look()

    def on_response_complete(self) -> None:
        """An answer makes it the client's turn, unless its next request is here already."""
        super().on_response_complete()
        self._look()

    def pause_writing(self) -> None:
        """The client does not take what we send."""
        super().pause_writing()
        self._look()

    def resume_writing(self) -> None:
        """It does again."""
        super().resume_writing()
        self._look()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # uvicorn's, in plain text
        """What is no HTTP, in the shape of every error."""
        self._refuse(RequestMalformed())

    def ends_at(self) -> float:
        """When its deadline is, by the loop's clock; never, while it is our turn."""
        return self._deadline.when() if self._deadline else math.inf

    def _look(self) -> None:
        """Start or stop the deadline, where the turn has changed."""
        turn = self._whose()
        if turn == self._turn:
            return
        self._stop()
        self._turn = turn
        if turn != "ours" and not self.transport.is_closing():
            self._deadline = self.loop.call_later(_SECONDS[turn], self._too_late)

    def _whose(self) -> Turn:
        if self._refused:
            return "linger"
        sending = self.conn.their_state is h11.SEND_BODY
        answered = self.cycle is None or self.cycle.response_complete
        if self.flow.write_paused:
            return "taking"
        if answered:
            return "linger" if sending else "request"
        return "request" if sending else "ours"

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        """A request that has begun is told; one that has not is just the end of a connection."""
        begun = self.conn.their_state is h11.SEND_BODY or bool(self.conn.trailing_data[0])
        if self._turn == "request" and begun:
            self._refuse(RequestTooSlow(REQUEST_S))
        else:
            self.transport.abort()

    def _make_room(self) -> None:
        if len(self.connections) <= MAX_CONNECTIONS:
            return
        others = [each for each in self.connections if isinstance(each, Connection)]
        longest = min(others, key=Connection.ends_at)
        if longest is self:
            self._refuse(TooManyConnections(MAX_CONNECTIONS))
        else:
            self.connections.discard(longest)  # at once, for more may come before it is closed
            longest.transport.abort()

    def _refuse(self, error: TrimtabError) -> None:
        """Answer, if an answer has not begun, and close once the client could read it."""
        self._refused = True
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            if self.cycle is not None:
                self.cycle.disconnected = True  # or the app's own answer would come behind this one
            content = json.dumps(error_body(error, explain)).encode()
            headers = [
                ("content-type", "application/json"),
                ("content-length", str(len(content))),
                ("connection", "close"),
            ]
            status = status_of(error)
            head = h11.Response(status_code=status, headers=headers, reason=status.phrase.encode())
            for event in (head, h11.Data(data=content), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
            self.transport.write_eof()  # closed with bytes unread, the system would drop the answer
            self._look()
        else:
            self.transport.abort()
