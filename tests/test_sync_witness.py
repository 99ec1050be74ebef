"""An independent witness: mbsync pulls the same folder, and finds the same mails."""

import re
import subprocess
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import pytest
from dovecot_server import PASSWORD, Dovecot
from sync_examples import account_at, links, message, mixed, sync
from tools import require

from daemon import sample
from daemon.mailbox import parse
from daemon.store import mail as mail_store
from daemon.store.database import Database

pytestmark = pytest.mark.dovecot

CONFIG = """
IMAPAccount witness
Host 127.0.0.1
Port {port}
User {user}
Pass {password}
SSLType None

IMAPStore far
Account witness

MaildirStore near
Path {maildir}/
Inbox {maildir}/inbox

Channel sent
Far :far:{folder}
Near :near:sent
Sync Pull
Create Near
SyncState *
"""


def pull(dovecot: Dovecot, user: str, directory: Path) -> list[bytes]:
    """What mbsync finds in the Sent folder, without the mark that it puts on each message."""
    binary = require("mbsync", "isync")
    maildir = directory / "mail"
    maildir.mkdir(exist_ok=True)
    config = directory / "mbsyncrc"
    text = CONFIG.format(
        port=dovecot.port, user=user, password=PASSWORD, maildir=maildir, folder=dovecot.sent
    )
    config.write_text(text, "utf-8")
    command = [binary, "-c", config, "-q", "sent"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    files = [*maildir.glob("sent/new/*"), *maildir.glob("sent/cur/*")]
    return [re.sub(rb"(?m)^X-TUID: .*\n", b"", file.read_bytes()) for file in files]


async def test_mbsync_finds_the_same_mails(
    dovecot: Dovecot, user: str, database: Database, tmp_path: Path
) -> None:
    """The same Message-IDs; and again after new mail has come and some has gone."""
    raws = list(sample.load("cleo"))
    dovecot.append(user, [*raws, *[mixed(n) for n in range(1, 10)]])
    account = account_at(dovecot.port, user)
    await sync(account, database)
    await agree(pull(dovecot, user, tmp_path), database)
    link = dovecot.connect(user)
    link.select(dovecot.sent)
    link.uid("STORE", "5,9:12", "+FLAGS", r"(\Deleted)")
    link.expunge()
    link.logout()
    dovecot.append(user, [message(n) for n in range(10, 15)])
    await sync(account, database)
    again = tmp_path / "again"
    again.mkdir()
    await agree(pull(dovecot, user, again), database)


async def agree(pulled: list[bytes], database: Database) -> None:
    """Each message that was pulled is a mail of the store, and the other way about."""
    witnessed = [message_from_bytes(raw)["Message-ID"].strip() for raw in pulled]
    said = {parse.mail_id(parse.parse(raw, datetime.now(UTC))) for raw in pulled}
    mails = await database.read(mail_store.mails, "work")
    copies = len(pulled) - len(said)
    assert {mail.id for mail in mails} == said
    assert len(set(witnessed) - {mail.message_id for mail in mails}) == copies
    assert {mail.message_id for mail in mails} <= set(witnessed)
    assert len(await links(database)) == len(witnessed)
