"""Known faults of parsing by name, hostile sizes, and real mail: none raises, nothing is lost."""

import base64
import email
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.policy import compat32
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser
from tools import absent

from daemon.mailbox.parse import Parsed, build, parse, parse_parts
from daemon.mailbox.text import cut
from daemon.records import TextPart

CORPUS = Path(__file__).parent.parent.parent / "shared" / "mail"
NOW = datetime(2026, 3, 3, 9, 30, tzinfo=UTC)
MANY = 5_000_000
"""Bytes of a hostile message."""

HEAD = b"From: Ada <ada@field.example>\nTo: ben@yard.example\nSubject: the yard\n"
DATE = b"Date: Tue, 3 Mar 2026 09:30:00 +0000\n"


def read(raw: bytes) -> Parsed:
    """The message parsed, and built, so that what is found can be stored."""
    found = parse(raw, NOW)
    mail = build("work", found).mail
    (mail.own_text + mail.subject + mail.sender.name).encode("utf-8")
    return found


# --- headers ----------------------------------------------------------------------------------


def test_missing_date() -> None:
    """It came when it was received, and is known not to be dated."""
    found = read(HEAD + b"\nTuesday.\n")
    assert (found.sent_at, found.date, found.dated) == (NOW, None, False)


def test_no_headers() -> None:
    """A text is a message without any; its first line is text although a colon is in it."""
    found = read(b"Dear Ben: Tuesday suits.\nAda\n\nAnd Subject: is a word.\n")
    assert found.plain == "Dear Ben: Tuesday suits.\nAda\n\nAnd Subject: is a word.\n"
    assert (found.subject, found.sender.address) == ("", "")


@pytest.mark.parametrize("raw", [b"", b"\n", b"\r\n\r\n", b" ", b"\x00"])
def test_empty(raw: bytes) -> None:
    """A message of nothing has nothing."""
    found = read(raw)
    assert ((found.plain or "").strip(), found.html, found.flags) == ("", None, frozenset())


@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n", b"\r\n\r\n"])
def test_headers_only(end: bytes) -> None:
    """With and without the blank line that ends them."""
    found = read(HEAD.rstrip() + end)
    assert (found.subject, found.plain) == ("the yard", "")


@pytest.mark.parametrize(
    ("value", "subject"),
    [
        pytest.param("Grüße".encode("latin-1"), "Grüße", id="raw latin-1"),
        pytest.param("Grüße, かきく".encode(), "Grüße, かきく", id="raw UTF-8"),
        pytest.param(b"a \xff b", "a ÿ b", id="raw 0xFF"),
        pytest.param(b"a\x00b", "ab", id="NUL"),
        pytest.param(b"a\rb", "a b", id="bare CR"),
        pytest.param(b"=?x-unknown?q?caf=E9?=", "café", id="unknown charset"),
        pytest.param(b"=?utf-8?q?=F0=9F=99?= =?utf-8?q?=82_a?=", "🙂 a", id="letter in two words"),
        pytest.param(b"=?utf-8?q?What??=", "What?", id="bare question mark"),
        pytest.param(b"=?utf-8?q?a b?= c", "a b c", id="bare space"),
        pytest.param(b"=?utf-7?q?+2AA-?=", "\ufffd", id="half a character"),
        pytest.param(b"=?utf-8?b?SGVsbG8", "=?utf-8?b?SGVsbG8", id="unclosed word"),
        pytest.param(b"Re: a\n =?utf-8?q?b?=", "Re: a b", id="folded word"),
    ],
)
def test_raw_and_broken_headers(value: bytes, subject: str) -> None:
    """Bytes that no header should hold, and encoded words as bad programs write them."""
    assert read(b"Subject: " + value + b"\n\n").subject == subject


def test_garbage_between_headers() -> None:
    """A line of rubbish is passed over where known fields follow; otherwise it is the text."""
    found = read(b"To: a@x.example\nrubbish\nSubject: the yard\n\ntext\n")
    assert (found.subject, found.plain) == ("the yard", "text\n")
    found = read(b"Subject: the yard\nHello Ben,\nbring: rope\n\nAda\n")
    assert (found.subject, found.plain) == ("the yard", "Hello Ben,\nbring: rope\n\nAda\n")


@pytest.mark.parametrize("line", [b"From ada@x.example Tue Mar  3 09:30:00 2026", b">From a b"])
def test_an_envelope_line_above_the_headers(line: bytes) -> None:
    """As mail programs keep one in files; it is no field."""
    assert read(line + b"\n" + HEAD + b"\ntext").sender.address == "ada@field.example"


