"""The anatomy of a mail's own text: greeting, opening, core, closing, sign-off, signature.

Pure and total: any text has an anatomy, and joining its parts loses no word. English habits are
recognised; in another language everything that is not recognised stays in the core.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlx_agent import facts, names, wording
from mlx_agent.records import Address

_GREETING_WORDS = (
    r"dear|hi there|hi|hello there|hello|hey there|hey|hiya|good (?:morning|afternoon|evening|day)"
    r"|morning|afternoon|evening|greetings|hallo|salut|bonjour|ciao|hola|guten tag"
)
_GREETING = re.compile(
    rf"^(?P<word>{_GREETING_WORDS})\b(?P<name>(?: +[^\s,!:;.?]+\.?){{0,4}}?) *"
    r"(?P<mark>,|!+|:|\.| ?--| ?[-–—](?= |$)|(?=$))",
    re.IGNORECASE,
)
_NAME_ONLY = re.compile(
    r"^(?P<name>[^\W\d_][\w'’\-]*(?: [^\W\d_][\w'’\-]*)?) *(?P<mark>,|!|:| --?| –)$"
)
_GROUP = re.compile(
    r"^(all|everyone|everybody|team|folks|both|guys|colleagues|friends|there)\b", re.IGNORECASE
)
_JOINING = frozenset("and or & sir sirs madam".split())
_NOT_A_NAME = frozenset(
    "i i'm i’m i've i’ve i'll i’ll it it's it’s we we're we’re you this that is just please pls so "
    "sorry thanks thank the a an to for from in on at of with my our not works".split()
)
_TITLE = re.compile(r"^(mr|mrs|ms|dr|prof|professor|miss)\.?$", re.IGNORECASE)

SIGN_OFF_WORDS = (
    r"(?:(?:with )?(?:kind|kindest|best|warm|warmest|many)(?:est)? )?regards|best|all the best"
    r"|best wishes|(?:many |warm )?thanks(?: again| so much| a lot| in advance)?|thank you"
    r"|cheers|sincerely(?: yours)?|yours(?: sincerely| truly| faithfully| ever)?|take care|love"
    r"|talk soon|see you(?: soon)?|warmly|cordially|respectfully|ciao|thx|rgds|br|xx?|hugs|bye"
    r"|until then|greetings|so long|lots of love"
)
_SIGN_OFF = re.compile(rf"^(?P<word>{SIGN_OFF_WORDS}) *(?P<mark>,|!+|\.|-|--|)$", re.IGNORECASE)
_SIGN_OFF_INLINE = re.compile(
    rf"^(?P<off>(?:{SIGN_OFF_WORDS}) *(?:,|!+|\.|-|--)) +(?P<name>[^\d,.!?]+\.?)$", re.IGNORECASE
)
_OPENING = re.compile(
    r"^(?:i )?(?:do )?(?:hope|trust) (?:this|that|you|all|everything|things)\b.*"
    r"|^(?:many )?thank(?:s| you)(?: so much| very much| a lot)? "
    r"for (?:your|the|getting|letting|writing)\b.*|^how are (?:you|things)\b.*"
    r"|^(?:it was |so |very )?(?:good|great|nice|lovely) to (?:hear|see|meet)\b.*"
    r"|^happy (?:monday|friday|new year)\b.*|^long time no\b.*|^hope all\b.*",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"^(?:please |just |do )*(?:let me know|feel free|do not hesitate|don't hesitate|shout|ping me"
    r"|give me a (?:call|shout|ring)|keep me posted)\b.*"
    r"|^(?:i am |i'm |i |am )?(?:really )?look(?:ing)? forward\b.*"
    r"|^(?:many )?(?:thanks|thank you)\b.*"
    rf"|^(?:talk|speak|see you|write|more) (?:soon|later|then)\b.*|^{wording.WISH}.*"
    r"|^(?:i )?(?:hope|trust) (?:that|this|it) (?:helps|works|suits|is)\b.*|^any questions\b.*"
    r"|^(?:should|if) you have any\b.*|^take care\b.*|^until then\b.*|^fingers crossed\b.*",
    re.IGNORECASE,
)
_ABBREVIATION = re.compile(
    r"\b(?:mr|mrs|ms|dr|prof|st|vs|etc|e\.g|i\.e|approx|inc|co|jan|feb|a\.m|p\.m)\.$", re.IGNORECASE
)
_STOP = re.compile(
    r"(?<=[.!?…])(?:[\"')\]]+(?!\s+[a-z]))?(?:\s*(?::-?[)(DP]|;-?\)))?"
    r"\s+(?=\S)(?![:;]-?[)(DP](?:\s|$))|(?<=\s:-\))\s+|(?<=\s:\))\s+"
)
SMILEY = re.compile(r"(?<!\w)[:;]-?[)(DP](?!\w)")
LIST_ITEM = re.compile(r"^\s*(?:(?P<number>\d{1,2})[.)]|[-*•])\s+(?=\S)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Anatomy:
    """The parts of an own text.

    `greeting`, `opening`, `closing`, `sign_off` and `signature` are as written, empty if absent;
    `inline` says that the text goes on in the greeting's line. `paragraphs` is the core: paragraphs
    of sentences, list items being paragraphs of their own with their marker in `markers`.
    """

    greeting: str
    inline: bool
    opening: str
    paragraphs: tuple[tuple[str, ...], ...]
    markers: tuple[str, ...]
    closing: str
    sign_off: str
    signature: str

    @property
    def sentences(self) -> tuple[str, ...]:
        """The sentences of the core, in order."""
        return tuple(sentence for paragraph in self.paragraphs for sentence in paragraph)


def dissect(text: str, sender: Address, to: tuple[Address, ...], *, letter: bool = True) -> Anatomy:
    """Take an own text apart. Never raises, and every word of the text is in one part.

    What is no `letter`, an article say, is addressed to nobody: all of it is core.
    """
    lines = text.replace("\r\n", "\n").replace("\u00a0", " ").strip().split("\n")
    lines = [line.rstrip() for line in lines]
    greeting, inline, sign_off, signature = "", False, "", ""
    if letter:
        greeting, inline, lines = _take_greeting(lines, to)
        lines, sign_off, signature = _take_ending(lines, sender)
    blocks = _blocks(lines)
    paragraphs = [_sentences(block) for _, block in blocks]
    markers = tuple(marker for marker, _ in blocks if marker)
    opening = _take(paragraphs, 0, _OPENING) if letter else ""
    closing = _take(paragraphs, -1, _CLOSING) if letter else ""
    return Anatomy(
        greeting=greeting,
        inline=inline,
        opening=opening,
        paragraphs=tuple(tuple(p) for p in paragraphs if p),
        markers=markers,
        closing=closing,
        sign_off=sign_off,
        signature=signature,
    )


def greeting_form(greeting: str, to: tuple[Address, ...]) -> str:
    """The greeting with the name replaced: `{first}`, `{last}`, `{name}`; a group stays a word."""
    match = _GREETING.match(greeting) or _NAME_ONLY.match(greeting)
    if not match:
        return ""
    word = match.groupdict().get("word") or ""
    mark = (match.group("mark") or "").strip().replace("—", "–")
    parts = [word, *_name_form((match.group("name") or "").strip(), to)]
    form = " ".join(part for part in parts if part)
    return f"{form} {mark}" if mark in {"-", "--", "–"} else f"{form}{mark[:1]}"


def _name_form(name: str, to: tuple[Address, ...]) -> list[str]:
    if not name or _GROUP.match(name):
        return [name.lower()]
    tokens = name.split()
    titles = [t.rstrip(".") for t in tokens if _TITLE.match(t)]
    rest = [t for t in tokens if not _TITLE.match(t)]
    if titles:
        return [*titles, "{last}" if rest else ""]
    if len(rest) >= 2:
        return ["{name}"]
    lasts = {names.last_name(a).lower() for a in to if len(names.words(a)) > 1}
    return ["{last}" if rest[0].lower() in lasts else "{first}"]


def _take_greeting(lines: list[str], to: tuple[Address, ...]) -> tuple[str, bool, list[str]]:
    line = lines[0].strip() if lines else ""
    match = _GREETING.match(line)
    known = {word.lower() for address in to for word in names.words(address)}
    if match and _is_greeting(match, line, known):
        rest = line[match.end() :].strip()
        return match.group(0).strip(), bool(rest), ([rest] if rest else []) + lines[1:]
    alone = _NAME_ONLY.match(line)
    if alone and len(lines) > 1:
        tokens = alone.group("name").lower().split()
        if all(token in known for token in tokens) or _GROUP.match(alone.group("name")):
            return alone.group(0).strip(), False, lines[1:]
    return "", False, lines


def _is_greeting(match: re.Match[str], line: str, known: set[str]) -> bool:
    """Whether names follow the greeting's word, and not the sentence itself: `Hi I need help.`."""
    name, rest, mark = match.group("name").split(), line[match.end() :], match.group("mark")
    words = [n.rstrip(".") for n in name]
    sentence = any(n == "I" or (n.lower() in _NOT_A_NAME and not n.isupper()) for n in words)
    if sentence or (rest and not mark):
        return False
    expected = known | _JOINING
    small = [n.lower() for n in name if not (n[:1].isupper() or _GROUP.match(n))]
    odd = [n for n in small if n.rstrip(".") not in expected]
    if rest or mark == ".":
        return not odd
    return len(odd) < 2 or (bool(mark) and wording.VERBS.isdisjoint(odd))


