"""From mails to lessons: what the teacher is asked, what is kept, and what it would cost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest
from teaching_examples import KIM, NORA, OWN_TEXTS, QUESTION, TIM, Clumsy, Recording, a_mail

from mlx_agent import render
from mlx_agent.errors import AnswerMalformed, TransientError
from mlx_agent.large.offline import Offline
from mlx_agent.recipients import metadata_of
from mlx_agent.records import Answer, IntentTask, Lesson, Recipient, RulesTask, Task
from mlx_agent.teach.cost import Estimate, estimate
from mlx_agent.teach.intents import intent_task, variant
from mlx_agent.teach.lessons import (
    SetAside,
    TeachItem,
    TeachSettings,
    lesson_id,
    make_lesson,
    teach,
    thread_of,
)

R3 = TeachSettings(strategy="R3", seed=1)
DRAFT = "Dear Tim Oduya,\n\nThe boat is ready on Friday.\n\nKind regards,\nNora Falk"


def an_item(number: int = 1, *, baseline: str | None = None, **changes: Any) -> TeachItem:
    mail = a_mail(number, **changes)
    return TeachItem(mail=mail, recipient=Recipient(earlier_mails=number), baseline=baseline)


Made = list[Lesson | SetAside]


async def taught(stream: AsyncIterator[Lesson | SetAside], into: Made | None = None) -> Made:
    """All that comes; `into` keeps it where an error ends the stream."""
    made = [] if into is None else into
    async for one in stream:
        made.append(one)
    return made


# --- intents ----------------------------------------------------------------------------------


def test_the_manner_of_note_taking_is_drawn_by_the_samples_hash() -> None:
    """All three about equally often; the same on every run; others under another seed."""
    drawn = [variant(f"sha256:{number}", 1) for number in range(600)]
    assert all(160 <= drawn.count(manner) <= 240 for manner in (0, 1, 2))
    assert drawn == [variant(f"sha256:{number}", 1) for number in range(600)]
    assert drawn != [variant(f"sha256:{number}", 2) for number in range(600)]


def test_the_intent_is_asked_of_the_own_text_with_its_context() -> None:
    """The teacher must know what is answered, to leave out what only that mail says."""
    mail = a_mail(context=(QUESTION,))
    metadata = metadata_of(mail, None)
    assert intent_task(mail, metadata, 1) == IntentTask(
        own_text=mail.own_text,
        metadata=metadata,
        context=(QUESTION,),
        variant=variant(mail.id, 1),
    )


# --- one lesson -------------------------------------------------------------------------------


async def test_r3_asks_for_intent_baseline_and_rules() -> None:
    """In this order; the lesson holds x, p and the provenance of every call."""
    item = an_item(context=(QUESTION,))
    lesson = await make_lesson(item, Offline(), R3)
    assert [call.prompt for call in lesson.calls] == ["intent", "baseline", "rules_distill"]
    assert [call.version for call in lesson.calls] == [
        render.prompt_version(call.prompt) for call in lesson.calls
    ]
    assert all(call.usage.input_tokens > 0 for call in lesson.calls)
    assert lesson.x.metadata == metadata_of(item.mail, item.recipient)
    assert lesson.x.context == (QUESTION,)
    assert (lesson.own_text, lesson.account) == (item.mail.own_text, "home")
    assert (lesson.sample_id, lesson.sent_at) == (item.mail.id, item.mail.sent_at)


async def test_a_lesson_says_how_the_mail_differs_from_the_generic_one() -> None:
    """The rules are those of the mail, not of the baseline."""
    lesson = await make_lesson(an_item(0, own_text=OWN_TEXTS[0]), Offline(), R3)
    said = {rule.aspect: rule.instruction for rule in lesson.rules}
    assert said["greeting"] == 'open with "Hello", the recipient\'s first name and a comma'
    assert said["sign-off"] == 'sign off with "Cheers" and a comma'
    assert lesson.baseline is not None
    assert lesson.baseline.startswith("Dear Tim Oduya,")


@pytest.mark.parametrize("strategy", ["R1", "R2"])
async def test_the_direct_strategies_save_the_baselines_call(strategy: Any) -> None:
    """And never see one, not even where the mail was an edited draft."""
    teacher = Recording()
    item = an_item(baseline=DRAFT)
    lesson = await make_lesson(item, teacher, TeachSettings(strategy=strategy))
    assert teacher.prompts == ["intent", render.RULES_PROMPTS[strategy]]
    assert isinstance(teacher.asked[-1], RulesTask)
    assert teacher.asked[-1].baseline is None
    assert lesson.baseline is None


async def test_an_edited_draft_is_its_own_baseline() -> None:
    """What the user changed is what the rules must say; the baseline's call is saved."""
    teacher = Recording()
    lesson = await make_lesson(an_item(baseline=DRAFT), teacher, R3)
    assert teacher.prompts == ["intent", "rules_distill"]
    assert isinstance(teacher.asked[-1], RulesTask)
    assert teacher.asked[-1].baseline == DRAFT
    assert lesson.baseline == DRAFT


