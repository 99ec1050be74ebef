"""Who wrote a quoted message, and when, as the lines above it tell. Pure and total."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import takewhile

from daemon.mailbox.cutting.dates import read_date
from daemon.mailbox.cutting.header_blocks import TO_LINE, read_field
from daemon.mailbox.cutting.phrases import (
    ADDRESS,
    BRACKETED,
    DATED,
    LONGEST,
    NAME_FOLLOWS,
    OPENS,
    QUOTING,
    last_verb,
)
from mlx_agent.records import Address

_LONGEST_NAME = 80
_ORGANISATION = re.compile(r"(?:/[\w&\- ]{1,40}){1,6}(?:@.*)?$|@[\w ]{1,40}(?:@.*)?$")
"""What Notes writes behind a name."""
_NOTES_DATE = re.compile(r"\s*(?:\bon )?\d{1,2}[/.\-]\d{1,2}[/.\-]\d{2,4} .*$")
_BEHALF = re.compile(r"on behalf of (.{2,80})$", re.IGNORECASE)
_IN_QUOTES = re.compile(r"[\"“„]([^\"”“]{1,80})[\"”“]\W*$")
_BEFORE_NAME = re.compile(
    r"^(?:[\W_]|(?:am|pm|uhr|h|gmt|utc|[aecmpw]e?[sd]?t|cest|msk|by|at|um|alle(?: ore)?|às|a las|à|"
    r"om|kl|klo|o godz|o|u|v|в|г|р|от|via|le|heeft|hat|user|пользователь|ο χρήστης|odesílatel|"
    r"lietotājs|je oseba|מאת|بواسطة)(?=[\s.,:]|$))+",
    re.IGNORECASE,
)
_EDGES = " \t\"'“”„*_<>[]()|,.:;\u202a\u202c\u200e\u200f\u2068\u2069"


def read_sent(head: list[str]) -> datetime | None:
    """When the message was sent: told by its own header line, or anywhere above it."""
    fields = dict(filter(None, map(read_field, head)))
    if "sent" in fields:
        return read_date(fields["sent"])
    if not any(map(TO_LINE.match, head)):
        return read_date(" ".join(line.strip() for line in head))
    dated = [line for line in takewhile(_is_above, head) if DATED.search(line[:LONGEST])]
    return read_date(dated[-1]) if dated else None


def read_author(head: list[str]) -> Address:
    """Who wrote it; what is not told is empty."""
    fields = dict(filter(None, map(read_field, reversed(head))))
    if fields.get("from"):
        return _person(fields["from"])
    if "subject" in fields or any(map(TO_LINE.match, head)):
        return _person(next(filter(_is_name, takewhile(_is_above, head)), ""))
    return _introduced(" ".join(line.strip() for line in head)[:LONGEST])


def _is_above(line: str) -> bool:
    """Whether a line of a heading is one above its `To:`."""
    kind = read_field(line)
    return TO_LINE.match(line) is None and (kind is None or kind[0] not in ("to", "cc", "subject"))


def _is_name(line: str) -> bool:
    """Whether a line of a heading of Notes can be the name that begins it."""
    line = line.strip()
    told = line and not line[0].isdigit() and not line.startswith("-") and not line.endswith("--")
    return bool(told) and (read_field(line) is None)


def _person(value: str) -> Address:
    """A person as a header line names one: with an address, or with a place in Notes."""
    value = value[:LONGEST]
    address = ADDRESS.search(value)
    behalf = _BEHALF.search(value)
    name = value[: address.start()] if address else value
    name = behalf[1] if behalf else re.split(r"[<\[]|mailto:", name)[0]
    name = _ORGANISATION.sub("", _NOTES_DATE.sub("", name)).strip(_EDGES)
    return _address(name, address)


def _introduced(line: str) -> Address:
    """A person as a line like `On ... wrote:` names one."""
    bracketed = list(BRACKETED.finditer(line))
    address = ADDRESS.search(bracketed[-1][0]) if bracketed else ADDRESS.search(line)
    if bracketed:
        return _address(_name_at_end(line[: bracketed[-1].start()]), address)
    if address:
        return _address(_name_at_end(line[: line.index(address[0])]), address)
    verb = last_verb(line)
    if verb is None:
        return _address(_name_at_end(line), None)
    after = line[verb.end() :].rstrip(":：- ")
    if NAME_FOLLOWS.search(line[: verb.end()]) and after:
        return _address(re.split(r"[\d,(]", after)[0].strip(_EDGES), None)
    return _address(_name_at_end(line[: verb.start()]), None)


def _name_at_end(before: str) -> str:
    """The name that ends a piece of a line, after its date and its verb."""
    quoted = _IN_QUOTES.search(before)
    if quoted:
        return quoted[1].strip(_EDGES)
    verb = last_verb(before)
    before = before[verb.end() :] if verb else before
    before = QUOTING.sub("", OPENS.sub("", before)) if before[:1].isalpha() else before
    piece = re.split(r"[\d,，、;|]", before.rstrip(" \t([<\u202a"))[-1]
    return _BEFORE_NAME.sub("", piece.split("<", 1)[0]).strip(_EDGES)


def _address(name: str, address: re.Match[str] | None) -> Address:
    name = "" if "@" in name or len(name) > _LONGEST_NAME else " ".join(name.split())
    return Address(name=name, address=address[0].lower() if address else "")
