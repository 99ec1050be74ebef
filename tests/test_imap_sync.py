"""Sync against a real Dovecot: everything once, nothing changed, and each refusal by its name."""

import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from conftest import account_toml
from dovecot_server import Dovecot
from proxy import running_proxy
from sync_examples import sync

from daemon import sample
from daemon.config import Account, Config
from daemon.errors import FolderNotFound, FolderShrunk, LoginRefused, ServerUnreachable
from daemon.mailbox.parse import build, parse
from daemon.records import Batch, SyncResult
from daemon.store import folders as folder_store
from daemon.store import mail as mail_store
from daemon.store.database import Database

pytestmark = pytest.mark.dovecot
ADA = sample.people()[0]
RAW = list(sample.load("ada"))
WriteConfig = Callable[[str], Config]


@pytest.fixture
def account(dovecot: Dovecot, user: str, write_config: WriteConfig) -> Account:
    text = account_toml("work", ADA.address.address, dovecot.port, user)
    return write_config(text).account("work")


async def test_every_mail_comes_once_with_its_text(
    dovecot: Dovecot, user: str, account: Account, database: Database
) -> None:
    """What the server holds is in the store, cut as from a file; copies count as one."""
    dovecot.append(user, RAW)
    result = await sync(account, database)
    assert result == SyncResult(account="work", added=174, known=1, quarantined=0)
    stored = await database.read(mail_store.mails, "work")
    from daemon.sample.generate import truth

    found = {" ".join(mail.own_text.split()) for mail in stored}
    assert {" ".join(text.split()) for text in truth(ADA)} <= found


async def test_a_second_sync_adds_nothing(
    dovecot: Dovecot, user: str, account: Account, database: Database
) -> None:
    """And a third, after new mail, adds that alone."""
    dovecot.append(user, RAW[:20])
    await sync(account, database)
    again = await sync(account, database)
    assert (again.added, again.known) == (0, 0)
    dovecot.append(user, RAW[20:23])
    third = await sync(account, database)
    assert (third.added, third.known) == (3, 0)


async def test_the_mailbox_is_not_changed(
    dovecot: Dovecot, user: str, account: Account, database: Database
) -> None:
    """No message is marked as read, and each is byte for byte as it was."""
    dovecot.append(user, RAW[:5])
    before = dovecot.messages(user, dovecot.sent)
    await sync(account, database)
    link = dovecot.connect(user)
    link.select(dovecot.sent, readonly=True)
    assert link.search(None, "SEEN")[1] == [b""]
    link.logout()
    assert dovecot.messages(user, dovecot.sent) == before


async def test_an_empty_sent_folder_is_fine(account: Account, database: Database) -> None:
    """There is nothing to add, and nothing is wrong."""
    result = await sync(account, database)
    assert result == SyncResult(account="work", added=0, known=0, quarantined=0)


def make_anew(dovecot: Dovecot, user: str) -> None:
    """Delete the folder and make it again: another UIDVALIDITY."""
    link = dovecot.connect(user)
    link.delete(dovecot.sent)
    link.create(dovecot.sent)
    link.logout()


async def test_a_new_uidvalidity_keeps_the_mails(
    dovecot: Dovecot, user: str, account: Account, database: Database
) -> None:
    """A folder that was deleted and made anew is read anew; known mails are not doubled."""
    dovecot.append(user, RAW[:10])
    await sync(account, database)
    make_anew(dovecot, user)
    dovecot.append(user, RAW[:15])
    result = await sync(account, database)
    assert (result.added, result.known, result.forgotten) == (5, 10, 0)
    assert len(await database.read(mail_store.mails, "work")) == 15


async def test_a_folder_that_lost_much_at_once_is_asked_about(
    dovecot: Dovecot, user: str, account: Account, database: Database
) -> None:
    """What is new comes in, nothing is forgotten, and it is asked until there is an answer."""
    dovecot.append(user, RAW[:10])
    await sync(account, database)
    make_anew(dovecot, user)
    dovecot.append(user, RAW[5:15])
    for _ in range(2):
        with pytest.raises(FolderShrunk) as raised:
            await sync(account, database)
        assert (raised.value.lost, raised.value.of) == (5, 15)
        assert len(await database.read(mail_store.mails, "work")) == 15
    await database.write(folder_store.set_answer, "work", "forget")
    result = await sync(account, database)
    assert (result.added, result.forgotten) == (0, 5)
    assert len(await database.read(mail_store.mails, "work")) == 10
    assert (await sync(account, database)).forgotten == 0


