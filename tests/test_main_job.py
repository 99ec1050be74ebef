"""The main job, end to end, by a real `trimtab run` against a real Dovecot.

Three hundred mails in the Sent folder are synced, taught and trained on; bullets come back over the
socket as rules and a draft; and when the mail that was made of it lies in the Sent folder, its edit
is found and becomes a lesson.
"""

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from command import TRIMTAB, trimtab
from conftest import account_toml
from dovecot_server import Dovecot

from daemon import sample
from daemon.config import Paths, find_paths
from daemon.mailbox import outbox
from daemon.sample.generate import messages
from daemon.store import drafts as draft_store
from daemon.store import edits as edit_store
from daemon.store import lessons as lesson_store
from daemon.store.database import Database
from mlx_agent.records import Draft
from plugin.client import Client

pytestmark = [pytest.mark.dovecot, pytest.mark.mlx]

ADA = sample.people()[0]
TEACH = 170
"""Mails that teach, of the 175 messages of one seed."""
BULLETS = ["I have looked at the plan", "We need 4 more chairs", "Send me the key by Friday"]
FASTER = "[train]\nepochs = 3\n"


def three_hundred() -> list[bytes]:
    """Ada's sample mails, and as many others of hers that only this test knows."""
    others = [raw.replace(b"<ada.", b"<ada-two.") for raw in messages(ADA, seed=7)]
    return [*sample.load(ADA.key)[:TEACH], *others[: 300 - TEACH]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A daemon in the foreground of its own process."""

    paths: Paths
    process: subprocess.Popen[bytes]

    def end(self) -> int:
        """As `kill` or a service manager does; the exit code."""
        self.process.terminate()
        return self.process.wait(20)


@contextmanager
def daemon(home: Path) -> Iterator[Running]:
    """`trimtab run` until the end of the block, killed if it has not ended by then."""
    process = subprocess.Popen(
        [TRIMTAB, "run"], env=os.environ | {"TRIMTAB_HOME": str(home)}, stderr=subprocess.PIPE
    )
    try:
        assert process.stderr is not None
        assert b"trimtab answers at" in process.stderr.readline()
        yield Running(paths=find_paths(str(home)), process=process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What became of the three hundred mails."""

    home: Path
    outcomes: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def learned(dovecot: Dovecot, tmp_path_factory: pytest.TempPathFactory) -> Learned:
    """A home in which the daemon has synced, taught and trained."""
    dovecot.append("mainjob", three_hundred())
    home = tmp_path_factory.mktemp("home")
    text = account_toml("work", ADA.address.address, dovecot.port, "mainjob")
    (home / "config.toml").write_text(text + FASTER, "utf-8")

    async def learn(paths: Paths) -> dict[str, dict[str, Any]]:
        async with Client(paths.socket) as client:
            kinds = ("sync", "teach", "train")
            return {kind: await client.run_job(kind, "work") for kind in kinds}

    with daemon(home) as running:
        outcomes = asyncio.run(learn(running.paths))
        assert running.end() == 0
        assert not running.paths.socket.exists()
    return Learned(home=home, outcomes=outcomes)


def test_every_mail_is_learned_from(learned: Learned) -> None:
    """But for one that says what another said."""
    status = json.loads(trimtab("status", "--json", home=learned.home).stdout)
    row = status["accounts"][0]
    assert (row["mails"], row["lessons"], row["quarantined"]) == (300, 299, 0)
    taught = learned.outcomes["teach"]
    assert (taught["lessons"], taught["set_aside"]) == (299, 0)
    assert taught["left_out"] == {"duplicate": 1}


def test_the_daemon_syncs_by_itself(learned: Learned) -> None:
    """The first sync is due as it starts, and every sync is followed by a look for edits."""
    jobs = json.loads(trimtab("status", "--json", home=learned.home).stdout)["jobs"]
    sync, edits = sorted(jobs, key=lambda job: job["id"])[:2]
    assert (sync["kind"], sync["state"], sync["outcome"]["added"]) == ("sync", "done", 300)
    assert (edits["kind"], edits["state"]) == ("edits", "done")


def test_the_agent_is_promoted_and_beats_its_rivals(learned: Learned) -> None:
    """On the latest fifth of the mails: nearer than zero-shot, and than the style card."""
    assert learned.outcomes["train"]["promoted"] is True
    found = json.loads(trimtab("eval", "--json", home=learned.home).stdout)
    against = {c["rival"]: c for c in found["comparisons"] if c["name"] == "agent"}
    assert found["mails"] >= 50
    assert against["zero-shot"]["nearer"] > 0.8
    assert against["style card"]["nearer"] > 0.55
    assert against["style card"]["by"] > 0


async def draft(client: Client, **more: Any) -> dict[str, Any]:
    """One draft for the bullets, to a stranger."""
    request = {
        "account": "work",
        "key": "main-job",
        "from": {"name": ADA.address.name, "address": ADA.address.address},
        "to": [{"name": "Robin Hale", "address": "robin@hale.example"}],
        "subject": "Chairs",
        "bullets": BULLETS,
        **more,
    }
    events = [event async for event in client.draft(request)]
    assert events[0].name == "rules"
    assert events[0].data["rules"] == events[-1].data["draft"]["rules"]
    return events[-1].data


async def test_bullets_become_a_draft_whose_edit_comes_back(
    learned: Learned, dovecot: Dovecot
) -> None:
    """The adapter's rules, a draft with every bullet, and the user's change found by the header."""
    with daemon(learned.home) as running:
        async with Client(running.paths.socket) as client:
            made = await draft(client)
            told = made["draft"]["provenance"]
            assert (told["rung"], told["voice"], told["degraded"]) == ("adapter", True, None)
            assert told["adapter"] == learned.outcomes["train"]["adapter"]
            assert made["checks"] == {"uncovered": [], "unsupported": [], "language": None}
            assert "4 more chairs" in made["draft"]["text"]
            again = await draft(client)
            assert again["draft"] == made["draft"]  # one key, one draft
            saved = [await client.save(made["draft"]["id"]) for _ in range(2)]
        assert running.end() == 0
    (raw,) = dovecot.messages("mainjob", dovecot.drafts)  # saved twice, and there once
    assert [answer["already"] for answer in saved] == [False, True]
    assert f"Message-ID: {saved[0]['message_id']}".encode() in raw
    stored, edited = await sent_mail(running.paths, made["draft"]["id"])
    dovecot.append("mainjob", [edited])
    synced = json.loads(trimtab("sync", "--json", home=learned.home).stdout)["work"]
    assert (synced["added"], synced["edits"]) == (1, 1)
    trimtab("teach", home=learned.home)
    await assert_learned_from(running.paths, stored)


async def sent_mail(paths: Paths, draft_id: str) -> tuple[Draft, bytes]:
    """The stored draft, and the mail that a user made of it in their mail program."""
    database = await Database.open(paths.database)
    stored = await database.read(draft_store.draft, draft_id)
    await database.close()
    assert stored is not None
    message = message_from_bytes(outbox.compose(stored).as_bytes(), policy=policy.SMTP)
    message.set_content(f"Hello Robin\n\n{' '.join(BULLETS)}, please!\n\nAda\n")
    return stored, message.as_bytes()


async def assert_learned_from(paths: Paths, stored: Draft) -> None:
    """The edit names its draft, and its lesson is distilled from what the user changed."""
    database = await Database.open(paths.database)
    (edit,) = await database.read(edit_store.edits, "work")
    lessons = await database.read(lesson_store.lessons, "work")
    await database.close()
    assert (edit.draft_id, edit.matched_by, edit.unchanged) == (stored.id, "header", False)
    assert edit.draft_text == stored.text
    assert edit.final_text.startswith("Hello Robin\n\nI have looked")
    (lesson,) = [lesson for lesson in lessons if lesson.sample_id == edit.mail_id]
    assert lesson.baseline == stored.text


def test_adapters_can_be_listed_shown_and_undone(learned: Learned) -> None:
    """Rolling back leads to the nearest mails' rules; promoting brings the agent back."""
    adapter = learned.outcomes["train"]["adapter"]
    (row,) = json.loads(trimtab("adapters", "list", "--json", home=learned.home).stdout)
    assert (row["id"], row["current"], row["account"]) == (adapter, True, "work")
    assert adapter in trimtab("adapters", "show", adapter, home=learned.home).stdout
    undone = trimtab("adapters", "rollback", home=learned.home).stdout
    assert undone == "work: no agent; your nearest mails or your style card from now on.\n"
    done = trimtab("draft", "--to", "r@hale.example", home=learned.home, stdin="The plan is ready")
    assert "(few-shot: no agent yet" in done.stderr
    promoted = trimtab("adapters", "promote", adapter, "--json", home=learned.home).stdout
    assert json.loads(promoted) == {"account": "work", "adapter": adapter}
    done = trimtab("draft", "--to", "r@hale.example", home=learned.home, stdin="The plan is ready")
    assert "(adapter)" in done.stderr


def test_a_damaged_agent_is_named_and_stood_in_for(learned: Learned) -> None:
    """A draft is made all the same, and says why it is not the agent's."""
    adapter = learned.outcomes["train"]["adapter"]
    weights = learned.home / "adapters" / adapter / "adapters.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1])
    try:
        said = trimtab("adapters", "show", adapter, home=learned.home, code=1).stderr
        assert said.startswith(f"Adapter {adapter!r} is damaged (adapters.safetensors is missing")
        done = trimtab("draft", "--to", "r@x.example", home=learned.home, stdin="The plan is ready")
        assert "the agent's files are damaged" in " ".join(done.stderr.split())
    finally:
        weights.write_bytes(whole)
