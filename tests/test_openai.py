"""The client of OpenAI-compatible servers: what it asks, what it makes of answers and of faults."""

import asyncio
import logging
import socket
import ssl
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx2
import pytest
from openai_server import (
    DONE,
    EVENTS,
    JSON,
    Reply,
    Server,
    chunk,
    event,
    failure,
    running_openai,
    said,
    stream,
    usage,
)
from teaching_examples import NORA, a_lesson
from tools import free_port

from mlx_agent import render
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
    TrimtabError,
)
from mlx_agent.large.openai import OpenAI
from mlx_agent.large.settings import ModelSettings
from mlx_agent.large.transport import unreachable as unreachable_of
from mlx_agent.records import Answer, DraftTask, IntentTask, Metadata, Price, Usage

TASK = DraftTask(x=a_lesson().x)
INTENT = IntentTask(own_text="Come at six.", metadata=Metadata(sender=NORA), temperature=0.7)
SECRET = "sk-not-a-real-one"
LATE = stream(chunk("Hel"), end="hang")
PRICE = Price(input=2.0, output=10.0)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server that answers what it is told."""
    async with running_openai() as running:
        yield running


Open = Callable[..., OpenAI]


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Open]:
    """Opens clients of the server, which are closed after the test."""
    opened: list[OpenAI] = []

    def opens(key: str = SECRET, **changes: Any) -> OpenAI:
        settings = ModelSettings(model="m", base_url=server.url, max_tokens=64, remote=False)
        opened.append(OpenAI(replace(settings, **changes), key_of(key)))
        return opened[-1]

    yield opens
    for model in opened:
        await model.close()


def key_of(key: str) -> Callable[[], Awaitable[str]]:
    async def source() -> str:
        return key

    return source


async def streamed(model: OpenAI) -> tuple[list[str], Answer]:
    """The pieces and the whole of a streamed answer."""
    *pieces, whole = [piece async for piece in model.stream(TASK)]
    assert isinstance(whole, Answer)
    assert all(isinstance(piece, str) and piece for piece in pieces)
    return [str(piece) for piece in pieces], whole


async def raised(model: OpenAI) -> TrimtabError:
    """The error that a task ends in."""
    with pytest.raises(TrimtabError) as caught:
        await model.complete(TASK)
    return caught.value


# --- what is asked ----------------------------------------------------------------------------


async def test_a_task_is_asked_as_it_is_rendered(server: Server, client: Open) -> None:
    """The prompt's messages, the bound, and the wish to be told the tokens; nothing else."""
    answer = await client().complete(TASK)
    assert answer.text == "Hello Tim"
    assert answer.model == "m"
    (asked,) = server.asked
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["authorization"] == f"Bearer {SECRET}"
    assert asked.body == {
        "model": "m",
        "messages": [{"role": m.role, "content": m.content} for m in render.messages(TASK)],
        "max_tokens": 64,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_a_temperature_is_sent_where_a_task_names_one(server: Server, client: Open) -> None:
    """A task without one leaves it to the server."""
    model = client()
    assert model.takes_temperature
    await model.complete(INTENT)
    await model.complete(replace(INTENT, temperature=None))
    assert [asked.body.get("temperature") for asked in server.asked] == [0.7, None]


@pytest.mark.parametrize("name", ["o3-mini", "gpt-5.5", "gpt-6.1-sol", "openai/gpt-5"])
async def test_openais_reasoning_models_are_asked_in_their_way(
    name: str, server: Server, client: Open
) -> None:
    """They refuse a temperature and know the bound by another name."""
    model = client(model=name)
    assert not model.takes_temperature
    await model.complete(INTENT)
    assert "temperature" not in server.asked[0].body
    assert "max_tokens" not in server.asked[0].body
    assert server.asked[0].body["max_completion_tokens"] == 64


@pytest.mark.parametrize("name", ["gpt-4o", "openai/gpt-oss-120b", "olmo-2", "qwen3:o1"])
async def test_other_models_are_asked_in_the_usual_way(
    name: str, server: Server, client: Open
) -> None:
    """A name that only looks like one of those is none."""
    await client(model=name).complete(INTENT)
    assert server.asked[0].body["temperature"] == 0.7
    assert server.asked[0].body["max_tokens"] == 64


async def test_an_empty_key_is_sent_to_nobody(
    server: Server, client: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor are the keys and names that the environment has for another server."""
    for name in ("API_KEY", "ADMIN_KEY", "ORG_ID", "PROJECT_ID"):
        monkeypatch.setenv(f"OPENAI_{name}", "of-another")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer of-another")
    await client("").complete(TASK)
    await client(SECRET).complete(TASK)
    assert "authorization" not in server.asked[0].headers
    assert server.asked[1].headers["authorization"] == f"Bearer {SECRET}"
    assert not [asked for asked in server.asked if "of-another" in str(asked)]


async def test_the_key_is_asked_for_once(server: Server) -> None:
    """At the first task, however many there are at a time; not at all before."""
    calls = []

    async def source() -> str:
        calls.append(1)
        await asyncio.sleep(0)
        return SECRET

    model = OpenAI(ModelSettings(model="m", base_url=server.url, remote=False), source)
    assert calls == []
    await asyncio.gather(*(model.complete(TASK) for _ in range(3)))
    assert calls == [1]
    await model.close()
    await model.close()


async def test_a_key_that_is_none_goes_nowhere(server: Server, client: Open) -> None:
    """What is missing or cannot stand in a header is told before anything is sent."""
    assert isinstance(await raised(client("two\nlines")), KeyRefused)
    assert isinstance(await raised(client("ключ")), KeyRefused)

    async def missing() -> str:
        raise KeyMissing("m", "the keychain")

    model = OpenAI(ModelSettings(model="m", base_url=server.url), missing)
    assert isinstance(await raised(model), KeyMissing)
    assert server.asked == []


async def test_a_server_that_refuses_to_count_is_not_asked_to_again(
    server: Server, client: Open
) -> None:
    """Mistral's takes no stream_options; it counts all the same."""
    detail = [{"type": "extra_forbidden", "loc": ["body", "stream_options", "include_usage"]}]
    server.next.append(failure(422, {"message": {"detail": detail}}))
    model = client()
    answers = [await model.complete(TASK), await model.complete(TASK)]
    assert ["stream_options" in asked.body for asked in server.asked] == [True, False, False]
    assert [answer.usage.input_tokens for answer in answers] == [20, 20]


async def test_it_knows_where_mail_goes(client: Open, server: Server) -> None:
    """The host of the address, or OpenAI's own without one; there are no batches."""
    here = client()
    assert (here.host, here.name, here.remote) == ("127.0.0.1", "m", False)
    assert here.batches is None
    assert client(base_url="", remote=True).host == "api.openai.com"


# --- answers ----------------------------------------------------------------------------------


async def test_pieces_come_as_they_are_written(server: Server, client: Open) -> None:
    """And the whole of them last, with what the server counted."""
    server.next.append(said("Hello", " ", "Tim,\n", "all is well."))
    pieces, whole = await streamed(client(price=PRICE))
    assert pieces == ["Hello", " ", "Tim,\n", "all is well."]
    assert whole.text == "Hello Tim,\nall is well."
    assert whole.usage == Usage(input_tokens=20, output_tokens=5, cost_usd=90e-6)


async def test_a_piece_is_given_before_the_next_is_there(server: Server, client: Open) -> None:
    """Nothing waits for the end."""
    server.next.append(LATE)
    async with aclosing(client().stream(TASK)) as pieces:
        assert await anext(pieces) == "Hel"


@pytest.mark.parametrize(
    "contents",
    [
        ["<think>six or seven?</think>\n\nHello"],
        [*"<think>six or seven?</think>\n\nHello"],
        ["\n<thi", "nk>six", " <b", "> or</thin", "k>\n", "\nHel", "lo"],
    ],
)
async def test_thinking_is_no_text(contents: list[str], server: Server, client: Open) -> None:
    """However the tags are cut into pieces."""
    server.next.append(said(*contents))
    pieces, whole = await streamed(client())
    assert "".join(pieces) == whole.text == "Hello"


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
async def test_thinking_in_a_field_of_its_own_is_no_text(
    field: str, server: Server, client: Open
) -> None:
    """Both names are in use."""
    thought = chunk(None, **{field: "six or seven?"})
    server.next.append(stream(thought, thought, chunk("Hello"), chunk(finish="stop"), DONE))
    pieces, whole = await streamed(client())
    assert pieces == ["Hello"]
    assert whole.text == "Hello"
    assert whole.usage.output_tokens == 16


async def test_thinking_that_began_in_the_prompt_is_not_in_the_answer(
    server: Server, client: Open
) -> None:
    """The template wrote the opening tag, and only the closing one comes."""
    server.next.append(said("six or seven?", "</think>", "\n\nHello"))
    assert (await client().complete(TASK)).text == "Hello"


async def test_text_that_speaks_of_thinking_is_text(server: Server, client: Open) -> None:
    """A tag is one at the very start only."""
    text = "Use <think> and </think>."
    server.next.append(said(*text))
    pieces, whole = await streamed(client())
    assert "".join(pieces) == whole.text == text
    server.next.append(said("<thin ice"))
    assert (await client().complete(TASK)).text == "<thin ice"


async def test_thinking_without_an_end_is_cut_off(server: Server, client: Open) -> None:
    """Whatever reason is given for the end."""
    server.next.append(said("<think>six or seven", finish="stop"))
    error = await raised(client())
    assert isinstance(error, AnswerCutOff)
    assert (error.prompt, error.max_tokens) == ("draft", 64)


async def test_an_answer_at_its_bound_is_cut_off(server: Server, client: Open) -> None:
    """No half mail is an answer; what came was streamed."""
    server.next += [said("Hello", finish="length")] * 2
    assert isinstance(await raised(client()), AnswerCutOff)
    pieces = client().stream(TASK)
    assert await anext(pieces) == "Hello"
    with pytest.raises(AnswerCutOff):
        await anext(pieces)


@pytest.mark.parametrize(
    "reply",
    [
        said("", finish="content_filter"),
        stream(chunk(None, refusal="I can't"), chunk(finish="stop"), DONE),
        failure(400, {"message": "…", "type": None, "code": "content_filter"}),
        failure(400, {"message": "…", "type": "invalid_request_error", "code": "invalid_prompt"}),
    ],
)
async def test_a_refusal_to_answer(reply: Reply, server: Server, client: Open) -> None:
    """In the answer's end, in a field of its own, or as an error."""
    server.next.append(reply)
    error = await raised(client())
    assert isinstance(error, AnswerRefused)
    assert error.prompt == "draft"


# --- usage ------------------------------------------------------------------------------------


async def test_tokens_that_nobody_counted_are_estimated(server: Server, client: Open) -> None:
    """By the characters, and rather too many."""
    counted = usage(0, 0)
    for tail in ((DONE,), (counted, DONE), (event({"choices": [], "usage": {"cost": 1}}), DONE)):
        server.next.append(stream(chunk("Hello Tim"), chunk(finish="stop"), *tail))
        used = (await client(price=PRICE).complete(TASK)).usage
        asked = sum(len(message.content) for message in render.messages(TASK))
        assert asked / 2 < used.input_tokens < asked / 2 + 40
        assert used.output_tokens == 5
        assert used.cost_usd == pytest.approx((used.input_tokens * 2 + 50) / 1e6)


async def test_what_a_cache_gave_is_told_and_paid_in_full(server: Server, client: Open) -> None:
    """Its share of the price differs, and none is too little."""
    counts = usage(100, 10, prompt_tokens_details={"cached_tokens": 64})
    server.next.append(stream(chunk("Hi"), chunk(finish="stop"), counts, DONE))
    used = (await client(price=PRICE).complete(TASK)).usage
    assert (used.input_tokens, used.cache_read_tokens) == (36, 64)
    assert used.cost_usd == pytest.approx(300e-6)


async def test_what_it_costs(client: Open) -> None:
    """Nothing on this machine, the price that is known elsewhere, and else nobody knows."""
    here, there = client(), client(remote=True)
    assert (await here.complete(TASK)).usage.cost_usd == 0.0
    assert here.most(TASK) == 0.0
    assert (await there.complete(TASK)).usage.cost_usd is None
    assert there.most(TASK) is None
    listed = client(remote=True, model="claude-sonnet-5-5")
    told = client(remote=True, price=PRICE)
    for model in (listed, told):
        cost, bound = (await model.complete(TASK)).usage.cost_usd, model.most(TASK)
        assert cost == 90e-6
        assert bound is not None
        assert 64 * 10e-6 < bound < 0.01


# --- errors of the server ---------------------------------------------------------------------

OPENAI_TOO_LONG = {
    "message": "This model's maximum context length is 8192 tokens. However, …",
    "type": "invalid_request_error",
    "param": "messages",
    "code": "context_length_exceeded",
}
VLLM_TOO_LONG = {
    "message": "This model's maximum context length is 4096 tokens. However, you requested …",
    "type": "BadRequestError",
    "param": None,
    "code": 400,
}
LLAMA_TOO_LONG = {
    "code": 400,
    "message": "the request exceeds the available context size",
    "type": "exceed_context_size_error",
    "n_prompt_tokens": 9000,
    "n_ctx": 4096,
}
LM_STUDIO_TOO_LONG = "The number of tokens to keep … is greater than the context length."
OLLAMA_TOO_LONG = {"message": "the input length exceeds the context length", "type": "api_error"}
GROQ_TOO_LARGE = {
    "message": "Request too large for model `m` in organization …",
    "type": "tokens",
    "code": "rate_limit_exceeded",
}
QUOTA = {"message": "…", "type": "insufficient_quota", "param": None, "code": "insufficient_quota"}


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, OPENAI_TOO_LONG),
        (400, VLLM_TOO_LONG),
        (400, LLAMA_TOO_LONG),
        (500, LLAMA_TOO_LONG),
        (400, LM_STUDIO_TOO_LONG),
        (400, OLLAMA_TOO_LONG),
        (413, {"message": "body too big"}),
        (413, GROQ_TOO_LARGE),
        (429, GROQ_TOO_LARGE),
    ],
)
async def test_a_prompt_that_does_not_fit(
    status: int, error: Any, server: Server, client: Open
) -> None:
    """In the words of each server."""
    server.next.append(failure(status, error))
    told = await raised(client())
    assert isinstance(told, PromptTooLong)
    assert told.prompt == "draft"


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (401, {"message": "…", "code": "invalid_api_key"}, (KeyRefused, "invalid_api_key")),
        (401, "no", (KeyRefused, "HTTP 401")),
        (402, {"message": "Insufficient Balance", "code": None}, (KeyRefused, "HTTP 402")),
        (403, {"message": "…", "type": "forbidden"}, (KeyRefused, "forbidden")),
        (429, QUOTA, (KeyRefused, "insufficient_quota")),
        (
            400,
            {"message": "…", "type": "BadRequestError", "code": 400},
            (RequestRefused, "BadRequestError"),
        ),
        (422, {"message": "…", "code": "unsupported_value"}, (RequestRefused, "unsupported_value")),
        (307, "elsewhere", (RequestRefused, "HTTP 307")),
        (405, None, (RequestRefused, "HTTP 405")),
    ],
)
async def test_what_the_user_has_to_mend(
    status: int,
    error: Any,
    expected: tuple[type[TrimtabError], str],
    server: Server,
    client: Open,
) -> None:
    """With the server's word for it where it has one."""
    server.next.append(failure(status, error))
    told: Any = await raised(client())
    kind, reason = expected
    assert isinstance(told, kind)
    assert told.model == "m"
    assert told.reason == reason


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, {"message": "The model `m` does not exist", "code": "model_not_found"}),
        (404, {"message": 'model "m" not found, try pulling it first', "type": "api_error"}),
        (404, "Cannot find a snapshot"),
        (403, {"message": "no access to model `m`", "code": "model_not_found"}),
    ],
)
async def test_a_model_that_is_not_there(
    status: int, error: Any, server: Server, client: Open
) -> None:
    """As OpenAI, Ollama and mlx_lm.server say it."""
    server.next.append(failure(status, error))
    told = await raised(client())
    assert isinstance(told, ModelMissing)
    assert told.model == "m"


