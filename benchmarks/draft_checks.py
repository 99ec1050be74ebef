"""What is found in drafts of real mail, and what would be found (`make bench-checks`).

    PYTHONPATH=tests python -m benchmarks.draft_checks [--brief]

The latest 50 mails of each of four people are held out; what is older is taught by the offline
model. Each held-out mail's bullets go through the daemon's own drafting, on the rungs below the
agent: rules from the nearest of the older lessons, the offline writer, the checks, the store.

    drafts      the share of mails of which every bullet is covered, and those with a fact that is
                not supported
    own mails   what the checks find in the mails that the people wrote from those bullets, which
                say all of them: false alarms, but for what the bullets lack
    planted     the share of faults that are found: a bullet that is left out, a `not` that is, a
                fact that is changed, and a sentence with a fact that x does not hold
    tidying     the mails that `tidy` would change of all that the people wrote, and of all drafts

Needs the people's mail beside the repository; ends with 1 where a bound is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import people
from benchmarks.teach import Result, opened
from daemon.draft_records import Done, DraftRequest
from daemon.drafting import Drafter
from daemon.jobs.tasks import lessons_to_train
from daemon.store.database import Database
from daemon.store.known import Known
from daemon.store.nearest import nearest_among
from mlx_agent.card import style_card
from mlx_agent.checks import check, uncovered, unsupported
from mlx_agent.claims import claims, ground, ground_of
from mlx_agent.findings import Checks
from mlx_agent.large.offline import Offline, write
from mlx_agent.records import AgentAnswer, Draft, DraftTask, Lesson, Recipient, StyleCard, X
from mlx_agent.tidy import tidied

HELD_OUT, BRIEF = 50, 10
"""Mails of each person."""
COVERED = 0.98
FOUND = 0.9
"""What is planted is found so often at the least."""

PLANTED = {
    "number": "There are 8374 of them.",
    "date": "It is on {day}, the 29th of {month}.",
    "time": "It begins at 4:47am.",
    "amount": "It costs 7319 euros.",
    "name": "I have told Oswaldina about it.",
    "address": "Write to oswaldina@quibble.example about it.",
    "link": "See https://quibble.example/zz for it.",
}
CHANGED = {"number": {"number", "amount", "time"}, "date": {"date"}, "name": {"name"}}
TURNED = "every `not` is left out"
"""Told without a bound: a draft that denies anything at all is taken at its word."""
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January February April June July September October November December".split()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """A lesson that no rule was taken from, the older ones of its person, and its own draft."""

    lesson: Lesson
    draft: Draft
    checks: Checks

    @property
    def task(self) -> DraftTask:
        """What the writer was asked."""
        return DraftTask(x=self.draft.x, rules=self.draft.rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class Older:
    """What drafting is told of an account: its older lessons alone, and no agent."""

    lessons: Sequence[Lesson]

    async def rules(self, account: str, x: X) -> AgentAnswer | None:
        """There is no adapter."""
        del account, x

    async def nearest(self, account: str, x: X, limit: int) -> list[Lesson]:
        """As the store would find them."""
        del account
        return list(nearest_among(self.lessons, [x], limit)[0])

    async def card(self, account: str) -> StyleCard | None:
        """Measured from the same mails."""
        del account
        return style_card([(one.x, one.own_text) for one in self.lessons])


async def drafted(
    database: Database, who: str, lessons: Sequence[Lesson], held: int
) -> list[HeldOut]:
    """The drafts of the latest lessons, each as a client would ask for it."""
    in_time = sorted(lessons, key=lambda one: (one.sent_at, one.id))
    agents = Older(lessons=in_time[:-held])
    known: dict[str, Recipient | None] = {
        one.id: one.x.metadata.recipient for one in in_time[-held:]
    }

    def recipient(request: DraftRequest, _: Known) -> Recipient | None:
        return known[request.key]

    drafter = Drafter(
        database=database,
        agents=agents,
        writer=lambda *_: Offline(),
        recipient=recipient,
        clock=lambda: datetime.now(UTC),
    )
    found = []
    for lesson in in_time[-held:]:
        done = [event async for event in drafter.draft(_request(who, lesson))][-1]
        assert isinstance(done, Done)
        found.append(HeldOut(lesson=lesson, draft=done.draft, checks=done.checks))
    return found


def _request(who: str, lesson: Lesson) -> DraftRequest:
    about = lesson.x.metadata
    return DraftRequest(
        account=who,
        key=lesson.id,
        sender=about.sender,
        bullets=lesson.x.intent,
        to=about.to,
        cc=about.cc,
        subject=about.subject,
        context=lesson.x.context,
        reply=about.reply,
    )


# --- the drafts -------------------------------------------------------------------------------


def of_drafts(held: Sequence[HeldOut]) -> list[Result]:
    """What the checks found in the drafts as they were stored."""
    covered = sum(not one.checks.uncovered for one in held)
    odd = sum(bool(one.checks.unsupported) for one in held)
    wrong = sum(one.checks.language is not None for one in held)
    rungs = ", ".join(sorted({one.draft.provenance.rung for one in held}))
    return [
        Result(what="held-out mails, bullets", measured=f"{len(held)}, {_bullets(held)}"),
        Result(what="  rungs of the ladder", measured=rungs),
        Result(
            what="drafts with every bullet covered",
            measured=f"{covered} of {len(held)}, {covered / len(held):.1%}",
            bound=f"{COVERED:.0%}",
            met=covered >= COVERED * len(held),
        ),
        Result(what="drafts with an unsupported fact", measured=str(odd), bound="0", met=not odd),
        Result(what="drafts in the wrong language", measured=str(wrong), bound="0", met=not wrong),
    ]


def _bullets(held: Sequence[HeldOut]) -> int:
    return sum(len(one.lesson.x.intent) for one in held)


def of_own_mails(held: Sequence[HeldOut]) -> list[Result]:
    """What the checks say of the true mails."""
    found = [check(one.lesson.own_text, one.task) for one in held]
    lost = sum(len(checks.uncovered) for checks in found)
    odd = [fact.kind for checks in found for fact in checks.unsupported]
    mails = sum(checks.findings > 0 for checks in found)
    return [
        Result(
            what="the people's own mails: false alarms",
            measured=f"{mails} of {len(held)}, {mails / len(held):.1%}",
        ),
        Result(
            what="  bullets, facts that are not in x, language",
            measured=f"{lost}, {len(odd)} ({', '.join(sorted(set(odd))) or 'none'}), "
            f"{sum(checks.language is not None for checks in found)}",
        ),
    ]


# --- what is planted --------------------------------------------------------------------------


def of_planted(held: Sequence[HeldOut]) -> list[Result]:
    """How many of the faults that are put into the drafts are found."""
    tried: dict[str, list[bool]] = {}
    for one in held:
        for name, seen in (*_left_out(one), *_turned(one), *_changed(one), *_foreign(one)):
            tried.setdefault(name, []).append(seen)
    results = []
    for name, seen in tried.items():
        share, bound = sum(seen) / len(seen), "" if name == TURNED else f"{FOUND:.0%}"
        results.append(
            Result(
                what=f"planted: {name}",
                measured=f"{sum(seen)} of {len(seen)}, {share:.1%}",
                bound=bound,
                met=not bound or share >= FOUND,
            )
        )
    return results


def _left_out(one: HeldOut) -> Iterator[tuple[str, bool]]:
    """A bullet that the writer never saw."""
    points = one.lesson.x.intent
    if len(points) > 1:
        place = _chosen(one, len(points))
        less = replace(one.draft.x, intent=(*points[:place], *points[place + 1 :]))
        found = uncovered(one.draft.x, write(less, one.draft.rules))
        yield "a bullet is left out", any(lost.position == place for lost in found)


def _turned(one: HeldOut) -> Iterator[tuple[str, bool]]:
    """Every `not` of the draft is gone, where a bullet has one."""
    negation = re.compile(r"n['’]t\b|(?<=\bcan)not\b|\b(?:not|never) ", re.IGNORECASE)
    if any(map(negation.search, one.draft.x.intent)):
        yield TURNED, bool(uncovered(one.draft.x, negation.sub("", one.draft.text)))


def _changed(one: HeldOut) -> Iterator[tuple[str, bool]]:
    """A number, a date and a name of the draft that is another one, which x does not hold.

    It is a fact that nothing supports; and where a bullet had the true one, and the draft has it
    nowhere else, the bullet lacks it.
    """
    held, text = ground_of(one.draft.x), one.draft.text
    for name, kinds in CHANGED.items():
        some = [c for c in claims(text) if c.kind in kinds and (other := _other(name, c.text))]
        if not some:
            continue
        chosen = some[_chosen(one, len(some))]
        other = _other(name, chosen.text)
        changed = text[: chosen.start] + other + text[chosen.end :]
        new = next((c for c in claims(changed) if c.start == chosen.start), None)
        if new is None or held.holds(new):
            continue
        odd = unsupported(changed, one.task)
        yield f"another {name}, as a fact", any(f.start == chosen.start for f in odd)
        points = [i for i, p in enumerate(one.draft.x.intent) if chosen.text in p]
        if points and name != "name" and not ground([changed]).holds(chosen):
            lost = {missing.position for missing in uncovered(one.draft.x, changed)}
            yield f"another {name}, missing in the bullet", bool(lost & set(points))


def _other(name: str, text: str) -> str:
    """Another one of its kind, empty where there is none."""
    if name == "name":
        return "Oswaldina"
    if name == "date":
        place = next((i for i, day in enumerate(DAYS) if day.lower() == text.lower()), None)
        return "" if place is None else DAYS[(place + 3) % 7]
    found = re.search(r"\d", text)
    return re.sub(r"\d", str((int(found[0]) + 3) % 9 + 1), text, count=1) if found else ""


def _foreign(one: HeldOut) -> Iterator[tuple[str, bool]]:
    """A sentence in the midst of the draft with a fact that x does not hold."""
    said = f"{one.draft.x.intent} {one.draft.x.context} {one.draft.x.metadata}".lower()
    day = next((day for day in DAYS if day[:3].lower() not in said), None)
    month = next((month for month in MONTHS if month[:3].lower() not in said), None)
    for kind, sentence in PLANTED.items():
        if kind == "date" and (day is None or month is None):
            continue
        told = sentence.format(day=day, month=month)
        above, gap, below = one.draft.text.partition("\n\n")
        place = len(above) + len(gap)
        text = f"{above}{gap}{told} {below}"
        odd = unsupported(text, one.task)
        seen = any(f.kind == kind and place <= f.start < place + len(told) for f in odd)
        yield f"a foreign {kind}", seen


def _chosen(one: HeldOut, among: int) -> int:
    """A place that is the same in every run."""
    return int(hashlib.sha256(one.lesson.own_text.encode()).hexdigest(), 16) % among


# --- tidying ----------------------------------------------------------------------------------


def of_tidying(lessons: Iterable[Lesson], held: Sequence[HeldOut]) -> list[Result]:
    """Whether anything of what people write is taken for a model's talk."""
    own = [(one.own_text.strip("\n "), one.x) for one in lessons]
    own += [(one.draft.text, one.draft.x) for one in held]
    cut = sum(tidied(text, x) != text for text, x in own)
    return [
        Result(what=f"tidying: of {len(own)} mails cut", measured=str(cut), bound="0", met=not cut)
    ]


