"""`trimtab eval EXPERIMENT` as a user runs it: real trainings, the sample mailbox's people."""

import csv
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from anthropic_server import KEY, Server, serving
from command import TRIMTAB, sentence, trimtab

from daemon import sample
from daemon.commands.experiments import rules_by_hand, workers_for
from daemon.config import find_paths
from daemon.research_errors import RulesUnreadable
from daemon.store import evaluations
from daemon.store.database import Database
from mlx_agent.evaluate import looks
from mlx_agent.evaluate.figures import NEARER, WIN, figure, scores_of
from mlx_agent.evaluate.records import Question

pytestmark = pytest.mark.mlx

MAILS = 42
PEOPLE = sample.people()[:2]
CONFIG = "".join(
    f'[accounts.{person.key}]\naddresses = ["{person.address.address}"]\n' for person in PEOPLE
)
TRAIN = "[train]\nepochs = 1\n"
SWAP = ("eval", "swap", "--seed", "3", "--json")


def make_home(path: Path) -> Path:
    """A home with some mails of two people."""
    path.mkdir()
    (path / "config.toml").write_text(CONFIG + TRAIN, "utf-8")
    for person in PEOPLE:
        mails = path / "mails" / person.key
        mails.mkdir(parents=True)
        for number, raw in enumerate(sample.load(person.key)[-MAILS:]):
            (mails / f"{number}.eml").write_bytes(raw)
        trimtab("import", mails, "--account", person.key, home=path)
    return path


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people's lessons, and nothing trained on them yet."""
    path = make_home(tmp_path_factory.mktemp("homes") / "taught")
    for person in PEOPLE:
        trimtab("teach", "--account", person.key, home=path)
    return path


