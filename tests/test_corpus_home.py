"""A home for research: people become accounts, and all commands work on them, for each kind."""

import itertools
import json
import threading
import tomllib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command import sentence as said
from command import trimtab
from corpus_files import (
    article_row,
    article_table,
    enron_tree,
    panza_file,
    sentence,
    user,
    user_file,
)

from daemon import config
from daemon.agents import measure_card, select_settings
from daemon.commands.corpus import OFTEN, LoadOptions, load, told
from daemon.config import Config, Paths
from daemon.corpora.records import Name, Skipped
from daemon.records import Progress
from daemon.store import lessons as lesson_store
from daemon.store import mail as mail_store
from daemon.store.database import Database
from mlx_agent.evaluate.sampling import splits
from mlx_agent.large.offline_rules import OF_LETTERS
from mlx_agent.large.offline_writer import baseline
from mlx_agent.records import Kind, Lesson, Mail, RenderSettings
from mlx_agent.teach.dataset import write_dataset

PEOPLE = {"falk-n": "nora.falk@enron.com", "aster-k": "kim.aster@enron.com"}


def an_enron(path: Path) -> Path:
    return enron_tree(path / "enron", PEOPLE)


def some_articles(path: Path) -> Path:
    authors = ("Ada Weld", "Bo Carr")
    rows = [article_row(author, n + 20 * k) for k, author in enumerate(authors) for n in range(9)]
    return article_table(path / "news.csv", rows)


def some_reviews(path: Path) -> Path:
    return user_file(path / "train_questions.json", [user(n, reviews=8) for n in range(3)])


def a_panza(path: Path) -> Path:
    return panza_file(path / "nora_clean.jsonl", mails=9)


CASES: list[tuple[Name, Callable[[Path], Path], Kind, str]] = [
    ("enron", an_enron, "email", "falk-n"),
    ("articles", some_articles, "article", "ada-weld"),
    ("reviews", some_reviews, "review", "user-2"),
    ("panza", a_panza, "email", "nora"),
]


Load = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Load:
    """Loads into a home as the command does, in this process; what it tells as JSON."""

    async def run(home: Path, corpus: Name, path: Path, **changes: Any) -> dict[str, Any]:
        monkeypatch.setenv("TRIMTAB_HOME", str(home))
        options = LoadOptions(
            corpus=corpus,
            paths=(path,),
            people="15",
            seed=1,
            per_person=None,
            least=2,
            publication="The New Yorker",
            only_list=False,
        )
        capsys.readouterr()
        await load(replace(options, **changes), as_json=True)
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return run


async def stored(paths: Paths, account: str) -> tuple[list[Mail], list[Lesson]]:
    database = await Database.open(paths.database)
    try:
        mails = await database.read(mail_store.mails, account)
        return mails, await database.read(lesson_store.lessons, account)
    finally:
        await database.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
async def test_texts_become_lessons_and_a_data_set(
    case: tuple[Name, Callable[[Path], Path], Kind, str], tmp_path: Path, loaded: Load
) -> None:
    """From the corpus' file on, by the commands, each kind by its own prompts and manner."""
    corpus, make, kind, who = case
    home, path = tmp_path / "home", make(tmp_path)
    first = await loaded(home, corpus, path)
    assert all(one["added"] >= 7 and not one["known"] for one in first["people"])
    again = await loaded(home, corpus, path)
    assert all(one["known"] >= 7 and not one["added"] for one in again["people"])
    done = json.loads(trimtab("teach", "--account", who, "--json", home=home).stdout)
    paths = config.find_paths(str(home))
    settings = config.load(paths.config)
    assert (settings.accounts[who].kind, settings.accounts[who].corpus) == (kind, corpus)
    mails, lessons = await stored(paths, who)
    assert done["lessons"] == len(lessons) >= 7
    assert {lesson.x.kind for lesson in lessons} == {kind}
    if kind != "email":
        assert_are_no_letters(lessons, mails)
    assert_make_a_card(settings, who, mails, kind)
    parts = splits(lessons, "ours", 1, kind)
    dataset = write_dataset(tmp_path / "datasets", who, parts, RenderSettings())
    lines = (dataset.path / "train.jsonl").read_text("utf-8").splitlines()
    assert len(lines) == len(parts.train)
    asked = json.loads(lines[0])["messages"][0]["content"]
    assert f"this {'mail' if kind == 'email' else kind}." in asked


def assert_are_no_letters(lessons: list[Lesson], mails: list[Mail]) -> None:
    """Nobody is greeted, no rule speaks of it, and every word of the text was stored."""
    for lesson in lessons:
        aspects = {rule.aspect for rule in lesson.rules}
        assert "length" in aspects
        assert not aspects & OF_LETTERS
        assert lesson.x.metadata.to == ()
        assert lesson.baseline == baseline(lesson.x)
        assert "Dear" not in (lesson.baseline or "")
    assert all("whole" in mail.flags and not mail.signature for mail in mails)
    assert all(not mail.context and mail.own_text for mail in mails)


def assert_make_a_card(settings: Config, who: str, mails: list[Mail], kind: Kind) -> None:
    card = measure_card(mails, select_settings(settings, who, frozenset()), kind)
    assert card is not None
    assert card.rules


