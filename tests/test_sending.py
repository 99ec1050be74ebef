"""Sending by SMTP: once, on the user's word, with a known end; and the copy in the Sent folder."""

import asyncio
import logging
import re
import shlex
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from dovecot_server import PASSWORD, Dovecot, make_certificate
from scripted_imap import Command, Folder, ScriptedImap, first
from smtp_server import DropAt, SmtpServer, running_smtp
from store_samples import ADA, AN_X, BEN, a_draft

from daemon.app import now
from daemon.config import OFFLINE, Account, Config, Imap, Smtp
from daemon.errors import (
    LoginRefused,
    PasswordMissing,
    SendingFailed,
    SendingRefused,
    SendingUnknown,
    TrimtabError,
)
from daemon.explain import explain
from daemon.jobs.tasks import plan_teaching
from daemon.learning import find_edits
from daemon.mailbox.importing import import_path
from daemon.mailbox.message_ids import message_id
from daemon.mailbox.outbox import Delivered, Outbox, compose, files_by_itself
from daemon.mailbox.parse import parse
from daemon.outgoing import Door
from daemon.purse import Purse
from daemon.records import DeliveryKind, DeliveryState
from daemon.store import deliveries
from daemon.store import drafts as draft_store
from daemon.store import mail as mail_store
from daemon.store.database import Database
from mlx_agent.large.offline import Offline
from mlx_agent.records import Address

NOW = datetime(2026, 3, 3, 9, 31, tzinfo=UTC)
LATER = datetime(2026, 3, 4, 8, 15, tzinfo=UTC)
TEXT = "Tuesday suits me well, and the drawings are ready."
DRAFT = a_draft(created_at=NOW, text=TEXT, in_reply_to="<p@yard.example>")
SENT = Delivered(message_id=message_id(DRAFT), already=False, copy="none")
WAS_SENT = replace(SENT, already=True)
MakeOutbox = Callable[..., Outbox]
SECRETS = (TEXT, BEN.address, ADA.address, AN_X.metadata.subject, "hunter2")


@pytest.fixture
async def server() -> AsyncIterator[SmtpServer]:
    async with running_smtp() as running:
        yield running


@pytest.fixture
async def outbox(database: Database) -> MakeOutbox:
    """The ways out of the draft, by the SMTP server on that port and the IMAP server if named."""
    await database.write(draft_store.add_draft, DRAFT)

    def made(port: int, imap: int | None = None, user: str = "ada", **fields: Any) -> Outbox:
        given = {"host": "127.0.0.1", "security": "plain", "password": PASSWORD, **fields}
        box = None
        if imap is not None:
            box = Imap(host="127.0.0.1", port=imap, security="plain", user=user, password=PASSWORD)
        account = Account(
            addresses=(ADA.address,), smtp=Smtp(port=port, user="ada", **given), imap=box
        )
        return Outbox(draft=DRAFT, account=account, database=database, clock=lambda: LATER)

    return made


async def state(outbox: Outbox, kind: DeliveryKind = "send") -> DeliveryState | None:
    row = await outbox.database.read(deliveries.delivery, DRAFT.id, kind)
    return row.state if row else None


async def refusal(outbox: Outbox) -> str:
    """The reason for which it was refused: nothing was sent, and it may be sent again."""
    with pytest.raises(SendingRefused) as raised:
        await outbox.send()
    assert await state(outbox) in {"failed", None}
    assert_keeps_secrets(raised.value)
    return raised.value.reason


def assert_keeps_secrets(error: TrimtabError) -> None:
    told = f"{error!r} {vars(error)} {explain(error)}"
    assert not [secret for secret in SECRETS if secret in told]


def read(raw: bytes) -> EmailMessage:
    found = message_from_bytes(raw, policy=policy.SMTP)
    assert isinstance(found, EmailMessage)
    return found


def sent_folder(**changes: Any) -> ScriptedImap:
    return ScriptedImap({"Sent": Folder(flags=r"\Sent")}, **changes)


# --- the usual ---------------------------------------------------------------------------------


async def test_a_draft_is_sent_to_all_its_recipients(
    server: SmtpServer, outbox: MakeOutbox
) -> None:
    """In its thread, dated now, without the header that is ours alone."""
    box = outbox(server.port)
    assert await box.send() == SENT
    (mail,) = server.received
    assert (mail.mail_from, mail.rcpt_tos) == (ADA.address, [BEN.address, ADA.address])
    found = read(server.contents[0])
    assert found["Message-ID"] == message_id(DRAFT)
    assert found["In-Reply-To"] == found["References"] == "<p@yard.example>"
    assert found["Date"].datetime == LATER
    assert found["X-Trimtab-Draft"] is None
    assert found.get_content() == f"{TEXT}\r\n"
    assert server.logins == [(b"ada", b"secret")]
    assert await state(box) == "done"


