"""Bytes to a parsed message: any bytes at all, and nothing of a message is lost."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tools import absent

from daemon.mailbox.parse import Parsed, build, mail_id, parse, parse_parts
from daemon.records import TextPart
from mlx_agent.records import Address

CORPUS = Path(__file__).parent.parent.parent / "shared" / "mail"
NOW = datetime(2026, 3, 3, 9, 30, tzinfo=UTC)


def headed(*lines: str | bytes) -> Parsed:
    """A message of these header lines and no more."""
    raw = b"\r\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
    return parse(raw + b"\r\n\r\n", NOW)


# --- headers ----------------------------------------------------------------------------------


def test_the_headers_that_matter() -> None:
    """Each is read, decoded and in order."""
    found = headed(
        "Message-ID: <1@field.example>",
        "In-Reply-To: <0@yard.example>",
        "References: <-1@yard.example>\r\n <0@yard.example>",
        "From: =?utf-8?q?Ada_Lindqvist?= <Ada@Field.example>",
        'To: "Høllis, Ben" <ben@yard.example>, crew@yard.example',
        "Cc: =?iso-8859-1?Q?J=F6rg?= <joerg@yard.example>",
        "Subject: =?utf-8?B?w5xiZXJibGljaw==?=\r\n =?utf-8?q?_now?=",
        "Date: Tue, 3 Mar 2026 11:30:00 +0200",
        "X-Trimtab-Draft: draft-1",
    )
    assert (found.message_id, found.in_reply_to) == ("<1@field.example>", "<0@yard.example>")
    assert found.references == ("<-1@yard.example>", "<0@yard.example>")
    assert found.sender == Address(name="Ada Lindqvist", address="ada@field.example")
    assert found.to == (
        Address(name="Høllis, Ben", address="ben@yard.example"),
        Address(address="crew@yard.example"),
    )
    assert found.cc == (Address(name="Jörg", address="joerg@yard.example"),)
    assert found.subject == "Überblick now"
    assert (found.sent_at, found.dated, found.draft_id) == (NOW, True, "draft-1")
    assert (found.plain, found.html, found.flags) == ("", None, frozenset())


@pytest.mark.parametrize(
    ("value", "subject"),
    [
        ("Grüße".encode(), "Grüße"),
        ("Grüße".encode("latin-1"), "Grüße"),
        (b"=?x-unknown?Q?caf=E9?=", "café"),
        (b"=?utf-8?Q?caf=E9?=", "café"),
        (b"=?no such thing", "=?no such thing"),
        (b"a\r\n  folded\r\n\tline", "a folded line"),
        (b"", ""),
    ],
)
def test_any_subject_is_read(value: bytes, subject: str) -> None:
    """Bytes beyond ASCII, unknown charsets, broken encodings, folded lines."""
    assert headed(b"Subject: " + value).subject == subject


@pytest.mark.parametrize("line", ["Message-ID:", "Message-ID: \r\n ", "Message-ID: \t", "X: 1"])
def test_a_message_id_may_be_missing(line: str) -> None:
    """Or be there and hold nothing."""
    assert headed(line).message_id == ""


def test_a_reference_without_brackets_is_one_only_if_it_looks_so() -> None:
    """Old programs wrote a sentence there."""
    assert headed("In-Reply-To: 0@yard.example").in_reply_to == "0@yard.example"
    assert headed("In-Reply-To: Your message of Tuesday").in_reply_to == ""
    assert headed("In-Reply-To: Your message <0@y.example> of").in_reply_to == "<0@y.example>"


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        ("undisclosed-recipients:;", []),
        ("Crew: a@x.example, b@x.example;", ["a@x.example", "b@x.example"]),
        ("a@x.example,, ,b@x.example", ["a@x.example", "b@x.example"]),
        ("ben@yard.example <ben@yard.example>", ["ben@yard.example"]),
        ("a@x.example, b@x.example, A@x.example", ["a@x.example", "b@x.example"]),
        ("jö@yard.example", ["jö@yard.example"]),
        ("", []),
    ],
)
def test_any_recipients_are_read(value: str, addresses: list[str]) -> None:
    """Groups, gaps, and an address for a name, which is no name."""
    assert [(one.name, one.address) for one in headed(f"To: {value}").to] == [
        ("", address) for address in addresses
    ]


def test_an_archive_names_those_whom_the_header_does_not() -> None:
    """Where the lists are of one length; otherwise nobody is guessed."""
    named = headed("To: a@x.example, b@x.example", "X-To: Ann, Bob")
    assert [one.name for one in named.to] == ["Ann", "Bob"]
    unlike = headed("To: a@x.example", "X-To: Ann, Bob")
    assert [one.name for one in unlike.to] == [""]


@pytest.mark.parametrize(
    ("date", "sent_at"),
    [
        ("Tue, 3 Mar 2026 08:00 -0100", datetime(2026, 3, 3, 9, 0, tzinfo=UTC)),
        ("3 Mar 2026 08:00:00", datetime(2026, 3, 3, 8, 0, tzinfo=UTC)),
        ("Tue, 03 Mar 26 08:00:00 GMT", datetime(2026, 3, 3, 8, 0, tzinfo=UTC)),
        ("Tue, 3 Mar 2026 08:00:00 +0000 (UTC)", datetime(2026, 3, 3, 8, 0, tzinfo=UTC)),
    ],
)
def test_dates_are_aware_and_in_utc(date: str, sent_at: datetime) -> None:
    """In each form that programs write."""
    found = headed(f"Date: {date}")
    assert (found.sent_at, found.dated) == (sent_at, True)


@pytest.mark.parametrize(
    "date", ["", "yesterday", "99 Foo 2026", "Tue, 3 Mar 3609 08:00 +0000",
             "Tue, 3 Mar 1904 08:00 +0000", "Tue, 3 Mar 2026 08:00:00 +9999"]
)  # fmt: skip
def test_an_impossible_date_is_when_it_came(date: str) -> None:
    """And is known not to be its own."""
    found = headed(f"Date: {date}")
    assert (found.sent_at, found.dated) == (NOW, False)


@pytest.mark.parametrize(
    ("line", "flags"),
    [
        ("Auto-Submitted: auto-replied", {"automatic"}),
        ("Auto-Submitted: no", set()),
        ("Precedence: bulk", {"automatic"}),
        ("X-Autoreply: yes", {"automatic"}),
        ("List-Id: <crew.yard.example>", {"list"}),
        ("Content-Type: multipart/report; report-type=disposition-notification", {"automatic"}),
        ("Content-Type: text/calendar; method=REPLY", {"calendar"}),
        ("Content-Type: multipart/encrypted; boundary=b", {"encrypted"}),
        ("Content-Type: application/x-pkcs7-mime", {"encrypted"}),
    ],
)
def test_flags_name_what_does_not_teach(line: str, flags: set[str]) -> None:
    """Machines' mail, lists, calendars and sealed mail."""
    assert headed(line).flags == flags