def _take_ending(lines: list[str], sender: Address) -> tuple[list[str], str, str]:
    kept = _strip_blank(lines)
    signature = ""
    if len(kept) > 1 and is_signature(kept[-1], sender):
        signature = kept[-1].strip()
        kept = _strip_blank(kept[:-1])
    if kept and len(kept) + bool(signature) > 1:
        last = kept[-1].strip()
        inline = _SIGN_OFF_INLINE.match(last)
        if _SIGN_OFF.match(last):
            return _strip_blank(kept[:-1]), last, signature
        if inline and not signature and is_signature(inline.group("name"), sender):
            return (
                _strip_blank(kept[:-1]),
                inline.group("off").strip(),
                inline.group("name").strip(),
            )
    return kept, "", signature


def is_signature(line: str, sender: Address) -> bool:
    """Whether a line is the sender's name in one of its forms, or a single initial."""
    bare = line.strip().lstrip("-–—~ ").rstrip(".,!").lower()
    if re.fullmatch(r"[^\W\d_]", bare):
        return True
    known = [word.lower() for word in names.words(sender)]
    initials = "".join(word[0] for word in known)
    tokens = [
        t.strip(".") for t in bare.split() if t.strip(".") not in {"dr", "prof", "mr", "ms", "mrs"}
    ]
    shortened = len(tokens) <= 3
    named = tokens[:1] and tokens[0] in known
    named = named and all(t in known or (len(t) == 1 and t.isalpha()) for t in tokens)
    return bool(known) and (bare == initials or (shortened and bool(named)))


