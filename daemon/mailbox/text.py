"""A mail's body cut into own text, context, signature and forwarded part. Pure and total.

HTML is cut on its tree first (`cutting.html`), then both kinds go the same way: forwards and quotes
off (`cutting.quotes`), lines of own text between quotes kept, then the signature off the end.
Sign-offs are style and stay. Each cut says what was cut and why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from daemon.mailbox.cutting.attributions import on_own_lines
from daemon.mailbox.cutting.context import context_of, quoted_messages
from daemon.mailbox.cutting.html import Piece, What, read_html
from daemon.mailbox.cutting.marks import marked, unmarked
from daemon.mailbox.cutting.phrases import LONGEST
from daemon.mailbox.cutting.quotes import Block, read_blocks
from daemon.mailbox.cutting.signature import signature_start
from daemon.mailbox.cutting.tails import split_tail
from daemon.records import Tails
from mlx_agent.records import ContextMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class CutReason:
    """One cut: what the piece is, why, and the line where it begins (from 1; 0 in HTML)."""

    what: What
    why: str
    line: int


LOST, ALONE = "whose marks are lost", "that is all there is"
"""So ends the reason where nobody can tell where a quote ends: only its introduction is cut, or
nothing at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The parts of a body. `context` is nearest first."""

    own_text: str
    context: tuple[ContextMessage, ...]
    signature: str
    forwarded: str
    cuts: tuple[CutReason, ...]

    @property
    def is_unsure(self) -> bool:
        """Whether words of a quote may be among the own text."""
        return any(reason.why.endswith((LOST, ALONE)) for reason in self.cuts)


def cut(plain: str | None, html: str | None) -> Cut:
    """Cut a body given as text, as HTML, or as both; the text is preferred."""
    if (plain is None or not plain.strip()) and html:
        return _cut_html(html)
    return _cut_text(plain or "")


def uncited(own_text: str) -> str:
    """Own text without the lines that its user cites, which are another's words."""
    if ">" not in own_text and "|" not in own_text:
        return own_text
    lines = own_text.split("\n")
    kept = [line for line, mark in zip(lines, marked(lines), strict=True) if not mark]
    return _tidy(kept)


def written(plain: str | None, html: str | None, tails: Tails) -> tuple[str, str]:
    """What a person wrote in a body, and the signature below it, as of a mail in the store."""
    parts = cut(plain, html)
    own_text, tail = split_tail(uncited(parts.own_text), tails)
    return own_text, "\n".join(filter(None, (tail, parts.signature)))


def _cut_html(html: str) -> Cut:
    page = read_html(html)
    own = _whole(page.text) if page.whole else _cut_text(page.text)
    pieces = [replace(p, what="forwarded") if _is_forward(p.text) else p for p in page.pieces]
    quoted = [m for p in pieces if p.what == "context" for m in quoted_messages(p.text)]
    return Cut(
        own_text=own.own_text,
        context=(*own.context, *quoted),
        signature=_joined(own.signature, pieces, "signature"),
        forwarded=_joined(own.forwarded, pieces, "forwarded"),
        cuts=(*(CutReason(what=p.what, why=p.why, line=0) for p in pieces), *own.cuts),
    )


def _whole(text: str) -> Cut:
    reason = CutReason(what="context", why=f"a quote {ALONE}", line=0)
    return Cut(own_text=text.strip(), context=(), signature="", forwarded="", cuts=(reason,))


def _joined(first: str, pieces: list[Piece], what: What) -> str:
    return "\n".join(part for part in (first, *(p.text for p in pieces if p.what == what)) if part)


def _is_forward(text: str) -> bool:
    blocks = read_blocks([text.split("\n", 1)[0][:LONGEST]])
    return bool(blocks and blocks[0].forward)


def _cut_text(text: str) -> Cut:
    text = text.replace("\r\n", "\n").replace("\u00a0", " ")
    lines = on_own_lines(text).split("\n")
    taken = _take_quotes(lines, read_blocks(lines))
    own, signature = _take_signature(lines, taken)
    return Cut(
        own_text=_tidy(own),
        context=tuple(context_of(lines, taken.quotes)),
        signature=signature.strip(),
        forwarded="\n".join(taken.forwarded).strip(),
        cuts=tuple(taken.cuts),
    )


def _tidy(lines: list[str]) -> str:
    """Lines as a text, without heaps of blank ones and the signs of an mbox."""
    text = "\n".join(
        line.removeprefix(">") if line.startswith(">From ") else line for line in lines
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n ").rstrip()


@dataclass(slots=True)
class _Taken:
    """What is left when the quotes are off: indices of own lines, and what was taken."""

    own: list[int] = field(default_factory=list)
    quotes: list[Block] = field(default_factory=list)
    forwarded: list[str] = field(default_factory=list)
    cuts: list[CutReason] = field(default_factory=list)


def _take_quotes(lines: list[str], blocks: list[Block]) -> _Taken:
    """Take the quotes and forwards off; after a heading, all is of them."""
    taken = _Taken()
    filled = [b for b in blocks if b.kind != "text" or any(map(str.strip, lines[b.start : b.end]))]
    cited, lost = _cited(lines, filled), _is_lost(filled)
    for i, block in enumerate(filled):
        unended = lost and block.introduces
        if block.kind == "text" or block is cited:
            taken.own += range(block.start, block.end)
            taken.quotes += [block] if block is cited else []
        elif unended:
            taken.own += range(block.head_end, block.end)
            taken.cuts.append(_reason(block, f"{block.why} {LOST}"))
        else:
            rest = filled[i:] if block.kind == "heading" else [block]
            taken.cuts.append(_reason(block, block.why))
            if block.forward:
                taken.forwarded += lines[block.start : rest[-1].end]
            else:
                taken.quotes += rest
        if block.kind == "heading" and not unended:
            break
    return taken


def _reason(block: Block, why: str) -> CutReason:
    what: What = "forwarded" if block.forward else "context"
    return CutReason(what=what, why=why, line=block.start + 1)


def _cited(lines: list[str], blocks: list[Block]) -> Block | None:
    """Marked lines that open a mail and that nothing introduces: the user set them there.

    A program that quotes says whom, above the quote or in its first line; and where there are
    more quotes than one, the user answers point by point. Such a passage stays, with its marks, and
    is of the context too.
    """
    if not blocks or blocks[0].kind != "marked" or blocks[0].head_end > blocks[0].start:
        return None
    if sum(block.kind == "marked" for block in blocks) > 1:
        return None
    passage = [unmarked(line) for line in lines[blocks[0].start : blocks[0].end]]
    introduced = any(block.kind != "text" for block in read_blocks(passage)[:1])
    return None if introduced else blocks[0]


def _is_lost(blocks: list[Block]) -> bool:
    """Whether a mail opens with an introduction and no marks follow it: they were lost.

    Nobody can tell then where the quote ends. A mail that somebody sent says something, so the text
    stays, and only the introductions go.
    """
    return bool(blocks) and blocks[0].kind == "heading" and blocks[0].introduces


def _take_signature(lines: list[str], taken: _Taken) -> tuple[list[str], str]:
    """Own lines without a signature at their end, and the signature."""
    own = [lines[n] for n in taken.own]
    start = signature_start(own)
    if start is None:
        return own, ""
    position, why = start
    taken.cuts.append(CutReason(what="signature", why=why, line=taken.own[position] + 1))
    return own[:position], "\n".join(own[position:])
