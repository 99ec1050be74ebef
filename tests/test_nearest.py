"""The lessons nearest to an x, found by full text in the real store and without it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_samples import ADA, BEN, NOW, a_lesson, opened

from daemon.store import lessons as lesson_store
from daemon.store import schema
from daemon.store.nearest import nearest, nearest_among
from mlx_agent.records import Address, Lesson, Metadata, X

KIM = Address(name="Kim Åström", address="kim@aster.example")
EVE = Address(name="Eve Ray", address="eve@ray.example")
NOBODY = X(intent=(), metadata=Metadata(sender=ADA))


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(opened()) as connection:
        yield connection


def an_x(*intent: str, to: Address = BEN, subject: str = "") -> X:
    return X(intent=intent, metadata=Metadata(sender=ADA, to=(to,), subject=subject))


def about(number: int, *intent: str, to: Address = BEN, **changes: Any) -> Lesson:
    return a_lesson(number, x=an_x(*intent, to=to), **changes)


def stored(connection: sqlite3.Connection, *lessons: Lesson) -> None:
    for lesson in lessons:
        lesson_store.add_lesson(connection, lesson)


def found(
    connection: sqlite3.Connection, x: X, limit: int = 10, account: str = "work"
) -> list[str]:
    return [lesson.id for lesson in nearest(connection, account, x, limit)]


def test_a_lesson_comes_back_as_it_was_stored(connection: sqlite3.Connection) -> None:
    """With every field."""
    lesson = a_lesson(1, recipe="a recipe")
    stored(connection, lesson)
    assert nearest(connection, "work", lesson.x, 1) == [lesson]


def test_what_shares_a_rare_word_is_nearest(connection: sqlite3.Connection) -> None:
    """In its subject or its points, whatever the capitals and the accents."""
    stored(
        connection,
        about(1, "the façade is painted"),
        about(2, "the boat is ready"),
        about(3, "the boat floats"),
    )
    assert found(connection, an_x("Paint the FACADE", to=KIM))[0] == "lesson-1"
    assert found(connection, an_x(subject="It floats", to=KIM))[0] == "lesson-3"


def test_who_it_is_to_counts_more_than_what_it_is_about(connection: sqlite3.Connection) -> None:
    """Manners go by the person."""
    stored(
        connection,
        about(1, "the minutes are ready", to=KIM),
        about(2, "the drawings are late", to=BEN),
        *(about(n, f"matter {n} is done", to=EVE) for n in range(3, 9)),
    )
    assert found(connection, an_x("the drawings", to=KIM))[:2] == ["lesson-1", "lesson-2"]


def test_a_name_is_found_however_its_accents_are_written(connection: sqlite3.Connection) -> None:
    """Composed, decomposed or left out."""
    stored(connection, about(1, "one", to=KIM), *(about(n, "one", to=BEN) for n in range(2, 6)))
    for name in ("\u00c5str\u00f6m", "A\u030astro\u0308m", "Astrom"):
        assert found(connection, an_x("two", to=Address(name=name)))[0] == "lesson-1"


def test_of_equally_near_lessons_the_newest_go_first(connection: sqlite3.Connection) -> None:
    """As do those that share no word, after all that do."""
    same = [about(n, "the boat is ready") for n in (2, 4, 3)]
    others = [about(n, "something else", to=EVE) for n in (9, 8, 7)]
    stored(connection, *same, *others)
    order = [f"lesson-{n}" for n in (4, 3, 2, 9, 8, 7)]
    assert found(connection, an_x("boat")) == order
    assert found(connection, an_x("boat"), limit=4) == order[:4]


def test_an_x_without_a_word_is_answered_with_the_newest(connection: sqlite3.Connection) -> None:
    """Of the mails, not of the lessons."""
    late = about(1, "late", sent_at=NOW + timedelta(days=9))
    stored(connection, late, about(2, "early"))
    assert found(connection, an_x("...", to=Address())) == ["lesson-1", "lesson-2"]


def test_one_accounts_lessons_are_not_anothers(connection: sqlite3.Connection) -> None:
    """No voice is lent."""
    stored(connection, about(1, "boat"), about(2, "boat", account="home"))
    assert found(connection, an_x("boat")) == ["lesson-1"]
    assert found(connection, an_x("boat"), account="home") == ["lesson-2"]
    assert found(connection, an_x("boat"), account="club") == []


def test_a_sample_counts_once_with_its_last_lesson(connection: sqlite3.Connection) -> None:
    """A changed prompt has made another."""
    old = about(1, "boat", id="old", sample_id="s")
    new = about(1, "boat", id="new", sample_id="s")
    stored(connection, new, about(2, "boat"), old)
    assert found(connection, an_x("boat")) == ["lesson-2", "old"]


def index_of(connection: sqlite3.Connection) -> list[list[str]]:
    """Its rows: account, id, recipient, topic."""
    rows = connection.execute("SELECT * FROM lesson_text")
    return sorted([str(value).strip() for value in row] for row in rows)


def test_what_is_forgotten_is_found_no_more(connection: sqlite3.Connection) -> None:
    """Nor does the index keep a word of it."""
    stored(connection, about(1, "boat", sample_id="s"), about(2, "boat"))
    connection.execute("DELETE FROM lesson WHERE sample_id = 's'")
    assert found(connection, an_x("boat")) == ["lesson-2"]
    assert [row[1] for row in index_of(connection)] == ["lesson-2"]


def test_a_lesson_that_is_known_is_not_indexed_again(connection: sqlite3.Connection) -> None:
    """A repeat is harmless."""
    stored(connection, about(1, "boat"), about(1, "boat"))
    assert len(index_of(connection)) == 1


def test_lessons_from_before_there_was_an_index_are_in_it(connection: sqlite3.Connection) -> None:
    """In the same words as if they were added today."""
    taught = [a_lesson(1), about(2, "boat", "oar", to=KIM), about(3), a_lesson(4, x=NOBODY)]
    stored(connection, *taught)
    columns = "account, id, sample_id, x, rules, own_text, baseline, sent_at, thread, strategy"
    rows = connection.execute(f"SELECT {columns}, calls FROM lesson")
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as older:
        schema.migrate(older, 2)
        older.executemany(f"INSERT INTO lesson VALUES ({'?, ' * 10} ?)", map(tuple, rows))
        schema.migrate(older)
        assert index_of(older) == index_of(connection)


@pytest.mark.parametrize(
    "hostile",
    [
        '" OR account : "home',
        "boat AND NOT ready",
        "NEAR(boat ready, 1)",
        "topic : boat*",
        "^boat + ready",
        "{recipient topic} : boat",
        "'; DROP TABLE lesson; --",
        "boat\x00ready",
        "\ud800 boat",
        "(((((",
        '"',
    ],
)
def test_the_words_of_a_mail_are_no_syntax(connection: sqlite3.Connection, hostile: str) -> None:
    """What would be an operator is a word like any other."""
    stored(connection, about(1, "boat"), about(2, "oar", account="home"))
    assert found(connection, an_x(hostile, subject=hostile)) == ["lesson-1"]


@given(st.text(max_size=60), st.text(max_size=30), st.text(max_size=30))
def test_any_text_can_be_indexed_and_asked(intent: str, name: str, subject: str) -> None:
    """Whatever it holds, there is an answer, and the same one twice."""
    x = an_x(intent, to=Address(name=name), subject=subject)
    lessons = [a_lesson(1, x=x), a_lesson(2)]
    once, again = nearest_among(lessons, [x, x], 2)
    assert once == again
    assert {lesson.id for lesson in once} == {"lesson-1", "lesson-2"}


def test_a_long_mail_can_be_asked_for(connection: sqlite3.Connection) -> None:
    """The query has no limit that a mail could meet."""
    stored(connection, about(1, "boat"), about(2, "oar"))
    words = " ".join(f"word{n}" for n in range(20_000))
    assert found(connection, an_x(words, "boat", to=EVE))[0] == "lesson-1"


def test_without_the_store_the_same_lessons_are_found(connection: sqlite3.Connection) -> None:
    """In memory, for the comparison with the agent."""
    taught = [about(n, f"matter {n % 4} of {n % 3}", to=(BEN, KIM, EVE)[n % 3]) for n in range(20)]
    stored(connection, *taught)
    xs = [an_x("matter 2", to=KIM), an_x("of 1", to=BEN), an_x("nothing like it", to=Address())]
    expected = tuple(tuple(nearest(connection, "work", x, 6)) for x in xs)
    assert nearest_among(taught, xs, 6) == expected
    assert nearest_among([], xs, 6) == ((), (), ())
