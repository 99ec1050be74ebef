"""The core of a mail as bullets: what is said, without how. Pure, deterministic, total.

Nothing of the core is lost: every statement, question, name and number of it stands in a bullet.
Courtesies, contractions, shorthand, softening words, marks and the layout go.
"""

from __future__ import annotations

import re

from mlx_agent import wording
from mlx_agent.anatomy import SMILEY, dissect
from mlx_agent.records import Kind, Metadata

_RANGE = re.compile(r"(?<=\d)\s+(?:-{1,2}|[–—])\s+(?=\d)")
_DASH = re.compile(r"\s+(?:-{1,2}|[–—])\s+|(?<=\w)--(?=\w)")


def intent_points(own_text: str, metadata: Metadata, kind: Kind = "email") -> tuple[str, ...]:
    """The bullets of an own text, in its order; the text itself where it is all courtesy.

    There is at least one bullet where the text holds anything but white space.
    """
    parts = dissect(own_text, metadata.sender, metadata.to, letter=kind == "email")
    points = [p for sentence in parts.sentences for p in _points(sentence)]
    whole = " ".join(own_text.split())
    return tuple(points or _points(whole) or ([whole] if whole else []))


def _points(sentence: str) -> list[str]:
    text = _RANGE.sub("-", SMILEY.sub("", sentence))
    pieces = re.split(r";\s+", _DASH.sub("; ", text))
    return [point for piece in pieces if (point := neutral(piece))]


def neutral(sentence: str) -> str:
    """One statement, request or question in a plain form, a question alone with a final mark."""
    text = wording.expand(wording.lengthen(" ".join(sentence.split())))
    text = re.sub(r"\.\.+|…", " ", text)
    text = " ".join(re.sub(r"\bi\b(?!\.)", "I", text).split())
    bare = text.rstrip(".!?, ")
    before, question, _ = text[len(bare) :].partition("?")
    text = f"{bare}{before.rstrip('!, ')}?" if question else bare
    text = wording.bare_request(text) or text
    return wording.capitalised(wording.restore_subject(text))
