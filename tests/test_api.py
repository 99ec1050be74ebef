"""The socket as a client sees it: bytes over a real Unix socket, a real uvicorn behind it."""

import asyncio
import json
import logging
import os
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from draft_examples import (
    CARD,
    ScriptedWriter,
    SmallService,
    SomeAgents,
    a_drafter,
    body,
    opened,
    served,
)

from daemon.api.errors import code_of, status_of
from daemon.api.limits import MAX_BODY, MAX_DRAFTS
from daemon.api.routes import build_api
from daemon.api.security import is_own_user, peer_uid, uid_of_ucred, uid_of_xucred
from daemon.api.server import serve
from daemon.errors import (
    DraftNotFound,
    SocketPathTooLong,
    StoreFull,
    TooManyDrafts,
    WriterUnavailable,
)
from daemon.explain import explain
from daemon.store import drafts as draft_store
from daemon.store import edits as edit_store
from daemon.store.database import Database
from mlx_agent.errors import AnswerMalformed, WorkerBusy


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened(tmp_path) as database:
        yield database


@pytest.fixture
def service(database: Database) -> SmallService:
    drafter = a_drafter(database, SomeAgents(style_card=CARD))
    return SmallService(database=database, drafter=drafter)


@pytest.fixture
async def http(service: SmallService) -> AsyncIterator[httpx.AsyncClient]:
    async with served(service) as path, on(path) as http:
        yield http


def on(path: Path) -> httpx.AsyncClient:
    transport = httpx.AsyncHTTPTransport(uds=str(path))
    return httpx.AsyncClient(transport=transport, base_url="http://trimtab/v1", timeout=5)


def events(text: str) -> list[tuple[str, Any]]:
    found = []
    for block in text.strip().split("\n\n"):
        if not block.startswith(":"):
            name, data = block.split("\n")
            found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def writing(service: SmallService, writer: ScriptedWriter) -> SmallService:
    service.drafter = a_drafter(service.database, SomeAgents(style_card=CARD), writer)
    return service


# --- routes -----------------------------------------------------------------------------------


async def test_it_is_alive(http: httpx.AsyncClient) -> None:
    """The version of the API, for clients that outlive a release."""
    answer = await http.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"api": 1, "ready": True})


async def test_a_draft_comes_as_events(http: httpx.AsyncClient, database: Database) -> None:
    """Rules with the draft's id, the text as it is written, then the draft with its checks."""
    answer = await http.post("/drafts", json=body())
    assert answer.headers["content-type"].startswith("text/event-stream")
    came = events(answer.text)
    names = [name for name, _ in came]
    assert names == ["rules", *["text"] * (len(names) - 2), "done"]
    rules, done = came[0][1], came[-1][1]
    assert [rule["aspect"] for rule in rules["rules"]] == ["greeting", "sign-off"]
    assert rules["degraded"].startswith("no agent yet")
    assert done["draft"]["id"] == rules["draft_id"]
    assert done["checks"] == {"uncovered": [], "unsupported": [], "language": None}
    stored = await database.read(draft_store.draft, rules["draft_id"])
    assert stored is not None
    assert stored.text == done["draft"]["text"]


async def test_every_field_of_a_request_reaches_the_draft(http: httpx.AsyncClient) -> None:
    """As the user gave it; times in UTC."""
    said = {"name": "Tim", "address": "tim@oduya.example"}
    context = {"author": said, "sent_at": "2026-03-02T10:00:00+02:00", "text": "And the boat?"}
    request = body(
        cc=[said],
        reply=True,
        context=[context],
        instruction="shorter",
        rules_off=["greeting"],
        rules_added=[{"aspect": "tone", "instruction": "Be brief."}],
    )
    draft = events((await http.post("/drafts", json=request)).text)[-1][1]["draft"]
    assert [rule["aspect"] for rule in draft["rules"]] == ["tone", "sign-off"]
    x = draft["x"]
    assert (x["metadata"]["cc"], x["metadata"]["reply"]) == ([said], True)
    assert x["context"] == [context | {"sent_at": "2026-03-02T08:00:00Z"}]
    assert x["intent"] == request["bullets"]


