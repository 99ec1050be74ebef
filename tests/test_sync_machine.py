"""Anything may happen to a folder, in any order; after quiet, the store equals the server."""

import asyncio
import contextlib
import imaplib
import itertools
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from dovecot_server import Dovecot
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from proxy import Fault, Proxy, running_proxy
from sync_examples import account_at, message, mixed, own_text, sync

from daemon.errors import FolderShrunk, FolderUnstable, ServerUnreachable
from daemon.mailbox import parse
from daemon.store import folders as folder_store
from daemon.store.database import Database

pytestmark = pytest.mark.dovecot
HTML = f"<p>{own_text(21)}</p>".replace("\n", "<br>")
MAILS = [
    *[message(n) for n in range(1, 8)],
    *[mixed(n) for n in range(8, 12)],
    message(1, Message_ID="<copy@field.example>"),
    message(2, Message_ID=""),
    message(21, HTML, Content_Type="text/html; charset=utf-8"),
    message(22, "Grüße aus Malmö,\nÅsa", Content_Type="text/plain; charset=utf-8"),
    message(23, ""),
    mixed(24).replace(own_text(24).replace("\n", "\r\n").encode(), b" \r\n" * 200, 1),
]
"""Some of them twice under another Message-ID or none, so that one mail has several messages."""
_names = itertools.count(1)


def readable(plain: str | None, html: str | None) -> str:
    """The plain text; the HTML where that says nothing."""
    return plain if plain and plain.strip() else html or ""


