"""What a fetch leaves until it is read: kept to the byte, newest first, and gone once read."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from store_samples import A_FOLDER, a_batch, a_mail, opened

from daemon.records import FetchedBatch, Quarantined, RawMessage, TextPart
from daemon.store import fetched, folders, mail

NOW = datetime(2026, 3, 3, 9, 30, tzinfo=UTC)


def raw(uid: int) -> RawMessage:
    return RawMessage(
        uid=uid, header=b"Subject: \xff\x00\r\n", received_at=NOW, parts=(), types=("text/plain",)
    )


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
PARTS = st.builds(
    TextPart,
    subtype=WORDS,
    encoding=WORDS,
    charset=WORDS,
    flowed=st.booleans(),
    payload=st.binary(),
    delsp=st.booleans(),
    alone=st.booleans(),
)
MESSAGES = st.builds(
    RawMessage,
    uid=st.integers(1, 2**32 - 1),
    header=st.binary(),
    received_at=st.just(NOW),
    parts=st.none() | st.lists(PARTS, max_size=4).map(tuple),
    types=st.lists(WORDS, max_size=3).map(tuple),
)


@given(MESSAGES)
def test_a_message_waits_as_it_came(message: RawMessage) -> None:
    """Every byte of every part, and that it came whole."""
    connection = opened()
    batch = FetchedBatch(folder=A_FOLDER, messages=(message,))
    fetched.add(connection, batch)
    assert fetched.waiting(connection, "work", 9) == batch
    connection.close()


def test_the_newest_wait_first_and_one_folder_at_a_time(connection: sqlite3.Connection) -> None:
    """Each batch is of one UIDVALIDITY, so that its UIDs mean one thing."""
    fetched.add(connection, FetchedBatch(folder=A_FOLDER, messages=(raw(1), raw(2), raw(3))))
    other = replace(A_FOLDER, uidvalidity=8)
    fetched.add(connection, FetchedBatch(folder=other, messages=(raw(1),)))
    assert fetched.count(connection, "work") == 4
    first = fetched.waiting(connection, "work", 2)
    assert first is not None
    assert [message.uid for message in first.messages] == [3, 2]
    assert first.folder.uidvalidity == 7


def test_another_accounts_messages_are_not_seen(connection: sqlite3.Connection) -> None:
    """Nothing of one mailbox is read as another's."""
    home = replace(A_FOLDER, account="home")
    fetched.add(connection, FetchedBatch(folder=home, messages=(raw(1),)))
    assert fetched.count(connection, "work") == 0
    assert fetched.waiting(connection, "work", 9) is None


def test_what_is_read_waits_no_more(connection: sqlite3.Connection) -> None:
    """It is stored and linked, or set aside, in the transaction that takes the message away."""
    fetched.add(connection, FetchedBatch(folder=A_FOLDER, messages=(raw(1), raw(2), raw(3))))
    aside = (Quarantined(uid=3, reason="trimtab cannot read it (ValueError)"),)
    assert fetched.settle(connection, replace(a_batch(1, 2), quarantined=aside), 1) == 2
    assert fetched.waiting(connection, "work", 9) is None
    assert mail.quarantined(connection, "work") == list(aside)
    assert folders.known_uids(connection, A_FOLDER).linked == {1, 2}
    assert [each.id for each in mail.mails(connection, "work")] == [a_mail(1).id, a_mail(2).id]


def test_links_and_quarantine_come_with_the_batch(connection: sqlite3.Connection) -> None:
    """A known mail gets its UID; what cannot be had is set aside."""
    mail.add_batch(connection, a_batch(1), 1)
    aside = Quarantined(uid=9, reason="the server does not hand it out")
    batch = FetchedBatch(folder=A_FOLDER, linked=((8, a_mail(1).id),), quarantined=(aside,))
    fetched.add(connection, batch)
    known = folders.known_uids(connection, A_FOLDER)
    assert (known.linked, known.quarantined) == ({1, 8}, {9})
