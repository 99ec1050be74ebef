"""Evaluations: their runs, trainings, trials, measures, judgements and figures.

Trials, trainings and judgements are keyed by what they depend on, so that a run that was cut off
goes on where it was, and another run uses what is there. What is added twice is added once.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable
from datetime import datetime

from daemon.store.columns import to_float, to_moment, to_optional_moment, to_text
from mlx_agent import codec
from mlx_agent.evaluate.records import Figure, Judgement, Measure, Run, Training, Trial
from mlx_agent.records import Rule, Usage


def begin(connection: sqlite3.Connection, run: Run) -> None:
    """Store a run; one of the same id goes on."""
    connection.execute(
        "INSERT OR IGNORE INTO evaluation VALUES (?, ?, ?, ?, ?, ?, NULL)",
        (
            run.id,
            run.experiment,
            run.seed,
            codec.dumps(run.people),
            codec.dumps(run.settings),
            to_text(run.started_at),
        ),
    )


def end(
    connection: sqlite3.Connection, run_id: str, figures: Iterable[Figure], at: datetime
) -> None:
    """Store a run's figures in place of earlier ones, and that it has ended."""
    connection.execute("DELETE FROM figure WHERE evaluation = ?", (run_id,))
    connection.executemany(
        "INSERT INTO figure VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                *(run_id, one.name, one.value, one.low, one.high, one.measure),
                *(codec.dumps(one.of), codec.dumps(one.against)),
            )
            for one in figures
        ],
    )
    connection.execute("UPDATE evaluation SET ended_at = ? WHERE id = ?", (to_text(at), run_id))


def runs(connection: sqlite3.Connection, experiment: str | None = None) -> list[Run]:
    """The runs of an experiment, or of all, oldest first."""
    rows = connection.execute(
        """
        SELECT * FROM evaluation WHERE :name IS NULL OR experiment = :name
        ORDER BY started_at, id
        """,
        {"name": experiment},
    )
    return [_run(row) for row in rows]


def figures(connection: sqlite3.Connection, run_id: str) -> list[Figure]:
    """The figures of a run, in the order in which they were stored."""
    rows = connection.execute("SELECT * FROM figure WHERE evaluation = ? ORDER BY rowid", (run_id,))
    return [
        Figure(
            run=run_id,
            name=row["name"],
            value=to_float(row["value"]),
            low=to_float(row["low"]),
            high=to_float(row["high"]),
            measure=row["measure"],
            of=codec.loads(tuple[str, ...], row["trials"]),
            against=codec.loads(tuple[str, ...], row["against"]),
        )
        for row in rows
    ]


def add_training(connection: sqlite3.Connection, training: Training) -> None:
    """Store a training, in place of an earlier one of the same id."""
    connection.execute(
        "INSERT OR REPLACE INTO evaluation_training VALUES (?, ?, ?)",
        (training.id, training.person, codec.dumps(training)),
    )


def trainings(connection: sqlite3.Connection, people: Collection[str]) -> dict[str, Training]:
    """The trainings of these people, by their ids."""
    rows = connection.execute(
        """
        SELECT id, data FROM evaluation_training
        WHERE account IN (SELECT value FROM json_each(?)) ORDER BY id
        """,
        (json.dumps(sorted(people)),),
    )
    return {row["id"]: codec.loads(Training, row["data"]) for row in rows}


def add_trials(connection: sqlite3.Connection, run_id: str, trials: Iterable[Trial]) -> None:
    """Store trials, as those of a run too."""
    some = list(trials)
    connection.executemany(
        "INSERT OR IGNORE INTO trial VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                *(one.id, one.person, one.mail, one.lesson, one.system, one.agent_of),
                *(one.writer, one.text, codec.dumps(one.rules), one.training),
                codec.dumps(one.usage),
            )
            for one in some
        ],
    )
    use(connection, run_id, [one.id for one in some])


def use(connection: sqlite3.Connection, run_id: str, trials: Iterable[str]) -> None:
    """Note that a run uses these trials, which are there."""
    connection.executemany(
        "INSERT OR IGNORE INTO evaluation_trial VALUES (?, ?)", [(run_id, one) for one in trials]
    )


def trials(connection: sqlite3.Connection, ids: Collection[str]) -> dict[str, Trial]:
    """Those of these trials that are there, by their ids."""
    rows = connection.execute(
        "SELECT * FROM trial WHERE id IN (SELECT value FROM json_each(?))", (_listed(ids),)
    )
    return {row["id"]: _trial(row) for row in rows}


def trials_of(connection: sqlite3.Connection, run_id: str) -> list[Trial]:
    """The trials of a run, by person, mail and system."""
    rows = connection.execute(
        """
        SELECT trial.* FROM trial JOIN evaluation_trial AS used ON used.trial = trial.id
        WHERE used.evaluation = ? ORDER BY account, mail_id, system, id
        """,
        (run_id,),
    )
    return [_trial(row) for row in rows]


def add_measures(connection: sqlite3.Connection, measures: Iterable[Measure]) -> None:
    """Store measures, in place of earlier ones of the same name."""
    connection.executemany(
        "INSERT OR REPLACE INTO trial_measure VALUES (?, ?, ?)",
        [(one.trial, one.name, one.value) for one in measures],
    )


def measures(connection: sqlite3.Connection, ids: Collection[str]) -> dict[str, dict[str, float]]:
    """By a trial's id, its measures by their names."""
    rows = connection.execute(
        "SELECT * FROM trial_measure WHERE trial IN (SELECT value FROM json_each(?))",
        (_listed(ids),),
    )
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        found.setdefault(row["trial"], {})[row["name"]] = row["value"]
    return found


def add_judgements(connection: sqlite3.Connection, judgements: Iterable[Judgement]) -> None:
    """Store judgements."""
    connection.executemany(
        "INSERT OR IGNORE INTO judgement VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                *(one.judge, one.first, one.second, one.forward, one.backward, one.prompt),
                codec.dumps(one.usage),
            )
            for one in judgements
        ],
    )


def judgements(connection: sqlite3.Connection, ids: Collection[str]) -> list[Judgement]:
    """The judgements on pairs of which both are among these trials."""
    rows = connection.execute(
        """
        SELECT * FROM judgement
        WHERE first IN (SELECT value FROM json_each(:ids))
            AND second IN (SELECT value FROM json_each(:ids))
        ORDER BY judge, prompt, first, second
        """,
        {"ids": _listed(ids)},
    )
    return [
        Judgement(
            judge=row["judge"],
            first=row["first"],
            second=row["second"],
            forward=row["forward"],
            backward=row["backward"],
            prompt=row["prompt"],
            usage=codec.loads(Usage, row["usage"]),
        )
        for row in rows
    ]


def _listed(ids: Collection[str]) -> str:
    return json.dumps(sorted(ids))


def _run(row: sqlite3.Row) -> Run:
    return Run(
        id=row["id"],
        experiment=row["experiment"],
        seed=row["seed"],
        people=codec.loads(tuple[str, ...], row["people"]),
        settings=codec.loads(dict[str, str], row["settings"]),
        started_at=to_moment(row["started_at"]),
        ended_at=to_optional_moment(row["ended_at"]),
    )


def _trial(row: sqlite3.Row) -> Trial:
    return Trial(
        id=row["id"],
        person=row["account"],
        mail=row["mail_id"],
        lesson=row["lesson_id"],
        system=row["system"],
        agent_of=row["agent_of"],
        writer=row["writer"],
        text=row["text"],
        rules=codec.loads(tuple[Rule, ...], row["rules"]),
        training=row["training"],
        usage=codec.loads(Usage, row["usage"]),
    )
