"""HTML bodies on their tree: quotes and signatures off, the rest as text. Pure and total.

Mail programs mark what they quote, and each in its own way: by a class, an id, a `blockquote`, a
line drawn beside it or above its header. A rule here names such a mark or such a structure, never a
text. What only looks like a quote is one if a line that introduces it says so, or else the user's
own.

The tree is first read into parts, in order, as its marks nest (`parts`); here they are told apart.
Within a quote, quotes are marked by `>` as in plain text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import Literal

from daemon.mailbox.cutting.attributions import attributions
from daemon.mailbox.cutting.parts import Children, Part, Role, collect
from daemon.mailbox.cutting.phrases import FIELDS
from daemon.mailbox.cutting.quotes import read_blocks
from daemon.mailbox.cutting.rendering import render
from daemon.mailbox.cutting.tree import parse

__all__ = ["Page", "Piece", "What", "read_html", "render"]

What = Literal["context", "signature", "forwarded"]
_LABEL = re.compile(r"^\W{0,3}(?P<name>[^\W\d_][^:：@<>]{0,30}?)\s?[:：]\s*\S")
_DATE = re.compile(r"\d{1,2}[:.]\d{2}|(?<!\d)(?:19|20)\d{2}(?!\d)")
_DASHED = re.compile(r"^\W{0,3}[-_]{3,}[^-_].{1,80}[-_]{3,}\s*$")
_SEPARATORS = ("--", "—")
_TAIL = 2000
"""Characters at the end of a text among which an introduction is sought."""
_NEAR = 8
"""Parts, and lines, that are read ahead."""
_QUOTES = ("quote", "frame", "answered", "forward")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What was cut off a body, and why."""

    what: What
    why: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A body's own text, and the pieces that were cut off it, in order.

    A quote's text begins with the line that introduces it. Quotes within it are marked by `>`.
    `whole`: a quote is all there is, and it is left as the text, for nobody can tell whose it is.
    """

    text: str
    pieces: tuple[Piece, ...] = ()
    whole: bool = False


def read_html(html: str) -> Page:
    """Cut and render an HTML body."""
    tree = parse(html)
    if tree.body is None:
        return Page(text=re.sub(r"<[^<>]*>", "", html).strip())
    children = collect(tree, tree.body).children
    if _is_all_quoted(children):
        return Page(text=render(tree.body), whole=True)
    cutter = _Cutter()
    cutter.read(children)
    return cutter.page()


@dataclass(slots=True, kw_only=True)
class _Cutting:
    """A piece while it is gathered: a quote may go on below its first part."""

    what: What
    why: str
    texts: list[str]


@dataclass(slots=True)
class _Cutter:
    """Own texts and what is cut off them, as the parts of a page are read in order."""

    own: list[str] = field(default_factory=list)
    cuttings: list[_Cutting] = field(default_factory=list)
    introduction: str = ""
    """The line that introduces the quote that is read next."""
    below_quote: bool = False
    """Whether a quote was the last thing read."""
    looks: set[str] = field(default_factory=set)
    """Of quotes that were recognised by the line above them: what looks the same is one, too."""

    def page(self) -> Page:
        pieces = [Piece(what=c.what, why=c.why, text="\n\n".join(c.texts)) for c in self.cuttings]
        return Page(text="\n\n".join(self.own), pieces=tuple(pieces))

    def read(self, children: Children) -> None:
        for i, child in enumerate(children):
            if isinstance(child, str):
                self._keep(child)
            elif _ends_own(children, i):
                self._cut_all(children[i:])
                return
            else:
                self._read_part(child, _first(children[i + 1 : i + _NEAR]))

    def _read_part(self, part: Part, following: Part | str) -> None:
        if part.role == "signature":
            self._cut_signature(part)
        elif part.role == "introduction" and _role(following) in ("quote", "likely", "forward"):
            self.introduction = _plain(part.children)
        elif part.role == "frame":
            self._read_frame(part)
        elif part.role == "answered":
            marked = any(line.startswith(">") for line in _plain(part.children).split("\n"))
            (self.read if marked else self._cut_all)(part.children)
        elif part.role in ("quote", "forward"):
            self._cut(part)
        elif part.role == "likely" and self._is_recognised(part, following):
            self.looks.add(part.look)
            self._cut(part)
        else:
            self.read(part.children)

    def _keep(self, text: str) -> None:
        if text:
            self.own.append(text)
            self.below_quote = False

    def _read_frame(self, part: Part) -> None:
        """Cut what introduces a quote, and the quotes; text after them is own text."""
        quotes = [i for i, c in enumerate(part.children) if _role(c) in ("quote", "likely")]
        above = _plain(part.children[: quotes[0]]) if quotes else ""
        kept, head = _split_introduction(above, quoted=True)
        if not quotes or (not head and _DASHED.match(above.split("\n", 1)[0])):
            self._cut(part)
            return
        self._keep(kept if head else "")
        self.introduction = head or above
        self.looks |= {child.look for child in part.children if isinstance(child, Part)}
        self.read(part.children[quotes[0] :])

    def _cut(self, part: Part) -> None:
        """Cut a quote with the line that introduces it; one right below another is of that one."""
        head, text = self._take_introduction(part), _quoted(part.children)
        what: What = "forwarded" if part.role == "forward" else "context"
        if self.below_quote and not head and what == self.cuttings[-1].what:
            self.cuttings[-1].texts += [text] if text else []
        else:
            why = "a forwarded message" if what == "forwarded" else "a quote"
            self._add(what, why, f"{head}\n{text}".strip())

    def _cut_all(self, children: Children) -> None:
        """Cut all of these as quoted, each message below a border or a header by itself."""
        starts = [i for i in range(len(children)) if _ends_own(children, i)]
        starts = [0, *(i for i in starts if i), len(children)]
        for start, end in pairwise(starts):
            self._add("context", "an original message below", _quoted(children[start:end]))

    def _add(self, what: What, why: str, text: str) -> None:
        if text:
            self.cuttings.append(_Cutting(what=what, why=why, texts=[text]))
            self.below_quote = what != "signature"

    def _cut_signature(self, part: Part) -> None:
        """Cut a signature, and the separator above it."""
        text = _plain(part.children)
        above, _, last = self.own[-1].rpartition("\n") if self.own else ("", "", "")
        if text and last.rstrip() in _SEPARATORS:
            self.own[-1:] = [above.rstrip()] if above.strip() else []
        if text.strip("-—_ "):
            self._add("signature", "a signature's mark", text)

    def _take_introduction(self, part: Part) -> str:
        """The line that introduces a quote, taken off the own text above it."""
        head, self.introduction = self.introduction, ""
        if head or not self.own or self.below_quote:
            return head
        kept, head = _split_introduction(self.own[-1], quoted=True)
        if not head and self.own[-1].endswith((":", "：")) and _is_header(part.children):
            kept, _, head = self.own[-1].rpartition("\n")
        if head:
            self.own[-1:] = [kept.rstrip()] if kept.strip() else []
        return head

    def _is_recognised(self, part: Part, following: Part | str) -> bool:
        """Whether what looks like a quote is one: by what is above it, and by its first lines."""
        if self.introduction or part.look in self.looks or self.below_quote or _opens(part):
            return True
        if self.own and _split_introduction(self.own[-1], quoted=False)[1]:
            return True
        return part.look.strip() == "blockquote" and _role(following) in (*_QUOTES, "likely")


def _split_introduction(text: str, *, quoted: bool) -> tuple[str, str]:
    """A text and the line at its end that introduces a quote, if there is one."""
    lines = text[-_TAIL:].split("\n")
    below = [">"] if quoted else []
    marks = [False] * len(lines) + [True] * len(below)
    for start, end in attributions(lines + below, marks, [len(lines) - 1]).items():
        if end == len(lines):
            head = "\n".join(lines[start:])
            return text[: len(text) - len(head)].rstrip(), head
    return text, ""


def _ends_own(children: Children, i: int) -> bool:
    """Whether all from here on is quoted: below a border, or a line above a header."""
    child = children[i]
    if isinstance(child, str) or child.role not in ("border", "line"):
        return False
    return child.role == "border" or _is_header(children[i + 1 : i + 1 + _NEAR])


def _is_header(children: Children) -> bool:
    """Whether a message's header is next: labelled lines, a date, an address or known labels.

    Programs translate the labels; what they say looks the same in any language.
    """
    lines = list(islice(_lines(children), _NEAR))
    labels = [match for match in map(_LABEL.match, lines) if match]
    text = "\n".join(match.string for match in labels)
    known = {FIELDS.get(match["name"].lower(), "other") for match in labels} - {"other"}
    told = len(known) >= 3 or "@" in text
    return told and len(labels) >= 3 and labels[0].string == lines[0] and bool(_DATE.search(text))


def _lines(children: Children) -> Iterator[str]:
    """The first lines of these that hold anything, cut short."""
    for child in children:
        if isinstance(child, str):
            yield from (line[:300] for line in child[:_TAIL].split("\n") if line.strip())
        else:
            yield from _lines(child.children)


def _opens(part: Part) -> bool:
    """Whether a part begins as a quote: with a line that introduces it, a header, or a quote."""
    first = next((i for i, child in enumerate(part.children) if child), None)
    if first is None:
        return False
    child = part.children[first]
    if isinstance(child, Part):
        return child.role in _QUOTES or _ends_own(part.children, first) or _opens(child)
    lines = child[:_TAIL].split("\n")[:_NEAR]
    head, collapsed, _ = lines[0].partition(" > ")
    if collapsed and 0 in attributions([head], [False], [0]):
        return True
    ends = list(range(len(lines)))
    return 0 in attributions(lines, [False] * len(lines), ends) or _is_header(part.children)


def _is_all_quoted(children: Children) -> bool:
    """Whether one quotation is all there is, and neither above it nor in it anything says whose.

    A mail that somebody sent says something; a program would have introduced what it quotes.
    """
    filled = [child for child in children if _plain([child])]
    quote = filled[0] if len(filled) == 1 else ""
    if isinstance(quote, str) or quote.role != "quote":
        return False
    opening = read_blocks(list(islice(_lines(quote.children), _NEAR)))
    introduced = opening[0].kind != "text" or _opens(quote)
    return quote.look.startswith("blockquote ") and not introduced


def _role(part: Part | str) -> Role:
    return "own" if isinstance(part, str) else part.role


def _first(children: Children) -> Part | str:
    """The first part or text that is not empty."""
    return next((child for child in children if child), "")


def _plain(children: Children) -> str:
    texts = [c if isinstance(c, str) else _plain(c.children) for c in children]
    return "\n".join(text for text in texts if text)


def _quoted(children: Children) -> str:
    """The text of a quote, the quotes within it marked by `>`."""
    texts = []
    for child in children:
        text = child if isinstance(child, str) else _quoted(child.children)
        if isinstance(child, Part) and child.role in ("quote", "likely") and text:
            text = "\n".join(f"> {line}".rstrip() for line in text.split("\n"))
        texts += [text] if text else []
    return "\n\n".join(texts)