async def test_a_deleted_mail_is_forgotten(
    dovecot: Dovecot, user: str, account: Account, database: Database
) -> None:
    """Marked as deleted is deleted, expunged or not; a mark that is taken off brings it back."""
    dovecot.append(user, RAW[:10])
    await sync(account, database)
    link = dovecot.connect(user)
    link.select(dovecot.sent)
    link.store("3", "+FLAGS", "\\Deleted")
    assert (await sync(account, database)).forgotten == 1
    link.store("3", "-FLAGS", "\\Deleted")
    back = await sync(account, database)
    assert (back.added, back.forgotten) == (1, 0)
    link.store("4", "+FLAGS", "\\Deleted")
    link.expunge()
    link.logout()
    assert (await sync(account, database)).forgotten == 1
    assert len(await database.read(mail_store.mails, "work")) == 9


async def test_what_was_imported_is_linked_without_moving_its_text(
    dovecot: Dovecot, user: str, account: Account, database: Database
) -> None:
    """A header that is known is enough: the text is not asked for."""
    dovecot.append(user, RAW[:10])
    now = datetime(2026, 3, 3, tzinfo=UTC)
    incoming = tuple(build("work", parse(raw, now)) for raw in RAW[:10])
    await database.write(mail_store.add_batch, Batch(account="work", incoming=incoming), 1)
    with running_proxy(dovecot.port) as proxy:
        assert account.imap is not None
        through = account.imap.model_copy(update={"port": proxy.port})
        behind = account.model_copy(update={"imap": through})
        result = await sync(behind, database)
    assert (result.added, result.known) == (0, 10)
    assert proxy.counts().down < 14_000


async def test_odd_messages_do_not_stop_the_rest(
    dovecot: Dovecot, user: str, account: Account, database: Database
) -> None:
    """Raw bytes, no headers, an unknown charset, an unclosed multipart: all are stored."""
    odd = [
        b"\xff\xfe no header at all\r\n",
        b"Subject: =?x-unknown?Q?=E4?=\r\nContent-Type: text/plain; charset=x-unknown\r\n\r\n\xe4",
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nno end',
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%%",
    ]
    dovecot.append(user, [RAW[0], *odd, RAW[1]])
    result = await sync(account, database)
    assert (result.added, result.quarantined) == (6, 0)


async def test_a_wrong_password_is_refused_by_name(account: Account, database: Database) -> None:
    """The error names the account and the server, and holds no password."""
    assert account.imap is not None
    wrong = account.imap.model_copy(update={"password": "hunter2"})
    with pytest.raises(LoginRefused) as raised:
        await sync(account.model_copy(update={"imap": wrong}), database)
    assert (raised.value.account, raised.value.host) == ("work", "127.0.0.1")
    assert "hunter2" not in repr(raised.value)


async def test_a_server_that_is_not_there_is_unreachable(
    account: Account, database: Database
) -> None:
    """A refused connection says so."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    assert account.imap is not None
    closed = account.imap.model_copy(update={"port": port})
    with pytest.raises(ServerUnreachable) as raised:
        await sync(account.model_copy(update={"imap": closed}), database)
    assert raised.value.reason == "the connection was refused"


async def test_a_folder_that_is_not_there_is_asked_for(
    account: Account, database: Database
) -> None:
    """A configured folder is never replaced by a guess."""
    assert account.imap is not None
    named = account.imap.model_copy(update={"sent_folder": "Outgoing"})
    with pytest.raises(FolderNotFound) as raised:
        await sync(account.model_copy(update={"imap": named}), database)
    assert raised.value.folder == "Outgoing"


async def test_accounts_are_apart(
    dovecot: Dovecot, user: str, account: Account, database: Database
) -> None:
    """The same folder read for two accounts fills both, and neither sees the other's rows."""
    dovecot.append(user, RAW[:4])
    await sync(account, database)
    await sync(account, database, "home")
    work = await database.read(mail_store.mails, "work")
    home = await database.read(mail_store.mails, "home")
    assert [replace(mail, account="work") for mail in home] == work