@pytest.mark.parametrize(
    ("value", "message_id"),
    [
        (b'"<1@x.example>"', "<1@x.example>"),
        (b"\r\n <1@x.example>", "<1@x.example>"),
        (b"1@x.example", "1@x.example"),
        (b"<1@x.example> (comment)", "<1@x.example>"),
        (b"<>", ""),
        (b"1 @ x", ""),
    ],
)
def test_quoted_message_id(value: bytes, message_id: str) -> None:
    """Quoted, folded, without brackets, with a comment, with nothing in it."""
    assert read(b"Message-ID: " + value + b"\n\n").message_id == message_id


@pytest.mark.parametrize(
    ("value", "people"),
    [
        ("Hollis, Ben <ben@x.example>", [("Hollis, Ben", "ben@x.example")]),
        ('"Ben, a \\"yard\\"" <ben@x.example>', [('Ben, a "yard"', "ben@x.example")]),
        ("ben@x.example (Ben Hollis)", [("Ben Hollis", "ben@x.example")]),
        ("=?utf-8?q?H=C3=B8llis,_Ben?= <ben@x.example>", [("Høllis, Ben", "ben@x.example")]),
        ('"=?utf-8?q?H=C3=B8llis?=" <ben@x.example>', [("Høllis", "ben@x.example")]),
        ("<@a.example,@b.example:ben@x.example>", [("", "ben@x.example")]),
        ("ben@x.example (a (nested) b)", [("a (nested) b", "ben@x.example")]),
        ("ben, ann, eve@x.example", [("", "ben"), ("", "ann"), ("", "eve@x.example")]),
        ("ben, ann", [("", "ben"), ("", "ann")]),
        ('"Ben <ben@x.example>, ann@x.example', [("", "ben@x.example"), ("", "ann@x.example")]),
        ("<ben@x.example", [("", "ben@x.example")]),
        ("mailto:ben@x.example", [("", "ben@x.example")]),
        ("ben@x.example; ann@x.example", [("", "ben@x.example"), ("", "ann@x.example")]),
        ("(empty)(list)undisclosed recipients :(nobody(at all))  ;", []),
        ("<undisclosed-recipients:@x.example;>", []),
        (', ;; <> () : ""', []),
    ],
)  # fmt: skip
def test_broken_address_lists(value: str, people: list[tuple[str, str]]) -> None:
    """Commas in names, nested comments, routes, quotes that never end."""
    assert [(one.name, one.address) for one in read(f"To: {value}\n\n".encode()).to] == people


@pytest.mark.parametrize(
    "value",
    ["garbage", "", "Tue, 3 Mar", "Mon, 1 Jan 0001 00:00:00 +0000", "Tue, 3 Mar 1904 08:00 +0000",
     "Tue, 3 Mar 3609 08:00 +0000", "Tue, 3 Mar 2026 25:61:00 +0000", "9" * 5000,
     "Tue, 3 Mar 2026 08:00:00 +9999", "(" * 5000, "Di, 3 Mrz 2026 08:00", "\xff"]
)  # fmt: skip
def test_garbage_date(value: str) -> None:
    """Garbage, the year 0001, an hour that is none: it came when it was received."""
    found = read(f"Date: {value}\n\n".encode("latin-1"))
    assert (found.sent_at, found.dated) == (NOW, False)


@pytest.mark.parametrize(
    ("value", "year"),
    [("Tue, 3 Mar 26 08:00 GMT", 2026), ("Tue, 3 Mar 99 08:00 GMT", 1999),
     ("Tue, 3 Mar 126 08:00 GMT", 2026)]
)  # fmt: skip
def test_two_and_three_digit_years(value: str, year: int) -> None:
    """As old programs wrote them (RFC 5322, 4.3)."""
    assert read(f"Date: {value}\n\n".encode()).sent_at.year == year


@pytest.mark.parametrize(("hours", "kept"), [(23, True), (25, False), (24 * 400, False)])
def test_date_in_the_future(hours: int, kept: bool) -> None:
    """Later than a day after its arrival it is not believed; its identity has it all the same."""
    date = NOW + timedelta(hours=hours)
    raw = HEAD + f"Date: {date:%a, %d %b %Y %H:%M:%S +0000}\n\nTuesday.".encode()
    found = read(raw)
    assert found.sent_at == (date if kept else NOW)
    assert found.date == date
    later = parse(raw, date)
    assert later.sent_at == date
    assert build("work", later).mail.id == build("work", found).mail.id


def test_a_server_that_knows_no_arrival() -> None:
    """It says 1970; that makes no date impossible."""
    found = parse(HEAD + DATE + b"\nTuesday.", datetime(1970, 1, 1, tzinfo=UTC))
    assert found.sent_at == NOW


