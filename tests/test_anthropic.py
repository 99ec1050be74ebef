"""The client for Claude against a server that speaks Anthropic's wire format."""

import asyncio
import gzip
import logging
import socket
import traceback
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
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
    Client,
    a_client,
)
from anthropic_http import Told
from anthropic_server import KEY, Broken, Held, Server, serving
from anthropic_wire import MODELS, Refusal, Said

from mlx_agent.errors import (
    AnswerCutOff,
    AnswerRefused,
    KeyMissing,
    KeyRefused,
    ModelMissing,
    ModelOverloaded,
    ModelUnreachable,
    PromptTooLong,
    RateLimited,
    RequestRefused,
    SampleError,
    TrimtabError,
)
from mlx_agent.large import LargeModel
from mlx_agent.large.anthropic import Anthropic
from mlx_agent.large.anthropic_errors import delay_s
from mlx_agent.large.anthropic_request import request, traits
from mlx_agent.large.offline import Offline
from mlx_agent.large.settings import ModelSettings
from mlx_agent.records import Answer, IntentTask, Price, Task, Usage
from mlx_agent.render import prompt_name

PATIENCE_S = 60
"""How long a test waits for what must come; no measure of anything."""


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server that knows the right answers."""
    async with serving() as server:
        yield server


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    """Makes clients of that server."""
    made: list[Anthropic] = []

    def make(model: str = SONNET, key: str = KEY, **changes: Any) -> Anthropic:
        made.append(a_client(server.url, model, key, **changes))
        return made[-1]

    yield make
    for one in made:
        await one.close()


def bodies(server: Server) -> list[dict[str, Any]]:
    """What the server was asked."""
    return [seen.body for seen in server.seen]


async def whole(model: LargeModel, task: Task) -> tuple[list[str], Answer]:
    """The pieces of a stream, and the answer at its end."""
    *pieces, answer = [item async for item in model.stream(task)]
    assert isinstance(answer, Answer)
    return [str(piece) for piece in pieces], answer


# --- answers ---------------------------------------------------------------------------------


@pytest.mark.parametrize("task", TASKS, ids=prompt_name)
async def test_a_task_is_answered(client: Client, task: Task) -> None:
    """In the words of the model behind the server, which here is the offline one."""
    answer = await client().complete(task)
    assert answer.text == (await Offline().complete(task)).text
    assert answer.model == SONNET


async def test_a_stream_brings_the_pieces_and_then_the_whole(client: Client) -> None:
    """The pieces joined are the answer's text."""
    pieces, answer = await whole(client(), DRAFT)
    assert len(pieces) > 2
    assert "".join(pieces) == answer.text


async def test_the_server_counts_the_tokens(server: Server, client: Client) -> None:
    """Sonnet 5.5 costs 2 and 10 USD a million; what is in the cache has a price of its own."""
    counts = {"input_tokens": 100, "output_tokens": 40}
    counts |= {"cache_read_input_tokens": 1000, "cache_creation_input_tokens": 200}
    server.next.append(Said(text="Hello", usage=counts))
    answer = await client().complete(BASELINE)
    cost = answer.usage.cost_usd
    assert cost == pytest.approx((100 * 2 + 1000 * 2 * 0.1 + 200 * 2 * 1.25 + 40 * 10) / 1e6)
    assert answer.usage == Usage(
        input_tokens=100,
        output_tokens=40,
        cache_read_tokens=1000,
        cache_write_tokens=200,
        cost_usd=cost,
    )


async def test_the_system_prompt_is_cached(server: Server, client: Client) -> None:
    """The first task of a prompt writes it into the cache, the next ones read it."""
    server.cache_minimum = 1
    one = client()
    first, second = [(await one.complete(task)).usage for task in (BASELINE, BASELINE)]
    assert first.cache_write_tokens == second.cache_read_tokens > 0
    assert first.cache_read_tokens == second.cache_write_tokens == 0


async def test_a_price_is_the_configs_or_the_lists_or_unknown(client: Client) -> None:
    """A model on this machine costs nothing; what another one costs may be unknown."""
    named = await client("claude-opus-4-8", price=Price(input=1.0, output=0.0)).complete(BASELINE)
    assert named.usage.cost_usd == named.usage.input_tokens / 1e6
    assert (await client("claude-opus-4-8").complete(BASELINE)).usage.cost_usd is None
    assert (await client("claude-opus-4-8", remote=False).complete(BASELINE)).usage.cost_usd == 0.0


