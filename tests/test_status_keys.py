"""What a key does to the live status."""

import pytest

from daemon.status_keys import Action, View, keys_of, press

TWO = ("work", "private")


@pytest.mark.parametrize(
    ("key", "action"), [("r", "run"), ("p", "pause"), ("q", "quit"), ("b", None), ("x", None)]
)
def test_keys_ask_for_actions(key: str, action: Action | None) -> None:
    """Rolling back asks first."""
    after, found = press(key, View(), TWO)
    assert found == action
    assert after.asks == (key == "b")


@pytest.mark.parametrize("key", ["tab", "down", "right"])
def test_the_account_is_chosen_in_turn(key: str) -> None:
    """Round and round, forwards and back."""
    first, _ = press(key, View(said="Done."), TWO)
    assert first == View(chosen=1)
    assert press(key, first, TWO)[0].chosen == 0
    assert press("up", View(), TWO)[0].chosen == 1


@pytest.mark.parametrize("key", ["n", "x", "b", "r", "tab", "\r"])
def test_only_y_rolls_back(key: str) -> None:
    """Any other key is no, and does nothing else."""
    asked, _ = press("b", View(chosen=1), TWO)
    assert press("y", asked, TWO) == (View(chosen=1), "roll back")
    assert press(key, asked, TWO) == (View(chosen=1, said="Nothing was changed."), None)


def test_one_can_leave_instead_of_answering() -> None:
    """Nothing is changed."""
    assert press("q", View(asks=True), TWO)[1] == "quit"


@pytest.mark.parametrize("key", ["r", "b", "tab", "up"])
def test_without_an_account_there_is_nothing_to_do(key: str) -> None:
    """Nor to choose."""
    assert press(key, View(), ()) == (View(), None)


def test_what_a_terminal_sends_becomes_keys() -> None:
    """Arrows of both kinds, with modifiers, several at once; what is unknown does nothing."""
    assert list(keys_of(b"rQ\t")) == ["r", "q", "tab"]
    assert list(keys_of(b"\x1b[A\x1bOB\x1b[1;5C\x1b[Z")) == ["up", "down", "right", "back-tab"]
    assert list(keys_of(b"\x1b[15~q")) == ["unknown", "q"]
    assert list(keys_of(b"\x1b")) == ["\x1b"]
    assert list(keys_of("ü\xff".encode("latin-1"))) == ["\ufffd", "\ufffd"]
