"""A home with something for every section of the report, and hostile text in all of it."""

import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

from store_samples import (
    AN_ENTRY,
    NOW,
    RULES,
    a_batch,
    a_draft,
    a_mail,
    a_verdict,
    add_cut,
    an_adapter,
    an_edit,
    an_event,
)

from daemon.records import LedgerEntry, Role
from daemon.store import adapters, drafts, edits, evaluations, jobs, ledger, trainings
from daemon.store.database import Database
from mlx_agent.evaluate import systems
from mlx_agent.evaluate.figures import figure, scores_of
from mlx_agent.evaluate.records import Figure, Judgement, Measure, Question, Run, Training, Trial
from mlx_agent.records import Rule
from mlx_agent.train.records import Beside

PEOPLE = ("home", "work")
CONFIG = "".join(
    f'[accounts.{name}]\nname = "Ada"\naddresses = ["ada@{name}.example"]\n' for name in PEOPLE
)
HOSTILE = "<script>alert(1)</script> & <img src=https://evil.example/x onerror='x'>"
JUDGE = "offline"
MAILS = 6
ROLES: tuple[Role, ...] = ("teacher", "writer", "judge", "teacher")
_FIGURES: list[Figure] = []
SYSTEMS = (systems.REAL, systems.AGENT, systems.STYLE_CARD, systems.ZERO_SHOT)
RUN = Run(
    id="run-all",
    experiment="all",
    seed=3,
    people=PEOPLE,
    started_at=NOW,
    settings={"judge": JUDGE, "base": "pocket"},
)


async def fill(home: Path) -> None:
    """Write the config and the store of a home."""
    (home / "config.toml").write_text(CONFIG, "utf-8")
    database = await Database.open(home / "trimtab.db")
    try:
        await database.write(filled)
    finally:
        await database.close()


def filled(connection: sqlite3.Connection) -> None:
    """Two accounts in use, and a run of all experiments."""
    for person in PEOPLE:
        batch = a_batch(*range(1, MAILS + 1), account=person)
        own = [
            replace(one, mail=a_mail(n, id=f"{person}-{n}", account=person, own_text=_real(n)))
            for n, one in enumerate(batch.incoming, 1)
        ]
        add_cut(connection, replace(batch, incoming=tuple(own)))
        _agents(connection, person)
        _drafts(connection, person)
    ledger.add(connection, _entries())
    _evaluated(connection)


def _real(number: int) -> str:
    return f"Hi Ben,\n\nTuesday suits & mail {number} is <b>read</b>. {HOSTILE}\n\nAda"


def _agents(connection: sqlite3.Connection, person: str) -> None:
    for number in (1, 2, 3):
        name = f"{person}-{number}"
        adapters.add_adapter(connection, an_adapter(number, id=name, account=person))
        beside = tuple(
            Beside(
                name=rival, writer="offline", mails=MAILS, candidate=0.4, rival=0.4 + gain,
                nearer=gain, low=gain - 0.05, high=gain + 0.05,
            )
            for rival, gain in (("style card", 0.01 * number), ("zero-shot", 0.05 * number))
        )  # fmt: skip
        verdict = a_verdict(number, adapter_id=name, beside=beside, candidate=0.4 - 0.02 * number)
        adapters.add_verdict(connection, verdict, NOW + timedelta(days=number))
        job = jobs.enqueue(connection, "train", person, NOW)
        jobs.lease(connection, NOW)
        jobs.finish(connection, job.id, "done", NOW, outcome={}, error=None)
        curve = [
            an_event(step, valid_loss=2.0 + 1 / step if step % 10 == 0 else None)
            for step in range(1, 41)
        ]
        trainings.keep(connection, job.id, person, curve, name)


def _drafts(connection: sqlite3.Connection, person: str) -> None:
    for number in range(1, 5):
        rules = (*RULES[: number % 2 + 1], Rule(aspect="odd", instruction=f"{HOSTILE} {number}"))
        name = f"{person}-draft-{number}"
        draft = a_draft(number, id=name, key=name, account=person, rules=rules)
        drafts.add_draft(connection, draft)
        if number < 4:
            unchanged = number == 1
            edit = an_edit(
                number, draft_id=name, account=person, mail_id=f"{person}-{number}",
                unchanged=unchanged, distance=0.0 if unchanged else 0.1 * number,
            )  # fmt: skip
            edits.add_edit(connection, edit)


def _entries() -> list[LedgerEntry]:
    return [
        replace(AN_ENTRY, request=f"r{number}", event=event, at=NOW + timedelta(days=number),
                account=PEOPLE[number % 2], role=role, cost_usd=cost)
        for number, role in enumerate(ROLES)
        for event, cost in (("sent", 0.05), *((("answered", 0.02 + number),) if number else ()))
    ]  # fmt: skip


# --- an evaluation ----------------------------------------------------------------------------


