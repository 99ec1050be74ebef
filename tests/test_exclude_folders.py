"""Excluded folders and labels: which Message-IDs the store knows of them after each sync."""

import re
import sqlite3

import pytest
from dovecot_server import Dovecot
from scripted_imap import CAPABILITIES, Command, Folder, ScriptedImap
from sync_examples import account_at, message, sync

from daemon.config import Account, Exclude
from daemon.errors import FolderNotFound
from daemon.mailbox import plan
from daemon.mailbox.exclude import named
from daemon.store import excluded
from daemon.store import mail as mail_store
from daemon.store.database import Database


def account(port: int, user: str = "ada", **names: tuple[str, ...]) -> Account:
    """An account that excludes folders and labels."""
    return account_at(port, user).model_copy(update={"exclude": Exclude(**names)})


async def known(database: Database) -> set[str]:
    return set(await database.read(excluded.message_ids, "work"))


def ids(*numbers: int) -> set[str]:
    return {f"<{number}@field.example>" for number in numbers}


def fill(dovecot: Dovecot, user: str, folder: str, *raws: bytes) -> None:
    """A folder of the user's with these messages."""
    link = dovecot.connect(user)
    link.create(folder)
    link.logout()
    dovecot.append(user, list(raws), folder)


def mark(dovecot: Dovecot, user: str, number: int, change: str, flag: str) -> None:
    """Change a flag of a message of the Sent folder."""
    link = dovecot.connect(user)
    link.select(dovecot.sent)
    link.store(str(number), change, flag)
    link.logout()


# --- folders -------------------------------------------------------------------------------------


@pytest.mark.dovecot
async def test_what_lies_in_a_folder_is_known(
    dovecot: Dovecot, user: str, database: Database
) -> None:
    """All that lies in it, and nothing of the other folders; the mails of the Sent folder come."""
    dovecot.append(user, [message(number) for number in range(4)])
    fill(dovecot, user, "Private", message(2), message(7))
    fill(dovecot, user, "Private/Deep", message(3))
    fill(dovecot, user, "Other", message(0))
    both = account(dovecot.port, user, folders=("Private", "Private/Deep"))
    assert (await sync(both, database)).added == 4
    assert await known(database) == ids(2, 3, 7)
    await sync(account(dovecot.port, user, folders=("Private",)), database)
    assert await known(database) == ids(2, 7)


@pytest.mark.dovecot
async def test_the_set_follows_the_folder(dovecot: Dovecot, user: str, database: Database) -> None:
    """Also when nothing has changed in the Sent folder; whom nothing excludes has no rows."""
    dovecot.append(user, [message(1)])
    fill(dovecot, user, "Private", message(1), message(2))
    excluding = account(dovecot.port, user, folders=("Private",))
    await sync(excluding, database)
    fill(dovecot, user, "Private", message(5))
    link = dovecot.connect(user)
    link.select("Private")
    link.store("2", "+FLAGS", r"\Deleted")
    link.expunge()
    link.logout()
    await sync(excluding, database)
    assert await known(database) == ids(1, 5)
    await sync(account(dovecot.port, user), database)
    assert await known(database) == set()


@pytest.mark.dovecot
async def test_a_big_folder_is_read_in_pages(
    dovecot: Dovecot, user: str, database: Database
) -> None:
    """Each of its messages once."""
    numbers = range(2 * plan.BATCH + 50)
    fill(dovecot, user, "Private", *map(message, numbers))
    await sync(account(dovecot.port, user, folders=("Private",)), database)
    assert await known(database) == ids(*numbers)


