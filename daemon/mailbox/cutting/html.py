"""HTML bodies on their tree: quotes and signatures off, the rest as text. Pure and total.

Mail programs mark what they quote, and each in its own way: by a class, an id, a `blockquote`, a
line drawn beside it or above its header. A rule here names such a mark or such a structure, never a
text. What only looks like a quote is one if a line that introduces it says so, or else the user's
own.

First the tree is read into parts, in order, as its marks nest (`_collect`), then they are told
apart (`_Cutter`). Within a quote, quotes are marked by `>` as in plain text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import Literal

from selectolax.lexbor import LexborHTMLParser, LexborNode

from daemon.mailbox.cutting.attributions import attributions
from daemon.mailbox.cutting.phrases import FIELDS
from daemon.mailbox.cutting.rendering import Looks, Renderer, Writer, render, walk
from daemon.mailbox.cutting.tree import parse

__all__ = ["Page", "Piece", "What", "read_html", "render"]

What = Literal["context", "signature", "forwarded"]
Role = Literal[
    "own",
    "quote",  # marked as one
    "frame",  # holds the line that introduces a quote, the quote, and perhaps text after it
    "answered",  # holds the mail that is answered, and perhaps answers within it
    "likely",  # looks like a quote
    "forward",
    "signature",
    "introduction",  # the line above a quote
    "border",  # all that follows is quoted
    "line",  # drawn, perhaps, above a header and all that is quoted
]

_QUOTE_NAME = re.compile(r"_quote(?:d|_container)?(?:\s|$)", re.IGNORECASE)
_SIGNATURE_NAME = re.compile(r"signature(?:_block\S*|_prefix)?(?:\s|$)", re.IGNORECASE)
_MARKS: tuple[tuple[Role, str, re.Pattern[str] | None], ...] = (
    ("forward", ".moz-forward-container, #isForwardContent, .forwardContentMessage", None),
    (
        "quote",
        (
            'blockquote[type="cite" i], blockquote[cite^="mid:" i], blockquote[data-skiff-mail], '
            '[class*="yahoo_quoted"], .iosymail, .front-blockquote, .clean_bq, .history_container, '
            'div[name="quote"], blockquote[name="quote"], [data-marker="__QUOTED_TEXT__"], '
            "#isReplyContent, #origbody, #reply139content, #oriMsgHtmlSeperator, "
            "#blockquote_zmail, #OLK_SRC_BODY_SECTION"
        ),
        None,
    ),
    (
        "frame",
        (
            "div.gmail_quote, div.protonmail_quote, .zmail_extra, #zmail_extra, "
            '[name="messageReplySection"]'
        ),
        None,
    ),
    ("answered", '[id$="mail-editor-reference-message-container"]', None),
    ("quote", '[class*="_quote" i]', _QUOTE_NAME),
    ("introduction", ".moz-cite-prefix, #reply-intro, .airmail_on, .airmail_ext_on", None),
    (
        "border",
        (
            '[id$="appendonsend" i], [id$="divRplyFwdMsg"], .OutlookMessageHeader, '
            'hr#stopSpelling, hr#replySplit, hr#zwchr, [data-marker="__DIVIDER__"], '
            '[name="_MailOriginal"]'
        ),
        None,
    ),
    ("signature", '[class*="signature" i]', _SIGNATURE_NAME),
    (
        "signature",
        (
            '[id$="signature" i]:not(#AppleMailSignature), signature, [data-signatureblock], '
            '[name="messageSignatureSection"], [data-marker^="__SIG"], #bloop_sign, #_rc_sig, '
            '[id^="Zm-_Id_-Sgn"], #lineBreakAtBeginningOfSignature + div'
        ),
        None,
    ),
    ("likely", 'blockquote, div[style*="border-left" i]', None),
    ("line", 'hr, div[style*="border-top" i]', None),
)
"""The marks of mail programs, and for some of them how a class that holds the word must end. Of an
element's marks the first counts. Apple Mail has a signature's id on what the user wrote, too."""
_LINED = re.compile(r"border-left(?:-\w+)?\s*:\s*(?!none|0|medium none)", re.IGNORECASE)
_UNLINED = re.compile(r"border\s*:\s*(?:none|0|medium none)", re.IGNORECASE)
"""Gmail's indented paragraphs are quotes without a line beside them."""
_DEEPEST = 40
"""Marks within marks; those deeper are read as text of the part around them."""
_LABEL = re.compile(r"^\W{0,3}(?P<name>[^\W\d_][^:：@<>]{0,30}?)\s?[:：]\s*\S")
_DATE = re.compile(r"\d{1,2}[:.]\d{2}|(?<!\d)(?:19|20)\d{2}(?!\d)")
_DASHED = re.compile(r"^\W{0,3}[-_]{3,}[^-_].{1,80}[-_]{3,}\s*$")
_SEPARATORS = ("--", "—")
_TAIL = 2000
"""Characters at the end of a text among which an introduction is sought."""
_NEAR = 8
"""Parts, and lines, that are read ahead."""


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
    """

    text: str
    pieces: tuple[Piece, ...] = ()


def read_html(html: str) -> Page:
    """Cut and render an HTML body."""
    tree = parse(html)
    if tree.body is None:
        return Page(text=re.sub(r"<[^<>]*>", "", html).strip())
    cutter = _Cutter()
    cutter.read(_collect(tree, tree.body).children)
    return cutter.page()


# --- parts ------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class _Part:
    """A marked element: its text and the parts within it, in order. `look`: its attributes."""

    role: Role
    look: str = ""
    children: list[_Part | str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    role: Role
    look: str


def _marks(tree: LexborHTMLParser) -> dict[int, _Mark]:
    """What each marked element is, by its `mem_id`."""
    found: dict[int, _Mark] = {}
    for role, selector, ending in _MARKS:
        for node in tree.css(selector):
            attributes = node.attributes
            name, style = attributes.get("class") or "", attributes.get("style") or ""
            indented = role == "likely" and _UNLINED.search(style) and not _LINED.search(style)
            if not indented and (ending is None or ending.search(name)):
                found.setdefault(node.mem_id, _Mark(role=role, look=f"{node.tag} {name} {style}"))
    return found


def _collect(tree: LexborHTMLParser, body: LexborNode) -> _Part:
    """The parts of a page, of which each holds its texts and the parts within it."""
    marks = _marks(tree)
    renderer = Renderer(looks=Looks.of(body))
    parts = [_Part(role="own")]
    ends: list[int] = []
    for node, opens in walk(body, renderer.looks):
        mark = marks.get(node.mem_id)
        closes = not opens and bool(ends) and ends[-1] == node.mem_id
        if closes or (opens and mark is not None and len(parts) <= _DEEPEST):
            parts[-1].children.append(renderer.writer.text())
            renderer.writer = Writer()
        if closes:
            ends.pop()
            parts.pop()
        elif opens and mark is not None and len(parts) <= _DEEPEST:
            part = _Part(role=mark.role, look=mark.look)
            parts[-1].children.append(part)
            if mark.role not in ("border", "line"):
                parts.append(part)
                ends.append(node.mem_id)
        renderer.draw(node, opens=opens)
    parts[0].children.append(renderer.writer.text())
    return parts[0]


# --- cutting ----------------------------------------------------------------------------------

_Children = Sequence[_Part | str]
_QUOTES = ("quote", "frame", "answered", "forward")


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

    def read(self, children: _Children) -> None:
        for i, child in enumerate(children):
            if isinstance(child, str):
                self._keep(child)
            elif _ends_own(children, i):
                self._cut_all(children[i:])
                return
            else:
                self._read_part(child, _first(children[i + 1 : i + _NEAR]))

    def _read_part(self, part: _Part, following: _Part | str) -> None:
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

    def _read_frame(self, part: _Part) -> None:
        """Cut what introduces a quote, and the quotes; text after them is own text."""
        quotes = [i for i, c in enumerate(part.children) if _role(c) in ("quote", "likely")]
        above = _plain(part.children[: quotes[0]]) if quotes else ""
        kept, head = _split_introduction(above, quoted=True)
        if not quotes or (not head and _DASHED.match(above.split("\n", 1)[0])):
            self._cut(part)
            return
        self._keep(kept if head else "")
        self.introduction = head or above
        self.looks |= {child.look for child in part.children if isinstance(child, _Part)}
        self.read(part.children[quotes[0] :])

    def _cut(self, part: _Part) -> None:
        """Cut a quote with the line that introduces it; one right below another is of that one."""
        head, text = self._take_introduction(part), _quoted(part.children)
        what: What = "forwarded" if part.role == "forward" else "context"
        if self.below_quote and not head and what == self.cuttings[-1].what:
            self.cuttings[-1].texts += [text] if text else []
        else:
            why = "a forwarded message" if what == "forwarded" else "a quote"
            self._add(what, why, f"{head}\n{text}".strip())

    def _cut_all(self, children: _Children) -> None:
        """Cut all of these as quoted, each message below a border or a header by itself."""
        starts = [i for i in range(len(children)) if _ends_own(children, i)]
        starts = [0, *(i for i in starts if i), len(children)]
        for start, end in pairwise(starts):
            self._add("context", "an original message below", _quoted(children[start:end]))

    def _add(self, what: What, why: str, text: str) -> None:
        if text:
            self.cuttings.append(_Cutting(what=what, why=why, texts=[text]))
            self.below_quote = what != "signature"

    def _cut_signature(self, part: _Part) -> None:
        """Cut a signature, and the separator above it."""
        text = _plain(part.children)
        above, _, last = self.own[-1].rpartition("\n") if self.own else ("", "", "")
        if text and last.rstrip() in _SEPARATORS:
            self.own[-1:] = [above.rstrip()] if above.strip() else []
        if text.strip("-—_ "):
            self._add("signature", "a signature's mark", text)

    def _take_introduction(self, part: _Part) -> str:
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

    def _is_recognised(self, part: _Part, following: _Part | str) -> bool:
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


def _ends_own(children: _Children, i: int) -> bool:
    """Whether all from here on is quoted: below a border, or a line above a header."""
    child = children[i]
    if isinstance(child, str) or child.role not in ("border", "line"):
        return False
    return child.role == "border" or _is_header(children[i + 1 : i + 1 + _NEAR])


def _is_header(children: _Children) -> bool:
    """Whether a message's header is next: labelled lines, a date, an address or known labels.

    Programs translate the labels; what they say looks the same in any language.
    """
    lines = list(islice(_lines(children), _NEAR))
    labels = [match for match in map(_LABEL.match, lines) if match]
    text = "\n".join(match.string for match in labels)
    known = {FIELDS.get(match["name"].lower(), "other") for match in labels} - {"other"}
    told = len(known) >= 3 or "@" in text
    return told and len(labels) >= 3 and labels[0].string == lines[0] and bool(_DATE.search(text))


def _lines(children: _Children) -> Iterator[str]:
    """The first lines of these that hold anything, cut short."""
    for child in children:
        if isinstance(child, str):
            yield from (line[:300] for line in child[:_TAIL].split("\n") if line.strip())
        else:
            yield from _lines(child.children)


def _opens(part: _Part) -> bool:
    """Whether a part begins as a quote: with a line that introduces it, a header, or a quote."""
    first = next((i for i, child in enumerate(part.children) if child), None)
    if first is None:
        return False
    child = part.children[first]
    if isinstance(child, _Part):
        return child.role in _QUOTES or _ends_own(part.children, first) or _opens(child)
    lines = child[:_TAIL].split("\n")[:_NEAR]
    head, collapsed, _ = lines[0].partition(" > ")
    if collapsed and 0 in attributions([head], [False], [0]):
        return True
    ends = list(range(len(lines)))
    return 0 in attributions(lines, [False] * len(lines), ends) or _is_header(part.children)


def _role(part: _Part | str) -> Role:
    return "own" if isinstance(part, str) else part.role


def _first(children: _Children) -> _Part | str:
    """The first part or text that is not empty."""
    return next((child for child in children if child), "")


def _plain(children: _Children) -> str:
    texts = [c if isinstance(c, str) else _plain(c.children) for c in children]
    return "\n".join(text for text in texts if text)


def _quoted(children: _Children) -> str:
    """The text of a quote, the quotes within it marked by `>`."""
    texts = []
    for child in children:
        text = child if isinstance(child, str) else _quoted(child.children)
        if isinstance(child, _Part) and child.role in ("quote", "likely") and text:
            text = "\n".join(f"> {line}".rstrip() for line in text.split("\n"))
        texts += [text] if text else []
    return "\n\n".join(texts)