async def test_a_draft_is_sent_once(server: SmtpServer, outbox: MakeOutbox) -> None:
    """Asked again, asked twice at once, and asked for again on the user's word: it has left."""
    box = outbox(server.port)
    assert await asyncio.gather(box.send(), box.send()) == [SENT, WAS_SENT]
    assert await box.send() == WAS_SENT
    assert await box.send(again=True) == WAS_SENT
    assert len(server.received) == 1


async def test_any_text_arrives_as_it_is(server: SmtpServer, outbox: MakeOutbox) -> None:
    """Lone dots, dots at the start of a line, long lines, and letters of any alphabet."""
    text = ".\n..\n.dot\n" + "long " * 400 + "\nGrüße 🙂\n."
    await replace(outbox(server.port), draft=replace(DRAFT, text=text)).send()
    assert read(server.contents[0]).get_content().replace("\r\n", "\n") == f"{text}\n"


async def test_the_machine_is_not_named(server: SmtpServer, outbox: MakeOutbox) -> None:
    """Every recipient would read its name in the mail's trace."""
    await outbox(server.port).send()
    assert server.named == ["[127.0.0.1]"]


# --- what is refused --------------------------------------------------------------------------


async def test_an_account_without_smtp_sends_nothing(outbox: MakeOutbox) -> None:
    """The error names what is missing in the config."""
    box = replace(outbox(1), account=Account(addresses=(ADA.address,)))
    assert await refusal(box) == "the account has no smtp table in the config"


async def test_a_wrong_password_is_refused_by_name(server: SmtpServer, outbox: MakeOutbox) -> None:
    """Nothing is sent; with the right one it may be."""
    box = outbox(server.port, password="hunter2")
    with pytest.raises(LoginRefused) as raised:
        await box.send()
    assert (raised.value.account, raised.value.host) == ("work", "127.0.0.1")
    assert_keeps_secrets(raised.value)
    assert (await state(box), server.received) == ("failed", [])
    assert await outbox(server.port).send() == SENT


def printer_of_tokens(directory: Path) -> str:
    """A command that prints another token each time it is asked."""
    counter = directory / "counter"
    code = f"import pathlib; p = pathlib.Path({str(counter)!r}); p.touch(); n = p.read_text() + 'i'"
    return shlex.join([sys.executable, "-c", f"{code}; p.write_text(n); print('token-' + n)"])


async def test_a_token_that_is_refused_is_renewed_once(
    server: SmtpServer, outbox: MakeOutbox, tmp_path: Path
) -> None:
    """Nothing has been handed in yet, so that is no second sending."""
    oauth = {"auth": "xoauth2", "token_command": printer_of_tokens(tmp_path)}
    box = outbox(server.port, **oauth)
    server.token = b"token-ii"
    assert await box.send() == SENT
    assert server.logins == [(b"ada", b"token-i"), (b"ada", b"token-ii")]
    assert len(server.received) == 1


async def test_a_token_that_is_refused_twice_is_told(
    server: SmtpServer, outbox: MakeOutbox, tmp_path: Path
) -> None:
    """There is no loop."""
    oauth = {"auth": "xoauth2", "token_command": printer_of_tokens(tmp_path)}
    box = outbox(server.port, **oauth)
    with pytest.raises(LoginRefused) as raised:
        await box.send()
    assert "OAuth token" in explain(raised.value)
    assert_keeps_secrets(raised.value)
    assert (len(server.logins), server.received, await state(box)) == (2, [], "failed")


