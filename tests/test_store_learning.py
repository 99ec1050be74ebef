"""Lessons, drafts, edits, adapters and counts: what each stage leaves for the next."""

import math
import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest
from store_samples import (
    NOW,
    a_batch,
    a_draft,
    a_lesson,
    a_verdict,
    add_cut,
    an_adapter,
    an_edit,
    an_event,
)

from daemon.records import AccountCounts, JobState, Quarantined
from daemon.store import adapters, drafts, edits, jobs, lessons, status, trainings
from mlx_agent.train.records import Beside, Lists

A_COMPARISON = Beside(
    name="current agent",
    writer="offline",
    mails=12,
    candidate=0.25,
    rival=0.375,
    nearer=0.125,
    low=-0.0625,
    high=0.25,
)

# --- lessons ---------------------------------------------------------------------------------


def test_a_lesson_reads_as_it_was_written(connection: sqlite3.Connection) -> None:
    """x, rules and every call's provenance; also without a baseline."""
    direct = a_lesson(2, baseline=None, strategy="R1", calls=())
    assert lessons.add_lesson(connection, a_lesson(1))
    assert lessons.add_lesson(connection, direct)
    assert lessons.lessons(connection, "work") == [a_lesson(1), direct]


def test_a_known_lesson_is_not_added_again(connection: sqlite3.Connection) -> None:
    """Teaching twice is harmless; the first one stays."""
    lessons.add_lesson(connection, a_lesson(1))
    assert not lessons.add_lesson(connection, a_lesson(1, rules=()))
    assert lessons.lessons(connection, "work") == [a_lesson(1)]


def test_lessons_come_oldest_first_and_by_account(connection: sqlite3.Connection) -> None:
    """The same mail in two accounts teaches each of them."""
    for lesson in (a_lesson(3), a_lesson(1), a_lesson(2), a_lesson(1, account="home")):
        assert lessons.add_lesson(connection, lesson)
    assert [found.id[-1] for found in lessons.lessons(connection, "work")] == ["1", "2", "3"]
    assert lessons.lesson_ids(connection, "work") == {"lesson-1", "lesson-2", "lesson-3"}
    assert lessons.lesson_ids(connection, "home") == {"lesson-1"}


def test_a_sample_is_set_aside_once_with_its_latest_reason(connection: sqlite3.Connection) -> None:
    """Counted by reason, the most frequent first."""
    lessons.set_aside(connection, "work", "a", "malformed")
    lessons.set_aside(connection, "work", "a", "empty")
    lessons.set_aside(connection, "work", "b", "too long")
    lessons.set_aside(connection, "work", "c", "too long")
    lessons.set_aside(connection, "home", "d", "empty")
    counts = lessons.set_aside_counts(connection, "work")
    assert list(counts.items()) == [("too long", 2), ("empty", 1)]


def test_a_sample_that_gives_a_lesson_is_no_longer_set_aside(
    connection: sqlite3.Connection,
) -> None:
    """A later try that succeeds ends it."""
    lessons.set_aside(connection, "work", a_lesson(1).sample_id, "malformed")
    lessons.add_lesson(connection, a_lesson(1))
    assert lessons.set_aside_counts(connection, "work") == {}


# --- drafts ----------------------------------------------------------------------------------


def test_a_draft_is_found_by_id_and_by_key(connection: sqlite3.Connection) -> None:
    """The client's key is one of an account."""
    home = a_draft(2, account="home", key="key-1")
    drafts.add_draft(connection, a_draft(1))
    drafts.add_draft(connection, home)
    assert drafts.draft(connection, "draft-1") == a_draft(1)
    assert drafts.draft(connection, "draft-9") is None
    assert drafts.draft_by_key(connection, "work", "key-1") == a_draft(1)
    assert drafts.draft_by_key(connection, "home", "key-1") == home
    assert drafts.draft_by_key(connection, "work", "key-9") is None


def test_one_key_never_makes_two_drafts(connection: sqlite3.Connection) -> None:
    """The store holds to it even if two requests raced."""
    drafts.add_draft(connection, a_draft(1))
    with pytest.raises(sqlite3.IntegrityError):
        drafts.add_draft(connection, a_draft(2, key="key-1"))