# --- any bytes -------------------------------------------------------------------------------


@given(st.binary(max_size=2000))
def test_any_bytes_are_a_message(raw: bytes) -> None:
    """Parsing is total, and what is parsed can be built and stored."""
    mail = build("work", parse(raw, NOW)).mail
    assert mail.id.startswith("mail1:")
    assert mail.sent_at.tzinfo is not None
    (mail.own_text + mail.subject + mail.sender.name).encode("utf-8")


HEADS = [b"From:", b"To:", b"Date:", b"Subject:", b"Message-ID:", b"References:", b"Content-Type:",
         b"Content-Type: text/html; charset=", b"Content-Transfer-Encoding: base64",
         b"Content-Type: multipart/mixed; boundary=", b"--", b""]  # fmt: skip
LINES = st.lists(st.tuples(st.sampled_from(HEADS), st.binary(max_size=30)), max_size=12)


@given(LINES, st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_any_lines_are_a_message(lines: list[tuple[bytes, bytes]], end: bytes) -> None:
    """Real names of headers with anything in them."""
    raw = end.join(head + rest for head, rest in lines)
    assert build("work", parse(raw, NOW)).source.header == parse(raw, NOW).header


# --- identity and building --------------------------------------------------------------------

MAIL = (
    b"Message-ID: <1@field.example>\nFrom: Ada <ada@field.example>\nTo: b@y.example, a@y.example\n"
    b"Subject: the yard\nDate: Tue, 3 Mar 2026 09:30:11 +0000\n\nTuesday suits.\n\n> When?\n"
)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<1@", b"<2@"),
        (b"b@y.example, a@y.example", b"A@y.example, b@y.example"),
        (b"09:30:11 +0000", b"10:30:59 +0100"),
        (b"Tuesday suits.", b"Tuesday\n suits."),
        (b"the yard", b"the  Yard"),
        (b"\n", b"\r\n"),
    ],
)
def test_copies_are_one_mail(old: bytes, new: bytes) -> None:
    """Another Message-ID, order, second, wrapping or line end makes no other mail."""
    assert mail_id(parse(MAIL.replace(old, new), NOW)) == mail_id(parse(MAIL, NOW))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"ada@", b"ida@"),
        (b", a@y.example", b""),
        (b"09:30", b"09:31"),
        (b"suits", b"does not suit"),
        (b"the yard", b"the boat"),
    ],
)
def test_other_mails_are_others(old: bytes, new: bytes) -> None:
    """Another sender, recipient, minute, body or subject."""
    assert mail_id(parse(MAIL.replace(old, new), NOW)) != mail_id(parse(MAIL, NOW))