async def test_an_event_is_one_line_of_ascii(http: httpx.AsyncClient) -> None:
    """Some clients take U+2028 for a line end; in JSON it is escaped."""
    text = (await http.post("/drafts", json=body(bullets=["one\u2028two\u0085three äöü"]))).text
    assert text.isascii()
    assert events(text)[-1][1]["draft"]["x"]["intent"] == ["one\u2028two\u0085three äöü"]


async def test_a_failing_writer_is_an_error_event(service: SmallService) -> None:
    """With the sentence for the user."""
    writer = ScriptedWriter(failure=ConnectionResetError())
    async with served(writing(service, writer)) as path, on(path) as http:
        name, data = events((await http.post("/drafts", json=body())).text)[-1]
    error = WriterUnavailable("scripted", "ConnectionResetError")
    assert name == "error"
    assert data == {"error": {"code": "writer_unavailable", "message": explain(error)}}


async def test_a_bug_while_drafting_shows_and_logs_no_text(
    service: SmallService, caplog: pytest.LogCaptureFixture
) -> None:
    """An exception's text may quote mail."""
    writer = ScriptedWriter(failure=ValueError("Dear Ms Hollis"))
    with caplog.at_level(logging.DEBUG):
        async with served(writing(service, writer)) as path, on(path) as http:
            name, data = events((await http.post("/drafts", json=body())).text)[-1]
    assert (name, data["error"]["code"]) == ("error", "internal_error")
    assert "ValueError" in caplog.text
    assert "Hollis" not in caplog.text + json.dumps(data)


async def test_a_draft_can_be_cancelled(service: SmallService) -> None:
    """By the id that its rules announced; its own stream ends with an error event."""
    writer = ScriptedWriter(gate=asyncio.Event())
    async with served(writing(service, writer)) as path, on(path) as http:
        async with http.stream("POST", "/drafts", json=body()) as answer:
            lines = answer.aiter_lines()
            assert await anext(lines) == "event: rules"
            draft_id = json.loads((await anext(lines)).removeprefix("data: "))["draft_id"]
            assert (await http.delete(f"/drafts/{draft_id}")).status_code == 204
            rest = [line async for line in lines]
        assert "event: error" in rest
        assert any("draft_cancelled" in line for line in rest)
        assert (await http.delete(f"/drafts/{draft_id}")).status_code == 404
    assert writer.left.is_set()


async def test_a_client_that_hangs_up_ends_the_work(service: SmallService) -> None:
    """At once, not at the next piece of text: the writer is waiting and costs."""
    writer = ScriptedWriter(gate=asyncio.Event())
    async with served(writing(service, writer)) as path, on(path) as http:
        async with http.stream("POST", "/drafts", json=body()) as answer:
            assert await anext(answer.aiter_lines()) == "event: rules"
            await writer.begun.wait()
        await asyncio.wait_for(writer.left.wait(), 2)
    assert await service.database.read(draft_store.drafts, "home") == []


async def test_what_was_sent_is_told(http: httpx.AsyncClient) -> None:
    """And answered with how far it is from the draft."""
    draft = events((await http.post("/drafts", json=body())).text)[-1][1]["draft"]
    sent = f"/drafts/{draft['id']}/sent"
    answer = await http.post(sent, json={"text": draft["text"]})
    assert answer.json() == {"distance": 0.0, "unchanged": True, "changes": []}
    html = f"<p>{draft['text']} Soon!</p>".replace("\n", "<br>")
    told = (await http.post(sent, json={"html": html})).json()
    assert (told["unchanged"], 0 < told["distance"] < 1) == (False, True)
    (change,) = told["changes"]
    assert (change["removed"], change["put"]) == ("", "Soon!")