def test_a_draft_is_found_by_the_message_id_it_left_with(connection: sqlite3.Connection) -> None:
    """Saved and then sent, the later Message-ID counts; the latest draft if two share one."""
    for number in (1, 2):
        drafts.add_draft(connection, a_draft(number))
    drafts.set_message_id(connection, "draft-1", "<saved@x>")
    drafts.set_message_id(connection, "draft-1", "<sent@x>")
    drafts.set_message_id(connection, "draft-2", "<sent@x>")
    assert drafts.drafts_by_message_id(connection, "work") == {"<sent@x>": a_draft(2)}
    assert drafts.drafts_by_message_id(connection, "home") == {}


def test_drafts_come_newest_first(connection: sqlite3.Connection) -> None:
    """The one just written is the likeliest to be looked for."""
    for number in (1, 3, 2):
        drafts.add_draft(connection, a_draft(number))
    assert drafts.drafts(connection, "work") == [a_draft(3), a_draft(2), a_draft(1)]
    assert drafts.drafts(connection, "home") == []


# --- edits -----------------------------------------------------------------------------------


@pytest.fixture
def drafted(connection: sqlite3.Connection) -> sqlite3.Connection:
    """A store with two drafts."""
    for number in (1, 2):
        drafts.add_draft(connection, a_draft(number))
    return connection


def test_an_edit_is_added_once(drafted: sqlite3.Connection) -> None:
    """The same final text of a draft from the same mail is known; a later text is a further row."""
    later = an_edit(1, final_text="Wednesday.", created_at=NOW + timedelta(days=1))
    assert edits.add_edit(drafted, an_edit(1))
    assert not edits.add_edit(drafted, an_edit(1, created_at=NOW + timedelta(days=2)))
    assert edits.add_edit(drafted, later)
    assert edits.edits(drafted, "work") == [an_edit(1), later]
    assert edits.edits(drafted, "home") == []


def test_a_text_reported_by_a_client_comes_again_with_its_mail(
    drafted: sqlite3.Connection,
) -> None:
    """First without a mail, then as the mail it was sent in; each only once."""
    reported = an_edit(1, mail_id=None, matched_by="client", created_at=NOW)
    for edit, is_new in [(reported, True), (reported, False), (an_edit(1), True)]:
        assert edits.add_edit(drafted, edit) is is_new
    assert edits.edits(drafted, "work") == [reported, an_edit(1)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE edit SET final_text = ''",
        "DELETE FROM edit",
        "INSERT OR REPLACE INTO edit SELECT * FROM edit",
    ],
)
def test_an_edit_is_never_changed_nor_removed(drafted: sqlite3.Connection, statement: str) -> None:
    """Feedback is append-only; triggers refuse, whatever the program does."""
    edits.add_edit(drafted, an_edit(1))
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        drafted.execute(statement)
    assert edits.edits(drafted, "work") == [an_edit(1)]


def test_an_edit_is_one_of_a_draft(connection: sqlite3.Connection) -> None:
    """One of an unknown draft is a bug of the caller."""
    with pytest.raises(sqlite3.IntegrityError):
        edits.add_edit(connection, an_edit(1))


# --- adapters --------------------------------------------------------------------------------


def test_adapters_and_verdicts_read_as_they_were_written(connection: sqlite3.Connection) -> None:
    """Oldest first, by account."""
    child = an_adapter(2, parent="adapter-1")
    rejected = a_verdict(2, promoted=False, current=0.25, reason="no better")
    for adapter in (child, an_adapter(1), an_adapter(3, account="home")):
        adapters.add_adapter(connection, adapter)
    adapters.add_verdict(connection, a_verdict(1), NOW)
    adapters.add_verdict(connection, rejected, NOW + timedelta(days=1))
    assert adapters.adapters(connection, "work") == [an_adapter(1), child]
    assert adapters.verdicts(connection, "work") == [a_verdict(1), rejected]
    assert adapters.verdicts(connection, "home") == []


def test_settings_and_every_figure_of_a_verdict_survive(connection: sqlite3.Connection) -> None:
    """With the intervals beside each rival, and what the rule lists are like."""
    adapter = an_adapter(1, settings={"rank": 16, "scale": 1.0, "start": "base", "layers": None})
    verdict = a_verdict(
        1,
        beside=(A_COMPARISON, replace(A_COMPARISON, name="style card")),
        lists=Lists(validity=1.0, leaked=0.05, loss=0.75),
        current_lists=Lists(validity=0.98, leaked=0.0),
    )
    adapters.add_adapter(connection, adapter)
    adapters.add_verdict(connection, verdict, NOW)
    assert adapters.adapters(connection, "work") == [adapter]
    assert adapters.verdict(connection, "adapter-1") == verdict
    assert adapters.verdict(connection, "adapter-2") is None


