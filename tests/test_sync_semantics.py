"""What a folder can do between and during syncs; the store then holds what the server does."""

import asyncio
import json
import re
import sqlite3
from collections.abc import Callable, Iterator

import pytest
from command import trimtab
from conftest import account_toml
from dovecot_server import Dovecot
from scripted_imap import Command, Folder, ScriptedImap, Stored, only, row
from sync_examples import (
    ADDRESS,
    account_at,
    linked,
    links,
    message,
    mixed,
    own_text,
    rows,
    set_aside,
    sync,
)

from daemon.config import Config
from daemon.errors import FolderNotFound, FolderShrunk, FolderUnstable
from daemon.records import SyncResult
from daemon.store import folders as folder_store
from daemon.store import mail as mail_store
from daemon.store.database import Database
from daemon.store.status import counts

FIVE = {n: own_text(n) for n in range(1, 6)}
TEN = {n: own_text(n) for n in range(1, 11)}
TEXT_FETCH = re.compile(r"UID FETCH .*BODY\.PEEK\[[\d\]]")


def sent(*numbers: int) -> Folder:
    """A Sent folder of these mails."""
    return Folder(*[message(n) for n in numbers], flags=r"\Sent")


@pytest.fixture
def server() -> Iterator[ScriptedImap]:
    """Five mails in Sent."""
    with ScriptedImap({"Sent": sent(*FIVE)}) as running:
        yield running


def expunge(dovecot: Dovecot, user: str, uids: str, folder: str | None = None) -> None:
    """Delete messages."""
    link = dovecot.connect(user)
    link.select(folder or dovecot.sent)
    link.uid("STORE", uids, "+FLAGS", r"(\Deleted)")
    link.expunge()
    link.logout()


async def mails(database: Database) -> set[str]:
    """The own texts in the store."""
    return {mail.own_text for mail in await database.read(mail_store.mails, "work")}


def texts(*numbers: int) -> set[str]:
    """The own texts of these mails."""
    return {own_text(n) for n in numbers}


async def tombstones(database: Database) -> int:
    """How many mails are gone."""
    return len((await rows(database))["tombstone"])


def text_fetches(server: ScriptedImap) -> list[str]:
    """The commands that fetched text, apart from headers and structures."""
    return [line for line in server.log if TEXT_FETCH.match(line)]


# --- always: read-only


@pytest.mark.parametrize("advertised", ["IMAP4rev1", "IMAP4rev1 ESEARCH UIDPLUS MOVE"])
async def test_a_sync_opens_read_only_and_peeks(
    server: ScriptedImap, database: Database, advertised: str
) -> None:
    """EXAMINE and PEEK alone; no attachment is asked for, and no search that is not offered."""
    server.capabilities = advertised
    server.folders["Sent"].add(mixed(6))
    await sync(account_at(server.port), database)
    known = "CAPABILITY|LOGIN|LIST|STATUS|EXAMINE|UID SEARCH|UID FETCH|LOGOUT"
    assert [line for line in server.log if not re.match(known, line)] == []
    fetched = " ".join(server.seen("UID FETCH"))
    assert re.findall(r"BODY\[|RFC822(?!\.SIZE)|BODY\.PEEK\[\]|PEEK\[2", fetched) == []
    assert await linked(database) == {n: own_text(n) for n in range(1, 7)}


# --- U1: UIDVALIDITY


@pytest.mark.dovecot
@pytest.mark.parametrize("value", [4_000_000_000, 7, 4_294_967_295])
async def test_u1_another_uidvalidity_keeps_the_mails(
    dovecot: Dovecot, user: str, database: Database, value: int
) -> None:
    """Up, down and above 2^31: links are made anew, no mail is doubled, lost or forgotten."""
    dovecot.append(user, [message(n) for n in TEN])
    dovecot.set_uidvalidity(user, 2_000_000_000)
    account = account_at(dovecot.port, user)
    await sync(account, database)
    before = await rows(database)
    dovecot.set_uidvalidity(user, value)
    dovecot.append(user, [message(11)])
    result = await sync(account, database)
    after = await rows(database)
    assert (result.added, result.forgotten) == (1, 0)
    assert set(before["mail"]) < set(after["mail"])
    assert await linked(database) == TEN | {11: own_text(11)}
    assert {link[2] for link in after["uid_link"]} == {value}
    assert after["tombstone"] == []


