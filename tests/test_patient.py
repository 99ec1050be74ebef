"""What is tried again, when, and that everybody waits when the provider asks to.

Time here is the loop's own and leaps to whatever is awaited next: a minute's wait takes none.
"""

import asyncio
import itertools
import random
import selectors
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import Any

import pytest
from teaching_examples import NOON, a_lesson

from mlx_agent.errors import (
    AnswerCutOff,
    AnswerRefused,
    KeyRefused,
    ModelOverloaded,
    ModelUnreachable,
    PromptTooLong,
    RateLimited,
    RequestRefused,
    TransientError,
    TrimtabError,
    WorkerDied,
)
from mlx_agent.large import Batches, LargeModel
from mlx_agent.large.patient import CAP_S, SPREAD_S, Patient
from mlx_agent.records import Answer, DraftTask, Task, Usage

TASK = DraftTask(x=a_lesson().x)
ANSWER = Answer(text="Hello", model="m", usage=Usage())
UNSENT = ModelUnreachable("m", "ConnectError", sent=False)
SENT = ModelUnreachable("m", "ReadTimeout", sent=True)


class Leaping(selectors.DefaultSelector):
    """Waits for no time-out: the clock leaps over it."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "everybody waits for everybody"
            self.now += max(0.0, timeout)
        return ready


def leaping_loop() -> asyncio.AbstractEventLoop:
    selector = Leaping()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now
    return loop


def run(story: Coroutine[Any, Any, None]) -> None:
    """Run a story in its own time, which begins at 0."""
    with asyncio.Runner(loop_factory=leaping_loop) as runner:
        runner.run(story)


def now() -> float:
    return asyncio.get_running_loop().time()


class Scripted:
    """A model that plays a script of errors first; `begun` holds when each request was begun."""

    name, remote, host, takes_temperature = "m", True, "m.example", True

    def __init__(self, *script: TrimtabError, batches: Batches | None = None) -> None:
        self.script = deque(script)
        self.batches = batches
        self.begun: list[float] = []
        self.pieces: tuple[str, ...] = ("Hel", "lo")
        self.break_at = 0
        self.open_streams = 0
        self.closed = False

    def most(self, _: Task, *, batch: bool = False) -> float | None:
        return 1.0 if batch else 2.0

    async def complete(self, _: Task) -> Answer:
        self.begun.append(now())
        await asyncio.sleep(0)
        if self.script:
            raise self.script.popleft()
        return ANSWER

    async def stream(self, _: Task) -> AsyncGenerator[str | Answer, None]:
        self.begun.append(now())
        self.open_streams += 1
        try:
            for number, piece in enumerate(self.pieces):
                if self.script and number == self.break_at:
                    raise self.script.popleft()
                yield piece
            yield ANSWER
        finally:
            self.open_streams -= 1

    async def close(self) -> None:
        self.closed = True


def patient(model: LargeModel, *, draw: Callable[[], float] = lambda: 0.0, **more: Any) -> Patient:
    return Patient(model, random=draw, clock=now, **more)


async def outcome(work: Awaitable[Any]) -> Any:
    """The result, or the error."""
    try:
        return await work
    except TrimtabError as error:
        return error


# --- one request ------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [RateLimited("m", None), ModelOverloaded("m"), UNSENT])
def test_what_was_not_paid_for_is_tried_again(error: TransientError) -> None:
    """The answer of the second try is the answer."""

    async def story() -> None:
        model = Scripted(error)
        assert await patient(model).complete(TASK) == ANSWER
        assert len(model.begun) == 2

    run(story())


@pytest.mark.parametrize(
    "error",
    [
        SENT,
        AnswerRefused("draft"),
        AnswerCutOff("draft", 10),
        PromptTooLong("draft"),
        KeyRefused("m", "r"),
        RequestRefused("m", "r"),
        WorkerDied(1),
    ],
)
def test_all_else_is_asked_once(error: TrimtabError) -> None:
    """It may have been paid for, or it would come to the same."""

    async def story() -> None:
        model = Scripted(error)
        assert await outcome(patient(model).complete(TASK)) is error
        assert len(model.begun) == 1

    run(story())


def test_a_named_delay_is_kept_to() -> None:
    """Not a moment before, and at the latest within as long again."""

    async def story() -> None:
        model = Scripted(RateLimited("m", 7.0), ModelOverloaded("m", 3.0))
        await patient(model).complete(TASK)
        assert model.begun == [0.0, 7.0, 10.0]
        late = Scripted(RateLimited("m", 7.0))
        began = now()
        await patient(late, draw=lambda: 0.999).complete(TASK)
        assert began + 7.0 < late.begun[1] < began + 14.0

    run(story())


def test_without_a_delay_the_waits_double_up_to_a_bound() -> None:
    """Full jitter: anything from nothing to the bound."""

    async def story() -> None:
        model = Scripted(*[ModelOverloaded("m")] * 7)
        await patient(model, attempts=8, draw=lambda: 1.0).complete(TASK)
        waits = [b - a for a, b in itertools.pairwise(model.begun)]
        assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, CAP_S, CAP_S]
        at_once = Scripted(*[ModelOverloaded("m")] * 4)
        await patient(at_once, draw=lambda: 0.0).complete(TASK)
        assert set(at_once.begun) == {now()}

    run(story())


def test_the_bound_is_never_longer_than_one_is_willing_to_wait() -> None:
    """A short `longest_s` counts for waits of our own choosing too."""

    async def story() -> None:
        model = Scripted(*[ModelOverloaded("m")] * 4)
        await patient(model, longest_s=1.5, draw=lambda: 1.0).complete(TASK)
        assert model.begun == [0.0, 1.0, 2.5, 4.0, 5.5]

    run(story())


def test_attempts_end() -> None:
    """The last error is the one that is raised, and no wait comes before it."""

    async def story() -> None:
        errors = [RateLimited("m", 2.0) for _ in range(9)]
        model = Scripted(*errors)
        assert await outcome(patient(model, attempts=3).complete(TASK)) is errors[2]
        assert model.begun == [0.0, 2.0, 4.0]
        assert now() == 4.0

    run(story())


def test_cancelling_ends_the_wait() -> None:
    """Nothing is asked after it."""

    async def story() -> None:
        model = Scripted(RateLimited("m", 50.0))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await patient(model).complete(TASK)
        assert model.begun == [0.0]
        assert now() == 5.0

    run(story())


# --- all requests -----------------------------------------------------------------------------


def test_while_the_provider_asks_to_wait_nothing_is_begun() -> None:
    """Neither what it refused nor what comes later; and then not all at once."""

    async def story() -> None:
        model = Scripted(RateLimited("m", 40.0))
        shared = patient(model, draw=random.Random(1).random)
        first = asyncio.create_task(shared.complete(TASK))
        await asyncio.sleep(1)
        others = [asyncio.create_task(shared.complete(TASK)) for _ in range(49)]
        assert set(await asyncio.gather(first, *others)) == {ANSWER}
        later = model.begun[1:]
        assert len(later) == 50
        assert min(later) >= 40.0
        assert max(later) <= 40.0 + SPREAD_S
        assert len(set(later)) == 50
        assert max(b - a for a, b in itertools.pairwise(later)) < 2.0

    run(story())


def test_the_wait_is_prolonged_for_those_who_wait() -> None:
    """A later refusal holds for whoever has not been begun by then, a shorter one for nobody."""

    async def story() -> None:
        model = Scripted(RateLimited("m", 10.0), ModelOverloaded("m", 2.0), RateLimited("m", 20.0))
        draws = itertools.chain([0.0, 0.5, 0.5], itertools.repeat(0.0))
        shared = patient(model, draw=lambda: next(draws))
        tasks = [asyncio.create_task(shared.complete(TASK)) for _ in range(2)]
        await asyncio.sleep(9)
        tasks.append(asyncio.create_task(shared.complete(TASK)))
        await asyncio.gather(*tasks)
        assert model.begun == [0.0, 0.0, 10.0, 30.0, 30.0, 30.0]

    run(story())


def test_a_delay_that_is_too_long_is_not_waited_for() -> None:
    """Its error is raised at once, and to all that come while so much of it is left."""

    async def story() -> None:
        model = Scripted(RateLimited("m", 3600.0))
        shared = patient(model, longest_s=60.0)
        error = await outcome(shared.complete(TASK))
        assert (type(error), error.delay_s, now()) == (RateLimited, 3600.0, 0.0)
        await asyncio.sleep(600)
        error = await outcome(shared.complete(TASK))
        assert (type(error), error.model, error.delay_s) == (RateLimited, "m", 3000.0)
        assert model.begun == [0.0]
        await asyncio.sleep(2950)
        assert await shared.complete(TASK) == ANSWER
        assert model.begun == [0.0, 3600.0]

    run(story())


def test_a_refusal_that_ends_the_attempts_still_holds_for_the_others() -> None:
    """The one gives up, the next waits."""

    async def story() -> None:
        model = Scripted(RateLimited("m", 5.0))
        shared = patient(model, attempts=1)
        assert isinstance(await outcome(shared.complete(TASK)), RateLimited)
        await shared.complete(TASK)
        assert model.begun == [0.0, 5.0]

    run(story())


# --- streams ----------------------------------------------------------------------------------


def test_a_stream_is_begun_again_before_its_first_piece_only() -> None:
    """What was given away cannot be taken back."""

    async def story() -> None:
        model = Scripted(RateLimited("m", 4.0), UNSENT)
        shared = patient(model, stream_attempts=3)
        assert [piece async for piece in shared.stream(TASK)] == ["Hel", "lo", ANSWER]
        assert model.begun == [0.0, 4.0, 4.0]
        model.script.append(ModelOverloaded("m", 6.0))
        model.break_at = 1
        pieces = shared.stream(TASK)
        assert await anext(pieces) == "Hel"
        with pytest.raises(ModelOverloaded):
            await anext(pieces)
        assert len(model.begun) == 4
        assert model.open_streams == 0
        await shared.complete(TASK)
        assert model.begun[-1] == 10.0

    run(story())


async def streamed(model: Patient) -> Any:
    """The whole answer, or the error."""
    return await outcome(anext(piece async for piece in model.stream(TASK) if piece is ANSWER))


@pytest.mark.parametrize(
    ("errors", "begun", "ended"),
    [
        ([ModelOverloaded("m")], [0.0, 1.0], 1.0),
        ([ModelOverloaded("m")] * 2, [0.0, 1.0], 1.0),
        ([UNSENT] * 2, [0.0, 1.0], 1.0),
        ([RateLimited("m", 3.0)], [0.0, 6.0], 6.0),
        ([RateLimited("m", 7.0)], [0.0, 8.0], 8.0),
        ([RateLimited("m", 7.0)] * 2, [0.0, 8.0], 8.0),
        ([RateLimited("m", 9.0)], [0.0], 0.0),
        ([SENT], [0.0], 0.0),
    ],
)
def test_who_waits_for_a_stream_does_not_wait_long(
    errors: list[TransientError], begun: list[float], ended: float
) -> None:
    """Two attempts, the second within 8 s, whatever a provider asks for and is spread out by."""

    async def story() -> None:
        model = Scripted(*errors)
        last = errors[-1] if len(errors) == len(begun) else ANSWER
        assert await streamed(patient(model, attempts=6, draw=lambda: 1.0)) is last
        assert (model.begun, now()) == (begun, ended)

    run(story())


def test_a_stream_does_not_wait_for_what_another_task_waits_for() -> None:
    """Its error says for how long yet; the other's patience is as it was."""

    async def story() -> None:
        model = Scripted(RateLimited("m", 40.0))
        shared = patient(model)
        other = asyncio.create_task(shared.complete(TASK))
        await asyncio.sleep(30)
        error = await streamed(shared)
        assert (type(error), error.delay_s, now()) == (RateLimited, 10.0, 30.0)
        await asyncio.sleep(3)
        assert await streamed(shared) is ANSWER
        assert await other is ANSWER
        assert model.begun == [0.0, 40.0, 40.0]

    run(story())