async def test_an_answer_costs_no_more_than_was_said(client: Client) -> None:
    """And a batch's half of that at the most."""
    one = client()
    for task in TASKS:
        most, cost = one.most(task), (await one.complete(task)).usage.cost_usd
        assert most is not None
        assert cost is not None
        assert cost < most
        assert one.most(task, batch=True) == pytest.approx(most / 2)
    assert client("claude-opus-4-8").most(BASELINE) is None


async def test_it_says_what_it_is(server: Server) -> None:
    """Its name, and where mail goes, which is Anthropic if the config names no other server."""
    own = a_client("")
    assert (own.name, own.host, own.remote) == (SONNET, "api.anthropic.com", True)
    other = a_client(server.url, remote=False)
    assert (other.host, other.remote) == ("127.0.0.1", False)


# --- what models take ------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
async def test_every_model_takes_what_it_is_sent(client: Client, model: str) -> None:
    """Whatever the task, and with the temperature that it names or without."""
    one = client(model)
    warm = IntentTask(own_text=OWN_TEXT, metadata=INTENT.metadata, temperature=0.7)
    for task in (*TASKS, warm):
        assert (await one.complete(task)).text


@pytest.mark.parametrize("task", TASKS, ids=prompt_name)
async def test_tasks_that_call_for_thinking_get_it(
    server: Server, client: Client, task: Task
) -> None:
    """The others do not, and neither does any if the config says so."""
    thinks = prompt_name(task) in {"intent", "rules_thinking", "rules_distill", "judge"}
    await client().complete(task)
    await client(thinking=False).complete(task)
    kinds = [body["thinking"]["type"] for body in bodies(server)]
    assert kinds == ["adaptive" if thinks else "between_tools", "between_tools"]


@pytest.mark.parametrize(
    ("model", "wanted", "unwanted"),
    [
        ("claude-opus-5-5", {"type": "adaptive"}, {"effort": "low"}),
        ("claude-fable-5-1", {"type": "adaptive"}, {"effort": "low"}),
        ("claude-sonnet-5-5", {"type": "adaptive"}, {"type": "between_tools"}),
        ("claude-haiku-5-5", {"type": "adaptive"}, {"type": "disabled"}),
        ("claude-opus-5", {"type": "adaptive"}, {"type": "disabled"}),
        ("claude-opus-4-8", {"type": "adaptive"}, None),
        ("claude-opus-4-6", {"type": "adaptive"}, None),
        ("claude-haiku-4-5-20251001", {"type": "enabled", "budget_tokens": 4096}, None),
        ("claude-3-5-haiku-latest", None, None),
        ("claude-lyra-7", None, None),
    ],
)
def test_thinking_is_asked_for_as_the_model_knows_it(
    model: str, wanted: Any, unwanted: Any
) -> None:
    """One that always thinks is asked for little; of an unknown one nothing is asked."""
    settings = ModelSettings(model=model, max_tokens=8192)
    assert request(R3, settings).params.get("thinking") == wanted
    quiet = request(DRAFT, settings).params
    assert quiet.get("thinking", quiet.get("output_config")) == unwanted


def test_a_budget_leaves_room_for_the_answer() -> None:
    """Where there is too little for both, the model does not think."""
    small = ModelSettings(model="claude-haiku-4-5", max_tokens=1500)
    assert "thinking" not in request(R3, small).params


async def test_thinking_is_never_text(server: Server, client: Client) -> None:
    """Neither in the pieces nor in the answer; it is paid for as output."""
    server.thought = "secret thoughts " * 50
    pieces, answer = await whole(client(), R3)
    assert "secret" not in "".join(pieces) + answer.text
    assert answer.usage.output_tokens > len(server.thought) // 4


@pytest.mark.parametrize(
    ("model", "takes"),
    [
        ("claude-3-7-sonnet-20250219", True),
        ("claude-opus-4-1", True),
        ("claude-haiku-4-5-20251001", True),
        ("claude-opus-4-6", True),
        ("claude-opus-4-7", False),
        ("claude-sonnet-5", False),
        ("claude-haiku-5-5", False),
        ("claude-mythos-preview", False),
        ("claude-lyra-7", False),
        ("anything", False),
    ],
)
def test_models_since_opus_4_7_take_no_temperature(model: str, *, takes: bool) -> None:
    """A new or unknown model is taken for one of those."""
    assert a_client("", model).takes_temperature is takes
    assert traits(model).temperature is takes