# --- sizes --------------------------------------------------------------------------------------


def test_two_megabyte_header() -> None:
    """A field of 2 MB is read as far as anybody wrote one; the text below it is whole."""
    found = read(b"Subject: " + b"a" * 2_000_000 + b"\nFrom: a@x.example\n\nTuesday.\n")
    assert (len(found.subject), found.sender.address) == (262_143, "a@x.example")
    assert found.plain == "Tuesday.\n"


def test_twenty_thousand_headers() -> None:
    """Those that matter are found among them."""
    found = read(b"X-Noise: 1\n" * 20_000 + HEAD + b"To: ann@x.example\n" * 20_000 + b"\nTuesday.")
    assert (found.subject, found.plain) == ("the yard", "Tuesday.")
    assert [one.address for one in found.to] == ["ben@yard.example", "ann@x.example"]


def test_five_megabyte_line() -> None:
    """One line of text; as much of it as a sync fetches."""
    assert parse(HEAD + b"\n" + b"a" * MANY, NOW).plain == "a" * 262_144


def test_ten_thousand_parts() -> None:
    """All of them, in their order."""
    parts = b"".join(b"--b\n\n%d\n" % n for n in range(10_000))
    found = parse(b"Content-Type: multipart/mixed; boundary=b\n\n" + parts + b"--b--\n", NOW)
    assert (found.plain or "").split() == [str(n) for n in range(10_000)]


def test_more_parts_than_anybody_makes() -> None:
    """Are one part more; the message ends."""
    raw = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nTuesday.\n" * 100_000
    assert (parse(raw, NOW).plain or "").count("Tuesday.") > 20_000


@pytest.mark.parametrize("depth", [300, 3_000])
def test_three_hundred_deep_nesting(depth: int) -> None:
    """Deeper than any stack; the text at the bottom is found."""
    nest = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(depth)
    )
    assert read(b"Subject: deep\n" + nest + b"\nTuesday.").plain == "Tuesday."


HOSTILE = {
    "encoded words": b"=?utf-8?q?a?= ",
    "unclosed words": b"=?a?q?",
    "comments": b"(",
    "quotes": b'"\\',
    "routes": b"<",
    "commas": b"a;,",
    "groups": b"a:",
    "at signs": b"@",
    "semicolons": b";",
    "pieces of a parameter": b'; charset*1="x',
    "folded lines": b"a\r\n ",
    "digits": b"9",
}
FIELDS = [b"Subject", b"To", b"X-To", b"References", b"Date", b"Content-Type", b"Message-ID",
          b"Content-Disposition", b"Content-Transfer-Encoding"]  # fmt: skip


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE)
def test_hostile_fields_end(unit: bytes) -> None:
    """5 MB of what is quadratic or recursive to a careless reader, in every field that is read."""
    size = MANY // len(FIELDS) // len(unit)
    raw = b"\n".join(name + b": x" + unit * size for name in FIELDS)
    found = parse(b"From: a@x.example\n" + raw + b"\n\nTuesday.", NOW)
    assert found.sender.address == "a@x.example"


BODIES = {
    "boundaries": (b"Content-Type: multipart/mixed; boundary=b\n", b"--b\n"),
    "one boundary at every depth": (b"", b"Content-Type: multipart/mixed; boundary=b\n\n--b\n"),
    "parts that name no boundary": (
        b"Content-Type: multipart/mixed; boundary=b\n",
        b"--b\nX: 1\nContent-Type: multipart/mixed\n\n",
    ),
    "soft breaks": (b"Content-Type: text/plain; format=flowed\n", b"a \n"),
    "soft equals": (b"Content-Transfer-Encoding: quoted-printable\n", b"=\n"),
    "pieces of base64": (b"Content-Transfer-Encoding: base64\n", b"QQ==\n"),
    "beginnings of files": (b"X: 1\n", b"begin 644 a\n"),
    "lines of a file": (b"X: 1\n", b"begin 644 a\n#0V%T\n"),
    "beginnings of seals": (b"X: 1\n", b"-----BEGIN PGP MESSAGE-----\n"),
    "punycode": (b"Content-Type: text/plain; charset=punycode\n", b"a-"),
    "carriage returns": (b"X: 1\n", b"\r"),
    "zeros": (b"X: 1\n", b"\x00"),
}


