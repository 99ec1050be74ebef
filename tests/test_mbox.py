"""An mbox cut into its messages: four dialects, and what no dialect allows."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.mailbox.parsing.mbox import split_mbox

FROM = b"From ada@field.example Tue Mar  3 09:31:00 2026\n"
HEAD = b"From: ada@field.example\nSubject: the yard\n"
LIMIT = 1_000_000


def split(box: bytes, limit: int = LIMIT) -> list[bytes]:
    return [raw for _, raw in split_mbox(io.BytesIO(box), limit) if raw.strip()]


def with_length(text: bytes, length: int | None = None) -> bytes:
    count = len(text) if length is None else length
    return HEAD + b"Content-Length: %d\n\n" % count + text


LINES = st.lists(
    st.sampled_from(
        [b"Tuesday suits.", b"", b"From Monday on", b">From Monday on", b">>From", b"> When?",
         FROM.rstrip(), b"From - Tue Mar 03 09:31:00 2026", b"Subject: a word", b"From: eve"]
    ),
    max_size=8,
)  # fmt: skip
TEXTS = LINES.map(lambda lines: b"".join(line + b"\n" for line in lines))


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_what_is_escaped_comes_back(texts: list[bytes]) -> None:
    """mboxrd: each text as it was, whatever its lines begin with."""
    messages = [HEAD + b"\n" + text for text in texts]
    escaped = (re.sub(rb"(?m)^(>*From )", rb">\1", message) for message in messages)
    box = b"".join(FROM + message + b"\n" for message in escaped)
    assert split(box) == [m + b"\n" * (i < len(texts)) for i, m in enumerate(messages)]


@given(st.lists(TEXTS, min_size=1, max_size=4), st.booleans())
def test_what_tells_its_length_comes_back(texts: list[bytes], spaced: bool) -> None:
    """mboxcl2: nothing is escaped, and whole messages may stand within one."""
    texts = [text + b"From Monday on.\n" for text in texts]  # who escapes nothing shows it
    gap = b"\n" if spaced else b""
    box = b"".join(FROM + with_length(text) + gap for text in texts)
    assert split(box) == [with_length(text) + gap for text in texts]


def test_an_escape_of_the_old_kind_is_undone() -> None:
    """The kind mboxo escapes `From ` alone; mboxcl does so too, and counts what it wrote."""
    text = b">From Monday on.\n"
    assert split(FROM + HEAD + b"\n" + text) == [HEAD + b"\nFrom Monday on.\n"]
    (message,) = split(FROM + with_length(text))
    assert message.endswith(b"\n\nFrom Monday on.\n")


def test_a_quoted_line_stays_where_nothing_is_escaped() -> None:
    """The bare `From ` beside it shows that `>` is a quote's mark here."""
    text = b">From Monday on?\n\nFrom Tuesday on.\n"
    assert split(FROM + HEAD + b"\n" + text) == [HEAD + b"\n" + text]


@pytest.mark.parametrize("length", [0, 3, 10, 10_000, 10**11])
def test_a_length_that_lies_is_not_believed(length: int) -> None:
    """Neither a message nor the end stands where it points."""
    text = b"Tuesday suits.\n"
    box = FROM + with_length(text, length) + b"\n" + FROM + HEAD + b"\nSee you.\n"
    assert split(box) == [with_length(text, length) + b"\n", HEAD + b"\nSee you.\n"]


def test_a_length_told_for_other_line_ends_is_not_believed() -> None:
    """As after a copy to a system that writes CRLF."""
    box = FROM + with_length(b"one\ntwo\nthree\n") + b"\n" + FROM + HEAD + b"\nSee you.\n"
    box = box.replace(b"\n", b"\r\n")
    assert [raw.split(b"\r\n\r\n", 1)[1] for raw in split(box)] == [
        b"one\r\ntwo\r\nthree\r\n\r\n",
        b"See you.\r\n",
    ]


def test_a_line_like_a_border_is_text_without_a_header_below() -> None:
    """A program that escapes nothing, and a text that cites an mbox."""
    text = b"All is well.\n\n" + FROM + b"stood there, and\n\n" + FROM + FROM + b"\ntoo.\n"
    assert split(FROM + HEAD + b"\n" + text) == [HEAD + b"\n" + text]


def test_a_border_needs_no_blank_line_in_its_full_form() -> None:
    """Some programs write none; a sentence with a time in it is no border."""
    box = FROM + HEAD + b"\none\n" + FROM + HEAD + b"\nFrom 9:30 on it is 2026\nnote: all day\n"
    assert [raw.split(b"\n\n", 1)[1] for raw in split(box)] == [
        b"one\n",
        b"From 9:30 on it is 2026\nnote: all day\n",
    ]


def test_a_truncated_mbox_gives_what_is_left() -> None:
    """Cut at its beginning, in its last message, or after its last border."""
    box = FROM + HEAD + b"\nTuesday suits.\n\n" + FROM + HEAD + b"\nSee you.\n"
    assert split(box[60:])[1:] == [HEAD + b"\nSee you.\n"]
    assert split(box[:-5])[1:] == [HEAD + b"\nSee "]
    assert split(box + b"\n" + FROM) == [*split(box)[:1], HEAD + b"\nSee you.\n\n"]


def test_an_empty_mbox_holds_no_message() -> None:
    """Nor does one of blank lines, or of a border alone."""
    assert split(b"") == split(b"\n\n") == split(FROM) == []


def test_of_a_large_message_its_beginning_is_kept() -> None:
    """In lines, in one line, and with a length told; the next message is whole."""
    for text in (b"Tuesday suits.\n" * 200_000, b"a" * 3_000_000 + b"\n"):
        for message in (HEAD + b"\n" + text, with_length(text)):
            box = FROM + message + b"\n" + FROM + HEAD + b"\nSee you.\n"
            first, second = split(box, 100_000)
            assert message.startswith(first)
            assert 100_000 <= len(first) < 200_000
            assert second == HEAD + b"\nSee you.\n"


@given(st.binary(max_size=300), st.lists(st.sampled_from([FROM, HEAD, b"\n", b">"]), max_size=6))
def test_any_bytes_are_an_mbox(tail: bytes, pieces: list[bytes]) -> None:
    """Nothing raises, and no byte of a text is in two messages."""
    box = b"".join(pieces) + tail
    assert sum(map(len, split(box))) <= len(box)


def test_hostile_lines_end() -> None:
    """5 MB of what a careless pattern takes quadratic time for."""
    for unit in (b"From 1:11", b"From 1:11 2026 \n", FROM, b"Content-Length: 1\n\n", b"\n>From "):
        split(FROM + HEAD + b"\n" + unit * (5_000_000 // len(unit)))
