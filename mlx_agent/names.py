"""Names of people as mail shows them, in the Western order or inverted. Pure."""

from __future__ import annotations

import re

from mlx_agent.records import Address

_TITLES = {"mr", "mrs", "ms", "dr", "prof", "professor", "miss", "sir", "madam"}
_WORD = re.compile(r"[^\W\d_][\w'’\-]*")


def words(address: Address) -> tuple[str, ...]:
    """The words of a name, given name first; of the local part where there is no name.

    `Hollis, Ben` is turned round, titles go, `BEN HOLLIS` and `ben.hollis` are capitalised.
    """
    name = address.name.strip().strip("\"'")
    if not name or "@" in name:
        name = re.sub(r"[._+\-\d]+", " ", (name or address.address).partition("@")[0])
    last, comma, given = name.partition(",")
    if comma and given.strip():
        name = f"{given} {last}"
    found = [word for word in _WORD.findall(name) if word.lower().rstrip(".") not in _TITLES]
    if name.isupper() or name.islower():
        found = [word.capitalize() for word in found]
    return tuple(found)


def first_name(address: Address) -> str:
    """The given name, empty where nothing is known."""
    found = words(address)
    return found[0] if found else ""


def last_name(address: Address) -> str:
    """The family name; the given name again where there is only one word."""
    found = words(address)
    return found[-1] if found else ""


def full_name(address: Address) -> str:
    """All words of the name."""
    return " ".join(words(address))


def maskable(*addresses: Address) -> tuple[str, ...]:
    """Every word of the names, longest first: what a comparison of styles must not see."""
    found = {word for address in addresses for word in words(address) if len(word) > 1}
    return tuple(sorted(found, key=lambda word: (-len(word), word)))
