"""The native messaging host: a real process between a test's pipes and a real daemon's socket."""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from draft_examples import body
from host_process import LIMIT_S, Host, framed, hosting
from hypothesis import given
from hypothesis import strategies as st
from openai_server import Server, chunk, running_openai, stream
from running_daemon import Running, running

from plugin import native_host

PLAIN = '[accounts.home]\naddresses = ["nora@falk.example"]\n'
WRITTEN_ELSEWHERE = """
[accounts.home]
addresses = ["nora@falk.example"]
[large.served]
provider = "openai"
model = "m"
base_url = "{url}"
key = "k"
[models]
writer = "served"
"""
LOST = {"error": {"code": "connection_lost", "message": "The daemon went away; try again."}}


@pytest.fixture(scope="module")
def daemon() -> Iterator[Running]:
    """One daemon with the offline writer, for all that do not stop it."""
    with running(PLAIN, tcp=False) as daemon:
        yield daemon


@pytest.fixture
async def host(daemon: Running) -> AsyncIterator[Host]:
    async with hosting(daemon.paths.socket) as host:
        yield host


@pytest.fixture
async def writer() -> AsyncIterator[Server]:
    async with running_openai() as server:
        yield server


@asynccontextmanager
async def with_writer(server: Server) -> AsyncIterator[tuple[Running, Host]]:
    """A daemon whose writer says one word and then waits, and a host to it."""
    with running(WRITTEN_ELSEWHERE.format(url=server.url), tcp=False) as daemon:
        async with hosting(daemon.paths.socket) as host:
            yield daemon, host


async def until_text(host: Host, name: str) -> None:
    """Read a draft's events up to its first text."""
    while (await host.next(name))["event"] != "text":
        pass


# --- the daemon's answers ------------------------------------------------------------------------


async def test_a_request_gets_the_daemons_answer(host: Host) -> None:
    """The status and the JSON, whatever they are; no content is null."""
    health = {"status": 200, "data": {"api": 1, "ready": True}}
    assert await host.answer("1", "GET", "/v1/health") == health
    rules = {"pinned": [], "banned": ["marks"]}
    path = "/v1/accounts/home/rules"
    assert await host.answer("2", "PUT", path, rules) == {"status": 204, "data": None}
    assert await host.answer("3", "GET", path) == {"status": 200, "data": rules}
    missing = await host.answer("4", "DELETE", "/v1/drafts/nowhere/sent")
    assert missing["status"] == 404
    assert missing["data"]["error"]["code"] == "draft_not_found"


async def test_a_draft_comes_event_by_event(host: Host) -> None:
    """With its end after them; comments are dropped."""
    bullets = ["the boat\u2028is “ready”"]
    host.ask("d", "POST", "/v1/drafts", body("whole", bullets=bullets))
    events = await host.rest("d")
    assert events[0]["event"] == "rules"
    assert {event["event"] for event in events[1:-1]} == {"text"}
    assert events[-1]["event"] == "done"
    assert events[-1]["data"]["draft"]["x"]["intent"] == bullets


async def test_a_refused_draft_is_a_whole_answer(host: Host) -> None:
    """A stream that has not begun is none."""
    refused = await host.answer("d", "POST", "/v1/drafts", body(bullets=[]))
    assert refused["status"] == 422
    assert refused["data"]["error"]["code"] == "request_invalid"


async def test_many_requests_run_at_once(host: Host) -> None:
    """Each with its own id; the status goes on streaming beside them."""
    host.ask("news", "GET", "/v1/events")
    assert (await host.next("news"))["event"] == "status"
    names = [f"d{number}" for number in range(8)]
    for name in names:
        host.ask(name, "POST", "/v1/drafts", body(f"at once {name}"))
    for name in names:
        assert (await host.rest(name))[-1]["event"] == "done"
    host.send({"cancel": "news"})
    assert await host.rest("news") is not None


async def test_an_id_may_be_used_again(host: Host) -> None:
    """As soon as its answer has come."""
    for _ in range(20):
        assert (await host.answer("1", "GET", "/v1/health"))["status"] == 200


