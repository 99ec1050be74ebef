"""HTML bodies on their tree: quotes and signatures off, the rest as text. Pure and total.

The marks that mail programs leave are structural (classes, ids, `blockquote type=cite`); a rule
here names a program's mark, never a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from selectolax.lexbor import LexborHTMLParser, LexborNode

What = Literal["context", "signature", "forwarded"]

_QUOTES: dict[str, tuple[What, str]] = {
    ".moz-cite-prefix": ("context", "a line that introduces a quote"),
    "blockquote[type=cite]": ("context", "a quote"),
    ".gmail_quote": ("context", "a quote"),
    ".gmail_quote_container": ("context", "a quote"),
    ".yahoo_quoted": ("context", "a quote"),
    ".moz-forward-container": ("forwarded", "a forwarded message"),
    ".OutlookMessageHeader": ("context", "a header block"),
    ".protonmail_quote": ("context", "a quote"),
    ".zmail_extra": ("context", "a quote"),
}
_FROM_HERE = ("#appendonsend", "#divRplyFwdMsg", "#mail-editor-reference-message-container")
"""Marks after which everything is quoted."""
_SIGNATURES = (".moz-signature", ".gmail_signature", "#Signature", "#ms-outlook-mobile-signature")
_SILENT = frozenset({"style", "script", "head", "title", "meta", "template", "noscript"})
_BLOCK = frozenset(
    "p div table tr ul ol blockquote h1 h2 h3 h4 h5 h6 pre section article header footer hr".split()
)
_CELL = frozenset({"td", "th"})
_PARAGRAPH = frozenset({"p", "h1", "h2", "h3", "h4", "ul", "ol", "blockquote", "pre"})
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?:px|pt|em|%)?\s*(?:;|!|$)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What was cut off a body, and why."""

    what: What
    why: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A body's own text, and the pieces that were cut off it."""

    text: str
    pieces: tuple[Piece, ...] = ()


def read_html(html: str) -> Page:
    """Cut and render an HTML body."""
    tree = LexborHTMLParser(html)
    if tree.body is None:
        return Page(text=re.sub(r"<[^>]*>", "", html))
    pieces = [
        Piece(what=what, why=why, text=_taken(node))
        for selector, (what, why) in _QUOTES.items()
        for node in _each(tree, selector)
    ]
    pieces += [
        Piece(what="context", why="an original message below", text=_taken_from(node))
        for selector in _FROM_HERE
        for node in _each(tree, selector)
    ]
    pieces += [
        Piece(what="signature", why="a signature's mark", text=_taken(node))
        for selector in _SIGNATURES
        for node in _each(tree, selector)
    ]
    text = render(tree.body) if tree.body is not None else ""
    return Page(text=text, pieces=tuple(piece for piece in pieces if piece.text))


def render(node: LexborNode) -> str:
    """The text of a tree as a reader sees it: paragraphs, line breaks, list items."""
    pieces: list[str] = []
    _render(node, pieces, depth=0, kept=False)
    lines = "".join(pieces).replace("\u00a0", " ").split("\n")
    text = "\n".join(line.rstrip() for line in lines)
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n ")


def _each(tree: LexborHTMLParser, selector: str) -> Iterator[LexborNode]:
    """Nodes to be taken, each found anew: what lay within the one before went with it."""
    while (node := tree.css_first(selector)) is not None:
        yield node


def _taken(node: LexborNode) -> str:
    """The text of a node, which is removed; with a line that introduces a quote goes the quote."""
    texts = [render(node)]
    following = node.next
    while following is not None and following.tag == "-text" and not following.text().strip():
        following = following.next
    if node.tag != "blockquote" and following is not None and following.tag == "blockquote":
        texts.append(render(following))
        following.decompose()
    node.decompose()
    return "\n".join(texts).strip()


def _taken_from(node: LexborNode) -> str:
    taken = []
    following = node.next
    while following is not None:
        after = following.next
        taken.append(render(following) if following.tag != "-text" else following.text())
        following.decompose()
        following = after
    return "\n".join([_taken(node), *taken]).strip()


def _render(node: LexborNode, pieces: list[str], depth: int, *, kept: bool) -> None:
    child = node.child
    while child is not None:
        _render_one(child, pieces, depth, kept=kept)
        child = child.next


def _render_one(node: LexborNode, pieces: list[str], depth: int, *, kept: bool) -> None:
    """Render a node; where white space is `kept`, as in `pre`, it is the text's own."""
    tag = node.tag or ""
    if tag == "-text":
        text = node.text(deep=False)
        text = text if kept else _collapsed(text, pieces)
        pieces.extend([text] if text else [])
    elif tag == "br":
        pieces.append("\n")
    elif tag not in _SILENT and not tag.startswith(("-", "_", "!")) and not _hidden(node):
        edge = "\n\n" if tag in _PARAGRAPH else "\n" if tag in _BLOCK or tag == "li" else ""
        _break(pieces, edge)
        if tag == "li":
            pieces.append("- ")
        if depth < 200:
            _render(node, pieces, depth + 1, kept=kept or tag == "pre")
        else:
            pieces.append(node.text())
        _break(pieces, edge)
        if tag in _CELL:
            pieces.append(" ")


def _collapsed(text: str, pieces: list[str]) -> str:
    """A text's white space as single spaces, none at the beginning of a line."""
    text = re.sub(r"\s+", " ", text)
    starts = not pieces or pieces[-1].endswith((" ", "\n"))
    return text.removeprefix(" ") if starts else text


def _break(pieces: list[str], edge: str) -> None:
    """End the line; two blank edges that meet make one."""
    tail = "".join(pieces[-4:])[-4:].replace(" ", "")
    have = len(tail) - len(tail.rstrip("\n"))
    if pieces and have < len(edge):
        pieces.append("\n" * (len(edge) - have))


def _hidden(node: LexborNode) -> bool:
    return bool(_HIDDEN.search(node.attributes.get("style") or "")) or "hidden" in node.attributes
