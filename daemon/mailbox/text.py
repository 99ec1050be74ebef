"""A mail's body cut into own text, context, signature and forwarded part. Pure and total.

HTML is cut on its tree first (`daemon.mailbox.html`), then both kinds go the same way: forwards and
quotes off, lines of own text between quotes kept, then the signature off the end. Sign-offs are
style and stay. Each cut says what was cut and why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from daemon.mailbox.html import read_html
from mlx_agent.records import Address, ContextMessage

What = Literal["context", "signature", "forwarded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CutReason:
    """One cut: what the piece is, why, and the line of the body where it begins (from 1)."""

    what: What
    why: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The parts of a body. `context` is nearest first."""

    own_text: str
    context: tuple[ContextMessage, ...]
    signature: str
    forwarded: str
    cuts: tuple[CutReason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Border:
    """Where something that the user did not write begins: lines [start, end) introduce it."""

    start: int
    end: int
    what: What
    why: str


_WROTE = re.compile(
    r"(?:\b(?:wrote|writes|schrieb|schreef|escribió|escreveu|skrev|napisał(?:\(a\))?|kirjoitti|írta"
    r"|napsal(?:\(a\))?)\b|\ba écrit|\bha scritto|написал\(?а?\)?|пишет|写道|のメール)"
    r"[^:：]{0,80}[:：]\s*$",
    re.IGNORECASE,
)
_DATED = re.compile(
    r"\d{1,4}[./\-]\d{1,2}[./\-]\d{1,4}|\d{1,2}:\d{2}|\b(?:19|20)\d{2}\b|\d{1,2}月\d{1,2}日"
)
_ORIGINAL = re.compile(r"^[>\s]*[-_]{2,}\s*(?P<words>[^-_\d@]{4,60}?)\s*[-_]{2,}\s*$")
_FORWARD = re.compile(
    r"^[>\s]*(?:[-_ ]{2,}\s*forwarded (?:by|message)\b.*|begin forwarded message:?\s*"
    r"|[-_]{2,}\s*weitergeleitete nachricht\b.*|[-_]{2,}\s*message transféré\b.*)$",
    re.IGNORECASE,
)
_HEADER_LINE = re.compile(
    r"^[>\s|*]*(?P<name>[A-ZÀ-Þ\u0400-\u042f][\w \-']{1,20}|\w{2,6})\*?\s?[:：]\*?\s*\S"
)
_FROM_WORDS = frozenset(
    "from von de da van från fra od lähettäjä feladó от kimden 发件人 差出人 寄件者".split()
)
_LOTUS = re.compile(
    r"^\s*\S.{0,80}?\s*\d{1,2}/\d{1,2}/(?:\d{2}|\d{4}) \d{1,2}:\d{2}\s*(?:[AP]M)?\s*$"
)
_TO_LINE = re.compile(r"^\s*To:\s*\S", re.IGNORECASE)
_QUOTED = re.compile(r"^\s{0,3}[>|](?!From )")
_DASHES = re.compile(r"^(?:--|— ?|__+|\*\*+)\s*$")
_PHONE_LINE = re.compile(
    r"^[\s\-_*]*(?:sent (?:from|via|by|with)|get outlook for|gesendet (?:von|mit)|von meinem"
    r"|envoyé (?:de|depuis)"
    r"|inviato da|enviado (?:desde|do|de|a partir)|verzonden (?:vanaf|met)|skickat från|sendt fra"
    r"|отправлено с|wysłane z|lähetetty|从我的|iphoneから送信)\b.{0,60}$",
    re.IGNORECASE,
)
_LEGAL = re.compile(
    r"confidential|intended (?:only |solely )?(?:for|recipient)|privileged|unauthori[sz]ed|disclos|"
    r"received this (?:e-?mail|message) in error|vertraulich|confidentiel|riservat",
    re.IGNORECASE,
)
_CONTACT = re.compile(
    r"\+?\(?\d[\d\s().\-/]{6,}\d"
    r"|https?://|www\.|\S+@\S+\.\w+|\b(?:street|avenue|suite|floor|blvd|road)\b",
    re.IGNORECASE,
)


def cut(plain: str | None, html: str | None) -> Cut:
    """Cut a body given as text, as HTML, or as both; the text is preferred."""
    if (plain is None or not plain.strip()) and html:
        page = read_html(html)
        cuts = tuple(CutReason(what="context", why=why, line=0) for why in page.reasons)
        own = _cut_text(page.text)
        context = (*own.context, *(_message(text) for text in page.quotes))
        signature = "\n".join(part for part in (own.signature, *page.signatures) if part)
        return Cut(
            own_text=own.own_text,
            context=context,
            signature=signature,
            forwarded=own.forwarded,
            cuts=(*cuts, *own.cuts),
        )
    return _cut_text(plain or "")


def _cut_text(text: str) -> Cut:
    lines = text.replace("\r\n", "\n").replace("\u00a0", " ").split("\n")
    cuts: list[CutReason] = []
    lines, forwarded = _take_forward(lines, cuts)
    lines, quotes = _take_quotes(lines, cuts)
    lines, signature = _take_signature(lines, cuts)
    own = "\n".join(
        line.replace(">From ", "From ", 1) if line.startswith(">From ") else line for line in lines
    )
    return Cut(
        own_text=re.sub(r"\n{3,}", "\n\n", own).strip("\n ").rstrip(),
        context=tuple(_message(quote) for quote in quotes if quote.strip()),
        signature=signature.strip(),
        forwarded=forwarded.strip(),
        cuts=tuple(cuts),
    )


def _take_forward(lines: list[str], cuts: list[CutReason]) -> tuple[list[str], str]:
    for i, line in enumerate(lines):
        if _FORWARD.match(line):
            cuts.append(CutReason(what="forwarded", why="a forwarded message", line=i + 1))
            return lines[:i], "\n".join(lines[i:])
    return lines, ""


def _take_quotes(lines: list[str], cuts: list[CutReason]) -> tuple[list[str], list[str]]:
    """Own lines, and the quotes in order. Own lines between quoted ones are kept."""
    own: list[str] = []
    quotes: list[str] = []
    i = 0
    while i < len(lines):
        border = _border(lines, i)
        if border is None:
            own.append(lines[i])
            i += 1
            continue
        cuts.append(CutReason(what=border.what, why=border.why, line=border.start + 1))
        end = _quote_end(lines, border.end)
        quotes.append("\n".join(lines[border.start : end]))
        i = end
    return own, quotes


def _border(lines: list[str], i: int) -> _Border | None:
    line = lines[i]
    if _QUOTED.match(line):
        return _Border(start=i, end=i, what="context", why="quoted lines")
    if _ORIGINAL.match(line) and _header_block(lines, i + 1):
        return _Border(start=i, end=len(lines), what="context", why="an original message below")
    if _header_block(lines, i) >= 3 and _is_from(line):
        return _Border(start=i, end=len(lines), what="context", why="a header block")
    if _is_lotus(lines, i):
        return _Border(start=i, end=len(lines), what="context", why="a Notes header")
    return _attribution(lines, i)


def _attribution(lines: list[str], i: int) -> _Border | None:
    """`On ... wrote:`, over up to three lines: known words, or a dated line above a quote."""
    if not lines[i].strip():
        return None
    for span in (1, 2, 3):
        joined = " ".join(line.strip() for line in lines[i : i + span])
        below = _next_filled(lines, i + span)
        quoted_below = below < len(lines) and bool(_QUOTED.match(lines[below]))
        known = bool(_WROTE.search(joined)) and (bool(_DATED.search(joined)) or quoted_below)
        shaped = joined.endswith((":", "：")) and bool(_DATED.search(joined)) and quoted_below
        if len(joined) < 300 and (known or shaped):
            return _Border(start=i, end=below, what="context", why="a line that introduces a quote")
        if i + span >= len(lines) or not lines[i + span - 1].strip():
            break
    return None


def _quote_end(lines: list[str], start: int) -> int:
    """Where the quote that begins at `start` ends: at its last quoted line, else with the text."""
    if start >= len(lines) or not _QUOTED.match(lines[start]):
        return len(lines)
    end = start
    while end < len(lines):
        if _QUOTED.match(lines[end]):
            end += 1
            continue
        following = _next_filled(lines, end)
        if following < len(lines) and following > end and _QUOTED.match(lines[following]):
            end = following
        else:
            break
    return end


def _next_filled(lines: list[str], i: int) -> int:
    while i < len(lines) and not lines[i].strip():
        i += 1
    return i


def _header_block(lines: list[str], i: int) -> int:
    """How many header-like lines follow one another from line i, blank lines before them aside."""
    i = _next_filled(lines, i)
    count = 0
    while i < len(lines) and (
        _HEADER_LINE.match(lines[i]) or (count and lines[i].startswith((" ", "\t")))
    ):
        count += bool(_HEADER_LINE.match(lines[i]))
        i += 1
    return count


def _is_from(line: str) -> bool:
    match = _HEADER_LINE.match(line)
    return bool(match) and match["name"].strip().lower() in _FROM_WORDS if match else False


def _is_lotus(lines: list[str], i: int) -> bool:
    """A Notes header: a name, perhaps on its own line, with a date, and `To:` soon below."""
    for at in (i, i + 1, i + 2):
        if at < len(lines) and _LOTUS.match(lines[at]):
            short = all(len(line) < 80 for line in lines[i : at + 1])
            named = "@" in lines[i] or at == i or not lines[i].rstrip().endswith((".", "?", "!"))
            below = lines[at + 1 : at + 5]
            return short and named and bool(lines[i].strip()) and any(map(_TO_LINE.match, below))
    return False


def _take_signature(lines: list[str], cuts: list[CutReason]) -> tuple[list[str], str]:
    start = _signature_start(lines)
    if start is None:
        return lines, ""
    position, why = start
    cuts.append(CutReason(what="signature", why=why, line=position + 1))
    return lines[:position], "\n".join(lines[position:])


def _signature_start(lines: list[str]) -> tuple[int, str] | None:
    for i, line in enumerate(lines):
        if i and _DASHES.match(line) and len(lines) - i <= 25:
            return i, "a signature separator"
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    found = _legal_start(lines, end) or _contact_start(lines, end)
    for i in range(max(0, end - 3), end):
        if _PHONE_LINE.match(lines[i]):
            return min(i, found[0]) if found else i, "a device's line"
    return found


def _legal_start(lines: list[str], end: int) -> tuple[int, str] | None:
    """The last paragraph, if it speaks as a legal notice does."""
    start = end
    while start and lines[start - 1].strip():
        start -= 1
    text = " ".join(lines[start:end])
    legal = len(text.split()) > 20 and len({m.lower() for m in _LEGAL.findall(text)}) >= 2
    return (start, "a legal notice") if legal and start else None


def _contact_start(lines: list[str], end: int) -> tuple[int, str] | None:
    """A block of at least two contact lines at the end, below a line of the mail."""
    start = end
    while start > 1 and lines[start - 1].strip() and len(lines[start - 1]) < 90 and end - start < 8:
        start -= 1
    block = [i for i in range(start, end) if _CONTACT.search(lines[i])]
    if len(block) < 2 or block[0] == 0:
        return None
    first = block[0]
    while first > start + 1 and len(lines[first - 1].split()) <= 6 and first - start > 1:
        first -= 1
    return first, "a contact block"


def _message(quote: str) -> ContextMessage:
    """A quote as a message of the context: its author where the first lines name one."""
    head = " ".join(quote.split("\n")[:4])
    body = [re.sub(r"^\s*(?:[>|]\s?)+", "", line) for line in quote.split("\n")]
    while body and (
        _WROTE.search(body[0]) or _HEADER_LINE.match(body[0]) or _ORIGINAL.match(body[0])
    ):
        body.pop(0)
    return ContextMessage(author=_author(head), sent_at=_when(head), text="\n".join(body).strip())


def _author(head: str) -> Address:
    address = re.search(r"<?([\w.+\-]+@[\w.\-]+\.\w+)>?", head)
    named = re.search(
        r"(?:From:|von:|de:)\s*\"?([^<\n\"\[]{2,60}?)\"?\s*(?:<|\[|Sent:|Date:|$)",
        head,
        re.IGNORECASE,
    )
    wrote = re.search(
        r",\s*([^,<>\d]{2,60}?)\s*(?:<[^>]*>)?\s*(?:wrote|schrieb|a écrit)", head, re.IGNORECASE
    )
    name = named or wrote
    return Address(
        name=name.group(1).strip() if name else "", address=address.group(1) if address else ""
    )


def _when(head: str) -> datetime | None:
    match = re.search(r"\b(\d{1,2}) (\w{3})\w* (\d{4}),? (?:at )?(\d{1,2}:\d{2})", head)
    if not match:
        return None
    try:
        return datetime.strptime(" ".join(match.groups()) + " +0000", "%d %b %Y %H:%M %z")
    except ValueError:
        return None
