"""Take out of an instruction what belongs to one mail, and keep what is left of it. Pure.

Every function gives None where nothing is left that tells a writer what to do. The cuts are the
smallest that English allows: a quoted phrase, an aside, a last clause, a sentence.
"""

from __future__ import annotations

import re

from mlx_agent import names
from mlx_agent.facts import NO_NAMES, RUN
from mlx_agent.records import Address

MAX_QUOTED = RUN - 1
"""Words of a mail that a rule may quote in a row."""

_QUOTE = re.compile(r'"[^"]*"')
_SINGLE = re.compile(r"(?<!\w)['‘](?=\w)([^\n\"]+?)(?<=[\w,.!?:…])['’](?!\w)")
_ANOTHER = r"(?:\s*,\s*(?:and |or )?|\s+(?:and|or)\s+)"
_AFTER_QUOTE = re.compile(rf'(?<="){_ANOTHER}$')
_BEFORE_QUOTE = re.compile(rf'{_ANOTHER}(?=")')

_MAIL = r"(?:e-?mail|mail|message|draft|version|text|reply|response|baseline|letter|example|one)s?"
_MENTION = re.compile(
    r"\b(?:(?:the |a |this |that |its )?(?:generic|original|baseline|reference|default|given"
    r"|provided|sample|real|actual|true|ground[ -]truth|zero-shot|machine(?:'s)?|AI(?:'s)?"
    r"|(?:user|author|writer|person|human|sender)'s)(?: own)?(?:,? [\w-]+)? "
    rf"{_MAIL}\b|the (?:first|second|other|two|both) {_MAIL}\b"
    r"|the original\b(?:'s)?|(?:the |a )?baselines?\b(?:'s)?|(?:the )?ground[ -]truth\b"
    r"|both (?:e-?)?mails\b"
    r"|(?:unlike|than|instead of|rather than|compared (?:to|with)) (?:in )?(?:the |that |a )"
    rf"{_MAIL}\b|(?:unlike|than) (?:the )?(?:generic|original|standard|default)\b)",
    re.IGNORECASE,
)
_AGAINST = re.compile(
    r"\b(?:unlike|instead of|rather than|in contrast (?:to|with)|as opposed to|whereas|where|while"
    r"|compared (?:to|with)|as in|not like|like in|from)\b",
    re.IGNORECASE,
)
_STOP = re.compile(r"[,;:.()–]")
_SENTENCE = re.compile(r"(?<!\be\.g)(?<!\bi\.e)(?<!\bMr)(?<!\bMs)(?<!\bDr)[.;](?=\s|$)")
_ASIDE = re.compile(
    r",? *\b(?:e\.g\.|i\.e\.|such as|for example|for instance|including|namely|like)(?!\w)",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"\W*(?:if|when|only|unless|except|but|for|where|as|in|or|to)\b", re.IGNORECASE
)
_NAMING = r"\b(?i:dear|hi|hello|hey|morning|afternoon|evening|by|use|with|as|name)"
"""Before a name that is to be written, not somebody to be spoken of."""
_DANGLING = frozenset(
    "with say says use using like as to and or the a an by in on of at for from than then about "
    "write begin open close end start sign call mention include add put such "
    "be is not no never always only".split()
)


def straight(text: str) -> str:
    """The text with plain blanks, and every quoted phrase between plain double quotation marks."""
    return _SINGLE.sub(r'"\1"', re.sub("[“”„«»]", '"', " ".join(text.split())))


def quotes(text: str) -> list[tuple[int, int]]:
    """Where the quoted phrases of a text stand, without their marks."""
    return [(match.start() + 1, match.end() - 1) for match in _QUOTE.finditer(text)]


def compares(text: str) -> bool:
    """Whether an instruction speaks of the mail that it was learned from, or of its baseline."""
    return _MENTION.search(_masked(text)) is not None


def without_comparison(text: str) -> str | None:
    """The instruction without its clauses that speak of either mail."""
    while match := _MENTION.search(_masked(text)):
        masked = _masked(text)
        stops = [stop.start() for stop in _STOP.finditer(masked, 0, match.start())]
        stops += [word.start() for word in _AGAINST.finditer(masked, 0, match.end())]
        start = max((stop for stop in stops if stop <= match.start()), default=0)
        stop = _STOP.search(masked, match.end())
        rest = _tidied(text[:start], text[stop.start() if stop else len(text) :])
        if rest is None or len(rest) >= len(text):
            return None
        text = rest
    return text


