"""Evaluations in the store: each record as it was written, once, and gone with its mail."""

from dataclasses import replace
from pathlib import Path

import pytest
from store_samples import NOW, RULES, USAGE, a_batch, add_cut

from daemon.store import evaluations, forgetting
from daemon.store.database import Database
from mlx_agent.evaluate.records import Figure, Judgement, Measure, Run, Training, Trial

RUN = Run(
    id="run-1",
    experiment="table",
    seed=3,
    people=("work", "home"),
    started_at=NOW,
    settings={"base": "pocket"},
)
TRAINING = Training(
    id="training-1",
    person="work",
    target="thinking",
    lessons=50,
    part="night 2",
    adapter="adapter-1",
    seconds=1.5,
    steps=(1, 2),
    losses=(2.5, 2.0),
    valid_losses=(None, 2.25),
)
TRIAL = Trial(
    id="trial-1",
    person="work",
    mail="sha256:0001",
    lesson="lesson-1",
    system="agent R3",
    agent_of="home",
    writer="offline",
    text="Hi Ben",
    rules=RULES,
    training="training-1",
    usage=USAGE,
)
OTHER = replace(TRIAL, id="trial-2", system="zero-shot", agent_of=None, rules=(), training=None)
JUDGEMENT = Judgement(
    judge="offline",
    first="trial-1",
    second="trial-2",
    forward="first",
    backward="tie",
    prompt="v1",
    usage=USAGE,
)
FIGURE = Figure(
    run="run-1",
    name="win/agent R3/zero-shot/all",
    value=0.75,
    low=0.5,
    high=float("nan"),
    measure="judge offline",
    of=("trial-1",),
    against=("trial-2",),
)


@pytest.fixture
async def database(tmp_path: Path) -> Database:
    """A store that holds one evaluation of one mail."""
    database = await Database.open(tmp_path / "trimtab.db")
    await database.write(add_cut, a_batch(1))
    await database.write(evaluations.begin, RUN)
    await database.write(evaluations.add_training, TRAINING)
    await database.write(evaluations.add_trials, "run-1", [TRIAL, OTHER])
    await database.write(
        evaluations.add_measures, [Measure(trial="trial-1", name="distance", value=0.25)]
    )
    await database.write(evaluations.add_judgements, [JUDGEMENT])
    return database


async def test_everything_reads_as_it_was_written(database: Database) -> None:
    """All records, and the run's end with its figures."""
    await database.write(evaluations.end, "run-1", [FIGURE], NOW)
    assert await database.read(evaluations.runs) == [replace(RUN, ended_at=NOW)]
    assert await database.read(evaluations.runs, "swap") == []
    assert await database.read(evaluations.trainings, ["work"]) == {"training-1": TRAINING}
    assert await database.read(evaluations.trainings, ["home"]) == {}
    assert await database.read(evaluations.trials_of, "run-1") == [TRIAL, OTHER]
    found = await database.read(evaluations.measures, ["trial-1", "trial-2"])
    assert found == {"trial-1": {"distance": 0.25}}
    assert await database.read(evaluations.judgements, ["trial-1", "trial-2"]) == [JUDGEMENT]
    assert await database.read(evaluations.judgements, ["trial-1"]) == []
    (figure,) = await database.read(evaluations.figures, "run-1")
    assert replace(figure, high=0.0) == replace(FIGURE, high=0.0)
    assert figure.high != figure.high
    await database.close()


async def test_what_is_added_twice_is_there_once(database: Database) -> None:
    """Trials stay as they are, and another run can use them; a measure is replaced."""
    await database.write(evaluations.add_trials, "run-1", [replace(TRIAL, text="other")])
    await database.write(evaluations.begin, replace(RUN, id="run-2"))
    await database.write(evaluations.use, "run-2", ["trial-1"])
    assert await database.read(evaluations.trials_of, "run-2") == [TRIAL]
    await database.write(
        evaluations.add_measures, [Measure(trial="trial-1", name="distance", value=0.5)]
    )
    found = await database.read(evaluations.measures, ["trial-1"])
    assert found == {"trial-1": {"distance": 0.5}}
    await database.close()


async def test_a_forgotten_mail_takes_its_trials_along(database: Database) -> None:
    """With their measures and judgements; the figures, which hold no text, stay."""
    await database.write(evaluations.end, "run-1", [FIGURE], NOW)
    choice = forgetting.Choice(mail="sha256:0001")
    await database.write(forgetting.forget, choice, [], NOW)
    assert await database.read(evaluations.trials_of, "run-1") == []
    assert await database.read(evaluations.measures, ["trial-1"]) == {}
    assert await database.read(evaluations.judgements, ["trial-1", "trial-2"]) == []
    assert len(await database.read(evaluations.figures, "run-1")) == 1
    await database.close()
