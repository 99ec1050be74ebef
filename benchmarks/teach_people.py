"""What teaching makes of four people's mail, and what it would cost with the default models."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import leaks
from benchmarks.mail import Figure
from benchmarks.people import ADDRESSES, fill
from benchmarks.taught import tasks_of
from benchmarks.teach_speed import in_a_process
from daemon.jobs.tasks import plan_teaching
from daemon.store import lessons as lesson_store
from mlx_agent import render
from mlx_agent.large.prices import as_of, known_price
from mlx_agent.records import Lesson, Price, Rule
from mlx_agent.rules import RulesMalformed, format_rules, parse_rules, trusted
from mlx_agent.teach.cost import (
    CHARS_PER_TOKEN,
    THINKING_TOKENS,
    Estimate,
    Foreseen,
    estimate,
    foresee,
)

OFFLINE = {"models": {"teacher": "offline", "writer": "offline"}}
MODELS = ("claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5")
SAMPLE = 500


def people(scratch: Path, brief: bool) -> Iterator[Figure]:
    """Lessons and reasons of each person, and whether the rules can be trusted."""
    limit = {"teach": {"limit": 60 if brief else 1_000}}
    asyncio.run(fill(scratch, OFFLINE | limit))
    seconds = generalised = dropped = lessons = 0.0
    for who in ADDRESSES:
        run = in_a_process(scratch, account=who)
        made = run.outcome
        seconds += run.seconds
        generalised += made["rules_generalised"]
        dropped += made["rules_dropped"]
        lessons += made["lessons"]
        left_out = ", ".join(f"{count} {reason}" for reason, count in made["left_out"].items())
        yield Figure(
            what=f"{who}: lessons",
            value=made["lessons"],
            note=f"{made['set_aside']} set aside; left out: {left_out or 'none'}",
        )
    yield Figure(
        what="time for 1,000 mails that teach",
        value=seconds / lessons * 1e3,
        unit="s",
        note=f"{lessons:.0f} lessons by the offline teacher, the store included",
    )
    yield from _rules(scratch, generalised, dropped)


def _rules(home: Path, generalised: float, dropped: float) -> Iterator[Figure]:
    stored = asyncio.run(_lessons(home))
    every = [(lesson, rule) for lesson in stored for rule in lesson.rules]
    valid = sum(is_valid(lesson, rule) for lesson, rule in every)
    yield Figure(
        what="rules that parse and that the filter leaves as they are, of all",
        value=valid / len(every),
        at_least=0.99,
        note=f"{valid} of {len(every)}; {generalised:.0f} had been generalised, "
        f"{dropped:.0f} dropped",
    )
    found = leaks.look(list(leaks.read(home / "trimtab.db")), SAMPLE, seed=1)
    leaked = sum(bool(wrong & {*leaks.KINDS}) for wrong, _ in found.bad)
    invalid = sum(bool(wrong & {*leaks.FLAWS}) for wrong, _ in found.bad)
    counted = f"by code that shares none, seed 1, of {found.rules} rules"
    what = f"rules with a leaked fact, of {found.sampled}"
    yield Figure(what=what, value=leaked, at_most=0, note=counted)
    what = f"invalid rules, of {found.sampled}"
    yield Figure(what=what, value=invalid, at_most=found.sampled // 100, note=counted)


def is_valid(lesson: Lesson, rule: Rule) -> bool:
    """Whether a rule reads back as it is, and the filter of facts has nothing against it."""
    try:
        parsed = parse_rules(format_rules([rule]))
    except RulesMalformed:
        return False
    checked = trusted([rule], lesson.x, lesson.own_text, lesson.baseline)
    return parsed == (rule,) and rule in checked.rules


async def _lessons(home: Path) -> list[Lesson]:
    async with tasks_of(home) as tasks:
        return [
            lesson
            for who in ADDRESSES
            for lesson in await tasks.database.read(lesson_store.lessons, who)
        ]


# --- what it would cost -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What mails cost by question (an `Estimate` each, of `mails` mails in all)."""

    mails: int
    questions: Mapping[str, Estimate]

    @property
    def usd(self) -> float:
        """USD for one mail."""
        return sum(one.cost_usd or 0.0 for one in self.questions.values()) / self.mails


def cost(scratch: Path, brief: bool) -> Iterator[Figure]:
    """Tokens of a mail by question, and USD for the default models, live and in batches."""
    limit = {"teach": {"limit": 60 if brief else 1_000}}
    asyncio.run(fill(scratch, OFFLINE | limit))
    foreseen = asyncio.run(_foreseen(scratch))
    tokens = priced(foreseen, None, batch=False)
    for name, one in tokens.questions.items():
        thought = THINKING_TOKENS.get(name, 0)
        yield Figure(
            what=f"{name}: tokens of a mail in and out",
            value=(one.input_tokens + one.output_tokens) / tokens.mails,
            note=f"{one.input_tokens / tokens.mails:.0f} in and "
            f"{one.output_tokens / tokens.mails:.0f} out, {thought} of them assumed for thinking; "
            f"{one.calls / tokens.mails:.2f} calls",
        )
    for model in MODELS:
        for how, batch in (("live", False), ("in batches", True)):
            usd = priced(foreseen, known_price(model), batch=batch).usd
            yield Figure(
                what=f"{model}, {how}: a mail",
                value=usd,
                unit="USD",
                note=f"{usd * 1e3:.2f} USD for 1,000 mails; list prices of {as_of()}",
            )
    yield Figure(
        what="mails that this was measured over",
        value=tokens.mails,
        note=f"{CHARS_PER_TOKEN} characters a token, as an older Claude counted over real mails; "
        "answers of the offline teacher's size; thinking is assumed; no discount for the cache",
    )


def priced(foreseen: Iterable[Foreseen], price: Price | None, *, batch: bool) -> Cost:
    """The cost of these questions; the same questions give the same sum however they are split."""
    by_prompt: dict[str, list[Foreseen]] = defaultdict(list)
    samples = set()
    for one in foreseen:
        by_prompt[render.prompt_name(one.ask.task)].append(one)
        samples.add(one.ask.sample_id)
    questions = {name: estimate(some, price, batch=batch) for name, some in by_prompt.items()}
    return Cost(mails=len(samples), questions=questions)


async def _foreseen(home: Path) -> list[Foreseen]:
    async with tasks_of(home) as tasks:
        found: list[Foreseen] = []
        for who in ADDRESSES:
            plan = await plan_teaching(tasks.config, tasks.database, tasks.door, who)
            found += foresee(plan.items, plan.recipe, {})
        return found