@pytest.mark.parametrize(("head", "unit"), BODIES.values(), ids=BODIES)
def test_hostile_bodies_end(head: bytes, unit: bytes) -> None:
    """5 MB of what makes a careless reader of bodies slow."""
    found = parse(b"Subject: the yard\n" + head + b"\n" + unit * (MANY // len(unit)), NOW)
    assert found.subject == "the yard"
    assert len(found.plain or "") <= 262_144


# --- structure ------------------------------------------------------------------------------------


def multipart(*parts: bytes, kind: bytes = b"mixed", last: bytes = b"--b--\n") -> bytes:
    """A message of these parts, each a header block, a blank line and a body."""
    top = HEAD + b'Content-Type: multipart/%s; boundary="b"\n\nA preamble.\n' % kind
    return top + b"".join(b"--b\n" + part + b"\n" for part in parts) + last


def test_unclosed_multipart() -> None:
    """The last part goes on to the end."""
    found = read(multipart(b"\none", b"Content-Type: image/png\n\nxx", b"\ntwo", last=b""))
    assert found.plain == "one\ntwo\n"


@pytest.mark.parametrize("kind", [b"multipart/mixed", b"multipart/mixed; boundary="])
def test_multipart_without_boundary(kind: bytes) -> None:
    """What stands between the parts is the boundary; where nothing does, all is the text."""
    head = HEAD + b"Content-Type: " + kind + b"\n\n"
    found = read(head + b"--x\nContent-Type: text/plain\n\nTuesday.\n--x--\n")
    assert found.plain == "Tuesday."
    assert read(head + b"Tuesday.\n").plain == "Tuesday.\n"


def test_similar_boundaries() -> None:
    """One that begins another is another; white space after one is not of it."""
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\n\n--b  \n"
        b"Content-Type: multipart/mixed; boundary=b1\n\n--b1\n\none\n--b2\nstill\n--b1--\n"
        b"--b\t\n\ntwo\n--b--"
    )
    assert read(raw).plain == "one\n--b2\nstill\ntwo"


def test_boundary_in_pieces() -> None:
    """A parameter cut and encoded (RFC 2231)."""
    head = b"Content-Type: multipart/mixed; boundary*1=\"le\"; boundary*0*=us-ascii'en'a%62\n\n"
    assert read(head + b"--able\n\nTuesday.\n--able--\n").plain == "Tuesday."
    text = b"Content-Type: text/plain; charset*=us-ascii'en'iso-8859-1\n\n\xfc"
    assert read(text).plain == "ü"


def test_message_within_a_message() -> None:
    """It stays whole, a file like any other; so does each of a digest."""
    within = b"Content-Type: message/rfc822\n\nFrom: eve@evil.example\n\nnot the user's"
    found = read(multipart(b"\nSee below.", within))
    assert (found.plain, found.sender.address) == ("See below.", "ada@field.example")
    assert read(multipart(b"\nSubject: a\n\nnot hers", kind=b"digest")).plain is None


def test_duplicate_content_type() -> None:
    """The first one counts."""
    raw = b"Content-Type: text/plain\nContent-Type: text/html\n\n<p>Tuesday.</p>"
    assert (read(raw).plain, read(raw).html) == ("<p>Tuesday.</p>", None)


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "a" * 10_000, "\u202egpj.exe", "a\x00b", '\\"; filename=x', "=?utf-8?q?",
     "con", "", "\xff"],
)  # fmt: skip
@pytest.mark.parametrize(
    "field", ["Content-Type: text/plain; name", "X: 1\nContent-Disposition: x; filename"]
)
def test_hostile_file_names(field: str, name: str) -> None:
    """A named text below the first one is a file, whatever its name; no file is ever written."""
    part = f'{field}="{name or "-"}"\n\nnot the user\'s'.encode()
    assert read(multipart(b"\nTuesday.", part)).plain == "Tuesday."


def test_a_named_text_may_be_the_only_one() -> None:
    """Some programs name the text itself."""
    assert (
        read(multipart(b"Content-Type: text/plain; name=mail.txt\n\nTuesday.")).plain == "Tuesday."
    )


def test_winmail_is_no_text() -> None:
    """TNEF is a file beside the text."""
    part = b"Content-Type: application/ms-tnef; name=winmail.dat\n\nx\x9f\x3e\x22"
    found = read(multipart(b"\nTuesday.", part))
    assert (found.plain, found.flags) == ("Tuesday.", frozenset())


PLAIN = b"Content-Type: text/plain\n\n"
HTML = b"Content-Type: text/html\n\n"


def test_one_mail_in_pieces_of_both_forms() -> None:
    """As phones write around a picture: all of it is kept, in the order of the pieces."""
    found = read(multipart(HTML + b"<p>Tuesday.</p>", PLAIN + b"Sent & <sealed>"))
    assert found.plain is None
    assert found.html == "<p>Tuesday.</p>\n<div>Sent &amp; &lt;sealed&gt;</div>"
    assert "Tuesday." in build("work", found).mail.own_text


