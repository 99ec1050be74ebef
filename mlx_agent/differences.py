"""What a user changed in a draft, word by word. Pure.

Both texts are first made what they read as (`normalise`), so that nothing a mail program does to a
text is a change of the user's. Then they are sequences of words, and their difference is a shortest
one: it changes, puts in and takes out as many words as their Levenshtein distance, and no more.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import product

from mlx_agent.records import Change

Written = tuple[str, str]
"""What a person wrote, and the signature that stood below it."""

_SIGNS = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′ʼ", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        "…": "...",
        "\u00a0": " ",
        "\u200b": "",
        "\u00ad": "",
        "\u2060": "",
        "\ufeff": "",
    }
)
_DASHES = re.compile("-{2,}")
_LIST_MARKS = re.compile(r"^([^\S\n]*)[*+•‣◦▪·](?=[^\S\n])", re.MULTILINE)


def normalise(text: str) -> str:
    """The text as it reads, on one line: single blanks, plain quotes, dashes and list marks.

    Mail programs wrap lines, exchange signs, and compose or decompose letters; none of it is an
    edit of the user's.
    """
    plain = unicodedata.normalize("NFC", _LIST_MARKS.sub(r"\1-", text)).translate(_SIGNS)
    return _DASHES.sub("-", " ".join(plain.split()))


def words_of(text: str) -> list[str]:
    """The words that are compared."""
    return normalise(text).split()


# --- how far apart ----------------------------------------------------------------------------


def edit_distance(draft_text: str, final_text: str) -> float:
    """Words inserted, deleted or replaced, divided by the words of the longer text: 0 to 1.

    Both texts are normalised first.
    """
    return share_edited(words_of(draft_text), words_of(final_text))


def share_edited(draft: Sequence[str], final: Sequence[str]) -> float:
    """The same of words."""
    return word_edits(draft, final) / max(len(draft), len(final), 1)


def word_edits(first: Sequence[str], second: Sequence[str]) -> int:
    """The Levenshtein distance of two sequences of words.

    2,000 words against 2,000 take a few milliseconds.
    """
    distance = len(first)
    last = 1 << (len(first) - 1) if first else 0
    if not last:
        return len(second)
    for _, _, right, left in _steps(first, second):
        distance += bool(right & last) - bool(left & last)
    return distance


def _steps(first: Sequence[str], second: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """For each word of `second`, a column of the dynamic programme as four bit sets.

    A bit is a word of `first`. The first two say where the column steps up and down from the word
    before, the others where it steps up and down from the column before (Myers, JACM 46(3), 1999,
    in Hyyrö's form of 2003 for whole sequences).
    """
    places: dict[str, int] = {}
    for position, word in enumerate(first):
        places[word] = places.get(word, 0) | 1 << position
    every = (1 << len(first)) - 1
    up, down = every, 0
    for word in second:
        same = places.get(word, 0) | down
        diagonal = (((same & up) + up) ^ up) | same
        right, left = down | (every & ~(diagonal | up)), up & diagonal
        shifted = (right << 1 | 1) & every
        up, down = (left << 1 & every) | (every & ~(diagonal | shifted)), shifted & diagonal
        yield up, down, right, left


# --- what was changed -------------------------------------------------------------------------


def changes(draft_text: str, final_text: str) -> tuple[Change, ...]:
    """What leads from the draft's words to the final text's, by place; `replay` goes that way.

    The same texts give the same changes. Neighbouring ones are one.
    """
    first, second = words_of(draft_text), words_of(final_text)
    found: list[Change] = []
    start = None
    for i, j in (*_kept(first, second), (len(first), len(second))):
        done_i, done_j = (start[0] + 1, start[1] + 1) if start else (0, 0)
        if (done_i, done_j) != (i, j):
            removed, put = " ".join(first[done_i:i]), " ".join(second[done_j:j])
            found.append(Change(at=done_i, removed=removed, put=put))
        start = i, j
    return tuple(found)


def replay(draft_text: str, found: Iterable[Change]) -> str:
    """The final text, normalised, from the draft's text and what was changed in it."""
    words = words_of(draft_text)
    for change in sorted(found, key=lambda change: change.at, reverse=True):
        words[change.at : change.at + len(change.removed.split())] = change.put.split()
    return " ".join(words)


def _kept(first: Sequence[str], second: Sequence[str]) -> list[tuple[int, int]]:
    """The pairs of places whose words stay, in order, on a shortest way between the texts.

    The way is gone backwards: a word is taken out wherever that is shortest, else put in, else
    replaced or kept.
    """
    columns = [(up, down) for up, down, _, _ in _steps(first, second)]
    kept = []
    i, j = len(first), len(second)
    while i and j:
        bit = 1 << (i - 1)
        if columns[j - 1][0] & bit:
            i -= 1
        elif j > 1 and columns[j - 2][1] & bit:
            j -= 1
        else:
            i, j = i - 1, j - 1
            if first[i] == second[j]:
                kept.append((i, j))
    return kept[::-1]


# --- what is compared -------------------------------------------------------------------------


def as_compared(draft: Written, sent: Written) -> tuple[str, str]:
    """The two texts without their signatures; with one, where fewer words differ then.

    What is a signature is told by looks, so the same lines may be one in one text and not in the
    other.
    """
    pairs = product(_with_and_without(draft), _with_and_without(sent))
    return min(pairs, key=lambda pair: word_edits(words_of(pair[0]), words_of(pair[1])))


def _with_and_without(text: Written) -> tuple[str, ...]:
    own_text, signature = text
    return (own_text, f"{own_text}\n\n{signature}".strip()) if signature else (own_text,)