async def test_what_was_learned_can_be_taken_back(
    http: httpx.AsyncClient, database: Database
) -> None:
    """As often as one likes, and also before anything was sent."""
    draft = events((await http.post("/drafts", json=body())).text)[-1][1]["draft"]
    sent = f"/drafts/{draft['id']}/sent"
    assert (await http.post(sent, json={"text": "Something else."})).status_code == 200
    assert len(await database.read(edit_store.standing, "home")) == 1
    for _ in range(2):
        assert (await http.delete(sent)).status_code == 204
    assert await database.read(edit_store.standing, "home") == []


async def test_a_draft_is_saved_and_sent_by_its_id(http: httpx.AsyncClient) -> None:
    """The answer tells the Message-ID, and whether anything was done; a body is optional."""
    draft_id = events((await http.post("/drafts", json=body())).text)[0][1]["draft_id"]
    told = {"message_id": f"<{draft_id}@falk.example>", "already": False}
    assert (await http.post(f"/drafts/{draft_id}/save")).json() == told | {"copy": None}
    sent = told | {"copy": "filed"}
    assert (await http.post(f"/drafts/{draft_id}/send")).json() == sent
    answer = await http.post(f"/drafts/{draft_id}/send", json={"again": True})
    assert answer.json() == sent | {"already": True}
    wrong = await http.post(f"/drafts/{draft_id}/send", json={"agian": True})
    assert wrong.status_code == 422


async def test_a_draft_knows_the_mail_that_it_answers(http: httpx.AsyncClient) -> None:
    """Beside x, which models are shown."""
    thread = {"in_reply_to": "<b@hale.example>", "references": ["<a@x>", "<b@hale.example>"]}
    draft = events((await http.post("/drafts", json=body(**thread))).text)[-1][1]["draft"]
    assert {name: draft[name] for name in thread} == thread
    assert "b@hale.example" not in json.dumps(draft["x"])


async def test_jobs_are_queued_once_and_listed(http: httpx.AsyncClient) -> None:
    """A second word for the same job gets the first."""
    first = await http.post("/jobs/teach", json={"account": "home"})
    again = await http.post("/jobs/teach", json={"account": "home"})
    assert first.status_code == 202
    assert first.json()["id"] == again.json()["id"]
    assert first.json()["state"] == "queued"
    assert (await http.get("/jobs")).json() == {"jobs": [first.json()]}
    assert (await http.get(f"/jobs/{first.json()['id']}")).json()["kind"] == "teach"


async def test_the_api_describes_itself(http: httpx.AsyncClient) -> None:
    """As OpenAPI, with every route."""
    paths = (await http.get("/openapi.json")).json()["paths"]
    assert set(paths) == {
        "/v1/health",
        "/v1/status",
        "/v1/nights",
        "/v1/accounts/{account}/deletions",
        "/v1/accounts/{account}/rules",
        "/v1/warm",
        "/v1/events",
        "/v1/drafts",
        "/v1/drafts/{draft_id}",
        "/v1/drafts/{draft_id}/sent",
        "/v1/drafts/{draft_id}/save",
        "/v1/drafts/{draft_id}/send",
        "/v1/jobs",
        "/v1/jobs/{kind}",
        "/v1/jobs/{job_id}",
    }


async def test_nights_are_paused_and_wanted_again(http: httpx.AsyncClient) -> None:
    """The answer is the night's part of the status; what is no word for it is refused."""
    nothing = {"next": None, "ends": None, "waits_for": [], "runs": []}
    for paused in (True, False):
        answer = await http.post("/nights", json={"paused": paused})
        assert (answer.status_code, answer.json()) == (200, nothing | {"paused": paused})
    for wrong in ({}, {"paused": "perhaps"}, {"paused": True, "until": "2026-03-03"}):
        assert (await http.post("/nights", json=wrong)).status_code == 422