def _evaluated(connection: sqlite3.Connection) -> None:
    chance = Random(5)
    evaluations.begin(connection, RUN)
    for training in _trainings():
        evaluations.add_training(connection, training)
    trials = _trials()
    evaluations.add_trials(connection, RUN.id, trials)
    measures = [
        Measure(trial=one.id, name=name, value=value)
        for one in trials
        for name, value in (
            ("distance", round(chance.uniform(0.2, 0.9), 3)),
            ("edit", chance.random()),
            ("words", float(chance.randint(20, 90))),
            ("unsupported", float(chance.randint(0, 2))),
            ("attributed 0123abcd", float(chance.randint(0, 1))),
        )
    ]
    evaluations.add_measures(connection, measures)
    by_key = {(t.person, t.mail, t.system, t.agent_of): t for t in trials}
    for (person, mail_id, system, _), trial in by_key.items():
        if system in SYSTEMS[2:]:
            agent = by_key[person, mail_id, systems.AGENT, person]
            choice = chance.choice(("first", "second", "tie"))
            judged = Judgement(
                judge=JUDGE, first=agent.id, second=trial.id, forward=choice, backward="tie"
            )
            evaluations.add_judgements(connection, [judged])
    if not _FIGURES:  # the same ones whenever the store is filled
        _FIGURES.extend(figures_of(connection))
    evaluations.end(connection, RUN.id, _FIGURES, NOW)


def _trainings() -> list[Training]:
    return [
        Training(
            id=f"t-{person}-{rank}-{target}", person=person, rank=rank, target=target,
            adapter="a", steps=tuple(range(1, 21)), losses=tuple(rank / s for s in range(1, 21)),
            valid_losses=tuple(3.0 if s % 5 == 0 else None for s in range(1, 21)),
        )
        for person in PEOPLE
        for rank, target in ((4, "rules"), (16, "rules"), (16, "text"))
    ]  # fmt: skip


def _trials() -> list[Trial]:
    arms = [(person, system, person) for person in PEOPLE for system in SYSTEMS]
    arms += [(who, systems.AGENT, owner) for who in PEOPLE for owner in PEOPLE if who != owner]
    arms += [(person, f"{systems.AGENT} rank 4", person) for person in PEOPLE]
    arms += [(person, systems.NAIVE, person) for person in PEOPLE]
    arms += [(p, f"{systems.AGENT} of {n} lessons", p) for p in PEOPLE for n in (25, 50)]
    arms += [(p, f"{systems.AGENT} night {n}", p) for p in PEOPLE for n in (1, 2)]
    tied = {systems.AGENT: "16-rules", f"{systems.AGENT} rank 4": "4-rules"}
    tied |= {systems.NAIVE: "16-text"}
    return [
        Trial(
            id=f"{person}-{number}-{system}-{of}".replace(" ", "_"),
            person=person,
            mail=f"{person}-{number}",
            lesson=f"lesson-{number}",
            system=system,
            agent_of=None if system in (systems.REAL, systems.ZERO_SHOT) else of,
            writer="offline",
            text=f"Dear Ben,\n\nTuesday suits, by {system}. {HOSTILE}",
            training=f"t-{of}-{tied[system]}" if system in tied else None,
        )
        for person, system, of in arms
        for number in range(1, MAILS + 1)
    ]


def figures_of(connection: sqlite3.Connection) -> list[Figure]:
    """What an experiment would ask, by the function that it asks with."""
    trials = evaluations.trials_of(connection, RUN.id)
    ids = [one.id for one in trials]
    values = evaluations.measures(connection, ids)
    scores = scores_of(evaluations.judgements(connection, ids), JUDGE)
    found = (figure(RUN.id, one, values, scores, RUN.seed) for one in _questions(trials))
    return [one for one in found if one is not None]


def _questions(trials: list[Trial]) -> list[Question]:
    own = [one for one in trials if one.agent_of in (None, one.person)]
    found = []
    for system in dict.fromkeys(one.system for one in own):
        for who in (*PEOPLE, "all"):
            of = tuple(t.id for t in own if t.system == system and who in (t.person, "all"))
            for measure in ("distance", "edit", "words", "unsupported", "attributed"):
                real = "attributed 0123abcd" if measure == "attributed" else measure
                found.append(Question(name=f"{measure}/{system}/{who}", measure=real, of=of))
    for rival in SYSTEMS[2:]:
        mine = {t.mail: t.id for t in own if t.system == systems.AGENT}
        theirs = {t.mail: t.id for t in own if t.system == rival}
        for measure in ("win", "controlled", "nearer"):
            for who in (*PEOPLE, "all"):
                mails = [one for one in mine if one.startswith(who) or who == "all"]
                name = f"{measure}/{systems.AGENT}/{rival}/{who}"
                of, against = (tuple(side[one] for one in mails) for side in (mine, theirs))
                found.append(Question(name=name, measure=measure, of=of, against=against))
    agents = [one for one in trials if one.system == systems.AGENT]
    for owner in PEOPLE:
        for who in PEOPLE:
            of = tuple(t.id for t in agents if (t.agent_of, t.person) == (owner, who))
            found.append(Question(name=f"swap/distance/{owner}/{who}", measure="distance", of=of))
    return found
