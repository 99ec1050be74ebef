"""Mails: identity, immutable sources, UIDs and quarantine."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_samples import NOW, a_batch, a_mail, add_cut, an_incoming, opened

from daemon.records import Batch, Incoming, Quarantined, Source
from daemon.store import mail
from daemon.store.columns import to_moment, to_text


def sources(connection: sqlite3.Connection) -> list[Source]:
    """What all mails were cut from."""
    return [source for _, source in mail.outdated(connection, "work", version=-1, limit=99)]


def links(connection: sqlite3.Connection) -> set[tuple[str, int, str]]:
    rows = connection.execute("SELECT account, uid, mail_id FROM uid_link")
    return {tuple(row) for row in rows}


def test_a_mail_reads_as_it_was_written(connection: sqlite3.Connection) -> None:
    """Every field, with names and texts beyond ASCII."""
    assert add_cut(connection, a_batch(1)) == 1
    assert mail.mails(connection, "work") == [a_mail(1)]
    assert mail.mail(connection, "work", a_mail(1).id) == a_mail(1)
    assert mail.mail(connection, "work", "sha256:none") is None


def test_a_known_mail_is_not_added_again(connection: sqlite3.Connection) -> None:
    """The number is that of the new ones; the stored row stays as it is."""
    add_cut(connection, a_batch(1, 2))
    changed = an_incoming(1, uid=1, own_text="cut otherwise")
    batch = replace(a_batch(3), incoming=(changed, *a_batch(2, 3).incoming))
    assert add_cut(connection, batch) == 1
    assert mail.mails(connection, "work") == [a_mail(1), a_mail(2), a_mail(3)]


def test_of_a_recipient_the_number_and_the_latest_mail_are_found(
    connection: sqlite3.Connection,
) -> None:
    """As a first recipient, in any case; a mail without own text is none."""
    tim = a_mail(1).to[0].address
    batch = a_batch(1, 2, 3)
    blank = an_incoming(4, uid=4, own_text="")
    add_cut(connection, replace(batch, incoming=(*batch.incoming, blank)))
    assert mail.last_to(connection, "work", tim.upper()) == (3, a_mail(3))
    assert mail.last_to(connection, "home", tim) == (0, None)
    assert mail.last_to(connection, "work", a_mail(1).cc[0].address) == (0, None)


def test_the_same_mail_under_two_uids_is_one(connection: sqlite3.Connection) -> None:
    """A copy in the folder is linked, not stored."""
    batch = replace(a_batch(1), incoming=(an_incoming(1, uid=1), an_incoming(1, uid=9)))
    assert add_cut(connection, batch) == 1
    assert links(connection) == {("work", 1, a_mail(1).id), ("work", 9, a_mail(1).id)}


def test_accounts_share_nothing(connection: sqlite3.Connection) -> None:
    """The same mail in two accounts is two rows; neither account sees the other's."""
    add_cut(connection, a_batch(1))
    assert add_cut(connection, a_batch(1, 2, account="home")) == 2
    assert [found.account for found in mail.mails(connection, "work")] == ["work"]
    assert len(mail.mails(connection, "home")) == 2
    assert mail.mail(connection, "work", a_mail(2).id) is None


def test_a_batch_of_another_account_is_a_bug(connection: sqlite3.Connection) -> None:
    """One account's mail never becomes another's."""
    batch = replace(a_batch(1), account="home")
    with pytest.raises(AssertionError):
        add_cut(connection, batch)


def test_mails_come_oldest_first(connection: sqlite3.Connection) -> None:
    """By the time they were sent, whatever zone that was written in; then by id."""
    east = timezone(timedelta(hours=9))
    incoming = (
        an_incoming(1, sent_at=NOW + timedelta(microseconds=1)),
        an_incoming(2, sent_at=(NOW - timedelta(seconds=1)).astimezone(east)),
        an_incoming(4, sent_at=NOW),
        an_incoming(3, sent_at=NOW),
    )
    add_cut(connection, Batch(account="work", incoming=incoming))
    ids = [found.id[-1] for found in mail.mails(connection, "work")]
    assert ids == ["2", "3", "4", "1"]


MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.timezones())  # noqa: DTZ001  # bounds have no zone


@given(MOMENTS, MOMENTS)
def test_the_order_of_time_texts_is_that_of_the_times(one: datetime, other: datetime) -> None:
    """And each reads back as the same moment, in UTC."""
    moments = one.astimezone(UTC), other.astimezone(UTC)
    texts = to_text(one), to_text(other)
    assert (to_moment(texts[0]), to_moment(texts[1])) == moments
    assert (texts[0] < texts[1]) == (moments[0] < moments[1])


def test_a_time_without_a_zone_is_a_bug(connection: sqlite3.Connection) -> None:
    """The store would otherwise guess."""
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(ValueError, match="zone"):
        add_cut(connection, Batch(account="work", incoming=(an_incoming(1, sent_at=naive),)))