def in_a_minute() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "delay"),
    [
        ({}, None),
        ({"retry_after": "17"}, 17.0),
        ({"Retry_After": "0.5"}, 0.5),
        ({"retry_after": "9", "retry_after_ms": "1500"}, 1.5),
        ({"retry_after": "-3"}, 0.0),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "nan"}, None),
        ({"retry_after": "Fri, 31 Dec 1999 23:59:59 GMT"}, 0.0),
    ],
)
async def test_a_limit_with_its_delay(
    headers: dict[str, str], delay: float | None, server: Server, client: Open
) -> None:
    """In seconds, in milliseconds, as a date, or not at all."""
    error = {"message": "…", "type": "requests", "code": "rate_limit_exceeded"}
    server.next += [failure(429, error, **headers), failure(503, {"message": "…"}, **headers)]
    limited, overloaded = await raised(client()), await raised(client())
    assert isinstance(limited, RateLimited)
    assert isinstance(overloaded, ModelOverloaded)
    assert (limited.delay_s, overloaded.delay_s) == (delay, delay)


async def test_a_delay_until_a_time(server: Server, client: Open) -> None:
    """A date is seconds from now."""
    server.next.append(failure(429, {"message": "…"}, retry_after=in_a_minute()))
    told = await raised(client())
    assert isinstance(told, RateLimited)
    assert told.delay_s is not None
    assert 30 < told.delay_s <= 60


