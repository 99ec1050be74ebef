"""What a draft looks like as a message, and which mail it says it answers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_samples import ADA, AN_X, BEN, a_draft

from daemon.errors import SendingRefused
from daemon.mailbox.message_ids import (
    MAX_MESSAGE_ID,
    MAX_REFERENCES,
    Answered,
    answer_to,
    is_message_id,
    is_ours,
    message_id,
)
from daemon.mailbox.outbox import compose, envelope
from daemon.mailbox.parse import Parsed, parse
from mlx_agent import codec
from mlx_agent.records import Address, Draft

NOW = datetime(2026, 3, 3, 9, 31, tzinfo=UTC)
DRAFT = a_draft(created_at=NOW)


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
    assert is_ours(message_id(DRAFT))
    assert not is_ours("<draft-1@field.example>")


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


def test_a_draft_can_have_a_date_of_its_own() -> None:
    """A mail is dated when it is sent, not when it was drafted."""
    later = NOW + timedelta(days=1)
    assert compose(DRAFT, later)["Date"].datetime == later


# --- the mail that it answers ----------------------------------------------------------------


def an_answer(*references: str, in_reply_to: str = "<p@yard.example>") -> EmailMessage:
    return read_back(replace(DRAFT, in_reply_to=in_reply_to, references=references))


def raw_header(message: bytes, name: bytes) -> list[bytes]:
    """The lines of a header as they are on the wire."""
    lines = message.split(b"\r\n\r\n")[0].replace(b"\r\n ", b"\n").split(b"\r\n")
    (found,) = [line for line in lines if line.startswith(name + b": ")]
    return found.removeprefix(name + b": ").split(b"\n")


def test_an_answer_names_its_mail_and_its_thread() -> None:
    """The mail that is answered is the last of the thread, and stands there once."""
    found = an_answer("<a@x>", "<b@x>")
    assert found["In-Reply-To"] == "<p@yard.example>"
    assert found["References"].split() == ["<a@x>", "<b@x>", "<p@yard.example>"]
    assert an_answer("<a@x>", "<p@yard.example>")["References"] == "<a@x> <p@yard.example>"
    assert an_answer()["References"] == "<p@yard.example>"


def test_a_new_mail_names_none() -> None:
    """It begins a thread."""
    found = read_back(DRAFT)
    assert (found["In-Reply-To"], found["References"]) == (None, None)


def test_a_long_message_id_is_not_encoded() -> None:
    """No program would know it again; each has a line to itself."""
    ids = [f"<{'x' * length}@mail.example>" for length in (10, 70, 200, MAX_MESSAGE_ID - 15)]
    draft = replace(DRAFT, in_reply_to=ids[-1], references=tuple(ids))
    for raw in (compose(draft).as_bytes(), envelope(draft, NOW).content):
        assert raw_header(raw, b"References") == [one.encode() for one in ids]
        assert raw_header(raw, b"In-Reply-To") == [ids[-1].encode()]
        assert max(map(len, raw.split(b"\r\n"))) <= 998


def test_what_a_draft_answers_is_no_part_of_x() -> None:
    """Prompts, samples and trained agents know nothing of it."""
    answer = replace(DRAFT, in_reply_to="<p@yard.example>", references=("<p@yard.example>",))
    assert answer.x == DRAFT.x
    assert "p@yard.example" not in codec.dumps(answer.x)


@pytest.mark.parametrize(
    "text",
    ["<a@b.example>", "<a.b+c=d$e@[192.0.2.1]>", "<CAF=x@mail.example>", '<"a"@b>', "<a@b@c>"],
)
def test_a_message_id_is_known(text: str) -> None:
    """Programs make them of all kinds of signs."""
    assert is_message_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a@b.example",
        "<>",
        "<ab>",
        "<@b>",
        "<a@>",
        "<a b@c>",
        "<a@b> <c@d>",
        "<a@b>\r\nBcc: eve@evil.example",
        "<a@b\r\nBcc:eve@evil.example>",
        "<a@b>\n",
        "<a\x00@b>",
        "<jö@b>",
        f"<{'x' * MAX_MESSAGE_ID}@b>",
    ],
)
def test_what_is_no_message_id_is_known(text: str) -> None:
    """Line breaks above all: they would make headers."""
    assert not is_message_id(text)


@given(st.text(max_size=60))
def test_no_message_id_makes_a_header(text: str) -> None:
    """Whatever passes for one stands whole on a line of its own."""
    if is_message_id(f"<{text}>"):
        raw = compose(replace(DRAFT, in_reply_to=f"<{text}>")).as_bytes()
        assert raw_header(raw, b"In-Reply-To") == [f"<{text}>".encode()]


def a_mail(headers: str) -> Parsed:
    return parse(f"From: b@yard.example\r\n{headers}\r\n\r\nhi".encode(), NOW)


def test_the_answer_goes_on_with_the_thread() -> None:
    """Their References, then their Message-ID (RFC 5322, 3.6.4)."""
    theirs = a_mail("Message-ID: <c@x>\r\nIn-Reply-To: <b@x>\r\nReferences: <a@x>\r\n <b@x>")
    assert answer_to(theirs) == Answered(
        in_reply_to="<c@x>", references=("<a@x>", "<b@x>", "<c@x>")
    )


def test_without_references_their_in_reply_to_begins_the_thread() -> None:
    """Old programs write that alone."""
    theirs = a_mail("Message-ID: <c@x>\r\nIn-Reply-To: <b@x>")
    assert answer_to(theirs).references == ("<b@x>", "<c@x>")


def test_a_mail_without_a_message_id_cannot_be_named() -> None:
    """Its thread can."""
    assert answer_to(a_mail("Subject: x")) == Answered()
    assert answer_to(a_mail("References: <a@x>")) == Answered(references=("<a@x>",))


def test_what_is_no_message_id_in_their_mail_goes_no_further() -> None:
    """Anybody can write anything into a header."""
    theirs = a_mail("Message-ID: <c@x>\r\nReferences: hello <a@x> <b> <c@x> <a@x>")
    assert answer_to(theirs).references == ("<a@x>", "<c@x>")


def test_of_a_long_thread_the_first_mail_and_the_latest_stay() -> None:
    """Headers must end somewhere."""
    ids = [f"<{number}@x>" for number in range(MAX_REFERENCES + 50)]
    answered = answer_to(a_mail(f"Message-ID: <last@x>\r\nReferences: {' '.join(ids)}"))
    assert len(answered.references) == MAX_REFERENCES
    assert answered.references[0] == "<0@x>"
    assert answered.references[-2:] == (ids[-1], "<last@x>")


# --- as it is handed in ----------------------------------------------------------------------


def test_the_envelope_names_each_recipient_once() -> None:
    """To and Cc alike; the header that is ours alone does not leave."""
    draft = with_metadata(to=(BEN, ADA), cc=(BEN,))
    mail = envelope(draft, NOW)
    assert (mail.sender, mail.recipients) == (ADA.address, (BEN.address, ADA.address))
    assert not mail.utf8
    found = message_from_bytes(mail.content, policy=policy.SMTP)
    assert found["X-Trimtab-Draft"] is None
    assert found["Message-ID"] == "<draft-1@trimtab.invalid>"


def test_any_server_can_carry_it() -> None:
    """Seven bits, lines within bounds, whatever the text."""
    text = "Grüße 🙂\n" + "x" * 3000 + "\n.\n..end"
    mail = envelope(replace(DRAFT, text=text), NOW)
    assert mail.content.isascii()
    assert max(map(len, mail.content.split(b"\r\n"))) <= 998
    found = message_from_bytes(mail.content, policy=policy.SMTP)
    assert isinstance(found, EmailMessage)
    assert found.get_content().replace("\r\n", "\n") == text + "\n"


def test_an_address_beyond_ascii_makes_utf8_headers() -> None:
    """RFC 6532; the server is asked whether it can carry them."""
    mail = envelope(with_metadata(to=(Address(name="Jö", address="jö@yard.example"),)), NOW)
    assert mail.utf8
    assert "jö@yard.example".encode() in mail.content


@pytest.mark.parametrize(
    "address",
    ["", "ben", "ben@", "ben@a@b", "ben@yard.example,eve@evil.example", "<ben@yard.example>"],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    """Before anything is sent, and without a word of it in the error."""
    with pytest.raises(SendingRefused) as raised:
        envelope(with_metadata(cc=(Address(address=address),)), NOW)
    assert raised.value.reason == "one of its addresses is no mail address"


def test_a_draft_without_a_recipient_is_refused() -> None:
    """Copies alone are none."""
    with pytest.raises(SendingRefused) as raised:
        envelope(with_metadata(to=()), NOW)
    assert raised.value.reason == "the draft has no recipient"
