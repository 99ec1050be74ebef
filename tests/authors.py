"""Authors whose texts are to be told apart: the sample's invented people, and real ones.

Real mail lies beside the repository and is never copied into it.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from tools import absent

from daemon import sample
from daemon.mailbox.parse import build, parse
from mlx_agent.evaluate.attribution import Written, written
from mlx_agent.evaluate.records import Trial
from mlx_agent.large.offline import baseline, intent_points
from mlx_agent.recipients import metadata_of
from mlx_agent.records import Address, Lesson, Mail, Metadata, Rule, X

NOW = datetime(2027, 1, 1, tzinfo=UTC)
PEOPLE = Path(__file__).parent.parent.parent / "shared" / "mail" / "people"
DONORS = {name: Address(name=f"{name.title()} Ek") for name in ("david", "isabel", "marcus")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """A person's mails as lessons without rules, those to train on and later ones."""

    train: tuple[Lesson, ...]
    held_out: tuple[Lesson, ...]

    @property
    def known(self) -> list[Written]:
        return [real(lesson) for lesson in self.train]

    @property
    def unknown(self) -> list[Written]:
        return [real(lesson) for lesson in self.held_out]


def real(lesson: Lesson) -> Written:
    """What the person really wrote."""
    return written(lesson.own_text, lesson.x)


def generic(lessons: Iterable[Lesson]) -> list[Written]:
    """What a machine writes for the same mails without any rules."""
    return [written(baseline(lesson.x), lesson.x) for lesson in lessons]


def a_trial(
    lesson: Lesson, text: str, system: str = "agent R3", rules: Sequence[Rule] = ()
) -> Trial:
    """What a system wrote for a lesson's mail."""
    return Trial(
        id=hashlib.sha256(f"{system}\0{lesson.id}\0{text}".encode()).hexdigest()[:16],
        person=lesson.account,
        mail=lesson.sample_id,
        lesson=lesson.id,
        system=system,
        agent_of=None,
        writer="offline",
        text=text,
        rules=tuple(rules),
    )


def lesson_of(number: int, account: str, metadata: Metadata, text: str) -> Lesson:
    """A lesson without rules."""
    return Lesson(
        id=f"{account}-{number}",
        sample_id=f"{account}-m{number}",
        account=account,
        x=X(intent=intent_points(text, metadata), metadata=metadata),
        rules=(),
        own_text=text,
        baseline=None,
        sent_at=NOW,
        thread=f"<{number}@{account}.example>",
        strategy="R3",
        calls=(),
    )


def lesson_from(number: int, mail: Mail) -> Lesson:
    """The same of a mail."""
    return lesson_of(number, mail.account, metadata_of(mail, None), mail.own_text)


@cache
def sample_authors() -> dict[str, Author]:
    """The three people of the sample mailbox; the later 40 % of their mails are held out."""
    return {person.key: _author(_sample_lessons(person.key)) for person in sample.people()}


def _sample_lessons(key: str) -> list[Lesson]:
    mails = [build(key, parse(raw, NOW)).mail for raw in sample.load(key)]
    teaching = [mail for mail in mails if len(mail.own_text.split()) >= 6 and mail.to]
    return [lesson_from(number, mail) for number, mail in enumerate(teaching)]


def _author(lessons: Sequence[Lesson], share: float = 0.6) -> Author:
    cut = round(len(lessons) * share)
    return Author(train=tuple(lessons[:cut]), held_out=tuple(lessons[cut:]))


@cache
def real_authors() -> dict[str, Author]:
    """Four real people, at most 300 mails of each to train on and 50 more; skips without them."""
    if not PEOPLE.is_dir():
        absent("the mail corpus beside the repository")
    people = {name: _donated(name) for name in DONORS} | {"kean": _manager()}
    return {name: _real_author(lessons) for name, lessons in people.items()}


def _donated(name: str) -> list[Lesson]:
    from mlx_agent.anatomy import dissect

    sender, lessons = DONORS[name], []
    for number, line in enumerate((PEOPLE / f"{name}.jsonl").read_text("utf-8").splitlines()):
        stored = json.loads(line)
        text = stored["email"].replace("\r\n", "\n").strip()
        named = " ".join(w for w in dissect(text, sender, ()).greeting.split()[1:] if w.istitle())
        to = Address(name=named.rstrip(",!:-. ") or "Rob Stone")
        metadata = Metadata(sender=sender, to=(to,), subject=stored.get("subject") or "")
        lessons.append(lesson_of(number, name, metadata, text))
    return lessons


def _manager() -> list[Lesson]:
    files = sorted((PEOPLE / "kean").glob("*.eml"))
    mails = [build("kean", parse(file.read_bytes(), NOW)).mail for file in files]
    return [lesson_from(number, mail) for number, mail in enumerate(mails)]


def _real_author(lessons: Sequence[Lesson]) -> Author:
    """Split by the hash of the text, each text once, of 6 to 160 words."""
    texts = {hashlib.sha256(lesson.own_text.encode()).digest(): lesson for lesson in lessons}
    usable = [texts[key] for key in sorted(texts) if 6 <= len(texts[key].own_text.split()) <= 160]
    count = min(300, round(len(usable) * 0.75))
    return Author(train=tuple(usable[:count]), held_out=tuple(usable[count:][:50]))
