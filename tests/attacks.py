"""What a stranger, a web page or a broken client may try on the daemon's sockets.

Each attack is made on a real daemon, and tells by an assertion where it got further than it may.
What is private to the user is planted in them (`SECRETS`), to be looked for in the logs afterwards.
"""

import asyncio
import json
import random
import re
import resource
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

from draft_examples import body
from hostile_mails import CANARY, TEXTS
from running_daemon import Running, ask, exchange, read_to_end, request, status_of
from tools import free_port

MIB = 1024 * 1024
LONE = re.compile("[\ud800-\udfff]")
"""Half a character, which is refused."""
SECRETS = {
    "password": "planted-password-1f7c",
    "address": "planted-address@secret.example",
    "subject": "planted-subject-2b4e",
    "bullet": "planted-bullet-9d3a",
    "body": "planted-body-77aa",
    "path": "planted-path-5c5c",
    "header": "planted-header-e0e0",
}
CONFIG = f"""
[accounts.home]
addresses = ["{SECRETS["address"]}"]
[accounts.home.imap]
host = "127.0.0.1"
port = {free_port()}
security = "plain"
user = "{SECRETS["address"]}"
password = "{SECRETS["password"]}"
"""
JSON, LASTING = "Content-Type: application/json", "Connection: keep-alive"


def secret_draft(key: str, **changes: Any) -> dict[str, Any]:
    """A request for a draft in which everything is planted."""
    person = {"name": "Robin", "address": SECRETS["address"]}
    context = [{"author": person, "text": SECRETS["body"]}]
    request = body(key, to=[person], subject=SECRETS["subject"], context=context)
    return request | {"bullets": [SECRETS["bullet"]]} | changes


def posted(daemon: Running, *headers: str, tcp: bool = True, **more: Any) -> bytes:
    """The answer to a request for a draft with these headers."""
    content = json.dumps(secret_draft("attack")).encode()
    return ask(daemon, b"POST /v1/drafts", *headers, body=content, tcp=tcp, **more)


def refused(answer: bytes, *statuses: int) -> None:
    """The answer is one of these errors, has their shape, and lets no web page read it."""
    head, _, content = answer.partition(b"\r\n\r\n")
    assert status_of(answer) in statuses, answer[:300]
    assert b"access-control" not in head.lower()
    assert set(json.loads(content)["error"]) == {"code", "message"}


def without_the_token(daemon: Running) -> None:
    """Nothing is answered, not even whether a thing exists."""
    for line in (
        b"GET /v1/health",
        b"GET /v1/openapi.json",
        b"GET /nowhere",
        b"OPTIONS /v1/drafts",
    ):
        refused(ask(daemon, line, token=False), 401)
    refused(posted(daemon, JSON, token=False), 401)


def with_a_wrong_token(daemon: Running) -> None:
    """Part of it, more than it, another scheme, twice, in another place."""
    token = daemon.token
    wrong = ["x" * 43, token[:-1], token + "x", token.swapcase(), "", f'"{token}"', "é"]
    for value in [*(f"Bearer {each}" for each in wrong), f"Basic {token}", token]:
        refused(ask(daemon, b"GET /v1/health", f"Authorization: {value}"), 401)
    twice = [f"Authorization: Bearer {token}"] * 2
    refused(ask(daemon, b"GET /v1/health", *twice), 401)
    line = f"GET /v1/health?token={token}&access_token={token}".encode()
    refused(ask(daemon, line, f"Cookie: token={token}", token=False), 401)


def from_another_origin(daemon: Running) -> None:
    """Even with the token, on both sockets: no page has business here."""
    own = f"http://127.0.0.1:{daemon.port}"
    for origin in ("https://evil.example", "null", own, "moz-extension://0b1c", ""):
        for tcp in (True, False):
            refused(posted(daemon, JSON, f"Origin: {origin}", tcp=tcp), 403)
    extension = "Origin: moz-extension://6f1e0f2c-8f0f-4c61-9f1b-3c5d2a7b9e10"
    refused(posted(daemon, JSON, extension, tcp=False), 403)
    refused(posted(daemon, JSON, extension, token=False), 401)
    asks = "Access-Control-Request-Method: POST", "Access-Control-Request-Private-Network: true"
    refused(ask(daemon, b"OPTIONS /v1/drafts", "Origin: https://evil.example", *asks), 403)


