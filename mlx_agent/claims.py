"""The facts that a text states, with their places, and whether other texts hold them. Pure.

What a fact is, `facts` says, by its looks in English; here numbers, dates, times and amounts are
compared by what they come to (`values`), in English, German and French, and names by their words.
A name is a capitalised word inside a sentence, one that begins a sentence in which it does
something, or the name below a mail. In German, where every noun has a capital, it is a word after a
greeting or a title.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mlx_agent import facts, names
from mlx_agent.characters import folded
from mlx_agent.findings import FactKind
from mlx_agent.ordinary import CALENDAR, ORDINARY
from mlx_agent.records import Address, X
from mlx_agent.values import Value, counted, given, values

_LIST_NUMBER = re.compile(r"^[^\S\n]*\d{1,2}[.)](?=\s)", re.MULTILINE)
_PLACES = ("address", "link", "file")
_WORD = re.compile(r"[^\W_]+")
_QUOTED = re.compile(r"[\"“„]([^\"“”„\n]+)[\"”“]")
_DOES = (
    "is|was|will|would|has|had|can|could|said|says|told|asked|asks|wants|wanted|needs|thinks|sent"
    "|called|came|comes|joins|joined|agreed|agrees"
)
_BEGINS = re.compile(
    r"(?:^|(?<=[.!?] )|(?<=\n))(?P<name>[A-ZÀ-ÖØ-Þ][\w'’\-]+)"
    rf"(?= (?:[A-ZÀ-ÖØ-Þ][\w'’\-]+ )?(?:{_DOES})\b)"
)
_GREETS = re.compile(
    r"\b(?:herrn?|frau|dr\.?|prof\.?|hallo|hi|hey|liebe[rs]?|moin|servus|tag|morgen) $",
    re.IGNORECASE,
)
_ADDRESSED = frozenset(
    "herr herrn frau fraulein dr prof damen herren kollegen kolleginnen kollegin kollege team "
    "leute madame monsieur mademoiselle messieurs mesdames maitre je".split()
)
_NO_NAMES = facts.NO_NAMES | (ORDINARY - CALENDAR) | _ADDRESSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A fact as it is written and where it stands; `value` is what it comes to, if it is one."""

    kind: FactKind
    text: str
    start: int
    end: int
    value: Value | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What texts hold: their facts as written, what their values give, their words and links."""

    literal: frozenset[str]
    atoms: frozenset[str]
    words: frozenset[str]
    places: frozenset[str] = field(default=frozenset())

    def holds(self, claim: Claim) -> bool:
        """Whether a fact is in these texts, in whatever form."""
        if claim.kind in _PLACES:
            return _place(claim.text) in self.places
        if claim.kind == "name":
            return self.words.issuperset(_words(claim.text))
        literal = _one_line(claim.text) in self.literal
        if claim.value is None:
            return literal or self.words.issuperset(_words(claim.text))
        return literal or claim.value.held(self.atoms)


def claims(text: str, language: str = "") -> tuple[Claim, ...]:
    """The facts of a text in their order, without overlap."""
    text = _LIST_NUMBER.sub(lambda number: " " * len(number[0]), text)
    looks = facts.find(text)
    bare = list(text)
    for fact in looks:
        if fact.kind in _PLACES:
            bare[fact.start : fact.end] = " " * len(fact.text)
    found = [_of_value(text, value) for value in values("".join(bare)) if value.ways]
    starts = [claim.start for claim in found]
    for fact in looks:
        place = bisect_left(starts, fact.end)
        overlaps = place > 0 and found[place - 1].end > fact.start
        if not overlaps and (fact.kind != "name" or _is_name(text, fact, language)):
            kind: FactKind = fact.kind  # type: ignore[assignment]
            found_here = Claim(kind=kind, text=fact.text, start=fact.start, end=fact.end)
            found.insert(place, found_here)
            starts.insert(place, fact.start)
    taken = {claim.start for claim in found}
    more = [claim for claim in _other_names(text, language) if claim.start not in taken]
    return tuple(sorted([*found, *more], key=lambda claim: claim.start))


def ground(texts: Iterable[str], people: Iterable[Address] = (), points: int = 0) -> Ground:
    """What these texts and people's names and addresses hold; `points` things may be counted."""
    text = "\n".join(texts)
    found = claims(text)
    known = [word for person in people for word in names.words(person)]
    known += [part for person in people for part in _WORD.findall(person.address)]
    places = [_place(claim.text) for claim in found if claim.kind in _PLACES]
    places += [_place(person.address) for person in people]
    return Ground(
        literal=frozenset(_one_line(claim.text) for claim in found),
        atoms=given(values(text)) | counted(points),
        words=frozenset(_words(" ".join([text, *known]))),
        places=frozenset(part for place in places for part in _parts(place)),
    )


def ground_of(x: X, instruction: str = "", rules: Iterable[str] = ()) -> Ground:
    """What a draft for x may hold: x, the user's instruction, and the phrases that rules quote."""
    about = x.metadata
    people = (about.sender, *about.to, *about.cc, *(message.author for message in x.context))
    said = [about.subject, *x.intent, *(m.text for m in x.context), instruction]
    said += [quoted for rule in rules for quoted in _QUOTED.findall(rule)]
    if about.recipient is not None:
        said += [about.recipient.greeting or "", about.recipient.sign_off or ""]
    return ground(said, people, len(x.intent))


def _of_value(text: str, value: Value) -> Claim:
    said = text[value.start : value.end]
    return Claim(kind=value.kind, text=said, start=value.start, end=value.end, value=value)


def _is_name(text: str, fact: facts.Fact, language: str) -> bool:
    if folded(fact.text) in _NO_NAMES or len(fact.text) < 2:
        return False
    return language != "de" or bool(_GREETS.search(text[max(0, fact.start - 12) : fact.start]))


def _other_names(text: str, language: str) -> Iterator[Claim]:
    """Names that begin a sentence, and the one below the text."""
    begun = () if language == "de" else _BEGINS.finditer(text)
    spans = [match.span("name") for match in begun]
    above, last = text.rstrip().rpartition("\n")[::2]
    words = last.split()
    if above and 0 < len(words) <= 3 and all(w[:1].isupper() and w.isalpha() for w in words):
        start = len(above) + 1
        spans += [(m.start() + start, m.end() + start) for m in _WORD.finditer(last)]
    for start, end in spans:
        said = re.sub(r"['’]s$", "", text[start:end])
        if folded(said) not in _NO_NAMES and folded(said) not in CALENDAR and len(said) > 1:
            yield Claim(kind="name", text=said, start=start, end=start + len(said))


def _one_line(text: str) -> str:
    return " ".join(folded(text).split())


def _words(text: str) -> set[str]:
    """The words of a text as names are compared: without case, accents and the genitive's end."""
    return {folded(word) for word in _WORD.findall(re.sub(r"['’]s\b", "", text))}


def _place(written: str) -> str:
    """A link, an address or a file's name as it is compared."""
    bare = re.sub(r"^(?:https?://)?(?:www\.)?", "", written.casefold())
    return bare.rstrip("/")


def _parts(place: str) -> tuple[str, ...]:
    """What is said along with a link or an address: its host."""
    host = re.split(r"[/?#]", place.rpartition("@")[2])[0]
    return place, host
