"""Names of people as mail shows them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_agent.names import first_name, full_name, last_name, maskable, words
from mlx_agent.records import Address


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        ("Ben Hollis", "Ben Hollis"),
        ("Hollis, Ben", "Ben Hollis"),
        ("Hollis, Dr. Ben", "Ben Hollis"),
        ("Hollis, Ben (Sales)", "Ben Hollis"),
        ("Ben Hollis [Sales]", "Ben Hollis"),
        ("Ben Hollis, PhD", "Ben Hollis"),
        ("Ben Hollis, Jr.", "Ben Hollis"),
        ("Hollis,", "Hollis"),
        ("Prof. Ben Hollis", "Ben Hollis"),
        ("'Ben Hollis'", "Ben Hollis"),
        ("BEN HOLLIS", "Ben Hollis"),
        ("ben hollis", "Ben Hollis"),
        ("BEN O'NEIL", "Ben O'Neil"),
        ("anne-marie d’arc", "Anne-Marie D’Arc"),
        ("Anne McKay", "Anne McKay"),
        ("Ben de la Mare", "Ben de la Mare"),
        ("J. R. Hollis", "J R Hollis"),
        ("Jörg Müßig", "Jörg Müßig"),
        ("山田 太郎", "山田 太郎"),
        ("ben.hollis@sea.example", "Ben Hollis"),
    ],
)
def test_a_name_is_read_as_it_is_spoken(shown: str, found: str) -> None:
    """Given name first, without titles, suffixes and asides, with capitals."""
    assert full_name(Address(name=shown, address="x.y@sea.example")) == found


@pytest.mark.parametrize(
    ("name", "address", "found"),
    [
        ("", "ben.hollis42@sea.example", ("Ben", "Hollis")),
        ("", "ben_hollis@sea.example", ("Ben", "Hollis")),
        ("  ", "ben-hollis", ("Ben", "Hollis")),
        ("123", "ben@sea.example", ("Ben",)),
        ("", "", ()),
        ("", "42@sea.example", ()),
    ],
)
def test_without_a_name_the_address_tells(name: str, address: str, found: tuple[str, ...]) -> None:
    """Its local part, as far as that has words."""
    assert words(Address(name=name, address=address)) == found


def test_a_single_name_is_both() -> None:
    """And nobody has neither."""
    tim, nobody = Address(name="Tim"), Address()
    assert (first_name(tim), last_name(tim), full_name(tim)) == ("Tim", "Tim", "Tim")
    assert (first_name(nobody), last_name(nobody), full_name(nobody)) == ("", "", "")


def test_first_and_last_name_of_many() -> None:
    """The ends of the name."""
    maria = Address(name="Maria del Mar Ruiz")
    assert (first_name(maria), last_name(maria)) == ("Maria", "Ruiz")


def test_every_word_of_a_name_is_masked_longest_first() -> None:
    """Each once; a single letter would hide half of the text."""
    people = Address(name="Ann B. Annesley"), Address(name="Bo Annesley")
    assert maskable(*people) == ("Annesley", "Ann", "Bo")


@given(st.text(), st.text())
def test_any_address_has_words(name: str, address: str) -> None:
    """Possibly none, and none of them is empty or holds a blank."""
    found = words(Address(name=name, address=address))
    assert all(word and not any(map(str.isspace, word)) for word in found)


@given(st.lists(st.sampled_from("Ann Bo Cleo Dunn Ek O'Neil Fox-Hill".split()), min_size=2))
def test_a_name_is_the_same_inverted_or_not(parts: list[str]) -> None:
    """`Hollis, Ben` is `Ben Hollis`."""
    straight = Address(name=" ".join(parts))
    inverted = Address(name=f"{parts[-1]}, {' '.join(parts[:-1])}")
    assert words(straight) == words(inverted) == tuple(parts)