async def test_a_temperature_goes_out_in_the_old_version(server: Server, client: Client) -> None:
    """It ends at 1.0, and a model that samples at it does not think."""
    for temperature in (0.7, 1.2):
        task = IntentTask(own_text=OWN_TEXT, metadata=INTENT.metadata, temperature=temperature)
        await client("claude-opus-4-6").complete(task)
    await client("claude-opus-4-6").complete(INTENT)
    versions = [seen.headers["anthropic-version"] for seen in server.seen]
    assert versions == ["2023-06-01", "2023-06-01", "2026-10-21"]
    assert [body.get("temperature") for body in bodies(server)] == [0.7, 1.0, None]
    assert ["thinking" in body for body in bodies(server)] == [False, False, True]


# --- errors ----------------------------------------------------------------------------------


INVALID = "invalid_request_error"


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (Refusal(401, "authentication_error"), KeyRefused(SONNET, "authentication_error")),
        (Refusal(403, "permission_error"), KeyRefused(SONNET, "permission_error")),
        (Refusal(402, "billing_error"), KeyRefused(SONNET, "billing_error")),
        (
            Refusal(400, INVALID, "Your credit balance is too low to access the Anthropic API."),
            KeyRefused(SONNET, "billing_error"),
        ),
        (
            Refusal(400, INVALID, "You have reached your specified API usage limits."),
            KeyRefused(SONNET, "billing_error"),
        ),
        (
            Refusal(429, "rate_limit_error", code="enforced_spend_limit_reached"),
            KeyRefused(SONNET, "enforced_spend_limit_reached"),
        ),
        (Refusal(404, "not_found_error"), ModelMissing(SONNET)),
        (
            Refusal(400, INVALID, "prompt is too long: 1000001 tokens > 1000000 maximum"),
            PromptTooLong("draft"),
        ),
        (Refusal(413, "request_too_large"), PromptTooLong("draft")),
        (Refusal(400, INVALID, "max_tokens: out of range"), RequestRefused(SONNET, INVALID)),
        (Refusal(422, "Quoted: mail"), RequestRefused(SONNET, "HTTP 422")),
        (Refusal(429, "rate_limit_error"), RateLimited(SONNET, 1.0)),
        (Refusal(409, "conflict_error"), ModelOverloaded(SONNET)),
        (Refusal(500, "api_error"), ModelOverloaded(SONNET)),
        (Refusal(503, "api_error", headers={"retry-after": "7"}), ModelOverloaded(SONNET, 7.0)),
        (Refusal(504, "timeout_error"), ModelUnreachable(SONNET, "timeout_error", sent=True)),
        (Refusal(529, "overloaded_error"), ModelOverloaded(SONNET)),
    ],
    ids=lambda value: value.kind + value.code if isinstance(value, Refusal) else "",
)
async def test_an_error_of_the_api_is_told_by_name(
    server: Server, client: Client, refusal: Refusal, error: TrimtabError
) -> None:
    """By its status, its type and its code, and by its words only where it has no code."""
    server.next.append(refusal)
    with pytest.raises(type(error)) as caught:
        await client().complete(DRAFT)
    assert vars(caught.value) == vars(error)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("refusal", AnswerRefused("draft")),
        ("max_tokens", AnswerCutOff("draft", 500)),
        ("model_context_window_exceeded", PromptTooLong("draft")),
    ],
)
async def test_an_answer_that_stopped_early_is_none(
    server: Server, client: Client, said: str, error: SampleError
) -> None:
    """The pieces come; in place of the answer there is the reason."""
    server.next.append(Said(text="Hello Tim", stop_reason=said))
    pieces = client(max_tokens=500).stream(DRAFT)
    assert await anext(pieces) == "Hello Tim"
    with pytest.raises(type(error)) as caught:
        await anext(pieces)
    used = caught.value.usage
    assert used is not None
    assert used.output_tokens > 0
    assert (used.cost_usd or 0) > 0  # it was paid for
    assert vars(caught.value) == vars(error) | {"usage": used}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Fri, 01 Jan 2021 00:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, None),
        ({}, None),
    ],
)
def test_a_delay_is_read_in_any_form(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, milliseconds or a date; what cannot be read is no delay."""
    assert delay_s(headers) == seconds


async def test_a_delay_until_a_date_is_told_in_seconds(server: Server, client: Client) -> None:
    """The date is the server's, and within the hour that it names."""
    server.retry_after = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    server.limit = 0
    with pytest.raises(RateLimited) as caught:
        await client().complete(DRAFT)
    assert caught.value.delay_s is not None
    assert 0 < caught.value.delay_s <= 3600


async def test_more_than_the_limit_at_a_time_is_refused(server: Server, client: Client) -> None:
    """Once the first is answered there is room again."""
    server.limit, until, one = 1, asyncio.Event(), client()
    server.next.append(Held(until))
    first = asyncio.create_task(one.complete(DRAFT))
    await server.asked(1)
    with pytest.raises(RateLimited):
        await one.complete(DRAFT)
    until.set()
    assert await first == await one.complete(DRAFT)


# --- broken connections ----------------------------------------------------------------------

BROKE_OFF = ModelUnreachable(SONNET, "the answer broke off", sent=True)
BROKE = ModelUnreachable(SONNET, "the connection broke", sent=True)
NO_MODEL = ModelUnreachable(SONNET, "not the answer of a model", sent=True)


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        (Broken(0, "finish"), BROKE_OFF),
        (Broken(6, "finish"), BROKE_OFF),
        (Broken(0, "close"), BROKE),
        (Broken(6, "close"), BROKE),
        (Broken(6, "reset"), BROKE),
        (Broken(6, "overloaded_error"), ModelOverloaded(SONNET)),
        (Broken(3, garbled=True), NO_MODEL),
    ],
    ids=str,
)
async def test_half_an_answer_is_none(
    server: Server, client: Client, broken: Broken, error: TrimtabError
) -> None:
    """It may have been paid for, unless the server says that it was overloaded."""
    server.next.append(broken)
    with pytest.raises(type(error)) as caught:
        await client().complete(DRAFT)
    assert vars(caught.value) == vars(error)
    assert (await client().complete(DRAFT)).text