def test_the_last_verdict_is_the_latest_of_the_account(connection: sqlite3.Connection) -> None:
    """What the status shows; None before there is one."""
    assert adapters.last_verdict(connection, "work") is None
    for number, account in ((1, "work"), (2, "work"), (3, "home")):
        adapters.add_adapter(connection, an_adapter(number, account=account))
        at = NOW + timedelta(days=number)
        adapters.add_verdict(connection, a_verdict(number), at)
    assert adapters.last_verdict(connection, "work") == a_verdict(2)


def test_a_repeated_training_and_gate_replace_their_rows(connection: sqlite3.Connection) -> None:
    """Both are keyed by the adapter's id."""
    anew = an_adapter(1, metrics={"valid_loss": 0.0625})
    decided_anew = a_verdict(1, promoted=False)
    for adapter, verdict in [(an_adapter(1), a_verdict(1)), (anew, decided_anew)]:
        adapters.add_adapter(connection, adapter)
        adapters.add_verdict(connection, verdict, NOW)
    assert adapters.adapters(connection, "work") == [anew]
    assert adapters.verdicts(connection, "work") == [decided_anew]


def test_figures_that_are_not_numbers_survive(connection: sqlite3.Connection) -> None:
    """A training that diverged leaves NaN, which SQLite takes for NULL."""
    adapters.add_adapter(connection, an_adapter(1, metrics={"valid_loss": math.nan}))
    adapters.add_verdict(connection, a_verdict(1, candidate=math.nan, zero_shot=math.inf), NOW)
    (adapter,) = adapters.adapters(connection, "work")
    (verdict,) = adapters.verdicts(connection, "work")
    assert math.isnan(adapter.metrics["valid_loss"])
    assert math.isnan(verdict.candidate)
    assert replace(verdict, candidate=0.0) == a_verdict(1, candidate=0.0, zero_shot=math.inf)


def test_a_verdict_is_one_on_a_stored_adapter(connection: sqlite3.Connection) -> None:
    """The row comes before the verdict."""
    with pytest.raises(sqlite3.IntegrityError):
        adapters.add_verdict(connection, a_verdict(1), NOW)


# --- trainings -------------------------------------------------------------------------------


@pytest.fixture
def runs(connection: sqlite3.Connection) -> list[int]:
    """Three trainings of `work`, the last of which is running."""
    found = []
    for state in ("failed", "done", "running"):
        job = jobs.enqueue(connection, "train", "work", NOW)
        jobs.lease(connection, NOW)
        if state != "running":
            jobs.finish(connection, job.id, state, NOW, outcome={}, error=None)  # type: ignore[arg-type]
        found.append(job.id)
    return found


def test_the_run_under_way_is_the_job_of_that_account(
    connection: sqlite3.Connection, runs: list[int]
) -> None:
    """None where another account's is running."""
    assert trainings.under_way(connection, "work") == runs[-1]
    assert trainings.under_way(connection, "home") is None


def test_a_curve_is_that_of_the_run_that_made_the_adapter(
    connection: sqlite3.Connection, runs: list[int]
) -> None:
    """Written anew as it grows; nothing is known of an adapter that another machine made."""
    events = tuple(an_event(step) for step in (1, 2, 3))
    trainings.keep(connection, runs[1], "work", events[:1], None)
    trainings.keep(connection, runs[1], "work", events, "adapter-1")
    assert trainings.curve(connection, "adapter-1") == events
    assert trainings.curve(connection, "adapter-2") == ()


@pytest.mark.parametrize(
    ("state", "outcome", "expected"),
    [
        ("interrupted", {}, "d1"),
        ("done", {"stopped": "hour"}, "d1"),
        ("failed", {}, None),
        ("done", {"adapter": "adapter-1"}, None),
    ],
)
def test_a_training_that_was_cut_off_or_stopped_is_unfinished(
    connection: sqlite3.Connection, state: JobState, outcome: dict[str, object], expected: str
) -> None:
    """What went wrong is begun anew: it would only go wrong again."""
    job = jobs.enqueue(connection, "train", "work", NOW)
    jobs.lease(connection, NOW)
    adapter = str(outcome["adapter"]) if "adapter" in outcome else None
    trainings.keep(connection, job.id, "work", (), adapter, dataset="d1")
    jobs.finish(connection, job.id, state, NOW, outcome=outcome, error=None)
    assert trainings.unfinished(connection, "work") == expected
    assert trainings.unfinished(connection, "home") is None