async def test_half_a_character_is_the_daemons_to_refuse(host: Host) -> None:
    """Nothing is lost on the way to it."""
    refused = await host.answer("1", "POST", "/v1/drafts", body(subject="half \ud83d"))
    assert (refused["status"], "lone surrogate" in str(refused["data"])) == (422, True)


async def test_a_body_beyond_the_daemons_limit_is_refused_by_the_daemon(host: Host) -> None:
    """In its words, though it does not take the body."""
    refused = await host.answer("1", "POST", "/v1/drafts", body(subject="x" * 3_000_000))
    assert (refused["status"], refused["data"]["error"]["code"]) == (413, "too_large")


async def test_a_message_beyond_a_mebibyte_comes_in_parts(host: Host) -> None:
    """Which Thunderbird would end the host for, in one piece; others come in between."""
    thread = [{"author": body()["to"][0], "text": "Мы тоже.\n" * 32_000}]
    host.ask("d", "POST", "/v1/drafts", body("long", context=thread))
    done = (await host.rest("d"))[-1]
    assert done["event"] == "done", done
    assert done["data"]["draft"]["x"]["context"][0]["text"] == thread[0]["text"]
    assert len(json.dumps(done)) > native_host.LONGEST_SENT
    assert host.parts > 1
    assert host.longest <= native_host.LONGEST_SENT


# --- a cancel, and ends of every kind ------------------------------------------------------------


async def test_a_cancel_in_mid_stream_stops_the_daemons_work(writer: Server) -> None:
    """The end comes, and nothing else; the writer is hung up on, too."""
    writer.next.append(stream(chunk("Hello"), end="hang"))
    async with with_writer(writer) as (_, host):
        host.ask("d", "POST", "/v1/drafts", body())
        await until_text(host, "d")
        host.send({"cancel": "d"})
        assert await host.next("d") == {"end": True}
        await asyncio.wait_for(writer.left.wait(), LIMIT_S)
        assert (await host.answer("d", "GET", "/v1/health"))["status"] == 200


async def test_a_cancel_of_what_is_over_says_nothing(host: Host) -> None:
    """Its end is said once."""
    await host.answer("1", "GET", "/v1/health")
    host.send({"cancel": "1"})
    host.send({"cancel": "never"})
    assert (await host.answer("2", "GET", "/v1/health"))["status"] == 200
    assert host.none_waits("1")
    assert host.none_waits("never")


async def test_requests_that_are_cancelled_at_once_have_one_end_each(host: Host) -> None:
    """Wherever the cancel finds them: before the connection, in it, or behind the answer."""
    names = [f"d{number}" for number in range(30)]
    for name in names:
        host.ask(name, "GET", "/v1/events")
        host.send({"cancel": name})
    for name in names:
        assert [message.get("event") for message in await host.rest(name)] in ([], ["status"])
    assert (await host.answer("after", "GET", "/v1/health"))["status"] == 200
    assert all(host.none_waits(name) for name in names)


async def test_the_end_of_standard_input_hangs_up_all(writer: Server) -> None:
    """Thunderbird has ended, or the extension was taken out."""
    writer.next.append(stream(chunk("Hello"), end="hang"))
    async with with_writer(writer) as (_, host):
        host.ask("d", "POST", "/v1/drafts", body())
        await until_text(host, "d")
        assert await host.close() == (0, "")
        await asyncio.wait_for(writer.left.wait(), LIMIT_S)


async def test_without_a_daemon_there_is_a_sentence(tmp_path: Path) -> None:
    """And the host goes on: the daemon may come."""
    async with hosting(tmp_path / "no.sock") as host:
        for name in ("1", "2"):
            answer = await host.answer(name, "GET", "/v1/health")
            assert answer["status"] == 0
            assert answer["data"]["error"]["code"] == "daemon_not_running"
            assert "`trimtab run`" in answer["data"]["error"]["message"]


async def test_a_daemon_that_dies_in_mid_stream_is_told(writer: Server) -> None:
    """By an error event before the end, so that no half draft passes for a whole one."""
    writer.next.append(stream(chunk("Hello"), end="hang"))
    async with with_writer(writer) as (daemon, host):
        host.ask("d", "POST", "/v1/drafts", body())
        await until_text(host, "d")
        daemon.kill()
        assert (await host.rest("d"))[-1] == {"event": "error", "data": LOST}
        answer = await host.answer("1", "GET", "/v1/health")
        assert answer["data"]["error"]["code"] == "daemon_not_running"


