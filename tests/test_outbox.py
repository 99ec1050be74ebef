"""Mail out: what a draft looks like, one try by SMTP against a real server, one copy in Drafts."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword
from conftest import account_toml
from dovecot_server import Dovecot
from hypothesis import given
from hypothesis import strategies as st
from store_samples import ADA, AN_X, BEN, a_draft

from daemon.config import Account, Config, Smtp
from daemon.errors import (
    FolderNotFound,
    LoginRefused,
    SendingRefused,
    ServerMissing,
    ServerUnreachable,
)
from daemon.mailbox.outbox import append_draft, compose, message_id, send
from mlx_agent.records import Address, Draft

DRAFT = a_draft(created_at=datetime(2026, 3, 3, 9, 31, tzinfo=UTC))
CREW = Address(name="Crew", address="crew@yard.example")
WriteConfig = Callable[[str], Config]


def with_metadata(**changes: Any) -> Draft:
    return replace(DRAFT, x=replace(AN_X, metadata=replace(AN_X.metadata, **changes)))


def read_back(draft: Draft) -> EmailMessage:
    """The message as another program reads its bytes."""
    found = message_from_bytes(compose(draft).as_bytes(), policy=policy.SMTP)
    assert isinstance(found, EmailMessage)
    return found


# --- composing --------------------------------------------------------------------------------


def test_a_draft_is_a_plain_message() -> None:
    """Every header is made from the draft, and nothing else is in it."""
    found = read_back(DRAFT)
    assert dict(found.items()) == {
        "Message-ID": "<draft-1@trimtab.invalid>",
        "Date": "Tue, 03 Mar 2026 09:31:00 +0000",
        "From": "Ada Lindqvist <ada@field.example>",
        "To": "Ben Høllis <ben@yard.example>",
        "Cc": "Ada Lindqvist <ada@field.example>",
        "Subject": "Re: the yard",
        "X-Trimtab-Draft": "draft-1",
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": "7bit",
        "MIME-Version": "1.0",
    }
    assert found.get_content() == "Tuesday suits.\r\n"


def test_composing_is_pure() -> None:
    """The same draft makes the same bytes."""
    assert compose(DRAFT).as_bytes() == compose(DRAFT).as_bytes()
    assert message_id(DRAFT) == compose(DRAFT)["Message-ID"]


def test_no_recipients_make_no_header() -> None:
    """A draft that is still without an address can be saved."""
    found = read_back(with_metadata(to=(), cc=()))
    assert found["To"] is None
    assert found["Cc"] is None


@pytest.mark.parametrize(
    "subject", ["one\r\nBcc: eve@evil.example", "one\nBcc: eve@evil.example", "one\x0bBcc: eve"]
)
def test_a_line_break_in_a_subject_makes_no_header(subject: str) -> None:
    """White space of every kind is a space."""
    found = read_back(with_metadata(subject=subject))
    assert found["Bcc"] is None
    assert found["Subject"] == " ".join(subject.split())


def test_a_line_break_in_a_name_makes_no_header() -> None:
    """Nor does one in an address."""
    evil = Address(name="Ben\r\nBcc: eve@evil.example", address="ben@yard.example\r\nX-Evil: 1")
    found = read_back(with_metadata(to=(evil,)))
    assert found["Bcc"] is None
    assert found["X-Evil"] is None
    assert found["To"].addresses[0].display_name == "Ben Bcc: eve@evil.example"


@pytest.mark.parametrize(
    "address",
    [
        Address(name="Lindqvist, Ada (Yard)", address="ada@field.example"),
        Address(name='Ada "A." Lindqvist', address="ada@field.example"),
        Address(name="Łukasz Żółw", address="l@field.example"),
        Address(address="ada@field.example"),
    ],
)
def test_names_come_back_as_they_were(address: Address) -> None:
    """Commas, quotes and letters of any alphabet."""
    found = read_back(with_metadata(to=(address, BEN)))["To"].addresses
    shown = [(one.display_name, one.addr_spec) for one in found]
    assert shown == [(address.name, address.address), (BEN.name, BEN.address)]


def test_an_address_of_any_letters_is_composed() -> None:
    """Whether it can be sent is the server's to say."""
    message = compose(with_metadata(to=(Address(name="Jö", address="jö@yard.example"),)))
    assert [one.addr_spec for one in message["To"].addresses] == ["jö@yard.example"]


