"""What happens: who is written to, when, about what, in answer to what. Seeded, without manner."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Literal

from daemon.sample.cast import SamplePerson
from mlx_agent.records import Address

MAILS = 170
START = datetime(2024, 9, 2, 7, 30, tzinfo=UTC)

PointKind = Literal["statement", "request", "question"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One thing to say, in neutral words and without a stop."""

    kind: PointKind
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One mail that is to be written."""

    number: int
    at: datetime
    sender: Address
    to: tuple[Address, ...]
    subject: str
    points: tuple[Point, ...]
    earlier: int
    inside: bool
    official: bool
    answers: str
    thread: tuple[str, ...]

    @property
    def reply(self) -> bool:
        """Whether it answers a mail."""
        return bool(self.answers)


def situations(person: SamplePerson, seed: int) -> list[Situation]:
    """The person's mails to be, oldest first."""
    random = Random(f"{seed}:{person.key}")
    circle = _circle(person)
    written: Counter[str] = Counter()
    last: dict[str, tuple[str, str]] = {}
    found = []
    at = START
    for number in range(MAILS):
        at += timedelta(hours=random.randint(20, 170), minutes=random.randint(0, 59))
        to = _recipients(random, circle)
        subject, thread = _thread(random, person, to[0], last, number)
        found.append(
            Situation(
                number=number,
                at=at,
                sender=person.address,
                to=to,
                subject=subject,
                points=_points(random, person),
                earlier=written[to[0].address],
                inside=_domain(to[0]) == _domain(person.address),
                official=to[0].name.startswith("Dr "),
                answers=_their_mail(random, person, to[0]) if thread else "",
                thread=thread,
            )
        )
        written[to[0].address] += 1
        last[to[0].address] = (subject, f"<{person.key}.{number}@{_domain(person.address)}>")
    return found


def fill(random: Random, template: str, words: dict[str, tuple[str, ...]]) -> str:
    """A template with a word for each of its places."""
    for name, choices in words.items():
        template = template.replace(f"{{{name}}}", random.choice(choices))
    return template[:1].upper() + template[1:]


def _circle(person: SamplePerson) -> list[Address]:
    inside = [(name, _domain(person.address)) for name in person.inside]
    return [
        Address(name=name, address=f"{name.removeprefix('Dr ').split()[0].lower()}@{domain}")
        for name, domain in (*inside, *person.outside)
    ]


def _recipients(random: Random, circle: list[Address]) -> tuple[Address, ...]:
    """Mostly one; colleagues and a few others more often than the rest."""
    weights = [6 if i < 6 else 4 if i < 9 else 2 for i in range(len(circle))]
    first = random.choices(circle, weights)[0]
    if random.random() > 0.15:
        return (first,)
    others = [one for one in circle if one != first and _domain(one) == _domain(first)]
    return (first, *random.sample(others, min(len(others), random.randint(1, 3))))


def _thread(
    random: Random,
    person: SamplePerson,
    to: Address,
    last: dict[str, tuple[str, str]],
    number: int,
) -> tuple[str, tuple[str, ...]]:
    """(subject, the ids that it refers to); a reply may go on from the person's own last mail."""
    theirs = f"<{number}.reply@{_domain(to)}>"
    if to.address in last and random.random() < 0.3:
        subject, mine = last[to.address]
        return subject if subject.startswith("Re: ") else f"Re: {subject}", (mine, theirs)
    subject = fill(random, random.choice(person.subjects), person.words)
    return (f"Re: {subject}", (theirs,)) if random.random() < 0.35 else (subject, ())


def _points(random: Random, person: SamplePerson) -> tuple[Point, ...]:
    count = random.choice((1, 1, 2, 2, 2, 3, 3, 4, 5))
    kinds: list[tuple[PointKind, tuple[str, ...]]] = [
        ("statement", person.statements),
        ("request", person.requests),
        ("question", person.questions),
    ]
    found: list[Point] = []
    while len(found) < count:
        kind, templates = random.choices(kinds, (6, 2, 2))[0]
        text = fill(random, random.choice(templates), person.words)
        if all(point.text != text for point in found):
            found.append(Point(kind=kind, text=text))
    return tuple(found)


def _their_mail(random: Random, person: SamplePerson, author: Address) -> str:
    """The mail that is answered, in its author's own manner, which does not change."""
    said = fill(random, random.choice(person.statements), person.words)
    asked = fill(random, random.choice(person.questions), person.words)
    first = person.address.name.split()[0]
    last = person.address.name.split()[-1]
    name = author.name.removeprefix("Dr ")
    manner = sum(map(ord, author.address)) % 3
    if author.name.startswith("Dr ") or manner == 0:
        return f"Dear Dr {last},\n\n{said}. {asked}\n\nYours sincerely,\n{name}"
    if manner == 1:
        return f"Hello {first},\n\n{said}. {asked}\n\nRegards,\n{name}"
    return f"hey {first}! {said[:1].lower()}{said[1:]}, don't worry :)\n{asked}\n{name.split()[0]}"


def _domain(address: Address) -> str:
    return address.address.partition("@")[2]
