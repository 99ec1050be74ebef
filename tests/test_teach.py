"""From mails to lessons: what the teacher is asked, what is kept, and what it would cost."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any, get_args

import pytest
from teaching_examples import (
    KIM,
    OWN_TEXTS,
    QUESTION,
    Clumsy,
    Recording,
    Teacher,
    a_lesson,
    a_mail,
)

from mlx_agent import render
from mlx_agent.errors import (
    AnswerCutOff,
    AnswerRefused,
    PromptTooLong,
    SampleError,
    TransientError,
)
from mlx_agent.large import LargeModel
from mlx_agent.large.offline import Offline, answer
from mlx_agent.large.prices import FREE
from mlx_agent.recipients import metadata_of
from mlx_agent.records import (
    Answer,
    IntentTask,
    Kind,
    Lesson,
    Price,
    Recipient,
    RepairTask,
    RulesTask,
    Task,
    Usage,
)
from mlx_agent.teach.cost import THINKING_TOKENS, estimate, foresee
from mlx_agent.teach.desk import make_lesson, teach
from mlx_agent.teach.intents import intent_task, variant
from mlx_agent.teach.lessons import (
    Answered,
    Ask,
    Recipe,
    SetAside,
    TeachItem,
    advance,
    lesson_id,
    thread_of,
    usable,
)

R3 = Recipe(model="offline", strategy="R3", seed=1)
DRAFT = "Dear Tim Oduya,\n\nThe boat is ready on Friday.\n\nKind regards,\nNora Falk"


def an_item(number: int = 1, *, baseline: str | None = None, **changes: Any) -> TeachItem:
    mail = a_mail(number, **changes)
    return TeachItem(mail=mail, recipient=Recipient(earlier_mails=number), baseline=baseline)


Made = list[Lesson | SetAside]


async def one_lesson(item: TeachItem, teacher: LargeModel, recipe: Recipe = R3) -> Lesson:
    made = await make_lesson(item, Teacher(teacher), recipe)
    assert isinstance(made, Lesson)
    return made


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
    assert intent_task(mail, metadata, 1, sampled=False) == IntentTask(
        own_text=mail.own_text,
        metadata=metadata,
        context=(QUESTION,),
        variant=variant(mail.id, 1),
    )


def test_a_model_that_takes_a_temperature_is_asked_in_the_plain_manner_alone() -> None:
    """The paper's three variants differ in temperature; manners stand in where there is none."""
    mails = [a_mail(number) for number in range(60)]
    tasks = [intent_task(m, metadata_of(m, None), 1, sampled=True) for m in mails]
    assert {task.temperature for task in tasks} == {0.7, 1.0, 1.2}
    asked = {render.messages(task)[1].content.partition("jot them down: ")[2] for task in tasks}
    assert len(asked) == 1
    without = [replace(task, temperature=None) for task in tasks]
    asked = {render.messages(task)[1].content.partition("jot them down: ")[2] for task in without}
    assert len(asked) == 3


# --- one lesson -------------------------------------------------------------------------------


async def test_r3_asks_for_intent_baseline_and_rules() -> None:
    """In this order; the lesson holds x, p and the provenance of every call."""
    item = an_item(context=(QUESTION,))
    lesson = await one_lesson(item, Offline())
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
    lesson = await one_lesson(an_item(0, own_text=OWN_TEXTS[0]), Offline())
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
    lesson = await one_lesson(item, teacher, replace(R3, strategy=strategy))
    assert teacher.prompts == ["intent", render.RULES_PROMPTS[strategy]]
    assert isinstance(teacher.asked[-1], RulesTask)
    assert teacher.asked[-1].baseline is None
    assert lesson.baseline is None


async def test_an_edited_draft_is_its_own_baseline() -> None:
    """What the user changed is what the rules must say; the baseline's call is saved."""
    teacher = Recording()
    lesson = await one_lesson(an_item(baseline=DRAFT), teacher)
    assert teacher.prompts == ["intent", "rules_distill"]
    assert isinstance(teacher.asked[-1], RulesTask)
    assert teacher.asked[-1].baseline == DRAFT
    assert lesson.baseline == DRAFT