async def test_a_malformed_answer_is_asked_for_once_more() -> None:
    """Both calls were paid for, so both are recorded."""
    teacher = Clumsy(intent=1, rules_distill=1)
    lesson = await make_lesson(an_item(), teacher, R3)
    assert [call.prompt for call in lesson.calls] == [
        "intent",
        "intent",
        "baseline",
        "rules_distill",
        "rules_distill",
    ]
    assert lesson.rules == (await make_lesson(an_item(), Offline(), R3)).rules


@pytest.mark.parametrize("prompt", ["intent", "rules_distill"])
async def test_a_second_malformed_answer_is_given_up(prompt: str) -> None:
    """It is never read leniently."""
    teacher = Clumsy(**{prompt: 2})
    with pytest.raises(AnswerMalformed):
        await make_lesson(an_item(), teacher, R3)
    assert teacher.prompts.count(prompt) == 2


async def test_rules_that_quote_facts_of_the_mail_are_dropped() -> None:
    """A fact that x does not hold would be learned as style."""
    words = "<rules>\nGreeting: say hello to Wilhelmina\nTone: warm\n</rules>"
    lesson = await make_lesson(an_item(), Clumsy(words, rules_distill=1), R3)
    assert [rule.aspect for rule in lesson.rules] == ["tone"]


async def test_a_mail_of_which_only_facts_were_said_is_set_aside() -> None:
    """A lesson without rules would teach silence."""
    words = "<rules>\nClosing: mention invoice 4711\n</rules>"
    made = await taught(teach([an_item()], Clumsy(words, rules_distill=1), R3, known=()))
    assert made == [SetAside(sample_id="m001", reason="rules: every rule quotes a fact")]


# --- keys -------------------------------------------------------------------------------------


def test_a_lessons_id_is_its_key() -> None:
    """The sample, the strategy, the model, the seed and, for R3, the draft it was edited from."""
    ids = [
        lesson_id(an_item(1), R3, "offline"),
        lesson_id(an_item(2), R3, "offline"),
        lesson_id(an_item(1), R3, "claude-sonnet-5-5"),
        lesson_id(an_item(1), replace(R3, seed=2), "offline"),
        lesson_id(an_item(1), replace(R3, strategy="R1"), "offline"),
        lesson_id(an_item(1), replace(R3, strategy="R2"), "offline"),
        lesson_id(an_item(1, baseline=DRAFT), R3, "offline"),
    ]
    assert len(set(ids)) == len(ids)
    assert ids[0] == lesson_id(an_item(1), R3, "offline")


def test_a_draft_that_a_strategy_does_not_read_is_not_in_its_key() -> None:
    """Finding an edit later must not make R1 and R2 ask again."""
    r1 = TeachSettings(strategy="R1")
    assert lesson_id(an_item(), r1, "m") == lesson_id(an_item(baseline=DRAFT), r1, "m")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"references": ("<root@x>", "<mid@x>"), "in_reply_to": "<mid@x>"}, "<root@x>"),
        ({"in_reply_to": "<mid@x>"}, "<mid@x>"),
        ({}, "<1@falk.example>"),
        ({"message_id": ""}, "m001"),
    ],
)
def test_a_thread_is_named_by_its_root(changes: dict[str, Any], expected: str) -> None:
    """As far as the headers tell it; a mail alone is its own thread."""
    assert thread_of(a_mail(1, **changes)) == expected


# --- many lessons -----------------------------------------------------------------------------


async def test_a_repeat_costs_nothing() -> None:
    """Known lessons are not asked for again; new mails are."""
    items = [an_item(number) for number in (1, 2, 3)]
    first = await taught(teach(items[:2], Offline(), R3, known=()))
    known = {made.id for made in first if isinstance(made, Lesson)}
    teacher = Recording()
    again = await taught(teach(items, teacher, R3, known))
    assert [made.sample_id for made in again] == ["m003"]
    assert len(teacher.asked) == 3


async def test_a_mail_that_cannot_be_taught_does_not_stop_the_others() -> None:
    """It is set aside with a reason that quotes nothing."""
    made = await taught(
        teach([an_item(1), an_item(2)], Clumsy(intent=2), R3, known=(), concurrency=1)
    )
    assert [type(one) for one in made] == [SetAside, Lesson]
    assert made[0] == SetAside(sample_id="m001", reason="intent: <points> occurs 0 times")


