"""What the report is made of, from the store, in one reading."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from daemon.report.records import AccountMaterial, Evaluated, Material, Shown
from daemon.store import adapters, drafts, edits, evaluations, ledger, trainings
from daemon.store import mail as mail_store
from daemon.store.database import Connection
from mlx_agent.evaluate import systems
from mlx_agent.evaluate.records import Run, Trial


def collect(
    connection: Connection, accounts: Sequence[str], only: str | None, at: datetime
) -> Material:
    """Of these accounts, or of `only` one of them, with the runs that it took part in."""
    names = [only] if only else list(accounts)
    runs = tuple(_evaluated(connection, run) for run in _latest(connection, names))
    return Material(
        made_at=at,
        accounts=tuple(_account(connection, name) for name in names),
        runs=runs,
        examples=tuple(shown for name in names for shown in _examples(connection, name, runs)),
        costs=tuple(ledger.by_month(connection, only)),
        priced=tuple(ledger.priced(connection, only)),
    )


def _account(connection: Connection, name: str) -> AccountMaterial:
    known = adapters.adapters(connection, name)
    return AccountMaterial(
        name=name,
        adapters=tuple(known),
        verdicts=tuple(adapters.verdicts(connection, name)),
        curves={one.id: trainings.curve(connection, one.id) for one in known},
        drafts=tuple(drafts.drafts(connection, name)),
        edits=tuple(edits.standing(connection, name)),
        outcomes=tuple(edits.outcomes(connection, name)),
    )


def _latest(connection: Connection, names: Sequence[str]) -> list[Run]:
    """The latest run of each experiment that has ended and is about one of these people."""
    found = {}
    for run in evaluations.runs(connection):
        if run.ended_at and set(run.people) & set(names):
            found[run.experiment] = run
    return sorted(found.values(), key=lambda run: (run.started_at, run.id))


def _evaluated(connection: Connection, run: Run) -> Evaluated:
    trials = {one.id: one for one in evaluations.trials_of(connection, run.id)}
    known = evaluations.trainings(connection, run.people)
    return Evaluated(
        run=run,
        figures=tuple(evaluations.figures(connection, run.id)),
        trainings={
            key: known[key]
            for key in sorted({one.training for one in trials.values() if one.training})
            if key in known
        },
        trials=trials,
        values=evaluations.measures(connection, trials),
        judgements=tuple(evaluations.judgements(connection, trials)),
    )


def _examples(connection: Connection, name: str, runs: Sequence[Evaluated]) -> Iterator[Shown]:
    """The account's mails whose draft by the agent is nearest, in the middle, and farthest off.

    They are of the latest run that has both systems; chosen by rank, so that none is picked to
    please.
    """
    for found in reversed(runs):
        pairs = _pairs(found, name)
        if pairs:
            break
    else:
        return
    last = len(pairs) - 1
    places = {len(pairs) // 2: "in the middle", last: "farthest off", 0: "nearest"}
    for place, why in sorted(places.items()):
        agent, zero_shot = pairs[place]
        mail = mail_store.mail(connection, name, agent.mail)
        if mail is not None:
            yield Shown(
                why=why,
                person=name,
                mail=mail.id,
                real=mail.own_text,
                agent=agent,
                zero_shot=zero_shot,
            )


def _pairs(found: Evaluated, name: str) -> list[tuple[Trial, Trial]]:
    """The agent's trials beside the zero-shot ones of the same mails, the nearest first."""
    mine = [one for one in found.trials.values() if one.person == name]
    zero_shot = {one.mail: one for one in mine if one.system == systems.ZERO_SHOT}
    agent = [
        one
        for one in mine
        if one.system == systems.AGENT and one.agent_of == name and one.mail in zero_shot
    ]
    measured = [one for one in agent if "distance" in found.values.get(one.id, {})]
    measured.sort(key=lambda one: (found.values[one.id]["distance"], one.id))
    return [(one, zero_shot[one.mail]) for one in measured]