@pytest.mark.dovecot
async def test_message_ids_are_read_as_those_of_mails_are(
    dovecot: Dovecot, user: str, database: Database
) -> None:
    """Folded, bare or followed by a remark; a message without one is passed over."""
    odd = [
        message(1, Message_ID="\r\n <long@field.example>"),
        message(2, Message_ID="bare@field.example"),
        message(3, Message_ID="<one@field.example> (a remark)"),
        message(4, Message_ID=""),
        message(5, Message_ID="<l\xe4nge@field.example>"),
        b"no header at all\r\n",
    ]
    fill(dovecot, user, "Private", *odd)
    dovecot.append(user, odd)
    await sync(account(dovecot.port, user, folders=("Private",)), database)
    mails = await database.read(mail_store.mails, "work")
    assert await known(database) == {mail.message_id for mail in mails if mail.message_id}
    assert len(await known(database)) == 4


@pytest.mark.dovecot
async def test_a_folder_that_is_not_there_is_told(
    dovecot: Dovecot, user: str, database: Database
) -> None:
    """The new mails have come in, and what was excluded before still is."""
    fill(dovecot, user, "Private", message(2))
    await sync(account(dovecot.port, user, folders=("Private",)), database)
    dovecot.append(user, [message(1)])
    with pytest.raises(FolderNotFound) as raised:
        await sync(account(dovecot.port, user, folders=("Private", "Privat")), database)
    assert (raised.value.account, raised.value.folder) == ("work", "Privat")
    assert len(await database.read(mail_store.mails, "work")) == 1
    assert await known(database) == ids(2)


@pytest.mark.dovecot
async def test_the_folders_mails_are_not_touched(
    dovecot: Dovecot, user: str, database: Database
) -> None:
    """None is marked as read."""
    fill(dovecot, user, "Private", message(1), message(2))
    await sync(account(dovecot.port, user, folders=("Private",)), database)
    link = dovecot.connect(user)
    link.select("Private", readonly=True)
    assert link.search(None, "SEEN")[1] == [b""]
    link.logout()


async def test_a_folder_that_cannot_be_opened_is_told(database: Database) -> None:
    """Such as one that only holds others."""
    folders = {"Sent": Folder(flags=r"\Sent"), "Private": Folder(flags=r"\Noselect")}
    with ScriptedImap(folders) as server:
        server.answers["EXAMINE"] = lambda command: (
            command.no("not that") if b"Private" in command.arguments else command.usual()
        )
        with pytest.raises(FolderNotFound):
            await sync(account(server.port, folders=("Private",)), database)


async def test_only_message_ids_are_asked_for(database: Database) -> None:
    """And where nothing is excluded, nothing."""
    folders = {"Sent": Folder(flags=r"\Sent"), "Private": Folder(message(1), message(2))}
    with ScriptedImap(folders) as server:
        await sync(account(server.port), database)
        plain = server.seen()
        await sync(account(server.port, folders=("Private",)), database)
        more = server.seen()[len(plain) :]
    assert not [line for line in plain if "Private" in line or "MESSAGE-ID" in line]
    fetched = [line for line in more if line.startswith("UID FETCH")]
    assert fetched == ["UID FETCH 1,2 (BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])"]
    assert await known(database) == ids(1, 2)


async def test_a_message_that_the_server_refuses_is_passed_over(database: Database) -> None:
    """The others are still found out."""

    def refuse(command: Command) -> bytes:
        uids = command.arguments.split()[0].split(b",")
        return command.no("no") if b"2" in uids else command.usual()

    folders = {"Sent": Folder(flags=r"\Sent"), "Private": Folder(*map(message, range(1, 5)))}
    with ScriptedImap(folders) as server:
        server.answers["UID FETCH"] = refuse
        await sync(account(server.port, folders=("Private",)), database)
    assert await known(database) == ids(1, 3, 4)


FOLDERS = [
    plan.Folder(name="Private", flags=(), delimiter="/"),
    plan.Folder(name="Work.Anwälte", flags=(), delimiter="."),
    plan.Folder(name="Work/Bank", flags=(), delimiter="."),
    plan.Folder(name="Inbox.Kids", flags=(), delimiter="."),
    plan.Folder(name="A/B", flags=(), delimiter=None),
]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("Private", ["Private"]),
        ("private", []),
        ("Work.Anwälte", ["Work.Anwälte"]),
        ("Work/Anwälte", ["Work.Anwälte"]),
        ("Work/Anwa\u0308lte", ["Work.Anwälte"]),
        ("Anwälte", []),
        ("Work/Bank", ["Work/Bank"]),
        ("INBOX/Kids", ["Inbox.Kids"]),
        ("A/B", ["A/B"]),
        ("", []),
    ],
)
def test_a_folder_is_found_by_its_path(wanted: str, found: list[str]) -> None:
    """Whatever the server's delimiter, and however its accents are written."""
    assert named(FOLDERS, wanted) == found