@pytest.mark.parametrize("kind", get_args(Kind))
async def test_a_lesson_can_be_of_each_kind_of_text(kind: Kind) -> None:
    """Its questions, its x and the versions that are recorded are all of that kind."""
    teacher = Recording()
    item = an_item(to=(), subject="The boat")
    lesson = await one_lesson(item, teacher, replace(R3, kind=kind))
    assert teacher.prompts == ["intent", "baseline", "rules_distill"]
    assert [render.prompt_kind(task) for task in teacher.asked] == [kind] * 3
    assert [call.version for call in lesson.calls] == [
        render.prompt_version(name, kind) for name in teacher.prompts
    ]
    assert lesson.x.kind == kind
    assert lesson.rules
    *question, _ = render.lesson_messages(lesson.x, lesson.rules, render.LARGE)
    assert f"this {'mail' if kind == 'email' else kind}." in question[0].content


async def test_a_malformed_answer_is_asked_for_once_more() -> None:
    """Both calls were paid for, so both are recorded."""
    teacher = Clumsy(intent=1, rules_distill=1)
    lesson = await one_lesson(an_item(), teacher)
    assert [call.prompt for call in lesson.calls] == [
        "intent",
        "intent",
        "baseline",
        "rules_distill",
        "rules_distill",
    ]
    assert lesson.rules == (await one_lesson(an_item(), Offline())).rules


@pytest.mark.parametrize("prompt", ["intent", "rules_distill"])
async def test_a_second_malformed_answer_is_given_up(prompt: str) -> None:
    """It is never read leniently."""
    teacher = Clumsy(**{prompt: 2})
    assert isinstance(await make_lesson(an_item(), Teacher(teacher), R3), SetAside)
    assert teacher.prompts.count(prompt) == 2


async def test_rules_that_quote_facts_of_the_mail_are_dropped() -> None:
    """A fact that x does not hold would be learned as style."""
    words = "<rules>\nGreeting: say hello to Wilhelmina\nTone: warm\n</rules>"
    lesson = await one_lesson(an_item(), Clumsy(words, rules_distill=1))
    assert [rule.aspect for rule in lesson.rules] == ["length", "tone"]  # which is ours to count
    assert (lesson.dropped, lesson.generalised) == (1, 1)  # the length counts as mended


async def test_what_the_teacher_thought_is_kept_but_for_facts_of_the_mail() -> None:
    """An agent may be trained to think it, and no other mail has them."""
    words = "The mail is warmer.\nIt names Wilhelmina.\n\n<rules>\nTone: warm\n</rules>"
    lesson = await one_lesson(an_item(), Clumsy(words, rules_distill=1))
    assert lesson.thinking == "The mail is warmer."


async def test_a_mail_of_which_only_facts_were_said_is_set_aside() -> None:
    """A lesson without rules would teach silence."""
    words = "<rules>\nClosing: mention invoice 4711\n</rules>"
    made = await taught(teach([an_item()], Teacher(Clumsy(words, rules_distill=1)), R3))
    assert made == [SetAside(sample_id="m001", reason="rules: every rule quotes a fact")]


# --- keys -------------------------------------------------------------------------------------


def test_a_lessons_id_is_its_key() -> None:
    """The sample, how it is taught and, for R3, the draft it was edited from."""
    ids = [
        lesson_id(an_item(1), R3),
        lesson_id(an_item(2), R3),
        lesson_id(an_item(1), replace(R3, model="claude-sonnet-5-5")),
        lesson_id(an_item(1), replace(R3, seed=2)),
        lesson_id(an_item(1), replace(R3, strategy="R1")),
        lesson_id(an_item(1), replace(R3, strategy="R2")),
        lesson_id(an_item(1), replace(R3, kind="article")),
        lesson_id(an_item(1), replace(R3, kind="review")),
        lesson_id(an_item(1, baseline=DRAFT), R3),
    ]
    assert len(set(ids)) == len(ids)
    assert ids[0] == lesson_id(an_item(1), R3)


def test_the_kind_mail_is_not_in_a_recipes_id() -> None:
    """Lessons of mails keep their ids, whatever other kinds there are."""
    versions = [render.prompt_version(name) for name in ("intent", "rules_distill", "baseline")]
    parts = ["R3", "offline", "1", "False", *versions]
    assert R3.id == hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:12]


