"""Claude's client and the network: what was sent, proxies, TLS, and bodies of any size."""

import asyncio
import gc
import gzip
import json
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import anthropic_wire as wire
import pytest
from anthropic_examples import BASELINE, DRAFT, R3, SONNET, a_client
from anthropic_http import Told
from anthropic_server import Held, Server, serving
from anthropic_wire import Said
from dovecot_server import make_certificate

from mlx_agent.errors import ModelUnreachable

PATIENCE_S = 60
"""How long a test waits for what must come; no measure of anything."""
SHORT_S = 0.1
"""The silence that a client bears where there will be nothing else."""
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
PING = b"%x\r\n%b\r\n" % (20, b"event: ping\ndata: 1\n")

Wired = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server that knows the right answers."""
    async with serving() as server:
        yield server


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """One for localhost, signed by nobody else, and its key."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@asynccontextmanager
async def listening(
    handle: Callable[[Wired], Awaitable[None]], context: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Something at a port of this machine, until the end of the `with` block."""
    tasks: set[asyncio.Task[None]] = set()

    async def link(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await handle((reader, writer))
        writer.transport.abort()

    listener = await asyncio.start_server(link, "127.0.0.1", 0, ssl=context)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)
        await listener.wait_closed()


async def joined(near: Wired, port: int) -> None:
    """All bytes both ways between a link and a port, until either end closes."""
    far = await asyncio.open_connection("127.0.0.1", port)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        far[1].transport.abort()
        near[1].transport.abort()

    try:
        await asyncio.gather(pump(near[0], far[1]), pump(far[0], near[1]))
    finally:
        far[1].transport.abort()


@asynccontextmanager
async def in_tls(server: Server, certificate: tuple[Path, Path]) -> AsyncIterator[int]:
    """The server's port for TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    async with listening(lambda wired: joined(wired, server.port), context) as port:
        yield port


async def silent(wired: Wired) -> None:
    """A server that takes nothing and says nothing."""
    await asyncio.Event().wait()


async def lost(url: str, **changes: Any) -> ModelUnreachable:
    """How it is told that a task was not answered."""
    client = a_client(url, **changes)
    with pytest.raises(ModelUnreachable) as caught:
        await client.complete(DRAFT)
    await client.close()
    return caught.value


# --- what was sent -----------------------------------------------------------------------------


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nconte",
        CHUNKED,
        CHUNKED + PING,
        CHUNKED + PING[:9],
        CHUNKED + PING + b"no size\r\n",
        HEAD + b"content-length: 99\r\n\r\nevent: ping\n",
        HEAD + b"content-length: 1\r\ncontent-length: 2\r\n\r\n",
        HEAD + b"content-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc",
        HEAD + b"x: " + b"a" * 70_000 + b"\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
    ],
    ids=lambda said: said[-16:].decode("ascii"),
)
async def test_what_was_sent_may_be_paid(said: bytes, *, reset: bool) -> None:
    """Once a request is out, whatever breaks: the answer's head, its middle, its form."""
    asked = []

    async def broken(wired: Wired) -> None:
        reader, writer = wired
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        asked.append(await reader.readexactly(length))
        writer.write(said)
        if not reset:
            writer.close()
            await writer.wait_closed()

    async with listening(broken) as port:
        error = await lost(f"http://127.0.0.1:{port}", remote=False)
    assert (error.reason, error.sent) == ("the connection broke", True)
    assert len(asked) == 1


async def test_silence_after_a_request_may_be_paid(server: Server) -> None:
    """The server sees that nobody waits any more."""
    server.next.append(Held(asyncio.Event()))
    error = await lost(server.url, timeout_s=SHORT_S)
    assert (error.reason, error.sent) == ("time-out", True)
    await asyncio.wait_for(server.seen[0].gone.wait(), PATIENCE_S)


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_a_server_that_takes_no_request_is_given_up() -> None:
    """Part of the request is out, and nobody knows whether the rest will follow."""
    async with listening(silent) as port:
        client = a_client(f"http://127.0.0.1:{port}", remote=False, timeout_s=SHORT_S)
        with pytest.raises(ModelUnreachable) as caught:
            await client.complete(replace(R3, own_text="boat " * 4_000_000))
        assert (caught.value.reason, caught.value.sent) == ("time-out", True)
        await client.close()


