"""Words that say the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_agent.sameness import Vocabulary, stem, stems


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("boats", "boat"),
        ("Sent", "sending"),
        ("met", "meets"),
        ("planned", "planning"),
        ("parties", "party"),
        ("calls", "call"),
        ("Café", "cafe"),
        ("won't", "won"),
    ],
)
def test_endings_and_irregular_forms_go(one: str, other: str) -> None:
    """And case, and accents."""
    assert stem(one) == stem(other)


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("confirmation", "confirm"),
        ("resent", "send"),
        ("photograph", "photography"),
        ("email", "send"),
    ],
)
def test_a_word_is_said_by_its_like(said: str, word: str) -> None:
    """Of one family, done again, or of one meaning."""
    assert Vocabulary(stems([said])).holds(stem(word))


@pytest.mark.parametrize(
    ("said", "word"),
    [("contract", "contact"), ("report", "repair"), ("mast", "boat"), ("boat", "boating-club")],
)
def test_a_word_is_not_said_by_what_looks_like_it(said: str, word: str) -> None:
    """A few letters in common are chance."""
    assert not Vocabulary(stems([said])).holds(stem(word))


@given(st.lists(st.text()))
def test_whatever_is_said_is_said(words: list[str]) -> None:
    """By itself."""
    vocabulary = Vocabulary(stems(words))
    assert all(vocabulary.holds(stem(word)) for word in words)
