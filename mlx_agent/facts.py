"""What a fact is, and whether x holds it. Pure.

A fact is what is true of one mail and wrong in the next: an address, a link, a file's name, an
amount, a time, a date, a number, a name, and a run of words that a mail has verbatim. Found by
their looks, in English habits; a name is a capitalised word inside a sentence.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mlx_agent import names
from mlx_agent.records import X

RUN = 5
"""So many words of a mail in a row are a piece of it."""

_COUNTED = (
    "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty"
    "|sixty|seventy|eighty|ninety|hundred|thousand|million|dozen"
)
_NUMERAL = r"\d+(?:[.,:]\d+)*"
_CURRENCY = "dollars?|euros?|pounds?|francs?|cents?|bucks|usd|eur|gbp|chf"
_UNIT = rf"%|percent\b|per cent\b|[$€£]|(?:{_CURRENCY}|hours?|minutes?|days?|weeks?|months?|years?"
_UNIT += r"|people|persons?)\b"
_ENDINGS = "com|org|net|edu|gov|io|eu|uk|de|fr|ch"
_FILES = "pdf|docx?|xlsx?|pptx?|csv|txt|rtf|zip|png|jpe?g|gif|html?|md|mp3|mp4|ics"
_MONTHS = "january|february|april|june|july|august|september|october|november|december"
_SHORT_DATES = (
    "Mon|Tues?|Wed|Thur?s?|Fri|Sat|Sun|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|May|March"
)
_ORDINALS = (
    "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth"
    "|fourteenth|fifteenth|twentieth|thirtieth"
)
_BEGINNING = r"\s.!?…:;\"'“”‘’(\[/<*•–—\-"
"""After these marks and a blank, a capital says nothing."""
_SOLID = r"[^\s\"'’“”()\[\]<>]"
"""What a number may be joined to, as in `12b` and `2/3`."""
_KINDS = {
    "address": r"(?<![\w.+\-])[\w.+\-]++@[\w.\-]+\.\w+",
    "link": rf"(?:https?://|www\.)[^\s\"<>]+|(?<![\w.\-])[\w\-]++(?:\.[\w\-]++)*\.(?i:{_ENDINGS})\b"
    r"(?:/[^\s\"<>]*)?",
    "file": rf"(?<![\w\-])[\w\-]++\.(?i:{_FILES})\b",
    "time": r"(?i:(?<![\w.,:])\d{1,2}(?:[:.]\d{2})? ?(?:[ap]\.?m\b|h\b|o['’]clock)"
    r"|(?<![\w.,:])\d{1,2}:\d{2}(?![\w.,:]*\d)"
    rf"|\b(?:{_COUNTED}) o['’]clock|\b(?:half past|quarter (?:past|to)) \w+"
    r"|\b(?:noon|midday|midnight)\b)",
    "amount": rf"(?i:[$€£] ?{_NUMERAL}|(?<![\w.,:]){_NUMERAL}[ -]?(?:{_UNIT})"
    rf"|\b(?:{_COUNTED})[ -](?:{_UNIT}))",
    "date": rf"(?i:\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\b(?:{_MONTHS})\b"
    rf"|\b(?:{_ORDINALS}) of (?:may|march|this|next|last)\b)"
    rf"|(?<=[\w,;] )(?:{_SHORT_DATES})(?![\w'’])",
    "number": rf"(?:(?<!{_SOLID})|(?=\d)){_SOLID[:-1]}\d]*+\d{_SOLID}*",
    "name": rf"(?<=[^{_BEGINNING}] )(?!I\b)[A-ZÀ-ÖØ-Þ][\w'’\-]+",
}
_BEGINS = r"(?:(?<![^\W\d_])|(?=[\d$€£]|https?://|www\.))"
"""Where a fact can begin: in the middle of a word only these can. Told before the kinds are tried,
for most letters of a mail are in the middle of a word."""
_FACT = re.compile(
    f"{_BEGINS}(?:{'|'.join(f'(?P<{kind}>{pattern})' for kind, pattern in _KINDS.items())})"
)
_ENDING_MARKS = ".,;:!?)]>\"'’-"
_TOKEN = re.compile(rf"(?>{_NUMERAL})[^\W_]*|[^\W_]+|[$€£%]")
_JOINED = re.compile(r"(\d[\d.,:]*)(am|pm|h|st|nd|rd|th)")
_SAME = {"$": "dollar", "€": "euro", "£": "pound", "%": "percent"}
_SAME |= {"dollars": "dollar", "euros": "euro", "pounds": "pound"}
_SAME |= {
    word: str(value)
    for value, word in enumerate(
        "two three four five six seven eight nine ten eleven twelve".split(), 2
    )
}
_WORD = re.compile(r"\w+(?:['’]\w+)*")

NO_NAMES = frozenset(
    "dear hi hello hey heya hiya hej yo ahoy howdy good morning afternoon evening day "
    "greetings thank thanks many best kind kindest warm warmest regards wishes cheers "
    "sincerely yours truly faithfully cordially respectfully love take care all see talk "
    "soon happy merry new year christmas easter holidays bye ciao salut hallo bonjour hola "
    "aloha hugs kisses xx xxx mr mrs ms miss dr prof professor sir madam everyone everybody "
    "team both folks there friends colleagues ladies gentlemen ok okay fyi asap btw ps eta "
    "tbd tba imo faq rsvp re cc bcc english american british i'm i've i'd i'll i’m i’ve i’d "
    "i’ll let hope hoping looking please sorry could would can just yes no what how if we "
    "you it that this the my your our is are do".split()
)
"""What may have a capital inside a sentence or stand alone in a line, in small letters: courtesies,
titles, abbreviations, and words that a phrase begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A fact as it is written, where it stands, and its words as they are compared."""

    kind: str
    text: str
    start: int
    end: int
    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What x holds: its text in small letters, the text's tokens and runs, its people's names."""

    text: str
    tokens: frozenset[str]
    runs: frozenset[tuple[str, ...]]
    people: frozenset[str]

    def holds(self, fact: Fact) -> bool:
        """Whether a fact is in x as a whole: the 5 of `15` or of `5.2` is not, that of `5pm` is."""
        if fact.kind in {"address", "link", "file"}:
            return fact.text.casefold() in self.text
        people = self.people if fact.kind == "name" else frozenset()
        return self.tokens.issuperset(t for t in fact.tokens if t not in people)

    def holds_run(self, words: str) -> bool:
        """Whether x has these words in a row, RUN of them at a time; fewer are no run."""
        return self.runs.issuperset(run for run, _, _ in runs(words))