async def test_the_users_standing_rules_are_kept(http: httpx.AsyncClient) -> None:
    """Replaced as a whole, in the fixed order; wrong ones change nothing."""
    url = "/accounts/home/rules"
    assert (await http.get(url)).json() == {"pinned": [], "banned": []}
    greeting = {"aspect": "greeting", "instruction": 'open with "Hello"'}
    tone = {"aspect": "tone", "instruction": "dry"}
    turned = {"pinned": [tone, greeting], "banned": ["marks"]}
    assert (await http.put(url, json=turned)).status_code == 204
    rules = {"pinned": [greeting, tone], "banned": ["marks"]}
    assert (await http.get(url)).json() == rules
    for wrong in ({"pinned": [greeting] * 2}, {"pinned": [greeting], "banned": ["greeting"]}):
        assert (await http.put(url, json=wrong)).status_code == 422
    assert (await http.put("/accounts/elsewhere/rules", json=rules)).status_code == 404
    assert (await http.get(url)).json() == rules


async def test_a_window_that_opens_is_told_whether_the_agent_is_ready(
    http: httpx.AsyncClient,
) -> None:
    """And why not; bullets are none of what is known."""
    known = {name: value for name, value in body().items() if name not in {"key", "bullets"}}
    answer = (await http.post("/warm", json=known)).json()
    assert answer == {"ready": False, "why": "no agent yet"}
    assert (await http.post("/warm", json=body())).status_code == 422


@pytest.mark.parametrize(("account", "status"), [("home", 204), ("elsewhere", 404)])
async def test_lost_mails_are_answered_for(
    http: httpx.AsyncClient, account: str, status: int
) -> None:
    """`forget` or `keep`, of an account that there is; anything else is a wrong request."""
    url = f"/accounts/{account}/deletions"
    for answer in ("forget", "keep"):
        assert (await http.put(url, json={"answer": answer})).status_code == status
    assert (await http.put(url, json={"answer": "perhaps"})).status_code == 422


async def test_drafts_in_flight_are_bounded(service: SmallService) -> None:
    """One more is told so, in a sentence; and taken in as soon as another has ended."""
    writer = ScriptedWriter(gate=asyncio.Event())
    async with served(writing(service, writer)) as path, on(path) as http, asyncio.timeout(60):
        keys = [str(number) for number in range(MAX_DRAFTS)]
        waiting = [asyncio.create_task(http.post("/drafts", json=body(key))) for key in keys]
        while writer.calls < MAX_DRAFTS:  # noqa: ASYNC110  # a count is no event
            await asyncio.sleep(0.01)
        answer = await http.post("/drafts", json=body("more"))
        assert answer.status_code == 429
        error = {"code": "too_many_drafts", "message": explain(TooManyDrafts(MAX_DRAFTS))}
        assert answer.json() == {"error": error}
        waiting[0].cancel()
        await writer.left.wait()
        assert writer.gate is not None
        writer.gate.set()
        assert (await http.post("/drafts", json=body("more"))).status_code == 200
        assert {(await each).status_code for each in waiting[1:]} == {200}


