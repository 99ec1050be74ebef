"""Splits that do not leak, and data sets that are complete or not there."""

import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teaching_examples import KIM, NORA, QUESTION
from teaching_examples import a_lesson as a_lesson_of_one_text

from mlx_agent.records import Lesson, Metadata, Recipient, RenderSettings, Rule, X
from mlx_agent.render import lesson_messages
from mlx_agent.teach.dataset import Dataset, Splits, split, write_dataset

RENDER = RenderSettings(context_words=25)
NAMES = ("train", "valid", "test")


def a_lesson(number: int = 1, **changes: Any) -> Lesson:
    """A lesson with a text and in a thread of its own."""
    return a_lesson_of_one_text(number, **({"own_text": f"It is boat {number}."} | changes))


def lessons(count: int) -> list[Lesson]:
    return [a_lesson(number) for number in range(count)]


def sizes(splits: Splits) -> tuple[int, int, int]:
    return len(splits.train), len(splits.valid), len(splits.test)


# --- splits -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, (0, 0, 0)),
        (3, (3, 0, 0)),
        (8, (4, 2, 2)),
        (20, (12, 4, 4)),
        (100, (70, 10, 20)),
        (1000, (700, 100, 200)),
    ],
)
def test_splits_keep_their_shares_and_enough_to_judge_by(
    count: int, expected: tuple[int, int, int]
) -> None:
    """At least four in each held-out split, but never more than half in both."""
    assert sizes(split(lessons(count))) == expected


def test_the_newest_mails_are_held_out() -> None:
    """The agent is judged on mails written after those it learned from."""
    splits = split(lessons(20)[::-1])
    ids = [lesson.id for name in NAMES for lesson in getattr(splits, name)]
    assert ids == [f"l{number:03}" for number in range(20)]


def test_a_thread_that_goes_on_for_long_stays_where_it_began() -> None:
    """A late answer in an old thread quotes what was trained on."""
    late = a_lesson(99, thread=a_lesson(0).thread)
    splits = split([*lessons(20), late])
    assert [lesson.id for lesson in splits.train][-1] == "l099"
    assert (len(splits.valid), len(splits.test)) == (4, 4)


def test_one_thread_alone_is_not_torn() -> None:
    """Then there is nothing to judge by, and the gate will say so."""
    assert sizes(split([a_lesson(n, thread="<one@x>") for n in range(20)])) == (20, 0, 0)


def test_a_sample_counts_once_with_the_lesson_given_last() -> None:
    """A prompt has changed, or a strategy: the mail is the same."""
    splits = split([a_lesson(1, id="old"), a_lesson(1, id="new")])
    assert [lesson.id for lesson in splits.train] == ["new"]


@given(
    st.lists(
        st.builds(a_lesson, st.integers(0, 200), thread=st.sampled_from("abcdefghijklm")),
        unique_by=lambda lesson: lesson.id,
        max_size=60,
    )
)
def test_no_thread_is_on_two_sides(drawn: list[Lesson]) -> None:
    """Whatever the threads: nothing is lost, threads are whole and in the order of their starts."""
    splits = split(drawn)
    parts = [getattr(splits, name) for name in NAMES]
    assert sorted(lesson.id for part in parts for lesson in part) == sorted(x.id for x in drawn)
    threads = [{lesson.thread for lesson in part} for part in parts]
    assert not threads[0] & threads[1] | threads[0] & threads[2] | threads[1] & threads[2]
    began = {t: min(x.sent_at for x in drawn if x.thread == t) for t in {x.thread for x in drawn}}
    starts = [began[thread] for part in threads for thread in sorted(part, key=began.__getitem__)]
    assert starts == sorted(starts)
    assert all(list(part) == sorted(part, key=lambda lesson: lesson.sent_at) for part in parts)
    assert not drawn or splits.train


