"""A user's desk for tests and benchmarks: Thunderbird, the daemon, and the mails that left."""

import asyncio
import email
import json
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import tomli_w
from anthropic_server import Ledger, process
from command import trimtab
from dovecot_server import PASSWORD, Dovecot, running_dovecot
from large_homes import fill, settings, some_mails
from running_daemon import Running, a_home, started, wait_until_ready
from smtp_server import SmtpServer, running_smtp
from thunderbird import COMPOSE, LIMIT_S, Thunderbird, thunderbird
from tools import free_port

import plugin
from daemon.paths import Paths, find_paths
from daemon.store.database import Database

FOLDER = Path(plugin.__file__).parent / "thunderbird"
USER = "nora"
BULLETS = "Thursday works for me\nI bring 3 samples of oak"
SEALED = """From: Alice Brown <alice@brown.example>
To: nora@falk.example
Subject: Salaries
Message-ID: <{name}@brown.example>
Date: Mon, 23 Nov 2026 04:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary="b"

--b
Content-Type: application/pgp-encrypted

Version: 1

--b
Content-Type: application/octet-stream; name="encrypted.asc"

-----BEGIN PGP MESSAGE-----

wcBMA0000000000000AQf/
-----END PGP MESSAGE-----

--b--

"""
"""Encrypted for a key that nobody has."""
MAIL = """From: Alice Brown <alice@brown.example>
To: nora@falk.example
Subject: Project plan {name}
Message-ID: <{name}@brown.example>
Date: Mon, 23 Nov 2026 04:00:00 +0000
Content-Type: text/plain; charset=utf-8

Could you come on Thursday?
Alice

"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A user's desk: Thunderbird, the daemon, the mails that left, and the mailbox of `USER`.

    While the file `said` is there, the writer says what is in it.
    """

    thunderbird: Thunderbird
    daemon: Running
    sent: "queue.Queue[bytes]"
    asked: Path
    said: Path
    user: Path
    server: Dovecot

    def unanswered(self) -> int:
        """How many messages the writer was set to work on whose answer nobody has taken."""
        return sum(not paid.answered for paid in Ledger(self.asked).entries)

    def edits(self) -> list[dict[str, Any]]:
        """What is learned from, newest first."""
        told = trimtab("edits", "--json", home=self.daemon.paths.config.parent)
        return list(json.loads(told.stdout))

    def left(self) -> EmailMessage:
        """The next mail that has left."""
        content = self.sent.get(timeout=LIMIT_S)
        mail = email.message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        return mail


@contextmanager
def a_desk(directory: Path, latency_s: float) -> Iterator[Desk]:
    """A desk whose writer takes so long to its first words."""
    home = directory / "user"
    home.mkdir()
    asked, said = directory / "asked.jsonl", directory / "said.txt"
    settings = ["--latency", str(latency_s), "--ledger", str(asked), "--said", str(said)]
    with (
        process(*settings) as url,
        smtp_sink() as (smtp, sent),
        running_dovecot() as server,
        with_mails(with_two_accounts(url, server.port)) as where,
        started(where) as daemon,
    ):
        wait_until_ready(daemon)
        trimtab("plugin", "install", "--http", home=where, HOME=str(home))
        with thunderbird(directory, home, smtp_port=smtp.port, imap_port=server.port) as bird:
            bird.log_in(PASSWORD)
            bird.install(FOLDER)
            yield Desk(
                thunderbird=bird,
                daemon=daemon,
                sent=sent,
                asked=asked,
                said=said,
                user=home,
                server=server,
            )


def with_two_accounts(url: str, imap_port: int) -> dict[str, Any]:
    """A config's data: home, which has mails, and work; the daemon is on a port as well."""
    imap = {"host": "127.0.0.1", "port": imap_port, "security": "plain"}
    data = settings(url, account={"imap": imap | {"user": USER, "password": PASSWORD}})
    work = {"addresses": ["n.falk@yard.example"], "cloud": "all"}
    accounts = data["accounts"] | {"work": work}
    return data | {"accounts": accounts, "api": {"port": free_port()}}


@contextmanager
def with_mails(data: dict[str, Any]) -> Iterator[Path]:
    """A home with this config and enough mails for a style card."""

    async def filled(paths: Paths) -> None:
        database = await Database.open(paths.database)
        await fill(database, some_mails(6))
        await database.close()

    with a_home(tomli_w.dumps(data)) as home:
        asyncio.run(filled(find_paths(str(home))))
        yield home


@contextmanager
def smtp_sink() -> Iterator[tuple[SmtpServer, "queue.Queue[bytes]"]]:
    """An SMTP server in a loop and a thread of its own, and what it was given."""
    sent: queue.Queue[bytes] = queue.Queue()
    ready: queue.Queue[tuple[SmtpServer, Callable[[], object]]] = queue.Queue()

    async def serve() -> None:
        end, loop = asyncio.Event(), asyncio.get_running_loop()
        async with running_smtp() as server:
            server.on_mail = sent.put
            ready.put((server, lambda: loop.call_soon_threadsafe(end.set)))
            await end.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    server, stop = ready.get(timeout=LIMIT_S)
    try:
        yield server, sent
    finally:
        stop()
        thread.join()


# --- what a user does -------------------------------------------------------------------------


def reply(
    desk: Desk, name: str, *, html: bool = True, mail: str = MAIL, kind: str = "ReplyToSender"
) -> Thunderbird:
    """Open a reply to a mail of that name, or another answer of that kind."""
    uri = desk.thunderbird.folder(name, mail.format(name=name))
    desk.thunderbird.compose(kind, uri, html=html)
    return desk.thunderbird


def type_bullets(bird: Thunderbird, text: str = BULLETS) -> None:
    """Open the window and write into it."""
    bird.open_window()
    bird.window(
        "at('bullets').value = args[0]; at('bullets').dispatchEvent(new Event('input'));", text
    )


def ask(bird: Thunderbird) -> None:
    """Ctrl+Enter, as the keyboard does it."""
    bird.window(
        "const key = new KeyboardEvent('keydown', {key: 'Enter', ctrlKey: true, bubbles: true});"
        "document.activeElement.dispatchEvent(key);"
    )


def drafted(bird: Thunderbird) -> str:
    """The draft, once it is done."""
    return str(bird.window_until("return !at('insert').disabled && at('text').textContent"))


def insert(bird: Thunderbird) -> str:
    """Put it into the mail; the body then."""
    before = bird.body()
    bird.window("at('insert').click();")
    bird.until(COMPOSE + "return w.GetCurrentEditor().document.body.innerHTML != args[0]", before)
    body = bird.body()
    assert "3 samples" in body
    return body


def words(text: str) -> str:
    """A text without its line ends."""
    return " ".join(text.split())