LINES = st.lists(
    st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=1200), max_size=5
)


@given(LINES)
def test_any_text_comes_back(lines: list[str]) -> None:
    """Long lines, lone dots and letters of any alphabet survive."""
    text = "\n".join(lines)
    found = read_back(replace(DRAFT, text=text)).get_content()
    assert found.replace("\r\n", "\n") == text + "\n"


# --- sending ----------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class Server:
    """What a real SMTP server on this machine was given, and what it says to it."""

    port: int = 0
    refused: frozenset[str] = frozenset()
    verdict: str = "250 queued"
    received: list[Envelope] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)

    async def handle_RCPT(self, *given: Any) -> str:  # noqa: N802  # aiosmtpd's name for it
        envelope, address = given[2:4]
        if address in self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, *given: Any) -> str:  # noqa: N802
        self.received.append(given[2])
        return self.verdict

    def authenticate(self, *given: Any) -> AuthResult:
        login: LoginPassword = given[4]
        self.logins.append((login.login, login.password))
        return AuthResult(success=login.password == b"secret", handled=False)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    state = Server()
    listener = await asyncio.get_running_loop().create_server(
        lambda: SMTP(
            state,
            hostname="mail.example",
            authenticator=state.authenticate,
            auth_require_tls=False,
            enable_SMTPUTF8=False,
        ),
        "127.0.0.1",
        0,
    )
    async with listener:
        state.port = listener.sockets[0].getsockname()[1]
        yield state


def account(port: int, **fields: Any) -> Account:
    given: dict[str, Any] = {"security": "plain", "password": "secret", **fields}
    smtp = Smtp(host="127.0.0.1", port=port, user="ada", **given)
    return Account(addresses=(ADA.address,), smtp=smtp)


async def refusal(draft: Draft, account: Account) -> str:
    with pytest.raises(SendingRefused) as raised:
        await send(draft, account)
    assert raised.value.account == "work"
    return raised.value.reason


async def test_a_draft_is_sent_once_to_all_its_recipients(server: Server) -> None:
    """The header that is ours alone does not leave; the Message-ID does."""
    assert await send(DRAFT, account(server.port)) == "<draft-1@trimtab.invalid>"
    (envelope,) = server.received
    assert envelope.mail_from == ADA.address
    assert envelope.rcpt_tos == [BEN.address, ADA.address]
    assert isinstance(envelope.content, bytes)
    sent = message_from_bytes(envelope.content, policy=policy.SMTP)
    assert sent["Message-ID"] == "<draft-1@trimtab.invalid>"
    assert sent["X-Trimtab-Draft"] is None
    assert sent.get_content() == "Tuesday suits.\r\n"
    assert server.logins == [(b"ada", b"secret")]


async def test_a_wrong_password_is_refused_by_name(server: Server) -> None:
    """Nothing is sent, and the error holds no password."""
    with pytest.raises(LoginRefused) as raised:
        await send(DRAFT, account(server.port, password="hunter2"))
    assert (raised.value.account, raised.value.host) == ("work", "127.0.0.1")
    assert "hunter2" not in repr(raised.value)
    assert server.received == []


async def test_a_draft_without_a_recipient_is_not_sent(server: Server) -> None:
    """Copies alone are none."""
    reason = await refusal(with_metadata(to=()), account(server.port))
    assert reason == "the draft has no recipient"
    assert (server.received, server.logins) == ([], [])


async def test_an_account_without_smtp_sends_nothing() -> None:
    """The error names what is missing in the config."""
    reason = await refusal(DRAFT, Account(addresses=(ADA.address,)))
    assert reason == "the account has no smtp table in the config"


