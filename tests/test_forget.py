"""Forgetting by the user's word: all of it goes, the bytes too, and none of it comes back."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from command import sentence, trimtab
from conftest import account_toml
from dovecot_server import Dovecot
from store_samples import (
    A_FOLDER,
    AN_ANSWER,
    AN_X,
    NOW,
    a_batch,
    a_draft,
    a_lesson,
    a_mail,
    a_source,
    a_verdict,
    add_cut,
    an_adapter,
    an_edit,
)
from sync_examples import ADDRESS, message

from daemon.commands.forget import choice, forget
from daemon.config import Config, Paths
from daemon.errors import AccountUnknown, DateUnreadable, MailNotFound
from daemon.records import Batch, Incoming
from daemon.store import (
    adapters,
    answers,
    drafts,
    edits,
    folders,
    forgetting,
    jobs,
    lessons,
    mail,
    tombstones,
)
from daemon.store.database import Connection, Database
from daemon.store.forgetting import Choice
from mlx_agent import adapters as on_disk
from mlx_agent.records import Lesson, RenderSettings
from mlx_agent.teach.dataset import Dataset, Splits, write_dataset

ACCOUNT = '[accounts.work]\naddresses = ["ada@field.example"]\n'
WORDS = ("zwetschgenkuchen", "pflaumenmus", "quittengelee", "apfelwein", "birnenmost")
"""What mail 2 holds in its text, its source, its lesson, its draft, and its edit."""
TEXT, SOURCE, LESSON, DRAFT, EDIT = WORDS


def fill(connection: Connection) -> None:
    """Three mails with all that can be made of one, under the numbers 1 to 3; 2 holds WORDS."""
    add_cut(connection, a_batch(1, 3))
    named = a_mail(2, own_text=f"The {TEXT} is eaten.", draft_id="draft-2")
    source = replace(a_source(2), plain=f"The {TEXT} is eaten. > {SOURCE} " + "x" * 9000)
    second = Incoming(mail=named, source=source, uid=2)
    add_cut(connection, Batch(account="work", incoming=(second,), folder=A_FOLDER))
    for number in (1, 2, 3):
        x = replace(AN_X, intent=(f"the {LESSON}",)) if number == 2 else AN_X
        lessons.add_lesson(connection, a_lesson(number, x=x))
        text = f"I like {DRAFT}." if number == 2 else "Tuesday."
        drafts.add_draft(connection, a_draft(number, text=text))
        final = f"I like {EDIT}." if number == 2 else "Wednesday."
        edits.add_edit(connection, an_edit(number, draft_text=text, final_text=final))
    # a client saw it being sent, before the mail came
    edits.add_edit(
        connection, an_edit(2, mail_id=None, final_text=f"no {EDIT}", matched_by="client")
    )
    drafts.set_message_id(connection, "draft-2", "<2@field.example>")


def on_the_disk(paths: Paths) -> set[str]:
    """The words that stand in any file of the store."""
    files = list(paths.database.parent.glob("trimtab.db*"))
    assert len(files) == 3, "the store, its log, and the log's index"
    # by another process: to close such a file would undo SQLite's locks in this one
    content = subprocess.run(["cat", *files], capture_output=True, check=True).stdout
    return {word for word in WORDS if word.encode() in content}


@pytest.fixture
async def filled(home: Paths, database: Database) -> Database:
    """The store as a daemon holds it open."""
    home.config.write_text(ACCOUNT, "utf-8")
    await database.write(fill)
    return database


async def forget_now(chosen: Choice) -> None:
    await forget(chosen, yes=True, dry_run=False, as_json=True)


@pytest.mark.parametrize("name", ["sha256:0002", "<2@field.example>"])
async def test_a_forgotten_mail_goes_with_all_that_was_made_of_it(
    name: str, filled: Database, home: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    """While the daemon has the store open; and its neighbours stay as they are."""
    assert on_the_disk(home) == set(WORDS)
    await forget_now(Choice(mail=name))
    said = json.loads(capsys.readouterr().out)
    assert said == {"mails": 1, "lessons": 1, "drafts": 1, "edits": 2, "done": True}
    assert on_the_disk(home) == set()
    assert await filled.read(mail.mails, "work") == [a_mail(1), a_mail(3)]
    assert await filled.read(lessons.lessons, "work") == [a_lesson(1), a_lesson(3)]
    assert [one.id for one in await filled.read(drafts.drafts, "work")] == ["draft-3", "draft-1"]
    assert [one.draft_id for one in await filled.read(edits.edits, "work")] == [
        "draft-1",
        "draft-3",
    ]


async def test_what_was_deleted_before_leaves_the_file_too(filled: Database, home: Paths) -> None:
    """Free pages and the index keep the words of rows that a sync deleted long ago."""
    await filled.write(lambda c: c.execute("DELETE FROM uid_link").close())
    await filled.write(lambda c: folders._forget(c, "work", "sha256:0002", NOW))
    assert TEXT in on_the_disk(home)
    await forget_now(Choice(mail="sha256:0001"))
    assert on_the_disk(home) <= {DRAFT, EDIT}, "which are the drafts of a mail that is kept"


async def test_a_forgotten_mail_does_not_come_back(filled: Database) -> None:
    """Not from its folder, whose numbers need no fetching, nor under new ones, nor from a file."""
    await forget_now(Choice(mail="sha256:0002"))
    known = await filled.read(folders.known_uids, A_FOLDER)
    assert known.linked == {1, 2, 3}
    for batch in (a_batch(2), replace(a_batch(2), folder=replace(A_FOLDER, uidvalidity=8))):
        assert await filled.write(add_cut, batch) == 0
    unfiled = Incoming(mail=a_mail(2), source=a_source(2), uid=None)
    assert await filled.write(add_cut, Batch(account="work", incoming=(unfiled,))) == 0
    assert [one.id for one in await filled.read(mail.mails, "work")] == [
        a_mail(1).id,
        a_mail(3).id,
    ]
    assert await filled.read(tombstones.passed_uids, replace(A_FOLDER, uidvalidity=8)) == {2}


async def test_a_job_that_is_under_way_brings_nothing_back(filled: Database) -> None:
    """It read the mail before it was forgotten."""
    await forget_now(Choice(mail="sha256:0002"))
    assert not await filled.write(lessons.add_lesson, a_lesson(2))
    await filled.write(answers.add, "work", "sha256:0002", ("lesson-2", 0), AN_ANSWER)
    assert await filled.read(answers.begun, "work") == {}
    assert not await filled.write(edits.add_edit, an_edit(1, mail_id="sha256:0002"))


async def test_edits_stay_append_only(filled: Database) -> None:
    """Before and after something was forgotten."""
    await forget_now(Choice(mail="sha256:0002"))
    with pytest.raises(Exception, match="append-only"):
        await filled.write(lambda c: c.execute("DELETE FROM edit").close())
    with pytest.raises(Exception, match="append-only"):
        await filled.write(lambda c: c.execute("UPDATE edit SET final_text = ''").close())


async def test_what_is_older_than_a_day_goes(filled: Database) -> None:
    """The mails of a day stay, whenever the user's day begins."""
    early = a_mail(4, sent_at=NOW - timedelta(days=9))
    await filled.write(
        add_cut, replace(a_batch(), incoming=(Incoming(mail=early, source=a_source(4)),))
    )
    day = (NOW - timedelta(days=3)).astimezone().strftime("%Y-%m-%d")
    await forget_now(choice(None, None, day))
    assert len(await filled.read(mail.mails, "work")) == 3
    await forget_now(choice(None, "work", "2027-01-01"))
    assert await filled.read(mail.mails, "work") == []
    assert await filled.read(drafts.drafts, "work") == []


