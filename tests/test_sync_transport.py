"""Crashes and broken links during a sync: what was committed is whole, and the next sync goes on.

T7 (a server that is down for long), T8 (suspend and resume), and T4 and T9 during IDLE are the
watch's.
"""

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from command import TRIMTAB, sentence, trimtab
from conftest import account_toml
from dovecot_server import Dovecot
from proxy import Fault, running_proxy
from scripted_imap import (
    Close,
    Command,
    Folder,
    ScriptedImap,
    Stall,
    Trickle,
    Wait,
    first,
    only,
)
from sync_examples import (
    ADDRESS,
    account_at,
    linked,
    message,
    mixed,
    own_text,
    rows,
    rows_at,
    set_aside,
    sync,
)

from daemon.config import Account, Config, Paths
from daemon.errors import LoginRefused, ServerBusy, ServerUnreachable, StoreFull
from daemon.mailbox import connection
from daemon.mailbox.auth.credentials import find_credential
from daemon.store.database import Database

FIVE = {n: own_text(n) for n in range(1, 6)}


@pytest.fixture
def server() -> Iterator[ScriptedImap]:
    """Five mails in Sent."""
    folder = Folder(*[message(n) for n in FIVE], flags=r"\Sent")
    with ScriptedImap({"Sent": folder}) as running:
        yield running


# --- T1: killed at every commit


def kill_at_every_commit(home: Paths, work: Path) -> int:
    """Kills; returns their number, having found every resumed store equal to the undisturbed."""
    runner = Path(__file__).with_name("killed_sync.py")
    done = subprocess.run(
        [sys.executable, runner, home.config.parent, work],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent.parent,
    )
    assert done.returncode == 0, done.stderr
    clean = rows_at(work / "clean/trimtab.db")
    for k in range(1, int(done.stdout) + 1):
        assert rows_at(work / str(k) / "trimtab.db") == clean, f"killed at commit {k}"
    return int(done.stdout)


@pytest.mark.dovecot
async def test_t1_killed_at_every_commit_of_the_first_sync(
    dovecot: Dovecot,
    user: str,
    home: Paths,
    tmp_path_factory: pytest.TempPathFactory,
    write_config: Callable[[str], Config],
) -> None:
    """Several batches, and the same store whenever it was killed."""
    dovecot.append(user, [message(n) for n in range(1, 1201)])
    write_config(account_toml("work", ADDRESS, dovecot.port, user))
    await (await Database.open(home.database)).close()
    work = tmp_path_factory.mktemp("work")
    assert kill_at_every_commit(home, work) >= 3
    assert len(rows_at(work / "clean/trimtab.db")["mail"]) == 1200


@pytest.mark.dovecot
@pytest.mark.parametrize("uidvalidity", [None, 4_000_000_001])
async def test_t1_killed_at_every_commit_of_a_later_sync(
    *,
    dovecot: Dovecot,
    user: str,
    home: Paths,
    tmp_path_factory: pytest.TempPathFactory,
    write_config: Callable[[str], Config],
    uidvalidity: int | None,
) -> None:
    """With new mail, a second copy, and deleted mail; with the same UIDVALIDITY and another."""
    dovecot.append(user, [message(n) for n in range(1, 31)])
    write_config(account_toml("work", ADDRESS, dovecot.port, user))
    database = await Database.open(home.database)
    await sync(account_at(dovecot.port, user), database)
    await database.close()
    link = dovecot.connect(user)
    link.select(dovecot.sent)
    link.uid("STORE", "3,9", "+FLAGS", r"(\Deleted)")
    link.expunge()
    link.uid("STORE", "11", "+FLAGS", r"(\Deleted)")
    link.logout()
    dovecot.append(user, [*[message(n) for n in range(31, 36)], message(20)])
    if uidvalidity:
        dovecot.set_uidvalidity(user, uidvalidity)
    work = tmp_path_factory.mktemp("work")
    assert kill_at_every_commit(home, work) >= 2
    clean = rows_at(work / "clean/trimtab.db")
    assert (len(clean["mail"]), len(clean["uid_link"]), len(clean["tombstone"])) == (32, 33, 3)


# --- T2: reset after every n-th byte


