"""Answers that cannot be read: one message is read another way or set aside, the rest comes in."""

import re
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dovecot_server import make_certificate
from scripted_imap import Answer, Close, Command, Folder, ScriptedImap, StartTls, Step
from sync_examples import ADDRESS, account_at, linked, message, own_text, set_aside, sync

from daemon.errors import ServerUnreachable
from daemon.store import mail as mail_store
from daemon.store.database import Database

TEN = {n: own_text(n) for n in range(1, 11)}
OTHERS = {n: text for n, text in TEN.items() if n != 3}
LEAF = b'"TEXT" "PLAIN" NIL NIL NIL "7BIT" 60 3'


@pytest.fixture
def server() -> Iterator[ScriptedImap]:
    """Ten mails in Sent."""
    folder = Folder(*[message(n) for n in TEN], flags=r"\Sent")
    with ScriptedImap({"Sent": folder}) as running:
        yield running


# --- structures


@pytest.mark.parametrize(
    "structure",
    [
        pytest.param(b"(" + LEAF, id="unbalanced"),
        pytest.param(b"(" + LEAF + b"))", id="one parenthesis too many"),
        pytest.param(
            b'("TEXT" "PLAIN" ("NAME" "a "quoted" name") NIL NIL "7BIT" 60 3)',
            id="unescaped quotes",
        ),
        pytest.param(b"NIL", id="NIL"),
        pytest.param(b"()", id="empty"),
        pytest.param(b"(NIL NIL NIL)", id="of NILs"),
        pytest.param(b"(" + LEAF + b' "RELATED" NIL ("ATTACHMENT" NIL) NIL', id="shifted"),
        pytest.param(b"(" * 5000 + b")" * 5000, id="5000 parentheses"),
        pytest.param(b"(" * 60 + b"(" + LEAF + b")" + b' "MIXED")' * 60, id="60 levels"),
        pytest.param(b'("TEXT" "PLAIN" ("NAME" "\xff\xfe") NIL NIL "7BIT" 60 3)', id="8 bits"),
        pytest.param(b'("TEXT" "PLAIN" NIL NIL NIL "7BIT" "many" NIL)', id="no number"),
        pytest.param(b'("TEXT" "PLAIN" NIL NIL NIL "7BIT" 10737418240 3)', id="ten gigabytes"),
        pytest.param(b'("TEXT" "PLAIN")', id="short"),
        pytest.param(b'"TEXT"', id="a string"),
        pytest.param(b"7", id="a number"),
    ],
)
async def test_a_structure_that_cannot_be_read(
    server: ScriptedImap, database: Database, structure: bytes
) -> None:
    """The message is there in spite of it: fetched whole, where nothing else helps."""
    server.folders["Sent"].messages[2].structure = structure
    result = await sync(account_at(server.port), database)
    assert (result.added, result.quarantined) == (10, 0)
    assert await linked(database) == TEN


async def test_a_structure_that_points_nowhere(server: ScriptedImap, database: Database) -> None:
    """It names a part that the server does not find; the text is not lost for that."""
    structure = b"(((" + LEAF + b') "ALTERNATIVE")(' + LEAF + b') "MIXED")'
    server.folders["Sent"].messages[2].structure = structure
    await sync(account_at(server.port), database)
    assert await linked(database) == TEN


# --- answers


def instead(uid: int, change: Callable[[bytes], bytes], *, then: Close | None = None) -> Answer:
    """The usual answer to FETCH, with one message's row changed; cut there if so asked."""

    def answer(command: Command) -> Iterator[Step]:
        for line in re.split(rb"(?=^\* \d+ FETCH)", command.usual(), flags=re.MULTILINE):
            mine = b"(UID %d " % uid in line
            yield change(line) if mine else line
            if mine and then:
                yield then

    return answer


def literal8(line: bytes) -> bytes:
    """Binary literals, which were not asked for."""
    return re.sub(rb"\] ?(<0>)? \{", rb"]\1 ~{", line.replace(b"]<0> {", b"]<0> ~{"))


def huge(line: bytes) -> bytes:
    """A literal of ten gigabytes is announced, and begins."""
    return re.sub(rb"(?s)\{\d+\}\r\n.*", b"{10737418240}\r\nHello", line)


def long_line(line: bytes) -> bytes:
    """One line of more bytes than imaplib reads."""
    return line.replace(b"(UID", b'(X-NOTE "' + b"a" * 1_100_000 + b'" UID', 1)


def replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    """A change of the first occurrence."""
    return lambda line: line.replace(old, new, 1)


async def is_alone(database: Database) -> None:
    """The third message is read rightly or set aside with a reason, and all others are read."""
    found, aside = await linked(database), await set_aside(database)
    assert {uid: text for uid, text in found.items() if uid != 3} == OTHERS
    assert found.get(3, own_text(3)) == own_text(3)
    assert set(found) | set(aside) == set(TEN)
    assert all(aside.values())


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(literal8, id="literal8"),
        pytest.param(lambda line: b"* \xff\xfe\x00 junk\r\n" + line, id="a line of junk"),
        pytest.param(lambda line: b"\r\n" + line, id="an empty line"),
        pytest.param(replaced(b"FETCH (", b"FETCH (X-ODD {3}\r\na)b "), id="an odd item"),
        pytest.param(replaced(b"\r\n", b" NIL\r\n"), id="a number off"),
        pytest.param(replaced(b"INTERNALDATE", b"INTERNALDATE ("), id="a broken date"),
        pytest.param(lambda line: b"* 3 FETCH\r\n" + line, id="a row of nothing"),
        pytest.param(lambda line: line + line, id="twice"),
        pytest.param(long_line, id="a line over a megabyte"),
    ],
)
async def test_an_answer_that_cannot_be_read(
    server: ScriptedImap, database: Database, change: Callable[[bytes], bytes]
) -> None:
    """Whatever comes with one message, the other nine come in."""
    server.answers["UID FETCH"] = instead(3, change)
    await sync(account_at(server.port), database)
    await is_alone(database)


