"""A mail's body cut into own text, context, signature and forwarded part. Pure and total.

HTML is cut on its tree first (`daemon.mailbox.html`), then both kinds go the same way: forwards and
quotes off, lines of own text between quotes kept, then the signature off the end. Sign-offs are
style and stay. Each cut says what was cut and why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from daemon.mailbox.html import Piece, What, read_html
from daemon.mailbox.signature import signature_start
from mlx_agent.records import Address, ContextMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class CutReason:
    """One cut: what the piece is, why, and the line where it begins (from 1; 0 in HTML)."""

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
    """Where a quote begins: the lines up to `end` introduce it; at the text's end, all is of it."""

    end: int
    why: str


_LONGEST = 300
"""Longer lines introduce nothing; the bound also keeps every search here linear."""
_WROTE = re.compile(
    r"(?:\b(?:wrote|writes|schrieb|schreef|escribió|escreveu|skrev|napisał(?:\(a\))?|kirjoitti|írta"
    r"|napsal(?:\(a\))?)\b|\ba écrit|\bha scritto|написал\(?а?\)?|пишет|写道|のメール)"
    r"[^:：]{0,80}(?:[:：]|-{2,})\s*$",
    re.IGNORECASE,
)
_DATED = re.compile(
    r"\d{1,4}[./\-]\d{1,2}[./\-]\d{1,4}|\d{1,2}:\d{2}|\b(?:19|20)\d{2}\b|\d{1,2}月\d{1,2}日"
)
_BEGINS = re.compile(r"^\s*(?:on|le|am|op|el|il|em|den|dne|dnia|w dniu|a)\b", re.IGNORECASE)
_WHO = re.compile(r"<[^<>\s]+@[^<>\s]+>")
_SIGNED = re.compile(r"\d{1,2}:\d{2}.*<[^<>\s]+@[^<>\s]+>\)?\s*[:：]$")
_BARE = re.compile(  # Gmail's own, before 2016: it ends with the name, and says nothing of writing
    r"^\d{4}[-/]\d{1,2}[-/]\d{1,2}\s+(?:\d{1,2}:\d{2}\s+(?:GMT|UTC)\S*\s+\S.*|\S.*<\S+@\S+>):?\s*$"
)
_ORIGINAL = re.compile(r"^[>\s]*\*?[-_]{2,}\s*(?P<words>[^-_\d@\s][^-_\d@]{3,60}?)[-_]{2,}\*?\s*$")
_ORIGINAL_WORDS = frozenset(
    (
        "original message", "originalnachricht", "ursprüngliche nachricht", "message d'origine",
        "message original", "mensaje original", "messaggio originale", "oorspronkelijk bericht",
        "mensagem original", "ursprungligt meddelande", "oprindelig meddelelse",
        "opprinnelig melding", "alkuperäinen viesti", "wiadomość oryginalna", "původní zpráva",
        "исходное сообщение", "元のメッセージ", "原始邮件",
    )
)  # fmt: skip
_FORWARD = re.compile(
    r"^\s*(?:[-_]{2,}\s*(?:forwarded (?:by|message)|weitergeleitete nachricht|message transféré"
    r"|mensaje reenviado|messaggio inoltrato|doorgestuurd bericht|mensagem encaminhada"
    r"|vidarebefordrat meddelande|videresendt (?:meddelelse|melding))\b.*"
    r"|begin forwarded message:?\s*)$",
    re.IGNORECASE,
)
_RULE = re.compile(r"^[\s*]*[-_=]{5,}[\s*]*$")
_HEADER_LINE = re.compile(
    r"^[>\s|*]*(?P<name>[A-ZÀ-Þ\u0400-\u042f][\w \-']{1,20}|\w{2,6})\*?\s?[:：]\*?\s*\S"
)
_FROM_WORDS = frozenset(
    "from von de da van från fra od lähettäjä feladó от kimden 发件人 差出人 寄件者".split()
)
_FIRST_WORDS = _FROM_WORDS | frozenset("date datum fecha data дата subject".split())
_NOTES_DATE = re.compile(
    r"(?<!\d)\d{1,2}/\d{1,2}/(?:\d{4}|\d{2}) \d{1,2}:\d{2}(?::\d{2})?\s*(?:[AP]M)?\s*$"
)
_NOTES_HEAD = re.compile(r"^(?:\t|\s*(?:Please respond to|Sent by:|From:))")
_TO_LINE = re.compile(r"^\s*To:\s*\S", re.IGNORECASE)
_CC_LINE = re.compile(r"^\s*cc:", re.IGNORECASE)
_SUBJECT_LINE = re.compile(r"^\s*Subject:", re.IGNORECASE)
_QUOTED = re.compile(r"^\s{0,3}[>|](?!From )")