async def test_a_missing_password_is_no_attempt(server: SmtpServer, outbox: MakeOutbox) -> None:
    """The server is not even asked."""
    box = outbox(server.port, password="", password_env="TRIMTAB_TEST_UNSET")
    with pytest.raises(PasswordMissing):
        await box.send()
    assert (await state(box), server.connections) == (None, 0)


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        ({BEN.address}, "the server refused 1 of its recipients"),
        ({BEN.address, ADA.address}, "the server refused 2 of its recipients"),
    ],
)
async def test_a_recipient_that_is_refused_stops_the_mail(
    server: SmtpServer, outbox: MakeOutbox, refused: set[str], reason: str
) -> None:
    """It goes to all or to nobody, so that it can be corrected and sent whole."""
    server.refused = frozenset(refused)
    box = outbox(server.port)
    assert await refusal(box) == reason
    assert server.received == []
    server.refused = frozenset()
    assert await box.send() == SENT


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"verdict": "554 spam: Tuesday suits me"}, "the server answered 554"),
        ({"verdict": "552 too big"}, "it is too big for the server (552)"),
        ({"to_sender": "550 not you"}, "the server answered 550"),
        (
            {"verdict": "451 grey"},
            "the server cannot take it now (451), so send it again in some minutes",
        ),
        (
            {"to_sender": "421 busy"},
            "the server cannot take it now (421), so send it again in some minutes",
        ),
        ({"to_sender": "hello"}, "the server does not speak SMTP"),
    ],
    ids=["refused", "too big", "sender refused", "later", "busy", "no SMTP"],
)
async def test_what_the_server_answers_is_told_by_its_code(
    server: SmtpServer, outbox: MakeOutbox, changes: dict[str, str], reason: str
) -> None:
    """Its words may quote the mail. It may be sent again."""
    for name, value in changes.items():
        setattr(server, name, value)
    box = outbox(server.port)
    assert await refusal(box) == reason
    server.verdict, server.to_sender = "250 queued", "250 OK"
    assert await box.send() == SENT
    assert len(server.received) == 1


async def test_a_mail_over_the_servers_size_is_not_sent(outbox: MakeOutbox) -> None:
    """The server is told the size before the text."""
    async with running_smtp(size=100) as server:
        assert await refusal(outbox(server.port)) == "it is too big for the server (552)"
        assert server.received == []


async def test_an_address_beyond_ascii_needs_a_server_that_takes_it(
    server: SmtpServer, outbox: MakeOutbox
) -> None:
    """SMTPUTF8: refused by one server, sent by another."""
    jo = Address(name="Jö", address="jö@yard.example")
    draft = replace(DRAFT, x=replace(AN_X, metadata=replace(AN_X.metadata, to=(jo,))))
    box = replace(outbox(server.port), draft=draft)
    assert await refusal(box) == "the server takes no addresses beyond ASCII"
    async with running_smtp(utf8=True) as able:
        assert await replace(outbox(able.port), draft=draft).send() == SENT
        assert able.received[0].rcpt_tos[0] == "jö@yard.example"
        assert "jö@yard.example" in able.contents[0].decode()


# --- TLS --------------------------------------------------------------------------------------


@pytest.fixture
def context(tmp_path: Path) -> ssl.SSLContext:
    """A server's, with a certificate that nobody vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*make_certificate(tmp_path))
    return context


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_the_mail_goes_through_tls(
    outbox: MakeOutbox, context: ssl.SSLContext, security: str
) -> None:
    """A home-made certificate will do on this machine."""
    async with running_smtp(context=context, starttls=security == "starttls") as server:
        assert await outbox(server.port, security=security).send() == SENT
        assert server.encrypted == [True]


@pytest.mark.skipif(sys.platform == "darwin", reason="127.0.0.2 is no address there")
@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_a_certificate_that_nobody_vouches_for_ends_it(
    outbox: MakeOutbox, context: ssl.SSLContext, security: str
) -> None:
    """Any host but this machine must prove who it is, before it hears a password."""
    host, late = "127.0.0.2", security == "starttls"
    async with running_smtp(context=context, starttls=late, host=host) as server:
        box = outbox(server.port, host=host, security=security)
        with pytest.raises(SendingFailed) as raised:
            await box.send()
        assert raised.value.reason == "its certificate cannot be verified"
        assert (server.logins, server.received, await state(box)) == ([], [], "failed")


async def test_a_server_without_starttls_gets_nothing(
    server: SmtpServer, outbox: MakeOutbox
) -> None:
    """Not a password in the clear."""
    box = outbox(server.port, security="starttls")
    assert await refusal(box) == "the server offers no STARTTLS"
    assert (server.logins, server.received) == ([], [])


# --- the connection before the text -----------------------------------------------------------


async def test_a_server_that_is_not_there_is_told(outbox: MakeOutbox) -> None:
    """With what to check before sending again."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        port = taken.getsockname()[1]
        box = outbox(port)
        with pytest.raises(SendingFailed) as raised:
            await box.send()
    assert (raised.value.host, raised.value.port) == ("127.0.0.1", port)
    assert "The mail was not sent" in explain(raised.value)
    assert await state(box) == "failed"