def test_an_attempt_that_took_all_the_time_is_the_last() -> None:
    """A network that swallows connections is not tried for twice as long."""

    class Slow(Scripted):
        async def stream(self, _: Task) -> AsyncGenerator[str | Answer, None]:
            self.begun.append(now())
            await asyncio.sleep(10)
            raise UNSENT
            yield ANSWER

    async def story() -> None:
        model = Slow()
        assert await outcome(anext(patient(model).stream(TASK))) is UNSENT
        assert (model.begun, now()) == ([0.0], 10.0)

    run(story())


def test_closing_the_iterator_closes_the_models() -> None:
    """That is what stops a server."""

    async def story() -> None:
        model = Scripted()
        async with aclosing(patient(model).stream(TASK)) as pieces:
            assert await anext(pieces) == "Hel"
            assert model.open_streams == 1
        assert model.open_streams == 0

    run(story())


# --- batches ----------------------------------------------------------------------------------


class ScriptedBatches:
    """Batches that play a script of errors first; `breaks`: how many results come before it."""

    def __init__(self, *script: TrimtabError) -> None:
        self.script = deque(script)
        self.called: list[str] = []
        self.breaks: deque[int] = deque()

    def _call(self, name: str) -> None:
        self.called.append(name)
        if self.script:
            raise self.script.popleft()

    async def submit(self, tasks: Mapping[str, Task]) -> str:
        self._call("submit")
        return f"b{len(tasks)}"

    async def find(self, _: datetime, size: int) -> list[str]:
        self._call("find")
        return [f"b{size}"]

    async def ended(self, batch_id: str) -> bool:
        self._call("ended")
        return batch_id == "b1"

    async def results(self, _: str) -> AsyncGenerator[tuple[str, Answer | TrimtabError], None]:
        self._call("results")
        for number, key in enumerate("abcd"):
            if self.breaks and number == self.breaks[0]:
                self.breaks.popleft()
                raise SENT
            yield key, AnswerRefused("draft") if key == "b" else ANSWER

    async def cancel(self, _: str) -> None:
        self._call("cancel")