async def test_enrons_mails_are_cut_by_our_own_code(tmp_path: Path, loaded: Load) -> None:
    """The quote is context, and a forward alone teaches nothing, with its reason."""
    home = tmp_path / "home"
    found = await loaded(home, "enron", an_enron(tmp_path))
    nora = next(one for one in found["people"] if one["account"] == "falk-n")
    assert nora["left_out"]["forward without own text"] == 1
    assert nora["teaching"] == 7
    mails, _ = await stored(config.find_paths(str(home)), "falk-n")
    reply = next(mail for mail in mails if mail.own_text.startswith("Friday suits me"))
    assert reply.own_text == "Friday suits me well, and the keys are in the office."
    assert reply.context[0].text == "Which day suits you best?"


async def test_a_draft_of_an_article_greets_nobody(tmp_path: Path, loaded: Load) -> None:
    """Without an agent, and without lessons, the style card says how."""
    home = tmp_path / "home"
    await loaded(home, "articles", some_articles(tmp_path))
    bullets = "- I mended the boat\n- The sail is next\n"
    done = trimtab(
        *("draft", "--account", "ada-weld", "--subject", "The Harbor", "--json"),
        home=home,
        stdin=bullets,
    )
    text = json.loads(done.stdout)["draft"]["text"]
    assert text.startswith("I mended the boat.")
    assert "Dear" not in text
    assert "regards" not in text.lower()


async def test_people_are_drawn_named_and_listed(tmp_path: Path, loaded: Load) -> None:
    """As many as asked for, with as many texts."""
    path = some_reviews(tmp_path)
    few = await loaded(tmp_path / "a", "reviews", path, people="2", per_person=4)
    assert [one["added"] for one in few["people"]] == [4, 4]
    assert few["of"] == 3
    named = await loaded(tmp_path / "b", "reviews", path, people="user-0, user-2")
    assert [one["account"] for one in named["people"]] == ["user-0", "user-2"]
    listed = await loaded(tmp_path / "c", "reviews", path, only_list=True)
    assert listed["people"] == {"user-0": 9, "user-1": 9, "user-2": 9}
    assert not (tmp_path / "c").exists()


async def test_a_home_keeps_its_comments_and_takes_a_second_corpus(
    tmp_path: Path, loaded: Load
) -> None:
    """The user may have set a teacher in between."""
    home = tmp_path / "home"
    await loaded(home, "reviews", some_reviews(tmp_path))
    path = config.find_paths(str(home)).config
    path.write_text(path.read_text("utf-8") + "\n[teach]  # mine\nlimit = 50\n", "utf-8")
    await loaded(home, "panza", a_panza(tmp_path))
    text = path.read_text("utf-8")
    assert "[teach]  # mine\nlimit = 50" in text
    assert set(tomllib.loads(text)["accounts"]) == {"user-0", "user-1", "user-2", "nora"}
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_users_own_home_is_refused(tmp_path: Path) -> None:
    """With a sentence that says how to have another; nothing is changed."""
    home = tmp_path / "home"
    home.mkdir()
    own = '[accounts.work]\naddresses = ["ada@field.example"]\n'
    (home / "config.toml").write_text(own, "utf-8")
    done = trimtab("corpus", "load", "panza", a_panza(tmp_path), home=home, code=1)
    assert said(done) == (
        f"The home {home} holds the account 'work', which is not of the corpus 'panza'; research "
        "has a home of its own: name an empty folder, as in `export TRIMTAB_HOME=~/research`, and "
        "run it again."
    )
    assert [file.name for file in home.iterdir()] == ["config.toml"]
    assert (home / "config.toml").read_text("utf-8") == own


def test_a_wrong_file_and_nobody_enough_are_told(tmp_path: Path) -> None:
    """One sentence each, and no home is made."""
    home, path = tmp_path / "home", tmp_path / "news.csv"
    path.write_text("a,b\n", "utf-8")
    done = trimtab("corpus", "load", "articles", path, home=home, code=1)
    assert said(done) == (
        f"{path} cannot be read as the corpus 'articles' (it has no column date); give the CSV "
        "file of All the News 2.0, with author, title, article and publication."
    )
    done = trimtab("corpus", "load", "reviews", some_reviews(tmp_path), home=home, code=1)
    assert said(done) == (
        "The corpus 'reviews' has nobody with 40 texts or more; see whom it has with --list, or "
        "ask for fewer texts with --least."
    )
    assert not home.exists()


def test_a_long_reading_tells_how_far_it_is_and_can_be_stopped() -> None:
    """A thread reads; what cancels the command must not wait for gigabytes."""
    stop, seen = threading.Event(), []

    def report(at: Progress) -> None:
        seen.append(at.done)
        if len(seen) == 3:
            stop.set()

    read = sum(1 for _ in told(itertools.repeat(Skipped("a row")), report, stop))
    assert seen == [OFTEN, 2 * OFTEN, 3 * OFTEN]
    assert read == 3 * OFTEN


def test_wrong_usage_is_told(tmp_path: Path) -> None:
    """Exit 2, before anything is read."""
    some = some_reviews(tmp_path)
    for options in (["--people", " "], ["--per-person", "0"]):
        trimtab("corpus", "load", "reviews", some, *options, home=tmp_path / "home", code=2)
    trimtab("corpus", "load", "letters", some, home=tmp_path / "home", code=2)
    assert not (tmp_path / "home").exists()


def test_people_have_something_to_say() -> None:
    """The examples' sentences are all different, or copies would be left out."""
    assert len({sentence(n) for n in range(400)}) == 400
