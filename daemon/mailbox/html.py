"""HTML bodies on their tree: quotes and signatures off, the rest as text. Pure and total.

The marks that mail programs leave are structural (classes, ids, `blockquote type=cite`); a rule
here names a program's mark, never a text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

_QUOTES = {
    "blockquote[type=cite]": "a quote",
    ".gmail_quote": "a quote",
    ".gmail_quote_container": "a quote",
    ".yahoo_quoted": "a quote",
    ".moz-cite-prefix": "a line that introduces a quote",
    ".moz-forward-container": "a forwarded message",
    ".OutlookMessageHeader": "a header block",
    ".protonmail_quote": "a quote",
    ".zmail_extra": "a quote",
}
_FROM_HERE = ("#appendonsend", "#divRplyFwdMsg", "#mail-editor-reference-message-container")
"""Marks after which everything is quoted."""
_SIGNATURES = (".moz-signature", ".gmail_signature", "#Signature", "#ms-outlook-mobile-signature")
_SILENT = frozenset({"style", "script", "head", "title", "meta", "template", "noscript"})
_BLOCK = frozenset(
    "p div table tr ul ol blockquote h1 h2 h3 h4 h5 h6 pre section article header footer hr".split()
)
_PARAGRAPH = frozenset({"p", "h1", "h2", "h3", "h4", "ul", "ol", "blockquote", "pre"})
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A body's own text, and what was cut off it; `reasons` has one entry for each quote."""

    text: str
    quotes: tuple[str, ...]
    signatures: tuple[str, ...]
    reasons: tuple[str, ...]


def read_html(html: str) -> Page:
    """Cut and render an HTML body."""
    tree = LexborHTMLParser(html)
    body = tree.body
    if body is None:
        return Page(text=re.sub(r"<[^>]*>", "", html), quotes=(), signatures=(), reasons=())
    quotes, reasons = _take_quotes(tree)
    signatures = [_taken(node) for selector in _SIGNATURES for node in tree.css(selector)]
    return Page(
        text=render(tree.body or body),
        quotes=tuple(q for q in quotes if q),
        signatures=tuple(s for s in signatures if s),
        reasons=tuple(reasons),
    )


def render(node: LexborNode) -> str:
    """The text of a tree as a reader sees it: paragraphs, line breaks, list items."""
    pieces: list[str] = []
    _render(node, pieces, depth=0)
    text = re.sub(r"[ \t]*\n[ \t]*", "\n", "".join(pieces).replace("\u00a0", " "))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _take_quotes(tree: LexborHTMLParser) -> tuple[list[str], list[str]]:
    quotes, reasons = [], []
    for selector, why in _QUOTES.items():
        for node in tree.css(selector):
            quotes.append(_taken(node))
            reasons.append(why)
    for selector in _FROM_HERE:
        for node in tree.css(selector):
            quotes.append(_taken_from(node))
            reasons.append("an original message below")
    return quotes, reasons


def _taken(node: LexborNode) -> str:
    text = render(node)
    node.decompose()
    return text


def _taken_from(node: LexborNode) -> str:
    taken = []
    following = node.next
    while following is not None:
        after = following.next
        taken.append(render(following) if following.tag != "-text" else following.text())
        following.remove()
        following = after
    return "\n".join([_taken(node), *taken]).strip()


def _render(node: LexborNode, pieces: list[str], depth: int) -> None:
    child = node.child
    while child is not None:
        _render_one(child, pieces, depth)
        child = child.next


def _render_one(node: LexborNode, pieces: list[str], depth: int) -> None:
    tag = node.tag or ""
    if tag == "-text":
        pieces.append(re.sub(r"\s+", " ", node.text(deep=False)))
    elif tag == "br":
        pieces.append("\n")
    elif tag not in _SILENT and not tag.startswith(("-", "_", "!")) and not _hidden(node):
        edge = "\n\n" if tag in _PARAGRAPH else "\n" if tag in _BLOCK or tag == "li" else ""
        _break(pieces, edge)
        if tag == "li":
            pieces.append("- ")
        if depth < 200:
            _render(node, pieces, depth + 1)
        else:
            pieces.append(node.text())
        _break(pieces, edge)


def _break(pieces: list[str], edge: str) -> None:
    """End the line; two blank edges that meet make one."""
    tail = "".join(pieces[-4:])[-4:].replace(" ", "")
    have = len(tail) - len(tail.rstrip("\n"))
    if pieces:
        pieces.append("\n" * max(0, len(edge) - have))


def _hidden(node: LexborNode) -> bool:
    return bool(_HIDDEN.search(node.attributes.get("style") or "")) or "hidden" in node.attributes
