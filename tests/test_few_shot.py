"""Rules from the nearest lessons: what most of them say, without the facts of their mails."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teaching_examples import GREETING, LENGTH, NORA, TIM, a_lesson

from mlx_agent.few_shot import FEWEST, NEIGHBOURS, expected_length, few_shot_rules
from mlx_agent.records import ASPECTS, Lesson, Metadata, Rule, X
from mlx_agent.rules import filter_facts, in_order

AN_X = X(
    intent=("The boat is ready on Friday", "Bring the keys"),
    metadata=Metadata(sender=NORA, to=(TIM,), subject="The boat"),
)


def saying(*instructions: str, aspect: str = "tone") -> list[Lesson]:
    """A lesson for each instruction, the nearest first; an empty one says nothing of the aspect."""
    return [
        a_lesson(number, rules=tuple(Rule(aspect=aspect, instruction=i) for i in [said] if said))
        for number, said in enumerate(instructions)
    ]


def said(lessons: list[Lesson], x: X = AN_X) -> list[str]:
    return [rule.instruction for rule in few_shot_rules(lessons, x)]


@pytest.mark.parametrize(
    ("instructions", "expected"),
    [
        (("be brief", "be warm", "be warm"), ["be warm"]),
        (("be brief", "stay cool"), ["be brief"]),
        (("be warm", "", ""), []),
        (("", "be warm", "stay cool"), ["be warm"]),
        (("be warm", ""), ["be warm"]),
        (("", "be warm"), []),
        ((), []),
    ],
    ids=["commonest", "nearest of a tie", "silence", "spoken", "half, near", "half, far", "none"],
)
def test_the_nearest_lessons_are_heard(instructions: tuple[str, ...], expected: list[str]) -> None:
    """First whether an aspect is spoken of, then what is said of it."""
    assert said(saying(*instructions)) == expected


def test_where_no_two_are_worded_alike_the_most_typical_is_taken() -> None:
    """Large models choose their words; an odd one out is not what most of them mean."""
    lessons = saying(
        "write in full and solemn sentences",
        'open with "Hi" and the first name',
        'always open with "Hi", then the first name',
        'open with "Hi", the first name and a comma',
    )
    assert said(lessons) == ['open with "Hi" and the first name']


def test_a_fact_of_another_mail_has_no_say() -> None:
    """The others decide, as if that lesson were silent about nothing and heard by nobody."""
    lessons = saying("mention Invoice4711", "mention Invoice4711", "be warm", "be warm", "")
    assert said(lessons) == ["be warm"]
    assert said(saying("mention Invoice4711")) == []


def test_the_rules_stand_in_the_fixed_order() -> None:
    """As everywhere."""
    rules = few_shot_rules([a_lesson(1, rules=(LENGTH, GREETING))], AN_X)
    assert [rule.aspect for rule in rules] == ["greeting", "length"]


def lesson_of(own: int, intent: int, number: int = 1) -> Lesson:
    """A mail of so many words from an intent of so many."""
    x = X(intent=("word " * intent,), metadata=AN_X.metadata)
    return a_lesson(number, x=x, own_text="word " * own, rules=(GREETING, LENGTH))


@pytest.mark.parametrize(
    ("intent", "expected"),
    [(5, "about 15 words"), (20, "about 30 words"), (100, "about 130 words")],
)
def test_the_length_follows_the_size_of_the_intent(intent: int, expected: str) -> None:
    """And not that of the neighbours' mails, which say something else."""
    x = X(intent=("word " * intent,), metadata=AN_X.metadata)
    near = [lesson_of(20, 10, 1), lesson_of(21, 10, 2), lesson_of(60, 30, 3)]
    assert expected_length(near, x) == expected
    assert few_shot_rules(near, x)[1] == Rule(aspect="length", instruction=expected)


def test_a_length_that_cannot_be_worked_out_is_the_neighbours() -> None:
    """Where there is no text to go by."""
    near = [a_lesson(1, own_text="", rules=(LENGTH,))]
    assert expected_length(near, AN_X) is None
    assert few_shot_rules(near, AN_X) == (LENGTH,)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(ASPECTS),
            st.sampled_from(
                ["be brief", "use 3 dots", 'say "Ahoy"', "greet Zoe", "about 40 words"]
            ),
        ),
        max_size=12,
    )
)
def test_whatever_is_said_the_rules_can_be_trusted(lists: list[dict[str, str]]) -> None:
    """In order, one an aspect, and without a fact that x does not hold."""
    near = [
        a_lesson(n, rules=tuple(Rule(aspect=a, instruction=i) for a, i in rules.items()))
        for n, rules in enumerate(lists)
    ]
    rules = few_shot_rules(near, AN_X)
    assert rules == in_order(rules)
    assert len({rule.aspect for rule in rules}) == len(rules)
    assert filter_facts(rules, AN_X)[0] == rules
    assert few_shot_rules(near, AN_X) == rules


def test_there_is_a_choice_before_there_are_such_rules() -> None:
    """With no more lessons than are asked, none is nearer than another."""
    assert FEWEST > NEIGHBOURS
