"""What is proposed next, by what was said before; no model, no tokenizer."""

from hypothesis import given
from hypothesis import strategies as st

from mlx_agent.speculation import LONGEST, Phrasebook

TOKENS = st.lists(st.integers(0, 9), max_size=30)


def test_a_list_is_proposed_from_its_start() -> None:
    """The likeliest one, which was given first."""
    book = Phrasebook([[1, 2, 3], [4, 5, 6]], [])
    assert book.propose([], 8) == [1, 2, 3]
    assert book.propose([4], 8) == [5, 6]


def test_more_lists_outvote_the_first() -> None:
    """Where they agree."""
    book = Phrasebook([[1, 2, 9], [1, 3, 9], [1, 3, 8]], [])
    assert book.propose([1], 1) == [3]


def test_the_longest_run_decides() -> None:
    """What was said before the last token too."""
    book = Phrasebook([[1, 5, 6], [2, 5, 7], [3, 5, 6]], [])
    assert book.propose([2, 5], 1) == [7]
    assert book.propose([8, 5], 1) == [6]


def test_the_prompt_is_looked_up_by_two_tokens_at_least() -> None:
    """By one it would be guessing."""
    book = Phrasebook([], [1, 2, 3])
    assert book.propose([2], 4) == []
    assert book.propose([1, 2], 4) == [3]


def test_nothing_is_proposed_after_what_was_never_said() -> None:
    """Nor of no lists."""
    assert Phrasebook([[1, 2]], []).propose([7], 4) == []
    assert Phrasebook([], []).propose([], 4) == []


@given(st.lists(TOKENS, max_size=4), TOKENS, TOKENS, st.integers(0, 12))
def test_proposals_are_tokens_that_were_given(
    lists: list[list[int]], prompt: list[int], said: list[int], count: int
) -> None:
    """Never the mark of the start, and never more than asked for."""
    proposed = Phrasebook(lists, prompt).propose(said, count)
    assert len(proposed) <= count
    assert set(proposed) <= {token for tokens in (*lists, prompt) for token in tokens}


@given(st.lists(st.integers(), min_size=1, max_size=3 * LONGEST, unique=True), st.data())
def test_a_known_list_is_proposed_whole(tokens: list[int], data: st.DataObject) -> None:
    """From wherever it stands."""
    place = data.draw(st.integers(0, len(tokens)))
    positive = [abs(token) * 2 + (token < 0) for token in tokens]
    assert Phrasebook([positive], []).propose(positive[:place], 99) == positive[place:]