class Slow(Offline):
    """Counts the requests in flight, and holds back those for one recipient."""

    def __init__(self) -> None:
        self.in_flight = self.most = self.cancelled = 0
        self.holding, self.release = asyncio.Event(), asyncio.Event()

    async def complete(self, task: Task) -> Answer:
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            if isinstance(task, IntentTask) and task.metadata.to == (KIM,):
                self.holding.set()
                await self.release.wait()
            await asyncio.sleep(0)
            return await super().complete(task)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.in_flight -= 1


async def test_so_many_requests_are_in_flight_and_no_more() -> None:
    """The provider's limit is not overrun, and not left unused."""
    teacher = Slow()
    made = await taught(teach([an_item(n) for n in range(9)], teacher, R3, (), concurrency=3))
    assert (len(made), teacher.most) == (9, 3)


async def test_a_slow_mail_holds_up_no_other() -> None:
    """Lessons come as they are done."""
    teacher = Slow()
    items = [an_item(1, to=(KIM,)), *(an_item(n) for n in range(2, 8))]
    seen = []
    async with asyncio.timeout(5), aclosing(teach(items, teacher, R3, (), concurrency=2)) as stream:
        async for made in stream:
            seen.append(made.sample_id)
            if len(seen) == 6:
                teacher.release.set()
    assert seen == ["m002", "m003", "m004", "m005", "m006", "m007", "m001"]


async def test_closing_the_stream_ends_what_is_in_flight() -> None:
    """Nobody would read it, and it costs money."""
    teacher = Slow()
    items = [an_item(1, to=(KIM,)), an_item(2)]
    async with asyncio.timeout(5), aclosing(teach(items, teacher, R3, ())) as stream:
        assert (await anext(stream)).sample_id == "m002"
        assert teacher.in_flight == 1
    assert (teacher.in_flight, teacher.cancelled) == (0, 1)


async def test_cancelling_the_reader_ends_what_is_in_flight() -> None:
    """The daemon is asked to stop in the middle of a night's teaching."""
    teacher = Slow()
    reader = asyncio.create_task(taught(teach([an_item(1, to=(KIM,))], teacher, R3, ())))
    await teacher.holding.wait()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(reader, 5)
    assert (teacher.in_flight, teacher.cancelled) == (0, 1)


class Overloaded(Slow):
    """Answers `left` tasks, then refuses."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left

    async def complete(self, task: Task) -> Answer:
        self.left -= 1
        if self.left < 0:
            raise TransientError
        return await super().complete(task)


async def test_the_teachers_own_error_comes_as_it_is_after_what_was_done() -> None:
    """So that the job is retried, and what was paid for is kept."""
    seen: Made = []
    teacher = Overloaded(3)
    with pytest.raises(TransientError):
        await taught(teach([an_item(1), an_item(2)], teacher, R3, (), concurrency=1), seen)
    assert [made.sample_id for made in seen] == ["m001"]
    assert teacher.in_flight == 0


# --- cost -------------------------------------------------------------------------------------


def test_an_estimate_can_be_checked_by_hand() -> None:
    """100 words, read three times at 1.35 tokens a word, with 750 of ours and 1150 of answers."""
    mail = a_mail(own_text="word " * 100)
    found = estimate([mail, mail], "R3", "claude-sonnet-5-5")
    assert found == Estimate(
        mails=2,
        calls=6,
        input_tokens=2 * (405 + 750),
        output_tokens=2 * 1150,
        cost_usd=pytest.approx((2310 * 2 + 2300 * 10) / 1e6),
    )


def test_the_direct_strategies_cost_a_call_less() -> None:
    """No baseline is asked for."""
    assert estimate([a_mail()] * 3, "R2", "offline").calls == 6


@pytest.mark.parametrize(("model", "expected"), [("offline", 0.0), ("house-model-7b", None)])
def test_a_price_is_free_or_unknown_but_never_guessed(model: str, expected: float | None) -> None:
    """A model that the table does not hold has no price."""
    assert estimate([a_mail()], "R3", model).cost_usd == expected


def test_context_is_counted_as_far_as_it_is_sent() -> None:
    """A long thread is cut to its budget before any model reads it."""
    long = replace(QUESTION, text="word " * 800)
    longer = replace(QUESTION, text="word " * 9000)
    assert estimate([a_mail(context=(long,))], "R3", "offline") == estimate(
        [a_mail(context=(longer,))], "R3", "offline"
    )


def test_no_mails_cost_nothing() -> None:
    """An empty selection is no error."""
    assert estimate([], "R3", "claude-opus-5-5").cost_usd == 0


def test_the_examples_teach_what_they_say() -> None:
    """Guards this file: its people are who the mails are from and to."""
    assert (a_mail().sender, a_mail().to) == (NORA, (TIM,))
