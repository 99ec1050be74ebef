"""What the store knows of a folder: its links, what has gone from it, and what is held back."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from store_samples import A_FOLDER, a_batch, a_lesson, a_mail, a_source, add_cut, an_incoming

from daemon.records import (
    Batch,
    FetchedBatch,
    FolderState,
    FolderView,
    Forgotten,
    Quarantined,
    Reading,
)
from daemon.store import fetched, folders, lessons, mail

NOW = datetime(2026, 3, 3, 9, 30, tzinfo=UTC)
VIEW = FolderView(uidvalidity=7, uidnext=11, messages=10, modseq=5)


def read(*present: int, uidvalidity: int = 7, answer: str | None = None) -> Reading:
    """The end of a reading that found these UIDs."""
    folder = replace(A_FOLDER, uidvalidity=uidvalidity, found_at=NOW, answer=answer)
    view = replace(VIEW, uidvalidity=uidvalidity)
    return Reading(folder=folder, view=view, present=frozenset(present))


def link(connection: sqlite3.Connection, folder: FolderState, uid: int, number: int = 1) -> None:
    """A UID of a mail that is known, as a fetch finds it."""
    batch = FetchedBatch(folder=folder, linked=((uid, a_mail(number).id),))
    fetched.add(connection, batch)


def ids(connection: sqlite3.Connection) -> set[str]:
    return {each.id for each in mail.mails(connection, "work")}


def tombstones(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute("SELECT mail_id FROM tombstone ORDER BY mail_id")
    return [row["mail_id"] for row in rows]


# --- opening ----------------------------------------------------------------------------------


def test_a_folder_is_remembered_as_it_stood(connection: sqlite3.Connection) -> None:
    """After a reading to its end, and not before."""
    assert folders.state(connection, "work") is None
    opened = folders.open_folder(connection, "work", "Sent", VIEW, NOW)
    assert opened == replace(A_FOLDER, found_at=NOW)
    assert folders.state(connection, "work") == opened
    folders.finish(connection, Reading(folder=opened, view=VIEW), "forget", NOW)
    assert folders.state(connection, "work") == replace(opened, view=VIEW)


@pytest.mark.parametrize("uidvalidity", [6, 8, 4_000_000_777])
def test_another_uidvalidity_is_another_folder(
    connection: sqlite3.Connection, uidvalidity: int
) -> None:
    """A lower one too: nothing is known of its UIDs, and every mail stays."""
    opened = folders.open_folder(connection, "work", "Sent", VIEW, NOW)
    aside = (Quarantined(uid=3, reason="no header"),)
    add_cut(connection, replace(a_batch(1, 2), quarantined=aside))
    folders.finish(connection, Reading(folder=opened, view=VIEW), "forget", NOW)
    again = folders.open_folder(
        connection, "work", "Sent", replace(VIEW, uidvalidity=uidvalidity), NOW
    )
    assert (again.view, again.changes) == (None, 1)
    known = folders.known_uids(connection, again)
    assert (known.linked, known.quarantined) == (frozenset(), frozenset())
    assert ids(connection) == {a_mail(1).id, a_mail(2).id}


def test_changes_of_uidvalidity_are_counted_until_it_stays(connection: sqlite3.Connection) -> None:
    """A folder that is another one at every sync can be told; a reading cut short counts once."""
    changes = []
    for number in (1, 2, 3, 3, 4, 4, 5):
        view = replace(VIEW, uidvalidity=number)
        opened = folders.open_folder(connection, "work", "Sent", view, NOW)
        changes.append(opened.changes)
        if len(changes) != 3:
            folders.finish(connection, Reading(folder=opened, view=view), "forget", NOW)
    assert changes == [0, 1, 2, 2, 3, 0, 1]


def test_a_uidnext_that_went_down_is_an_older_folder(connection: sqlite3.Connection) -> None:
    """Its UIDs name other mails now: none is believed, and the mails stay until it is read."""
    opened = folders.open_folder(connection, "work", "Sent", VIEW, NOW)
    add_cut(connection, a_batch(*range(1, 11)))
    folders.finish(connection, Reading(folder=opened, view=VIEW), "forget", NOW)
    back = replace(VIEW, uidnext=10, messages=9)
    again = folders.open_folder(connection, "work", "Sent", back, NOW)
    assert (again.view, folders.known_uids(connection, again).linked) == (None, frozenset())
    for number in range(1, 10):
        link(connection, A_FOLDER, number, number)
    reading = Reading(folder=again, view=back, present=frozenset(range(1, 10)))
    assert folders.finish(connection, reading, "forget", NOW) == Forgotten(mails=1, of=10)
    assert tombstones(connection) == [a_mail(10).id]


def test_known_uids_are_linked_or_in_quarantine(connection: sqlite3.Connection) -> None:
    """Of this folder and this account alone."""
    aside = (Quarantined(uid=3, reason="no header"),)
    add_cut(connection, replace(a_batch(1, 2), quarantined=aside))
    add_cut(connection, a_batch(4, folder="Archive"))
    add_cut(connection, a_batch(5, account="home"))
    known = folders.known_uids(connection, A_FOLDER)
    assert (known.linked, known.quarantined) == (frozenset({1, 2}), frozenset({3}))


# --- known by their header --------------------------------------------------------------------


def test_a_mail_is_known_by_its_message_id_and_its_header(connection: sqlite3.Connection) -> None:
    """Line ends aside, every byte must agree; another account's mail is not known."""
    add_cut(connection, a_batch(1, 2))
    header = a_source(1).header
    asked = [
        (41, a_mail(1).message_id, header.replace(b"\r\n", b"\n")),
        (42, a_mail(1).message_id, header + b"X-Other: 1\r\n"),
        (43, a_mail(2).message_id, header),
        (44, "", header),
    ]
    assert folders.known_mails(connection, "work", asked) == {41: a_mail(1).id}
    assert folders.known_mails(connection, "home", asked) == {}
    assert folders.has_mails(connection, "work")
    assert not folders.has_mails(connection, "home")