@given(
    header=st.binary(),
    plain=st.none() | st.text(st.characters(exclude_categories=["Cs"])),
    html=st.none() | st.text(st.characters(exclude_categories=["Cs"])),
)
def test_a_source_is_kept_to_the_byte(header: bytes, plain: str | None, html: str | None) -> None:
    """Line ends, NULs and all: a later cut starts from what was fetched."""
    connection = opened()
    source = Source(header=header, plain=plain, html=html)
    incoming = Incoming(mail=a_mail(1), source=source)
    add_cut(connection, Batch(account="work", incoming=(incoming,)))
    assert sources(connection) == [source]
    connection.close()


def test_a_source_cannot_be_changed(connection: sqlite3.Connection) -> None:
    """A trigger refuses it, whatever the program does."""
    add_cut(connection, a_batch(1))
    with pytest.raises(sqlite3.IntegrityError, match="never changed"):
        connection.execute("UPDATE source SET plain = ''")


def test_a_later_cut_replaces_the_parts_alone(connection: sqlite3.Connection) -> None:
    """What was fetched and what identifies the mail stay."""
    add_cut(connection, a_batch(1, 2))
    before = sources(connection)
    anew = a_mail(1, own_text="Tuesday.", context=(), signature="", flags=frozenset())
    mail.replace_cuts(connection, [(replace(anew, subject="of no effect"), "")], cut_version=2)
    assert mail.mails(connection, "work") == [anew, a_mail(2)]
    assert sources(connection) == before
    versions = connection.execute("SELECT cut_version FROM mail ORDER BY id")
    assert [row["cut_version"] for row in versions] == [2, 1]


def test_what_older_rules_have_cut_waits_for_the_newer_ones(connection: sqlite3.Connection) -> None:
    """Newest first, with what it is to be cut from; until then it is shown as they cut it."""
    incoming = [an_incoming(n, sent_at=NOW + timedelta(hours=n)) for n in (1, 2, 3)]
    add_cut(connection, Batch(account="work", incoming=tuple(incoming)))
    assert mail.count_outdated(connection, "work", 1) == 0
    assert mail.count_outdated(connection, "work", 2) == 3
    assert mail.count_outdated(connection, "home", 2) == 0
    waiting = mail.outdated(connection, "work", 2, limit=2)
    assert waiting == [(each.mail, each.source) for each in (incoming[2], incoming[1])]
    mail.replace_cuts(connection, [(each, "") for each, _ in waiting], cut_version=2)
    assert mail.count_outdated(connection, "work", 2) == 1
    assert len(mail.mails(connection, "work")) == 3


def test_what_cannot_be_read_is_quarantined_until_it_can(connection: sqlite3.Connection) -> None:
    """One row a UID; a later mail under that UID ends it."""
    unreadable = Quarantined(uid=5, reason="no header")
    add_cut(connection, replace(a_batch(1), quarantined=(unreadable,)))
    add_cut(connection, replace(a_batch(2), quarantined=(unreadable,)))
    assert mail.quarantined(connection, "work") == [unreadable]
    add_cut(connection, a_batch(5))
    assert mail.quarantined(connection, "work") == []


def test_an_import_has_neither_folder_nor_uids(connection: sqlite3.Connection) -> None:
    """Its mails and what it could not read are stored all the same."""
    unreadable = (Quarantined(uid=2, reason="no header"),)
    batch = Batch(account="work", incoming=(an_incoming(1),), quarantined=unreadable)
    assert add_cut(connection, batch) == 1
    assert mail.quarantined(connection, "work") == list(unreadable)
    assert links(connection) == set()


def test_mails_and_their_uids_are_committed_together(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    """Of a batch that fails midway nothing is kept, neither mail nor UID."""
    add_cut(connection, a_batch(1))
    broken = replace(a_batch(2, 3), incoming=(*a_batch(2).incoming, an_incoming(3, subject=None)))
    connection.execute("BEGIN")
    with pytest.raises(sqlite3.IntegrityError, match="subject"):
        add_cut(connection, broken)
    connection.execute("ROLLBACK")
    assert links(connection) == {("work", 1, a_mail(1).id)}
    assert len(mail.mails(connection, "work")) == 1


def test_the_usual_signature_is_that_of_most_of_the_last_mails(
    connection: sqlite3.Connection,
) -> None:
    """Of one account; none where the mails disagree, or have none."""
    assert mail.usual_signature(connection, "work") == ""
    signed = [an_incoming(n, uid=n, signature="Ada\nYard") for n in (1, 2)]
    add_cut(connection, replace(a_batch(1), incoming=tuple(signed)))
    assert mail.usual_signature(connection, "work") == "Ada\nYard"
    assert mail.usual_signature(connection, "home") == ""
    others = [an_incoming(n, uid=n, signature="") for n in (3, 4)]
    add_cut(connection, replace(a_batch(1), incoming=tuple(others)))
    assert mail.usual_signature(connection, "work") == ""
    many = [an_incoming(n, uid=n, signature="A.\nQuay") for n in range(5, 5 + mail.LAST_MAILS)]
    add_cut(connection, replace(a_batch(1), incoming=tuple(many)))
    assert mail.usual_signature(connection, "work") == "A.\nQuay"
