"""Invented things to write about: points, subjects, names and other people's mails. Seeded.

A quarter of the nouns are made-up words, so that the base learns the form of a mail and not its
contents.
"""

from __future__ import annotations

from random import Random

from mlx_agent.records import Address

FIRST = (
    "Ines Tomas Wanda Piet Salma Oskar Lior Marta Jun Freya Hugo Nadia Emil Zora Kofi Ruth Iker "
    "Lena Amos Priya Nils Vera Tariq Olga Rui Hanna Milo Sana Ivo Greta Aldo Mina Per Yara Leon "
    "Dora Sven Thea Omar Nora Jack Rosa Paul Kate Ian Sue"
).split()
LAST = (
    "Varga Okafor Brandt Silva Mori Keller Haddad Novak Larsen Petit Rossi Dunn Castle Weber "
    "Ahmadi Quist Tanaka Moreau Byrne Costa Falk Ferrer Grant Hale Iversen Jonas Kruse Lund Marsh "
    "Nagy Orr Parks Reyes Stone Thorn Urban Vance Wirth Young Zeman"
).split()
DOMAINS = (
    "norrland",
    "tidewater",
    "bluegate",
    "fernhall",
    "oakmere",
    "sunforge",
    "lakeside",
    "ravel",
)
THINGS = (
    "budget report contract invoice schedule agenda draft order room slides list plan offer survey "
    "manual parcel ticket key file data photo letter quote sample printer server website cable "
    "roof garden kitchen window bike van pump score record deposit licence permit form map "
    "poster menu"
).split()
DAYS = "Monday Tuesday Wednesday Thursday Friday today tomorrow tonight".split()
PLACES = "office station harbour school library hall workshop cafe site lab clinic hotel".split()
STATES = (
    "ready late wrong missing done broken fine open closed too expensive paid booked new".split()
)
VERBS = "send check update print sign move cancel book fix review bring copy order forward".split()
_SYLLABLES = "ba ko ri ten lo mar vi su dra pel go nim fa tor ze lun".split()

_STATEMENTS = (
    "The {thing} is {state}",
    "I have sent the {thing} to {first}",
    "I will bring the {thing} on {day}",
    "I am at the {place} until {n}",
    "We need {n} more {thing}s by {day}",
    "The meeting is on {day} at {n} in the {place}",
    "I cannot come on {day} because of the {thing}",
    "{first} has not seen the {thing} yet",
    "I think the {thing} of {day} was better than the one for the {place}",
    "I would like to talk about the {thing} before {day}",
    "There is a problem with the {thing} and it will take {n} days",
    "I do not agree with the {thing}",
    "The {place} costs {n} a week",
    "I am attaching the {thing}",
    "We are moving the {thing} to the {place}",
    "{first} and {other} will join us at {n}",
    "It is not the {thing} that is {state} but the {other_thing}",
    "I was told that the {thing} will be {state} by {day}",
    "I got the {thing}, the {other_thing} is still with {first}",
    "That is all I have on the {thing}",
    "I spoke to {first} about the {thing}",
    "You are right about the {thing}",
)
_REQUESTS = (
    "{verb} the {thing} by {day}",
    "{verb} the {thing} and the {other_thing} when you can",
    "Call me about the {thing}",
    "Send me the {thing} of the {place}",
    "Ask {first} whether the {thing} is {state}",
    "Tell {first} that I will be at the {place}",
)
_QUESTIONS = (
    "Is the {thing} {state}?",
    "Are you at the {place} on {day}?",
    "When will the {thing} be {state}?",
    "Do you have the {thing} for {day}?",
    "What is the price of the {thing}?",
    "Who has the {thing} now?",
    "Would {day} at {n} work for you?",
)
_SUBJECTS = (
    "{thing}",
    "{thing} for {day}",
    "the {thing}",
    "{place} {thing}",
    "question about {thing}",
)
_THEIR_MAIL = {
    "formal": "Dear {name}, I am writing to you about the {thing}. {point}. Yours sincerely",
    "plain": "Hello {name}, {point}. {more}. Regards",
    "casual": "hey {name}! {point}, don't worry about the {thing} :) cheers",
}


def pseudo_word(random: Random) -> str:
    """A made-up noun of two or three syllables."""
    return "".join(random.choices(_SYLLABLES, k=random.choice((2, 2, 3))))


def person(random: Random, domain: str) -> Address:
    """An invented person at `domain`."""
    first, last = random.choice(FIRST), random.choice(LAST)
    return Address(name=f"{first} {last}", address=f"{first}.{last}@{domain}.example".lower())


def points(random: Random, count: int) -> tuple[str, ...]:
    """What to say, as neutral bullets: statements, requests and questions."""
    kinds = random.choices((_STATEMENTS, _REQUESTS, _QUESTIONS), (6, 2, 2), k=count)
    return tuple(_capital(_fill(random, random.choice(kind))) for kind in kinds)


def subject(random: Random) -> str:
    """A subject line."""
    return _fill(random, random.choice(_SUBJECTS))


def their_mail(random: Random, register: str, name: str) -> str:
    """The mail being answered, in a register."""
    text = _THEIR_MAIL[register].replace("{name}", name)
    said = points(random, 2)
    return _fill(random, text.replace("{point}", said[0]).replace("{more}", said[1]))


def _fill(random: Random, template: str) -> str:
    values = {
        "thing": _thing(random),
        "other_thing": _thing(random),
        "state": random.choice(STATES),
        "day": random.choice(DAYS),
        "place": random.choice(PLACES),
        "first": random.choice(FIRST),
        "other": random.choice(FIRST),
        "verb": random.choice(VERBS),
        "n": str(random.randint(2, 60)),
    }
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", value)
    return template


def _thing(random: Random) -> str:
    return pseudo_word(random) if random.random() < 0.25 else random.choice(THINGS)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