def test_a_known_mail_is_linked_without_being_stored_again(connection: sqlite3.Connection) -> None:
    """The batch brings the UID alone."""
    add_cut(connection, a_batch(1))
    link(connection, A_FOLDER, 9)
    assert folders.known_uids(connection, A_FOLDER).linked == {1, 9}


# --- what has gone ----------------------------------------------------------------------------


def test_a_deleted_mail_leaves_a_tombstone_and_takes_its_lessons_along(
    connection: sqlite3.Connection,
) -> None:
    """Text, source, lessons and why it did not teach: all of it goes, of that mail alone."""
    add_cut(connection, a_batch(*range(1, 11)))
    for number in (3, 4):
        lessons.add_lesson(connection, a_lesson(number, sample_id=a_mail(number).id))
    lessons.set_aside(connection, "work", a_mail(3).id, "too long")
    present = set(range(1, 11)) - {3}
    found = folders.finish(connection, read(*present), "forget", NOW)
    assert found == Forgotten(mails=1, of=10)
    assert ids(connection) == {a_mail(number).id for number in present}
    assert tombstones(connection) == [a_mail(3).id]
    left = [lesson.sample_id for lesson in lessons.lessons(connection, "work")]
    assert left == [a_mail(4).id]
    assert connection.execute("SELECT count(*) FROM set_aside").fetchone()[0] == 0
    assert connection.execute("SELECT count(*) FROM source").fetchone()[0] == 9


def test_a_mail_that_comes_back_is_whole_again(connection: sqlite3.Connection) -> None:
    """Moved away and back under another UID: its tombstone goes."""
    add_cut(connection, a_batch(*range(1, 11)))
    folders.finish(connection, read(*range(2, 11)), "forget", NOW)
    back = replace(a_batch(11), incoming=(an_incoming(1, uid=11),))
    assert add_cut(connection, back) == 1
    assert tombstones(connection) == []
    assert a_mail(1).id in ids(connection)


def test_of_two_copies_one_may_go(connection: sqlite3.Connection) -> None:
    """A mail is gone when none of its UIDs is left."""
    add_cut(connection, a_batch(*range(1, 11)))
    link(connection, A_FOLDER, 20)
    assert folders.finish(connection, read(*range(2, 11), 20), "forget", NOW).mails == 0
    assert a_mail(1).id in ids(connection)


def test_imported_mail_is_never_gone(connection: sqlite3.Connection) -> None:
    """It came from no folder."""
    add_cut(connection, Batch(account="work", incoming=(an_incoming(50),)))
    add_cut(connection, a_batch(*range(1, 11)))
    folders.finish(connection, read(*range(1, 11)), "forget", NOW)
    assert a_mail(50).id in ids(connection)


def test_deleted_mail_can_be_kept(connection: sqlite3.Connection) -> None:
    """With the policy `keep` it stays whatever the server does, without a question."""
    add_cut(connection, a_batch(*range(1, 11)))
    assert folders.finish(connection, read(), "keep", NOW) == Forgotten(mails=0, of=10)
    assert len(ids(connection)) == 10
    assert folders.known_uids(connection, A_FOLDER).linked == frozenset()