@pytest.mark.parametrize("step", ["greeting", "MAIL", "RCPT", "DATA"])
async def test_a_link_that_dies_before_the_text_has_sent_nothing(
    server: SmtpServer, outbox: MakeOutbox, step: DropAt
) -> None:
    """So it may be sent again, and is when it is asked for."""
    server.drop_at = step
    box = outbox(server.port)
    with pytest.raises(SendingFailed) as raised:
        await box.send()
    assert_keeps_secrets(raised.value)
    assert (await state(box), server.received, server.connections) == ("failed", [], 1)
    assert await box.send() == SENT
    assert len(server.received) == 1


# --- D6: the answer after the text is lost ----------------------------------------------------


async def unknown(outbox: Outbox) -> None:
    with pytest.raises(SendingUnknown) as raised:
        await outbox.send()
    assert await state(outbox) == "unknown"
    assert "look into Sent and the Outbox" in explain(raised.value)
    assert_keeps_secrets(raised.value)


async def test_d6_a_lost_answer_is_never_sent_again_by_itself(
    server: SmtpServer, outbox: MakeOutbox
) -> None:
    """The server has the mail. Only the user's second word sends another."""
    server.drop_at = "dot"
    box = outbox(server.port)
    await unknown(box)
    await unknown(box)
    assert (len(server.received), server.connections) == (1, 1)
    assert await box.send(again=True) == SENT
    assert len(server.received) == 2
    assert await box.send(again=True) == WAS_SENT


async def test_d6_a_mail_that_is_in_sent_has_left(server: SmtpServer, outbox: MakeOutbox) -> None:
    """The server filed it itself: found at once, and the user hears of no trouble."""
    with sent_folder() as imap:
        server.on_mail = imap.folders["Sent"].add
        server.drop_at = "dot"
        box = outbox(server.port, imap.port)
        assert await box.send() == replace(SENT, copy="filed")
        assert await state(box) == "done"
        assert await box.send() == replace(WAS_SENT, copy="filed")
        assert (len(server.received), len(imap.folders["Sent"].messages)) == (1, 1)


@pytest.mark.parametrize("again", [False, True])
async def test_d6_a_mail_that_turns_up_in_sent_later_has_left(
    server: SmtpServer, outbox: MakeOutbox, again: Any
) -> None:
    """By whichever header it is known, and even if the user asks for it once more."""
    with sent_folder() as imap:
        server.drop_at = "dot"
        box = outbox(server.port, imap.port)
        await unknown(box)
        ours = f"Message-ID: {message_id(DRAFT)}".encode()
        (raw,) = server.contents
        imap.folders["Sent"].add(raw.replace(ours, b"X-Microsoft-Original-" + ours))
        assert await box.send(again=again) == replace(WAS_SENT, copy="filed")
        assert len(server.received) == 1


async def test_d6_a_sent_folder_that_cannot_be_read_proves_nothing(
    server: SmtpServer, outbox: MakeOutbox
) -> None:
    """What is not known stays so."""
    with sent_folder() as imap:
        imap.answers["LOGIN"] = lambda command: command.no("[UNAVAILABLE] later")
        server.drop_at = "dot"
        box = outbox(server.port, imap.port)
        await unknown(box)
        await unknown(box)
        assert len(server.received) == 1


async def test_d6_a_crash_in_the_middle_is_not_sent_again(
    server: SmtpServer, outbox: MakeOutbox
) -> None:
    """What a process left at `trying` may have left."""
    box = outbox(server.port)
    await box.database.write(deliveries.begin, DRAFT.id, "send", SENT.message_id, NOW)
    await unknown(box)
    assert server.connections == 0


async def test_d6_a_daemon_that_ends_while_it_sends_leaves_that_word(
    server: SmtpServer, outbox: MakeOutbox
) -> None:
    """The row is there before the server is asked for anything."""
    box = outbox(server.port)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    held = asyncio.Event()

    def hold(_: bytes) -> None:
        loop.call_soon_threadsafe(held.set)
        asyncio.run_coroutine_threadsafe(ended.wait(), loop).result()

    server.on_mail = hold
    sending = asyncio.create_task(box.send())
    await held.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert await state(box) == "trying"
    ended.set()
    await unknown(box)
    assert len(server.received) == 1


