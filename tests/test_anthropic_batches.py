"""Message batches against a server that speaks Anthropic's wire format."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from anthropic_examples import (
    BASELINE,
    DRAFT,
    INTENT,
    OWN_TEXT,
    R3,
    SONNET,
    TASKS,
    a_client,
)
from anthropic_http import Told
from anthropic_server import Server, serving
from anthropic_wire import Refusal, Said

from mlx_agent.errors import (
    AnswerCutOff,
    AnswerRefused,
    KeyRefused,
    ModelMissing,
    ModelOverloaded,
    ModelUnreachable,
    PromptTooLong,
    RateLimited,
    RequestRefused,
    TrimtabError,
)
from mlx_agent.large.anthropic import Anthropic
from mlx_agent.large.offline import Offline
from mlx_agent.records import Answer, IntentTask

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
PATIENCE_S = 60
HOTEL = Told(body=b"<html>Sign in to the hotel's network</html>")


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server whose batches end at once."""
    async with serving() as server:
        yield server


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Anthropic]:
    """A client of that server."""
    client = a_client(server.url)
    yield client
    await client.close()


async def collected(client: Anthropic, batch_id: str) -> dict[str, Answer | TrimtabError]:
    """All results of a batch."""
    return {key: result async for key, result in client.batches.results(batch_id)}


def clock(times: Iterator[datetime]) -> Callable[[], datetime]:
    """A clock that shows one time after the other."""
    return lambda: next(times)


async def test_a_batch_answers_as_live_requests_do(server: Server, client: Anthropic) -> None:
    """Each task by its key, whatever the order, and at half the price."""
    tasks = {f"{'k' * 60}_-{i}": task for i, task in enumerate(TASKS)}
    results = await collected(client, await client.batches.submit(tasks))
    assert list(results) == list(tasks)[::-1]
    for key, task in tasks.items():
        live, batched = await client.complete(task), results[key]
        assert isinstance(batched, Answer)
        assert (batched.text, batched.model) == (live.text, SONNET)
        assert batched.usage.output_tokens == live.usage.output_tokens
        assert live.usage.cost_usd is not None
        assert batched.usage.cost_usd == pytest.approx(live.usage.cost_usd / 2)


async def test_a_batch_outlives_its_client(server: Server, client: Anthropic) -> None:
    """Another process that knows its id looks at it, and collects when it has ended."""
    server.polls = 3
    batch_id = await client.batches.submit({"a": DRAFT})
    await client.close()
    other = a_client(server.url)
    looks = [await other.batches.ended(batch_id) for _ in range(4)]
    assert looks == [False, False, True, True]
    answer = (await collected(other, batch_id))["a"]
    assert isinstance(answer, Answer)
    assert answer.text == (await Offline().complete(DRAFT)).text
    await other.close()


INVALID = "invalid_request_error"


@pytest.mark.parametrize(
    ("fate", "error"),
    [
        ("canceled", ModelOverloaded(SONNET)),
        ("expired", ModelOverloaded(SONNET)),
        (Refusal(500, "api_error"), ModelOverloaded(SONNET)),
        (Refusal(529, "overloaded_error"), ModelOverloaded(SONNET)),
        (Refusal(429, "rate_limit_error"), RateLimited(SONNET, None)),
        (Refusal(400, INVALID), RequestRefused(SONNET, INVALID)),
        (Refusal(400, INVALID, "prompt is too long: 2 tokens > 1 maximum"), PromptTooLong("bad")),
        (Refusal(404, "not_found_error"), ModelMissing(SONNET)),
        (Refusal(402, "billing_error"), KeyRefused(SONNET, "billing_error")),
        (Said(text="", stop_reason="refusal"), AnswerRefused("bad")),
        (Said(text="Hel", stop_reason="max_tokens"), AnswerCutOff("bad", 777)),
    ],
    ids=lambda value: getattr(value, "kind", getattr(value, "stop_reason", str(value))),
)
async def test_one_tasks_error_is_its_own(server: Server, fate: Any, error: TrimtabError) -> None:
    """It is told as it would be live, and the other tasks are answered."""
    server.fate = lambda key: fate if key == "bad" else None
    client = a_client(server.url, max_tokens=777)
    results = await collected(client, await client.batches.submit({"bad": DRAFT, "good": R3}))
    assert isinstance(results["good"], Answer)
    assert type(results["bad"]) is type(error)
    used = getattr(results["bad"], "usage", None)
    assert vars(results["bad"]) == vars(error) | ({"usage": used} if used else {})
    assert bool(used) == isinstance(error, AnswerRefused | AnswerCutOff)
    await client.close()


async def test_a_temperature_makes_the_batch_one_of_the_old_version(server: Server) -> None:
    """The other tasks in it are understood there too."""
    client = a_client(server.url, "claude-opus-4-6")
    warm = IntentTask(own_text=OWN_TEXT, metadata=INTENT.metadata, temperature=1.2)
    results = await collected(client, await client.batches.submit({"warm": warm, "other": R3}))
    assert all(isinstance(result, Answer) for result in results.values())
    assert server.seen[0].headers["anthropic-version"] == "2023-06-01"
    params = [request["params"] for request in server.seen[0].body["requests"]]
    assert [p.get("temperature") for p in params] == [1.0, None]
    await client.close()


