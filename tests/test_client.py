"""The client against a real server on a real Unix socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

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
from tools import free_port

from daemon.api.routes import build_api
from daemon.api.server import serve_tcp
from daemon.explain import explain
from daemon.records import JobState
from daemon.store.database import Database
from plugin.client import ApiError, Client, DaemonNotRunning, Event, Port


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened(tmp_path) as database:
        yield database


@pytest.fixture
def service(database: Database) -> SmallService:
    drafter = a_drafter(database, SomeAgents(style_card=CARD))
    return SmallService(database=database, drafter=drafter)


@pytest.fixture
async def client(service: SmallService) -> AsyncIterator[Client]:
    async with served(service) as path, Client(path) as client:
        yield client


async def test_a_draft_arrives_as_events(client: Client) -> None:
    """The last one holds the whole draft, whatever signs are in it."""
    request = body(bullets=["the boat\u2028is “ready”"])
    events = [event async for event in client.draft(request)]
    assert events[0].name == "rules"
    assert {event.name for event in events[1:-1]} == {"text"}
    assert events[-1].data["draft"]["x"]["intent"] == request["bullets"]


async def test_an_error_event_is_raised(service: SmallService) -> None:
    """After the events that came before it."""
    writer = ScriptedWriter(failure=ConnectionResetError())
    service.drafter = a_drafter(service.database, SomeAgents(), writer)
    names: list[str] = []
    async with served(service) as path, Client(path) as client:
        with pytest.raises(ApiError, match="writer_unavailable"):
            await collect_names(client.draft(body()), names)
    assert names == ["rules", "text", "text"]


async def collect_names(events: AsyncIterator[Event], names: list[str]) -> None:
    async for event in events:
        names += [event.name]


async def test_a_refused_request_is_raised_with_its_sentence(client: Client) -> None:
    """No event came."""
    with pytest.raises(ApiError) as caught:
        await anext(client.draft(body(bullets=[])))
    assert caught.value.code == "request_invalid"
    assert "body.bullets" in caught.value.message


async def test_leaving_a_draft_ends_its_work(service: SmallService) -> None:
    """The daemon hears of it at once."""
    writer = ScriptedWriter(gate=asyncio.Event())
    service.drafter = a_drafter(service.database, SomeAgents(), writer)
    async with served(service) as path, Client(path) as client:
        events = client.draft(body())
        assert (await anext(events)).name == "rules"
        await events.aclose()
        await asyncio.wait_for(writer.left.wait(), 2)


async def test_a_draft_is_cancelled_by_its_id(service: SmallService) -> None:
    """From another task, by the id of the rules."""
    writer = ScriptedWriter(gate=asyncio.Event())
    service.drafter = a_drafter(service.database, SomeAgents(), writer)
    async with served(service) as path, Client(path) as client:
        events = client.draft(body())
        draft_id = (await anext(events)).data["draft_id"]
        await client.cancel(draft_id)
        with pytest.raises(ApiError, match="draft_cancelled"):
            _ = [event async for event in events]


async def test_what_changes_is_told(client: Client, service: SmallService) -> None:
    """The status at once, and again when it is another one."""
    async with aclosing(client.events()) as events:
        assert await anext(events) == await client.status()
        service.news["progress"] = None
        assert (await anext(events))["progress"] is None


async def test_the_agent_is_made_ready_and_rules_are_kept(client: Client) -> None:
    """The account's name may be any."""
    known = {name: value for name, value in body().items() if name not in {"key", "bullets"}}
    assert await client.warm(known) == {"ready": False, "why": "no agent yet"}
    rules = {"pinned": [], "banned": ["marks"]}
    await client.set_rules("home", rules)
    assert await client.rules("home") == rules
    with pytest.raises(ApiError):
        await client.rules("a/../home")