@pytest.mark.parametrize("status", [408, 409, 425, 500, 502, 503, 529])
async def test_a_server_that_cannot_answer_now(status: int, server: Server, client: Open) -> None:
    """Such as one that still loads its model."""
    server.next.append(Reply(status=status, parts=(b"<h1>Loading</h1>",)))
    assert isinstance(await raised(client()), ModelOverloaded)


@pytest.mark.parametrize("status", [504, 524])
async def test_a_gateway_that_did_not_wait(status: int, server: Server, client: Open) -> None:
    """Behind it the model may have answered, and be paid."""
    server.next.append(Reply(status=status, parts=(b"<h1>Gateway time-out</h1>",)))
    told = await raised(client())
    assert isinstance(told, ModelUnreachable)
    assert told.sent


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (VLLM_TOO_LONG, PromptTooLong),
        (LM_STUDIO_TOO_LONG, PromptTooLong),
        ({"message": "…", "code": "rate_limit_exceeded"}, ModelUnreachable),
        ({"message": "…", "code": "insufficient_quota"}, KeyRefused),
        ({"message": "…", "code": 401}, KeyRefused),
        ({"message": "…", "code": 502}, ModelUnreachable),
        ({"message": "…", "type": "server_error", "code": None}, ModelUnreachable),
        ("the runner has died", ModelUnreachable),
    ],
)
async def test_an_error_within_a_stream(
    error: Any, expected: type[TrimtabError], server: Server, client: Open
) -> None:
    """It comes with the status 200; what the server did until then may have been paid for."""
    server.next.append(stream(event({"error": error})))
    told = await raised(client())
    assert isinstance(told, expected)
    assert getattr(told, "sent", True)