@pytest.mark.parametrize("kind", [b"mixed", b"alternative"])
def test_one_text_in_two_forms(kind: bytes) -> None:
    """Is read in plain, even where a program calls the forms two texts."""
    found = read(
        multipart(PLAIN + b"Tuesday & <b>.", HTML + b"Tuesday &amp; &lt;b&gt;.", kind=kind)
    )
    assert (found.plain, found.html) == ("Tuesday & <b>.", "Tuesday &amp; &lt;b&gt;.")


# --- charsets and encodings ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("charset", "data", "text"),
    [
        pytest.param("x-unknown", "Grüße".encode(), "Grüße", id="unknown charset"),
        pytest.param("iso-8859-1", b"\x93a\x94 \x96", "“a” –", id="Windows as Latin-1"),
        pytest.param("gb2312", "漢語".encode("gb18030"), "漢語", id="GBK as GB2312"),
        pytest.param("ks_c_5601-1987", "똠방".encode("cp949"), "똠방", id="UHC as KS C 5601"),
        pytest.param("shift_jis", "①髙".encode("cp932"), "①髙", id="Windows as Shift_JIS"),
        pytest.param("utf-8", "é\n".encode() + b"\xe9", "é\né", id="two charsets"),
        pytest.param("utf-16", b"Tuesday.", "Tuesday.", id="lying UTF-16"),
        pytest.param("koi8-r", "Привет".encode("koi8-r"), "Привет", id="KOI8-R"),
        pytest.param("euc-jp", "かき".encode("euc-jp") + b"\xff", "かき\ufffd", id="a bad byte"),
        pytest.param("idna", b"xn--a", "xn--a", id="a codec that is no charset"),
        pytest.param("unicode_escape", b"a\\x41", "a\\x41", id="escapes"),
        pytest.param("utf-8", b"\xef\xbb\xbfTuesday", "Tuesday", id="byte order mark"),
    ],
)  # fmt: skip
def test_charsets_as_they_are_meant(charset: str, data: bytes, text: str) -> None:
    """Names that stand for more than they say, names that lie, texts in two of them."""
    assert read(f"Content-Type: text/plain; charset={charset}\n\n".encode() + data).plain == text


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        pytest.param(b"Hello, this is no base64.", "Hello, this is no base64.", id="lying base64"),
        pytest.param(b"Thanks", "Thanks", id="lying base64 of one word"),
        pytest.param(b"Thanks\nAda", "Thanks\nAda", id="lying base64 of two words"),
        pytest.param(b"R3LDvMOfZQ==\n\n____\nlist@x.example", "Grüße\n____\nlist@x.example",
                     id="footer below base64"),
        pytest.param(b" R3LD\r\n vMOf\r\n ZQ==", "Grüße", id="indented base64"),
    ],
)  # fmt: skip
def test_lying_base64(payload: bytes, text: str) -> None:
    """What is not base64 is the text itself."""
    assert read(b"Content-Transfer-Encoding: base64\n\n" + payload).plain == text


@pytest.mark.parametrize("charset", ["utf-16", "utf-16-le", "utf-32-be"])
def test_wide_charsets_in_base64(charset: str) -> None:
    """Their zeros are not control characters."""
    data = base64.encodebytes("Привет\n".encode(charset))
    head = f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: base64\n\n"
    assert read(head.encode() + data).plain == "Привет\n"


def test_nul() -> None:
    """Zeros are left out, wherever they stand."""
    found = read(b"Subject: a\x00b\n\na\x00b\x00")
    assert (found.subject, found.plain) == ("ab", "ab")


@pytest.mark.parametrize("end", [b"\r", b"\r\n", b"\n", b"\r\r\n"])
def test_bare_carriage_returns(end: bytes) -> None:
    """Every kind of line end is one, in the header and below it."""
    lines = [b"Subject: the yard", b"From: ada@x.example", b"", b"one", b"two"]
    found = read(end.join(lines))
    assert (found.subject, found.sender.address) == ("the yard", "ada@x.example")
    assert found.plain == "one\ntwo"


@pytest.mark.parametrize(("delsp", "text"), [("yes", "か\nkana"), ("no", "か \nkana")])
def test_flowed_with_delsp(delsp: str, text: str) -> None:
    """RFC 3676: with `delsp=yes` the space is of the break, not of the text."""
    head = f"Content-Type: text/plain; charset=utf-8; format=flowed; delsp={delsp}\n\n"
    joined = text.replace("\n", "")
    assert read(head.encode() + "か \nkana".encode()).plain == joined