async def test_u1_known_mails_are_linked_by_their_headers(
    server: ScriptedImap, database: Database
) -> None:
    """No text is fetched again for what is stored."""
    account = account_at(server.port)
    await sync(account, database)
    server.folders["Sent"].uidvalidity = 3
    server.folders["Sent"].add(message(6))
    server.log.clear()
    result = await sync(account, database)
    assert (result.added, result.known) == (1, 5)
    assert [line.split()[2] for line in text_fetches(server)] == ["6"]
    assert await linked(database) == FIVE | {6: own_text(6)}


async def test_u1_the_same_header_over_another_text_is_another_mail(
    server: ScriptedImap, database: Database
) -> None:
    """A Message-ID alone proves nothing."""
    await sync(account_at(server.port), database)
    server.folders["Sent"] = Folder(
        *[message(n) for n in range(1, 5)],
        message(5, "Hello Ben,\n\nno, leave it.\n\nAda", Subject="Delivery cancelled"),
        flags=r"\Sent",
        uidvalidity=8,
    )
    await sync(account_at(server.port), database)
    assert "Hello Ben,\n\nno, leave it.\n\nAda" in await mails(database)


async def test_u1_a_mail_deleted_under_the_old_uidvalidity_is_gone(
    server: ScriptedImap, database: Database
) -> None:
    """The old links go when the folder has been read, and with them what nobody has any more."""
    folder = server.folders["Sent"] = sent(*TEN)
    await sync(account_at(server.port), database)
    folder.uidvalidity = 9
    folder.remove(4)
    result = await sync(account_at(server.port), database)
    assert result.forgotten == 1
    assert await mails(database) == texts(*(set(TEN) - {4}))
    assert await tombstones(database) == 1


async def test_u1_with_much_gone_the_user_is_asked(
    server: ScriptedImap, database: Database
) -> None:
    """A folder that is made anew and half filled is no reason to forget the other half."""
    folder = server.folders["Sent"] = sent(*TEN)
    account = account_at(server.port)
    await sync(account, database)
    folder.uidvalidity = 9
    folder.remove(1, 2, 3, 4, 5)
    for _ in range(2):
        with pytest.raises(FolderShrunk):
            await sync(account, database)
        assert await mails(database) == texts(*TEN)
    await database.write(folder_store.set_answer, "work", "forget")
    assert (await sync(account, database)).forgotten == 5
    assert await linked(database) == {n: own_text(n) for n in range(6, 11)}


@pytest.mark.parametrize("value", [None, 0])
async def test_u1_a_folder_without_uidvalidity_is_not_read(
    server: ScriptedImap, database: Database, value: int | None
) -> None:
    """Its UIDs name nothing."""
    server.folders["Sent"].uidvalidity = value
    with pytest.raises(FolderUnstable):
        await sync(account_at(server.port), database)
    assert server.seen("UID FETCH") == []


async def test_u1_a_uidvalidity_that_is_lost_later_changes_nothing(
    server: ScriptedImap, database: Database
) -> None:
    """What is stored stays as it is."""
    await sync(account_at(server.port), database)
    before = await rows(database)
    server.folders["Sent"].uidvalidity = None
    server.folders["Sent"].remove(1, 2, 3)
    with pytest.raises(FolderUnstable):
        await sync(account_at(server.port), database)
    assert await rows(database) == before


async def test_u1_a_uidvalidity_that_always_changes_is_told(
    server: ScriptedImap, database: Database
) -> None:
    """After five syncs running the folder is not read again and again; a quiet one is."""

    def changing(command: Command) -> bytes:
        server.folders["Sent"].uidvalidity = 100 + server.opened
        return command.usual()

    server.answers["EXAMINE"] = server.answers["STATUS"] = changing
    account = account_at(server.port)
    for _ in range(5):
        await sync(account, database)
    server.log.clear()
    with pytest.raises(FolderUnstable):
        await sync(account, database)
    assert server.seen("UID FETCH") == []
    assert await mails(database) == texts(*FIVE)
    server.answers.clear()
    await sync(account, database)
    assert await linked(database) == FIVE