async def test_an_error_does_not_quote(server: Server, client: Open) -> None:
    """A server's message may hold mail: neither the error nor its traceback repeats it."""
    quoting = {"message": "cannot parse 'Dear Ada'", "type": "no: Dear Ada", "code": "Dear Ada"}
    server.next += [failure(400, quoting), stream(event({"error": quoting}))]
    for _ in range(2):
        told = await raised(client())
        assert "Ada" not in "".join(traceback.format_exception(told))
        assert "Ada" not in repr(vars(told))


async def test_nothing_of_mail_or_key_is_logged(
    client: Open, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """Not by the SDK and its transport either, whatever level the rest logs at."""
    server.next.append(said("Hello"))
    with caplog.at_level(logging.DEBUG):
        await client().complete(TASK)
    assert SECRET not in caplog.text
    assert "Hello" not in caplog.text
    assert "boat" not in caplog.text
    assert "127.0.0.1" not in caplog.text


# --- errors on the way ------------------------------------------------------------------------


async def unreachable(model: OpenAI) -> ModelUnreachable:
    told = await raised(model)
    assert isinstance(told, ModelUnreachable)
    assert told.model == "m"
    return told


async def test_nobody_listens(client: Open) -> None:
    """Nothing was sent."""
    told = await unreachable(client(base_url=f"http://127.0.0.1:{free_port()}/v1"))
    assert (told.reason, told.sent) == ("no connection", False)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(silent=True, end="hang"),
        stream(chunk("Hel"), end="hang"),
        Reply(status=500, end="hang"),
    ],
)
async def test_a_server_falls_silent(reply: Reply, server: Server, client: Open) -> None:
    """Before its answer or in it; the connection is given up."""
    server.next.append(reply)
    told = await unreachable(client(timeout_s=0.5))
    assert (told.reason, told.sent) == ("time-out", True)
    await asyncio.wait_for(server.left.wait(), 60)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(silent=True, end="cut"),
        Reply(silent=True, end="reset"),
        stream(chunk("Hel"), end="cut"),
        stream(chunk("Hel"), end="reset"),
        stream(chunk("Hel"), chunk("lo")),
        stream(chunk("Hel"), chunk("lo"), DONE),
        stream(chunk("Hel"), chunk(finish="error"), DONE),
        stream(),
        stream(b"data: {not json}\n\n"),
        stream(b"data: \xff\xfe\n\n"),
        stream(event(5), event([]), event({"choices": 3}), event({"choices": [None]}), DONE),
        stream(event({"choices": [{"delta": None}]}), event({"choices": [{"delta": 1}]})),
        Reply(headers={"Content-Type": "text/html"}, parts=(b"<h1>Welcome</h1>",)),
        Reply(headers=JSON, parts=(b'{"choices": []}',)),
        Reply(headers=EVENTS | {"Content-Encoding": "gzip"}, parts=(b"no gzip",)),
    ],
)
async def test_no_whole_answer(reply: Reply, server: Server, client: Open) -> None:
    """Cut, reset, without an end, or none at all: it may have been paid for."""
    server.next.append(reply)
    assert (await unreachable(client())).sent


