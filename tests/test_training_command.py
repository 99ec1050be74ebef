"""`train` and `adapters` as a user runs them, on an agent that is trained for real."""

import json
import shutil
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from command import sentence, trimtab

from daemon import sample
from daemon.config import find_paths
from mlx_agent import adapters
from mlx_agent.train.records import Adapter

pytestmark = pytest.mark.mlx

ADA = sample.people()[0]
CONFIG = f"""
[accounts.work]
addresses = ["{ADA.address.address}"]

[train]
epochs = 1
min_lessons = 20
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """A home whose account has been trained once, and what the command said."""

    path: Path
    lines: list[dict[str, Any]]

    @property
    def outcome(self) -> dict[str, Any]:
        """How the training ended."""
        found: dict[str, Any] = self.lines[-1]["outcome"]
        return found

    @property
    def adapter(self) -> str:
        """Its id."""
        return str(self.outcome["adapter"])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    path = tmp_path_factory.mktemp("home")
    (path / "config.toml").write_text(CONFIG, "utf-8")
    mails = path / "mails"
    mails.mkdir()
    for number, raw in enumerate(sample.load(ADA.key)[:24]):
        (mails / f"{number}.eml").write_bytes(raw)
    trimtab("import", mails, home=path)
    trimtab("teach", home=path)
    said = trimtab("train", "--json", home=path).stdout
    return Home(path=path, lines=[json.loads(line) for line in said.splitlines()])


def test_as_json_every_step_is_a_line_and_the_outcome_the_last(home: Home) -> None:
    """For programs that watch."""
    *events, outcome = home.lines
    steps = [line["event"]["step"] for line in events]
    assert steps == list(range(1, events[-1]["event"]["steps"] + 1))
    assert events[-1]["event"]["valid_loss"] > 0
    assert set(outcome["outcome"]) == {"adapter", "promoted", "why"}


def test_show_has_the_manifest_the_figures_and_the_curve(home: Home) -> None:
    """In words and lines; nothing is coloured where nobody looks."""
    said = trimtab("adapters", "show", home.adapter, home=home.path, COLUMNS="80").stdout
    assert "\nbase          pocket\n" in said
    assert "\nversions      trimtab " in said
    verdict = "passed" if home.outcome["promoted"] else "kept"
    assert f"\nthe gate      {verdict}: {home.outcome['why']}\n" in said
    for rival in ("zero-shot", "style card"):
        assert f"│ {rival} " in said
    assert "\ntraining loss   █" in said
    assert max(map(len, said.split("beside", 1)[1].splitlines())) <= 80
    assert "\x1b" not in said


def test_show_as_json_has_all_of_it(home: Home) -> None:
    """The verdict with its intervals, and the events that are kept."""
    found = json.loads(trimtab("adapters", "show", home.adapter, "--json", home=home.path).stdout)
    assert found["curve"] == [line["event"] for line in home.lines[:-1]]
    assert found["verdict"]["reason"] == home.outcome["why"]
    zero_shot = found["verdict"]["beside"][0]
    assert zero_shot["low"] <= zero_shot["nearer"] <= zero_shot["high"]
    assert set(found["versions"]) == {"trimtab", "mlx", "mlx-lm"}


def test_list_has_the_verdicts(home: Home) -> None:
    """Also for programs."""
    (row,) = json.loads(trimtab("adapters", "list", "--json", home=home.path).stdout)
    assert (row["id"], row["current"]) == (home.adapter, home.outcome["promoted"])
    assert row["verdict"]["reason"] == home.outcome["why"]


def test_promote_takes_nothing_that_is_not_whole(home: Home) -> None:
    """What the gate kept may be used on the user's word; what is damaged may not."""
    weights = home.path / "adapters" / home.adapter / "adapters.safetensors"
    whole = weights.read_bytes()
    before = adapters.promoted(find_paths(str(home.path)).adapters, "work")
    try:
        weights.write_bytes(whole[: len(whole) // 2])
        said = trimtab("adapters", "promote", home.adapter, home=home.path, code=1)
        assert "is damaged (adapters.safetensors is missing or changed" in sentence(said)
        assert adapters.promoted(find_paths(str(home.path)).adapters, "work") == before
    finally:
        weights.write_bytes(whole)
    used = trimtab("adapters", "promote", home.adapter, home=home.path).stdout
    assert used == f"work: {home.adapter} is used from now on.\n"


def test_an_adapter_of_an_account_that_is_gone_is_not_promoted(home: Home, tmp_path: Path) -> None:
    """It can still be looked at."""
    shutil.copytree(home.path, tmp_path / "home")
    config = tmp_path / "home" / "config.toml"
    config.write_text(CONFIG.replace("accounts.work", "accounts.other"), "utf-8")
    for command in (("promote", home.adapter), ("rollback", "--account", "work")):
        said = sentence(trimtab("adapters", *command, home=tmp_path / "home", code=1))
        assert said == "There is no account 'work' in the config (known: other)."
    shown = trimtab("adapters", "show", home.adapter, home=tmp_path / "home").stdout
    assert "\naccount       work\n" in shown


def test_prune_removes_what_is_not_among_the_last(home: Home, tmp_path: Path) -> None:
    """And says how many that were; the rest of the adapters stays as it was."""
    shutil.copytree(home.path, tmp_path / "home")
    root = find_paths(str(tmp_path / "home")).adapters
    said = trimtab("adapters", "prune", home=tmp_path / "home").stdout
    assert said == "work: no adapters removed.\n"
    (adapter,) = adapters.adapters(root, "work")
    adapters.promote(root, "work", adapter.id)
    for number in range(adapters.KEPT + 1):
        adapters.save(root, copied(adapter, number), lambda _: None)
    said = trimtab("adapters", "prune", "--account", "work", "--json", home=tmp_path / "home")
    assert json.loads(said.stdout) == {"work": ["work-copy-0"]}
    assert adapters.verify(root, adapter.id) == adapter


def copied(adapter: Adapter, number: int) -> Adapter:
    """The adapter once more, a little later."""
    at = adapter.created_at + timedelta(minutes=1 + number)
    return replace(adapter, id=f"work-copy-{number}", created_at=at)


def test_the_status_says_why_an_agent_is_not_used(home: Home) -> None:
    """Or names the one that is."""
    (row,) = json.loads(trimtab("status", "--json", home=home.path).stdout)["accounts"]
    assert row["kept"] == (None if home.outcome["promoted"] else home.outcome["why"])


def test_an_agent_that_learned_from_forgotten_mail_goes_with_the_next(
    home: Home, tmp_path: Path
) -> None:
    """It stays in use, marked, until a training without that mail has made one that passes."""
    path = tmp_path / "home"
    shutil.copytree(home.path, path, ignore=shutil.ignore_patterns("run"))
    trimtab("adapters", "promote", home.adapter, home=path)
    trimtab("export", tmp_path / "mine", home=path)
    lessons = (tmp_path / "mine" / "lesson.jsonl").read_text("utf-8").splitlines()
    trained_on = json.loads(lessons[0])
    trimtab("forget", "--mail", trained_on["sample_id"], "--yes", home=path)
    (listed,) = json.loads(trimtab("adapters", "list", "--json", home=path).stdout)
    assert (listed["id"], listed["current"], listed["forgotten"]) == (home.adapter, True, True)
    shown = " ".join(trimtab("adapters", "list", home=path, COLUMNS="200").stdout.split())
    assert "learned from forgotten mail; trained anew tonight" in shown
    words = [word for word in trained_on["own_text"].split() if len(word) > 11]
    datasets = "".join(file.read_text() for file in (path / "datasets").rglob("*.jsonl"))
    assert [word for word in words if word in datasets] == []
    outcome = json.loads(trimtab("train", "--json", home=path).stdout.splitlines()[-1])["outcome"]
    found = {
        one["id"]: one
        for one in json.loads(trimtab("adapters", "list", "--json", home=path).stdout)
    }
    assert not found[outcome["adapter"]]["forgotten"]
    assert found[outcome["adapter"]]["parent"] is None
    assert found[outcome["adapter"]]["verdict"]["current"] is None, "it has no rival in the old one"
    assert (home.adapter in found) == (not outcome["promoted"])