def test_a_draft_that_a_strategy_does_not_read_is_not_in_its_key() -> None:
    """Finding an edit later must not make R1 and R2 ask again."""
    r1 = replace(R3, strategy="R1")
    assert lesson_id(an_item(), r1) == lesson_id(an_item(baseline=DRAFT), r1)


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


async def test_a_mail_that_cannot_be_taught_does_not_stop_the_others() -> None:
    """It is set aside with a reason that quotes nothing."""
    made = await taught(teach([an_item(1), an_item(2)], Teacher(Clumsy(intent=2)), R3, in_flight=1))
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
    made = await taught(teach([an_item(n) for n in range(9)], Teacher(teacher), R3, 3))
    assert (len(made), teacher.most) == (9, 3)


async def test_a_slow_mail_holds_up_no_other() -> None:
    """Lessons come as they are done."""
    teacher = Slow()
    items = [an_item(1, to=(KIM,)), *(an_item(n) for n in range(2, 8))]
    seen = []
    async with asyncio.timeout(5), aclosing(teach(items, Teacher(teacher), R3, 2)) as stream:
        async for made in stream:
            seen.append(made.sample_id)
            if len(seen) == 6:
                teacher.release.set()
    assert seen == ["m002", "m003", "m004", "m005", "m006", "m007", "m001"]


async def test_closing_the_stream_ends_what_is_in_flight() -> None:
    """Nobody would read it, and it costs money."""
    teacher = Slow()
    items = [an_item(1, to=(KIM,)), an_item(2)]
    async with asyncio.timeout(5), aclosing(teach(items, Teacher(teacher), R3)) as stream:
        assert (await anext(stream)).sample_id == "m002"
        assert teacher.in_flight == 1
    assert (teacher.in_flight, teacher.cancelled) == (0, 1)


async def test_cancelling_the_reader_ends_what_is_in_flight() -> None:
    """The daemon is asked to stop in the middle of a night's teaching."""
    teacher = Slow()
    reader = asyncio.create_task(taught(teach([an_item(1, to=(KIM,))], Teacher(teacher), R3)))
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
        await taught(teach([an_item(1), an_item(2)], Teacher(teacher), R3, 1), seen)
    assert [made.sample_id for made in seen] == ["m001"]
    assert teacher.in_flight == 0


# --- answers that are there already -----------------------------------------------------------


def walked(item: TeachItem) -> list[Ask]:
    """Every question of a sample, answered by a function that keeps nothing."""
    asks: list[Ask] = []
    answered: tuple[Answered, ...] = ()
    while isinstance(step := advance(item, R3, answered), Ask):
        asks.append(step)
        answered += (step.answered(Answer(text=an_answer(step), model="m", usage=Usage())),)
    return asks


def an_answer(ask: Ask) -> str:
    return answer(ask.task)


def test_the_method_goes_on_from_any_answer() -> None:
    """What was answered is not asked again, whichever process it was answered in."""
    item = an_item(context=(QUESTION,))
    asks = walked(item)
    assert [render.prompt_name(ask.task) for ask in asks] == ["intent", "baseline", "rules_distill"]
    assert [ask.position for ask in asks] == [0, 1, 2]
    assert len({ask.key for ask in asks}) == 3
    replies = tuple(
        ask.answered(Answer(text=an_answer(ask), model="m", usage=Usage())) for ask in asks
    )
    for count in range(3):
        assert advance(item, R3, replies[:count]) == asks[count]
    assert isinstance(advance(item, R3, replies), Lesson)


def test_a_mend_shows_the_model_what_was_wrong() -> None:
    """Its own words, and the reason in ours; nothing else is asked again."""
    item = an_item()
    first = advance(item, R3, ())
    assert isinstance(first, Ask)
    bad = first.answered(Answer(text="Sure! Here you go.", model="m", usage=Usage()))
    again = advance(item, R3, (bad,))
    assert isinstance(again, Ask)
    assert isinstance(again.task, RepairTask)
    said = render.messages(again.task)
    assert said[:2] == render.messages(first.task)
    assert [message.role for message in said[2:]] == ["assistant", "user"]
    assert said[2].content == "Sure! Here you go."
    assert "<points> occurs 0 times" in said[3].content


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (AnswerRefused("intent"), "intent: the model declined"),
        (AnswerCutOff("intent", 4096), "intent: the answer was cut off"),
        (PromptTooLong("intent"), "intent: too long for the model"),
    ],
)
def test_what_a_model_will_not_answer_is_set_aside_at_once(error: SampleError, reason: str) -> None:
    """Asking again would cost as much and come to the same."""
    item = an_item()
    ask = advance(item, R3, ())
    assert isinstance(ask, Ask)
    assert advance(item, R3, (ask.answered(error),)) == SetAside(sample_id="m001", reason=reason)


