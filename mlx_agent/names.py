"""Names of people as mail shows them, in the Western order or inverted. Pure."""

from __future__ import annotations

import re

from mlx_agent.records import Address

_TITLES = {"mr", "mrs", "ms", "dr", "prof", "professor", "miss", "sir", "madam"}
_SUFFIX = re.compile(r"(?:jr|sr|ii|iii|iv|ph\.?d|m\.?d|mba|msc|bsc|esq)\b.*", re.IGNORECASE)
_ASIDE = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_WORD = re.compile(r"[^\W\d_][\w'’\-]*")

_PART = re.compile(r"(?<![^\W_]{2}['’])[^\W_]+")
"""A part of a word that has its own capital, as in `Anne-Marie` and `O'Neil`."""


def words(address: Address) -> tuple[str, ...]:
    """The words of a name, given name first; of the local part where there is no name.

    `Hollis, Ben` is turned round, titles, suffixes and asides in brackets go, `BEN HOLLIS` and
    `ben.hollis` are capitalised.
    """
    name = _ASIDE.sub(" ", address.name).strip().strip("\"'")
    if not _WORD.search(name) or "@" in name:
        source = name if _WORD.search(name) else address.address
        name = re.sub(r"[._+\-\d]+", " ", source.partition("@")[0])
    last, comma, given = name.partition(",")
    if comma and _SUFFIX.fullmatch(given.strip()):
        name = last
    elif comma and given.strip():
        name = f"{given} {last}"
    found = [word for word in _WORD.findall(name) if word.lower().rstrip(".") not in _TITLES]
    if name.isupper() or name.islower():
        found = [_PART.sub(lambda part: part.group().capitalize(), word) for word in found]
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
