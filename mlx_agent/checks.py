"""Checks of a draft against x: are all bullets in it, and is all of it in x? Pure.

Both are heuristics over words: they point the user at a place to look, and never change a draft.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlx_agent import names, wording
from mlx_agent.records import X

COVERED = 0.6
"""The share of a bullet's content words that a draft must hold for the bullet to count as said."""

_STOP = frozenset(
    "a an the and or but of to in on at for with from by as is are was were be been it its this "
    "that i you he she we they me him her us them my your his our their will would can could "
    "should may do does did have has had not no so if then there here please thanks thank".split()
)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_FACTS = {
    "number": re.compile(r"(?<![\w.])\d+(?:[.,:]\d+)*(?![\w])"),
    "link": re.compile(r"(?:https?://|www\.)\S+"),
    "address": re.compile(r"[\w.+\-]+@[\w.\-]+\.\w+"),
    "name": re.compile(r"(?<=[a-z,;] )(?!I\b)[A-Z][\w'’\-]+"),
}
_NO_NAMES = frozenset(
    "mr mrs ms miss dr prof professor sir madam all everyone everybody team both folks ok".split()
)
_WHOLE = (r"(?<!\w)", r"(?!\w)")
_LIST_NUMBER = re.compile(r"^\s*\d{1,2}[.)]\s", re.MULTILINE)


def uncovered(points: Sequence[str], draft: str) -> tuple[int, ...]:
    """The positions of the bullets that the draft does not say."""
    said = _content(draft)
    return tuple(i for i, point in enumerate(points) if _share(point, said) < COVERED)


def unsupported(draft: str, x: X) -> tuple[str, ...]:
    """The facts of a draft that x does not hold: numbers, links, addresses and names, as written.

    A name counts only inside a sentence; x's own people are known by every part of their names.
    """
    text = _LIST_NUMBER.sub("", draft)
    people = (x.metadata.sender, *x.metadata.to, *x.metadata.cc)
    known = [x.metadata.subject, *x.intent, *(m.text for m in x.context)]
    known += [word for person in people for word in (*names.words(person), person.address)]
    held = " ".join(known).lower()
    found = [_bare(fact) for pattern in _FACTS.values() for fact in pattern.findall(text)]
    return tuple(dict.fromkeys(fact for fact in found if fact and not _held(fact.lower(), held)))


def _bare(fact: str) -> str:
    """A fact without the marks of the sentence around it, and a name without its genitive."""
    return re.sub(r"['’]s$", "", fact.rstrip(".,;:!?)]>\"'’"))


def _held(fact: str, held: str) -> bool:
    """Whether a fact stands in x as a whole: the 5 of `15` or `5.2` is none, that of `5pm` is."""
    before, after = (r"(?<!\d)(?<!\d[.,:])", r"(?![.,:]?\d)") if fact[0].isdigit() else _WHOLE
    return fact in _NO_NAMES or re.search(f"{before}{re.escape(fact)}{after}", held) is not None


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