# --- labels --------------------------------------------------------------------------------------


@pytest.mark.dovecot
async def test_a_keyword_of_a_sent_mail_is_known(
    dovecot: Dovecot, user: str, database: Database
) -> None:
    """As long as it is there; a name that no keyword can have is on no mail."""
    dovecot.append(user, [message(number) for number in range(4)])
    mark(dovecot, user, 2, "+FLAGS", "Secret")
    mark(dovecot, user, 4, "+FLAGS", "$label1")
    labels = ("secret", "$label1", "unused", "to do (later)", "Länge")
    excluding = account(dovecot.port, user, labels=labels)
    await sync(excluding, database)
    assert await known(database) == ids(1, 3)
    mark(dovecot, user, 2, "-FLAGS", "Secret")
    await sync(excluding, database)
    assert await known(database) == ids(3)


async def test_a_label_of_gmails_is_asked_for_by_its_name(database: Database) -> None:
    """Quoted, and in modified UTF-7 beyond ASCII; what is found is as excluded as by a folder."""

    def search(command: Command) -> bytes:
        asked = command.arguments.decode()
        if "X-GM-LABELS" in asked:
            found = "2" if "Private" in asked else "3" if "&AOQ-" in asked else ""
        elif "KEYWORD" in asked:
            found = ""
        else:
            return command.usual()
        return f"* SEARCH {found}".rstrip().encode() + b"\r\n" + command.ok()

    folders = {"Sent": Folder(*map(message, range(1, 5)), flags=r"\Sent")}
    with ScriptedImap(folders, capabilities=f"{CAPABILITIES} X-GM-EXT-1") as server:
        server.answers["UID SEARCH"] = search
        labels = ("Private", "L\xe4nge", 'a "b" \\c', "x\r\nA1 LOGOUT")
        await sync(account(server.port, labels=labels), database)
        asked = [line for line in server.seen("UID SEARCH") if re.search("LABELS|KEYWORD", line)]
    assert asked == [
        "UID SEARCH 1:* KEYWORD Private",
        'UID SEARCH 1:* X-GM-LABELS "Private"',
        "UID SEARCH 1:* KEYWORD L&AOQ-nge",
        'UID SEARCH 1:* X-GM-LABELS "L&AOQ-nge"',
        r'UID SEARCH 1:* X-GM-LABELS "a \"b\" \\c"',
        'UID SEARCH 1:* X-GM-LABELS "x&AA0ACg-A1 LOGOUT"',
    ]
    assert await known(database) == ids(2, 3)


# --- the store -----------------------------------------------------------------------------------


def test_a_new_set_replaces_the_accounts_old_one(connection: sqlite3.Connection) -> None:
    """Not another account's; the same set again writes nothing."""
    excluded.replace(connection, "work", frozenset({"<1@x>", "<2@x>"}), "x")
    excluded.replace(connection, "home", frozenset({"<2@x>"}), "x")
    excluded.replace(connection, "work", frozenset({"<2@x>", "<3@x>"}), "x")
    assert excluded.message_ids(connection, "work") == {"<2@x>", "<3@x>"}
    assert excluded.message_ids(connection, "home") == {"<2@x>"}
    before = connection.total_changes
    excluded.replace(connection, "work", frozenset({"<2@x>", "<3@x>"}), "x")
    assert connection.total_changes == before
    excluded.replace(connection, "work", frozenset(), "x")
    assert excluded.message_ids(connection, "work") == frozenset()
