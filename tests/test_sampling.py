"""Who is evaluated and on what: the paper's random splits, ours, and what leaks in a random one."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teaching_examples import NOON, a_lesson

from mlx_agent.evaluate.sampling import How, draw, leaks, splits
from mlx_agent.records import Kind, Lesson
from mlx_agent.teach.dataset import Splits, split


def lessons(count: int, *, per_thread: int = 1, repeats: int = 10**9) -> list[Lesson]:
    """Some in the order of time, so many to a thread; every so many of them say the same."""
    return [
        replace(
            a_lesson(number),
            id=f"lesson {number:03}",
            sample_id=f"sample {number:03}",
            thread=f"thread {number // per_thread}",
            own_text=f"Text {number % repeats} of Nora's.",
            sent_at=NOON + timedelta(hours=number),
        )
        for number in range(count)
    ]


def sizes(found: Splits) -> tuple[int, int, int]:
    return len(found.train), len(found.valid), len(found.test)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("email", (70, 10, 20)), ("review", (70, 10, 20)), ("article", (40, 10, 50))],
)
def test_the_papers_shares(kind: Kind, expected: tuple[int, int, int]) -> None:
    """80 to 20, and half to half of articles; what validates is taken from training."""
    assert sizes(splits(lessons(100), "paper", 1, kind)) == expected


def test_the_seed_draws_the_papers_split() -> None:
    """Equal seeds give equal splits, whatever the order; others give others, out of all times."""
    given_lessons = lessons(60)
    once = splits(given_lessons, "paper", 1, "email")
    assert splits(given_lessons[::-1], "paper", 1, "email") == once
    assert splits(given_lessons, "paper", 2, "email").test != once.test
    assert min(one.sent_at for one in once.test) < max(one.sent_at for one in once.train)


def test_ours_is_the_one_that_is_trained_on() -> None:
    """No seed changes it."""
    given_lessons = lessons(60, per_thread=3)
    assert splits(given_lessons, "ours", 7, "email") == split(given_lessons)


@given(st.integers(0, 40), st.integers(1, 4), st.integers(1, 9), st.integers())
def test_each_lesson_is_in_one_split(count: int, per_thread: int, repeats: int, seed: int) -> None:
    """Of either sampling, oldest first; and something always trains."""
    some = lessons(count, per_thread=per_thread, repeats=repeats)
    hows: tuple[How, ...] = ("ours", "paper")
    for how in hows:
        found = splits(some, how, seed, "article")
        parts = (found.train, found.valid, found.test)
        assert sorted(one.id for part in parts for one in part) == [one.id for one in some]
        assert all(list(part) == sorted(part, key=lambda one: one.sent_at) for part in parts)
        assert found.train or not some


def test_a_sample_counts_once() -> None:
    """With the last lesson that is given of it."""
    some = lessons(30)
    again = [replace(some[0], id="another", strategy="R1")]
    found = splits([*some, *again], "paper", 1, "email")
    ids = {one.id for part in (found.train, found.valid, found.test) for one in part}
    assert len(ids) == 30
    assert "another" in ids
    assert some[0].id not in ids


def test_leaks_are_counted() -> None:
    """By thread, by text in whatever case and space, and by either, the empty text apart."""
    first, second, third, fourth = lessons(4)
    found = Splits(
        train=(first,),
        valid=(replace(second, own_text=""),),
        test=(
            replace(third, thread=first.thread),
            replace(third, own_text=f"  {first.own_text.upper()}\n", thread=first.thread),
            replace(fourth, own_text=""),
            fourth,
        ),
    )
    told = leaks(found)
    assert (told.test, told.threads, told.texts, told.either) == (4, 2, 1, 2)


def test_a_random_split_leaks_and_ours_does_not() -> None:
    """Two mails to a thread, and every fifth a copy: what the paper's figures rest on."""
    some = lessons(100, per_thread=2, repeats=20)
    assert leaks(splits(some, "paper", 1, "email")).either > 10
    mild = lessons(100, per_thread=2)
    assert leaks(splits(mild, "paper", 1, "email")).threads > 5
    assert leaks(splits(mild, "ours", 1, "email")).either == 0


def test_people_are_drawn_by_the_seed() -> None:
    """As many as there are at the most, each once, whatever their order."""
    people = [f"person {n}" for n in range(30)]
    once = draw(people, 15, 1)
    assert len(set(once)) == 15
    assert draw(people[::-1] * 2, 15, 1) == once
    assert draw(people, 15, 2) != once
    assert draw(people[:3], 15, 1) == tuple(people[:3])