def test_the_curve_of_a_training_that_was_paused_is_whole(
    connection: sqlite3.Connection, runs: list[int]
) -> None:
    """The second run began at an earlier checkpoint, so that its steps count."""
    first = tuple(an_event(step, loss=9.0) for step in (1, 2, 3, 4))
    again = tuple(an_event(step, loss=1.0) for step in (3, 4, 5))
    trainings.keep(connection, runs[0], "work", first, None)
    trainings.keep(connection, runs[1], "work", again, "adapter-1")
    found = trainings.curve(connection, "adapter-1")
    assert [(event.step, event.loss) for event in found] == [(1, 9), (2, 9), (3, 1), (4, 1), (5, 1)]


def test_a_training_that_failed_is_no_part_of_the_next_ones_curve(
    connection: sqlite3.Connection, runs: list[int]
) -> None:
    """It began anew, or was of other steps."""
    trainings.keep(connection, runs[0], "work", (an_event(1), an_event(2)), None)
    trainings.keep(connection, runs[1], "work", (an_event(1),), "adapter-1")
    trainings.keep(connection, runs[2], "work", (an_event(3, steps=80),), "adapter-2")
    assert trainings.curve(connection, "adapter-1") == (an_event(1),)
    assert trainings.curve(connection, "adapter-2") == (an_event(3, steps=80),)


def test_a_loss_that_is_no_number_is_kept_as_such(
    connection: sqlite3.Connection, runs: list[int]
) -> None:
    """The curve of a training that diverged is what one wants to see."""
    trainings.keep(connection, runs[0], "work", (an_event(1, loss=math.nan),), "adapter-1")
    (event,) = trainings.curve(connection, "adapter-1")
    assert math.isnan(event.loss)


def test_the_curves_of_the_last_runs_of_an_account_stay(connection: sqlite3.Connection) -> None:
    """Every night adds one."""
    for number in range(trainings.KEPT_RUNS + 3):
        account = "home" if number == 0 else "work"
        job = jobs.enqueue(connection, "train", account, NOW)
        jobs.lease(connection, NOW)
        jobs.finish(connection, job.id, "done", NOW, outcome={}, error=None)
        trainings.keep(connection, job.id, account, (an_event(1),), f"adapter-{number}")
    kept = [n for n in range(number + 1) if trainings.curve(connection, f"adapter-{n}")]
    assert kept == [0, *range(3, trainings.KEPT_RUNS + 3)]


# --- counts ----------------------------------------------------------------------------------


def test_counts_are_of_one_account_alone(connection: sqlite3.Connection) -> None:
    """What the status shows, from the rows themselves."""
    unreadable = (Quarantined(uid=9, reason="no header"),)
    add_cut(connection, replace(a_batch(1, 2, 3), quarantined=unreadable))
    add_cut(connection, a_batch(1, account="home"))
    for number in (1, 2):
        lessons.add_lesson(connection, a_lesson(number))
        drafts.add_draft(connection, a_draft(number))
    edits.add_edit(connection, an_edit(1))
    assert status.counts(connection, "work") == AccountCounts(
        account="work",
        mails=3,
        quarantined=1,
        forgotten=0,
        lessons=2,
        drafts=2,
        edits=1,
        last_sync=None,
        adapter=None,
    )
    assert status.counts(connection, "home").mails == 1
    assert status.counts(connection, "other").mails == 0


def test_why_the_last_adapter_is_not_used_is_told_until_one_passes(
    connection: sqlite3.Connection,
) -> None:
    """The job that said so may be long out of sight."""
    for number, promoted in ((1, True), (2, False), (3, True)):
        adapters.add_adapter(connection, an_adapter(number))
        verdict = a_verdict(number, promoted=promoted, reason=f"reason {number}")
        adapters.add_verdict(connection, verdict, NOW + timedelta(days=number))
        kept = status.counts(connection, "work").kept
        assert kept == (None if promoted else "reason 2")


def test_the_last_sync_is_the_last_that_succeeded(connection: sqlite3.Connection) -> None:
    """A failed one says nothing about how new the copy is."""
    for hour, state in enumerate(("done", "failed"), start=1):
        job = jobs.enqueue(connection, "sync", "work", NOW)
        jobs.lease(connection, NOW)
        ended = NOW + timedelta(hours=hour)
        jobs.finish(connection, job.id, state, ended, outcome={}, error=None)  # type: ignore[arg-type]
    assert status.counts(connection, "work").last_sync == NOW + timedelta(hours=1)