async def test_what_was_sent_is_told(client: Client) -> None:
    """Any change counts."""
    draft = [event async for event in client.draft(body())][-1].data["draft"]
    told = await client.sent(draft["id"], draft["text"] + "\n\nPS: bring oars", "<1@falk.example>")
    assert 0 < told["distance"] < 1
    assert told["unchanged"] is False
    told = await client.sent(draft["id"], html=draft["text"].replace("\n", "<br>"))
    assert told["unchanged"] is True
    await client.take_back(draft["id"])
    with pytest.raises(ApiError, match="draft_not_found"):
        await client.take_back("nowhere")
    told = {"message_id": f"<{draft['id']}@falk.example>", "already": False}
    assert await client.save(draft["id"]) == told | {"copy": None}
    assert await client.send(draft["id"]) == told | {"copy": "filed"}
    again = await client.send(draft["id"], again=True)
    assert again == told | {"copy": "filed", "already": True}


async def test_a_job_is_run_to_its_end(client: Client, service: SmallService) -> None:
    """With its progress on the way, and its outcome at the end."""
    service.finish = lambda job: ("done", {"added": job.id}, None)
    shown: list[dict[str, Any]] = []
    outcome = await client.run_job("sync", "home", on_progress=shown.append)
    (job,) = await client.jobs()
    assert outcome == {"added": job["id"]}
    assert shown == [{"step": "sync", "done": 1, "total": 2}]


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ("failed", "There is no mail.", "There is no mail."),
        ("interrupted", None, "The teach job was interrupted."),
    ],
)
async def test_a_job_that_fails_is_raised_with_its_sentence(
    client: Client, service: SmallService, state: JobState, error: str | None, message: str
) -> None:
    """The job's own words, which the daemon made."""
    service.finish = lambda _: (state, {}, error)
    with pytest.raises(ApiError) as caught:
        await client.run_job("teach", "home")
    assert (caught.value.code, caught.value.message) == (f"job_{state}", message)


async def test_a_job_for_an_unknown_account_is_refused(client: Client) -> None:
    """By the daemon's sentence."""
    with pytest.raises(ApiError) as caught:
        await client.run_job("teach", "nobody")
    assert caught.value.code == "account_unknown"


async def test_without_a_daemon_there_is_a_sentence(tmp_path: Path) -> None:
    """It says how to start one."""
    async with Client(tmp_path / "no.sock") as client:
        with pytest.raises(DaemonNotRunning) as caught:
            await client.health()
    assert "trimtab run" in caught.value.message


async def test_a_daemon_that_goes_away_in_mid_draft_is_told(service: SmallService) -> None:
    """No half draft passes for a whole one."""
    writer = ScriptedWriter(gate=asyncio.Event())
    service.drafter = a_drafter(service.database, SomeAgents(), writer)
    async with served(service) as path:
        client = Client(path)
        events = client.draft(body())
        await anext(events)
    async with client:
        with pytest.raises(ApiError, match="connection_lost"):
            _ = [event async for event in events]


async def test_it_speaks_over_a_port_with_the_token(service: SmallService, tmp_path: Path) -> None:
    """And hears why it is refused without; the token is in nothing that it shows."""
    port, token_file = free_port(), tmp_path / "token"
    async with serve_tcp(build_api(service, explain), port, token_file):
        where = Port(number=port, token=token_file.read_text("ascii").strip())
        async with Client(where) as client:
            assert (await client.health())["ready"] is True
            assert [event async for event in client.draft(body())][-1].name == "done"
        async with Client(Port(number=port, token="wrong")) as stranger:
            with pytest.raises(ApiError, match="token_refused"):
                await stranger.health()
    assert where.token not in repr(where)
    async with Client(where) as client:
        with pytest.raises(DaemonNotRunning, match=f"127.0.0.1:{port}"):
            await client.health()


async def test_half_a_character_is_refused_with_a_sentence(client: Client) -> None:
    """Wherever it came from; nothing is written."""
    with pytest.raises(ApiError, match="lone surrogate"):
        await anext(client.draft(body(subject="half \ud83d")))