async def test_a_kept_connection_that_breaks_is_told(server: Server) -> None:
    """Nothing is sent a second time, though the connection may have been dead all along."""
    client = a_client(server.url)
    server.next.extend([None, Told(raw=b"")])
    await client.complete(DRAFT)
    with pytest.raises(ModelUnreachable) as caught:
        await client.complete(DRAFT)
    assert (caught.value.sent, len(server.seen), len(server.connections)) == (True, 2, 1)
    await client.close()


async def test_closing_breaks_off_what_is_under_way(server: Server) -> None:
    """The task that waited is told."""
    server.next.append(Held(asyncio.Event()))
    client = a_client(server.url)
    asking = asyncio.create_task(client.complete(DRAFT))
    seen = await server.asked()
    await client.close()
    with pytest.raises(ModelUnreachable) as caught:
        await asking
    assert caught.value.sent
    await asyncio.wait_for(seen.gone.wait(), PATIENCE_S)


# --- TLS ---------------------------------------------------------------------------------------


async def test_a_certificate_is_verified(server: Server, certificate: tuple[Path, Path]) -> None:
    """Neither an unknown one nor one for another host is sent any mail."""
    async with in_tls(server, certificate) as port:
        for host in ("localhost", "127.0.0.1"):
            error = await lost(f"https://{host}:{port}")
            assert (error.reason, error.sent) == ("TLS", False)
    assert server.seen == []


async def test_a_handshake_that_never_ends_sent_nothing() -> None:
    """It is given up in the time that a connection may take."""
    async with listening(silent) as port:
        error = await lost(f"https://127.0.0.1:{port}", timeout_s=SHORT_S)
    assert (error.reason, error.sent) == ("time-out", False)


async def test_cancelling_closes_a_connection_in_tls(
    server: Server,
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """At once, and nothing is left open."""
    gc.collect()  # what other tests left is not this one's
    caplog.set_level(logging.WARNING)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    async with in_tls(server, certificate) as port:
        client = a_client(f"https://localhost:{port}")
        assert (await client.complete(DRAFT)).text
        server.next.append(Held(asyncio.Event()))
        asking = asyncio.create_task(client.complete(DRAFT))
        seen = await server.asked(2)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.wait_for(seen.gone.wait(), PATIENCE_S)
        await client.close()
    gc.collect()
    assert caplog.text == ""


# --- proxies -----------------------------------------------------------------------------------


async def tunnel(wired: Wired) -> None:
    """A proxy that lets through whatever is asked for at this machine."""
    reader, writer = wired
    _, where, _ = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)
    writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
    await joined(wired, int(where.rpartition(b":")[2]))


def refusing(answer: bytes) -> Callable[[Wired], Awaitable[None]]:
    """A proxy that says this, and hangs up."""

    async def refuse(wired: Wired) -> None:
        reader, writer = wired
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    return refuse


async def test_a_remote_server_is_asked_through_the_proxy(
    server: Server, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment's, which sees no more than the server's name."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    through = []

    async def proxy(wired: Wired) -> None:
        through.append(wired)
        await tunnel(wired)

    async with in_tls(server, certificate) as port, listening(proxy) as proxied:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxied}")
        client = a_client(f"https://localhost:{port}")
        first, second = [(await client.complete(DRAFT)).text for _ in range(2)]
        assert first == second
        assert len(through) == 1
        server.next.append(Held(asyncio.Event()))
        asking = asyncio.create_task(client.complete(DRAFT))
        seen = await server.asked(3)
        asking.cancel()
        await asyncio.wait_for(seen.gone.wait(), PATIENCE_S)
        await client.close()