def test_a_fifth_may_go_at_once(connection: sqlite3.Connection) -> None:
    """Two of ten are believed."""
    add_cut(connection, a_batch(*range(1, 11)))
    assert folders.finish(connection, read(*range(3, 11)), "forget", NOW).mails == 2


def test_more_than_a_fifth_at_once_is_held_back(connection: sqlite3.Connection) -> None:
    """Three of ten: not one row changes until the user has said what is right."""
    folders.open_folder(connection, "work", "Sent", VIEW, NOW)
    add_cut(connection, a_batch(*range(1, 11)))
    before = list(connection.iterdump())
    found = folders.finish(connection, read(*range(4, 11)), "forget", NOW)
    assert found == Forgotten(mails=3, of=10, held=True)
    assert list(connection.iterdump()) == before


@pytest.mark.parametrize(("answer", "left"), [("forget", 7), ("keep", 10)])
def test_the_users_answer_holds_once(
    connection: sqlite3.Connection, answer: str, left: int
) -> None:
    """Then the brake is back."""
    folders.open_folder(connection, "work", "Sent", VIEW, NOW)
    add_cut(connection, a_batch(*range(1, 11)))
    folders.set_answer(connection, "work", answer)  # type: ignore[arg-type]
    opened = folders.open_folder(connection, "work", "Sent", VIEW, NOW)
    assert opened.answer == answer
    reading = Reading(folder=opened, view=VIEW, present=frozenset(range(4, 11)))
    assert not folders.finish(connection, reading, "forget", NOW).held
    assert len(ids(connection)) == left
    state = folders.state(connection, "work")
    assert state is not None
    assert state.answer is None


def test_after_a_new_uidvalidity_the_old_links_go_with_what_was_not_found(
    connection: sqlite3.Connection,
) -> None:
    """Nine of ten are linked anew; the tenth is gone."""
    add_cut(connection, a_batch(*range(1, 11)))
    for number in range(2, 11):
        link(connection, replace(A_FOLDER, uidvalidity=8), 100 + number, number)
    reading = read(*range(102, 111), uidvalidity=8)
    assert folders.finish(connection, reading, "forget", NOW) == Forgotten(mails=1, of=10)
    assert folders.known_uids(connection, A_FOLDER).linked == frozenset()
    assert tombstones(connection) == [a_mail(1).id]


def test_a_folder_that_moved_takes_its_mails_along(connection: sqlite3.Connection) -> None:
    """The old name's row and links go once the new one is read."""
    folders.open_folder(connection, "work", "Sent", VIEW, NOW)
    add_cut(connection, a_batch(1, 2))
    moved = folders.open_folder(connection, "work", "Gesendet", replace(VIEW, uidvalidity=9), NOW)
    for number in (1, 2):
        link(connection, moved, number, number)
    reading = Reading(folder=moved, view=VIEW, present=frozenset({1, 2}))
    assert folders.finish(connection, reading, "forget", NOW).mails == 0
    names = [row["name"] for row in connection.execute("SELECT name FROM folder")]
    assert names == ["Gesendet"]


def test_what_was_in_quarantine_and_is_gone_is_nothing(connection: sqlite3.Connection) -> None:
    """What is still there stays; what an import could not read is no UID."""
    aside = tuple(Quarantined(uid=uid, reason="no header") for uid in (21, 22))
    add_cut(connection, replace(a_batch(*range(1, 11)), quarantined=aside))
    add_cut(connection, Batch(account="work", quarantined=aside[:1]))
    folders.finish(connection, read(*range(1, 11), 22), "forget", NOW)
    assert [item.uid for item in mail.quarantined(connection, "work")] == [21, 22]
    assert folders.known_uids(connection, A_FOLDER).quarantined == {22}


def test_without_a_list_nothing_has_gone(connection: sqlite3.Connection) -> None:
    """Where the folder's count was enough, its links are left alone."""
    add_cut(connection, a_batch(*range(1, 11)))
    reading = Reading(folder=replace(A_FOLDER, found_at=NOW), view=VIEW)
    assert folders.finish(connection, reading, "forget", NOW) == Forgotten(mails=0, of=10)
    assert len(folders.known_uids(connection, A_FOLDER).linked) == 10


def test_another_accounts_rows_are_left_alone(connection: sqlite3.Connection) -> None:
    """What one mailbox loses, another may hold."""
    add_cut(connection, a_batch(*range(1, 11)))
    add_cut(connection, a_batch(*range(1, 11), account="home"))
    folders.finish(connection, read(*range(2, 11)), "forget", NOW)
    assert len(mail.mails(connection, "home")) == 10