# --- U2: UIDNEXT


async def test_u2_a_lower_uidnext_is_an_older_folder_put_back(
    server: ScriptedImap, database: Database
) -> None:
    """A backup was restored, and UIDs are given again: the mails under them are read anew."""
    folder = server.folders["Sent"] = sent(*TEN)
    account = account_at(server.port)
    await sync(account, database)
    folder.remove(9, 10)
    folder.uidnext = 9
    await sync(account, database)
    folder.add(message(29))
    folder.add(message(30))
    await sync(account, database)
    eight = {n: own_text(n) for n in range(1, 9)}
    assert await linked(database) == eight | {9: own_text(29), 10: own_text(30)}


async def test_u2_given_again_between_two_syncs(server: ScriptedImap, database: Database) -> None:
    """The same without a sync in between: only UIDNEXT can tell, where it is lower."""
    folder = server.folders["Sent"] = sent(*TEN)
    account = account_at(server.port)
    await sync(account, database)
    folder.remove(9, 10)
    folder.uidnext = 9
    folder.add(message(29))
    await sync(account, database)
    assert (await links(database))[9] == own_text(29)


# --- U3: EXPUNGE meanwhile


@pytest.mark.parametrize("number", [1, 2])
async def test_u3_expunged_before_a_fetch(
    server: ScriptedImap, database: Database, number: int
) -> None:
    """What is not there any more is no error, neither at the headers nor at the texts."""

    def after(command: Command) -> bytes:
        server.folders["Sent"].remove(2, 4)
        return command.usual()

    server.answers["UID FETCH"] = only(number, after)
    result = await sync(account_at(server.port), database)
    assert (result.added, result.quarantined) == (3, 0)
    assert await linked(database) == {n: own_text(n) for n in (1, 3, 5)}


@pytest.mark.parametrize("number", [1, 2])
async def test_u3_expunged_during_a_fetch(
    server: ScriptedImap, database: Database, number: int
) -> None:
    """An EXPUNGE line within the answer, and a message with NIL for what was asked of it."""

    def during(command: Command) -> bytes:
        lines = re.split(rb"(?=\* \d+ FETCH)", command.usual())
        lines[3] = re.sub(rb"(?s)(BODY\[\w+\](?:<0>)?) \{\d+\}\r\n.*", rb"\1 NIL)\r\n", lines[3])
        server.folders["Sent"].remove(3)
        return b"".join([*lines[:4], b"* 3 EXPUNGE\r\n", *lines[4:]])

    server.answers["UID FETCH"] = only(number, during)
    await sync(account_at(server.port), database)
    server.answers.clear()
    await sync(account_at(server.port), database)
    assert await linked(database) == {n: own_text(n) for n in (1, 2, 4, 5)}


# --- U4: n:*


@pytest.mark.dovecot
async def test_u4_the_last_message_is_not_new(
    dovecot: Dovecot, user: str, database: Database
) -> None:
    """`UID n:*` names the last message whatever n is; the second sync writes nothing."""
    dovecot.append(user, [message(n) for n in FIVE])
    account = account_at(dovecot.port, user)
    await sync(account, database)
    before = await rows(database)
    result = await sync(account, database)
    assert result == SyncResult(account="work", added=0, known=0, quarantined=0)
    assert await rows(database) == before


async def test_u4_without_condstore(server: ScriptedImap, database: Database) -> None:
    """The same on a server that offers nothing; nothing is fetched again."""
    server.capabilities = "IMAP4rev1"
    await sync(account_at(server.port), database)
    before = await rows(database)
    server.log.clear()
    await sync(account_at(server.port), database)
    assert server.seen("UID FETCH") == []
    assert await rows(database) == before


# --- U5: twice, and away and back


