"""How far judges agree, with each other and with people."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlx_agent.evaluate.agreement import (
    Vote,
    agreement,
    alpha,
    kappa,
    of_judgement,
    of_person,
)
from mlx_agent.evaluate.records import BlindPair, Judgement
from mlx_agent.large.answers import Choice

CHOICES: tuple[Choice, ...] = ("first", "second", "tie")
MIRRORED: dict[Choice, Choice] = {"first": "second", "second": "first", "tie": "tie"}
CELLS = st.lists(st.tuples(st.sampled_from(CHOICES), st.sampled_from(CHOICES)), min_size=1)
JUDGEMENT = Judgement(judge="j", first="a", second="b", forward="first", backward="first")


def votes(choices: list[Choice]) -> list[Vote]:
    return [Vote(first=f"a{n}", second=f"b{n}", choice=choice) for n, choice in enumerate(choices)]


@pytest.mark.parametrize(
    ("forward", "backward", "choice"),
    [
        ("first", "first", "first"),
        ("first", "tie", "first"),
        ("tie", "second", "second"),
        ("first", "second", "tie"),
        ("tie", "tie", "tie"),
    ],
)
def test_a_judge_votes_with_both_orders(forward: Choice, backward: Choice, choice: Choice) -> None:
    """Half a win is one; a contradiction is a tie."""
    found = of_judgement(replace(JUDGEMENT, forward=forward, backward=backward))
    assert found == Vote(first="a", second="b", choice=choice)


def test_a_person_votes_by_where_the_drafts_stood() -> None:
    """And who has not chosen has no vote."""
    pair = BlindPair(session="s", number=0, left="b", right="a")
    assert of_person(pair) is None
    assert of_person(replace(pair, choice="left")) == Vote(first="b", second="a", choice="first")
    assert of_person(replace(pair, choice="right")) == Vote(first="b", second="a", choice="second")
    assert of_person(replace(pair, choice="tie")) == Vote(first="b", second="a", choice="tie")


def test_a_judge_and_a_person_are_compared_on_what_both_saw() -> None:
    """However the drafts stood before the person; what only one of them saw does not count."""
    judge = votes(["first", "second", "first", "tie"])
    person = [
        Vote(first="b0", second="a0", choice="second"),
        Vote(first="a1", second="b1", choice="first"),
        Vote(first="a9", second="b9", choice="tie"),
    ]
    found = agreement(judge, person)
    assert found is not None
    assert (found.pairs, found.raw.mean) == (2, 0.5)
    assert agreement(judge, person[2:]) is None


@settings(max_examples=30, deadline=None)
@given(CELLS)
def test_agreement_does_not_depend_on_how_the_other_saw_a_pair(
    cells: list[tuple[Choice, Choice]],
) -> None:
    """Nor on the order of the votes."""
    one, other = votes([a for a, _ in cells]), votes([b for _, b in cells])
    turned = [Vote(first=v.second, second=v.first, choice=MIRRORED[v.choice]) for v in other]
    found = agreement(one, other)
    assert found == agreement(one, turned[::-1])
    assert found is not None
    assert found.raw.mean == pytest.approx(sum(a == b for a, b in cells) / len(cells))


@pytest.mark.filterwarnings("ignore")
@given(CELLS)
def test_kappa_is_that_of_scikit_learn(cells: list[tuple[Choice, Choice]]) -> None:
    """And undefined where it is undefined there."""
    from sklearn.metrics import cohen_kappa_score

    expected = cohen_kappa_score([a for a, _ in cells], [b for _, b in cells])
    assert (found := kappa(cells)) == pytest.approx(expected) or (
        found is None and math.isnan(expected)
    )


def test_full_agreement_is_one_and_chance_is_none() -> None:
    """The interval of a kappa holds it."""
    same = agreement(votes(["first", "second"] * 20), votes(["first", "second"] * 20))
    assert same is not None
    assert same.kappa is not None
    assert (same.kappa.mean, same.kappa.low, same.kappa.high) == (1, 1, 1)
    chance = agreement(
        votes(["first", "second"] * 50), votes(["first", "first", "second", "second"] * 25)
    )
    assert chance is not None
    assert chance.kappa is not None
    assert chance.kappa.mean == pytest.approx(0)
    assert chance.kappa.low < -0.1 < 0.1 < chance.kappa.high


def test_where_both_always_say_the_same_kappa_says_nothing() -> None:
    """Raw agreement is full all the same."""
    found = agreement(votes(["first"] * 9), votes(["first"] * 9))
    assert found is not None
    assert (found.raw.mean, found.kappa) == (1.0, None)


NOT_SEEN = "."
KRIPPENDORFF = ("12332141 2...", "12332241 25.3", ".3332342 251.", "12332441 251.")


def test_alpha_is_that_of_its_authors_example() -> None:
    """Four observers and twelve units, some of which not all have seen: .743."""
    ratings = [
        {str(unit): value for unit, value in enumerate(line.replace(" ", "")) if value != NOT_SEEN}
        for line in KRIPPENDORFF
    ]
    assert alpha(ratings) == pytest.approx(0.743, abs=0.0005)


def test_alpha_of_two_who_agree_is_one() -> None:
    """Undefined where nothing was judged twice, or all is the same."""
    one = {"p": "first", "q": "tie"}
    assert alpha([one, one]) == 1
    assert alpha([one, {"r": "first"}]) is None
    assert alpha([{"p": "first"}, {"p": "first"}]) is None
