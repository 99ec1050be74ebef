"""Of what `status` warns, and what it says to do."""

from typing import Any

import pytest
from status_pictures import BUDGET, NOW, SHRUNK, account, job, state

from daemon.advice import Warned, warnings


def said(*accounts: dict[str, Any], **changed: Any) -> list[str]:
    """Each warning as a line."""
    return [
        f"{each.what} {each.do}".rstrip() for each in warnings(state(*accounts, **changed), NOW)
    ]


def test_of_a_good_state_nothing_is_said() -> None:
    """Nor of an account that is new, or has learned little yet."""
    assert said() == []
    assert said(account(last_sync=None, mails=0, lessons=0)) == []
    assert said(account(lessons=900, adapter="work-1"), jobs=[job(), job("train")]) == []


@pytest.mark.parametrize(
    ("row", "changed", "line"),
    [
        ({}, {"daemon": False}, "start it with `trimtab run`"),
        ({}, {"disk": {"free_gb": 1}}, "The disk is nearly full (1 GB left). make room"),
        ({}, {"jobs": [job("sync", "failed", error=SHRUNK)]}, SHRUNK),
        ({"last_sync": "2026-02-20T08:00:00+00:00"}, {}, "work: the last sync was 11 days ago."),
        ({"quarantined": 1}, {}, "work: 1 mail could not be read and is set aside."),
        ({"kept": "it is worse"}, {}, "is kept, but not used: it is worse. nothing"),
        ({"lessons": 200}, {}, "work: 200 lessons are enough for an agent, but there is none."),
    ],
)
def test_each_thing_that_is_wrong_is_told(
    row: dict[str, Any], changed: dict[str, Any], line: str
) -> None:
    """With what to do, and once."""
    (told,) = said(account(**row), **changed)
    assert line in told


def test_a_spent_budget_is_told_of_the_longer_period() -> None:
    """A budget of nothing that nothing was spent of is none that is spent."""
    night = BUDGET | {"night_usd": 5.0, "night_left_usd": 0.0}
    month = night | {"month_usd": 20.0, "month_left_usd": 0.0}
    assert "The budget of this night is spent" in said(budget=night)[0]
    (told,) = said(budget=month)
    assert "The budget of this month is spent" in told
    assert "budget.month_usd" in told
    assert said(budget=BUDGET | {"night_left_usd": 0.0}) == []


def test_a_failure_is_told_until_its_kind_has_gone_well() -> None:
    """What another account or kind did says nothing; a job cut off is no failure."""
    failed = job("teach", "failed", error="No key.")
    assert said(jobs=[job("teach"), failed]) == []
    told = ["work: the last teach failed: No key."]
    assert said(jobs=[job("sync"), job("teach", account="home"), failed]) == told
    assert said(jobs=[job("teach", "running"), job("teach", "interrupted"), failed]) == told


def test_an_agent_that_was_kept_is_not_missed_as_well() -> None:
    """One warning for one thing."""
    assert len(said(account(lessons=900, kept="it is worse"))) == 1


def test_an_agent_that_is_being_trained_is_not_missed() -> None:
    """Nor one whose training waits."""
    for how in ("queued", "running"):
        assert said(account(lessons=900), jobs=[job("train", how)]) == []
    assert len(said(account(lessons=900), jobs=[job("train", "running", account="home")])) == 1


def test_a_warning_is_a_sentence() -> None:
    """And what to do is none, for it goes on after it."""
    for each in warnings(state(daemon=False, disk={"free_gb": 0}), NOW):
        assert isinstance(each, Warned)
        assert each.what.endswith(".")
        assert not each.do.endswith(".")