async def test_batches_are_found_again(server: Server, client: Anthropic) -> None:
    """By the number of their tasks and the time, over many pages, the oldest first."""
    server.polls = 1
    server.now = clock(NOON + timedelta(minutes=i) for i in range(250))
    ids = [
        await client.batches.submit({f"k{j}": BASELINE for j in range(1 + i % 2)})
        for i in range(250)
    ]
    before = len(server.seen)
    found = await client.batches.find(NOON + timedelta(minutes=9), size=2)
    assert found == [batch_id for i, batch_id in enumerate(ids) if i > 9 and i % 2]
    assert len(server.seen) - before == 3
    assert await client.batches.find(NOON + timedelta(days=1), size=2) == []


async def test_an_ended_batch_is_found_by_its_tasks_too(server: Server, client: Anthropic) -> None:
    """What became of each does not matter."""
    server.fate = lambda key: "expired" if key == "a" else None
    batch_id = await client.batches.submit({"a": DRAFT, "b": DRAFT, "c": R3})
    assert await client.batches.find(NOON, size=3) == [batch_id]
    assert await client.batches.find(NOON, size=2) == []


async def test_a_cancelled_batch_ends(server: Server, client: Anthropic) -> None:
    """What was not answered by then was not paid."""
    server.polls = 2
    batch_id = await client.batches.submit({"a": DRAFT})
    await client.batches.cancel(batch_id)
    assert not await client.batches.ended(batch_id)
    assert await client.batches.ended(batch_id)
    assert isinstance((await collected(client, batch_id))["a"], ModelOverloaded)
    assert server.ledger.entries == []


async def test_a_batch_is_refused_by_name(server: Server, client: Anthropic) -> None:
    """A key of a wrong form, none at all, no such batch, or one that is too large."""
    with pytest.raises(RequestRefused, match=INVALID):
        await client.batches.submit({"not a key": DRAFT})
    with pytest.raises(RequestRefused, match=INVALID):
        await client.batches.submit({})
    with pytest.raises(RequestRefused, match="not_found_error"):
        await client.batches.ended("msgbatch_0")
    server.next.append(Refusal(413, "request_too_large"))
    with pytest.raises(RequestRefused, match="request_too_large"):
        await client.batches.submit({"a": DRAFT})
    server.next.append(Refusal(429, "rate_limit_error"))
    with pytest.raises(RateLimited):
        await client.batches.find(NOON, 1)
    wrong = a_client(server.url, key="sk-wrong")
    with pytest.raises(KeyRefused):
        await wrong.batches.cancel("msgbatch_0")
    await wrong.close()


async def test_a_batch_without_results_has_none(server: Server, client: Anthropic) -> None:
    """It has not ended, or it did so too long ago."""
    server.polls = 9
    batch_id = await client.batches.submit({"a": DRAFT})
    with pytest.raises(RequestRefused):
        await collected(client, batch_id)


async def test_a_batch_without_an_answer_may_have_been_made(
    server: Server, client: Anthropic
) -> None:
    """So it is looked for before it is made again."""
    server.next.append(Told(raw=b""))
    with pytest.raises(ModelUnreachable) as caught:
        await client.batches.submit({"a": DRAFT})
    assert caught.value.sent


async def test_what_is_no_answer_of_the_api_is_told(server: Server, client: Anthropic) -> None:
    """Whichever question it answers."""
    batch_id = await client.batches.submit({"a": DRAFT})

    async def asked(*answers: Told | None) -> None:
        for ask in (
            client.batches.submit({"a": DRAFT}),
            client.batches.find(NOON, 1),
            client.batches.ended(batch_id),
            collected(client, batch_id),
        ):
            server.next.extend(answers)
            with pytest.raises(ModelUnreachable) as caught:
                await ask
            assert caught.value.sent
            server.next.clear()

    await asked(HOTEL)
    await asked(Told(body=b"[1]"))
    for odd in (
        b"<html>\n",
        b"[1]\n",
        b'{"custom_id": "a"}\n',
        b'{"custom_id": 1, "result": {}}\n',
    ):
        server.next.extend([None, Told(body=odd)])
        with pytest.raises(ModelUnreachable, match="not the"):
            await collected(client, batch_id)


async def test_results_that_break_off_leave_what_had_come(
    server: Server, client: Anthropic
) -> None:
    """The rest can be had by asking again."""
    batch_id = await client.batches.submit({"a": DRAFT, "b": DRAFT})
    line = json.dumps({"custom_id": "b", "result": {"type": "expired"}}).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n"
    server.next.extend([None, Told(raw=head + line + b"\n" + line[:-1])])
    results = client.batches.results(batch_id)
    assert (await anext(results))[0] == "b"
    with pytest.raises(ModelUnreachable, match="broke"):
        await anext(results)
    assert set(await collected(client, batch_id)) == {"a", "b"}


async def test_results_are_text_in_any_script(server: Server, client: Anthropic) -> None:
    """A line of results ends at a line feed and at no other separator."""
    server.fate = lambda _: Said(text="Grüße\u2028 ご確認 \x85 \x0c end")
    results = await collected(client, await client.batches.submit({"a": DRAFT, "b": DRAFT}))
    texts = {result.text for result in results.values() if isinstance(result, Answer)}
    assert (len(results), texts) == (2, {"Grüße\u2028 ご確認 \x85 \x0c end"})


async def test_leaving_the_results_closes_the_connection(server: Server, client: Anthropic) -> None:
    """Results are read as they come, and no further."""
    server.fate = lambda _: Said(text="long " * 20_000)
    batch_id = await client.batches.submit({f"k{i}": DRAFT for i in range(100)})
    async with aclosing(client.batches.results(batch_id)) as results:
        await anext(results)
    await asyncio.wait_for(server.seen[-1].gone.wait(), PATIENCE_S)