@pytest.mark.parametrize(
    ("error", "because", "reason", "sent"),
    [
        (httpx2.ConnectError(""), socket.gaierror(), "unknown host", False),
        (httpx2.ConnectError(""), ssl.SSLCertVerificationError(), "TLS", False),
        (httpx2.ConnectTimeout(""), None, "time-out", False),
        (httpx2.ReadTimeout(""), None, "time-out", True),
        (httpx2.WriteError(""), OSError(), "the connection broke", True),
    ],
)
def test_a_fault_of_the_network_in_words(
    error: Exception, because: Exception | None, reason: str, sent: bool
) -> None:
    """And whether the request may have arrived."""
    error.__cause__ = because
    told = unreachable_of("m", error)
    assert (told.model, told.reason, told.sent) == ("m", reason, sent)


async def test_mail_follows_no_redirect(server: Server, client: Open) -> None:
    """It goes to the host that the config names, or nowhere."""
    async with running_openai() as other:
        away = {"Location": f"{other.url}/chat/completions"}
        server.next.append(Reply(status=307, headers=away))
        assert isinstance(await raised(client(remote=True)), RequestRefused)
        assert other.asked == []


async def test_a_proxy_is_for_models_elsewhere(
    server: Server, client: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mail to a model on this machine does not pass through another."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    assert (await client(remote=False).complete(TASK)).text == "Hello Tim"
    assert not (await unreachable(client(remote=True))).sent
    assert len(server.asked) == 1


# --- an end before the end --------------------------------------------------------------------


@pytest.mark.parametrize("reply", [Reply(silent=True, end="hang"), LATE])
async def test_cancelling_closes_the_connection(reply: Reply, server: Server, client: Open) -> None:
    """The server sees it go, before its answer and in it."""
    server.next.append(reply)
    task = asyncio.create_task(client().complete(TASK))
    await server.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(server.left.wait(), 60)


async def test_closing_the_iterator_closes_the_connection(server: Server, client: Open) -> None:
    """As when the user has seen enough; the next task has a connection of its own."""
    model = client()
    server.next.append(LATE)
    pieces = model.stream(TASK)
    assert await anext(pieces) == "Hel"
    await pieces.aclose()
    await asyncio.wait_for(server.left.wait(), 60)
    assert (await model.complete(TASK)).text == "Hello Tim"


async def test_many_tasks_at_once(server: Server, client: Open) -> None:
    """Each has its own answer."""
    server.next += [said(f"No. {number}") for number in range(20)]
    model = client()
    answers = await asyncio.gather(*(model.complete(TASK) for _ in range(20)))
    assert {answer.text for answer in answers} == {f"No. {number}" for number in range(20)}
