"""Nights, decided: their hours in every time zone, what holds one up, and what comes next."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from daemon.config import Account, Config, Imap, Schedule
from daemon.jobs import night as nights
from daemon.jobs.night import Decision, Standing, Step, decide, hours, missed, night_at
from daemon.night_words import WAITS, sentence
from daemon.power import Power
from daemon.records import Job, JobKind, JobState, Night, Wait

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # half an hour
    "Asia/Kathmandu",
    "America/Santiago",  # at midnight
    "Pacific/Apia",  # a day left out, in 2011
    "UTC",
)
BERLIN = ZoneInfo("Europe/Berlin")
USUAL = Schedule()
TIMES = st.tuples(st.integers(0, 23), st.integers(0, 59)).map(lambda t: f"{t[0]:02}:{t[1]:02}")
NIGHT = hours(date(2026, 3, 3), USUAL, ZoneInfo("UTC"))
EARLY = NIGHT.starts + timedelta(minutes=5)


def a_job(kind: JobKind, state: JobState = "done", account: str = "work", **changes: Any) -> Job:
    job = Job(
        id=1,
        kind=kind,
        account=account,
        state=state,
        attempt=1,
        requested_at=NIGHT.starts,
        started_at=NIGHT.starts,
        finished_at=EARLY if state in {"done", "failed", "interrupted"} else None,
        night=NIGHT.date,
    )
    return replace(job, **changes)


def standing(*jobs: Job, **changes: Any) -> Standing:
    found = Standing(account="work", steps=("sync", "teach", "train"), jobs=jobs)
    return replace(found, **changes)


def step_after(*jobs: Job, now: datetime = EARLY) -> JobKind | None:
    step = decide(now, NIGHT, [standing(*jobs)]).step
    return step.kind if step else None


# --- hours ------------------------------------------------------------------------------------


def local(moment: datetime) -> str:
    return f"{moment.astimezone(BERLIN):%d %H:%M}"


@pytest.mark.parametrize(
    ("day", "starts", "ends"),
    [
        (date(2026, 1, 5), "05 02:30", "05 06:00"),
        (date(2026, 7, 5), "05 02:30", "05 06:00"),
        (date(2026, 3, 29), "29 03:30", "29 06:00"),  # 02:30 does not exist
        (date(2026, 10, 25), "25 02:30", "25 06:00"),  # 02:30 comes twice
    ],
)
def test_hours_are_those_of_the_clock_on_the_wall(day: date, starts: str, ends: str) -> None:
    """In winter, in summer, and when the clocks change."""
    night = hours(day, USUAL, BERLIN)
    assert (night.date, local(night.starts), local(night.ends)) == (day.isoformat(), starts, ends)


def test_of_an_hour_that_comes_twice_the_first_counts() -> None:
    """So that the night is longer by that hour, and does not begin late."""
    night = hours(date(2026, 10, 25), USUAL, BERLIN)
    assert night.ends - night.starts == timedelta(hours=4, minutes=30)


def test_hours_that_the_clock_leaves_out_are_made_up_for() -> None:
    """A night from 02:00 to 03:00 is not left out because that hour is."""
    short = Schedule(night_at="02:00", ends_at="03:00")
    night = hours(date(2026, 3, 29), short, BERLIN)
    assert night.ends - night.starts == timedelta(hours=1)


def test_a_night_may_begin_in_the_evening() -> None:
    """It is named by that day."""
    late = Schedule(night_at="22:00", ends_at="05:00")
    night = night_at(datetime(2026, 1, 6, 1, tzinfo=UTC), late, BERLIN)
    assert (night.date, local(night.starts), local(night.ends)) == (
        "2026-01-05",
        "05 22:00",
        "06 05:00",
    )


def test_the_machines_own_time_zone_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its changes of the clock."""
    import time

    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        for day in (date(2026, 1, 5), date(2026, 3, 29), date(2026, 7, 5), date(2026, 10, 25)):
            assert hours(day, USUAL) == hours(day, USUAL, BERLIN)
    finally:
        monkeypatch.undo()
        time.tzset()


@given(
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    begins=TIMES,
    ends=TIMES,
    start=st.dates(date(2010, 1, 1), date(2030, 1, 1)),
)
@example(ZoneInfo("Pacific/Apia"), "02:30", "06:00", date(2011, 12, 28))
@example(ZoneInfo("Europe/Berlin"), "02:00", "03:00", date(2026, 3, 26))
@example(ZoneInfo("Europe/Berlin"), "02:30", "02:31", date(2026, 10, 23))
def test_whoever_looks_every_half_minute_sees_every_night_once(
    zone: ZoneInfo, begins: str, ends: str, start: date
) -> None:
    """In any zone, at any hours, over a week: not twice, and none left out.

    A night of a day that the calendar itself has left out is that of the day after.
    """
    if begins == ends:
        return
    schedule = Schedule(night_at=begins, ends_at=ends)
    nights_of_week = [hours(start + timedelta(days=n), schedule, zone) for n in range(7)]
    seen: list[Night] = []
    for night in nights_of_week:
        assert night.starts < night.ends
        for now in (night.starts, night.ends - timedelta(seconds=1)):
            found = night_at(now, schedule, zone)
            if nights.is_on(found, now) and found not in seen:
                seen.append(found)
    assert {(n.starts, n.ends) for n in seen} == {(n.starts, n.ends) for n in nights_of_week}
    assert [n.date for n in seen] == sorted({n.date for n in seen})


