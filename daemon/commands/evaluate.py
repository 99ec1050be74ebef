"""`eval`: the agent against its rivals on held-out mails; with `--use`, in use."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from daemon.commands.output import console, print_json, say
from daemon.commands.session import choose_account, load, local_app
from daemon.errors import AgentMissing
from daemon.habits import with_habits
from daemon.jobs.tasks import lessons_to_train
from daemon.jobs.worker import Worker
from daemon.records import Outcome
from daemon.store import edits as edit_store
from daemon.store.database import Database
from daemon.store.nearest import nearest_among
from daemon.use import Use, by_week, use_of
from mlx_agent import adapters, codec
from mlx_agent.card import style_card
from mlx_agent.evaluate.compare import Comparison, Condition, Evaluation
from mlx_agent.evaluate.compare import evaluate as measure
from mlx_agent.few_shot import NEIGHBOURS, few_shot_rules
from mlx_agent.records import Lesson, Rule
from mlx_agent.teach.dataset import Splits, split

AGENT, FEW_SHOT, CARD, ZERO_SHOT = "agent", "few-shot", "style card", "zero-shot"


async def evaluate(account: str | None, *, as_json: bool) -> None:
    """Measure on the latest fifth of the lessons, which no adapter is trained on."""
    paths, settings = load()
    name = choose_account(settings, account)
    current = adapters.current(paths.adapters, name)
    if current is None:
        raise AgentMissing(name)
    async with local_app(paths, settings) as app:
        lessons = await lessons_to_train(settings, app.database, app.door, name)
        splits = await asyncio.to_thread(with_habits, split(lessons))
        rules = await agent_rules(app.worker, paths.adapters, current, splits.test)
        conditions = [
            *rivals(splits),
            few_shot(splits),
            Condition(name=AGENT, rules=rules),
        ]
        found = await measure(splits.test, conditions, app.door.errand("evaluate", name))
    if as_json:
        return print_json(codec.to_data(found))
    return console.print(table(found))


async def use(account: str | None, *, as_json: bool) -> None:
    """How the drafts of one account, or of all, have served; it asks no model."""
    paths, settings = load()
    names = [choose_account(settings, account)] if account else list(settings.accounts)
    database = await Database.open(paths.database)
    try:
        found = {name: await database.read(edit_store.outcomes, name) for name in names}
    finally:
        await database.close()
    if as_json:
        return print_json({name: _use_data(outcomes) for name, outcomes in found.items()})
    for name, outcomes in found.items():
        if outcomes:
            console.print(use_table(name, outcomes))
        else:
            say(f"{name}: no draft has been made yet.")
    return None


def _use_data(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    weeks = [codec.to_data(week) for week in by_week(outcomes)]
    return {"total": codec.to_data(use_of(outcomes)), "weeks": weeks}


def use_table(account: str, outcomes: Sequence[Outcome]) -> Table:
    """A row for each week and agent, the latest first, and one for all; by median distance."""
    out = Table(title=f"Drafts of {account}", box=None, show_footer=True)
    total = _use_row(use_of(outcomes))
    out.add_column("week", footer="all", no_wrap=True)
    out.add_column("rules by", overflow="fold")
    for name, footer in zip(("made", "sent", "unchanged", "distance"), total, strict=True):
        out.add_column(name, footer=footer, justify="right", no_wrap=True)
    for week in by_week(outcomes):
        out.add_row(week.week, week.made_by, *_use_row(week.use))
    return out


def _use_row(found: Use) -> tuple[str, ...]:
    share = "" if found.share is None else f"{found.unchanged} ({found.share:.0%})"
    distance = "" if found.distance is None else f"{found.distance:.2f}"
    return str(found.drafts), str(found.sent), share, distance


async def agent_rules(
    worker: Worker, root: Path, adapter_id: str, lessons: Sequence[Lesson]
) -> tuple[tuple[Rule, ...], ...]:
    """The rules that an adapter writes for each lesson's x; none where its answer is invalid."""
    adapter = adapters.verify(root, adapter_id)
    xs = [lesson.x for lesson in lessons]
    answers = await worker.rules(adapter.base, root / adapter.id, xs, adapter.render)
    return tuple(answer.rules for answer in answers)


def rivals(splits: Splits) -> list[Condition]:
    """Zero-shot, and the style card measured from the mails that the agent learned from."""
    taught = [(lesson.x, lesson.own_text) for lesson in (*splits.train, *splits.valid)]
    card = style_card(taught).rules
    return [
        Condition(name=ZERO_SHOT, rules=tuple(() for _ in splits.test)),
        Condition(name=CARD, rules=tuple(card for _ in splits.test)),
    ]


def few_shot(splits: Splits) -> Condition:
    """The rules of the nearest lessons among those that the agent was trained on."""
    xs = [lesson.x for lesson in splits.test]
    near = nearest_among(splits.train, xs, NEIGHBOURS)
    rules = tuple(few_shot_rules(lessons, x) for lessons, x in zip(near, xs, strict=True))
    return Condition(name=FEW_SHOT, rules=rules)


def table(found: Evaluation) -> Table:
    """Each condition's distance, and how often and by how much the agent is nearer."""
    against = {c.rival: c for c in found.comparisons if c.name == AGENT}
    out = Table(title=f"Drafts for {found.mails} held-out mails")
    out.add_column("drafts by")
    out.add_column("distance from your mail", justify="right")
    out.add_column("the agent is nearer", justify="right")
    for one in found.measured:
        out.add_row(one.name, f"{one.mean:.3f}", often(against.get(one.name)))
    return out


def often(comparison: Comparison | None) -> str:
    """How often the agent is nearer than a rival, with the 95 % interval, and by how much."""
    if comparison is None:
        return ""
    return (
        f"{comparison.nearer:.0%} ({comparison.low:.0%} to {comparison.high:.0%}), "
        f"by {comparison.by:.3f}"
    )