# --- the command ------------------------------------------------------------------------------


@asynccontextmanager
async def taught(scratch: Path) -> AsyncIterator[tuple[Database, dict[str, list[Lesson]]]]:
    """Four people's lessons by the offline model, and the store that they are in."""
    paths, chosen = await people.fill(scratch, {})
    async with opened(paths, chosen) as tasks:
        found = {}
        for who in chosen.accounts:
            await tasks.teach(who, lambda _: None)
            found[who] = list(await lessons_to_train(tasks.config, tasks.database, tasks.door, who))
        yield tasks.database, found
        await tasks.worker.close()


async def measured(scratch: Path, *, brief: bool) -> list[Result]:
    """All lines of the table."""
    async with taught(scratch) as (database, lessons):
        held = [
            one
            for who, its in lessons.items()
            for one in await drafted(database, who, its, BRIEF if brief else HELD_OUT)
        ]
    every = [lesson for its in lessons.values() for lesson in its]
    return [*of_drafts(held), *of_own_mails(held), *of_planted(held), *of_tidying(every, held)]


def main() -> int:
    """Print the table; 1 where a bound is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--brief", action="store_true", help="fewer mails of each person")
    asked = parser.parse_args()
    if not people.FOLDER.is_dir():
        print(f"there is no mail in {people.FOLDER}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as scratch:
        lines = asyncio.run(measured(Path(scratch), brief=asked.brief))
    table = Table("measured", "result", "bound", "", title="The checks of drafts")
    for line in lines:
        sign = ("met" if line.met else "MISSED") if line.bound else ""
        table.add_row(line.what, line.measured, line.bound, sign)
    Console(width=110).print(table)
    return 0 if all(line.met for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