@given(
    st.lists(
        st.builds(
            a_lesson,
            st.integers(0, 200),
            thread=st.sampled_from("abcdefghijklmnopqrstuvwxyz"),
            own_text=st.sampled_from(["", *(f"It is boat {n}." for n in range(20))]),
        ),
        unique_by=lambda lesson: lesson.id,
        max_size=40,
    )
)
def test_no_text_is_on_two_sides(drawn: list[Lesson]) -> None:
    """Nor is any thread; what shares either goes where the oldest of it goes."""
    parts = [getattr(split(drawn), name) for name in NAMES]
    assert sorted(lesson.id for part in parts for lesson in part) == sorted(x.id for x in drawn)
    for of in (lambda lesson: lesson.thread, lambda lesson: lesson.own_text):
        sides = [{of(lesson) for lesson in part} - {""} for part in parts]
        assert sum(map(len, sides)) == len(set[str]().union(*sides))
    starts = [min(part, key=lambda lesson: lesson.sent_at).sent_at for part in parts if part]
    assert starts == sorted(starts)


def test_a_text_sent_again_later_stays_with_the_first() -> None:
    """Whatever its spaces and capitals: it was trained on."""
    again = a_lesson(30, own_text="it is  BOAT 0.\n")
    splits = split([*lessons(20), again])
    assert [lesson.id for lesson in splits.train if lesson.id in {"l000", "l030"}] == [
        "l000",
        "l030",
    ]


# --- on disk ----------------------------------------------------------------------------------


def written(root: Path, **changes: Any) -> Dataset:
    options: dict[str, Any] = {"account": "home", "splits": split(lessons(20)), "render": RENDER}
    return write_dataset(root, **(options | changes))


def contents(dataset: Dataset) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in dataset.path.iterdir()}


def test_a_line_is_exactly_what_the_renderer_makes(tmp_path: Path) -> None:
    """Training sees the words that drafting will ask in."""
    splits = split(lessons(20))
    dataset = written(tmp_path, splits=splits)
    for name in NAMES:
        lines = (dataset.path / f"{name}.jsonl").read_text("utf-8").splitlines()
        expected = [lesson_messages(x.x, x.rules, RENDER) for x in getattr(splits, name)]
        assert [
            [(m["role"], m["content"]) for m in json.loads(line)["messages"]] for line in lines
        ] == [[(m.role, m.content) for m in messages] for messages in expected]


def test_the_manifest_names_every_lesson_and_how_it_was_rendered(tmp_path: Path) -> None:
    """So that an adapter can be traced to the mails it learned from."""
    dataset = written(tmp_path)
    manifest = json.loads((dataset.path / "manifest.json").read_text("utf-8"))
    assert manifest["hash"] == dataset.hash
    assert manifest["account"] == "home"
    expected = {"context_words": 25, "recipient": True, "habits": True, "thinking": False}
    assert manifest["render"] == expected
    assert [len(manifest["lessons"][name]) for name in NAMES] == [12, 4, 4]
    assert manifest["lessons"]["test"] == ["l016", "l017", "l018", "l019"]


def test_the_same_lessons_give_the_same_bytes(tmp_path: Path) -> None:
    """In any place, at any time."""
    one, other = written(tmp_path / "one"), written(tmp_path / "other")
    assert one.hash == other.hash
    assert contents(one) == contents(other)


def test_a_complete_data_set_is_used_again(tmp_path: Path) -> None:
    """It is not written a second time."""
    first = written(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in first.path.iterdir()}
    assert written(tmp_path) == first
    assert {path: path.stat().st_mtime_ns for path in first.path.iterdir()} == before
    assert list(tmp_path.iterdir()) == [first.path]


def test_a_data_set_without_a_manifest_is_not_there(tmp_path: Path) -> None:
    """A crash left it half written: it is made anew."""
    first = written(tmp_path)
    whole = contents(first)
    (first.path / "manifest.json").unlink()
    (first.path / "train.jsonl").write_text("{", "utf-8")
    assert contents(written(tmp_path)) == whole


