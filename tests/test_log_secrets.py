"""What is private stays out of every log: after real work, and after real failures."""

import asyncio
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from command import trimtab
from conftest import account_toml
from dovecot_server import PASSWORD, Dovecot
from running_daemon import started, wait_until_ready

from daemon import sample
from daemon.config import Config, Paths
from plugin.client import ApiError, Client

pytestmark = pytest.mark.dovecot

ADA = sample.people()[0]
SUBJECT = "Quixotic zeppelin invoice"
BODY = "The brass periscope costs 4711 florins"
BULLET = "Vermilion gondola on Thursday"
RECIPIENT = "zacharias@walrus.example"
WRONG = "hunter-lantern-22"


def letter(number: int) -> bytes:
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["To"] = ADA.address.address, RECIPIENT
    mail["Subject"] = SUBJECT
    mail["Message-ID"] = f"<zebra-{number}@walrus.example>"
    mail["Date"] = "Mon, 23 Nov 2026 04:00:00 +0000"
    mail.set_content(f"Dear Zacharias,\n\n{BODY}. Shall we meet {number} days later?\n\nAda\n")
    return mail.as_bytes()


async def work(socket: Path) -> None:
    """Sync, teach, train, draft, tell what was sent; and some things that fail."""
    async with Client(socket) as client:
        for kind, account in (("sync", "work"), ("teach", "work"), ("sync", "locked")):
            try:
                await client.run_job(kind, account)
                assert account == "work"
            except ApiError:
                assert account == "locked"
        request = {
            "account": "work",
            "key": "one",
            "from": {"name": "Ada", "address": ADA.address.address},
            "to": [{"name": "Zacharias", "address": RECIPIENT}],
            "subject": SUBJECT,
            "bullets": [BULLET],
        }
        draft = [event async for event in client.draft(request)][-1].data["draft"]
        await client.sent(draft["id"], f"{draft['text']} {BODY}", "<zebra-9@walrus.example>")


def test_nothing_private_is_in_any_log(
    dovecot: Dovecot, user: str, home: Paths, write_config: Callable[[str], Config]
) -> None:
    """Though it went through the daemon, it is in none of its logs and was not said aloud."""
    good = account_toml("work", ADA.address.address, dovecot.port, user)
    locked = account_toml("locked", "ada@home.example", dovecot.port, "nobody", WRONG)
    write_config(good + locked)
    dovecot.append(user, [*sample.load("ada")[:20], *map(letter, range(5))])
    root = home.run.parent
    with started(root) as daemon:
        wait_until_ready(daemon)
        asyncio.run(work(home.socket))
        daemon.end()
        said = daemon.said.read_text("utf-8")
    lines = trimtab("logs", "--lines", "0", home=root).stdout
    for what in (
        "trimtab answers at",
        "job ended job=1 kind=sync account=work state=done",
        "kind=teach account=work state=done",
        "job failed",
        "kind=sync account=locked error=LoginRefused",
        "draft done account=work",
        "edit recorded account=work",
        "trimtab has ended",
    ):
        assert what in lines
    names = [str(message_from_bytes(raw)["Subject"]) for raw in sample.load("ada")[:20]]
    planted = {SUBJECT, BODY, BULLET, RECIPIENT, WRONG, PASSWORD, "walrus", "gondola", "zeppelin"}
    for path in [path for path in home.logs.rglob("*") if path.is_file()]:
        text = path.read_text("utf-8", "replace") + said
        found = [secret for secret in {*planted, *names, ADA.address.address} if secret in text]
        assert found == [], path.name
        assert "@" not in text