def test_a_mail_without_a_date_is_the_same_tomorrow() -> None:
    """When it was read is not of its identity."""
    undated = MAIL.replace(b"Date:", b"X-Date:")
    later = parse(undated, NOW.replace(day=4))
    assert mail_id(later) == mail_id(parse(undated, NOW))
    assert later.sent_at == NOW.replace(day=4)


def test_a_mail_of_html_alone_is_known_by_it() -> None:
    """A text part that holds white space only is none; without any body, the header is all."""
    parsed = parse(MAIL, NOW)
    one, two = (replace(parsed, plain=" \n", html=html) for html in ("<p>1</p>", "<p>2</p>"))
    assert mail_id(one) != mail_id(two)
    assert mail_id(one) == mail_id(replace(one, plain=None, header=b"another"))
    empty = replace(parsed, plain=None)
    assert mail_id(empty) != mail_id(replace(empty, header=b"another"))


def test_what_comes_in_pieces_is_what_comes_whole() -> None:
    """A sync's header block and parts, and a file."""
    text = TextPart(
        subtype="plain", encoding="", charset="", flowed=False, payload=MAIL.split(b"\n\n", 1)[1]
    )
    pieces = parse_parts(MAIL.split(b"\n\n", 1)[0], [text], ["text/plain"], NOW)
    assert pieces == parse(MAIL, NOW)


def test_building_cuts_and_keeps_the_source() -> None:
    """The mail holds its parts, the source what was fetched."""
    found = build("work", parse(MAIL, NOW))
    assert (found.mail.account, found.mail.own_text) == ("work", "Tuesday suits.")
    assert [message.text for message in found.mail.context] == ["When?"]
    assert found.source.plain == "Tuesday suits.\n\n> When?\n"
    assert found.source.header == MAIL.split(b"\n\n", 1)[0]
    assert found.uid is None


def test_a_forward_is_flagged_only_without_own_text() -> None:
    """What the user wrote above one still teaches."""
    forward = b"---------- Forwarded message ---------\nFrom: Ben\n\nWhen?\n"
    bare = build("work", parse(b"Subject: Fwd\n\n" + forward, NOW)).mail
    assert (bare.flags, bare.own_text) == ({"forward"}, "")
    noted = build("work", parse(b"Subject: Fwd\n\nFYI\n\n" + forward, NOW)).mail
    assert (noted.flags, noted.own_text) == (frozenset(), "FYI")


def test_odd_messages_parse_and_build() -> None:
    """All 104 of a public collection; the one unreadable subject was so when it was sent."""
    files = sorted(file for file in (CORPUS / "mime").rglob("*") if file.is_file())
    if not files:
        absent("the mail corpus beside the repository")
    mails = [build("work", parse(file.read_bytes(), NOW)).mail for file in files]
    assert len(mails) == 104
    assert sum(bool(mail.own_text) for mail in mails) >= 85
    unreadable = [mail.subject for mail in mails if "\ufffd" in mail.subject]
    assert unreadable == ["Impress your clients with a business phone\ufffd\ufffd\ufffd"]