def test_nights_since_the_last_one_are_missed_once_they_are_over() -> None:
    """Neither the last one itself, nor the one that is on or still to come."""
    last = hours(date(2026, 3, 26), USUAL, BERLIN)
    noon = datetime(2026, 3, 30, 12, tzinfo=UTC)
    found = missed(last, noon, USUAL, BERLIN)
    assert [night.date for night in found] == [f"2026-03-{day}" for day in (27, 28, 29, 30)]
    within = hours(date(2026, 3, 30), USUAL, BERLIN).starts
    assert [n.date for n in missed(last, within, USUAL, BERLIN)][-1] == "2026-03-29"
    assert missed(last, last.ends, USUAL, BERLIN) == []


def test_after_a_long_absence_only_the_last_nights_are_told() -> None:
    """A machine that was in a drawer for a year."""
    last = hours(date(2025, 3, 3), USUAL, BERLIN)
    found = missed(last, datetime(2026, 3, 3, 12, tzinfo=UTC), USUAL, BERLIN)
    assert (len(found), found[-1].date) == (nights.MISSED, "2026-03-03")


def test_a_clock_that_was_set_back_misses_nothing() -> None:
    """The last night may lie in the future then."""
    last = hours(date(2026, 3, 26), USUAL, BERLIN)
    assert missed(last, datetime(2026, 3, 1, tzinfo=UTC), USUAL, BERLIN) == []


# --- what holds one up ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("power", "schedule", "expected"),
    [
        (Power(mains=False), {}, ("battery",)),
        (Power(mains=False), {"only_on_mains": False}, ()),
        (Power(mains=True, low_power=True), {}, ("low_power",)),
        (Power(low_power=True), {"not_in_low_power": False}, ()),
        (Power(idle_s=59), {"idle_minutes": 1}, ("in_use",)),
        (Power(idle_s=60), {"idle_minutes": 1}, ()),
        (Power(idle_s=0), {}, ()),
        (Power(), {"idle_minutes": 5}, ()),
    ],
)
def test_the_machines_state_holds_a_night_up_as_configured(
    power: Power, schedule: dict[str, Any], expected: tuple[Wait, ...]
) -> None:
    """What is not known holds nothing up."""
    assert nights.hindrances(power, Schedule(**schedule), paused=False) == expected
    assert nights.hindrances(power, Schedule(**schedule), paused=True) == ("paused", *expected)


def test_every_reason_has_a_sentence() -> None:
    """In full, for the status and the morning's mail."""
    assert set(WAITS) == set(get_args(Wait))
    assert all(text.endswith(".") for text in WAITS.values())


# --- what comes next --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        ((), "sync"),
        ((a_job("sync"),), "teach"),
        ((a_job("sync", "failed"),), "teach"),
        ((a_job("sync"), a_job("teach")), "train"),
        ((a_job("sync"), a_job("teach", "failed")), "train"),
        ((a_job("sync"), a_job("teach"), a_job("train")), None),
        ((a_job("sync"), a_job("teach"), a_job("train", "failed")), None),
        ((a_job("sync", "interrupted"),), "sync"),
        ((a_job("sync"), a_job("teach"), a_job("train", "interrupted")), "train"),
        ((a_job("sync"), a_job("teach", outcome={"stopped": "asked"})), "teach"),
        ((a_job("sync"), a_job("teach"), a_job("train", outcome={"stopped": "asked"})), "train"),
        ((a_job("sync"), a_job("teach"), a_job("train", outcome={"stopped": "hour"})), None),
    ],
)
def test_one_step_follows_the_other(jobs: tuple[Job, ...], expected: JobKind | None) -> None:
    """A failed one is for the next night; one that was cut off, or stopped, goes on."""
    assert step_after(*jobs) == expected


def test_what_kills_the_daemon_again_and_again_is_given_up_for_a_night() -> None:
    """Three times; the others still come."""
    killed = [a_job("teach", "interrupted")] * (nights.TRIES - 1)
    assert step_after(a_job("sync"), *killed) == "teach"
    assert step_after(a_job("sync"), *killed, a_job("teach", "interrupted")) == "train"


def test_an_account_without_a_server_has_no_sync() -> None:
    """Its mail is imported."""
    config = Config(
        accounts={
            "work": Account(addresses=("a@b.example",), imap=Imap(host="i.example", user="a")),
            "old": Account(addresses=("c@d.example",)),
        }
    )
    open_one = a_job("train", "running", account="old")
    mine = a_job("sync")
    found = nights.standings(config, [mine], [open_one], {"old": EARLY})
    assert found == [
        standing(mine),
        Standing(account="old", steps=("teach", "train"), under_way=True, trained_at=EARLY),
    ]