@pytest.mark.dovecot
@pytest.mark.parametrize("direction", ["down", "up"])
async def test_t2_a_reset_after_every_nth_byte(
    dovecot: Dovecot, user: str, tmp_path: Path, direction: str
) -> None:
    """Wherever the link breaks, this sync or else the next one completes the store."""
    dovecot.append(user, [mixed(n) if n % 3 == 0 else message(n) for n in range(1, 13)])
    with running_proxy(dovecot.port) as proxy:
        account = account_at(proxy.port, user)
        expected = await synced(account, tmp_path / "clean.db")
        total, struck = proxy.passed[direction], 0
        for after in range(1, total, total // 40):
            number = proxy.connections + 1
            broken = Fault(kind="reset", after=after, direction=direction, connection=number)
            proxy.faults = (broken,)
            proxy.struck.clear()
            path = tmp_path / f"{after}.db"
            with contextlib.suppress(ServerUnreachable):
                await synced(account, path)
            struck += proxy.struck.is_set()
            assert await synced(account, path) == expected, f"reset after {after} bytes"
    assert struck > 30
    assert len(expected["mail"]) == 12


@pytest.mark.dovecot
async def test_t2_every_connection_breaks(dovecot: Dovecot, user: str, database: Database) -> None:
    """None lives long enough for all mails, each for some: the sync gets there."""
    dovecot.append(user, [message(n, "word " * 1000) for n in range(1, 21)])
    with running_proxy(dovecot.port, faults=[Fault(kind="reset", after=20_000)]) as proxy:
        result = await sync(account_at(proxy.port, user), database)
        assert proxy.connections > 4
    assert (result.added, result.quarantined) == (20, 0)


@pytest.mark.dovecot
async def test_t2_no_connection_lives_long_enough(
    dovecot: Dovecot, user: str, database: Database
) -> None:
    """It is the link that is broken, not every message: nothing is set aside."""
    dovecot.append(user, [message(n, "word " * 1000) for n in range(1, 21)])
    with running_proxy(dovecot.port, faults=[Fault(kind="reset", after=4000)]) as proxy:
        with pytest.raises(ServerUnreachable):
            await sync(account_at(proxy.port, user), database)
        assert await set_aside(database) == {}
        proxy.faults = ()
        assert (await sync(account_at(proxy.port, user), database)).added == 20


async def test_t2_a_message_at_which_the_server_breaks(
    server: ScriptedImap, database: Database
) -> None:
    """It is set aside, and the others come in."""

    def broken(command: Command) -> bytes | Close:
        return Close() if b"(UID 3 " in command.usual() else command.usual()

    server.answers["UID FETCH"] = broken
    result = await sync(account_at(server.port), database)
    assert (result.added, result.quarantined) == (4, 1)
    assert set(await set_aside(database)) == {3}
    assert set(await linked(database)) == {1, 2, 4, 5}


async def synced(account: Account, path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of a store after a sync."""
    database = await Database.open(path)
    try:
        await sync(account, database)
        return await rows(database)
    finally:
        await database.close()


# --- T3: end of file


def cut_answer(where: str) -> Callable[[Command], list[bytes | Close]]:
    """The usual answer up to a place, then the end."""

    def answer(command: Command) -> list[bytes | Close]:
        usual = command.usual()
        ends = {
            "in a literal": usual.rindex(b"}\r\n") + 6,
            "between messages": usual.rindex(b"* "),
            "before the tagged OK": usual.rindex(command.tag.encode()),
        }
        return [usual[: ends[where]], Close()]

    return answer


@pytest.mark.parametrize("where", ["in a literal", "between messages", "before the tagged OK"])
@pytest.mark.parametrize("number", [1, 2])
async def test_t3_the_end_within_an_answer(
    server: ScriptedImap, database: Database, where: str, number: int
) -> None:
    """Nothing of an answer without its tagged OK is stored, and nothing is lost."""
    server.answers["UID FETCH"] = only(number, cut_answer(where))
    account = account_at(server.port)
    try:
        await sync(account, database)
    except ServerUnreachable:
        assert await linked(database) == {}
        await sync(account, database)
    assert server.opened > 1
    assert await linked(database) == FIVE


# --- T4: BYE


@pytest.mark.parametrize(
    ("answered", "farewell", "error"),
    [
        ("GREETING", b"* BYE Too many simultaneous connections\r\n", ServerBusy),
        ("GREETING", b"* BYE going down\r\n", ServerUnreachable),
        ("LOGIN", b"* BYE Too many connections from your address\r\n", ServerBusy),
        ("LOGIN", b"* BYE going down\r\n", ServerUnreachable),
        ("EXAMINE", b"* BYE Session expired, please login again\r\n", ServerBusy),
    ],
)
async def test_t4_bye_at_the_beginning(
    server: ScriptedImap,
    database: Database,
    answered: str,
    farewell: bytes,
    error: type[Exception],
) -> None:
    """A provider that wants to be left alone is busy, one that goes away is unreachable."""
    server.answers[answered] = lambda _: [farewell, Close()]
    with pytest.raises(error):
        await sync(account_at(server.port), database)
    server.answers.clear()
    await sync(account_at(server.port), database)
    assert await linked(database) == FIVE


@pytest.mark.parametrize("number", [1, 2])
async def test_t4_bye_in_the_middle_of_a_fetch(
    server: ScriptedImap, database: Database, number: int
) -> None:
    """What came before it is not believed, and comes again."""

    def interrupted(command: Command) -> list[bytes | Close]:
        whole = command.usual()
        return [whole[: whole.rindex(b"* ")], b"* BYE maintenance\r\n", Close()]

    server.answers["UID FETCH"] = only(number, interrupted)
    try:
        await sync(account_at(server.port), database)
    except ServerUnreachable:
        await sync(account_at(server.port), database)
    assert await linked(database) == FIVE


# --- T5: silence


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines of half a second: the only way to see one pass."""
    monkeypatch.setattr(connection, "CONNECT_S", 0.5)
    monkeypatch.setattr(connection, "READ_S", 0.5)


def drip(command: Command) -> Trickle:
    """More often than any time-out of a read, and for longer than anyone should wait."""
    return Trickle(command.usual() * 100, pause_s=0.05)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("answered", ["GREETING", "LOGIN", "EXAMINE", "UID SEARCH", "UID FETCH"])
async def test_t5_a_server_that_falls_silent_is_given_up(
    server: ScriptedImap, database: Database, answered: str
) -> None:
    """In the middle of an answer; the next sync completes the store."""
    server.answers[answered] = lambda command: [command.usual()[:20], Stall()]
    with pytest.raises(ServerUnreachable) as raised:
        await sync(account_at(server.port), database)
    assert raised.value.reason == "no answer in time"
    assert await set_aside(database) == {}
    server.answers.clear()
    await sync(account_at(server.port), database)
    assert await linked(database) == FIVE


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("number", [1, 2])
async def test_t5_one_silence_is_survived(
    server: ScriptedImap, database: Database, number: int
) -> None:
    """Over a new connection, in the same sync."""
    silent = [b"* 1 FETCH (UID 1 ", Stall()]
    server.answers["UID FETCH"] = only(number, lambda _: silent)
    result = await sync(account_at(server.port), database)
    assert (result.added, result.quarantined, server.opened) == (5, 0, 2)
    assert await linked(database) == FIVE


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("answered", ["GREETING", "LOGIN"])
async def test_t5_a_server_that_drips_is_given_up(
    server: ScriptedImap, database: Database, answered: str
) -> None:
    """No read takes long, the whole does."""
    server.answers[answered] = drip
    with pytest.raises(ServerUnreachable) as raised:
        await sync(account_at(server.port), database)
    assert raised.value.reason == "no answer in time"


async def test_t5_a_command_has_a_deadline_by_the_clock(server: ScriptedImap) -> None:
    """However busily the server drips; the connection is not used again."""
    server.answers["UID FETCH"] = drip
    imap = account_at(server.port).imap
    assert imap is not None

    def fetch() -> None:
        link = connection.open_link("work", imap, find_credential("work", imap))
        try:
            with link.command() as client:
                client.select_folder("Sent", readonly=True)
            with link.command(seconds=0.5) as client:
                client.fetch([1], ["BODY.PEEK[]"])
        finally:
            link.close()

    with pytest.raises(ServerUnreachable) as raised:
        await asyncio.to_thread(fetch)
    assert (raised.value.reason, raised.value.lost) == ("no answer in time", True)
    assert server.seen("LOGOUT") == []


@pytest.mark.usefixtures("impatient")
async def test_t5_a_handshake_that_is_never_answered(database: Database) -> None:
    """A server that does not speak TLS and waits for the client to speak first."""
    with ScriptedImap() as server:
        server.answers["GREETING"] = lambda _: Stall()
        with pytest.raises(ServerUnreachable) as raised:
            await sync(account_at(server.port, security="tls"), database)
    assert raised.value.reason == "no answer in time"


@pytest.mark.dovecot
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("after", [0, 700, 1800, 3000])
async def test_t5_half_open(dovecot: Dovecot, user: str, database: Database, after: int) -> None:
    """The network swallows everything from some byte on, and no end of file comes."""
    dovecot.append(user, [message(n) for n in FIVE])
    swallow = Fault(kind="stall", after=after, connection=1)
    with running_proxy(dovecot.port, faults=[swallow]) as proxy:
        with contextlib.suppress(ServerUnreachable):
            await sync(account_at(proxy.port, user), database)
        assert proxy.struck.is_set()
        assert await set_aside(database) == {}
        await sync(account_at(proxy.port, user), database)
    assert await linked(database) == FIVE


# --- T6: NO after part of the data


async def test_t6_no_after_part_of_the_data(server: ScriptedImap, database: Database) -> None:
    """The batch is asked for in pieces, and each mail is stored once."""

    def refused(command: Command) -> list[bytes]:
        whole = command.usual()
        return [whole[: whole.rindex(b"* ")], command.no("internal error")]

    server.answers["UID FETCH"] = first(refused)
    result = await sync(account_at(server.port), database)
    assert (result.added, result.quarantined) == (5, 0)
    assert await linked(database) == FIVE


async def test_t6_no_to_one_message_sets_it_alone_aside(
    server: ScriptedImap, database: Database
) -> None:
    """A message that the server itself cannot read costs no other one."""

    def refused(command: Command) -> bytes:
        touched = b"(UID 3 " in command.usual()
        return command.no("cannot open the message") if touched else command.usual()

    server.answers["UID FETCH"] = refused
    result = await sync(account_at(server.port), database)
    assert (result.added, result.quarantined) == (4, 1)
    assert await linked(database) == {uid: text for uid, text in FIVE.items() if uid != 3}
    assert set(await set_aside(database)) == {3}


# --- T9: tokens


@pytest.fixture
def tokens(tmp_path: Path) -> Callable[..., str]:
    """Makes a command that prints these tokens one after another, the last one for ever."""
    script, left = tmp_path / "token", tmp_path / "tokens"
    script.write_text(f"head -n 1 {left}; [ $(wc -l < {left}) = 1 ] || sed -i.old 1d {left}\n")

    def command(*printed: str) -> str:
        left.write_text("".join(f"{token}\n" for token in printed))
        return f"sh {script}"

    return command


@pytest.mark.parametrize("auth", ["xoauth2", "oauthbearer"])
async def test_t9_an_expired_token_is_renewed_once(
    server: ScriptedImap, database: Database, tokens: Callable[..., str], auth: str
) -> None:
    """Refused, renewed, accepted."""
    server.tokens = {"new"}
    command = tokens("old", "new")
    await sync(account_at(server.port, auth=auth, token_command=command, password=""), database)
    assert await linked(database) == FIVE
    assert len(server.seen(f"AUTHENTICATE {auth}")) == 2


async def test_t9_a_token_that_stays_refused_is_no_loop(
    server: ScriptedImap, database: Database, tokens: Callable[..., str]
) -> None:
    """Two tries, then the user is told."""
    account = account_at(
        server.port, auth="xoauth2", token_command=tokens("old", "older"), password=""
    )
    with pytest.raises(LoginRefused):
        await sync(account, database)
    assert len(server.seen("AUTHENTICATE")) == 2


@pytest.mark.parametrize("number", [1, 2])
async def test_t9_a_token_that_expires_during_the_sync(
    server: ScriptedImap, database: Database, tokens: Callable[..., str], number: int
) -> None:
    """The server ends the session; the sync goes on with a new token, in the same run."""
    server.tokens = {"one"}

    def expire(_: Command) -> list[bytes | Close]:
        server.tokens = {"three"}
        return [b"* BYE AccessTokenExpired\r\n", Close()]

    server.answers["UID FETCH"] = only(number, expire)
    command = tokens("one", "two", "three")
    account = account_at(server.port, auth="xoauth2", token_command=command, password="")
    result = await sync(account, database)
    assert result.added == 5
    assert await linked(database) == FIVE
    assert len(server.seen("AUTHENTICATE")) == 3


@pytest.mark.dovecot
@pytest.mark.parametrize("auth", ["xoauth2", "oauthbearer"])
@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_t9_against_dovecot(
    *,
    dovecot: Dovecot,
    user: str,
    database: Database,
    tokens: Callable[..., str],
    auth: str,
    security: str,
) -> None:
    """Within TLS, from the first byte or after STARTTLS."""
    dovecot.append(user, [message(n) for n in FIVE])
    port = dovecot.tls_port if security == "tls" else dovecot.port
    oauth = {"auth": auth, "token_command": tokens("wrong", "secret"), "password": ""}
    await sync(account_at(port, user, security=security, **oauth), database)
    assert await linked(database) == FIVE


# --- T10: throttled


@pytest.mark.parametrize(
    ("text", "delay_s"),
    [
        ("Request is throttled. Suggested Backoff Time: 2500 milliseconds", 2.5),
        ("Request is throttled. Suggested Backoff Time: 99999999 milliseconds", 3600),
        ("[THROTTLED] slow down", 60),
        ("[OVERQUOTA] Account exceeded command or bandwidth limits", 900),
        ("[UNAVAILABLE] Temporary authentication failure", 60),
    ],
)
@pytest.mark.parametrize("answered", ["LOGIN", "EXAMINE", "UID FETCH"])
async def test_t10_a_throttling_server_is_left_alone_for_as_long_as_it_says(
    server: ScriptedImap, database: Database, text: str, delay_s: float, answered: str
) -> None:
    """No command follows a refusal for being too fast: no bisection, no new login."""
    server.answers[answered] = lambda command: command.no(text)
    with pytest.raises(ServerBusy) as raised:
        await sync(account_at(server.port), database)
    assert raised.value.delay_s == delay_s
    assert len(server.seen(answered)) == 1
    assert server.opened == 1
    assert await set_aside(database) == {}


# --- T11: the disk, and the lock of the file


async def test_t11_a_full_disk_stops_the_sync_and_loses_nothing(
    server: ScriptedImap, database: Database
) -> None:
    """With room again, the next sync completes the store."""
    server.folders["Sent"].add(message(6, "word " * 40_000))
    used = await database.write(lambda c: c.execute("PRAGMA page_count").fetchone()[0])
    await database.write(lambda c: c.execute(f"PRAGMA max_page_count = {used + 2}").fetchone())
    with pytest.raises(StoreFull):
        await sync(account_at(server.port), database)
    assert await linked(database) == {}
    await database.write(lambda c: c.execute("PRAGMA max_page_count = 100000").fetchone())
    await sync(account_at(server.port), database)
    assert set(await linked(database)) == {1, 2, 3, 4, 5, 6}


async def test_t11_a_locked_store_is_waited_for(
    server: ScriptedImap, database: Database, home: Paths
) -> None:
    """Another process that reads the store for a moment does no harm."""
    other = sqlite3.connect(home.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    running = asyncio.create_task(sync(account_at(server.port), database))
    await asyncio.to_thread(server.wait_for, "LOGIN")
    other.execute("ROLLBACK")
    other.close()
    await running
    assert await linked(database) == FIVE


# --- T12: two daemons


def test_t12_a_second_trimtab_is_refused(
    server: ScriptedImap, home: Paths, write_config: Callable[[str], Config]
) -> None:
    """While one syncs, another one stops with a sentence; the first is not disturbed."""
    write_config(account_toml("work", ADDRESS, server.port, "ada"))
    go_on = threading.Event()
    server.answers["UID FETCH"] = lambda command: [Wait(go_on), command.usual()]
    with subprocess.Popen([TRIMTAB, "run"], stderr=subprocess.PIPE) as daemon:
        try:
            server.wait_for("UID FETCH")
            for command in (["run"], ["import", home.config]):
                assert "Another trimtab is running" in sentence(trimtab(*command, code=1))
            go_on.set()
            server.wait_for("LOGOUT")
        finally:
            daemon.terminate()
    assert [mail[0] for mail in rows_at(home.database)["mail"]] == ["work"] * 5
