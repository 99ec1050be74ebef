"""An evaluation in the store for the blind test: three systems on some mails of one account."""

import sqlite3
from dataclasses import replace

import httpx
from store_samples import AN_X, NOW, RULES, a_batch, a_lesson, add_cut

from daemon.store import evaluations, lessons
from mlx_agent.evaluate.records import Run, Training, Trial

PATIENT = httpx.Timeout(60)
"""The machine may be busy."""

RUN = Run(id="run-1", experiment="table", seed=1, people=("work",), started_at=NOW)
TRAINING = Training(id="training-1", person="work")
SYSTEMS = ("agent R3", "style card", "zero-shot")
WORDS = {"agent R3": "Tuesday suits.", "style card": "Tuesday works!", "zero-shot": "Dear Ben,"}


def a_trial(number: int, system: str, **changes: object) -> Trial:
    """What a system wrote for the mail of that number."""
    agent = system.startswith("agent")
    trial = Trial(
        id=f"{number:02}/{system}",
        person="work",
        mail=f"sha256:{number:04}",
        lesson=f"lesson-{number}",
        system=system,
        agent_of="work" if agent else None,
        writer="offline",
        text=f"{WORDS.get(system, system)}\nThe drawings are ready, number {number}.\nAda",
        rules=RULES,
        training="training-1" if agent else None,
    )
    return replace(trial, **changes)  # type: ignore[arg-type]  # fields by their names


def trials(count: int) -> list[Trial]:
    """Of every system, for the mails 1 to `count`."""
    return [a_trial(number, system) for number in range(1, count + 1) for system in SYSTEMS]


def a_client(cookie: str = "") -> httpx.AsyncClient:
    """A browser's HTTP, without certificates, which take long to load."""
    headers = {"Cookie": cookie} if cookie else {}
    return httpx.AsyncClient(headers=headers, timeout=PATIENT, verify=False)


def evaluated(
    connection: sqlite3.Connection, some: list[Trial], own_text: str = "Tuesday suits me"
) -> None:
    """Store mails, lessons, and an ended evaluation with these trials."""
    numbers = sorted({int(one.mail.removeprefix("sha256:")) for one in some})
    add_cut(connection, a_batch(*numbers))
    for number in numbers:
        x = replace(AN_X, intent=(f"I come on Tuesday {number}", "the drawings are ready"))
        lesson = a_lesson(number, x=x, own_text=f"{own_text}, mail {number}.\n\nAda")
        lessons.add_lesson(connection, lesson)
    evaluations.begin(connection, RUN)
    evaluations.add_training(connection, TRAINING)
    evaluations.add_trials(connection, RUN.id, some)
    evaluations.end(connection, RUN.id, [], NOW)