# --- errors -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "sent", "status", "code"),
    [
        ("POST /drafts/nowhere/sent", {"text": "x"}, 404, "draft_not_found"),
        ("POST /drafts/nowhere/sent", {"text": " ", "html": ""}, 422, "request_invalid"),
        ("DELETE /drafts/nowhere/sent", None, 404, "draft_not_found"),
        ("POST /drafts/nowhere/save", None, 404, "draft_not_found"),
        ("DELETE /drafts/nowhere", None, 404, "draft_not_found"),
        ("GET /jobs/7", None, 404, "job_not_found"),
        ("POST /jobs/sync", {"account": "unknown"}, 404, "account_unknown"),
        ("POST /jobs/dance", {"account": "home"}, 422, "request_invalid"),
        ("GET /nowhere", None, 404, "not_found"),
        ("DELETE /health", None, 405, "method_not_allowed"),
    ],
)
async def test_every_error_has_one_shape(
    http: httpx.AsyncClient, call: str, sent: Any, status: int, code: str
) -> None:
    """A code for programs, a sentence for people."""
    answer = await http.request(*call.split(), json=sent)
    assert answer.status_code == status
    assert set(answer.json()) == {"error"}
    assert answer.json()["error"]["code"] == code
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"bullets": []}, "body.bullets"),
        ({"bullets": ["  "]}, "body.bullets.0"),
        ({"key": ""}, "body.key"),
        ({"from": None}, "body.from"),
        ({"bulets": ["secret"]}, "body.bulets"),
        ({"rules_off": ["secret"]}, "body.rules_off.0"),
        ({"in_reply_to": "<a@secret>\r\nBcc: <b@secret>"}, "body.in_reply_to"),
        ({"references": ["<a@x>", "secret"]}, "body.references.1"),
        ({"references": ["<a@x>"] * 101}, "body.references"),
        ({"rules_added": [{"aspect": "tone", "instruction": "a\nsecret"}]}, "body.rules_added.0"),
        ({"context": [{"author": {}, "sent_at": "2026-03-02T10:00:00"}]}, "body.context.0"),
    ],
)
async def test_a_wrong_request_is_told_where(
    http: httpx.AsyncClient, changes: dict[str, Any], where: str
) -> None:
    """The place and the reason, never the value: it may be mail."""
    answer = await http.post("/drafts", json=body(**changes))
    assert answer.status_code == 422
    message = answer.json()["error"]["message"]
    assert message.startswith(f"{where}: ")
    assert "secret" not in message


async def test_a_body_without_json_type_is_refused(http: httpx.AsyncClient) -> None:
    """What a web page can post without asking is not read."""
    plain = {"content-type": "text/plain"}
    answer = await http.post("/drafts", content=json.dumps(body()), headers=plain)
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "not_json")


@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
async def test_a_body_over_the_limit_is_refused(http: httpx.AsyncClient, *, chunked: bool) -> None:
    """By its length, or while it comes; the server goes on."""
    content = json.dumps(body(subject="x" * MAX_BODY)).encode()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 65536):
            yield content[start : start + 65536]

    json_type = {"content-type": "application/json"}
    answer = await http.post("/drafts", content=pieces() if chunked else content, headers=json_type)
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"
    assert (await http.get("/health")).status_code == 200


async def test_a_bug_is_a_500_without_details(
    service: SmallService, caplog: pytest.LogCaptureFixture
) -> None:
    """Its class and place go to the log, its text nowhere."""
    service.bug = KeyError("Dear Ms Hollis")
    with caplog.at_level(logging.DEBUG):
        async with served(service) as path, on(path) as http:
            answer = await http.get("/status")
    assert answer.status_code == 500
    assert answer.json()["error"] == {
        "code": "internal_error",
        "message": explain(KeyError()),
    }
    assert "KeyError at status:" in caplog.text
    assert "Hollis" not in caplog.text + answer.text


def test_each_branch_of_the_error_tree_has_its_status() -> None:
    """4xx the user can mend, 503 later, 502 a model's bad answer, 500 a bug."""
    errors = DraftNotFound("x"), StoreFull(Path("x")), WorkerBusy(), AnswerMalformed("draft", "x")
    assert [status_of(error) for error in (*errors, KeyError())] == [404, 400, 503, 502, 500]
    assert code_of(AnswerMalformed("draft", "x")) == "answer_malformed"


