"""Invented people whose manner depends on the mail, and the lessons that follow from them. Seeded.

A persona has a manner, and most have a second one for some of their mails: replies, strangers,
long mails and so on. A lesson comes about as a real one does: the persona writes a mail, and the
rules are measured from what it wrote, never taken from its settings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

from mlx_agent.few_shot import NEIGHBOURS, habits
from mlx_agent.large.offline_rules import rules_for
from mlx_agent.large.offline_writer import baseline, compose
from mlx_agent.pocket import world
from mlx_agent.records import (
    Address,
    ContextMessage,
    Lesson,
    Metadata,
    Recipient,
    Register,
    Rule,
    X,
)
from mlx_agent.style import MARKS, Manner
from mlx_agent.wording import SHORTHAND

Condition = Callable[[X], bool]

CONDITIONS: dict[str, Condition] = {
    "reply": lambda x: x.metadata.reply,
    "same domain": lambda x: _known(x).same_domain,
    "stranger": lambda x: _known(x).earlier_mails <= 3,
    "old hand": lambda x: _known(x).earlier_mails > 20,
    "several points": lambda x: len(x.intent) >= 3,
    "one point": lambda x: len(x.intent) == 1,
    "question": lambda x: any(point.endswith("?") for point in x.intent),
    "several people": lambda x: len(x.metadata.to) + len(x.metadata.cc) > 1,
    "formal mail": lambda x: _known(x).register == "formal",
    "casual mail": lambda x: _known(x).register == "casual",
}
"""What a manner may depend on; all of it can be seen in x."""

_GREETINGS = (
    "", "", "", "Hi {first},", "Hi {first}", "Hi {first} -", "Hi,", "Hello {first},", "Hello,",
    "Hey {first},", "Hey,", "Hey {first}!", "Hi {first}!", "Dear {first},", "Dear {name},",
    "Dear Ms {last},", "Dear Mr {last},", "Dear Dr {last},", "{first},", "{first} -", "{first} --",
    "Good morning {first},", "Good morning {first} -", "Good morning,", "Morning {first},",
    "Good afternoon {first},", "Good evening {first},", "Hi all,", "Hello all,", "Dear all,",
    "Hi team,", "Hi there,", "Hello {first}!", "Greetings,",
)  # fmt: skip
_OPENINGS = (
    "", "", "", "", "", "Hope you are well.", "Hope you're well!", "I hope you are well.",
    "Thanks for your mail.", "Thanks for your email!", "Thank you for your message.",
    "Thanks for getting back to me.", "How are you?", "Great to hear from you!",
    "Good to hear from you.", "Many thanks for your note.", "Hope all is well.",
)  # fmt: skip
_CLOSINGS = (
    "", "", "", "", "Let me know.", "Let me know what you think.", "Thanks!", "Thank you!",
    "Please let me know if that suits you.", "Looking forward to it!", "Talk soon.",
    "I look forward to hearing from you.", "Thanks in advance.", "Have a nice day!", "Many thanks.",
    "Feel free to call me.", "Let me know if that works.", "Have a good weekend.",
)  # fmt: skip
_SIGN_OFFS = (
    "", "", "", "Best,", "Best", "Best regards,", "Kind regards,", "Regards,", "Cheers,", "Cheers!",
    "Thanks,", "Thanks!", "Many thanks,", "Best wishes,", "Sincerely,", "Yours sincerely,",
    "Yours,",
    "All the best,", "Take care,", "Love,", "Warm regards,", "cheers", "thanks,", "best,", "thx",
)  # fmt: skip
_SIGNATURES = (
    "no name", "no name", "first name", "first name", "first name", "full name", "initial",
    "initials", "first name in small letters", "initial in small letters",
    "initial and a full stop",
    "initial in small letters and a full stop",
)  # fmt: skip
_LAYOUTS = (
    "one block", "one block", "one block", "short paragraphs", "a paragraph for each point",
    "numbered list", "bulleted list",
)  # fmt: skip


_SHOWN = 0.9
"""The share of lessons whose x has habits: an agent must do without, too."""
_WHENEVER = datetime(2020, 1, 1, tzinfo=UTC)

_REGISTERS: tuple[Register, ...] = ("formal", "plain", "casual")


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """An invented writer: a manner, and others for the mails that meet their conditions."""

    sender: Address
    domain: str
    usual: Manner
    special: tuple[tuple[str, Manner], ...]
    noise: float

    def manner(self, x: X) -> Manner:
        """The manner of the first condition that x meets, else the usual one."""
        for condition, manner in self.special:
            if CONDITIONS[condition](x):
                return manner
        return self.usual


def persona(random: Random) -> Persona:
    """A random persona; one in five is the same to everybody."""
    domain = random.choice(world.DOMAINS)
    usual = _manner(random)
    count = random.choice((0, 1, 1, 1, 2))
    conditions = random.sample(sorted(CONDITIONS), count)
    return Persona(
        sender=world.person(random, domain),
        domain=domain,
        usual=usual,
        special=tuple((c, _variation(random, usual)) for c in conditions),
        noise=random.choice((0.0, 0.1, 0.2, 0.4)),
    )


def lesson(random: Random, who: Persona) -> Lesson:
    """One mail of a persona as a lesson."""
    x = _mail(random, who)
    manner = who.manner(x)
    if random.random() < who.noise:
        manner = _variation(random, manner)
    text = compose(x, manner)
    key = f"{random.getrandbits(64):016x}"
    return Lesson(
        id=key,
        sample_id=key,
        account="",
        x=x,
        rules=rules_for(x, text, baseline(x)),
        own_text=text,
        baseline=None,
        sent_at=_WHENEVER,
        thread=key,
        strategy="R3",
        calls=(),
    )


def lessons(seed: int) -> Iterator[tuple[X, tuple[Rule, ...]]]:
    """An endless stream: some mails each of ever new personas, in a seeded order."""
    random = Random(seed)
    while True:
        crowd = [_taught(random, persona(random)) for _ in range(24)]
        pairs = [(x, one.rules) for taught in crowd for x, one in taught]
        random.shuffle(pairs)
        yield from pairs


def _taught(random: Random, who: Persona) -> list[tuple[X, Lesson]]:
    """Some mails of a persona, in each x what the ones nearest to it say; in a few, nothing."""
    taught = [lesson(random, who) for _ in range(random.choice((6, 10, 12, 16)))]
    found = []
    for one in taught:
        near = _nearest(random, who, one.x, [other for other in taught if other is not one])
        shown = habits(near, one.x) if random.random() < _SHOWN else ()
        found.append((replace(one.x, habits=shown), one))
    return found


def _nearest(random: Random, who: Persona, x: X, others: list[Lesson]) -> list[Lesson]:
    """As a search finds them: those that x's manner is meant for first, but not surely."""
    luck = random.choice((0.3, 0.7, 1.0))
    random.shuffle(others)
    apart = {o.id: who.manner(o.x) is not who.manner(x) and random.random() < luck for o in others}
    return sorted(others, key=lambda other: apart[other.id])[:NEIGHBOURS]