def test_a_model_without_batches_has_none() -> None:
    """And everything else about it is the model's own."""

    async def story() -> None:
        model = Scripted()
        shared = patient(model)
        assert shared.batches is None
        seen = (shared.name, shared.remote, shared.host, shared.takes_temperature)
        assert seen == ("m", True, "m.example", True)
        assert (shared.most(TASK), shared.most(TASK, batch=True)) == (2.0, 1.0)
        await shared.close()
        assert model.closed

    run(story())


def test_a_batch_is_not_handed_in_twice() -> None:
    """Not where the first may have arrived; before that it is safe."""

    async def story() -> None:
        batches = ScriptedBatches(RateLimited("m", 5.0), UNSENT)
        wrapped = patient(Scripted(batches=batches)).batches
        assert wrapped is not None
        assert await wrapped.submit({"a": TASK}) == "b1"
        assert batches.called == ["submit"] * 3
        batches.script.append(SENT)
        assert await outcome(wrapped.submit({"a": TASK})) is SENT
        assert batches.called == ["submit"] * 4

    run(story())


def test_what_only_reads_is_always_tried_again() -> None:
    """Looking for a batch, asking after it and asking for its end cost nothing."""

    async def story() -> None:
        batches = ScriptedBatches()
        wrapped = patient(Scripted(batches=batches)).batches
        assert wrapped is not None
        batches.script.append(SENT)
        assert await wrapped.find(NOON, 1) == ["b1"]
        batches.script.append(SENT)
        assert await wrapped.ended("b1")
        batches.script.append(SENT)
        await wrapped.cancel("b1")
        assert batches.called == ["find"] * 2 + ["ended"] * 2 + ["cancel"] * 2

    run(story())


def test_results_that_break_off_are_fetched_again_and_given_once() -> None:
    """Attempts are counted anew from each new result."""

    async def story() -> None:
        batches = ScriptedBatches()
        batches.breaks.extend([1, 2, 3])
        wrapped = patient(Scripted(batches=batches), attempts=2).batches
        assert wrapped is not None
        got = [(key, type(result)) async for key, result in wrapped.results("b1")]
        assert got == [("a", Answer), ("b", AnswerRefused), ("c", Answer), ("d", Answer)]
        assert batches.called == ["results"] * 4

    run(story())


def test_results_that_never_come_end_in_the_error() -> None:
    """No new result, no new attempts."""

    async def story() -> None:
        batches = ScriptedBatches()
        batches.breaks.extend([1] * 9)
        wrapped = patient(Scripted(batches=batches), attempts=3).batches
        assert wrapped is not None
        results = wrapped.results("b1")
        assert await anext(results) == ("a", ANSWER)
        assert await outcome(anext(results)) is SENT
        assert batches.called == ["results"] * 3

    run(story())