# --- answers that the real daemon does not give --------------------------------------------------

STREAM = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)


def chunked(text: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(text), text)


@asynccontextmanager
async def answering(*answer: bytes) -> AsyncIterator[Host]:
    """A host to something that answers so and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in answer:
            writer.write(piece)
            await writer.drain()
        writer.close()

    with tempfile.TemporaryDirectory(prefix="tt") as directory:
        path = Path(directory) / "s"
        server = await asyncio.start_unix_server(serve, path)
        async with server, hosting(path) as host:
            yield host


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{}",
        b"nonsense\r\n\r\n",
    ],
    ids=["none", "half", "no HTTP"],
)
async def test_an_answer_that_breaks_off_is_no_answer(answer: bytes) -> None:
    """The status is 0, and the sentence says to try again."""
    async with answering(answer) as host:
        assert await host.answer("1", "GET", "/v1/health") == {"status": 0, "data": LOST}


@pytest.mark.parametrize(
    "broken",
    [
        chunked(b'event: text\ndata: {"text": "Hel')[:-9],
        chunked(b'event: text\ndata: {"text": "Hel'),
        chunked(b"event: text\ndata: {nonsense\n\n") + b"0\r\n\r\n",
    ],
    ids=["in a chunk", "between chunks", "garbled"],
)
async def test_a_stream_that_breaks_off_is_told(broken: bytes) -> None:
    """What came before it is there."""
    first = chunked(b': a comment\n\nevent: text\ndata: {"text": "Oh"}\n\n')
    async with answering(STREAM + first, broken) as host:
        host.ask("1", "GET", "/v1/events")
        assert await host.rest("1") == [
            {"event": "text", "data": {"text": "Oh"}},
            {"event": "error", "data": LOST},
        ]


async def test_a_stream_that_falls_silent_is_told() -> None:
    """The daemon hangs; the first events may be late, and are there."""
    silent = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(STREAM + chunked(b"event: text\ndata: 1\n\n"))
        await silent.wait()
        writer.close()

    with tempfile.TemporaryDirectory(prefix="tt") as directory:
        path = Path(directory) / "s"
        async with await asyncio.start_unix_server(serve, path):
            asked = native_host.Asked("1", "GET", "/v1/events")
            call = native_host.Call(asked, str(path), silence_s=0.5)
            said = await asyncio.wait_for(
                asyncio.to_thread(lambda: [*call.conversation()]), LIMIT_S
            )
            silent.set()
    assert said == [
        {"event": "text", "data": 1},
        {"event": "error", "data": LOST},
        {"end": True},
    ]


async def test_nothing_is_lost_behind_the_last_event() -> None:
    """A draft that is done stays so, though the connection broke."""
    last = chunked(b'event: done\r\ndata: {"draft": 1}\r\n\r\n')
    async with answering(STREAM + last) as host:
        host.ask("1", "POST", "/v1/drafts", {})
        assert await host.rest("1") == [{"event": "done", "data": {"draft": 1}}]


async def test_an_answer_that_is_no_json_is_told_by_its_status() -> None:
    """Whatever listens at that socket."""
    async with answering(b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n<>") as host:
        answer = await host.answer("1", "GET", "/v1/health")
    assert answer["status"] == 500
    assert answer["data"]["error"]["code"] == "unexpected_answer"


# --- messages that cannot be understood ----------------------------------------------------------

SECRET = "Ms Hollis"
ASK = {"id": "1", "method": "GET", "path": "/v1/health"}


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (framed(b'{"id": "Ms Hollis'), "A message was no JSON.\n"),
        (framed(b"\xff\xfe Ms Hollis"), "A message was no JSON.\n"),
        (framed(b"[" * 200_000), "A message was no JSON.\n"),
        (framed(b'["Ms Hollis"]'), "A message was no JSON object.\n"),
        (framed(b'{"path": "Ms Hollis"}'), "A message named no request.\n"),
        (framed(b'{"id": 1, "method": "GET"}'), "A message named no request.\n"),
        (framed(b'{"cancel": "a", "b": "Ms Hollis"}'), "A message named no request.\n"),
        ((2**31).to_bytes(4, sys.byteorder) + b"Ms Hollis", "A message was too long.\n"),
        (framed(b"Ms Hollis")[:7], "A message was cut off.\n"),
        (b"\x00\x00", "A message was cut off.\n"),
    ],
)
async def test_what_names_no_request_ends_the_host(host: Host, data: bytes, sentence: str) -> None:
    """With exit code 1 and one sentence, which quotes nothing."""
    host.send_bytes(data)
    assert await host.close() == (1, sentence)


async def test_two_requests_of_one_id_end_the_host(host: Host) -> None:
    """Nobody could tell their answers apart."""
    host.ask("1", "GET", "/v1/events")
    await host.next("1")
    host.ask("1", "GET", "/v1/health")
    assert await host.ended() == (1, "Two requests had one id.\n")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"headers": {SECRET: SECRET}}, "The request has unknown fields."),
        ({"cancel": "1"}, "The request has unknown fields."),
        ({"method": "PATCH"}, "The request's method is none of GET, POST, PUT and DELETE."),
        ({"method": None}, "The request's method is none of GET, POST, PUT and DELETE."),
        ({"path": "/"}, "The request's path is not below /v1/."),
        ({"path": "/v1/"}, "The request's path is not below /v1/."),
        ({"path": "http://elsewhere/v1/health"}, "The request's path is not below /v1/."),
        ({"path": "/v1/../health"}, "The request's path is not below /v1/."),
        ({"path": "/v1/a/%2e%2E/b"}, "The request's path is not below /v1/."),
        ({"path": "/v1/health HTTP/1.1\r\nHost: x"}, "The request's path is not below /v1/."),
        ({"path": "/v1/health\n"}, "The request's path is not below /v1/."),
        ({"path": 1}, "The request's path is not below /v1/."),
        ({"body": [SECRET]}, "The request's body is no JSON object."),
    ],
)
async def test_a_request_that_is_not_relayed_is_answered(
    host: Host, change: dict[str, Any], sentence: str
) -> None:
    """As the daemon answers what it cannot understand; the host goes on."""
    host.send(ASK | change)
    error = {"code": "request_malformed", "message": sentence}
    assert await host.next("1") == {"status": 400, "data": {"error": error}}
    assert (await host.answer("1", "GET", "/v1/health"))["status"] == 200


async def test_without_a_socket_it_says_how_it_is_used() -> None:
    """Exit code 2, as for any wrong usage."""
    command = [sys.executable, "-I", "-S", native_host.__file__]
    async with hosting(Path("/unused"), command) as host:
        code, said = await host.ended()
    assert (code, said.startswith("usage: ")) == (2, True)


# --- the pure parts ------------------------------------------------------------------------------


@given(st.text(st.sampled_from('a"\\\n\u00e9\U0001f600'), max_size=30), st.text(max_size=200))
def test_parts_make_the_message_again(text: str, name: str) -> None:
    """Whatever has to be escaped, and none is too long."""
    message = {"id": name, "event": "done", "data": text * (native_host.LONGEST_SENT // 25)}
    found = list(native_host.frames(message))
    assert all(len(frame) - 4 <= native_host.LONGEST_SENT for frame in found)
    assert all(int.from_bytes(frame[:4], sys.byteorder) == len(frame) - 4 for frame in found)
    parts = [json.loads(frame[4:]) for frame in found]
    if len(parts) > 1:
        assert [part["last"] for part in parts] == [False] * (len(parts) - 1) + [True]
        assert {part["id"] for part in parts} == {name}
        parts = [json.loads("".join(part["part"] for part in parts))]
    assert parts == [message]


@given(st.lists(st.integers(0, 60), max_size=6))
def test_events_are_the_same_wherever_they_are_cut(cuts: list[int]) -> None:
    """A chunk may end within a line."""
    sent = b': hi\n\nevent: text\ndata: {"text": "a"}\n\nevent: done\ndata: {}\n\n'
    places = [0, *sorted(cuts), len(sent)]
    pieces = [sent[start:end] for start, end in pairwise(places)]
    found = list(native_host.events(pieces))
    assert found == [("text", {"text": "a"}), ("done", {})]