@pytest.fixture(scope="module")
def home(taught: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the agents of two people have been swapped."""
    path = Path(shutil.copytree(taught, tmp_path_factory.mktemp("homes") / "home"))
    done = trimtab(*SWAP, "--out", path / "out", home=path)
    (path / "said.json").write_text(done.stdout, "utf-8")
    return path


def said(home: Path) -> dict[str, Any]:
    """What the command said as JSON."""
    found: dict[str, Any] = json.loads((home / "said.json").read_text("utf-8"))
    return found


def values(data: dict[str, Any]) -> dict[str, tuple[float, float, float]]:
    """The figures and their intervals, by name."""
    return {one["name"]: (one["value"], one["low"], one["high"]) for one in data["figures"]}


def counts(home: Path) -> dict[str, int]:
    """How many rows of each kind there are."""
    tables = ("evaluation", "evaluation_training", "trial", "judgement", "figure", "lesson")
    with closing(sqlite3.connect(home / "trimtab.db")) as store:
        return {
            table: store.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables
        }


def test_the_own_agent_is_set_beside_the_others(home: Path) -> None:
    """Every agent on everybody's mails, each cell a share with its interval around it."""
    found = values(said(home))
    keys = [person.key for person in PEOPLE]
    cells = {name for name in found if name.startswith("swap/distance/")}
    assert cells == {f"swap/distance/{a}/{b}" for a in keys for b in keys}
    for value, low, high in found.values():
        assert low <= value <= high
    real, _, _ = found["distance/real mail/all"]
    own, _, _ = found["distance/agent R3/all"]
    assert real == 0 < own
    share, _, _ = found["nearer/agent R3/another's agent/all"]
    assert 0 <= share <= 1


async def test_every_figure_follows_from_its_rows(home: Path) -> None:
    """Worked out again from the store, each is what the run said."""
    run = said(home)["run"]["id"]
    database = await Database.open(find_paths(str(home)).database)
    try:
        (stored,) = await database.read(evaluations.runs)
        figures = await database.read(evaluations.figures, run)
        ids = {one for each in figures for one in (*each.of, *each.against)}
        measured = await database.read(evaluations.measures, ids)
        scores = scores_of(await database.read(evaluations.judgements, ids), "offline")
    finally:
        await database.close()
    assert stored.ended_at is not None
    assert {one.name for one in figures} == set(values(said(home)))
    for one in figures:
        asked = Question(name=one.name, measure=one.measure, of=one.of, against=one.against)
        assert figure(run, asked, measured, scores, stored.seed) == one
    assert any(one.measure == NEARER for one in figures)
    assert any(one.measure == WIN for one in figures)
    assert any(one.measure.startswith(looks.KINDS[0]) for one in figures)


def test_the_folder_has_the_same_figures_and_tables(home: Path) -> None:
    """And no text of a mail."""
    with (home / "out" / "figures.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["name"]: float(row["value"]) for row in csv.DictReader(file)}
    assert rows == {name: value for name, (value, _, _) in values(said(home)).items()}
    told = (home / "out" / "tables.md").read_text("utf-8")
    assert "## Agents swapped: style distance from the real mail" in told
    with closing(sqlite3.connect(home / "trimtab.db")) as store:
        texts = [text for (text,) in store.execute("SELECT text FROM trial")]
    assert texts
    assert not any(line in told for text in texts for line in text.splitlines() if len(line) > 12)


def test_the_same_command_does_nothing_twice(home: Path) -> None:
    """It has the same run, rows and figures."""
    before = counts(home)
    again = json.loads(trimtab(*SWAP, home=home).stdout)
    assert again["run"]["id"] == said(home)["run"]["id"]
    assert values(again) == values(said(home))
    assert counts(home) == before


def test_what_is_done_is_not_counted_again(home: Path) -> None:
    """Neither trainings nor drafts nor verdicts."""
    told = json.loads(trimtab(*SWAP, "--dry-run", home=home).stdout)
    assert (told["trainings"], told["drafts"], told["judgements"]) == (0, 0, 0)
    assert told["cost_usd"] == 0
    arguments = ("eval", "swap", "--seed", "4", "--json", "--dry-run")
    other = json.loads(trimtab(*arguments, home=home).stdout)
    assert other["trainings"] == 2
    assert other["drafts"] == 2 * other["judgements"] > 0


def test_more_measures_are_taken_of_what_is_there(home: Path) -> None:
    """Each with its figures; an unknown one is wrong usage."""
    metrics = ("--metrics", "tf-idf, rouge-l")
    found = values(json.loads(trimtab(*SWAP, *metrics, home=home).stdout))
    assert found["tf-idf/real mail/all"][0] == pytest.approx(1)
    assert 0 < found["rouge-l/agent R3/all"][0] < 1
    done = trimtab(*SWAP, "--metrics", "taste", home=home, code=2)
    assert "taste" in done.stderr


def test_another_experiment_uses_what_is_there(home: Path) -> None:
    """The agents of `swap` are those of `nightly`'s last night; nothing is trained again."""
    before = counts(home)
    told = trimtab("eval", "hand-written", "--seed", "3", "--dry-run", home=home).stdout
    assert told.startswith("0 trainings, 0 drafts and 0 pairs to judge")
    rules = home / "rules"
    rules.mkdir()
    (rules / f"{PEOPLE[0].key}.txt").write_text("Greeting: use no greeting\n", "utf-8")
    arguments = ("eval", "hand-written", "--seed", "3", "--hand-written", rules, "--json")
    found = values(json.loads(trimtab(*arguments, home=home).stdout))
    assert f"win/agent R3/hand-written/{PEOPLE[0].key}" in found
    assert f"win/agent R3/hand-written/{PEOPLE[1].key}" not in found
    after = counts(home)
    assert after["evaluation_training"] == before["evaluation_training"] == 2
    assert after["trial"] > before["trial"]


def test_a_run_that_was_killed_goes_on_to_the_same_figures(
    home: Path, taught: Path, tmp_path: Path
) -> None:
    """Killed while it trains and again while it writes; nothing is doubled."""
    other = Path(shutil.copytree(taught, tmp_path / "other"))
    for table in ("evaluation_training", "trial"):
        _kill_when(other, table)
    found = json.loads(trimtab(*SWAP, home=other).stdout)
    assert values(found) == values(said(home))
    expected = counts(home)
    for table in ("trial", "judgement", "evaluation_training"):
        assert counts(other)[table] <= expected[table]


def _kill_when(home: Path, table: str) -> None:
    """Kill the command, and what it started, as soon as there is a row."""
    process = subprocess.Popen(
        [TRIMTAB, *SWAP],
        env=os.environ | {"TRIMTAB_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 600
    while process.poll() is None and time.monotonic() < deadline:
        with closing(sqlite3.connect(home / "trimtab.db", timeout=60)) as store:
            if store.execute(f"SELECT count(*) FROM {table}").fetchone()[0]:
                break
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


# --- what is refused, and what is asked first -------------------------------------------------


def test_swapping_needs_two_people(home: Path) -> None:
    """One sentence, and nothing is begun."""
    before = counts(home)
    done = trimtab("eval", "swap", "--people", PEOPLE[0].key, home=home, code=1)
    assert "needs the mail of two people" in sentence(done)
    assert "nobody" in sentence(trimtab("eval", "swap", "--people", "nobody", home=home, code=1))
    assert counts(home) == before


def test_too_few_mails_are_told(home: Path) -> None:
    """Before anything is trained."""
    done = trimtab("eval", "sizes", "--mails", "10", home=home, code=1)
    assert "lessons and needs 20 to train" in done.stderr


@pytest.mark.parametrize("text", ["", "Greeting", "Mood: good", "Greeting: hi\n\n\x00: x"])
def test_rules_by_hand_that_are_none_are_refused(text: str, tmp_path: Path) -> None:
    """With what to write."""
    (tmp_path / "work.txt").write_text(text, "utf-8")
    with pytest.raises(RulesUnreadable):
        rules_by_hand(tmp_path, ["work"])


def test_rules_by_hand_are_read_for_those_who_have_some(tmp_path: Path) -> None:
    """A folder without any for these people is a mistake."""
    (tmp_path / "work.txt").write_text("Greeting: use no greeting\nLength: 9 words\n", "utf-8")
    found = rules_by_hand(tmp_path, ["home", "work"])
    assert [rule.aspect for rule in found["work"]] == ["greeting", "length"]
    assert "home" not in found
    assert rules_by_hand(None, ["home"]) == {}
    with pytest.raises(RulesUnreadable):
        rules_by_hand(tmp_path, ["home"])


def test_only_the_pocket_base_trains_beside_itself() -> None:
    """Any other needs the machine for itself."""
    assert workers_for("pocket", 2) == 2
    assert workers_for("pocket", 64) == 8
    assert workers_for("/models/llama", 64) == 1


async def test_what_costs_is_told_and_asked_first(home: Path, tmp_path: Path) -> None:
    """A no spends nothing; a yes asks writer and judge, each thing once, and the ledger has it."""
    other = Path(shutil.copytree(home, tmp_path / "home"))
    async with serving() as server:
        (other / "config.toml").write_text(with_claude(server), "utf-8")
        code, told = await _run(other, "eval", "swap", "--seed", "3", stdin="n\n")
        assert code == 1
        assert "0 trainings" in told
        assert "USD" in told
        assert "Mail goes to 127.0.0.1" in told
        assert server.seen == []
        code, told = await _run(other, *SWAP, "--yes", stdin="")
        assert code == 0, told
        asked = len(server.seen)
        found = json.loads(told)
        assert found["run"]["settings"]["judge"] == "claude-sonnet-5-5"
        code, again = await _run(other, *SWAP, "--yes", stdin="")
        assert values(json.loads(again)) == values(found)
        assert len(server.seen) == asked
    with closing(sqlite3.connect(other / "trimtab.db")) as store:
        rows = store.execute(
            "SELECT role, count(*) FROM ledger WHERE event = 'answered' GROUP BY role"
        ).fetchall()
    by_role = dict(rows)
    drafts = [one for one in found["figures"] if one["name"].startswith("swap/distance/")]
    assert by_role["writer"] == sum(one["mails"] for one in drafts)
    assert by_role["writer"] + by_role["judge"] == asked


async def test_a_budget_that_is_spent_ends_it_and_what_was_paid_for_stays(
    home: Path, tmp_path: Path
) -> None:
    """With its sentence; with more money the same command goes on."""
    other = Path(shutil.copytree(home, tmp_path / "home"))
    async with serving() as server:
        config = with_claude(server)
        (other / "config.toml").write_text(f"{config}[budget]\nnight_usd = 0.08\n", "utf-8")
        code, told = await _run(other, *SWAP, "--yes", stdin="")
        assert code == 1
        assert "night_usd" in told
        first_run = len(server.seen)
        (other / "config.toml").write_text(f"{config}[budget]\nnight_usd = 100.0\n", "utf-8")
        code, told = await _run(other, *SWAP, "--yes", stdin="")
        assert code == 0, told
    with closing(sqlite3.connect(other / "trimtab.db")) as store:
        answered = store.execute("SELECT count(*) FROM ledger WHERE event = 'answered'").fetchone()
        drafts = store.execute("SELECT count(*) FROM trial WHERE writer LIKE 'claude%'").fetchone()
    assert 0 < first_run < answered[0]
    assert drafts[0] == sum(
        one["mails"]
        for one in json.loads(told)["figures"]
        if one["name"].startswith("swap/distance/")
    )


def with_claude(server: Server) -> str:
    """The config with Claude, at a server here, as writer and judge."""
    cloud = CONFIG.replace("\naddresses", '\ncloud = "all"\naddresses')
    return f"""{cloud}{TRAIN}
[large.claude]
provider = "anthropic"
model = "claude-sonnet-5-5"
base_url = "{server.url}"
key = "{KEY}"
[models]
writer = "claude"
judge = "claude"
"""


async def _run(home: Path, *arguments: str, stdin: str) -> tuple[int, str]:
    import asyncio

    done = await asyncio.create_subprocess_exec(
        TRIMTAB,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"TRIMTAB_HOME": str(home)},
    )
    said, complained = await done.communicate(stdin.encode())
    return done.returncode or 0, said.decode() + (complained.decode() if done.returncode else "")


def test_what_is_forgotten_leaves_the_experiments(home: Path) -> None:
    """Their data sets and adapters too, which are made again where they are wanted."""
    assert (home / "evaluation" / "adapters").is_dir()
    with closing(sqlite3.connect(home / "trimtab.db")) as store:
        mail = store.execute("SELECT mail_id FROM trial LIMIT 1").fetchone()[0]
    trimtab("forget", "--mail", mail, "--yes", home=home)
    assert not (home / "evaluation").exists()
    with closing(sqlite3.connect(home / "trimtab.db")) as store:
        left = store.execute("SELECT count(*) FROM trial WHERE mail_id = ?", (mail,)).fetchone()
    assert left == (0,)
