"""The benchmark of teaching: its checks can fail."""

from collections import Counter

import pytest
from teaching_examples import a_lesson

from benchmarks.teach import KILLS, some_mails, verdict

LESSONS = {lesson.id: lesson for lesson in map(a_lesson, range(3))}


def met(paid: Counter[str], lessons: dict[str, object], died: int = KILLS) -> list[bool]:
    results = verdict("batches", paid, lessons, LESSONS, died=died, lost=0)  # type: ignore[arg-type]
    return [result.met for result in results]


def test_a_clean_run_passes() -> None:
    """Each request once, and the same lessons."""
    assert met(Counter("abc"), dict(LESSONS)) == [True, True]


@pytest.mark.parametrize(
    ("paid", "lessons", "died", "found"),
    [
        (Counter("abca"), LESSONS, KILLS, [False, True]),
        (Counter("abc"), {"l000": LESSONS["l000"]}, KILLS, [True, False]),
        (Counter("abc"), LESSONS | {"l001": a_lesson(1, rules=())}, KILLS, [True, False]),
        (Counter("abc"), LESSONS, KILLS - 1, [False, True]),
    ],
)
def test_a_planted_fault_is_found(
    paid: Counter[str], lessons: dict[str, object], died: int, found: list[bool]
) -> None:
    """A request paid twice, a lesson that is missing or another one, a kill that did not happen."""
    assert met(paid, lessons, died) == found


def test_no_two_of_its_mails_are_alike() -> None:
    """Or fewer would teach than are counted."""
    mails = some_mails(10_000)
    assert len({mail.own_text for mail in mails}) == 10_000