def as_another_host(daemon: Running) -> None:
    """As a name that its owner has turned to 127.0.0.1 (DNS rebinding)."""
    port = daemon.port
    names = "evil.example", "localhost", "127.0.0.1.evil.example", "127.1", "[::1]", "0.0.0.0", ""
    for host in [*(f"{name}:{port}" for name in names), "127.0.0.1", f"127.0.0.1:{port + 1}"]:
        refused(ask(daemon, b"GET /v1/health", f"Host: {host}"), 403)
    absolute = f"GET http://127.0.0.1:{port}/v1/health".encode()
    refused(ask(daemon, absolute, f"Host: evil.example:{port}"), 403)
    token = f"Authorization: Bearer {daemon.token}\r\n".encode()
    old = exchange(daemon, b"GET /v1/health HTTP/1.0\r\n" + token + b"\r\n")
    refused(old, 403)
    twice = [f"Host: 127.0.0.1:{port}", "Host: evil.example"]
    refused(ask(daemon, b"GET /v1/health", *twice), 400)


def with_another_type(daemon: Running) -> None:
    """What a page can send without asking: forms and text; on both sockets."""
    simple = "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"
    for kind in (*simple, "text/plain; application/json", "application/json, text/plain"):
        for tcp in (True, False):
            refused(posted(daemon, f"Content-Type: {kind}", tcp=tcp), 415)
    refused(posted(daemon), 415)
    refused(posted(daemon, JSON, "Content-Type: text/plain"), 415)


def by_tricks_of_the_path(daemon: Running) -> None:
    """None leads to a file, around a check, or to a bug."""
    secret = SECRETS["path"]
    paths = (
        "/v1/../../../etc/passwd", "/v1/..%2f..%2f..%2fetc%2fpasswd", "//etc/passwd", "//v1/status",
        "/v1//status", "/v1/status/", "/v1/./status", "/%76%31/%2e%2e/x", "/V1/status", "*",
        f"/v1/drafts/{secret}/../save", f"/v1/drafts/{secret}%00", f"/{secret}", f"/v1/{secret}",
        "/v1/drafts/%00/save", "/v1/drafts/..%2f..%2ftrimtab.db/save", "/v1/drafts/%ff%fe/save",
        "/v1/drafts/%c0%ae%c0%ae%2f/save", "/v1/jobs/99999999999999999999", "/v1/jobs/-1",
        "/v1/jobs/0x1", "/v1/jobs/%F0%9D%9F%99", "/v1/accounts/..%2f..%2f/deletions", "/run/token",
    )  # fmt: skip
    for path in paths:
        for method in (b"GET", b"POST", b"DELETE"):
            answer = ask(daemon, method + b" " + path.encode(), tcp=False)
            assert 400 <= status_of(answer) < 500, (path, answer[:200])
            assert b"root:" not in answer
            assert daemon.token.encode() not in answer
    refused(ask(daemon, b"GET /v1/\x00status"), 400)


def with_a_body_too_large(daemon: Running) -> None:
    """Declared, or without an end: refused, cut off, and never held."""
    declared = f"Content-Length: {10**15}"  # more than comes in the second that it may go on
    before = daemon.peak
    for tcp in (True, False):
        for how in (declared, "Transfer-Encoding: chunked"):
            refused(_poured(daemon, how, tcp=tcp), 413)
    refused(_poured(daemon, declared, tcp=True, token=False), 401)
    assert daemon.peak - before < 30 * MIB


def _poured(daemon: Running, how: str, *, tcp: bool, token: bool = True) -> bytes:
    """The answer to a body that goes on until the daemon cuts it off; it must do so."""
    piece = (SECRETS["body"].encode() * 5000)[:65536]
    if "chunked" in how:
        piece = b"%x\r\n%s\r\n" % (len(piece), piece)
    head = request(daemon, b"POST /v1/drafts", JSON, how, LASTING, token=token and tcp)
    with daemon.connected(tcp=tcp) as connection:
        came, until = b"", time.monotonic() + 60
        connection.sendall(head)
        with suppress(ConnectionError):
            while time.monotonic() < until:
                readable, writable, _ = select.select([connection], [connection], [], 1)
                if readable:
                    came += connection.recv(65536)
                if writable:
                    connection.sendall(piece)  # whole, or a chunk would be cut
        assert time.monotonic() < until, "never cut off"
        return came


def with_a_bomb_for_a_head(daemon: Running) -> None:
    """Many headers, long ones, one without an end, a long target."""
    many = [f"X-{number}: {SECRETS['header']}" for number in range(600)]
    long = f"X-Long: {SECRETS['header'] * 1000}"
    for tcp in (True, False):
        refused(ask(daemon, b"GET /v1/health", *many, tcp=tcp), 431)
        refused(ask(daemon, b"GET /v1/health", long, tcp=tcp), 431, 400)
        refused(ask(daemon, b"GET /v1/health?" + b"x" * 17000, tcp=tcp), 431, 400)
        with daemon.connected(tcp=tcp) as connection:
            with suppress(OSError):
                connection.sendall(b"GET /v1/health HTTP/1.1\r\nX-Endless: ")
                for _ in range(64):
                    connection.sendall(b"x" * MIB)
            assert status_of(read_to_end(connection)) in {0, 400}  # the answer may be lost
    before = daemon.peak
    ask(daemon, b"GET /v1/health", *(f"X-{number}: x" for number in range(100_000)))
    assert daemon.peak - before < 30 * MIB