@pytest.mark.parametrize(
    ("told", "error"),
    [
        (Told(body=b"<html>Sign in to the hotel's network</html>"), BROKE_OFF),
        (Told(body=b'{"type": "message"}'), BROKE_OFF),
        (Told(body=b"event: message_start\ndata: [1]\n\n"), BROKE_OFF),
        (Told(body=b"event: message_start\ndata: \xff\n\n"), NO_MODEL),
        (Told(body=b"not gzip", headers={"content-encoding": "gzip"}), BROKE),
        (Told(body=gzip.compress(b"data: 1\n\n"), headers={"content-encoding": "gzip"}), BROKE_OFF),
        (Told(raw=b"SSH-2.0-OpenSSH_9.9\r\n\r\n"), BROKE),
        (Told(raw=b""), BROKE),
        (Told(status=502, body=b"<html>Bad gateway</html>"), ModelOverloaded(SONNET)),
        (Told(status=418, body=b'["teapot"]'), RequestRefused(SONNET, "HTTP 418")),
    ],
    ids=lambda value: value.body.decode("latin-1")[:12] if isinstance(value, Told) else "",
)
async def test_what_is_no_answer_of_the_api_is_none(
    server: Server, client: Client, told: Told, error: TrimtabError
) -> None:
    """A hotel's sign-in page, another protocol, a broken encoding, a gateway's error."""
    server.next.append(told)
    with pytest.raises(type(error)) as caught:
        await client().complete(DRAFT)
    assert vars(caught.value) == vars(error)


async def test_a_silent_server_is_given_up(server: Server, client: Client) -> None:
    """And sees that nobody listens any more."""
    server.next.append(Broken(6, "hang"))
    with pytest.raises(ModelUnreachable) as caught:
        await client(timeout_s=0.1).complete(DRAFT)
    assert vars(caught.value) == {"model": SONNET, "reason": "time-out", "sent": True}
    await asyncio.wait_for(server.seen[0].gone.wait(), PATIENCE_S)


