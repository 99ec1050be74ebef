"""How far a draft has got on its ways out, as the store keeps it."""

import sqlite3
from datetime import timedelta

import pytest
from store_samples import NOW, a_draft

from daemon.records import Delivery, DeliveryState
from daemon.store import deliveries, drafts

LATER = NOW + timedelta(seconds=5)
NAME = "<draft-1@x>"


@pytest.fixture
def connection(connection: sqlite3.Connection) -> sqlite3.Connection:
    """With a draft that can leave."""
    drafts.add_draft(connection, a_draft(1))
    return connection


def test_before_the_first_attempt_there_is_nothing(connection: sqlite3.Connection) -> None:
    """Neither for a draft that is known nor for one that is not."""
    assert deliveries.delivery(connection, "draft-1", "save") is None
    assert deliveries.delivery(connection, "draft-9", "save") is None


def test_an_attempt_begins_and_ends(connection: sqlite3.Connection) -> None:
    """Each way of a draft has a row of its own."""
    deliveries.begin(connection, "draft-1", "send", NAME, NOW)
    begun = Delivery(draft_id="draft-1", kind="send", state="trying", attempts=1, begun_at=NOW)
    assert deliveries.delivery(connection, "draft-1", "send") == begun
    deliveries.end(connection, "draft-1", "send", "unknown", LATER)
    ended = Delivery(
        draft_id="draft-1",
        kind="send",
        state="unknown",
        attempts=1,
        begun_at=NOW,
        ended_at=LATER,
    )
    assert deliveries.delivery(connection, "draft-1", "send") == ended
    assert deliveries.delivery(connection, "draft-1", "save") is None


@pytest.mark.parametrize("state", ["failed", "unknown", "trying"])
def test_another_attempt_is_counted(connection: sqlite3.Connection, state: DeliveryState) -> None:
    """And stands where the first one stood."""
    deliveries.begin(connection, "draft-1", "save", NAME, NOW)
    deliveries.end(connection, "draft-1", "save", state, NOW)
    deliveries.begin(connection, "draft-1", "save", NAME, LATER)
    assert deliveries.delivery(connection, "draft-1", "save") == Delivery(
        draft_id="draft-1", kind="save", state="trying", attempts=2, begun_at=LATER
    )


def test_an_attempt_notes_the_message_id_it_goes_out_under(
    connection: sqlite3.Connection,
) -> None:
    """Before it leaves: afterwards it may not be known whether it did."""
    deliveries.begin(connection, "draft-1", "save", NAME, NOW)
    assert drafts.drafts_by_message_id(connection, "work") == {NAME: a_draft(1)}


def test_what_is_no_draft_is_not_delivered(connection: sqlite3.Connection) -> None:
    """A row without its draft would be a bug of ours."""
    with pytest.raises(sqlite3.IntegrityError):
        deliveries.begin(connection, "draft-9", "save", NAME, NOW)


def test_a_draft_is_kept_with_the_mail_that_it_answers(connection: sqlite3.Connection) -> None:
    """Beside x, which models are shown."""
    answer = a_draft(2, in_reply_to="<p@x>", references=("<a@x>", "<p@x>"))
    drafts.add_draft(connection, answer)
    assert drafts.draft(connection, "draft-2") == answer
