"""Style distance between two texts: 0 for equal ones, about 1 for texts by different habits.

The mean over many features of |difference| / scale, each capped so that no single habit decides.
Most features are named by no rule (function words, lengths of words, commas ...), names are masked,
and the content that two drafts of one intent share weighs on both alike, so that only differences
between conditions on the same x mean anything.

The scales are chosen by hand: the difference that a reader would notice counts about 1. They are
fixed, so that figures of different nights can be compared.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache

from mlx_agent import wording
from mlx_agent.anatomy import LIST_ITEM, dissect
from mlx_agent.records import Address

CAP = 2.0
"""No feature counts more than this."""

_FUNCTION_WORDS = (
    "the a an of to in on at for with from by about as that this it we you he they my your our "
    "i me us and or but so if then just very really quite also only not no will would can could "
    "should may have be is are was do"
).split()
_COURTESY = (
    "please", "pls", "thank", "thanks", "thx", "sorry", "hope", "let me know", "look forward",
    "do not hesitate", "kindly", "cheers", "great", "appreciate",
)  # fmt: skip
_GREETINGS = ("dear", "hi", "hello", "hey", "good", "morning")
_SIGN_OFFS = ("regards", "best", "thanks", "cheers", "sincerely", "yours", "wishes", "love")
_NOBODY = Address(name="Name")
"""Whoever a masked name is of, so that greetings and signatures are still seen as such."""
_WORDS = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


def distance(first: str, second: str, names: Sequence[str] = ()) -> float:
    """The style distance of two texts; symmetric, at least 0, at most CAP.

    `names` are masked wherever they stand as words, in any case.
    """
    hidden = tuple(sorted({name.lower() for name in names if name}))
    one, other = _features(first, hidden), _features(second, hidden)
    terms = [min(CAP, abs(a - b) / scale) for (a, scale), (b, _) in zip(one, other, strict=True)]
    return sum(terms) / len(terms)


@lru_cache(maxsize=4096)
def _features(text: str, names: tuple[str, ...]) -> tuple[tuple[float, float], ...]:
    """(value, scale) per feature, in a fixed order."""
    masked = _masked(text, names)
    parts = dissect(masked, _NOBODY, (_NOBODY,))
    words = _WORDS.findall(masked)
    per_word = 100 / max(10, len(words))
    return (
        *_sizes(masked, words, parts.sentences),
        *_mark_counts(masked),
        *_case(words, parts.sentences),
        *_edges(parts.greeting, parts.sign_off, parts.signature),
        *_wordings(masked, parts.sentences),
        *((_count(words, word) * per_word, 4.0) for word in _FUNCTION_WORDS),
    )


def _masked(text: str, names: tuple[str, ...]) -> str:
    if not names:
        return text
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)", re.IGNORECASE)
    return pattern.sub(lambda m: "name" if m.group()[:1].islower() else "Name", text)


def _sizes(text: str, words: list[str], core: tuple[str, ...]) -> list[tuple[float, float]]:
    lines = [line for line in text.splitlines() if line.strip()]
    lengths = [len(s.split()) for s in core] or [0]
    mean = sum(lengths) / len(lengths)
    return [
        (math.log1p(len(words)), 0.5),
        (sum(map(len, words)) / max(1, len(words)), 0.7),
        (math.log1p(len(core)), 0.5),
        (math.log1p(mean), 0.4),
        (math.sqrt(sum((n - mean) ** 2 for n in lengths) / len(lengths)), 5.0),
        (math.log1p(len(lines)), 0.5),
        (math.log1p(text.count("\n\n")), 0.5),
        (sum(len(line) < 30 for line in lines) / max(1, len(lines)), 0.4),
        (float(sum(bool(LIST_ITEM.match(line)) for line in lines) > 1), 1.0),
        (len({w.lower() for w in words}) / max(1, len(words)), 0.15),
    ]


def _mark_counts(text: str) -> list[tuple[float, float]]:
    per_text = max(1.0, len(text.split()) / 40)
    counted = [text.count(mark) / per_text for mark in (",", ".", "?", ":", "(", '"', "'", "/")]
    scales = (2.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.5, 1.0)
    return [
        *zip(counted, scales, strict=True),
        (min(3, text.count("!")), 1.0),
        (min(2, text.count(";")), 1.0),
        (min(2, len(re.findall(r"\s[-–—]\s", text))), 1.0),
        (min(2, len(re.findall(r"--", text))), 1.0),
        (min(2, len(re.findall(r"\.\.\.|…", text))), 1.0),
        (min(1, len(re.findall(r"[:;]-?[)(DP](?!\w)", text))), 1.0),
        (min(2, len(re.findall(r"[.!?]  \S", text))), 1.0),
        (min(2, text.count("&")), 1.0),
    ]


def _case(words: list[str], core: tuple[str, ...]) -> list[tuple[float, float]]:
    starts = [s[0] for s in core if s[0].isalpha()]
    ends = [s[-1] for s in core]
    return [
        (sum(c.islower() for c in starts) / max(1, len(starts)), 0.5),
        (_count(words, "i", folded=False) / max(1, len(words)) * 20, 0.5),
        (sum(w.isupper() and len(w) > 1 for w in words) / max(1, len(words)) * 20, 1.0),
        (float(bool(ends) and ends[-1].isalnum()), 1.0),
        (sum(e == "?" for e in ends) / max(1, len(ends)), 0.4),
    ]


def _edges(greeting: str, sign_off: str, signature: str) -> list[tuple[float, float]]:
    hello, bye = greeting.lower(), sign_off.lower()
    return [
        (float(bool(greeting)), 0.7),
        (float(bool(sign_off)), 0.7),
        (float(bool(signature)), 0.7),
        (float(len(signature.strip(" .-")) == 1), 1.0),
        (float(signature[:1].islower()), 1.0),
        (float(len(signature.split()) > 1), 1.0),
        *((float(hello.startswith(word)), 1.0) for word in _GREETINGS),
        *((float(word in bye), 1.0) for word in _SIGN_OFFS),
        *((float(hello.endswith(mark)), 1.0) for mark in (",", "!", "-")),
        *((float(bye.endswith(mark)), 1.0) for mark in (",", "!")),
        (min(4, len(greeting.split())), 1.5),
    ]


def _wordings(text: str, core: tuple[str, ...]) -> list[tuple[float, float]]:
    small = text.lower()
    return [
        *((float(phrase in small), 1.0) for phrase in _COURTESY),
        (min(3, wording.count_contractions(text)), 1.0),
        (min(3, wording.count_expanded(text)), 1.0),
        (min(3, len(wording.shorthand_used(text))), 1.0),
        (min(2, sum(map(wording.dropped_subject, core))), 1.0),
        (min(3, sum(map(wording.has_subject, core))), 1.5),
        (float("could you" in small or "would you" in small), 1.0),
    ]


def _count(words: list[str], word: str, *, folded: bool = True) -> int:
    return sum((w.lower() if folded else w) == word for w in words)
