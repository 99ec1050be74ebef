"""What a key does to the live status. Pure: (key, view) in, (view, action) out.

r runs what a night does, p pauses the nights or lets them run again, b rolls the agent back once y
has confirmed it, q leaves; tab and the arrows choose the account.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

Action = Literal["run", "pause", "roll back", "quit"]

_ESCAPES = {"A": "up", "B": "down", "C": "right", "D": "left", "Z": "back-tab"}
_STEPS = {"up": -1, "left": -1, "back-tab": -1, "down": 1, "right": 1, "tab": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What is shown beside the status: the chosen account, a question, and the last answer."""

    chosen: int = 0
    asks: bool = False
    said: str = ""


def press(key: str, view: View, accounts: Sequence[str]) -> tuple[View, Action | None]:
    """The view after a key, and what is to be done for the chosen account."""
    if key == "q":
        return view, "quit"
    if view.asks:
        answered = replace(view, asks=False, said="" if key == "y" else "Nothing was changed.")
        return answered, "roll back" if key == "y" else None
    if key in _STEPS and accounts:
        chosen = (view.chosen + _STEPS[key]) % len(accounts)
        return replace(view, chosen=chosen, said=""), None
    if key == "b" and accounts:
        return replace(view, asks=True, said=""), None
    if key == "r" and accounts:
        return replace(view, said=""), "run"
    return (replace(view, said=""), "pause") if key == "p" else (view, None)


def keys_of(data: bytes) -> Iterator[str]:
    """The keys in what a terminal sent (ECMA-48 for the arrows); what is none of ours as it is."""
    text = data.decode("utf-8", "replace")
    place = 0
    while place < len(text):
        if text[place] == "\x1b" and text[place + 1 : place + 2] in {"[", "O"}:
            end = place + 2
            while end < len(text) and not "@" <= text[end] <= "~":
                end += 1  # parameters, such as those of a modified key
            yield _ESCAPES.get(text[end : end + 1], "unknown")
            place = end + 1
        else:
            yield "tab" if text[place] == "\t" else text[place].lower()
            place += 1
