"""What a classifier of authors must not see: names, and what a mail is about. Pure.

Who writes can be told by a signature and by the people and matters of a mail, and neither is a
manner. `mask` hides the names, `hide` the content words besides: of each only its case is left, and
of a number that it was one. Function words, courtesy, greetings and sign-offs stay, for they are
what a manner is made of; so do marks, blanks and line breaks. What a mail program made of them is
undone first (`evened`), or real mail would be told from drafts by its wrapped lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Literal

from mlx_agent import names
from mlx_agent.anatomy import LIST_ITEM
from mlx_agent.characters import folded, visible
from mlx_agent.language import STOP_WORDS, language
from mlx_agent.records import Address
from mlx_agent.wording import SHORTHAND

Mode = Literal["shape", "raw"]
"""What is left of a text: its shape alone, or all but the names."""

_PLAIN = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "\u00a0": " ", "\t": " "})
_WRAPPED, _WIDEST = 50, 100
"""A line that a mail program wrapped has so many letters at the least; and no line has more."""
_SHORT_LINE = 30
"""A line up to here after a stop was begun by its writer."""

_SENDER, _READER = "Sender", "Reader"
"""What stands for the words of a name."""
_ENGLISH = frozenset(
    "a about above after again all already also although always am an and another any anybody "
    "anyone anything are around as at away back be because been before being below between both "
    "but by can cannot could did do does doing done down during each either else enough even ever "
    "every everybody everyone everything few for from further had has have having he her here hers "
    "herself him himself his how however i if in into is it its itself just least less like many "
    "may maybe me might mine more most much must my myself neither never no nobody none nor not "
    "nothing now of off often on once one only onto or other others otherwise our ours ourselves "
    "out over own perhaps quite rather really same shall she should since so some somebody someone "
    "something sometimes soon still such than that the their theirs them themselves then there "
    "therefore these they this those though through thus till to together too toward under until "
    "up upon us very was we well were what whatever when where whether which while who whole whom "
    "whose why will with within without would yet you your yours yourself".split()
)
_COURTESY = frozenset(
    "hi hello hey dear good morning afternoon evening all everyone team folks thanks thank thx ty "
    "many regards best kind kindest warm warmest wishes cheers sincerely yours truly faithfully "
    "respectfully love greetings xx take care talk please pls kindly sorry hope great nice glad "
    "happy ok okay yes yeah yep sure appreciate welcome let know look forward hesitate fyi asap "
    "btw".split()
)
_SHORT = frozenset(word for word in SHORTHAND.values() if word.isalpha())
_KEPT = _ENGLISH | _COURTESY | _SHORT | {_SENDER.lower(), _READER.lower()}
_TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+")
_CONTRACTED = re.compile(r"(?P<word>.+)(?P<end>['’](?:s|m|d|re|ve|ll|t))", re.IGNORECASE)
_LAST_LINE = re.compile(r"(?P<before>\A|\n)(?P<line>[^\n]+)\s*\Z")


def prepared(text: str, sender: Address, to: Sequence[Address], mode: Mode) -> str:
    """The text as the classifier of a mode sees it."""
    masked = mask(evened(text), sender, to)
    return hide(masked) if mode == "shape" else masked


def evened(text: str) -> str:
    """The text without what a mail program does: wrapped lines, curly quotes, blanks at line ends.

    More than one empty line is one. A break after a line of some length is the program's, where no
    line is longer than programs let it be; unless a sentence begins there for which there was room,
    or a short line of its own, such as a sign-off.
    """
    plain = visible(text).translate(_PLAIN)
    lines = [line.rstrip() for line in plain.strip().splitlines()]
    width = max(map(len, lines), default=0)
    found: list[str] = []
    for line, last in zip(lines, ["", *lines], strict=False):
        if found and width <= _WIDEST and _is_wrapped(last, line, width):
            found[-1] = f"{found[-1]} {line.lstrip()}"
        elif line or (found and found[-1]):
            found.append(line)
    return "\n".join(found)


def _is_wrapped(line: str, following: str, width: int) -> bool:
    if len(line) < _WRAPPED or not following.strip() or LIST_ITEM.match(following):
        return False
    if line[-1] not in ".!?,:" or not following.lstrip()[0].isupper():
        return True
    no_room = len(line) + 1 + len(following.split(maxsplit=1)[0]) > width
    return no_room and len(following) > _SHORT_LINE


def mask(text: str, sender: Address, to: Sequence[Address] = ()) -> str:
    """The text with the words of the sender's and the readers' names replaced, in their case.

    So are the sender's initials where the last line is nothing else.
    """
    text = _without_initials(visible(text), sender)
    own, theirs = _words(sender), _words(*to)
    hidden = sorted(own | theirs, key=lambda word: (-len(word), word))
    if not hidden:
        return text
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, hidden))})(?!\w)", re.IGNORECASE)

    def stand_in(found: re.Match[str]) -> str:
        word = found.group()
        return _in_case(_SENDER if word.lower() in own else _READER, word)

    return pattern.sub(stand_in, text)


def hide(text: str) -> str:
    """The text with each content word as `w`, `W` or `WW` by its case, and each number as `9`."""
    its_language = language(text)
    return _TOKEN.sub(lambda found: _shape(found.group(), its_language), text)


def _words(*people: Address) -> set[str]:
    return {word.translate(_PLAIN).lower() for word in names.maskable(*people)}


def _without_initials(text: str, sender: Address) -> str:
    """Letters of the sender's name alone in the last line, as `S`."""
    last = _LAST_LINE.search(text)
    parts = names.words(sender)
    if last is None or not parts:
        return text
    letters = "".join(c for c in last["line"] if c.isalpha())
    initials = "".join(part[0] for part in parts).lower()
    if letters.lower() not in {initials, initials[0], initials[0] + initials[-1]}:
        return text
    line = "".join(("S" if c.isupper() else "s") if c.isalpha() else c for c in last["line"])
    return text[: last.start("line")] + line + text[last.end("line") :]


@cache
def _shape(token: str, its_language: str) -> str:
    """A token as it is shown: function words as they are, of others the case."""
    if token.isdecimal():
        return "9"
    if _is_kept(token, its_language):
        return token
    if (contracted := _CONTRACTED.fullmatch(token)) is not None:
        return _shape(contracted["word"], its_language) + contracted["end"]
    return _in_case("W", token)


def _is_kept(token: str, its_language: str) -> bool:
    word = folded(token)
    return (
        word in _KEPT
        or word in STOP_WORDS.get(its_language, ())
        or (word.replace("’", "'").endswith("n't"))
    )


def _in_case(stand_in: str, word: str) -> str:
    """The stand-in in the case of a word; one in capitals is doubled where it is but a letter."""
    if len(word) > 1 and word.isupper():
        return stand_in.upper() * (2 if len(stand_in) == 1 else 1)
    return stand_in if word[0].isupper() else stand_in.lower()
