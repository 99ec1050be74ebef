"""The gate: what lets a candidate pass, and what never does."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teaching_examples import OWN_TEXTS, Copyist, Recording, a_lesson

from mlx_agent.errors import AnswerMalformed
from mlx_agent.large.offline import Offline, intent_points, rules_for
from mlx_agent.records import DraftTask, Lesson
from mlx_agent.train.gate import GateScores, decide, score, surely_worse

ZERO = (0.5, 0.6, 0.5, 0.7, 0.4, 0.6, 0.5, 0.6)
GOOD = (0.2, 0.1, 0.2, 0.3, 0.1, 0.2, 0.2, 0.1)
WORSE = tuple(distance + 0.1 for distance in GOOD)
NAN = math.nan


def scores(candidate: tuple[float, ...] = GOOD, **changes: Any) -> GateScores:
    return replace(GateScores(candidate=candidate, zero_shot=ZERO, validity=1.0), **changes)


def test_a_first_adapter_that_beats_zero_shot_passes() -> None:
    """The verdict holds the figures, and says them."""
    verdict = decide("a1", scores())
    assert verdict.promoted
    assert verdict.reason == "distance 0.175 against 0.550 zero-shot"
    assert (verdict.adapter_id, verdict.current, verdict.validity) == ("a1", None, 1.0)
    assert (verdict.candidate, verdict.zero_shot) == (pytest.approx(0.175), pytest.approx(0.55))


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (scores(ZERO), "its drafts are no nearer to your mails than drafts without rules"),
        (scores(validity=0.89), "only 89% of its rule lists parse"),
        (
            scores(validity=0.95, current=GOOD, current_validity=0.98),
            "fewer of its rule lists parse than of the current agent's",
        ),
        (
            scores(WORSE, current=GOOD, current_validity=1.0),
            "its drafts are further from your mails than the current agent's",
        ),
    ],
    ids=["zero-shot", "validity", "validity now", "distance now"],
)
def test_a_worse_candidate_is_kept_but_not_used(found: GateScores, reason: str) -> None:
    """Each with its reason in words."""
    verdict = decide("a2", found)
    assert (verdict.promoted, verdict.reason) == (False, reason)


def test_a_candidate_as_good_as_the_current_adapter_passes() -> None:
    """It has learned from newer mails."""
    verdict = decide("a2", scores(current=GOOD, current_validity=1.0))
    assert verdict.promoted
    assert verdict.reason.endswith("and 0.175 now")


def test_a_difference_that_chance_explains_does_not_stop_a_candidate() -> None:
    """Worse on average, but by one mail of eight."""
    unlucky = (*GOOD[:-1], 0.3)
    assert decide("a2", scores(unlucky, current=GOOD, current_validity=1.0)).promoted


def test_a_little_less_validity_is_within_the_slack() -> None:
    """Two points."""
    found = scores(validity=0.97, current=GOOD, current_validity=0.98)
    assert decide("a2", found).promoted


@pytest.mark.parametrize(
    "found",
    [
        scores((), zero_shot=()),
        scores((), current=(), zero_shot=()),
        scores((NAN, *GOOD[1:])),
        scores((math.inf, *GOOD[1:])),
        scores(zero_shot=(NAN, *ZERO[1:])),
        scores(zero_shot=()),
        scores(zero_shot=ZERO[1:]),
        scores(current=(NAN, *GOOD[1:]), current_validity=1.0),
        scores(current=GOOD[1:], current_validity=1.0),
        scores(current=(), current_validity=1.0),
        scores(validity=NAN),
        scores(current=GOOD, current_validity=NAN),
    ],
)
def test_what_cannot_be_compared_is_never_promoted(found: GateScores) -> None:
    """Nothing held out, a figure that is no number, or figures for different mails."""
    verdict = decide("a3", found)
    assert (verdict.promoted, verdict.reason) == (False, "there is nothing to judge it by")


DISTANCES = st.floats(0, 2)


@given(st.lists(st.tuples(DISTANCES, DISTANCES), min_size=1, max_size=12))
def test_two_adapters_are_not_each_surely_worse_than_the_other(
    pairs: list[tuple[float, float]],
) -> None:
    """And none is surely worse than itself."""
    one, other = [a for a, _ in pairs], [b for _, b in pairs]
    assert not (surely_worse(one, other) and surely_worse(other, one))
    assert not surely_worse(one, one)


def test_the_bootstrap_is_seeded() -> None:
    """The same figures have the same verdict, also where they are close."""
    close = tuple(d + 0.05 * (-1) ** n + 0.03 for n, d in enumerate(GOOD))
    assert len({surely_worse(close, GOOD) for _ in range(5)}) == 1


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