UU = "begin 644 cat.txt\n#0V%T\n`\nend\n"


@pytest.mark.parametrize(
    ("text", "own"),
    [
        (f"See below.\n\n{UU}\nAda\n", "See below.\n\n\nAda\n"),
        (UU.replace("`\n", " \n"), ""),
        (UU.replace("`\nend\n", ""), ""),
        (f"One:\n{UU}two:\n{UU}", "One:\ntwo:\n"),
        ("begin 644 sentences\nso.\n", "begin 644 sentences\nso.\n"),
        ("I begin 644 things", "I begin 644 things"),
        ("begin 755 a.bin\n" + "M" + "A" * 60 + "\n#0V%T\n\nend\nAda", "Ada"),
    ],
)  # fmt: skip
def test_uuencoded_text_bodies(text: str, own: str) -> None:
    """A file within the text is none of the user's words; a sentence is no file."""
    assert read(b"Subject: x\n\n" + text.encode()).plain == own


def test_uuencode_as_transfer_encoding() -> None:
    """A text that is uuencoded as a whole."""
    head = b"Content-Transfer-Encoding: x-uuencode\n\n"
    assert read(head + UU.encode()).plain == "Cat"
    assert read(head + b"Tuesday, then.").plain == "Tuesday, then."


# --- sealed mail, machines, calendars ----------------------------------------------------------


ARMOUR = "Version: 1\nComment: x\n\nhQEMA0sGE+a/x==\n=ab1/\n"
SEALED = f"-----BEGIN PGP MESSAGE-----\n{ARMOUR}-----END PGP MESSAGE-----\n"
SIGNED = (
    "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nTuesday.\n- -- \nAda\n"
    f"-----BEGIN PGP SIGNATURE-----\n{ARMOUR}-----END PGP SIGNATURE-----\n"
)


@pytest.mark.parametrize(
    "kind",
    [
        b'multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b',
        b"application/pkcs7-mime; smime-type=enveloped-data",
        b"application/x-pkcs7-mime; smime-type=signed-data",
    ],
)
def test_sealed_mail(kind: bytes) -> None:
    """S/MIME and PGP/MIME: no text, and flagged, so that it is counted as what it is."""
    found = read(HEAD + b"Content-Type: " + kind + b"\n\n--b\nContent-Type: application/x\n\nx\n")
    assert (found.plain, found.html, found.flags) == (None, None, {"encrypted"})


def test_sealed_text() -> None:
    """PGP within the text: the seal is not text, what stands beside it is."""
    found = read(HEAD + b"\n" + SEALED.encode())
    assert (found.plain, found.flags) == ("", {"encrypted"})
    beside = read(HEAD + f"\nSee below.\n{SEALED}Ada\n".encode())
    assert (beside.plain, beside.flags) == ("See below.\nAda\n", {"encrypted"})
    quoted = read(HEAD + f"\nI cannot read it.\n\n> {SEALED}".encode())
    assert quoted.flags == frozenset()


def test_signed_text() -> None:
    """A signed text can be read: its seal and its escapes go."""
    found = read(HEAD + b"\n" + SIGNED.encode())
    assert (found.plain, found.flags) == ("Tuesday.\n-- \nAda\n", frozenset())


def test_signed_mail() -> None:
    """So can a signed message, whose signature is a file."""
    seal = b"Content-Type: application/pgp-signature; name=signature.asc\n\n-----BEGIN"
    found = read(multipart(b"\nTuesday.", seal, kind=b"signed"))
    assert (found.plain, found.flags) == ("Tuesday.", frozenset())


@pytest.mark.parametrize(
    ("line", "flags"),
    [
        ("Auto-Submitted: auto-generated", {"automatic"}),
        ("Auto-Submitted: auto-replied (vacation)", {"automatic"}),
        ("Auto-Submitted: no (by hand)", set()),
        ("Auto-Submitted: No; x=y", set()),
        ("X-Auto-Response-Suppress: All", set()),
        ("Precedence: auto_reply", {"automatic"}),
        ("Precedence: bulk", {"automatic"}),
        ("Precedence: list", set()),
        ("Precedence: bulk\nList-Id: <crew.x.example>", {"list"}),
        ("Auto-Submitted: auto-generated\nList-Id: <crew.x.example>", {"automatic", "list"}),
        ("X-Autoreply: yes", {"automatic"}),
        ("Content-Class: urn:content-classes:calendarmessage", {"calendar"}),
    ],
)
def test_automatic_mail(line: str, flags: set[str]) -> None:
    """A machine says so itself; Exchange's wish for silence and a list's bulk mark say nothing."""
    assert read(HEAD + line.encode() + b"\n\nTuesday.").flags == flags