def cut(plain: str | None, html: str | None) -> Cut:
    """Cut a body given as text, as HTML, or as both; the text is preferred."""
    if (plain is None or not plain.strip()) and html:
        return _cut_html(html)
    return _cut_text(plain or "")


def _cut_html(html: str) -> Cut:
    page = read_html(html)
    own = _cut_text(page.text)
    pieces = [replace(p, what="forwarded") if _is_forward(p.text) else p for p in page.pieces]
    return Cut(
        own_text=own.own_text,
        context=(*own.context, *(_split(p.text) for p in pieces if p.what == "context")),
        signature=_joined(own.signature, pieces, "signature"),
        forwarded=_joined(own.forwarded, pieces, "forwarded"),
        cuts=(*(CutReason(what=p.what, why=p.why, line=0) for p in pieces), *own.cuts),
    )


def _joined(first: str, pieces: list[Piece], what: What) -> str:
    return "\n".join(part for part in (first, *(p.text for p in pieces if p.what == what)) if part)


def _is_forward(text: str) -> bool:
    return bool(_FORWARD.match(text.split("\n", 1)[0][:_LONGEST]))


def _cut_text(text: str) -> Cut:
    lines = text.replace("\r\n", "\n").replace("\u00a0", " ").split("\n")
    cuts: list[CutReason] = []
    lines, forwarded = _take_forward(lines, cuts)
    numbers, quotes = _take_quotes(lines, cuts)
    own, signature = _take_signature(lines, numbers, cuts)
    text = "\n".join(line.removeprefix(">") if line.startswith(">From ") else line for line in own)
    return Cut(
        own_text=re.sub(r"\n{3,}", "\n\n", text).strip("\n ").rstrip(),
        context=tuple(message for message in quotes if message.text),
        signature=signature.strip(),
        forwarded=forwarded.strip(),
        cuts=tuple(cuts),
    )


def _take_forward(lines: list[str], cuts: list[CutReason]) -> tuple[list[str], str]:
    for i, line in enumerate(lines):
        if len(line) < _LONGEST and _FORWARD.match(line):
            cuts.append(CutReason(what="forwarded", why="a forwarded message", line=i + 1))
            return lines[:i], "\n".join(lines[i:])
    return lines, ""


def _take_quotes(lines: list[str], cuts: list[CutReason]) -> tuple[list[int], list[ContextMessage]]:
    """Indices of own lines, and the quotes in order. Own lines between quoted ones are kept."""
    own: list[int] = []
    quotes: list[ContextMessage] = []
    notes = _notes_header(lines)
    i = 0
    while i < len(lines):
        whole = _Border(end=len(lines), why="a Notes header")
        border = whole if i == notes else _border(lines, i)
        if border is None:
            own.append(i)
            i += 1
            continue
        _drop_rule(lines, own)
        cuts.append(CutReason(what="context", why=border.why, line=i + 1))
        end = _quote_end(lines, border.end)
        block = lines[i:end]
        quotes.append(_message(block, _head(block) if border.end == end else border.end - i))
        i = end
    return own, quotes


