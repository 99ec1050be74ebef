"""Answers to FETCH as words and rows, whatever a server sends."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imapclient.response_parser import parse_response

from daemon.mailbox.parsing.fetch_answers import (
    Record,
    Row,
    body_of,
    date_of,
    read_rows,
    read_words,
)

HEADER: list[Record] = [(b"3 (UID 7 BODY[HEADER]<0> {12}", b"Subject: x\r\n"), b" FLAGS ())"]


def test_a_row_is_known_by_its_uid() -> None:
    """Its items by name, a literal's bytes as they came."""
    assert read_rows(HEADER) == ({7: {b"BODY[HEADER]<0>": b"Subject: x\r\n", b"FLAGS": ()}}, True)


def test_rows_of_one_message_are_one() -> None:
    """A server may answer in pieces, and in between about another message."""
    lines = [b"1 (UID 7 A 1)", b"2 (UID 8 A 2)", b"1 (B 3 uid 7)"]
    assert read_rows(lines) == ({7: {b"A": 1, b"B": 3}, 8: {b"A": 2}}, True)


def test_a_row_without_uid_is_nobodys() -> None:
    """A change of flags is told by the sequence number alone."""
    assert read_rows([rb"7 (FLAGS (\Seen))"]) == ({}, True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b'"a b" "" "(" "\\"" "\\\\" "a\\b"', [b"a b", b"", b"(", b'"', b"\\", b"a\\b"]),
        (b"NIL 12 007 -1 abc", [None, 12, 7, b"-1", b"abc"]),
        (b"BODY[HEADER.FIELDS (TO CC)]<0> NIL", [b"BODY[HEADER.FIELDS (TO CC)]<0>", None]),
        (rb"(\Seen \*)", [(rb"\Seen", rb"\*")]),
        (b'("a"("b" NIL)())', [(b"a", (b"b", None), ())]),
        (b'"\xff\xfe" \xe9', [b"\xff\xfe", b"\xe9"]),
        (b"", []),
    ],
)
def test_words(text: bytes, words: list[Any]) -> None:
    """Strings, numbers, NIL, atoms with their section, and lists of them."""
    assert read_words([text]) == words


@pytest.mark.parametrize("sign", [b"{4}", b"~{4}"])
def test_literals(sign: bytes) -> None:
    """Binary ones, too; they may hold what looks like words."""
    assert read_words([(b"1 (A " + sign, b')"\r\n'), b" B)"]) == [1, (b"A", b')"\r\n', b"B")]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"3",
        b"3 4",
        b"x (UID 7)",
        b"3 (UID 7",
        b"3 (UID 7))",
        b"3 (UID)",
        b"3 (UID x)",
        b"3 (UID NIL)",
        b"3 (UID 7 (A) B)",
        b"3 (UID 7 12 B)",
        b'3 (UID 7 A "b)',
        b'3 (UID 7 A "b "c" d")',
        b"3 (UID 7 A [b)",
        b"3 (UID 7 A {5} b)",
        b"3 (UID 7 A " + b"9" * 5000 + b")",
        b"3 (UID 7) (UID 7)",
    ],
)
def test_an_answer_that_cannot_be_read_hides_no_other(line: bytes) -> None:
    """It is told that there was one."""
    assert read_rows([line, *HEADER]) == (read_rows(HEADER)[0], False)


def test_any_depth_is_read() -> None:
    """Without recursion: what is too deep is for whoever walks it."""
    rows, sound = read_rows([b"3 (UID 7 A " + b"(" * 9000 + b")" * 9000 + b")"])
    assert (set(rows), sound) == ({7}, True)


@pytest.mark.parametrize(
    ("told", "date"),
    [
        (b'"01-Mar-2026 09:30:00 +0200"', datetime(2026, 3, 1, 7, 30, tzinfo=UTC)),
        (b'" 1-Mar-2026 09:30:00 +0000"', datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        (b'"garbage"', None),
        (b'"\xe9"', None),
        (b"NIL", None),
        (b"7", None),
        (b"(a b)", None),
    ],
)
def test_when_a_message_arrived(told: bytes, date: datetime | None) -> None:
    """As the server says; nothing where it says nothing that can be."""
    rows, _ = read_rows([b"1 (UID 7 INTERNALDATE " + told + b")"])
    assert date_of(rows[7]) == date
    assert date_of({}) is None


@pytest.mark.parametrize(
    ("row", "body"),
    [
        ({b"BODY[1.1]<0>": b"no", b"BODY[1]<0>": b"yes"}, b"yes"),
        ({b"BODY[1]": b"yes"}, b"yes"),
        ({b"BODY[1]<0>": None}, b""),
        ({b"BODY[1]<0>": 12}, b"12"),
        ({b"BODY[11]<0>": b"no"}, b""),
    ],
)
def test_a_body_items_bytes(row: Row, body: bytes) -> None:
    """Of just that section, wherever it was told to begin."""
    assert body_of(row, b"BODY[1]") == body


RECORDS = st.lists(
    st.text('()"\\[]{}~ 7aUID', max_size=20).map(str.encode)
    | st.tuples(st.text('() "7a', max_size=9).map(str.encode), st.binary(max_size=9))
)


@given(RECORDS)
def test_any_answer_is_read_or_refused(records: list[Record]) -> None:
    """A server can send what it likes."""
    rows, sound = read_rows(records)
    assert isinstance(sound, bool)
    assert all(uid != 0 and isinstance(row, dict) for uid, row in rows.items())


WORDS = st.recursive(
    st.none()
    | st.integers(min_value=0, max_value=2**63)
    | st.sampled_from([b"abc", b"BODY[1]", b"text/plain"])
    | st.text("ab \\\"()[]{}'é", max_size=9).map(str.encode),
    lambda inner: st.lists(inner, max_size=4).map(tuple),
)


def written(value: Any) -> bytes:
    if isinstance(value, tuple):
        return b"(" + b" ".join(map(written, value)) + b")"
    if isinstance(value, int):
        return b"%d" % value
    escaped = b"" if value is None else value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return b"NIL" if value is None else b'"' + escaped + b'"'


@given(st.lists(WORDS, min_size=1, max_size=5))
def test_what_is_written_is_read(values: list[Any]) -> None:
    """Every value, as imapclient's reader has it."""
    text = b" ".join(map(written, values))
    assert read_words([text]) == values == list(parse_response([text]))