def with_what_is_no_http(daemon: Running) -> None:
    """Noise, other protocols, contradictions: one clear answer, or none."""
    seeded = random.Random(6)
    noise = [seeded.randbytes(4096) + b"\r\n\r\n" for _ in range(20)]
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + seeded.randbytes(512) + b"\r\n\r\n"
    others = [
        hello,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/9.9\r\nConnection: close\r\n\r\n",
    ]
    secret = SECRETS["header"].encode()
    heads = [
        b"GET / HTTP/1.1\r\nConnection: close\r\nHost: x\r\n " + secret + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: \x00" + secret + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nNo colon " + secret + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n" + secret,
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 9\r\n\r\n" + secret,
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n" + secret,
    ]
    for tcp in (True, False):
        for data in [*noise, *others, *heads]:
            answer = exchange(daemon, data, tcp=tcp)
            assert answer == b"" or 400 <= status_of(answer) < 500, (data[:80], answer[:200])
        head = request(daemon, b"POST /v1/drafts", JSON, "Transfer-Encoding: chunked", token=tcp)
        answer = exchange(daemon, head + b"zz\r\n" + secret, tcp=tcp)
        assert status_of(answer) in {0, 400}, answer[:200]


def with_json_that_is_none(daemon: Running) -> None:
    """Depth, size, duplicates, and what no text can hold."""
    secret = SECRETS["body"].encode()
    contents = [
        b"[" * 200_000, b'{"a":' * 50_000, b"{" + secret, b'"' + secret + b'"', b"NaN", b"1e999999",
        b"\xff\xfe" + secret, b'{"' + secret + b'": 1}', b'{"\\ud800": 1}', b'"\\ud800"', b"null",
        b"9" * 10_000, b"\x00", b"[]",
    ]  # fmt: skip
    for content in contents:
        refused(ask(daemon, b"POST /v1/drafts", JSON, body=content, tcp=False), 400, 422)
    lone = json.dumps(secret_draft("lone", bullets=["\ud800"])).encode()
    refused(ask(daemon, b"POST /v1/drafts", JSON, body=lone, tcp=False), 400, 422)


def with_a_thousand_idle_connections(daemon: Running) -> None:
    """While they stand, a new client is served; and none of them stands for long."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = 4096 if most == resource.RLIM_INFINITY else min(most, 4096)
    resource.setrlimit(resource.RLIMIT_NOFILE, (enough, most))
    with ExitStack() as stack:
        sockets = [tcp for tcp in (True, False) for _ in range(1000)]
        idle = [stack.enter_context(daemon.connected(tcp=tcp)) for tcp in sockets]
        assert status_of(ask(daemon, b"GET /v1/health")) == 200
        assert status_of(ask(daemon, b"GET /v1/health", tcp=False)) == 200
        refused(b"".join(_dripped(stack.enter_context(daemon.connected()))), 408)
        for connection in idle:
            assert read_to_end(connection) == b""


def _dripped(connection: socket.socket) -> Iterator[bytes]:
    """What comes back for a head that comes a byte at a time."""
    connection.settimeout(0.3)
    until = time.monotonic() + 60
    with suppress(ConnectionError):
        for byte in b"GET /v1/health HTTP/1.1\r\nX-Slow: " + b"x" * 1000:
            assert time.monotonic() < until, "never cut off"
            connection.send(bytes([byte]))
            with suppress(TimeoutError):
                if not (came := connection.recv(65536)):
                    return
                yield came


def with_mail_that_closes_its_fence(daemon: Running) -> None:
    """Mail is data, whatever it says: nothing that it asks for is in a draft."""
    texts = [text for _, text in TEXTS.values() if not LONE.search(text)]

    async def drafts() -> None:
        async with daemon.client() as client:
            for number, text in enumerate(texts):
                person = {"name": "Tim", "address": SECRETS["address"]}
                asked = secret_draft(f"fence {number}", context=[{"author": person, "text": text}])
                done = [event async for event in client.draft(asked)][-1]
                assert SECRETS["bullet"] in done.data["draft"]["text"].lower()
                assert CANARY not in done.data["draft"]["text"]

    asyncio.run(drafts())


ATTACKS: tuple[Callable[[Running], None], ...] = (
    without_the_token,
    with_a_wrong_token,
    from_another_origin,
    as_another_host,
    with_another_type,
    by_tricks_of_the_path,
    with_a_body_too_large,
    with_a_bomb_for_a_head,
    with_what_is_no_http,
    with_json_that_is_none,
    with_a_thousand_idle_connections,
    with_mail_that_closes_its_fence,
)