def held(x: X, *, addresses: bool) -> Held:
    """What x holds. Its people's addresses belong to it only where they are asked for."""
    about = x.metadata
    people = (about.sender, *about.to, *about.cc, *(message.author for message in x.context))
    said = [about.subject, *x.intent, *(m.text for m in x.context), *(p.name for p in people)]
    if about.recipient is not None:
        said += [about.recipient.greeting or "", about.recipient.sign_off or ""]
    said += [person.address for person in people] if addresses else []
    named = [word for person in people for word in names.words(person)]
    text = "\n".join(said)
    return Held(
        text=text.casefold(),
        tokens=frozenset(token for token, _, _ in _tokens(text)),
        runs=frozenset(run for run, _, _ in runs(text)),
        people=frozenset(token for word in named for token, _, _ in _tokens(word)),
    )


def find(text: str) -> tuple[Fact, ...]:
    """The facts of a text, in their order."""
    matches = list(_FACT.finditer(text))
    tokens = list(_tokens(text)) if matches else []
    starts, ends = ([token[place] for token in tokens] for place in (1, 2))
    found = []
    for match in matches:
        said = re.sub(r"['’]s$", "", match.group().rstrip(_ENDING_MARKS))
        start, end = match.start(), match.start() + len(said)
        name = match.lastgroup == "name" and said.casefold() in NO_NAMES
        if said and not name:
            first, last = bisect_right(ends, start), bisect_left(starts, end)
            inside = tuple(token for token, _, _ in tokens[first:last])
            kind = str(match.lastgroup)
            found.append(Fact(kind=kind, text=said, start=start, end=end, tokens=inside))
    return tuple(found)


def names_in(text: str) -> frozenset[str]:
    """The names in a mail: capitalised words inside its sentences, and the name under it.

    A word that the mail writes in small letters as well is none.
    """
    found = {fact.text for fact in find(text) if fact.kind == "name"}
    *above, last = [_WORD.findall(line) for line in text.splitlines() if line.strip()] or [[]]
    if above and len(last) <= 3 and all(word[:1].isupper() for word in last):
        found.update(last)
    ordinary = NO_NAMES | set(_WORD.findall(text))
    return frozenset(w for w in found if len(w) > 1 and w.casefold() not in ordinary)


def runs(text: str) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """Every RUN words in a row, in small letters, with where they begin and end."""
    words = [(m.group().casefold().replace("’", "'"), m) for m in _WORD.finditer(text)]
    for first in range(len(words) - RUN + 1):
        row = words[first : first + RUN]
        yield tuple(word for word, _ in row), row[0][1].start(), row[-1][1].end()


def foreign(facts: Iterable[Fact], known: Held) -> tuple[Fact, ...]:
    """The facts that x does not hold."""
    return tuple(fact for fact in facts if not known.holds(fact))


def _tokens(text: str) -> Iterator[tuple[str, int, int]]:
    """The words, numbers and signs of money as they are compared, with where they stand.

    `5pm` is a number and a word, `3rd` the number, and a small number is the same as its word.
    """
    for match in _TOKEN.finditer(text):
        token = match.group().casefold()
        start, end = match.span()
        joined = _JOINED.fullmatch(token) if token[0].isdecimal() else None
        if joined and joined[2] in {"am", "pm", "h"}:
            yield joined[2], start, end
        bare = joined[1] if joined else token
        yield _SAME.get(bare, bare), start, end