async def test_a_literal_of_ten_gigabytes(server: ScriptedImap, database: Database) -> None:
    """It is not waited for; the message is set aside."""
    server.answers["UID FETCH"] = instead(3, huge, then=Close())
    await sync(account_at(server.port), database)
    await is_alone(database)
    assert set(await set_aside(database)) == {3}


async def test_a_large_message_is_never_fetched_whole(
    server: ScriptedImap, database: Database
) -> None:
    """Not even where its structure cannot be read: at most its beginning moves."""
    big = message(3, "word " * 10 + "\n" + "x" * 10_000_000)
    server.folders["Sent"].messages[2].raw = big
    server.folders["Sent"].messages[2].structure = b"NIL"
    sent = 0

    def counted(command: Command) -> bytes:
        nonlocal sent
        answer = command.usual()
        sent += len(answer)
        return answer

    server.answers["UID FETCH"] = counted
    await sync(account_at(server.port), database)
    assert sent < 2_000_000
    found = await linked(database)
    assert {uid: text for uid, text in found.items() if uid != 3} == OTHERS


async def test_a_search_in_two_lines(server: ScriptedImap, database: Database) -> None:
    """Some servers cut a long answer; all of it counts."""

    def halved(command: Command) -> bytes:
        return command.usual().replace(b" 5 6 ", b" 5\r\n* SEARCH 6 ")

    server.answers["UID SEARCH"] = halved
    await sync(account_at(server.port), database)
    assert await linked(database) == TEN


async def test_a_search_with_a_blank_at_its_end(server: ScriptedImap, database: Database) -> None:
    """As a large provider has it."""
    server.answers["UID SEARCH"] = lambda c: c.usual().replace(
        b"\r\n" + c.tag.encode(), b" \r\n" + c.tag.encode()
    )
    await sync(account_at(server.port), database)
    assert await linked(database) == TEN


async def test_mail_without_text_is_counted(server: ScriptedImap, database: Database) -> None:
    """Encrypted mail is stored as such: nothing to read, nothing to set aside."""
    pgp = message(
        11, "--p\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--p\n"
        "Content-Type: application/octet-stream\n\nhQEMA\n--p--",
        Content_Type='multipart/encrypted; protocol="application/pgp-encrypted"; boundary="p"',
    )  # fmt: skip
    smime = message(
        12, "MIAGCSqGSIb3DQEHA6CAMIACAQAxggE=",
        Content_Type='application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"',
        Content_Transfer_Encoding="base64",
    )  # fmt: skip
    for raw in (pgp, smime):
        server.folders["Sent"].add(raw)
    result = await sync(account_at(server.port), database)
    assert (result.added, result.quarantined) == (12, 0)
    mails = await database.read(mail_store.mails, "work")
    assert [m.own_text for m in mails if "encrypted" in m.flags] == ["", ""]


# --- STARTTLS


@pytest.fixture
def certified(tmp_path: Path) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate of its own making."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*make_certificate(tmp_path))
    return context


INJECTED = [
    b"* BYE go away\r\n",
    b"* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n",
    b"* OK [ALERT] hello\r\n",
]


@pytest.mark.parametrize("injected", INJECTED)
async def test_plaintext_behind_starttls_is_not_believed(
    certified: ssl.SSLContext, database: Database, injected: bytes
) -> None:
    """What came in the clear, by whomever it was put there, is not read within TLS."""

    def pipelined(command: Command) -> list[Step]:
        return [command.ok("begin TLS") + injected, StartTls()]

    folders = {"Sent": Folder(*[message(n) for n in TEN])}
    with ScriptedImap(folders, context=certified, starttls=True) as server:
        server.answers["STARTTLS"] = pipelined
        await sync(account_at(server.port, security="starttls"), database)
    assert await linked(database) == TEN


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_nothing_is_told_to_a_server_that_cannot_be_verified(
    certified: ssl.SSLContext, database: Database, security: str
) -> None:
    """Off this machine a home-made certificate ends it; no password has been sent."""
    with ScriptedImap(
        context=certified, starttls=security == "starttls", host="127.0.0.2"
    ) as server:
        account = account_at(server.port, security=security, host="127.0.0.2")
        with pytest.raises(ServerUnreachable) as raised:
            await sync(account, database)
        assert raised.value.reason == "its certificate cannot be verified"
        assert server.seen("LOGIN") == []


async def test_a_server_without_starttls_gets_no_password(database: Database) -> None:
    """The config asks for it, the server (or whoever is in between) does not offer it."""
    with ScriptedImap() as server:
        with pytest.raises(ServerUnreachable):
            await sync(account_at(server.port, security="starttls"), database)
        assert server.seen("LOGIN") == []
    assert ADDRESS not in "".join(server.log)