class Mailbox(RuleBasedStateMachine):
    """A folder of Dovecot's behind a proxy, and a store that follows it."""

    def __init__(self, dovecot: Dovecot, proxy: Proxy, directory: Path) -> None:
        super().__init__()
        name = f"machine{next(_names)}"
        self.dovecot, self.proxy, self.user = dovecot, proxy, name
        self.account = account_at(proxy.port, name)
        self.path = directory / f"{name}.db"
        self.runner = asyncio.Runner()
        self.database = self.runner.run(Database.open(self.path))
        self.stored: set[str] = set()
        """The ids of all mails that the store ever held."""
        self.link = dovecot.connect(name)

    # What happens to the folder

    @initialize(numbers=st.lists(st.integers(0, len(MAILS) - 1), max_size=12))
    def begin(self, numbers: list[int]) -> None:
        self.dovecot.append(self.user, [MAILS[n] for n in numbers])
        self.run_sync()

    @rule(number=st.integers(0, len(MAILS) - 1))
    def append(self, number: int) -> None:
        self.dovecot.append(self.user, [MAILS[number]])

    @precondition(lambda self: self.uids("ALL"))
    @rule(pick=st.integers(0), flag=st.sampled_from("+-"))
    def mark(self, pick: int, flag: str) -> None:
        self.link.uid("STORE", self.one_of("ALL", pick), f"{flag}FLAGS", r"(\Deleted)")

    @precondition(lambda self: self.uids("ALL"))
    @rule(pick=st.integers(0))
    def expunge(self, pick: int) -> None:
        uid = self.one_of("ALL", pick)
        self.link.uid("STORE", uid, "+FLAGS", r"(\Deleted)")
        self.link._simple_command("UID", "EXPUNGE", uid)

    @precondition(lambda self: self.uids("ALL"))
    @rule(pick=st.integers(0))
    def move_away(self, pick: int) -> None:
        self.link._simple_command("UID", "MOVE", self.one_of("ALL", pick), self.dovecot.drafts)

    @rule()
    def move_back(self) -> None:
        self.open(self.dovecot.drafts)
        self.link._simple_command("UID", "MOVE", "1:*", self.dovecot.sent)

    @rule(value=st.integers(1, 2**32 - 1))
    def change_uidvalidity(self, value: int) -> None:
        self.link.logout()
        self.dovecot.set_uidvalidity(self.user, value)
        self.link = self.dovecot.connect(self.user)

    @rule()
    def make_anew(self) -> None:
        self.link.logout()
        self.link = self.dovecot.connect(self.user)
        self.link.delete(self.dovecot.sent)
        self.link.create(self.dovecot.sent)

    # What the store does

    @rule()
    def run_sync(self) -> None:
        with contextlib.suppress(FolderShrunk, FolderUnstable):
            self.sync()

    @rule(after=st.integers(1, 6000), kind=st.sampled_from(["reset", "close"]))
    def run_sync_over_a_broken_link(self, after: int, kind: Any) -> None:
        self.proxy.faults = (Fault(kind=kind, after=after),)
        try:
            with contextlib.suppress(FolderShrunk, FolderUnstable, ServerUnreachable):
                self.sync()
        finally:
            self.proxy.faults = ()

    @rule()
    def quiet(self) -> None:
        with contextlib.suppress(FolderUnstable):  # it has changed often, and now stays as it is
            self.sync_with_an_answer()
        self.sync_with_an_answer()
        assert self.store() == self.server()
        present = {mail_id for mail_id, _ in self.store().values()}
        assert self.ids("SELECT id FROM mail") == present
        assert self.ids("SELECT mail_id FROM tombstone") == self.stored - present
        assert self.ids("SELECT uid FROM quarantine") == set()
        self.writes_nothing()

    def teardown(self) -> None:
        try:
            self.quiet()
        finally:
            self.link.logout()
            self.runner.run(self.database.close())
            self.runner.close()

    # How

    def sync(self) -> None:
        try:
            self.runner.run(sync(self.account, self.database))
        finally:
            self.stored |= self.ids("SELECT id FROM mail")

    def sync_with_an_answer(self) -> None:
        try:
            self.sync()
        except FolderShrunk:
            self.runner.run(self.database.write(folder_store.set_answer, "work", "forget"))
            self.sync()

    def writes_nothing(self) -> None:
        """Another connection sees whether anything at all was committed."""
        other = sqlite3.connect(self.path)
        try:
            before = other.execute("PRAGMA data_version").fetchone()
            self.sync()
            assert other.execute("PRAGMA data_version").fetchone() == before
        finally:
            other.close()

    def ids(self, select: str) -> set[Any]:
        found = self.runner.run(self.database.read(lambda c: c.execute(select).fetchall()))
        return {row[0] for row in found}

    def store(self) -> dict[int, tuple[str, str]]:
        """The mail of each UID: its id, and the text that it is cut from."""
        select = """
            SELECT uid, id, plain, html FROM uid_link
            JOIN mail ON id = uid_link.mail_id JOIN source ON id = source.mail_id
        """
        found = self.runner.run(self.database.read(lambda c: c.execute(select).fetchall()))
        return {row["uid"]: (row["id"], readable(row["plain"], row["html"])) for row in found}

    def server(self) -> dict[int, tuple[str, str]]:
        """The same from the server, each message fetched whole and parsed anew."""
        found = {}
        for uid in self.uids("UNDELETED"):
            raw = self.link.uid("FETCH", str(uid), "(BODY.PEEK[])")[1][0][1]
            parsed = parse.parse(raw, datetime.now(UTC))
            found[uid] = (parse.mail_id(parsed), readable(parsed.plain, parsed.html))
        return found

    def uids(self, criteria: str) -> list[int]:
        self.open(self.dovecot.sent)
        return [int(uid) for uid in self.link.uid("SEARCH", criteria)[1][0].split()]

    def one_of(self, criteria: str, pick: int) -> str:
        uids = self.uids(criteria)
        return str(uids[pick % len(uids)])

    def open(self, folder: str) -> None:
        try:
            self.link.select(folder)
        except (imaplib.IMAP4.abort, OSError):  # Dovecot has ended it with the folder it knew
            self.link.shutdown()
            self.link = self.dovecot.connect(self.user)
            self.link.select(folder)


def test_after_quiet_the_store_equals_the_server(dovecot: Dovecot, tmp_path: Path) -> None:
    """Links, texts and tombstones; and a second sync commits nothing."""
    with running_proxy(dovecot.port) as proxy:
        run_state_machine_as_test(
            lambda: Mailbox(dovecot, proxy, tmp_path),
            settings=settings(max_examples=25, stateful_step_count=12),
        )