# --- D7: the copy in Sent ---------------------------------------------------------------------


@pytest.mark.dovecot
async def test_a_copy_is_filed_where_the_server_files_none(
    server: SmtpServer, outbox: MakeOutbox, dovecot: Dovecot, user: str
) -> None:
    """The mail as it was sent, marked as read, and tagged as ours; once."""
    box = outbox(server.port, dovecot.port, user)
    assert await box.send() == replace(SENT, copy="filed")
    assert await box.send() == replace(WAS_SENT, copy="filed")
    (raw,) = dovecot.messages(user, dovecot.sent)
    (sent,) = server.contents
    assert raw == f"X-Trimtab-Draft: {DRAFT.id}\r\n".encode() + without_trace(sent)
    link = dovecot.connect(user)
    link.select(dovecot.sent, readonly=True)
    assert link.search(None, "SEEN NOT DRAFT")[1] == [b"1"]
    link.logout()


def without_trace(raw: bytes) -> bytes:
    """Without the headers that the server put before it."""
    return raw[raw.index(b"Message-ID: ") :]


@pytest.mark.dovecot
@pytest.mark.parametrize("file_sent", ["auto", "always"])
async def test_d7_a_copy_that_the_server_filed_is_not_doubled(
    server: SmtpServer, outbox: MakeOutbox, dovecot: Dovecot, user: str, file_sent: str
) -> None:
    """It is looked for first."""
    server.on_mail = lambda raw: dovecot.append(user, [raw])
    box = outbox(server.port, dovecot.port, user, file_sent=file_sent)
    assert await box.send() == replace(SENT, copy="filed")
    assert len(dovecot.messages(user, dovecot.sent)) == 1


async def test_d7_never_means_never(server: SmtpServer, outbox: MakeOutbox) -> None:
    """The mailbox is not even opened."""
    with sent_folder() as imap:
        box = outbox(server.port, imap.port, file_sent="never")
        assert await box.send() == SENT
        assert imap.seen() == []


@pytest.mark.parametrize(
    ("host", "itself"),
    [
        ("smtp.gmail.com", True),
        ("SMTP.Gmail.com", True),
        ("smtp.office365.com", True),
        ("smtp-mail.outlook.com", True),
        ("smtp-relay.gmail.com", False),
        ("smtp.field.example", False),
        ("outlook.com.evil.example", False),
        ("127.0.0.1", False),
    ],
)
def test_d7_some_servers_are_known_to_file_their_own(host: str, itself: Any) -> None:
    """Google's and Microsoft's; a relay of Google's does not."""
    assert files_by_itself(host) is itself


async def test_d7_a_copy_that_cannot_be_filed_leaves_the_mail_sent(
    server: SmtpServer, outbox: MakeOutbox
) -> None:
    """It is told; asked again, the copy is filed and the mail stays sent."""
    with sent_folder() as imap:
        imap.answers["APPEND"] = first(lambda command: command.no("[OVERQUOTA] full"))
        box = outbox(server.port, imap.port)
        assert await box.send() == replace(SENT, copy="failed")
        assert (await state(box), await state(box, "file")) == ("done", "failed")
        tomorrow = replace(box, clock=lambda: LATER + timedelta(days=1))
        assert await tomorrow.send() == replace(WAS_SENT, copy="filed")
        (filed,) = imap.folders["Sent"].messages
        (sent,) = server.contents
        assert filed.raw.endswith(without_trace(sent))  # dated as it was sent


async def test_d7_a_copy_that_the_user_deleted_stays_deleted(
    server: SmtpServer, outbox: MakeOutbox
) -> None:
    """Asking again brings nothing back."""
    with sent_folder() as imap:
        box = outbox(server.port, imap.port)
        await box.send()
        imap.folders["Sent"].messages.clear()
        assert await box.send() == replace(WAS_SENT, copy="filed")
        assert imap.folders["Sent"].messages == []


async def test_nothing_that_is_private_is_logged(
    server: SmtpServer, outbox: MakeOutbox, caplog: pytest.LogCaptureFixture
) -> None:
    """On good ways and on bad ones."""

    def mute(command: Command) -> bytes:
        return command.no("[OVERQUOTA] full")

    with caplog.at_level(logging.DEBUG), sent_folder() as imap:
        imap.answers["APPEND"] = mute
        box = outbox(server.port, imap.port)
        for step in ("RCPT", "dot"):
            server.drop_at = step  # type: ignore[assignment]  # a literal, from a tuple
            with pytest.raises(TrimtabError):
                await box.send()
        await box.send(again=True)
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith("mail")]
    assert not [secret for secret in SECRETS if any(secret in line for line in ours)]