def _strip_blank(lines: list[str]) -> list[str]:
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    return lines[:end]


def _blocks(lines: list[str]) -> list[tuple[str, str]]:
    """(list marker or empty, text) per paragraph or list item, hard wraps undone."""
    blocks: list[tuple[str, str]] = []
    fresh = True
    for line in lines:
        item = LIST_ITEM.match(line)
        if not line.strip():
            fresh = True
        elif item:
            blocks.append((item.group(0).strip(), line[item.end() :].strip()))
            fresh = False
        elif fresh or _starts_block(blocks[-1], line):
            blocks.append(("", line.strip()))
            fresh = False
        else:
            marker, text = blocks[-1]
            blocks[-1] = (marker, f"{text} {line.strip()}")
    return blocks


_WRAP = 50
"""A line shorter than this was ended by its writer, not by the mail program's wrapping."""


def _starts_block(before: tuple[str, str], line: str) -> bool:
    marker, text = before
    if marker and len(text) < _WRAP and not line.startswith((" ", "\t")):
        return True
    ended = text.endswith((".", "!", "?", ":"))
    return len(text) < _WRAP and ended and line.strip()[:1].isupper()


def _sentences(block: str) -> list[str]:
    found: list[str] = []
    for piece in _split_at_stops(block):
        if found and _ABBREVIATION.search(found[-1]):
            found[-1] = f"{found[-1]} {piece}"
        else:
            found.append(piece)
    return found


def _split_at_stops(block: str) -> list[str]:
    pieces, start = [], 0
    for match in _STOP.finditer(block):
        pieces.append(block[start : match.end()].strip())
        start = match.end()
    return [piece for piece in [*pieces, block[start:].strip()] if piece]


def _take(paragraphs: list[list[str]], end: int, pattern: re.Pattern[str]) -> str:
    """Remove and return the first or last sentence of the core if it is a courtesy."""
    filled = [p for p in paragraphs if p]
    if sum(len(p) for p in filled) < 2 - (end == 0):
        return ""
    phrase = SMILEY.sub("", filled[end][end]).strip() if filled else ""
    if not is_phrase(phrase) or not pattern.match(phrase):
        return ""
    filled[end].pop(end)
    return phrase


def is_phrase(sentence: str) -> bool:
    """Whether a sentence may be quoted, if need be in its short form, and says nothing of its own.

    It has no digits, capitals or quotes inside.
    """
    tokens = sentence.split()
    inner = [t for t in tokens[1:] if t[:1].isupper() and t.strip(".,!?'’mdlvres") not in {"I", ""}]
    odd = any(c.isdigit() or c in '"<>@:;' for c in sentence)
    return bool(tokens) and not inner and not odd and quotable(sentence) is not None


def quotable(courtesy: str) -> str | None:
    """A courtesy as a rule may quote it: as written, in its short form, or not at all."""
    return wording.short_courtesy(courtesy) if any(facts.runs(courtesy)) else courtesy
