"""How far two texts are apart, and what was changed between them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_agent import codec
from mlx_agent.differences import as_compared, changes, edit_distance, normalise, replay, word_edits
from mlx_agent.records import Change

TEXT = "Hello Tim,\n\nthe boat is ready on Friday. Can you bring the keys?\n\nCheers,\nNora"


# --- how far apart ----------------------------------------------------------------------------


def textbook(first: list[str], second: list[str]) -> int:
    """Wagner and Fischer's table, row by row."""
    row = list(range(len(second) + 1))
    for i, left in enumerate(first, 1):
        before, row[0] = row[0], i
        for j, right in enumerate(second, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (left != right))
    return row[-1]


WORDS = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=80)


@given(WORDS, WORDS)
def test_word_edits_is_the_levenshtein_distance(first: list[str], second: list[str]) -> None:
    """The bit-parallel form agrees with the textbook's table, beyond 64 words too."""
    assert word_edits(first, second) == textbook(first, second)


@given(st.text(max_size=200), st.text(max_size=200))
def test_the_distance_is_symmetric_and_between_0_and_1(first: str, second: str) -> None:
    """For any texts at all, empty ones included."""
    assert 0 <= edit_distance(first, second) <= 1
    assert edit_distance(first, second) == edit_distance(second, first)
    assert edit_distance(first, first) == 0


def test_the_distance_counts_words_of_the_longer_text() -> None:
    """One word replaced and one added, of five."""
    assert edit_distance("the boat is ready", "the ship is ready now") == pytest.approx(2 / 5)


def test_two_thousand_words_are_compared_at_once() -> None:
    """A long mail does not hold up the daemon's loop."""
    first = [f"word{number * 7919 % 613}" for number in range(2000)]
    second = [f"word{number * 104729 % 613}" for number in range(2000)]
    begun = time.perf_counter()
    assert 0 < word_edits(first, second) <= 2000
    assert time.perf_counter() - begun < 1.0


@pytest.mark.parametrize(
    "sent",
    [
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("ready on Friday. Can", "ready on\nFriday. Can"),
        TEXT.replace("Hello Tim,", "Hello\u00a0Tim,  "),
        f"\n{TEXT}\n\n",
    ],
    ids=["line ends", "hard wraps", "blanks", "outer blank lines"],
)
def test_what_a_mail_program_does_to_a_text_is_no_edit(sent: str) -> None:
    """Wrapping and white space are not the user's."""
    assert edit_distance(TEXT, sent) == 0


def test_typographic_signs_are_no_edit() -> None:
    """Mail programs exchange quotes, dashes and dots as one types."""
    assert normalise("It’s “done” — well… –") == normalise('It\'s "done" -- well... -')


def test_a_changed_capital_is_an_edit() -> None:
    """Capitals are style, and style is what is learnt."""
    assert edit_distance("the boat", "The boat") == 0.5


def test_letters_and_list_marks_are_no_edit() -> None:
    """Some mail programs take letters apart, and some draw a list with other signs."""
    composed, taken_apart = "Gr\u00fc\u00dfe", "Gru\u0308\u00dfe"
    assert edit_distance(f"{composed}:\n* one\n* two", f"{taken_apart}:\n- one\n\u2022 two") == 0
    assert normalise("2 * 3\n+46 1") == "2 * 3 +46 1"  # no list


# --- what was changed -------------------------------------------------------------------------

SENTENCES = st.lists(st.sampled_from(["a", "b", "c", "d", "\n", "\u2014", "*"]), max_size=60).map(
    " ".join
)


@given(SENTENCES, SENTENCES)
def test_the_changes_lead_from_the_draft_to_the_final_text(draft: str, final: str) -> None:
    """They can be played back, always in the same way, after the normaliser."""
    found = changes(draft, final)
    assert replay(draft, found) == normalise(final)
    assert changes(normalise(draft), normalise(final)) == found


@given(SENTENCES, SENTENCES)
def test_the_changes_are_as_few_as_the_distance_says(draft: str, final: str) -> None:
    """Each word replaced, put in or taken out is one; and between two of them something stays."""
    found = changes(draft, final)
    sizes = [max(len(each.removed.split()), len(each.put.split())) for each in found]
    assert sum(sizes) == word_edits(normalise(draft).split(), normalise(final).split())
    ends = [each.at + len(each.removed.split()) for each in found]
    assert all(end < later.at for end, later in zip(ends, found[1:], strict=False))


def test_changes_read_as_what_the_user_did() -> None:
    """The place is that of the draft's word; what stays is not told."""
    final = "Hi Tim!\n\nThe boat is ready on Monday, at noon. Can you bring the keys?\n\nNora"
    assert changes(TEXT, final) == (
        Change(at=0, removed="Hello Tim, the", put="Hi Tim! The"),
        Change(at=7, removed="Friday.", put="Monday, at noon."),
        Change(at=13, removed="Cheers,", put=""),
    )
    assert changes(TEXT, TEXT.replace("\n", " ")) == ()


def test_changes_are_json() -> None:
    """As the store keeps them and the socket tells them."""
    found = changes("the boat is ready", "the ship is ready")
    assert codec.dumps(found) == '[{"at":1,"removed":"boat","put":"ship"}]'
    assert codec.loads(tuple[Change, ...], codec.dumps(found)) == found


# --- what is compared -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("draft", "sent"),
    [
        ((TEXT, ""), (TEXT, "-- \nNora Falk\nFalk Boats")),
        ((TEXT, "-- \nNora Falk"), (TEXT, "")),
        ((TEXT, "Falk Boats"), (f"{TEXT}\n\nFalk Boats", "")),
        ((f"{TEXT}\n\nFalk Boats", ""), (TEXT, "Falk Boats")),
    ],
    ids=["appended", "taken off", "told in the draft alone", "told in the mail alone"],
)
def test_a_signature_is_no_edit(draft: tuple[str, str], sent: tuple[str, str]) -> None:
    """Wherever it stands, and whether or not it was known as one."""
    assert edit_distance(*as_compared(draft, sent)) == 0


def test_what_stands_above_a_signature_is_compared() -> None:
    """Without it, in both texts."""
    changed = TEXT.replace("Friday", "Monday")
    assert as_compared((TEXT, ""), (changed, "-- \nNora Falk")) == (TEXT, changed)