@pytest.mark.dovecot
async def test_u5_a_mail_twice_is_one_until_both_are_gone(
    dovecot: Dovecot, user: str, database: Database
) -> None:
    """Two UIDs, one mail; it stays when one of them goes."""
    dovecot.append(user, [*[message(n) for n in TEN], message(7)])
    account = account_at(dovecot.port, user)
    result = await sync(account, database)
    assert (result.added, result.known) == (10, 1)
    assert await linked(database) == TEN | {11: own_text(7)}
    expunge(dovecot, user, "7")
    assert (await sync(account, database)).forgotten == 0
    assert own_text(7) in await mails(database)
    expunge(dovecot, user, "11")
    assert (await sync(account, database)).forgotten == 1
    assert own_text(7) not in await mails(database)
    assert await tombstones(database) == 1


@pytest.mark.dovecot
async def test_u5_moved_away_and_back(dovecot: Dovecot, user: str, database: Database) -> None:
    """A tombstone while it is away, and none when it is back under another UID."""
    dovecot.append(user, [message(n) for n in TEN])
    account = account_at(dovecot.port, user)
    await sync(account, database)
    before = await database.read(mail_store.mails, "work")
    link = dovecot.connect(user)
    link.select(dovecot.sent)
    link._simple_command("UID", "MOVE", "2", dovecot.drafts)
    await sync(account, database)
    assert await mails(database) == texts(*(set(TEN) - {2}))
    assert await tombstones(database) == 1
    link.select(dovecot.drafts)
    link._simple_command("UID", "MOVE", "1", dovecot.sent)
    link.logout()
    await sync(account, database)
    assert await database.read(mail_store.mails, "work") == before
    assert await tombstones(database) == 0
    assert (await linked(database))[11] == own_text(2)


# --- deleted mail


@pytest.mark.dovecot
async def test_a_mark_of_deletion_is_a_deletion(
    dovecot: Dovecot, user: str, database: Database
) -> None:
    """Many programs mark and expunge much later; taking the mark off brings the mail back."""
    dovecot.append(user, [message(n) for n in TEN])
    account = account_at(dovecot.port, user)
    await sync(account, database)
    link = dovecot.connect(user)
    link.select(dovecot.sent)
    link.uid("STORE", "5", "+FLAGS", r"(\Deleted)")
    await sync(account, database)
    assert await mails(database) == texts(*(set(TEN) - {5}))
    link.uid("STORE", "5", "-FLAGS", r"(\Deleted)")
    link.logout()
    await sync(account, database)
    assert await linked(database) == TEN


async def test_a_mark_of_deletion_without_condstore(
    server: ScriptedImap, database: Database
) -> None:
    """Neither the count nor the next UID tells of it."""
    server.capabilities = "IMAP4rev1"
    folder = server.folders["Sent"] = sent(*TEN)
    await sync(account_at(server.port), database)
    folder.messages[4].flags = (r"\Deleted",)
    await sync(account_at(server.port), database)
    assert await mails(database) == texts(*(set(TEN) - {5}))
    folder.messages[4].flags = ()
    await sync(account_at(server.port), database)
    assert await linked(database) == TEN


async def test_an_empty_folder_is_asked_about(server: ScriptedImap, database: Database) -> None:
    """All mail gone at once is a fault until the user says otherwise."""
    await sync(account_at(server.port), database)
    before = await rows(database)
    server.folders["Sent"].remove(*FIVE)
    with pytest.raises(FolderShrunk):
        await sync(account_at(server.port), database)
    after = await rows(database)
    assert (after["mail"], after["uid_link"]) == (before["mail"], before["uid_link"])


@pytest.mark.dovecot
async def test_a_folder_that_loses_much_at_once_is_asked_about(
    dovecot: Dovecot, user: str, database: Database
) -> None:
    """New mail comes in, nothing is forgotten, and the answer holds for this once."""
    dovecot.append(user, [message(n) for n in TEN])
    account = account_at(dovecot.port, user)
    await sync(account, database)
    expunge(dovecot, user, "1:3")
    dovecot.append(user, [message(11)])
    for _ in range(2):
        with pytest.raises(FolderShrunk):
            await sync(account, database)
        assert await mails(database) == texts(*TEN, 11)
    await database.write(folder_store.set_answer, "work", "forget")
    assert (await sync(account, database)).forgotten == 3
    assert await mails(database) == texts(*range(4, 12))
    expunge(dovecot, user, "4:6")
    with pytest.raises(FolderShrunk):
        await sync(account, database)
    await database.write(folder_store.set_answer, "work", "keep")
    assert (await sync(account, database)).forgotten == 0
    assert await mails(database) == texts(*range(4, 12))
    await sync(account, database)
    assert await mails(database) == texts(*range(4, 12))