def _drop_rule(lines: list[str], own: list[int]) -> None:
    """Take off the rule that a program draws above what it quotes."""
    filled = [n for n in own[-4:] if lines[n].strip()]
    if filled and _RULE.match(lines[filled[-1]]):
        del own[own.index(filled[-1]) :]


def _border(lines: list[str], i: int) -> _Border | None:
    line = lines[i]
    if _QUOTED.match(line):
        return _Border(end=i, why="quoted lines")
    if not line.strip() or len(line) > _LONGEST:
        return None
    original = _ORIGINAL.match(line)
    if original and (
        original["words"].strip().lower() in _ORIGINAL_WORDS or _header_block(lines, i + 1)
    ):
        return _Border(end=len(lines), why="an original message below")
    if _is_header(line, _FIRST_WORDS) and _header_block(lines, i) >= 3 and _names_sender(lines, i):
        return _Border(end=len(lines), why="a header block")
    return _attribution(lines, i)


def _attribution(lines: list[str], i: int) -> _Border | None:
    """`On ... wrote:`, over up to three lines: known words, or a dated line above a quote."""
    for span in (1, 2, 3):
        below = _next_filled(lines, i + span)
        quoted = below < len(lines) and bool(_QUOTED.match(lines[below]))
        if _introduces(lines[i : i + span], quoted=quoted):
            if span > 1 and not _begins(lines[i]) and any(map(_DATED.search, lines[i + 1 : below])):
                return None  # this line is own text; the next ones will be asked
            return _Border(end=below, why="a line that introduces a quote")
        if i + span >= len(lines) or not lines[i + span - 1].strip():
            break
    return None


def _begins(line: str) -> bool:
    return bool(_BEGINS.match(line) or _DATED.search(line) or _WHO.search(line[:_LONGEST]))


def _introduces(lines: list[str], *, quoted: bool) -> bool:
    """Whether these lines, taken together, introduce what is below; `quoted`: it is marked."""
    joined = " ".join(line.strip() for line in lines)
    if len(joined) > _LONGEST:
        return False
    dated = bool(_DATED.search(joined))
    if _WROTE.search(joined.replace("mailto:", "")):
        return dated or quoted or bool(_WHO.search(joined))
    if dated and _SIGNED.search(joined):
        return True
    return bool(_BARE.match(joined)) or (quoted and dated and joined.endswith((":", "：")))


def _quote_end(lines: list[str], start: int) -> int:
    """Where the quote that begins at `start` ends: at its last quoted line, else with the text."""
    if start >= len(lines) or not _QUOTED.match(lines[start]):
        return len(lines)
    end = start
    while end < len(lines):
        if lines[end].startswith(">") or _QUOTED.match(lines[end]):
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


def _is_header(line: str, words: frozenset[str]) -> bool:
    match = _HEADER_LINE.match(line)
    return match is not None and match["name"].strip().lower() in words


def _names_sender(lines: list[str], i: int) -> bool:
    return any(_is_header(line, _FROM_WORDS) for line in lines[i : i + 4])


def _notes_header(lines: list[str]) -> int | None:
    """Where a Notes header begins: `To:` below a name and a date, or above `cc:` and `Subject:`."""
    for to, line in enumerate(lines):
        if not _TO_LINE.match(line):
            continue
        start, dated = _notes_top(lines, to)
        if dated or _is_memo(lines, to):
            return start
    return None


def _notes_top(lines: list[str], to: int) -> tuple[int, bool]:
    """The first line of the heading that ends at a `To:`, and whether a date is in it."""
    start, dated = to, False
    bottom = to
    while bottom and to - bottom < 20:
        for _ in range(3):
            bottom -= bool(bottom and not lines[bottom - 1].strip())
        top = bottom
        while top and _notes_heading(lines[top - 1]):
            top -= 1
        block = lines[top:bottom]
        if not any(_NOTES_DATE.search(line) or _NOTES_HEAD.match(line) for line in block):
            break
        dated = dated or any(_NOTES_DATE.search(line) for line in block)
        start = bottom = top
    return start, dated


