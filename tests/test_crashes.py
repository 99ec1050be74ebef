"""The writer breaks in the middle of a draft.

Whatever does, the user has a draft, which names what stood in, or one clear error; no half draft is
kept, and the next draft of the same client works.
"""

from collections.abc import AsyncIterator

import pytest
from anthropic_http import Told
from anthropic_server import Broken, Next, Refusal, Server, serving
from anthropic_wire import Said
from crash_examples import (
    BEGUN,
    assert_works,
    broken,
    came,
    light,
)
from tools import free_port

SHORT_S = 0.5
"""The silence that a client bears where there will be nothing else."""
HTML = {"content-type": "text/html"}
TOO_MANY = Refusal(429, "rate_limit_error", headers={"retry-after": "soon"})
BUSY = Refusal(529, "overloaded_error")
LATER = Refusal(429, "rate_limit_error", headers={"retry-after": "3600"})
UNAVAILABLE = "writer_unavailable"
FAULTS: dict[str, tuple[list[Next], str, str]] = {
    "silent": ([Broken(0, "hang")], UNAVAILABLE, "time-out"),
    "429": ([TOO_MANY] * 2, UNAVAILABLE, "it is asked too often"),
    "529": ([BUSY] * 2, UNAVAILABLE, "it is overloaded"),
    "no JSON": ([Told(body=b"{]")], UNAVAILABLE, "broke off"),
    "HTML": ([Told(body=b"<html>Sign in</html>", headers=HTML)], UNAVAILABLE, "broke off"),
    "an error in HTML": (
        [Told(status=502, body=b"<html>Bad</html>", headers=HTML)] * 2,
        UNAVAILABLE,
        "it is overloaded",
    ),
    "garbled": ([Broken(4, garbled=True)], UNAVAILABLE, "not the answer of a model"),
    "cut before the text": ([Broken(3, "reset")], UNAVAILABLE, "the connection broke"),
}
HALVES: dict[str, tuple[Next, str]] = {
    "closed": (Broken(BEGUN, "close"), "the connection broke"),
    "reset": (Broken(BEGUN, "reset"), "the connection broke"),
    "ended": (Broken(BEGUN, "finish"), "the answer broke off"),
    "silent": (Broken(BEGUN, "hang"), "time-out"),
    "overloaded": (Broken(BEGUN, "overloaded_error"), "it is overloaded"),
}


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as started:
        yield started


def silence(fault: str) -> float:
    """How long the client bears it, in seconds."""
    return SHORT_S if fault == "silent" else 20.0


# --- the writer -------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_writer_that_fails_is_one_clear_error(server: Server, fault: str) -> None:
    """It says why, and that the bullets are kept; the key is free."""
    plan, code, why = FAULTS[fault]
    server.next.extend(plan)
    async with light(server, silence_s=silence(fault)) as running:
        found, sentence = await running.refused()
        assert found == code
        assert sentence.startswith("The writer 'claude-sonnet-5-5' did not answer (")
        assert why in sentence
        assert not server.next
        await assert_works(running)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_writer_that_fails_is_stood_in_for(server: Server, fault: str) -> None:
    """By the writer on this machine, and the draft names it; the next one is the writer's again."""
    server.next.extend(FAULTS[fault][0])
    async with light(server, stand_in="offline", silence_s=silence(fault)) as running:
        told = came(await running.draft())
        assert (told["writer"], told["stand_in"]) == ("offline", "the writer could not be reached")
        await assert_works(running, "k2")


@pytest.mark.parametrize("stand_in", ["", "offline"])
@pytest.mark.parametrize("half", HALVES)
async def test_half_a_stream_is_no_draft(server: Server, half: str, stand_in: str) -> None:
    """Its words were shown, so that nobody else goes on with them."""
    plan, why = HALVES[half]
    server.next.append(plan)
    async with light(server, stand_in=stand_in, silence_s=silence(half)) as running:
        names, error = await broken(running.client)
        assert names[:2] == ["rules", "text"]
        assert "done" not in names
        assert (error.code, why in error.message) == (UNAVAILABLE, True)
        assert await running.stored() == 0
        await assert_works(running)


@pytest.mark.parametrize(
    ("plan", "code", "says"),
    [
        (Refusal(401, "authentication_error"), "key_refused", "trimtab key"),
        (Refusal(404, "not_found_error"), "model_missing", "claude-sonnet-5-5"),
        (Said(text="\n "), "answer_malformed", "try again"),
        (Said(text="Dear Tim", stop_reason="max_tokens"), "answer_cut_off", "max_tokens"),
        (Said(text="No.", stop_reason="refusal"), "answer_refused", "declined"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_the_user_must_mend_is_said(
    server: Server, plan: Next, code: str, says: str
) -> None:
    """No stand-in hides it."""
    server.next.append(plan)
    async with light(server, stand_in="offline") as running:
        found, sentence = await running.refused()
        assert (found, says in sentence) == (code, True)
        await assert_works(running)


@pytest.mark.parametrize(
    "plan", [BUSY, Refusal(429, "rate_limit_error", headers={"retry-after": "0.1"})]
)
async def test_a_writer_that_is_busy_for_a_moment_is_waited_for(server: Server, plan: Next) -> None:
    """The user sees nothing of it."""
    server.next.append(plan)
    async with light(server, stand_in="offline") as running:
        await assert_works(running)
    assert not server.next


async def test_a_writer_that_asks_for_an_hour_is_not_waited_for(server: Server) -> None:
    """Nor asked again within it: each draft is told so at once, or written by the stand-in."""
    server.next.extend([LATER, LATER])
    async with light(server) as running:
        for _ in range(2):
            code, sentence = await running.refused()
            assert (code, "it asks to wait 3600 s" in sentence) == (UNAVAILABLE, True)
    assert len(server.seen) == 1
    async with light(server, stand_in="offline") as running:
        for key in ("k1", "k2"):
            assert came(await running.draft(key))["writer"] == "offline"
    assert len(server.seen) == 2


async def test_a_writer_that_is_not_there_may_come_back() -> None:
    """Nothing listens at its address; then something does."""
    absent = Server(port=free_port())
    async with light(absent) as running:
        code, sentence = await running.refused()
        assert (code, "no connection" in sentence) == (UNAVAILABLE, True)
        async with serving(port=absent.port):
            await assert_works(running)