def test_calendar_answers() -> None:
    """`Accepted: ...` is a program's text; a calendar file beside a text is a file."""
    answer = b"Content-Type: text/calendar; method=REPLY\n\nBEGIN:VCALENDAR"
    accepted = read(multipart(b"\nAda has accepted.", answer, kind=b"alternative"))
    assert accepted.flags == {"calendar"}
    file = answer.replace(b"\n\n", b"\nContent-Disposition: attachment; filename=a.ics\n\n")
    assert read(multipart(b"\nTuesday.", file)).flags == frozenset()


# --- properties -----------------------------------------------------------------------------------


Tree = TextPart | tuple[str, list["Tree"]]
WORDS = st.text(st.characters(min_codepoint=32, max_codepoint=0x24F, codec="utf-8"), max_size=40)


def leaf(text: str, subtype: str, encoding: str) -> TextPart:
    data = text.encode()
    if encoding == "base64":
        data = base64.encodebytes(data).rstrip(b"\n")
    return TextPart(
        subtype=subtype, encoding=encoding, charset="utf-8", flowed=False, payload=data, alone=True
    )


LEAVES = st.builds(
    leaf, WORDS, st.sampled_from(["plain", "html"]), st.sampled_from(["8bit", "base64"])
)
TREES: st.SearchStrategy[Tree] = st.recursive(
    LEAVES,
    lambda inner: st.tuples(
        st.sampled_from(["mixed", "alternative", "related", "signed"]),
        st.lists(inner, min_size=1, max_size=4),
    ),
    max_leaves=8,
)


def written(tree: Tree, end: bytes, path: str = "b") -> bytes:
    """A tree of parts as MIME; each boundary begins the inner ones'."""
    if isinstance(tree, TextPart):
        head = (
            f"Content-Type: text/{tree.subtype}; charset={tree.charset}\n"
            f"Content-Transfer-Encoding: {tree.encoding}\n\n"
        )
        return head.encode().replace(b"\n", end) + tree.payload
    kind, children = tree
    head = f'Content-Type: multipart/{kind}; boundary="{path}"\n\n'.encode().replace(b"\n", end)
    mark = end + f"--{path}".encode()
    parts = (mark + end + written(c, end, f"{path}.{i}") for i, c in enumerate(children))
    return head + b"".join(parts) + mark + b"--" + end


def leaves(tree: Tree, *, alone: bool = True) -> Iterator[TextPart]:
    if isinstance(tree, TextPart):
        yield TextPart(
            subtype=tree.subtype, encoding=tree.encoding, charset=tree.charset,
            flowed=False, payload=tree.payload, alone=alone,
        )  # fmt: skip
    else:
        for child in tree[1]:
            yield from leaves(child, alone=alone and tree[0] != "alternative")


@given(TREES, st.sampled_from([b"\n", b"\r\n"]))
def test_a_message_is_its_header_and_its_leaves(tree: Tree, end: bytes) -> None:
    """Read whole from a file or by its parts from a server, it is the same."""
    raw = HEAD.replace(b"\n", end) + written(tree, end)
    header = raw.split(end + end, 1)[0]
    assert parse(raw, NOW) == parse_parts(header, list(leaves(tree)), [], NOW)


