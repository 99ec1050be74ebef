"""The core of a mail as bullets: what is said, without how. Pure, deterministic, total.

Nothing of the core is lost: every statement, question, name and number of it stands in a bullet.
Courtesies, contractions, shorthand, softening words, marks and the layout go.
"""

from __future__ import annotations

import re

from mlx_agent import wording
from mlx_agent.anatomy import SMILEY, dissect
from mlx_agent.records import Metadata

_DASH = re.compile(r"\s+(?:-{1,2}|[–—])\s+|(?<=\w)--(?=\w)")


def intent_points(own_text: str, metadata: Metadata) -> tuple[str, ...]:
    """The bullets of an own text, in its order; the text itself where it is all courtesy."""
    parts = dissect(own_text, metadata.sender, metadata.to)
    points = [p for sentence in parts.sentences for p in _points(sentence)]
    if not points:
        points = _points(" ".join(own_text.split()))
    return tuple(points)


def _points(sentence: str) -> list[str]:
    pieces = re.split(r";\s+", _DASH.sub("; ", SMILEY.sub("", sentence)))
    return [point for piece in pieces if (point := neutral(piece))]


def neutral(sentence: str) -> str:
    """One statement, request or question in a plain form, without a final full stop."""
    text = wording.expand(wording.lengthen(" ".join(sentence.split())))
    text = re.sub(r"\.\.+|…", " ", text)
    text = " ".join(re.sub(r"\bi\b(?!\.)", "I", text).split())
    question = text.rstrip(")\"' ").endswith("?")
    text = text.rstrip(".!?, ") if not question else text.rstrip("!. ")
    text = wording.bare_request(text) or text
    text = wording.restore_subject(text)
    return text[:1].upper() + text[1:]