async def test_no_recipient_accepted_is_a_refusal(server: Server) -> None:
    """The mail did not leave."""
    server.refused = frozenset({BEN.address, ADA.address})
    assert await refusal(DRAFT, account(server.port)) == "the server refused every recipient"
    assert server.received == []


async def test_a_recipient_that_is_refused_is_told(server: Server) -> None:
    """The others have the mail, and the user hears of the one who has not."""
    server.refused = frozenset({BEN.address})
    reason = await refusal(DRAFT, account(server.port))
    assert reason == "the mail was sent, but 1 of its recipients refused"
    assert [envelope.rcpt_tos for envelope in server.received] == [[ADA.address]]


async def test_a_message_that_is_refused_is_told(server: Server) -> None:
    """By its code; the server's words may quote the mail."""
    server.verdict = "554 spam: Tuesday suits."
    assert await refusal(DRAFT, account(server.port)) == "the server answered 554"


@pytest.mark.parametrize(
    ("draft", "fields"),
    [
        (with_metadata(to=(Address(address="jö@yard.example"),)), {}),
        (DRAFT, {"security": "starttls"}),
    ],
)
async def test_what_the_server_cannot_do_is_a_refusal(
    server: Server, draft: Draft, fields: dict[str, str]
) -> None:
    """An address that it cannot carry, and TLS that it does not offer: nothing has left."""
    reason = await refusal(draft, account(server.port, **fields))
    assert reason == "the server cannot do what this mail or the config asks"
    assert server.received == []


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    """The reason says what to look at before trying again."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(ServerUnreachable) as raised:
        await send(DRAFT, account(port))
    assert (raised.value.host, raised.value.port) == ("127.0.0.1", port)
    assert raised.value.reason == "the connection failed; look in Sent before sending again"


# --- saving -----------------------------------------------------------------------------------


@pytest.fixture
def mailbox(dovecot: Dovecot, user: str, write_config: WriteConfig) -> Account:
    text = account_toml("work", ADA.address, dovecot.port, user)
    return write_config(text).account("work")


@pytest.mark.dovecot
async def test_a_draft_is_saved_once(dovecot: Dovecot, user: str, mailbox: Account) -> None:
    """Asked twice, there is one in the Drafts folder, and it names itself; another one is added."""
    assert await append_draft(DRAFT, mailbox) == "<draft-1@trimtab.invalid>"
    assert await append_draft(DRAFT, mailbox) == "<draft-1@trimtab.invalid>"
    assert dovecot.messages(user, dovecot.drafts) == [compose(DRAFT).as_bytes()]
    await append_draft(a_draft(2), mailbox)
    found = [message_from_bytes(raw) for raw in dovecot.messages(user, dovecot.drafts)]
    assert [message["X-Trimtab-Draft"] for message in found] == ["draft-1", "draft-2"]


@pytest.mark.dovecot
async def test_a_saved_draft_is_marked_as_one(
    dovecot: Dovecot, user: str, mailbox: Account
) -> None:
    """Mail programs open it for writing."""
    await append_draft(DRAFT, mailbox)
    link = dovecot.connect(user)
    link.select(dovecot.drafts, readonly=True)
    assert link.search(None, "DRAFT")[1] == [b"1"]
    link.logout()


@pytest.mark.dovecot
async def test_a_drafts_folder_that_is_not_there_is_named(mailbox: Account) -> None:
    """A configured folder is never replaced by a guess."""
    assert mailbox.imap is not None
    imap = mailbox.imap.model_copy(update={"drafts_folder": "Elsewhere"})
    with pytest.raises(FolderNotFound) as raised:
        await append_draft(DRAFT, mailbox.model_copy(update={"imap": imap}))
    assert (raised.value.folder, raised.value.role) == ("Elsewhere", "drafts")


async def test_an_account_without_imap_has_no_drafts() -> None:
    """It is the server that is missing, not the folder."""
    with pytest.raises(ServerMissing) as raised:
        await append_draft(DRAFT, Account(addresses=(ADA.address,)))
    assert raised.value.account == "work"