# --- which lessons train ----------------------------------------------------------------------


def lessons_of(recipe: str, numbers: range) -> list[Lesson]:
    return [a_lesson(n, id=f"{recipe}{n}", recipe=recipe) for n in numbers]


def test_a_changed_prompt_keeps_the_old_lessons_until_the_new_are_complete() -> None:
    """An agent trained on a handful of new lessons would forget the rest."""
    old, new = lessons_of("old", range(6)), lessons_of("new", range(4))
    planned = {f"m{n:03}": f"new{n}" for n in range(6)}
    assert usable([*old, *new], planned, ()) == old
    assert usable([*old, *new], planned, {"m004", "m005"}) == new
    complete = lessons_of("new", range(6))
    assert usable([*old, *complete], planned, ()) == complete


def test_a_new_mail_joins_the_old_lessons_meanwhile() -> None:
    """It has no older lesson than the new one."""
    old, new = lessons_of("old", range(5)), lessons_of("new", range(4, 6))
    planned = {f"m{n:03}": f"new{n}" for n in range(6)}
    found = usable([*old, *new], planned, ())
    assert [lesson.id for lesson in found] == ["old0", "old1", "old2", "old3", "old4", "new5"]


def test_a_mail_that_teaches_no_more_does_not_train() -> None:
    """It was deleted from the selection by the user or by the rules."""
    lessons = lessons_of("new", range(3))
    assert usable(lessons, {"m001": "new1"}, ()) == [lessons[1]]


# --- cost -------------------------------------------------------------------------------------


def test_an_estimate_counts_what_would_be_asked() -> None:
    """The prompts as they would be, with answers of about the size to expect."""
    foreseen = list(foresee([an_item(1), an_item(2)], R3, {}))
    asked = sum(len(m.content) for one in foreseen for m in render.messages(one.ask.task))
    said = sum(len(one.answer) for one in foreseen)
    thinking = 2 * (THINKING_TOKENS["intent"] + THINKING_TOKENS["rules_distill"])
    found = estimate(foreseen, Price(input=2.0, output=10.0), batch=False)
    assert (found.mails, found.calls) == (2, 6)
    assert found.input_tokens == pytest.approx(asked / 3.7, abs=1)
    assert found.output_tokens == pytest.approx(said / 3.7 + thinking, abs=1)
    cost = (found.input_tokens * 2 + found.output_tokens * 10) / 1e6
    assert found.cost_usd == pytest.approx(cost)
    half = estimate(foreseen, Price(input=2.0, output=10.0), batch=True)
    assert half.cost_usd == pytest.approx(cost / 2)


def test_the_direct_strategies_cost_a_call_less() -> None:
    """No baseline is asked for."""
    foreseen = foresee([an_item(n) for n in range(3)], replace(R3, strategy="R2"), {})
    assert estimate(foreseen, FREE, batch=False).calls == 6


def test_what_was_answered_is_not_paid_again() -> None:
    """A run that was cut off is cheaper to end than to begin."""
    item = an_item()
    first = advance(item, R3, ())
    assert isinstance(first, Ask)
    reply = first.answered(Answer(text=an_answer(first), model="m", usage=Usage()))
    left = list(foresee([item], R3, {lesson_id(item, R3): (reply,)}))
    assert [render.prompt_name(one.ask.task) for one in left] == ["baseline", "rules_distill"]


def test_a_price_is_free_or_unknown_but_never_guessed() -> None:
    """No price is made up for a model that is not in the table."""
    foreseen = list(foresee([an_item()], R3, {}))
    assert estimate(foreseen, FREE, batch=False).cost_usd == 0
    assert estimate(foreseen, None, batch=False).cost_usd is None


def test_nothing_to_teach_costs_nothing() -> None:
    """Of whatever price."""
    found = estimate([], Price(input=4.0, output=20.0), batch=False)
    assert (found.mails, found.calls, found.cost_usd) == (0, 0, 0)
