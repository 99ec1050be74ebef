"""An HTML body as parts: what mail programs mark, nested as they mark it. Pure and total.

A mark is a class, an id, an element or a line drawn beside or above it. Here they are found; what
they mean for the text around them is for `html` to tell.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from selectolax.lexbor import LexborHTMLParser, LexborNode

from daemon.mailbox.cutting.rendering import Looks, Renderer, Writer, walk

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


@dataclass(slots=True, kw_only=True)
class Part:
    """A marked element: its text and the parts within it, in order. `look`: its attributes."""

    role: Role
    look: str = ""
    children: list[Part | str] = field(default_factory=list)


Children = Sequence[Part | str]


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


def collect(tree: LexborHTMLParser, body: LexborNode) -> Part:
    """The parts of a page, of which each holds its texts and the parts within it."""
    marks = _marks(tree)
    renderer = Renderer(looks=Looks.of(body))
    parts = [Part(role="own")]
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
            part = Part(role=mark.role, look=mark.look)
            parts[-1].children.append(part)
            if mark.role not in ("border", "line"):
                parts.append(part)
                ends.append(node.mem_id)
        renderer.draw(node, opens=opens)
    parts[0].children.append(renderer.writer.text())
    return parts[0]