def unnamed(text: str, aspect: str, to: Address, sender: Address) -> str:
    """The instruction with the recipient's name called what it is, but for names of the sender's.

    In a quoted greeting, in any case, it becomes a placeholder, as x shows greetings; elsewhere,
    with a capital inside a sentence, it becomes `the recipient` or what is meant of the name.
    """
    kept = {word.lower() for word in names.words(sender)} | NO_NAMES
    forms = {names.full_name(to): "full", names.last_name(to): "last"}
    folded = text.casefold()
    for name, form in (forms | {names.first_name(to): "first"}).items():
        if aspect == "signature" or len(name) < 2 or name.casefold() not in folded:
            continue
        if kept.intersection(name.lower().split()):
            continue
        if aspect == "greeting":
            text = _in_quotes(text, name, f"{{{'name' if form == 'full' else form}}}")
        word = rf"{re.escape(name)}(?!\w)"
        text = re.sub(rf"(?<=[\w,] ){word}(?=['’]s)", "the recipient", text)
        text = re.sub(rf"({_NAMING}) {word}", rf"\1 the recipient's {form} name", text)
        text = re.sub(rf"(?<=[\w,] ){word}", "the recipient", text)
    return text


def _in_quotes(text: str, name: str, placeholder: str) -> str:
    def said(quote: re.Match[str]) -> str:
        return re.sub(
            rf"(?<!\w){re.escape(name)}(?!\w)", placeholder, quote[0], flags=re.IGNORECASE
        )

    return _QUOTE.sub(said, text)


def without(text: str, start: int, end: int, *, piece: bool, edge: bool) -> str | None:
    """The instruction without what stands between `start` and `end`.

    A quoted phrase ends before it, or after MAX_QUOTED words where it is a `piece` of a mail. In an
    `edge` of the mail, a greeting or a sign-off, one word is a phrase.
    """
    for first, last in quotes(text):
        if first < end and start < last:
            kept = text[first : last if piece else max(first, start)].split()[:MAX_QUOTED]
            if len(kept) >= (1 if edge else 2) and len(kept) < len(text[first:last].split()):
                phrase = " ".join(kept).rstrip(",;:.!?-–") + ("" if edge else "...")
                return text[:first] + phrase + text[last:]
            return _without_quote(text, first - 1, last + 1)
    return _without_part(text, start)


def _without_quote(text: str, start: int, end: int) -> str | None:
    """Take a quoted phrase from a list of several, or the part of the text that it stands in."""
    if before := _AFTER_QUOTE.search(text[:start]):
        return _tidied(text[: before.start()], text[end:])
    if after := _BEFORE_QUOTE.match(text, end):
        return _tidied(text[:start], text[after.end() :])
    return _without_part(text, start)


def _without_part(text: str, place: int) -> str | None:
    """The text without the aside, the last clause or the sentence around a place."""
    masked = _masked(text)
    opened, closed = masked.rfind("(", 0, place), masked.find(")", place)
    if closed > opened >= 0 and ")" not in masked[opened:place]:
        return _tidied(text[:opened], text[closed + 1 :])
    ends = [m.start() for m in _SENTENCE.finditer(masked)]
    begin = max((e + 1 for e in ends if e < place), default=0)
    finish = min((e for e in ends if e >= place), default=len(text))
    if aside := _ASIDE.search(masked, begin, place):
        return _tidied(text[: aside.start()], text[finish:])
    comma = masked.rfind(", ", begin, place)
    last = "," not in masked[place:finish] and not _CONDITION.match(masked, comma + 1)
    if comma > begin and last:
        return _tidied(text[:comma], text[finish:])
    return _tidied(text[:begin], text[finish + 1 :])


def _tidied(before: str, after: str) -> str | None:
    """Two parts joined, without loose marks; None where they end in the middle of a thought."""
    text = " ".join(f"{before} {after}".split())
    text = re.sub(r"\s+([,;.:)])", r"\1", re.sub(r"\(\s*\)", "", text))
    text = re.sub(r"([,;.:–-])(?:\s*[,;:–-])+", r"\1", text).strip(" ,;:–-")
    text = text.lstrip(".) ").strip()
    words = re.findall(r"[\w'’]+", text)
    if not words or words[-1].lower() in _DANGLING or text.count('"') % 2:
        return None
    return text


def _masked(text: str) -> str:
    """The text with its quoted phrases blotted out, letter for letter."""
    return _QUOTE.sub(lambda match: f'"{"x" * (len(match.group()) - 2)}"', text)
