"""Who is in a corpus, who of them is chosen, and under which names. Pure but for the reading.

A corpus is read twice: to count what each person has, and to take what was chosen. Counts are all
that is kept of the first time, besides the digests of mails that may be there more than once.
"""

from __future__ import annotations

import hashlib
import random
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from daemon.corpora.records import Corpus, Found, Skipped, Text
from daemon.research_errors import PeopleMissing
from mlx_agent.evaluate.sampling import draw

OTHER_SENDER, COPY = "a mail that somebody else sent", "a copy"
_LONGEST = 31
"""Characters of an account's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person of a corpus: their account's name, what is theirs, and how many texts."""

    key: str
    account: str
    name: str
    addresses: tuple[str, ...]
    texts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """The people of a corpus by their accounts' names, and why rows gave no text."""

    people: dict[str, Person]
    skipped: dict[str, int]


def survey(corpus: Corpus, found: Iterable[Found]) -> Survey:
    """Read a corpus to its end, and say who is in it."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    names: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    skipped = Counter[str]()
    for each in _once(found, skipped):
        counts[each.person][each.address] += 1
        names[each.person, each.address][each.name] += 1
    people: dict[str, Person] = {}
    for key, addresses in sorted(counts.items()):
        person = _person(corpus, key, addresses, names)
        skipped[OTHER_SENDER] += addresses.total() - person.texts
        account = _free(person.account, key, people)
        people[account] = replace(person, account=account)
    return Survey(people=people, skipped=dict((+skipped).most_common()))


def chosen(
    corpus: Corpus, people: dict[str, Person], *, who: Sequence[str] | int, seed: int, least: int
) -> list[Person]:
    """The people named, or so many drawn by the seed; raises PeopleMissing."""
    if not isinstance(who, int):
        return [_named(corpus, people, name, least) for name in who]
    enough = [name for name, person in people.items() if person.texts >= least]
    if not enough:
        raise PeopleMissing(corpus.name, "", least)
    return [people[name] for name in draw(enough, who, seed)]


def wanted(
    found: Iterable[Found], people: Iterable[Person], *, seed: int, most: int | None
) -> Iterator[tuple[Person, Text]]:
    """The texts of these people, as they come; of each at most so many, drawn by the seed."""
    by_key = {person.key: person for person in people}
    places = {key: _places(person, seed, most) for key, person in by_key.items()}
    seen = Counter[str]()
    for each in _once(found, Counter()):
        person = by_key.get(each.person)
        if person is None or each.address not in person.addresses:
            continue
        place, seen[each.person] = seen[each.person], seen[each.person] + 1
        if place in places[each.person]:
            yield person, each


def account_name(person: str) -> str:
    """A person as the name of an account: small letters, digits and hyphens, 31 at most."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", person) if not unicodedata.combining(c))
    plain = bare.encode("ascii", "ignore").decode("ascii")
    name = re.sub(r"[^a-z0-9_]+", "-", plain.lower()).strip("-_")
    if 0 < len(name) <= _LONGEST and len(plain) == len(bare):
        return name
    return f"{name[:24].rstrip('-_') or 'person'}-{_mark(person)}"


def _mark(person: str) -> str:
    return hashlib.sha256(person.encode("utf-8", "replace")).hexdigest()[:6]


def _once(found: Iterable[Found], skipped: Counter[str]) -> Iterator[Text]:
    """Texts, copies once; what gives none is counted."""
    seen: set[int] = set()
    for each in found:
        if isinstance(each, Skipped):
            skipped[each.reason] += 1
        elif each.digest is not None and each.digest in seen:
            skipped[COPY] += 1
        else:
            seen |= {each.digest} if each.digest is not None else set()
            yield each


def _person(
    corpus: Corpus,
    key: str,
    counts: Counter[str],
    names: dict[tuple[str, str], Counter[str]],
) -> Person:
    addresses = corpus.addresses(key, counts)
    called = sum((names[key, address] for address in addresses), Counter[str]())
    return Person(
        key=key,
        account=account_name(key),
        name=max(sorted(called), key=lambda name: (bool(name), called[name])),
        addresses=addresses,
        texts=sum(counts[address] for address in addresses),
    )


def _free(account: str, key: str, taken: Iterable[str]) -> str:
    return f"{account[:24]}-{_mark(key)}" if account in taken else account


def _named(corpus: Corpus, people: dict[str, Person], name: str, least: int) -> Person:
    found = people.get(account_name(name)) or people.get(name)
    if found is None:
        raise PeopleMissing(corpus.name, name, least)
    return found


def _places(person: Person, seed: int, most: int | None) -> range | frozenset[int]:
    if most is None or most >= person.texts:
        return range(person.texts)
    drawn = random.Random(f"{seed} {person.key}").sample(range(person.texts), most)
    return frozenset(drawn)