async def test_what_was_never_sent_is_told_apart() -> None:
    """Nobody listens, the host is unknown, or it speaks no TLS: nothing was paid."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with serving() as plain:
        for url, reason in (
            (f"http://127.0.0.1:{port}", "no connection"),
            ("http://nowhere.invalid", "unknown host"),
            (f"https://127.0.0.1:{plain.port}", "TLS"),
            ("mail://127.0.0.1", "no connection"),
        ):
            lost = a_client(url, remote=False)
            with pytest.raises(ModelUnreachable) as caught:
                await lost.complete(DRAFT)
            assert (caught.value.reason, caught.value.sent) == (reason, False)
            await lost.close()
        assert plain.seen == []


async def test_mail_follows_no_redirect(server: Server, client: Client) -> None:
    """It goes to the server of the config and to no other."""
    async with serving() as elsewhere:
        location = {"location": f"{elsewhere.url}/v1/messages"}
        server.next.append(Told(status=307, headers=location))
        with pytest.raises(RequestRefused, match="HTTP 307"):
            await client().complete(DRAFT)
        assert elsewhere.seen == []


# --- cancelling, concurrency, closing ----------------------------------------------------------


async def test_cancelling_closes_the_connection(server: Server, client: Client) -> None:
    """The server sees it while it still works on the answer, and the answer is not counted."""
    server.next.append(Held(asyncio.Event()))
    asking = asyncio.create_task(client().complete(DRAFT))
    seen = await server.asked(1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.wait_for(seen.gone.wait(), PATIENCE_S)
    assert [paid.answered for paid in server.ledger.entries] == [False]


async def test_leaving_a_stream_closes_the_connection(server: Server, client: Client) -> None:
    """In the middle of the text."""
    server.next.append(Broken(6, "hang"))
    async with aclosing(client().stream(DRAFT)) as pieces:
        async for _ in pieces:
            break
    await asyncio.wait_for(server.seen[0].gone.wait(), PATIENCE_S)


async def test_many_are_asked_at_a_time(server: Server, client: Client) -> None:
    """Each on a connection of its own, which the next one uses again; the key is asked for once."""
    one, until = client(), asyncio.Event()
    server.next.extend([Held(until)] * 50)
    asking = [asyncio.create_task(one.complete(DRAFT)) for _ in range(50)]
    await server.asked(50)
    until.set()
    answers = await asyncio.gather(*asking, *(one.complete(DRAFT) for _ in range(50)))
    assert len(set(answers)) == 1
    assert server.most_in_flight >= 50
    assert len(server.connections) <= 100
    before = len(server.connections)
    await asyncio.gather(*(one.complete(DRAFT) for _ in range(50)))
    assert len(server.connections) == before


async def test_closing_twice_is_harmless(server: Server) -> None:
    """And so is closing what was never used."""
    one = a_client(server.url)
    await one.close()
    await one.complete(DRAFT)
    await one.close()
    await one.close()


# --- the key, and what must stay private -------------------------------------------------------


async def test_the_key_is_asked_for_once_and_late(server: Server) -> None:
    """Not before the first task, and once for all who ask at the same time."""
    asked = []

    async def key() -> str:
        asked.append(1)
        await asyncio.sleep(0)
        return KEY

    one = Anthropic(ModelSettings(model=SONNET, base_url=server.url), key)
    assert asked == []
    await asyncio.gather(*(one.complete(DRAFT) for _ in range(5)))
    assert asked == [1]
    await one.close()


async def test_a_missing_key_is_told_by_its_source(server: Server) -> None:
    """Nothing is sent."""

    async def key() -> str:
        raise KeyMissing(SONNET, "key_env")

    with pytest.raises(KeyMissing):
        await Anthropic(ModelSettings(model=SONNET, base_url=server.url), key).complete(DRAFT)
    assert server.seen == []


async def test_a_key_of_another_form_is_not_sent(server: Server, client: Client) -> None:
    """A line break in it would be one in the header."""
    with pytest.raises(KeyRefused, match="no key"):
        await client(key="sk-ant\nx: y").complete(DRAFT)
    assert server.seen == []


async def test_an_empty_key_is_not_sent(
    server: Server, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And none is taken from the environment in its place, nor a server's address."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", KEY)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://nowhere.invalid")
    with pytest.raises(KeyRefused):
        await client(key="").complete(DRAFT)
    assert {"x-api-key", "authorization"}.isdisjoint(server.seen[0].headers)


async def test_nothing_private_is_told_or_logged(
    server: Server, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """No key and no word of mail, be it in errors, in their causes or in the SDK's log."""
    caplog.set_level(logging.DEBUG)
    shown = []
    server.next.extend([None, Refusal(400, INVALID, OWN_TEXT), Broken(8, garbled=True)])
    server.next.extend([Said(text=OWN_TEXT), Told(body=OWN_TEXT.encode()), Broken(4, "reset")])
    for _ in range(len(server.next)):
        try:
            await client().complete(R3)
        except TrimtabError as error:
            shown += traceback.format_exception(error)
            shown.append(repr(vars(error)))
    said = "\n".join([*shown, caplog.text])
    assert len(shown) > 8
    for private in ("boat", "Tim", "Nora", KEY):
        assert private not in said


async def test_the_machine_is_not_told_of(server: Server, client: Client) -> None:
    """The SDK would name its system, processor and Python to whoever answers."""
    await client().complete(DRAFT)
    told = {name for name in server.seen[0].headers if name.startswith("x-stainless")}
    assert told == {"x-stainless-raw-response"}