async def test_a_server_of_this_machine_is_asked_without_the_proxy(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mail for a model here goes to nobody else."""
    async with serving() as proxy:
        monkeypatch.setenv("all_proxy", proxy.url)
        client = a_client(server.url, remote=False)
        assert (await client.complete(DRAFT)).text
        await client.close()
        assert (len(server.seen), proxy.seen) == (1, [])
        error = await lost("http://nowhere.invalid", remote=False)
        assert (error.reason, error.sent) == ("unknown host", False)
        far = a_client("http://nowhere.invalid")
        assert (await far.complete(DRAFT)).text
        await far.close()
        assert len(proxy.seen) == 1


@pytest.mark.parametrize(
    ("answer", "reason", "sent"),
    [
        (b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n", "no connection", False),
        (b"HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\n\r\n", "no connection", False),
        (b"HTTP/1.1 200 Connected\r\n\r\nHTTP/1.1 502 Bad\r\n\r\n", "no connection", False),
        (b"", "the connection broke", True),  # by then it is only known that something was said
    ],
    ids=["forbidden", "unknown", "no tunnel", "closed"],
)
async def test_a_proxy_that_refuses_is_told(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, reason: str, *, sent: bool
) -> None:
    """No request goes out."""
    async with listening(refusing(answer)) as port:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        error = await lost("https://nowhere.invalid")
    assert (error.reason, error.sent) == (reason, sent)


async def test_a_proxy_that_is_gone_or_silent_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was sent in either case."""
    async with listening(silent) as port:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        error = await lost("https://nowhere.invalid", timeout_s=SHORT_S)
        assert (error.reason, error.sent) == ("time-out", False)
    error = await lost("https://nowhere.invalid")
    assert (error.reason, error.sent) == ("no connection", False)


# --- bodies ------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_an_event_may_be_of_any_size(server: Server, encoding: str) -> None:
    """And the whole answer may be compressed."""
    text = "Grüße, ご確認 " * 200_000
    whole = server.made({"model": SONNET, "messages": [{"content": ""}]}, Said(text=text))
    body = b"".join(wire.events(whole, len(text)))
    if encoding == "gzip":
        body = gzip.compress(body)
    server.next.append(Told(body=body, headers={"content-encoding": encoding}))
    client = a_client(server.url)
    assert (await client.complete(BASELINE)).text == text
    await client.close()


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_a_request_may_be_of_any_size(server: Server) -> None:
    """It arrives whole."""
    client = a_client(server.url)
    server.next.append(Said(text="Hello"))
    await client.complete(replace(R3, own_text="boat\n" * 1_000_000))
    assert json.dumps(server.seen[0].body).count("boat") >= 1_000_000
    await client.close()


async def test_a_stream_is_read_as_it_comes(server: Server) -> None:
    """The first piece is there before the last one is sent."""
    first, rest = asyncio.Event(), []

    async def slow(wired: Wired) -> None:
        reader, writer = wired
        await reader.readuntil(b"\r\n\r\n")
        whole = server.made({"model": SONNET, "messages": [{"content": ""}]}, Said(text="ab"))
        events = list(wire.events(whole, 1))
        at = next(i for i, event in enumerate(events) if b"text_delta" in event)
        writer.write(HEAD + b"connection: close\r\n\r\n" + b"".join(events[: at + 1]))
        await first.wait()
        writer.write(b"".join(events[at + 1 :]))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with listening(slow) as port:
        client = a_client(f"http://127.0.0.1:{port}", remote=False)
        async with aclosing(client.stream(DRAFT)) as pieces:
            assert await anext(pieces) == "a"
            first.set()
            rest = [piece async for piece in pieces]
        await client.close()
    assert rest[0] == "b"
