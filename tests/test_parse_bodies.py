"""The text of a message: its parts, charsets and encodings, whatever a program made of them."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.mailbox.parse import parse
from daemon.mailbox.parsing.decode import decode_text
from daemon.records import TextPart

NOW = datetime(2026, 3, 3, 9, 30, tzinfo=UTC)


def part(payload: bytes, **fields: object) -> str:
    """The text of a leaf with these fields."""
    given = {"subtype": "plain", "encoding": "", "charset": "", "flowed": False, **fields}
    return decode_text(TextPart(payload=payload, **given))  # type: ignore[arg-type]


BOTH = b"""Content-Type: multipart/mixed; boundary="m"

--m
Content-Type: multipart/alternative; boundary="a"

--a
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Gr=C3=BC=C3=9Fe,
Ada
--a
Content-Type: text/html; charset=iso-8859-1

<p>Gr\xfc\xdfe,<br>Ada</p>
--a--

--m
Content-Type: text/plain; name=notes.txt
Content-Disposition: attachment

not of the mail
--m
Content-Type: message/rfc822

Subject: another
From: eve@evil.example

not of the mail either
--m--
"""


@pytest.mark.parametrize("raw", [BOTH, BOTH.replace(b"\n", b"\r\n")])
def test_both_forms_of_the_text_are_read(raw: bytes) -> None:
    """Attachments and a message within are not, with either kind of line ends."""
    found = parse(raw, NOW)
    assert found.plain == "Grüße,\nAda"
    assert found.html == "<p>Grüße,<br>Ada</p>"


def test_texts_between_pictures_are_joined() -> None:
    """As some programs cut a mail around what is pasted into it."""
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n"
        b"Content-Type: image/png\n\nxx\n--b\nContent-Type: text/plain\n\ntwo\n--b--\n"
    )
    assert parse(raw, NOW).plain == "one\ntwo"


@pytest.mark.parametrize(
    "raw",
    [
        b"Content-Type: multipart/mixed\n\nthe text",
        b"Content-Type: multipart/mixed; boundary=b\n\nthe text",
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nthe text",
        b"Content-Type: nonsense\n\nthe text",
        b"Content-Type: text\n\nthe text",
        b"Content-Transfer-Encoding: nonsense\n\nthe text",
        b"\n\nthe text",
    ],
)
def test_a_broken_structure_loses_no_text(raw: bytes) -> None:
    """No boundary, one that never comes, no end, no type, no header."""
    assert (parse(raw, NOW).plain or "").strip() == "the text"


@pytest.mark.parametrize("depth", [300, 3000])
def test_any_depth_is_read(depth: int) -> None:
    """Deeper than Python's stack, too."""
    nest = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(depth)
    )
    found = parse(b"Subject: deep\n" + nest + b"\nthe text", NOW)
    assert found.subject == "deep"
    assert found.plain == "the text"


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("utf-8", "Grüße"), ("UTF-8", "Grüße"), ('"utf-8"', "Grüße"), ("latin-1", "Grüße"),
        ("shift_jis", "かきく"), ("iso-2022-jp", "かきく"), ("koi8-r", "Привет"),
        ("windows-1252", "“Grüße”"), ("cp-850", "Grüße"), ("iso-8859-8-i", "שלום"),
    ],
)  # fmt: skip
def test_charsets_are_known_by_their_names(charset: str, text: str) -> None:
    """Whole messages and fetched parts alike, with 8-bit bytes as they come."""
    codec = charset.strip('"').replace("cp-850", "cp850").removesuffix("-i")
    payload = text.encode(codec)
    header = f"Content-Type: text/plain; charset={charset}\n\n".encode()
    assert part(payload, charset=charset) == text
    assert parse(header + payload, NOW).plain == text


@pytest.mark.parametrize("charset", ["x-unknown", "no-such", "us-ascii", "hex", "a\x00b", "", "?"])
def test_an_unknown_or_lying_charset_is_guessed(charset: str) -> None:
    """UTF-8 where it is that, otherwise Latin-1, which reads every byte."""
    assert part("Grüße".encode(), charset=charset) == "Grüße"
    assert part("Grüße".encode("latin-1"), charset=charset) == "Grüße"


@pytest.mark.parametrize(
    ("encoding", "payload", "text"),
    [
        ("quoted-printable", b"Gr=C3=BC=C3=9Fe =\nAda", "Grüße Ada"),
        ("Quoted-Printable ", b"=C3=A9", "é"),
        ("quoted-printable;", b"=C3=A9", "é"),
        ("quoted-printable", b"=ZZ 100=", "=ZZ 100"),
        ("base64", b"R3LDvMOf\r\nZQ==", "Grüße"),
        ("base64", b"R3LDvMOfZQ", "Grüße"),
        ("base64", b"SGVsbG8hX", "Hello!"),
        ("base64", b"QQ==\nQkI=\n", "ABB"),
        ("base64", b"%%%%", "%%%%"),
        ("7bit", b"a\x00b", "ab"),
        ("", b"one\r\ntwo\rthree\nfour", "one\ntwo\nthree\nfour"),
    ],
)
def test_encodings_are_undone_as_far_as_they_go(encoding: str, payload: bytes, text: str) -> None:
    """Stray and missing ends, several pieces, and what is no encoding at all."""
    assert part(payload, encoding=encoding) == text


@pytest.mark.parametrize("letter", ["é", "か", "🙂"])
@pytest.mark.parametrize("shift", range(4))
def test_a_text_cut_within_a_letter_is_read_up_to_it(letter: str, shift: int) -> None:
    """A sync fetches the first 256 KiB of a part; a file's text ends there too."""
    payload = b"x" * shift + letter.encode() * 300_000
    kept = (262_144 - shift) // len(letter.encode())
    assert part(payload[:262_144]) == "x" * shift + letter * kept
    assert parse(b"Subject: x\n\n" + payload, NOW).plain == "x" * shift + letter * kept


@pytest.mark.parametrize(
    ("flowed", "text"),
    [
        ("one \ntwo", "one two"),
        ("one \n\ntwo", "one\n\ntwo"),
        ("one\ntwo", "one\ntwo"),
        (" From here\n >not a quote", "From here\n>not a quote"),
        ("> quoted \n> on\nmine", "> quoted\n> on\nmine"),
        ("> quoted \nmine", "> quoted\nmine"),
        ("Best \n-- \nAda \nLindqvist", "Best\n-- \nAda Lindqvist"),
    ],
)
def test_flowed_text_is_joined(flowed: str, text: str) -> None:
    """Within a paragraph only: quotes, blank lines and the signature's line end one."""
    assert part(flowed.encode(), flowed=True) == text
    header = b"Content-Type: text/plain; format=Flowed\n\n"
    assert parse(header + flowed.encode(), NOW).plain == text


@given(st.text(max_size=300))
def test_text_survives_every_encoding(text: str) -> None:
    """What is encoded as UTF-8 and base64 comes back, but for line ends and NULs."""
    text = text.encode("utf-8", "ignore").decode()
    read = part(base64.encodebytes(text.encode()), encoding="base64", charset="utf-8")
    assert read == text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
