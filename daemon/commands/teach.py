"""`teach`: make lessons, or say what that would cost and what would leave the machine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from daemon.app import build_door
from daemon.commands.jobs import run
from daemon.commands.output import print_json, say
from daemon.commands.session import choose_account, daemon_client, load, own_client
from daemon.config import OFFLINE, Config, Paths
from daemon.errors import BudgetSpent
from daemon.explain import explain
from daemon.jobs.tasks import TeachPlan, plan_teaching
from daemon.jobs.worker import Worker
from daemon.large_models import list_price
from daemon.store import answers as answer_store
from daemon.store import lessons as lesson_store
from daemon.store.database import Database
from mlx_agent import render
from mlx_agent.large import LargeModel
from mlx_agent.large.prices import as_of
from mlx_agent.redact import redact
from mlx_agent.teach.cost import Estimate, Foreseen, estimate, foresee
from mlx_agent.teach.lessons import lesson_id
from mlx_agent.teach.select import counts

POLL_S = 30.0
"""How often a batch is looked after while the user waits for it."""


async def teach(
    account: str | None, *, limit: int | None, live: bool, dry_run: bool, as_json: bool
) -> None:
    """Make lessons; `live` asks one at a time where the config says in batches."""
    paths, settings = load()
    name = choose_account(settings, account)
    chosen = _changed(settings, limit=limit, live=live)
    if dry_run:
        return await _dry_run(paths, chosen, name, as_json=as_json)
    # what the config does not say is no part of a running daemon: it takes a daemon of our own
    client_of = daemon_client if chosen == settings else own_client
    total: dict[str, Any] = {}
    async with client_of(paths, chosen) as client:
        while True:
            outcome = await run(client, "teach", name)
            so_far = {key: total.get(key, 0) + outcome[key] for key in _SUMMED}
            total = outcome | so_far | {"known": total.get("known", outcome["known"])}
            if not outcome["waiting"]:
                break
            await asyncio.sleep(POLL_S)
    if as_json:
        return print_json(total)
    return _print(name, chosen, total)


_SUMMED = ("lessons", "set_aside", "rules_generalised", "rules_dropped")


def _changed(settings: Config, *, limit: int | None, live: bool) -> Config:
    if limit is not None:
        changed = settings.teach.model_copy(update={"limit": limit})
        settings = settings.model_copy(update={"teach": changed})
    teacher = settings.large.get(settings.models.teacher)
    if live and teacher is not None and teacher.batch:
        large = settings.large | {
            settings.models.teacher: teacher.model_copy(update={"batch": False})
        }
        settings = settings.model_copy(update={"large": large})
    return settings


def _print(name: str, settings: Config, outcome: dict[str, Any]) -> None:
    say(
        f"{name}: {outcome['lessons']} new lessons, {outcome['known']} known, "
        f"{outcome['set_aside']} set aside."
    )
    mended = [f"{outcome[f'rules_{how}']} {how}" for how in ("generalised", "dropped")]
    if outcome["rules_generalised"] or outcome["rules_dropped"]:
        say(f"Rules that quoted a mail: {', '.join(mended)}.")
    print_left_out(outcome["left_out"])
    if period := outcome.get("budget_spent"):
        say(explain(BudgetSpent(period, getattr(settings.budget, f"{period}_usd"))))


def print_left_out(left_out: dict[str, int]) -> None:
    """Why mails do not teach, in one line."""
    if left_out:
        reasons = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
        say(f"Left out: {reasons}.")


# --- the dry run ------------------------------------------------------------------------------


async def _dry_run(paths: Paths, settings: Config, name: str, *, as_json: bool) -> None:
    database = await Database.open(paths.database)
    worker = Worker(paths.logs / "worker.log", scratch=paths.scratch)  # is not started
    door = build_door(settings, database, worker)
    try:
        plan = await plan_teaching(settings, database, door, name)
        asks = await _foreseen(database, name, plan)
    finally:
        await door.close()
        await database.close()
    teacher = door.models[settings.models.teacher]
    cost = estimate(
        asks,
        list_price(settings, settings.models.teacher, teacher),
        batch=_in_batches(settings, teacher),
    )
    path = _write(paths, settings, name, asks, teacher)
    if as_json:
        return print_json(_dry_run_data(plan, cost, teacher, path))
    return _say_dry_run(settings, name, plan=plan, cost=cost, teacher=teacher, path=path)


async def _foreseen(database: Database, name: str, plan: TeachPlan) -> list[Foreseen]:
    """What would be asked of the mails that have no lesson yet."""
    known = await database.read(lesson_store.lesson_ids, name)
    begun = await database.read(answer_store.begun, name)
    items = {lesson_id(item, plan.recipe): item for item in plan.items}
    kept = {
        lesson: await database.read(answer_store.answers, name, lesson)
        for lesson in items
        if lesson in begun
    }
    return list(foresee([i for key, i in items.items() if key not in known], plan.recipe, kept))


def _in_batches(settings: Config, teacher: LargeModel) -> bool:
    chosen = settings.large.get(settings.models.teacher)
    return teacher.batches is not None and chosen is not None and chosen.batch


def _write(
    paths: Paths, settings: Config, name: str, asks: Iterable[Foreseen], teacher: LargeModel
) -> Path:
    """Every prompt as it would be sent, for the user to read; 0600."""
    path = paths.database.parent / f"dry-run-{name}.txt"
    path.touch(mode=0o600)
    chosen = settings.large.get(settings.models.teacher)
    redacted = teacher.remote and chosen is not None and chosen.redact
    with path.open("w", encoding="utf-8") as out:
        for number, one in enumerate(asks, 1):
            task = redact(one.ask.task)[0] if redacted else one.ask.task
            where = teacher.host if teacher.remote else "this machine"
            out.write(f"===== {number}: {render.prompt_name(task)}, to {where} =====\n")
            for message in render.messages(task):
                out.write(f"[{message.role}]\n{message.content}\n\n")
    return path


def _say_dry_run(
    settings: Config, name: str, *, plan: TeachPlan, cost: Estimate, teacher: LargeModel, path: Path
) -> None:
    role = settings.models.teacher
    price = "unknown price; name one in the config"
    if cost.cost_usd is not None:
        how = "in batches, " if _in_batches(settings, teacher) else ""
        price = f"{how}about {cost.cost_usd:.2f} USD (prices of {as_of()})"
    say(
        f"{name}: {cost.mails} of {len(plan.items)} mails are to be taught; {cost.calls} calls of "
        f"{role!r}, about {cost.input_tokens} tokens in and {cost.output_tokens} out: {price}."
    )
    if not teacher.remote:
        say("Nothing leaves this machine.")
    else:
        said = "with numbers, addresses and names hidden" if _redacts(settings) else "as they are"
        say(f"The texts of these mails and what they answer go to {teacher.host}, {said}.")
        cloud = settings.account(name).cloud
        if cloud != "all":
            say(f'accounts.{name}.cloud = "{cloud}" does not allow it yet; "all" would.')
    say(f"Every prompt stands in {path}, with stand-ins for answers that are not there yet.")
    print_left_out(counts(plan.selection.left_out))


def _redacts(settings: Config) -> bool:
    name = settings.models.teacher
    return name != OFFLINE and settings.large[name].redact


def _dry_run_data(
    plan: TeachPlan, cost: Estimate, teacher: LargeModel, path: Path
) -> dict[str, Any]:
    return {
        "mails": cost.mails,
        "calls": cost.calls,
        "input_tokens": cost.input_tokens,
        "output_tokens": cost.output_tokens,
        "cost_usd": cost.cost_usd,
        "model": teacher.name,
        "host": teacher.host,
        "leaves_this_machine": teacher.remote,
        "left_out": counts(plan.selection.left_out),
        "prompts": str(path),
    }
