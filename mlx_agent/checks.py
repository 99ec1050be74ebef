"""Checks of a draft against x: are all bullets in it, and is all of it in x? Pure.

Both are heuristics over words: they point the user at a place to look, and never change a draft.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlx_agent import facts, wording
from mlx_agent.records import X

COVERED = 0.6
"""The share of a bullet's content words that a draft must hold for the bullet to count as said."""

_STOP = frozenset(
    "a an the and or but of to in on at for with from by as is are was were be been it its this "
    "that i you he she we they me him her us them my your his our their will would can could "
    "should may do does did have has had not no so if then there here please thanks thank".split()
)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_LIST_NUMBER = re.compile(r"^\s*\d{1,2}[.)]\s", re.MULTILINE)


def uncovered(points: Sequence[str], draft: str) -> tuple[int, ...]:
    """The positions of the bullets that the draft does not say."""
    said = _content(draft)
    return tuple(i for i, point in enumerate(points) if _share(point, said) < COVERED)


def unsupported(draft: str, x: X) -> tuple[str, ...]:
    """The facts of a draft that x does not hold, as written: see `facts` for what is one.

    A name counts only inside a sentence; x's own people are known by every part of their names.
    """
    found = facts.find(_LIST_NUMBER.sub("", draft))
    odd = facts.foreign(found, facts.held(x, addresses=True))
    return tuple(dict.fromkeys(fact.text for fact in odd))


def _share(point: str, said: set[str]) -> float:
    words = _content(point)
    return len(words & said) / len(words) if words else 1.0


def _content(text: str) -> set[str]:
    """The stems of the words that carry content, contractions and shorthand written out."""
    plain = wording.expand(wording.lengthen(text))
    return {_stem(word) for word in _WORD.findall(plain) if word.lower() not in _STOP}


def _stem(word: str) -> str:
    """A word without its case and the commonest endings; contractions by their first part."""
    bare = re.split(r"['’]", word.lower())[0]
    return bare[:-1] if len(bare) > 3 and bare.endswith("s") else bare
