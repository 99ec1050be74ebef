"""A tree of any HTML text, at a bounded cost.

The standard's parser (selectolax, Lexbor) reads everything, but some inputs cost it far more than
their length: elements left open, elements nested thousands deep, thousands of attributes. None of
them is in a mail that somebody wrote; each is taken off before.
"""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser

_DEEPEST = 10_000
"""Elements open at once. The standard's parser takes time in proportion to depth for each tag."""
_FORMATTING = "(?:a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)(?=[\\s/>])"
"""Elements that the standard's parser opens anew in each block that follows, if left open: 17 KB of
them make a million nodes. None of them changes the text."""
_CHOICES = "(?:option|optgroup)(?=[\\s/>])"
"""Elements of which 100,000 take the parser two minutes, in a menu that is not read."""
_RENAMED = tuple(
    (re.compile(f"<{sign}{names}", re.IGNORECASE), f"<{sign}{name}")
    for names, name in (
        (_FORMATTING, "span"),
        (_CHOICES, "span"),
        ("select(?=[\\s/>])", "x-menu"),
    )
    for sign in ("", "/")
)
_LONG_TAG = re.compile(r"(<[a-zA-Z][^\s<>]{0,30}+)[^<>]{20000,}+(?=>)")
"""A tag of thousands of attributes, each compared with all before it, or of an image in a URL."""
_TAG = re.compile(r"<(/?)([a-zA-Z][\w:-]{0,30})")
_UNNESTED = frozenset(
    "area base br col dd dt embed hr img input li link meta p param source track wbr".split()
)
"""Elements that are empty, or that their like ends."""
_LINES = frozenset("blockquote br div h1 h2 h3 h4 li ol p pre table td tr ul".split())


def parse(html: str) -> LexborHTMLParser:
    """A tree of an HTML text, whatever it is; one too deep for any reader comes as its lines."""
    if len(html) > 20_000:
        html = _LONG_TAG.sub(r"\1", html)
    if html.count("<") > _DEEPEST and _is_deep(html):
        html = _flat(html)
    for tags, name in _RENAMED:
        html = tags.sub(name, html)
    return LexborHTMLParser(html)


def _is_deep(html: str) -> bool:
    depth = 0
    open_tags: dict[str, int] = {}
    for tag in _TAG.finditer(html):
        name = tag[2].lower()
        if name in _UNNESTED:
            continue
        count = open_tags.get(name, 0)
        step = -1 if tag[1] else 1
        if count + step >= 0:
            open_tags[name] = count + step
            depth += step
        if depth > _DEEPEST:
            return True
    return False


def _flat(html: str) -> str:
    """Its lines alone, without their tree."""
    lines: list[str] = []
    silent = ""
    for piece in re.split(r"(<[^<>]*>)", html):
        tag = _TAG.match(piece)
        name = tag[2].lower() if tag else ""
        if silent or name in {"script", "style", "title"}:
            silent = "" if tag and tag[1] and name == silent else silent or name
        elif tag:
            lines.append("<br>" if name in _LINES and not tag[1] else "")
        else:
            lines.append(piece)
    return "".join(lines)
