"""The readers on real mail in the corpora's own forms; it lies beside the repository."""

import json
import shutil
from pathlib import Path

from test_real_mail import corpus

from daemon.agents import select_settings
from daemon.config import Paths, load
from daemon.corpora.enron import ENRON
from daemon.corpora.home import settle
from daemon.corpora.loading import Loaded
from daemon.corpora.loading import load as load_texts
from daemon.corpora.panza import PANZA
from daemon.corpora.people import chosen, survey, wanted
from daemon.corpora.records import Corpus
from daemon.records import Progress
from daemon.store import mail as mail_store
from daemon.store.database import Database
from mlx_agent.teach.select import select


def ignore(progress: Progress) -> None:
    """No bar."""


async def loaded(made: Corpus, paths: list[Path], database: Database, at: Paths) -> list[Loaded]:
    found = survey(made, made.read(paths))
    people = chosen(made, found.people, who=15, seed=1, least=1)
    settings = settle(at, made, people)
    texts = wanted(made.read(paths), people, seed=1, most=None)
    return await load_texts(
        made, people, texts, settings=settings, database=database, report=ignore
    )


async def test_a_real_persons_folder_of_enrons(
    tmp_path: Path, database: Database, home: Paths
) -> None:
    """Of 914 messages most teach, and many answer a mail that is kept apart."""
    sent = tmp_path / "enron" / "maildir" / "kean-s" / "_sent_mail"
    sent.mkdir(parents=True)
    for number, file in enumerate(sorted(corpus("people", "kean").glob("*.eml")), 1):
        shutil.copyfile(file, sent / f"{number}.")
    (kean,) = await loaded(ENRON, [tmp_path / "enron"], database, home)
    assert kean.account == "kean-s"
    assert kean.teaching >= 450
    assert kean.left_out["forward without own text"] > 50
    mails = await database.read(mail_store.mails, "kean-s")
    chosen_mails = select(mails, select_settings(load(home.config), "kean-s", frozenset())).chosen
    assert sum(bool(mail.context) for mail in chosen_mails) >= 240
    (again,) = await loaded(ENRON, [tmp_path / "enron"], database, home)
    assert again.added == 0


async def test_mails_that_were_given_to_panza(database: Database, home: Paths) -> None:
    """Of each person's lines all are mails, and nearly all of them teach."""
    files = sorted(corpus("people").glob("*.jsonl"))
    lines = {file.stem: len(file.read_text("utf-8").splitlines()) for file in files}
    for one in await loaded(PANZA, files, database, home):
        assert one.added + one.known == lines[one.account]
        assert one.unreadable == 0
        assert one.teaching >= 0.9 * one.added
    marcus = await database.read(mail_store.mails, "marcus")
    dated = [json.loads(line)["date"] for line in files[2].read_text("utf-8").splitlines()]
    assert {mail.sent_at.year for mail in marcus} == {int(date[:4]) for date in dated}