@pytest.mark.parametrize(
    "changes",
    [
        {"account": "work"},
        {"render": RenderSettings(context_words=26)},
        {"splits": split(lessons(21))},
        {"splits": split([a_lesson(n, id=f"other {n}") for n in range(20)])},
        {
            "splits": split(
                [a_lesson(n, rules=(Rule(aspect="tone", instruction="x"),)) for n in range(20)]
            )
        },
    ],
    ids=["account", "render", "more lessons", "other lessons of the same words", "rules"],
)
def test_another_data_set_has_another_name(tmp_path: Path, changes: dict[str, Any]) -> None:
    """Its hash is part of an adapter's key."""
    assert written(tmp_path, **changes).hash != written(tmp_path).hash


def test_what_is_known_of_the_recipient_can_be_left_out(tmp_path: Path) -> None:
    """It is switchable, to measure what it is worth."""
    metadata = Metadata(sender=NORA, to=(KIM,), recipient=Recipient(earlier_mails=7))
    taught = [a_lesson(x=X(intent=("go",), metadata=metadata, context=(QUESTION,)))]
    with_it = written(tmp_path, splits=split(taught))
    without = written(
        tmp_path, splits=split(taught), render=RenderSettings(context_words=25, recipient=False)
    )
    assert b"several earlier mails" in contents(with_it)["train.jsonl"]
    assert b"earlier mail" not in contents(without)["train.jsonl"]


def test_the_odd_line_ends_of_mail_do_not_break_a_line(tmp_path: Path) -> None:
    """U+2028 and U+0085 end a line for some readers; the training's is one of them."""
    odd = X(intent=("one\u2028two", "three\u0085four"), metadata=Metadata(sender=NORA))
    rules = (Rule(aspect="phrases", instruction='say "uno\u2028dos"'),)
    dataset = written(tmp_path, splits=split([a_lesson(x=odd, rules=rules)]))
    (line,) = (dataset.path / "train.jsonl").read_text("utf-8").splitlines()
    assert json.loads(line)["messages"][-1]["content"] == 'Phrases: say "uno\u2028dos"'


def test_the_naive_rival_learns_the_mail_itself(tmp_path: Path) -> None:
    """From the same x, asked for the mail; the default is the rules, whose data set it is not."""
    naive, agents = written(tmp_path, target="text"), written(tmp_path, target="rules")
    assert agents == written(tmp_path) != naive
    first = json.loads(contents(naive)["train.jsonl"].splitlines()[0])["messages"]
    asked = json.loads(contents(agents)["train.jsonl"].splitlines()[0])["messages"]
    assert [m["role"] for m in first] == ["system", "user", "assistant"]
    assert first[0]["content"] == "Write this mail."
    assert first[1] == asked[1]
    assert first[2]["content"] == "It is boat 0."
    assert json.loads(contents(naive)["manifest.json"])["target"] == "text"
    assert "target" not in json.loads(contents(agents)["manifest.json"])


def test_lessons_that_are_rendered_alike_count_once(tmp_path: Path) -> None:
    """In whatever split; what one rendering leaves out, another may tell apart."""
    one, context = a_lesson(1).x, replace(a_lesson(1).x, context=(QUESTION,))
    same = Splits(
        train=(a_lesson(1, x=one), a_lesson(2, x=one)),
        valid=(a_lesson(3, x=context),),
        test=(a_lesson(4, x=one),),
    )
    bare = written(tmp_path, splits=same, render=RenderSettings(context_words=0))
    named = json.loads(contents(bare)["manifest.json"])["lessons"]
    assert named == {"train": ["l001"], "valid": [], "test": []}
    assert [contents(bare)[f"{name}.jsonl"].count(b"\n") for name in NAMES] == [1, 0, 0]
    whole = json.loads(contents(written(tmp_path, splits=same))["manifest.json"])["lessons"]
    assert whole == {"train": ["l001"], "valid": ["l003"], "test": []}
    texts = json.loads(contents(written(tmp_path, splits=same, target="text"))["manifest.json"])
    assert texts["lessons"] == {"train": ["l001", "l002"], "valid": ["l003"], "test": ["l004"]}


def test_a_data_set_is_the_users_alone_to_read(tmp_path: Path) -> None:
    """It holds mail."""
    dataset = written(tmp_path)
    assert stat.S_IMODE(dataset.path.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in dataset.path.iterdir()} == {0o600}