# --- D8: what trimtab wrote itself ------------------------------------------------------------


async def taught(box: Outbox, *raws: bytes) -> dict[str, str | None]:
    """The subjects of these mails once they are in the store: why each does not teach, if so."""
    with TemporaryDirectory() as directory:
        for number, raw in enumerate(raws):
            (Path(directory) / f"{number}.eml").write_bytes(raw)
        await import_path(Path(directory), "work", box.database, lambda _: None)
    config = Config(accounts={"work": box.account})
    purse = Purse(config.budget, box.database, now)
    models = {OFFLINE: Offline()}
    door = Door(config=config, database=box.database, purse=purse, models=models, clock=now)
    plan = await plan_teaching(config, box.database, door, "work")
    reasons = {one.mail_id: one.reason for one in plan.selection.left_out}
    mails = await box.database.read(mail_store.mails, "work")
    return {mail.subject: reasons.get(mail.id) for mail in mails}


def as_by_hand(raw: bytes, subject: str) -> bytes:
    """The same under another subject, so that it is another mail."""
    return re.sub(rb"(?m)^Subject: .*\r$", f"Subject: {subject}\r".encode(), raw)


UNCHANGED = "drafted and unchanged"


@pytest.mark.dovecot
@pytest.mark.parametrize("looked_for_edits", [True, False])
async def test_d8_what_trimtab_sent_teaches_nothing(
    server: SmtpServer, outbox: MakeOutbox, dovecot: Dovecot, user: str, looked_for_edits: Any
) -> None:
    """Known by our header in the copy that we filed, by the Message-ID in one that we did not."""
    box = outbox(server.port, dovecot.port, user)
    await box.send()
    (filed,), (sent,) = dovecot.messages(user, dovecot.sent), server.contents
    assert parse(filed, NOW).draft_id == DRAFT.id
    assert parse(sent, NOW).draft_id is None
    copies = as_by_hand(filed, "filed"), as_by_hand(sent, "sent")
    if looked_for_edits:
        await taught(box, *copies)
        assert [edit.unchanged for edit in await find_edits(box.database, "work", box.clock)]
    assert await taught(box, *copies) == {"filed": UNCHANGED, "sent": UNCHANGED}


async def test_d8_a_saved_draft_that_the_user_sent_unchanged_teaches_nothing(
    outbox: MakeOutbox,
) -> None:
    """However often it was sent, and with a signature that the extractor cuts off."""
    box = replace(outbox(1), draft=replace(DRAFT, id="d2", key="k2", text=f"{TEXT}\n\n-- \nAda"))
    await box.database.write(draft_store.add_draft, box.draft)
    raw = compose(box.draft).as_bytes()
    mails = [as_by_hand(raw, "one"), as_by_hand(raw, "two")]
    assert await taught(box, *mails) == {"one": UNCHANGED, "two": UNCHANGED}
    edits = await find_edits(box.database, "work", box.clock)
    assert [edit.unchanged for edit in edits] == [True]
    assert await taught(box, *mails) == {"one": UNCHANGED, "two": UNCHANGED}


async def test_d8_what_the_user_changed_teaches(outbox: MakeOutbox) -> None:
    """With the draft as what it is measured against."""
    box = outbox(1)
    raw = compose(DRAFT).as_bytes().replace(b"suits me well", b"is fine with me, as always")
    assert await taught(box, as_by_hand(raw, "mine")) == {"mine": None}
    (edit,) = await find_edits(box.database, "work", box.clock)
    assert (edit.unchanged, edit.matched_by) == (False, "header")
    assert await taught(box, as_by_hand(raw, "mine")) == {"mine": None}


async def test_d8_a_draft_that_the_store_has_lost_teaches_nothing(outbox: MakeOutbox) -> None:
    """What the user changed in it cannot be known: by our header, and by our Message-ID."""
    box = outbox(1)
    lost = replace(DRAFT, id="lost")
    tagged = compose(lost).as_bytes()
    named = tagged.replace(b"X-Trimtab-Draft: lost\r\n", b"")
    mails = as_by_hand(tagged, "tagged"), as_by_hand(named, "named")
    assert await taught(box, *mails) == {"tagged": UNCHANGED, "named": UNCHANGED}
