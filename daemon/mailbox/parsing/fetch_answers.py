"""What a server answers to FETCH, as imaplib hands it over, read into rows. Pure and linear.

A first sync reads a quarter of a million words of it. imapclient's reader goes byte by byte and
takes most of the time of that; here a regular expression cuts the words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

Record = bytes | tuple[bytes, bytes]
"""The rest of a line, or a line up to a literal and that literal. Bytes alone end an answer."""
Row = dict[bytes, Any]
"""Items by name in capitals: int, bytes, None for NIL, or a tuple of such for a list."""

_WORD = re.compile(
    rb'[()]|"(?:[^"\\]|\\.)*+"(?=[ ()]|\Z)|~?\{\d+\}\Z|(?:[^\s()"\[\]{}]|\[[^\]]*+\])++|\S',
    re.DOTALL,
)
"""Parenthesis, string, the sign of a literal, atom (with a section); else a byte that is no word
and begins none."""
_ESCAPED = re.compile(rb'\\(["\\])')
_NO_WORDS = frozenset({b'"', b"[", b"]", b"{", b"}"})


def read_rows(records: Iterable[Record]) -> tuple[dict[int, Row], bool]:
    """Rows by UID, and whether every answer could be read. One without a UID is nobody's."""
    rows: dict[int, Row] = {}
    answer: list[Record] = []
    sound = True
    for record in records:
        answer.append(record)
        if isinstance(record, tuple):
            continue
        try:
            row = _row(answer)
        except (ValueError, IndexError, TypeError, AttributeError):
            sound = False
        else:
            rows.setdefault(row.pop(b"UID", 0), {}).update(row)
        answer = []
    rows.pop(0, None)
    return rows, sound


def body_of(row: Row, name: bytes) -> bytes:
    """A body item's bytes; its key has the place where a part of it began, as in `BODY[1]<0>`."""
    value = next((value for key, value in row.items() if key.startswith(name)), b"")
    return value if isinstance(value, bytes) else str(value or "").encode()


def date_of(row: Row) -> datetime | None:
    """INTERNALDATE in UTC; None where it is missing or none."""
    try:
        return parsedate_to_datetime(row[b"INTERNALDATE"].decode("ascii")).astimezone(UTC)
    except (KeyError, AttributeError, ValueError, TypeError, IndexError, OverflowError):
        return None


def _row(answer: Iterable[Record]) -> Row:
    number, items = read_words(answer)
    if not isinstance(number, int) or not isinstance(items, tuple):
        raise TypeError("no answer to FETCH")
    row = dict(zip((name.upper() for name in items[::2]), items[1::2], strict=True))
    row[b"UID"] = int(row.get(b"UID", 0))
    return row


def read_words(answer: Iterable[Record]) -> list[Any]:
    """An answer's words, lists as tuples; raises ValueError and IndexError if it is none."""
    lists: list[list[Any]] = [[]]
    for record in answer:
        text, literal = record if isinstance(record, tuple) else (record, None)
        for word in _WORD.findall(text):
            if word == b"(":
                lists.append([])
            elif word == b")":
                inner = tuple(lists.pop())
                lists[-1].append(inner)
            else:
                lists[-1].append(_value(word, literal))
    if len(lists) > 1:
        raise ValueError("a list that does not end")
    return lists[0]


def _value(word: bytes, literal: bytes | None) -> int | bytes | None:
    if word[:1] == b'"' and len(word) > 1:
        return _ESCAPED.sub(rb"\1", word[1:-1]) if b"\\" in word else word[1:-1]
    if word == b"NIL":
        return None
    if word.isdigit():
        return int(word)
    if word in _NO_WORDS:
        raise ValueError("no word")
    return literal if word.endswith(b"}") else word