@given(st.recursive(st.binary(max_size=60), lambda x: st.tuples(x, x).map(b"\n--b\n".join)))
def test_any_bytes_between_boundaries(body: bytes) -> None:
    """Total, with boundaries among them."""
    read(b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" + body)


CHARSETS = ["utf-7", "utf-16", "utf-32", "hz", "iso-2022-jp", "iso-2022-kr", "gb18030", "big5",
            "cp037", "shift_jisx0213", "koi8-u", "punycode", "idna", "undefined", "rot13", "zlib",
            "unicode_escape", "mbcs", "utf_8_sig", "palmos", "ptcp154", "tis-620", ""]  # fmt: skip


@given(
    st.binary(max_size=200),
    st.sampled_from(CHARSETS),
    st.sampled_from(["", "base64", "x-uue", "quoted-printable"]),
)
def test_any_bytes_in_any_charset(data: bytes, charset: str, encoding: str) -> None:
    """Every name that Python knows, with anything in it."""
    read(
        f"Content-Type: text/plain; charset={charset}; format=flowed\n"
        f"Content-Transfer-Encoding: {encoding}\n\n".encode()
        + data
    )


# --- real mail ----------------------------------------------------------------------------------


HEADING = re.compile(
    r"^[>\s|*]*[\w.\- ]{2,20}\s?[:：]|\d{1,2}[:.]\d\d|\S@\S|\b(?:19|20)\d\d\b|-----|____|[:：]$"
)
"""A line of what introduces another's text: a field, a time, an address, a year, a rule."""

MARKS = re.compile(r"^(?:\s*[A-Z]{0,3}[>|])+")
"""Marks of a quote, some with the initials of who is quoted."""


def corpus(*folders: str) -> list[Path]:
    found = sorted(p for one in folders for p in CORPUS.joinpath(one).rglob("*") if p.is_file())
    if not found:
        absent("the mail corpus beside the repository")
    return found


def messages() -> list[Path]:
    files = corpus("mime", "people", "quotes/clients")
    return [p for p in files if p.suffix == ".eml" or p.name == "sample_output_multipart"]


def texts() -> Iterator[tuple[str, str | None, str | None]]:
    """The name, the plain and the HTML text of everything beside the repository."""
    for file in messages():
        found = parse(file.read_bytes(), NOW)
        yield file.name, found.plain, found.html
    for file in corpus("quotes/plain/emails", "quotes/html", "quotes/clients/html_replies"):
        text = file.read_text("utf-8", "replace")
        yield file.name, *((None, text) if file.suffix == ".html" else (text, None))
    for file in corpus("people"):
        if file.suffix == ".jsonl":
            for line in file.read_text("utf-8").splitlines():
                yield file.name, json.loads(line)["email"], None


def shown(html: str) -> list[str]:
    """The pieces of text that a page shows."""
    page = LexborHTMLParser(html)
    page.strip_tags(["style", "script", "head", "title", "template", "noscript"])
    return page.root.text(separator="\n").splitlines() if page.root else []


def squeezed(text: str) -> str:
    return "".join(re.findall(r"\w+", text)).lower()


def lost(lines: list[str], plain: str | None, html: str | None) -> list[str]:
    """Lines that are in no part of a cut and near no heading, whose words are kept as data."""
    parts = cut(plain, html)
    context = "".join(f"{one.author}{one.text}" for one in parts.context)
    kept = squeezed(parts.own_text + parts.signature + parts.forwarded + context)
    filled = [line for line in lines if squeezed(MARKS.sub("", line))]
    return [
        line
        for i, line in enumerate(filled)
        if squeezed(MARKS.sub("", line)) not in kept
        and not any(map(HEADING.search, filled[max(0, i - 2) : i + 3]))
    ]


def test_real_messages_parse_and_build() -> None:
    """All of them; the one unreadable subject was so when it was sent."""
    mails = [build("work", read(file.read_bytes())).mail for file in messages()]
    assert len(mails) >= 1018
    unreadable = [mail.subject for mail in mails if "\ufffd" in mail.subject]
    assert unreadable == ["Impress your clients with a business phone\ufffd\ufffd\ufffd"]


def parts(message: Message) -> Iterator[Message]:
    """All parts but those of messages within the message, which are attachments."""
    yield message
    if message.get_content_maintype() == "multipart" and message.is_multipart():
        for part in message.get_payload():
            yield from parts(part)


def test_real_structures_hold_what_another_reader_finds() -> None:
    """Where the standard library finds a text for the reader, so does this."""
    missed = []
    for file in messages():
        message = email.message_from_bytes(file.read_bytes(), policy=compat32)
        texts = [p for p in parts(message) if p.get_content_type() in {"text/plain", "text/html"}]
        words = any(
            str(p.get_payload()).strip()
            for p in texts
            if "attachment" not in str(p.get("Content-Disposition", ""))
        )
        found = parse(file.read_bytes(), NOW)
        missed += [file.name] * (words and not (found.plain or found.html or "").strip())
    assert missed == []


def test_no_word_of_real_mail_is_lost() -> None:
    """Each is in the own text, the context, the signature or the forwarded part.

    One message hides words from its reader by their colour: they are no text.
    """
    gone = []
    for name, plain, html in texts():
        lines = (plain or "").splitlines() if (plain or "").strip() else shown(html or "")
        gone += [(name, line) for line in lost(lines, plain, html)]
    assert {name for name, _ in gone} <= {"content_transfer_encoding_empty.eml"}


def test_no_own_text_is_empty_without_cause() -> None:
    """What is empty was another's, a signature, or nothing at all."""
    empty = []
    for name, plain, html in texts():
        parts = cut(plain, html)
        others = parts.context or parts.signature or parts.forwarded
        filled = squeezed((plain or "").strip() or "".join(shown(html or "")))
        empty += [name] * (not parts.own_text and not others and bool(filled))
    assert empty == []
