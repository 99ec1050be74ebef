"""The gate: what lets a candidate pass, and what never does."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teaching_examples import OWN_TEXTS, TIM, Copyist, Recording, a_lesson

from mlx_agent.errors import AnswerMalformed
from mlx_agent.large.offline import Offline, intent_points, rules_for
from mlx_agent.records import AgentAnswer, DraftTask, Lesson
from mlx_agent.train.gate import (
    CARD,
    CURRENT,
    ZERO_SHOT,
    GateScores,
    Series,
    decide,
    leaks,
    lists_of,
    refuse,
    score,
)
from mlx_agent.train.records import Lists

ZERO = (0.5, 0.6, 0.5, 0.7, 0.4, 0.6, 0.5, 0.6)
GOOD = (0.2, 0.1, 0.2, 0.3, 0.1, 0.2, 0.2, 0.1)
WORSE = tuple(distance + 0.1 for distance in GOOD)
UNLUCKY = (*GOOD[:-1], 0.3)
"""Worse on average, but by one mail of eight."""
FINE = Lists(validity=1.0, leaked=0.0, loss=0.5)
NAN = math.nan


def scores(
    candidate: tuple[float, ...] = GOOD,
    *,
    lists: Lists = FINE,
    now: Lists | None = None,
    more: tuple[Series, ...] = (),
    losses: tuple[tuple[float, ...], tuple[float, ...]] | None = None,
    **rivals: tuple[float, ...],
) -> GateScores:
    """Beside drafts without rules, and what else is named: `card` and `current`."""
    names = {"zero": ZERO_SHOT, "card": CARD, "current": CURRENT}
    series = [
        Series(name=names[name], writer="offline", candidate=candidate, rival=rival)
        for name, rival in ({"zero": ZERO} | rivals).items()
    ]
    if "current" in rivals and now is None:
        now = FINE
    return GateScores(rivals=(*series, *more), lists=lists, current=now, losses=losses)


def by_claude(name: str, candidate: tuple[float, ...], rival: tuple[float, ...]) -> Series:
    return Series(name=name, writer="claude", candidate=candidate, rival=rival)


def test_a_first_adapter_that_beats_zero_shot_passes() -> None:
    """The verdict holds the figures, and says them."""
    verdict = decide("a1", scores())
    assert verdict.promoted
    assert verdict.reason == "distance 0.175 against 0.550 zero-shot"
    assert (verdict.adapter_id, verdict.current, verdict.validity) == ("a1", None, 1.0)


def test_the_verdict_has_an_interval_beside_each_rival() -> None:
    """By how much the candidate is nearer, and how sure that is."""
    verdict = decide("a1", scores(UNLUCKY, card=WORSE, current=GOOD))
    zero_shot, card, now = verdict.beside
    assert [one.name for one in verdict.beside] == [ZERO_SHOT, CARD, CURRENT]
    assert {(one.writer, one.mails) for one in verdict.beside} == {("offline", 8)}
    assert zero_shot.nearer == pytest.approx(0.35)
    assert 0.2 < zero_shot.low < zero_shot.nearer < zero_shot.high < 0.5
    assert card.low < card.nearer == pytest.approx(0.075)
    assert now.low < now.nearer < now.high == 0
    assert (now.candidate, now.rival) == (pytest.approx(0.2), pytest.approx(0.175))
    assert (verdict.lists, verdict.current_lists) == (FINE, FINE)


KEPT = {
    "zero-shot": (scores(ZERO), "its drafts are no nearer to your mails than drafts without rules"),
    "validity": (scores(lists=replace(FINE, validity=0.89)), "only 89% of its rule lists parse"),
    "leaks": (
        scores(lists=replace(FINE, leaked=0.25)),
        "25% of its rule lists hold facts of other mails",
    ),
    "loss": (scores(lists=replace(FINE, loss=NAN)), "its validation loss is no number"),
    "validity now": (
        scores(current=GOOD, lists=replace(FINE, validity=0.95), now=replace(FINE, validity=0.98)),
        "fewer of its rule lists parse than of the current agent's",
    ),
    "leaks now": (
        scores(current=GOOD, lists=replace(FINE, leaked=0.05), now=replace(FINE, leaked=0.02)),
        "more of its rule lists hold facts of other mails than of the current agent's",
    ),
    "distance now": (
        scores(WORSE, current=GOOD),
        "its drafts are further from your mails than the current agent's",
    ),
    "card": (
        scores(WORSE, card=GOOD),
        "its drafts are further from your mails than those under your style card",
    ),
    "card, and an agent as far": (
        scores(WORSE, card=GOOD, current=WORSE),
        "its drafts are further from your mails than those under your style card",
    ),
    "the real writer": (
        scores(GOOD, current=GOOD, more=(by_claude(CURRENT, WORSE, GOOD),)),
        "its drafts by claude are further from your mails than the current agent's",
    ),
}


@pytest.mark.parametrize(("found", "reason"), KEPT.values(), ids=KEPT)
def test_a_worse_candidate_is_kept_but_not_used(found: GateScores, reason: str) -> None:
    """Each with its reason in words."""
    verdict = decide("a2", found)
    assert (verdict.promoted, verdict.reason) == (False, reason)


def test_a_candidate_as_good_as_the_current_adapter_passes() -> None:
    """It has learned from newer mails."""
    verdict = decide("a2", scores(card=ZERO, current=GOOD))
    assert verdict.promoted
    assert verdict.reason == (
        "distance 0.175 against 0.550 zero-shot, 0.550 under your style card, 0.175 now"
    )


@pytest.mark.parametrize("rival", ["card", "current"])
def test_a_difference_that_chance_explains_does_not_stop_a_candidate(rival: str) -> None:
    """Neither beside the style card nor beside the current agent."""
    assert decide("a2", scores(UNLUCKY, **{rival: GOOD})).promoted


def test_the_nearer_of_two_agents_is_used_though_the_card_is_nearer_still() -> None:
    """To keep the worse one would help nobody."""
    middle = tuple(distance + 0.05 for distance in GOOD)
    assert decide("a2", scores(middle, card=GOOD, current=WORSE)).promoted


def test_a_little_less_validity_and_a_little_more_leaks_are_within_the_slack() -> None:
    """Two points."""
    lists = Lists(validity=0.97, leaked=0.03)
    now = Lists(validity=0.98, leaked=0.02)
    assert decide("a2", scores(current=GOOD, lists=lists, now=now)).promoted


def test_the_verdict_says_who_judged_once_more() -> None:
    """The figures are the offline writer's; the real one's stand beside them."""
    nearer = by_claude(CARD, GOOD[:4], ZERO[:4])
    verdict = decide("a2", scores(card=ZERO, more=(nearer,)))
    assert verdict.promoted
    assert verdict.reason.endswith("; by claude distance 0.200 against 0.575 under your style card")
    assert verdict.candidate == pytest.approx(0.175)
    assert [(b.writer, b.mails) for b in verdict.beside][-1] == ("claude", 4)


@pytest.mark.parametrize(
    "found",
    [
        scores((), zero=()),
        scores((), zero=(), current=()),
        scores((NAN, *GOOD[1:])),
        scores((math.inf, *GOOD[1:])),
        scores(zero=(NAN, *ZERO[1:])),
        scores(zero=()),
        scores(zero=ZERO[1:]),
        scores(current=(NAN, *GOOD[1:])),
        scores(current=GOOD[1:]),
        scores(card=()),
        scores(lists=replace(FINE, validity=NAN)),
        scores(lists=replace(FINE, leaked=NAN)),
        scores(current=GOOD, now=replace(FINE, validity=NAN)),
        scores(more=(by_claude(CARD, (), ()),)),
        GateScores(rivals=(), lists=FINE),
        GateScores(rivals=(by_claude(CARD, GOOD, ZERO),), lists=FINE),
    ],
)
def test_what_cannot_be_compared_is_never_promoted(found: GateScores) -> None:
    """Nothing held out, a figure that is no number, or figures for different mails."""
    verdict = decide("a3", found)
    assert (verdict.promoted, verdict.reason) == (False, "there is nothing to judge it by")
    assert verdict.beside == ()


def test_a_candidate_that_cannot_be_measured_is_refused_with_its_reason() -> None:
    """There are no figures then."""
    verdict = refuse("a4", "its files are missing")
    assert (verdict.promoted, verdict.reason) == (False, "its files are missing")
    assert math.isnan(verdict.candidate)


DISTANCES = st.floats(0, 2)
PAIRS = st.lists(st.tuples(DISTANCES, DISTANCES), min_size=1, max_size=12)


@given(PAIRS)
def test_of_two_adapters_one_is_let_pass_beside_the_other(pairs: list[tuple[float, float]]) -> None:
    """And each beside itself: chance alone never locks the gate."""
    one, other = tuple(a for a, _ in pairs), tuple(b for _, b in pairs)
    far = tuple(3.0 for _ in pairs)

    def passes(candidate: tuple[float, ...], current: tuple[float, ...]) -> bool:
        return decide("a", scores(candidate, zero=far, current=current)).promoted

    assert passes(one, other) or passes(other, one)
    assert passes(one, one)


def test_the_bootstrap_is_seeded() -> None:
    """The same figures have the same verdict, also where they are close."""
    close = tuple(d + 0.05 * (-1) ** n + 0.03 for n, d in enumerate(GOOD))
    found = {decide("a", scores(close, current=GOOD)) for _ in range(5)}
    assert len(found) == 1


# --- rule lists --------------------------------------------------------------------------------

CLEAN = (
    'Greeting: open with "Hello", the recipient\'s first name and a comma\nLength: about 20 words'
)
LEAKS = {
    "a name": 'Greeting: open with "Hello Barnaby"',
    "a date": "Closing: ask for an answer by Wednesday, as always",
    "an amount": "Phrases: mention the 450 euros",
    "a link": "Signature: end with www.falk.example/boats",
    "words of a mail": 'Phrases: say "the mast came back today and is new"',
}


@pytest.mark.parametrize("text", LEAKS.values(), ids=LEAKS)
def test_a_rule_that_had_to_be_filtered_is_a_leak(text: str) -> None:
    """Whether it was dropped or only put in general words."""
    assert leaks(f"{CLEAN.splitlines()[1]}\n{text}", a_lesson().x)


@pytest.mark.parametrize(
    "text",
    [CLEAN, f'Greeting: open with "Hello {TIM.name.split()[0]},"', "no list of rules at all"],
    ids=["clean", "the recipient's own name", "invalid"],
)
def test_what_x_holds_is_no_leak(text: str) -> None:
    """And what is no list holds no rules."""
    assert not leaks(text, a_lesson().x)


def test_the_shares_are_of_all_answers() -> None:
    """Three answers, one of them invalid, one with a fact."""
    texts = [CLEAN, LEAKS["a date"], "nonsense"]
    answers = [
        AgentAnswer(rules=(), text=text, valid=text != "nonsense", tokens=9, seconds=0.1)
        for text in texts
    ]
    found = lists_of(answers, [a_lesson().x] * 3, [0.25, 0.5, 0.75])
    assert found == Lists(validity=pytest.approx(2 / 3), leaked=pytest.approx(1 / 3), loss=0.5)


# --- scoring ----------------------------------------------------------------------------------


def held_out() -> list[Lesson]:
    """Lessons whose rules are those of the mail itself."""
    found = []
    for number, own_text in enumerate(OWN_TEXTS):
        x = replace(a_lesson().x, intent=intent_points(own_text, a_lesson().x.metadata))
        rules = rules_for(x, own_text, None)
        found.append(a_lesson(number, x=x, own_text=own_text, rules=rules))
    return found


async def test_drafts_under_a_mails_own_rules_are_nearer_than_without() -> None:
    """The measure sees what rules do: on each mail."""
    lessons = held_out()
    under = await score(lessons, [lesson.rules for lesson in lessons], Offline())
    without = await score(lessons, [() for _ in lessons], Offline())
    assert all(near < far for near, far in zip(under, without, strict=True))


async def test_a_candidate_is_asked_as_in_production() -> None:
    """The writer gets the same task as when the user drafts."""
    lessons, writer = held_out(), Recording()
    await score(lessons, [lesson.rules for lesson in lessons], writer)
    assert writer.asked == [DraftTask(x=lesson.x, rules=lesson.rules) for lesson in lessons]


async def test_a_draft_that_is_the_mail_has_no_distance() -> None:
    """Names do not count: a draft that differs in them alone is as near."""
    lesson = held_out()[0]
    swapped = lesson.own_text.replace("Tim", "Oduya").replace("Nora", "Falk")
    for text in (lesson.own_text, swapped):
        assert await score([lesson], [()], Copyist({lesson.x.intent: text})) == [0]


async def test_a_writer_that_answers_nothing_is_an_error() -> None:
    """An empty draft must not pass for a short one."""
    lesson = held_out()[0]
    with pytest.raises(AnswerMalformed):
        await score([lesson], [()], Copyist({lesson.x.intent: " \n"}))


async def test_rules_must_be_given_for_every_mail() -> None:
    """A shorter list would pair rules with the wrong mails."""
    with pytest.raises(ValueError, match="shorter"):
        await score(held_out(), [()], Offline())


# --- what it foresees --------------------------------------------------------------------------


def test_an_agent_that_surely_foresees_less_is_not_used() -> None:
    """Where its drafts are no nearer than the current agent's."""
    verdict = decide("a1", scores(GOOD, current=GOOD, losses=(WORSE, GOOD)))
    assert not verdict.promoted
    assert verdict.reason == (
        "it foresees the rules of your later mails less well than the current agent"
    )


@pytest.mark.parametrize(
    ("losses", "current"),
    [
        ((UNLUCKY, GOOD), GOOD),
        ((GOOD, WORSE), GOOD),
        ((WORSE, GOOD), WORSE),
    ],
    ids=["by chance", "it foresees more", "its drafts are nearer"],
)
def test_else_what_it_foresees_keeps_no_agent_from_use(
    losses: tuple[tuple[float, ...], tuple[float, ...]], current: tuple[float, ...]
) -> None:
    """A loss is not what the user reads."""
    assert decide("a1", scores(GOOD, current=current, losses=losses)).promoted


def test_a_loss_that_is_no_number_is_nothing_to_compare_by() -> None:
    """Neither the candidate's nor the current agent's."""
    for losses in (((NAN, *GOOD[1:]), GOOD), (GOOD, (NAN, *GOOD[1:]))):
        assert not decide("a1", scores(GOOD, current=GOOD, losses=losses)).promoted
