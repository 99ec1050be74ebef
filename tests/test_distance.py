"""The style distance between two texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teaching_examples import OWN_TEXTS

from mlx_agent.distance import CAP, distance

PLAIN = "Hello Tim,\n\nThe boat is ready. It has a new mast.\n\nRegards,\nNora"
TEXTS = st.sampled_from(OWN_TEXTS) | st.text(max_size=120)
NAMES = ("Nora", "Falk", "Tim", "Oduya")


@given(TEXTS)
def test_a_text_is_at_no_distance_from_itself(text: str) -> None:
    """Any text, with and without names."""
    assert distance(text, text) == distance(text, text, NAMES) == 0


@given(TEXTS, TEXTS, st.lists(st.text(max_size=5), max_size=3))
def test_the_distance_is_symmetric_and_bounded(first: str, second: str, names: list[str]) -> None:
    """So that figures of different nights can be compared, whatever the names are."""
    assert 0 <= distance(first, second, names) <= CAP
    assert distance(first, second, names) == distance(second, first, names)


@given(TEXTS, TEXTS, TEXTS)
def test_a_detour_is_never_shorter(first: str, second: str, third: str) -> None:
    """The triangle inequality holds."""
    direct = distance(first, third)
    assert direct <= distance(first, second) + distance(second, third) + 1e-9


def test_names_do_not_count() -> None:
    """In any case, in the greeting, in the text, and under it; the order of the names neither."""
    mine = PLAIN + " Falk"
    theirs = mine.replace("Tim", "Anna").replace("Nora Falk", "Bo Ek")
    names = (*NAMES, "Anna", "Bo", "Ek")
    assert distance(mine, theirs, names) == distance(mine, theirs, (*names[::-1], "")) == 0
    assert distance(mine.replace("Tim", "tim"), theirs.replace("Anna", "anna"), names) == 0
    assert distance(mine, theirs) > 0


def test_only_whole_words_are_masked() -> None:
    """Tim is not in `times`."""
    assert distance("two times", "two timbers", ("Tim",)) == distance("two times", "two timbers")


@pytest.mark.parametrize("sign_off", ["Best,", "Cheers!", "Yours sincerely,", "Kind regards"])
def test_a_sign_off_above_a_masked_name_is_seen(sign_off: str) -> None:
    """The masked name is still a signature, so that the sign-off counts as it does alone."""
    other = PLAIN.replace("Regards,", sign_off)
    alone = distance(PLAIN.removesuffix("\nNora"), other.removesuffix("\nNora"), NAMES)
    assert distance(PLAIN, other, NAMES) == pytest.approx(alone, abs=0.001)


def test_a_masked_name_alone_is_a_greeting() -> None:
    """`Tim,` greets as `Hello Tim,` does."""
    alone, none = PLAIN.replace("Hello Tim", "Tim"), PLAIN.replace("Hello Tim,\n\n", "")
    assert distance(PLAIN, alone, NAMES) < distance(PLAIN, none, NAMES)


NO_RULE = [
    ("of the", "on the"),
    ("and so", "but so"),
    ("(of linen)", "of linen"),
    ("a sail, a mast, an oar, a line", "a sail and a mast and an oar and a line"),
    ('the "Skylark"', "the Skylark"),
    ("a considerable improvement", "a big plus for it"),
    ("I think that we", "you know that they"),
    ("THE BOAT", "the boat"),
    ("with us/them", "with us them"),
]


@pytest.mark.parametrize(("one", "other"), NO_RULE)
def test_what_no_rule_names_counts(one: str, other: str) -> None:
    """Function words, commas, brackets, quotes, the length of words: a style is more than rules."""
    text = "It was {} there. So is it now."
    assert distance(text.format(one), text.format(other)) > 0


SAME_HABIT = "Hello Tim,\n\nThe sail is here. It has a red edge.\n\nRegards,\nNora"
VARIANTS = [
    "hey tim!\n\nthe boat is ready :) it's got a new mast\n\ncheers\nn",
    "Tim - boat is ready -- has a new mast...\n\nN.",
    "Dear Mr Oduya,\n\nHow are you?\n\n1. The boat is ready.\n2. It is so.\n\nYours,\nNora Falk",
]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_habit_weighs_more_than_the_content(variant: str) -> None:
    """Another thing said in the same manner is nearer than the same thing in another."""
    assert distance(PLAIN, SAME_HABIT, NAMES) < distance(PLAIN, variant, NAMES)


def test_a_single_habit_does_not_decide() -> None:
    """Five exclamation marks are as far as fifty."""
    five, fifty = PLAIN + "!" * 5, PLAIN + "!" * 50
    assert distance(PLAIN, five) == pytest.approx(distance(PLAIN, fifty), abs=0.01)


def test_each_habit_moves_a_text_further() -> None:
    """Habits add up."""
    steps = [
        PLAIN,
        PLAIN.replace("Hello", "Hey"),
        PLAIN.replace("Hello", "Hey").replace("Regards", "Cheers"),
        PLAIN.replace("Hello", "Hey").replace("Regards", "Cheers").replace("mast.", "mast!"),
        PLAIN.replace("Hello", "Hey").replace("Regards,\nNora", "Cheers\nn").replace(".", "!"),
    ]
    far = [distance(PLAIN, step, NAMES) for step in steps]
    assert far == sorted(far)
    assert len(set(far)) == len(far)