async def test_requests_are_not_logged(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Not at any level of the server's: paths hold ids, bodies hold mail."""
    with caplog.at_level(logging.DEBUG):
        await http.post("/drafts", json=body(bullets=["a secret boat"]))
    ours = [r for r in caplog.records if not r.name.startswith(("httpx", "httpcore"))]
    text = " ".join(record.getMessage() for record in ours)
    assert "secret" not in text
    assert "/drafts" not in text


# --- the socket -------------------------------------------------------------------------------


async def test_only_the_user_can_reach_the_socket(service: SmallService) -> None:
    """0600 in a 0700 directory."""
    async with served(service) as path:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_kernel_names_the_peer() -> None:
    """At both ends of a pair it is ourselves."""
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert peer_uid(ours) == os.geteuid()
        assert is_own_user(theirs)


def test_credentials_are_read_in_both_systems_forms() -> None:
    """Linux' struct ucred and macOS' struct xucred, laid out as their headers say."""
    assert uid_of_ucred(struct.pack("=iII", 4711, 501, 20)) == 501
    assert uid_of_xucred(struct.pack("=IIh2x16I", 0, 501, 1, *[20] * 16)) == 501


def test_a_peer_that_cannot_be_named_is_refused() -> None:
    """Fails closed: wrong version, short answer, closed socket."""

    class Peer:
        def __init__(self, answer: bytes) -> None:
            self.answer = answer

        def getsockopt(self, _level: int, _option: int, _size: int, /) -> bytes:
            return self.answer

    assert not is_own_user(Peer(b""))
    assert not is_own_user(Peer(struct.pack("=iII", 1, os.geteuid() + 1, 0)))
    with pytest.raises(ValueError, match="version"):
        uid_of_xucred(struct.pack("=IIh2x16I", 9, os.geteuid(), 1, *[20] * 16))
    closed = socket.socket(socket.AF_UNIX)
    closed.close()
    assert not is_own_user(closed)


STRANGER = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(5)
s.connect(sys.argv[1])
try:
    s.sendall(b"GET /v1/health HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
    print(s.recv(100))
except (BrokenPipeError, ConnectionResetError):
    print(b"")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
@pytest.mark.skipif(sys.platform != "linux", reason="needs a second user's Python")
async def test_another_user_gets_no_answer(service: SmallService) -> None:
    """Even where the permissions of socket and directories were loosened."""
    async with served(service) as path:
        for directory in (path.parent.parent, path.parent):
            directory.chmod(0o711)
        path.chmod(0o666)
        run = await asyncio.to_thread(
            subprocess.run,
            ["/usr/bin/env", "python3", "-c", STRANGER, str(path)],
            user=65534,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (run.stdout.strip(), run.stderr) == ("b''", "")
        async with on(path) as http:
            assert (await http.get("/health")).status_code == 200


async def test_a_stale_socket_is_replaced_and_our_own_removed(service: SmallService) -> None:
    """A crash leaves the file; a clean end does not."""
    with tempfile.TemporaryDirectory(prefix="tt") as home:
        path = Path(home) / "trimtab.sock"
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(path))
        async with serve(build_api(service, explain), path), on(path) as http:
            assert (await http.get("/health")).status_code == 200
        assert not path.exists()


async def test_a_file_that_is_no_socket_stays(service: SmallService) -> None:
    """It is not ours to remove."""
    with tempfile.TemporaryDirectory(prefix="tt") as home:
        path = Path(home) / "trimtab.sock"
        path.write_text("precious")
        with pytest.raises(OSError, match="in use"):
            async with serve(build_api(service, explain), path):
                pass
        assert path.read_text() == "precious"


async def test_a_path_too_long_for_a_socket_is_told(service: SmallService, tmp_path: Path) -> None:
    """It comes from the user's TRIMTAB_HOME."""
    with pytest.raises(SocketPathTooLong):
        async with serve(build_api(service, explain), tmp_path / ("x" * 120)):
            pass


async def test_the_server_ends_in_time_and_leaves_the_signals_alone(service: SmallService) -> None:
    """Though a draft is in flight whose writer never answers."""
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    writer = ScriptedWriter(gate=asyncio.Event())
    async with served(writing(service, writer)) as path:
        waiting = asyncio.create_task(hang(path))
        await writer.begun.wait()
        assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == handlers
        begun = time.monotonic()
    assert time.monotonic() - begun < 5
    assert writer.left.is_set()
    await waiting


async def hang(path: Path) -> None:
    async with on(path) as http:
        try:
            await http.post("/drafts", json=body())
        except httpx.TransportError:
            return