async def test_an_account_goes_as_a_whole_and_no_other(filled: Database, home: Paths) -> None:
    """With its agents and whatever it was taught; the history of jobs stays, which has no text."""
    await filled.write(lambda c: add_cut(c, a_batch(1, account="home")))
    await filled.write(adapters.add_adapter, an_adapter(1))
    await filled.write(adapters.add_verdict, a_verdict(1), NOW)
    await filled.write(jobs.enqueue, "sync", "work", NOW)
    on_disk.save(home.adapters, an_adapter(1), lambda path: path.joinpath("w").touch())
    on_disk.promote(home.adapters, "work", "adapter-1")
    kept_ones(home, a_lesson(1))
    await forget_now(Choice(account="work"))
    assert on_the_disk(home) == set()
    assert [path for folder in (home.adapters, home.datasets) for path in folder.iterdir()] == []
    assert await filled.read(adapters.adapters, "work") == []
    assert await filled.read(mail.count, "work") == 0
    assert await filled.read(mail.count, "home") == 1
    assert len(await filled.read(jobs.history, 9)) == 1


# --- what was trained on it -----------------------------------------------------------------------


def kept_ones(home: Paths, *taught: Lesson) -> Dataset:
    splits = Splits(train=taught, valid=(), test=())
    return write_dataset(home.datasets, "work", splits, RenderSettings())


async def test_agents_that_learned_from_it_are_marked_and_their_data_go(
    filled: Database, home: Paths
) -> None:
    """Those that were trained without it stay as they are; one that goes on from one is marked."""
    x = replace(AN_X, intent=(f"the {LESSON}",))
    held = kept_ones(home, a_lesson(1), a_lesson(2, x=x))
    other = kept_ones(home, a_lesson(3))
    after = {"parent": "adapter-1", "settings": {"start": "adapter"}}
    for adapter in (
        an_adapter(1, dataset_hash=held.hash),
        an_adapter(2, dataset_hash=other.hash, parent="adapter-1"),
        an_adapter(3, dataset_hash=other.hash, **after),
        an_adapter(4, dataset_hash="of a data set that is gone"),
    ):
        await filled.write(adapters.add_adapter, adapter)
    (home.adapters / on_disk.ACTIVATIONS / "x").mkdir(parents=True)
    await forget_now(Choice(mail="sha256:0002"))
    assert await filled.read(forgetting.marked, "work") == {"adapter-1", "adapter-3", "adapter-4"}
    assert (held.path.exists(), other.path.exists()) == (False, True)
    assert not (home.adapters / on_disk.ACTIVATIONS).exists()