# --- U6, U7: rows that were not asked for, and rows that do not come


async def test_u6_a_row_without_uid_is_nobodys(server: ScriptedImap, database: Database) -> None:
    """Its sequence number is not taken for the UID that is asked for at that moment."""

    def noisy(command: Command) -> bytes:
        news = b"".join(rb"* %d FETCH (FLAGS (\Seen))" % n + b"\r\n" for n in (1, 2, 3))
        header = b"* 2 FETCH (BODY[HEADER] {12}\r\nSubject: x\r\n)\r\n"
        return news + header + command.usual().replace(b"* 2 FETCH", news + b"* 2 FETCH", 1)

    folder = server.folders["Sent"] = Folder(flags=r"\Sent")
    for number in (3, 2, 1):  # UID 1 has the sequence number 3 - were they in order; so by hand
        folder.add(message(number), uid=4 - number)
    server.answers["UID FETCH"] = noisy
    await sync(account_at(server.port), database)
    assert await linked(database) == {1: own_text(3), 2: own_text(2), 3: own_text(1)}


async def test_u6_rows_of_other_messages_are_dropped(
    server: ScriptedImap, database: Database
) -> None:
    """A server that sends more than was asked for."""

    def generous(command: Command) -> bytes:
        news = row(command.session, server.folders["Sent"].messages[4], ["FLAGS"])
        return news + command.usual() + b""

    server.answers["UID FETCH"] = generous
    result = await sync(account_at(server.port), database)
    assert result.added == 5
    assert await linked(database) == FIVE


def without(uid: int) -> Callable[[Command], bytes]:
    """The usual answer without a message."""

    def answer(command: Command) -> bytes:
        lines = re.split(rb"(?=\* \d+ FETCH)", command.usual())
        head, tagged = lines[:-1], re.split(rb"(?m)^(?=%s )" % command.tag.encode(), lines[-1])
        kept = [line for line in [*head, *tagged] if b"(UID %d " % uid not in line]
        return b"".join(kept)

    return answer


@pytest.mark.parametrize("number", [1, 2])
async def test_u7_a_message_that_does_not_come_once_comes_later(
    server: ScriptedImap, database: Database, number: int
) -> None:
    """Asked for again, it is there."""
    server.answers["UID FETCH"] = only(number, without(2))
    result = await sync(account_at(server.port), database)
    assert (result.added, result.quarantined) == (5, 0)
    assert await linked(database) == FIVE


async def test_u7_a_message_that_never_comes_is_set_aside(
    server: ScriptedImap, database: Database
) -> None:
    """Though the server lists it; with a reason, counted, and without stopping the rest."""
    server.answers["UID FETCH"] = without(2)
    result = await sync(account_at(server.port), database)
    assert (result.added, result.quarantined) == (4, 1)
    assert set(await set_aside(database)) == {2}
    assert (await database.read(counts, "work")).quarantined == 1
    before = await rows(database)
    await sync(account_at(server.port), database)
    assert await rows(database) == before


async def test_u7_status_says_what_is_set_aside(
    server: ScriptedImap, database: Database, write_config: Callable[[str], Config]
) -> None:
    """With the UID, by which it can be found on the server, and the reason."""
    write_config(account_toml("work", ADDRESS, server.port, "ada"))
    server.answers["UID FETCH"] = without(2)
    await sync(account_at(server.port), database)
    done = await asyncio.to_thread(trimtab, "status", "--json")
    (row,) = json.loads(done.stdout)["accounts"]
    assert row["quarantined"] == 1
    assert row["unreadable"] == [{"uid": 2, "reason": (await set_aside(database))[2]}]


