"""Numbers, dates, times and amounts: the same in whatever form they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_agent.values import counted, values
from mlx_agent.values import given as atoms_of


def held(said: str, by: str) -> bool:
    """Whether all that is said is in another text."""
    found = [value for value in values(said) if value.ways]
    assert found, said
    return all(value.held(atoms_of(values(by))) for value in found)


SAME = [
    ("3pm", "15:00"),
    ("3pm", "3 p.m."),
    ("3pm", "15 Uhr"),
    ("3pm", "three o'clock"),
    ("3pm", "at 3"),
    ("15h30", "3:30pm"),
    ("15 heures", "3pm"),
    ("half past nine", "9:30"),
    ("halb zehn", "9:30"),
    ("viertel vor zehn", "9:45"),
    ("quarter past 4", "16:15"),
    ("noon", "12:00"),
    ("two boats", "2 boats"),
    ("2 boats", "both boats"),
    ("twenty-five", "25"),
    ("two hundred people", "200 people"),
    ("zwölf", "12"),
    ("douze", "12"),
    ("1,000", "1000"),
    ("1.000 Euro", "1,000 euros"),
    ("1'000", "1000"),
    ("5k", "5,000"),
    ("5 million", "5,000,000"),
    ("1,5", "1.5"),
    ("$40", "40 dollars"),
    ("EUR 40", "40 €"),
    ("10%", "10 percent"),
    ("a two-day trip", "2 days"),
    ("one week", "a week"),
    ("Monday the 4th", "Monday, 4 June"),
    ("4 June", "June 4th"),
    ("4.6.", "June 4th"),
    ("4.6.2026", "4 June 2026"),
    ("2026-06-04", "4 June"),
    ("6/4", "4 June"),
    ("6/4", "June 4"),
    ("am 4. Mai", "on May 4"),
    ("lundi", "Monday"),
    ("berth 12b", "12B"),
    ("40\neuros", "40 euros"),
    ("two weeks", "14 days"),
    ("14 days", "two weeks"),
    ("half an hour", "30 min"),
    ("1.5 hours", "90 minutes"),
    ("7 pm", "Saturday, 7"),
    ("10:00", "Thursday 10-11"),
]


@pytest.mark.parametrize(("said", "by"), SAME)
def test_one_value_has_many_forms(said: str, by: str) -> None:
    """English, German and French; in digits and in words."""
    assert held(said, by)


@pytest.mark.parametrize(
    ("said", "by"),
    [
        ("3pm", "3am"),
        ("3pm", "15:30"),
        ("3pm", "3 boats"),
        ("2", "12"),
        ("two", "twelve"),
        ("1,000", "100"),
        ("5.2", "5"),
        ("12b", "12"),
        ("12", "12b"),
        ("Q3", "Q4"),
        ("$15", "15"),
        ("40 euros", "40 days and 20 euros"),
        ("40 euros", "40 dollars"),
        ("10%", "10"),
        ("4.6.", "4 July"),
        ("4.6.", "June 5"),
        ("Monday", "Tuesday"),
        ("half past nine", "9:00"),
    ],
)
def test_another_value_is_another(said: str, by: str) -> None:
    """However near it looks."""
    assert not held(said, by)


@pytest.mark.parametrize(
    "text", ["one of us", "a boat", "no, none", "the first", "it may be", "we march on", "pass 12b"]
)
def test_a_word_that_means_something_else_need_not_be_supported(text: str) -> None:
    """Articles, pronouns, verbs; what is left is the code."""
    assert [text[v.start : v.end] for v in values(text) if v.ways] == (
        ["12b"] if "12b" in text else []
    )


def test_whoever_names_three_things_may_count_them() -> None:
    """`two questions` of three bullets, but not four."""
    assert counted(3) == {"n2", "n3"}
    assert counted(0) == frozenset()


@given(st.text("0123456789.,:/-'’ apmhkk€$%eurdaystwoMay\n"))
def test_every_text_holds_its_own_values(text: str) -> None:
    """In order, without overlap."""
    found, end = values(text), 0
    for value in found:
        assert end <= value.start < value.end <= len(text)
        assert value.held(atoms_of(found))
        end = value.end