def test_while_a_job_is_under_way_nothing_is_queued_behind_it() -> None:
    """Also one that the user asked for; theirs are never kept waiting by more than one step."""
    assert decide(EARLY, NIGHT, [standing(under_way=True)]) == Decision(waits=("busy",))


def test_the_account_that_was_trained_longest_ago_is_first_to_its_end() -> None:
    """Or a training that takes all night would keep another account from ever having one."""
    old, new = EARLY - timedelta(days=9), EARLY - timedelta(days=1)
    accounts = [
        replace(standing(trained_at=new), account="new"),
        replace(standing(a_job("sync"), trained_at=old), account="old"),
    ]
    assert decide(EARLY, NIGHT, accounts).step == Step(kind="teach", account="old")
    never = replace(standing(), account="never")
    assert decide(EARLY, NIGHT, [*accounts, never]).step == Step(kind="sync", account="never")


WAITING = a_job("teach", outcome={"waiting": 7})


def test_training_waits_for_a_providers_answers_for_half_of_the_night() -> None:
    """It asks every ten minutes; then it trains on what there is."""
    waits = decide(EARLY + timedelta(minutes=9), NIGHT, [standing(a_job("sync"), WAITING)])
    assert waits == Decision(waits=("answers",))
    asked = EARLY + timedelta(minutes=10)
    assert step_after(a_job("sync"), WAITING, now=asked) == "teach"
    half = NIGHT.starts + (NIGHT.ends - NIGHT.starts) / 2
    assert step_after(a_job("sync"), WAITING, now=half) == "train"


def test_while_one_account_waits_for_answers_the_next_goes_on() -> None:
    """Nothing of this machine is in use then."""
    accounts = [standing(a_job("sync"), WAITING), replace(standing(), account="home")]
    assert decide(EARLY, NIGHT, accounts).step == Step(kind="sync", account="home")


ENDED = st.sampled_from(["done", "failed", "interrupted"])


@given(st.lists(ENDED, max_size=30), st.booleans())
def test_a_night_comes_to_an_end(ends: list[JobState], waiting: bool) -> None:
    """However its jobs end: after at most nine of them, all three steps were taken."""
    jobs: list[Job] = []
    outcome: dict[str, object] = {"waiting": 1} if waiting else {}
    late = NIGHT.ends - timedelta(minutes=1)
    for state in [*ends, *["done"] * 30]:
        kind = step_after(*jobs, now=late)
        if kind is None:
            break
        jobs.append(a_job(kind, state, outcome=outcome))
    assert step_after(*jobs, now=late) is None
    assert {job.kind for job in jobs} == {"sync", "teach", "train"}
    assert len(jobs) <= 3 * nights.TRIES


# --- in words ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (a_job("sync", outcome={"added": 1}), "1 new mail."),
        (
            a_job("sync", outcome={"added": 0, "forgotten": 2, "quarantined": 1}),
            "No new mails; 2 forgotten; 1 unreadable.",
        ),
        (a_job("edits", outcome={"edits": 2}), "2 new edits."),
        (
            a_job("teach", outcome={"lessons": 3, "waiting": 1}),
            "3 new lessons; 1 question still at the provider.",
        ),
        (
            a_job("teach", outcome={"lessons": 3, "budget_spent": "night"}),
            "3 new lessons; the budget of this night is spent.",
        ),
        (
            a_job("teach", outcome={"lessons": 3, "stopped": "hour"}),
            "3 new lessons; stopped at its hour, goes on next night.",
        ),
        (
            a_job("train", outcome={"stopped": "hour", "step": 3, "steps": 9}),
            "Training stopped at its hour, goes on next night; at step 3 of 9.",
        ),
        (
            a_job("train", outcome={"stopped": "asked"}),
            "Training stopped for now, goes on when the night may.",
        ),
        (
            a_job("train", outcome={"promoted": True, "why": "nearer than zero-shot"}),
            "A new agent is in use: nearer than zero-shot.",
        ),
        (
            a_job("train", outcome={"promoted": False, "why": "no better"}),
            "The agent in use stays: no better.",
        ),
        (a_job("sync", "failed", error="No answer."), "No answer."),
        (a_job("sync", "queued"), "Waits for its turn."),
        (a_job("sync", "running"), "Is under way."),
        (
            a_job("sync", "interrupted"),
            "Was cut off before its end; the next run goes on from there.",
        ),
    ],
)
def test_every_run_is_told_in_one_sentence(job: Job, expected: str) -> None:
    """In counts, never in text."""
    assert sentence(job) == expected


def test_a_night_is_a_record_of_its_hours() -> None:
    """In UTC, whatever the zone is."""
    assert hours(date(2026, 7, 5), USUAL, BERLIN) == Night(
        date="2026-07-05",
        starts=datetime(2026, 7, 5, 0, 30, tzinfo=UTC),
        ends=datetime(2026, 7, 5, 4, 0, tzinfo=UTC),
    )
