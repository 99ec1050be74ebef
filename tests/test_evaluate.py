"""Rival conditions on held-out mails: how near each is, and how often nearer than another."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teaching_examples import KIM, NORA, OWN_TEXTS, TIM, Recording, a_lesson

from daemon.commands.evaluate import few_shot, rivals
from mlx_agent.card import style_card
from mlx_agent.evaluate.compare import Condition, Measured, compare, evaluate, pool
from mlx_agent.large.offline import Offline, baseline, intent_points, rules_for
from mlx_agent.records import Address, Lesson, Metadata, Rule, X
from mlx_agent.teach.dataset import Splits

DISTANCES = st.floats(0, 2)
STRANGER = "Dear Mr Oduya,\n\nPlease send the keys; they are needed.\n\nYours sincerely,\nN. Falk"


def measured(name: str, *distances: float) -> Measured:
    return Measured(name=name, distances=distances)


def test_a_comparison_counts_the_mails_on_which_one_is_nearer() -> None:
    """Three nearer, one further."""
    found = compare(measured("agent", 0.1, 0.1, 0.1, 0.5), measured("card", 0.2, 0.2, 0.2, 0.2))
    assert (found.name, found.rival, found.mails, found.nearer) == ("agent", "card", 4, 0.75)
    assert found.by == pytest.approx(0.0)
    assert found.low < found.nearer < found.high


def test_a_tie_counts_half() -> None:
    """For each of the two."""
    found = compare(measured("agent", 0.1, 0.2), measured("card", 0.1, 0.3))
    assert found.nearer == 0.75


def test_a_clear_winner_has_no_doubt() -> None:
    """Nearer on every mail: every resample says so."""
    found = compare(measured("agent", 0.1, 0.2), measured("zero-shot", 0.5, 0.6))
    assert (found.nearer, found.low, found.high) == (1.0, 1.0, 1.0)
    assert found.by == pytest.approx(0.4)


@given(st.lists(st.tuples(DISTANCES, DISTANCES), min_size=1, max_size=15))
def test_the_two_sides_of_a_comparison_agree(pairs: list[tuple[float, float]]) -> None:
    """The shares add up to one, the interval holds the share, and a repeat says the same."""
    one = measured("one", *(a for a, _ in pairs))
    other = measured("other", *(b for _, b in pairs))
    there, back = compare(one, other), compare(other, one)
    assert there.nearer + back.nearer == pytest.approx(1)
    assert there.by == pytest.approx(-back.by)
    assert 0 <= there.low <= there.nearer <= there.high <= 1
    assert there == compare(one, other)


def test_more_mails_make_a_narrower_interval() -> None:
    """It is an interval over mails."""
    few = compare(measured("one", *[0.1, 0.3] * 5), measured("other", *[0.2] * 10))
    many = compare(measured("one", *[0.1, 0.3] * 100), measured("other", *[0.2] * 200))
    assert many.high - many.low < (few.high - few.low) / 2


def test_people_are_pooled_by_their_mails() -> None:
    """A person with more mails counts for more."""
    pooled = pool([measured("agent", 0.1, 0.2), measured("agent", 0.6)])
    assert pooled == measured("agent", 0.1, 0.2, 0.6)
    assert pooled.mean == pytest.approx(0.3)


def test_conditions_on_different_mails_are_not_compared() -> None:
    """Only differences on the same x mean anything."""
    with pytest.raises(ValueError, match="shorter"):
        compare(measured("one", 0.1, 0.2), measured("other", 0.1))


def held_out() -> list[Lesson]:
    metadata = a_lesson().x.metadata
    return [
        a_lesson(n, own_text=text, x=replace(a_lesson().x, intent=intent_points(text, metadata)))
        for n, text in enumerate(OWN_TEXTS)
    ]


async def test_the_writers_own_card_is_nearer_than_a_strangers_and_than_no_rules() -> None:
    """The whole way: drafts by the offline writer, compared with what was really written."""
    lessons = held_out()
    own = style_card([(lesson.x, lesson.own_text) for lesson in lessons]).rules
    stranger = rules_for(lessons[0].x, STRANGER, None)
    found = await evaluate(
        lessons,
        [
            Condition(name="zero-shot", rules=tuple(() for _ in lessons)),
            Condition(name="own card", rules=tuple(own for _ in lessons)),
            Condition(name="a stranger's", rules=tuple(stranger for _ in lessons)),
        ],
        Offline(),
    )
    assert found.mails == 4
    assert [one.name for one in found.measured] == ["zero-shot", "own card", "a stranger's"]
    wins = {(c.name, c.rival): c.nearer for c in found.comparisons}
    assert len(wins) == 6
    assert wins["own card", "zero-shot"] == 1.0
    assert wins["own card", "a stranger's"] == 1.0


async def test_every_condition_writes_every_mail_once() -> None:
    """Drafts cost money."""
    lessons, writer = held_out(), Recording()
    conditions = [Condition(name=name, rules=tuple(() for _ in lessons)) for name in "ab"]
    found = await evaluate(lessons, conditions, writer)
    assert len(writer.asked) == 8
    assert found.measured[0].distances == found.measured[1].distances
    assert [c.nearer for c in found.comparisons] == [0.5, 0.5]


def test_few_shot_rules_come_from_the_train_split_alone() -> None:
    """What the gate and the table are measured on is not looked up."""
    greeting = Rule(aspect="greeting", instruction='open with "Hello" and a comma')
    tone = Rule(aspect="tone", instruction="be warm")
    train = [a_lesson(n, rules=(greeting,)) for n in range(3)]
    held = [a_lesson(n, rules=(tone,)) for n in range(3, 23)]
    splits = Splits(train=tuple(train), valid=tuple(held[:10]), test=tuple(held[10:]))
    condition = few_shot(splits)
    assert condition.name == "few-shot"
    assert condition.rules == tuple((greeting,) for _ in splits.test)


async def test_few_shot_is_nearer_than_the_card_where_manners_go_by_the_person() -> None:
    """Two recipients, two manners: the card knows but one of them."""
    people = {KIM: "Hey Kim!\n\n{}\n\nxx\nN", TIM: "Dear Tim,\n\n{}\n\nRegards,\nNora Falk"}
    lessons = [manner(n, to, form) for n in range(30) for to, form in people.items()]
    splits = Splits(train=tuple(lessons[:40]), valid=(), test=tuple(lessons[40:]))
    conditions = [*rivals(splits), few_shot(splits)]
    found = await evaluate(splits.test, conditions, Offline())
    mean = {one.name: one.mean for one in found.measured}
    assert mean["few-shot"] < mean["style card"] / 2 < mean["zero-shot"] / 2


def manner(number: int, to: Address, form: str) -> Lesson:
    """A mail in the manner that its author has with that person, and its lesson."""
    text = form.format(f"It is about matter {number}. The boat is ready.")
    metadata = Metadata(sender=NORA, to=(to,), subject="The boat")
    x = X(intent=intent_points(text, metadata), metadata=metadata)
    rules = rules_for(x, text, baseline(x))
    who = to.address
    return a_lesson(
        number, id=f"{who}{number}", sample_id=f"{who}{number}", x=x, rules=rules, own_text=text
    )