def _mail(random: Random, who: Persona) -> X:
    same = random.random() < 0.45
    to = [world.person(random, who.domain if same else random.choice(world.DOMAINS))]
    while random.random() < 0.2:
        to.append(world.person(random, random.choice(world.DOMAINS)))
    reply = random.random() < 0.5
    register: Register | None = random.choice(_REGISTERS) if reply else None
    x = X(
        intent=world.points(random, random.choice((1, 1, 2, 2, 3, 3, 4, 5))),
        metadata=Metadata(
            sender=who.sender,
            to=tuple(to),
            subject=("Re: " if reply else "") + world.subject(random),
            reply=reply,
            recipient=Recipient(
                earlier_mails=random.choice((0, 0, 1, 2, 3, 5, 8, 14, 20, 25, 40, 80)),
                same_domain=same,
                register=register,
            ),
        ),
        context=_context(random, to[0], register, who),
    )
    return replace(x, metadata=replace(x.metadata, recipient=_remembered(random, who, x)))


def _context(
    random: Random, author: Address, register: Register | None, who: Persona
) -> tuple[ContextMessage, ...]:
    if register is None:
        return ()
    name = who.sender.name.split()[0]
    return (ContextMessage(author=author, text=world.their_mail(random, register, name)),)


def _remembered(random: Random, who: Persona, x: X) -> Recipient:
    """What an earlier mail to the same recipient left behind, by the persona's own policy."""
    known = _known(x)
    if known.earlier_mails == 0:
        return known
    earlier = replace(
        x,
        intent=world.points(random, random.choice((1, 2, 3))),
        metadata=replace(x.metadata, reply=random.random() < 0.5, to=x.metadata.to[:1]),
    )
    manner = who.manner(earlier)
    return replace(known, greeting=manner.greeting, sign_off=manner.sign_off)


def _known(x: X) -> Recipient:
    return x.metadata.recipient or Recipient()


def _manner(random: Random) -> Manner:
    plain = random.random() < 0.5
    return Manner(
        greeting=random.choice(_GREETINGS),
        inline=random.random() < 0.05,
        opening=random.choice(_OPENINGS),
        contractions=random.random() < 0.5,
        requests=random.choice(("please", "could you", "bare")),
        exclamation=random.choice((0, 0, 0, 1, 2)),
        lower_case=random.random() < 0.2,
        drop_subject=random.random() < 0.3,
        layout=random.choice(_LAYOUTS),
        shorthand=() if plain else _some(random, tuple(SHORTHAND.values()), 0.15),
        marks=_some(random, MARKS, 0.12 if plain else 0.25),
        closing=random.choice(_CLOSINGS),
        sign_off=random.choice(_SIGN_OFFS),
        signature=random.choice(_SIGNATURES),
    )


def _variation(random: Random, manner: Manner) -> Manner:
    """Another manner that shares some aspects with this one, as people's manners do."""
    other = _manner(random)
    fields: dict[str, Any] = {
        name: getattr(other, name) for name in Manner.__dataclass_fields__ if random.random() < 0.6
    }
    return replace(manner, **fields)


def _some(random: Random, choices: tuple[str, ...], share: float) -> tuple[str, ...]:
    return tuple(choice for choice in choices if random.random() < share)