def _notes_heading(line: str) -> bool:
    """Whether a line can be of such a heading: a name, a place, a number, a date."""
    if _NOTES_HEAD.match(line):
        return True
    return bool(line.strip()) and len(line) < 80 and not line.rstrip().endswith(tuple(".?!,;"))


def _is_memo(lines: list[str], to: int) -> bool:
    copied = False
    for line in lines[to + 1 : to + 60]:
        copied = copied or bool(_CC_LINE.match(line))
        if _SUBJECT_LINE.match(line):
            return copied
    return False


def _take_signature(
    lines: list[str], numbers: list[int], cuts: list[CutReason]
) -> tuple[list[str], str]:
    """Own lines without a signature at their end; `numbers` are their places in the body."""
    own = [lines[n] for n in numbers]
    start = signature_start(own)
    if start is None:
        return own, ""
    position, why = start
    cuts.append(CutReason(what="signature", why=why, line=numbers[position] + 1))
    return own[:position], "\n".join(own[position:])


def _split(text: str) -> ContextMessage:
    block = text.split("\n")
    return _message(block, _head(block))


def _head(block: list[str]) -> int:
    """How many lines of a quote introduce it."""
    count = seen = 0
    for i, line in enumerate(block[:60]):
        bare = line[:_LONGEST]
        known = _HEADER_LINE.match(bare) or _CC_LINE.match(bare) or _SUBJECT_LINE.match(bare)
        other = _WROTE.search(bare) or _ORIGINAL.match(bare) or _NOTES_DATE.search(bare)
        if known or other or (seen == i and line.startswith((" ", "\t")) and line.strip()):
            count = seen = i + 1
        elif line.strip() and i > 2:
            break
    return count


def _message(block: list[str], head: int) -> ContextMessage:
    """A quote as a message of the context: its author where its head names one."""
    told = " ".join(line[:_LONGEST] for line in block[: head or 1])
    body = [re.sub(r"^\s*(?:[>|]\s?)+", "", line) for line in block[head:]]
    return ContextMessage(author=_author(told), sent_at=_when(told), text="\n".join(body).strip())


def _author(told: str) -> Address:
    address = re.search(r"<?([\w.+\-]{1,64}@[\w\-]+(?:\.[\w\-]+)+)>?", told)
    named = re.search(
        r"(?:From:|von:|de:)\*?\s*\"?([^<\n\"\[]{2,60}?)\"?\s*(?:<|\[|Sent:|Date:|To:|$)",
        told,
        re.IGNORECASE,
    )
    wrote = re.search(
        r"(?:,|\d)\s+(?:[AP]M,?\s+)?\"?([^,<>\d\"]{2,60}?)\"?\s*(?:<[^>]*>)?\s*"
        r"(?:wrote|schrieb|a écrit)",
        told,
        re.IGNORECASE,
    )
    name = named or wrote
    return Address(
        name=name.group(1).strip() if name else "", address=address.group(1) if address else ""
    )


def _when(told: str) -> datetime | None:
    """The date where it is told in English, as if in UTC; a quote rarely tells its zone."""
    match = re.search(
        r"\b(?:(?P<d>\d{1,2}) (?P<m>[A-Z][a-z]{2})\w*|(?P<m2>[A-Z][a-z]{2})\w* (?P<d2>\d{1,2})),?"
        r" (?P<y>\d{4}),? (?:at )?(?P<t>\d{1,2}:\d{2})(?::\d{2})?\s?(?P<half>[AP]M)?",
        told,
    )
    if not match:
        return None
    half = match["half"] or ""
    day, month = match["d"] or match["d2"], match["m"] or match["m2"]
    form = "%d %b %Y %I:%M %p" if half else "%d %b %Y %H:%M"
    try:
        read = datetime.strptime(  # noqa: DTZ007  # its zone is given below
            f"{day} {month} {match['y']} {match['t']} {half}".strip(), form
        )
    except ValueError:
        return None
    return read.replace(tzinfo=UTC)
