"""What is seen of a text's characters, and which letters count as the same. Pure and linear.

What a model reads of a mail is what a person sees of it. Unicode has characters that nobody sees
and that models read all the same: tag characters spell whole sentences in a flag or after a full
stop, runs of variation selectors carry bytes, bidirectional overrides show another order than the
text has, and a zero-width space hides a word or a tag from whoever looks for it.
"""

from __future__ import annotations

import re
import unicodedata

_LINE_ENDS = re.compile("[\r\v\f\x85\u2028\u2029]")
_JOINERS = "\u200c\u200d\ufe0e\ufe0f"
_UNSEEN = re.compile(
    "[\0-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"  # controls
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # fillers
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # of no width, bidirectional
    "\ufe00-\ufe0f\U000e0000-\U000e0fff\U0001d173-\U0001d17a]"  # selectors, tags, beams
    f"(?:(?<![{_JOINERS}])|(?<![^\0-\x7f].)|(?<=[\u200b-\u200f\ufe00-\ufe0f].))",
    re.DOTALL,
)
"""Joiners, and the selectors of emoji, mean something after a letter or a sign beyond ASCII, one at
a time; all others are not missed."""
_SURROGATES = re.compile("[\ud800-\udfff]")
_LETTERS = str.maketrans("øØłŁđĐħĦŧŦıŒœÆæÞþ", "oOlLdDhHtTiOoAaTt")
"""Letters with a stroke and the like, which Unicode does not take apart."""
_MARKS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")

SPACELESS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
"""Scripts that put no blanks between words, for a class of a pattern."""


def visible(text: str) -> str:
    """The text without what nobody sees, and with line feeds alone for line ends.

    Halves of a surrogate pair, which no encoding can write, become replacement characters.
    """
    text = _UNSEEN.sub("", _LINE_ENDS.sub("\n", text.replace("\r\n", "\n")))
    return _SURROGATES.sub("\ufffd", text)


def folded(text: str) -> str:
    """The text in small letters without accents, as it is compared; unseen characters go too."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", visible(text).translate(_LETTERS))
    return _MARKS.sub("", plain.casefold())