async def test_u7_what_is_set_aside_is_tried_again_another_day(
    server: ScriptedImap, database: Database
) -> None:
    """The server may have been mended meanwhile."""
    server.answers["UID FETCH"] = without(2)
    await sync(account_at(server.port), database)
    server.answers.clear()
    await sync(account_at(server.port), database)
    assert set(await set_aside(database)) == {2}
    earlier = "UPDATE folder SET found_at = replace(found_at, substr(found_at, 1, 4), '2020')"
    await database.write(lambda c: c.execute(earlier).rowcount)
    assert (await sync(account_at(server.port), database)).added == 1
    assert await linked(database) == FIVE
    assert await set_aside(database) == {}


# --- U8: which folder


@pytest.mark.dovecot
async def test_u8_deleted_and_made_anew(dovecot: Dovecot, user: str, database: Database) -> None:
    """Another UIDVALIDITY; the old mails that are in it again are the same ones."""
    dovecot.append(user, [message(n) for n in TEN])
    account = account_at(dovecot.port, user)
    await sync(account, database)
    link = dovecot.connect(user)
    link.delete(dovecot.sent)
    link.create(dovecot.sent)
    link.logout()
    dovecot.append(user, [message(n) for n in range(2, 13)])
    result = await sync(account, database)
    assert (result.added, result.known, result.forgotten) == (2, 9, 1)
    assert await mails(database) == texts(*range(2, 13))


async def test_u8_renamed(server: ScriptedImap, database: Database) -> None:
    """SPECIAL-USE names it still; mails stay, and links are of the new name alone."""
    await sync(account_at(server.port), database)
    before = (await rows(database))["mail"]
    server.folders["Sent 2026"] = server.folders.pop("Sent")
    await sync(account_at(server.port), database)
    after = await rows(database)
    assert after["mail"] == before
    assert {link[1] for link in after["uid_link"]} == {"Sent 2026"}
    assert [folder[1] for folder in after["folder"]] == ["Sent 2026"]


@pytest.mark.parametrize(
    ("names", "wire"),
    [
        ({"INBOX": "", "Weggegangen": r"\HasNoChildren \SENT"}, "Weggegangen"),
        ({"INBOX": "", "[Gmail]/Gesendet": "", "[Gmail]/Alle": r"\All"}, "[Gmail]/Gesendet"),
        ({"INBOX": "", "Envoy&AOk-s": ""}, "Envoy&AOk-s"),
        ({"INBOX": "", "&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-": ""}, None),
        ({"Sent": r"\Noselect", "Sent Items": ""}, "Sent Items"),
    ],
)
async def test_u8_localised(database: Database, names: dict[str, str], wire: str | None) -> None:
    """By its flag in any case, else by its name in many languages, else it is asked for."""
    folders = {name: Folder(message(1), flags=flags) for name, flags in names.items()}
    with ScriptedImap(folders) as server:
        wire = wire or list(names)[-1]
        await sync(account_at(server.port), database)
        assert server.seen("EXAMINE")[0].split(" ", 1)[1].strip('"') == wire
    assert await linked(database) == {1: own_text(1)}


async def test_u8_no_hierarchy(database: Database) -> None:
    """A delimiter of NIL."""
    folders = {"INBOX": Folder(delimiter="NIL"), "Sent": Folder(message(1), delimiter="NIL")}
    with ScriptedImap(folders) as server:
        await sync(account_at(server.port), database)
    assert await linked(database) == {1: own_text(1)}


async def test_u8_hidden(server: ScriptedImap, database: Database) -> None:
    """A folder that the provider does not show is asked for; what is stored stays."""
    await sync(account_at(server.port), database)
    before = await rows(database)
    server.folders = {"INBOX": Folder()}
    with pytest.raises(FolderNotFound):
        await sync(account_at(server.port), database)
    assert await rows(database) == before