async def test_agents_are_not_marked_for_a_mail_that_taught_nothing(
    filled: Database, home: Paths
) -> None:
    await filled.write(adapters.add_adapter, an_adapter(1))
    await filled.write(lambda c: c.execute("DELETE FROM lesson WHERE id = 'lesson-2'").close())
    await forget_now(Choice(mail="sha256:0002"))
    assert await filled.read(forgetting.marked, "work") == frozenset()


async def test_a_training_that_was_under_way_is_marked(filled: Database) -> None:
    """Its data set was read before the mail was forgotten."""
    await forget_now(Choice(mail="sha256:0002"))
    for number, samples in ((1, {"sha256:0001"}), (2, {"sha256:0001", "sha256:0002"})):
        await filled.write(adapters.add_adapter, an_adapter(number, dataset_hash=f"d{number}"))
        await filled.write(forgetting.trained, "work", f"d{number}", samples)
    assert await filled.read(forgetting.marked, "work") == {"adapter-2"}


def test_a_removed_agent_leaves_the_history(tmp_path: Path) -> None:
    """Going back cannot bring it back."""
    for number in (1, 2, 3):
        on_disk.save(tmp_path, an_adapter(number), lambda path: path.joinpath("w").touch())
        on_disk.promote(tmp_path, "work", f"adapter-{number}")
    assert on_disk.remove(tmp_path, "work", {"adapter-1", "adapter-3", "no-such"}) == [
        "adapter-1",
        "adapter-3",
    ]
    assert on_disk.promoted(tmp_path, "work") == ("adapter-2",)
    assert on_disk.rollback(tmp_path, "work") is None


# --- the command ----------------------------------------------------------------------------------


async def test_nothing_goes_unasked(
    filled: Database, home: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    """A dry run says what would go; and only "yes" lets it go."""
    await forget(Choice(mail="sha256:0002"), yes=False, dry_run=True, as_json=False)
    said = " ".join(capsys.readouterr().out.split())
    assert "would be forgotten: 1 mail, 1 lesson, 1 draft and 2 edits" in said
    root = home.database.parent
    for answer in ("n\n", ""):
        trimtab("forget", "--mail", "sha256:0002", home=root, stdin=answer, code=1)
    assert await filled.read(mail.count, "work") == 3
    done = trimtab("forget", "--mail", "sha256:0002", home=root, stdin="y\n")
    assert "Forgotten: 1 mail" in done.stdout
    assert await filled.read(mail.count, "work") == 2


async def test_what_is_not_there_is_told(filled: Database) -> None:
    with pytest.raises(MailNotFound):
        await forget_now(Choice(mail="<no@such.example>"))
    with pytest.raises(AccountUnknown):
        await forget_now(Choice(account="wrok"))
    with pytest.raises(DateUnreadable):
        choice(None, None, "31.12.2025")


def test_the_options_say_one_thing(write_config: Callable[[str], Config], home: Paths) -> None:
    write_config(ACCOUNT)
    root = home.database.parent
    assert "--mail" in trimtab("forget", "--yes", home=root, code=2).stderr
    both = ("forget", "--mail", "x", "--account", "work")
    assert "--mail" in trimtab(*both, home=root, code=2).stderr
    assert sentence(trimtab("forget", "--mail", "x", home=root, code=1)).startswith(
        "There is no mail"
    )


@pytest.mark.dovecot
def test_no_sync_brings_it_back(
    dovecot: Dovecot, user: str, home: Paths, write_config: Callable[[str], Config]
) -> None:
    """Though it lies in the Sent folder still: not even where that has new numbers."""
    root = home.database.parent
    write_config(account_toml("work", ADDRESS, dovecot.port, user))
    dovecot.append(user, [message(number) for number in range(4)])
    assert "4 new mails" in trimtab("sync", home=root).stdout
    trimtab("export", root / "mine", home=root)
    first = json.loads((root / "mine" / "mail.jsonl").read_text("utf-8").splitlines()[0])
    trimtab("forget", "--mail", first["id"], "--yes", home=root)
    assert "0 new mails" in trimtab("sync", home=root).stdout
    dovecot.append(user, [message(4)])
    assert "1 new mail" in trimtab("sync", home=root).stdout
    dovecot.set_uidvalidity(user, 4711)
    assert "0 new mails" in trimtab("sync", home=root).stdout
    trimtab("export", root / "again", home=root)
    kept = (root / "again" / "mail.jsonl").read_text("utf-8")
    assert (len(kept.splitlines()), first["id"] in kept) == (4, False)