async def test_u8_one_unreadable_name_hides_no_other(
    server: ScriptedImap, database: Database
) -> None:
    """Broken modified UTF-7, and data that LIST was not asked for."""

    def odd(command: Command) -> bytes:
        lines = [
            b'* LIST (\\HasNoChildren) "/" "Caf&AOk"\r\n',
            b'* LIST (\\HasNoChildren) "/" "\xc3\xa9t\xc3\xa9"\r\n',
            b'* LIST () "/" "Old" ("CHILDINFO" ("SUBSCRIBED"))\r\n',
            b'* LIST (\\HasNoChildren) "/" {5}\r\nQuo"t\r\n',
        ]
        return b"".join(lines) + command.usual()

    server.answers["LIST"] = odd
    await sync(account_at(server.port), database)
    assert await linked(database) == FIVE


# --- U9: how many


async def test_u9_none_and_one(server: ScriptedImap, database: Database) -> None:
    """An empty folder is fine, and so is its first mail."""
    server.folders["Sent"] = Folder(flags=r"\Sent")
    assert (await sync(account_at(server.port), database)).added == 0
    server.folders["Sent"].add(message(1))
    assert (await sync(account_at(server.port), database)).added == 1
    assert await linked(database) == {1: own_text(1)}


async def test_u9_a_hundred_and_fifty_thousand(database: Database) -> None:
    """Their UIDs do not fit into one line of imaplib's; what is new is found among them."""
    last, total = 1_149_999, 150_000
    folder = Folder(flags=r"\Sent")
    folder.add(message(1), uid=last)
    with ScriptedImap({"Sent": folder}, capabilities="IMAP4rev1") as server:
        account = account_at(server.port)
        await sync(account, database)
        old = [Stored(uid=last - n, raw=b"") for n in range(total - 1, 0, -1)]
        new = {last - total + 1, last - 77_777, last + 1}
        await database.write(link_all, [stored.uid for stored in old if stored.uid not in new])
        folder.messages = [*old, *folder.messages]
        folder.add(message(4))
        for number, stored in enumerate(old):
            stored.raw = message(number) if stored.uid in new else b""
        server.log.clear()
        result = await sync(account, database)
        assert (result.added, result.forgotten, result.quarantined) == (3, 0, 0)
        asked = [line.split()[2] for line in server.seen("UID FETCH")]
        assert {int(uid) for uids in asked for uid in uids.split(",")} == new


def link_all(connection: sqlite3.Connection, uids: list[int]) -> None:
    """As an earlier sync would have left it, with one mail for all of them."""
    connection.executemany(
        "INSERT INTO uid_link "
        "SELECT account, folder, uidvalidity, ?, mail_id FROM uid_link LIMIT 1",
        [(uid,) for uid in uids],
    )


# --- U10: dates


@pytest.mark.parametrize(
    ("date", "received", "expected"),
    [
        ("Fri, 01 Jan 2060 10:00:00 +0000", b'"01-Mar-2026 09:30:00 +0000"', "2026-03-01T09:30"),
        ("", b'"01-Mar-2026 09:30:00 +0200"', "2026-03-01T07:30"),
        ("the day before", b'" 1-Mar-2026 09:30:00 +0000"', "2026-03-01T09:30"),
        ("Mon, 02 Mar 2026 01:00:00 +0000", b"NIL", "2026-03-02T01:00"),
        ("Mon, 02 Mar 2026 01:00:00 +0000", b'"garbage"', "2026-03-02T01:00"),
    ],
)
async def test_u10_dates(
    server: ScriptedImap, database: Database, date: str, received: bytes, expected: str
) -> None:
    """The mail's own date; where it has none that can be, when the server got it."""
    folder = server.folders["Sent"] = Folder(flags=r"\Sent")
    folder.add(message(1, Date=date)).received = received
    await sync(account_at(server.port), database)
    (mail,) = await database.read(mail_store.mails, "work")
    assert mail.sent_at.strftime("%Y-%m-%dT%H:%M") == expected


async def test_u10_no_date_at_all(server: ScriptedImap, database: Database) -> None:
    """Neither the mail's nor the server's: it is stored, once, however often it is read."""
    folder = server.folders["Sent"] = Folder(flags=r"\Sent")
    folder.add(message(1, Date="")).received = b"NIL"
    await sync(account_at(server.port), database)
    folder.uidvalidity = 8
    await sync(account_at(server.port), database)
    assert await linked(database) == {1: own_text(1)}
