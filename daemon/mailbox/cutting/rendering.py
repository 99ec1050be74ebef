"""An HTML tree as the text that a reader sees. Pure, total, and linear in the tree's size.

`walk` goes through what is seen of a tree, and a `Renderer` writes that as lines: paragraphs, list
items, line breaks, white space as it is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from selectolax.lexbor import LexborNode

from daemon.mailbox.cutting.hiding import by_sheets, hides, painted_over, sized

_SILENT = frozenset(
    "audio canvas datalist head iframe math meta noembed noframes noscript object script style "
    "svg template title video x-menu xml".split()
)
_BLOCK = frozenset(
    "address article aside caption center dd details div dl dt fieldset figcaption figure footer "
    "form header hr legend li main nav section summary table tbody tfoot thead tr".split()
)
_PARAGRAPH = frozenset("blockquote dir h1 h2 h3 h4 h5 h6 menu ol p pre ul".split())
_LIST = frozenset({"dir", "menu", "ol", "ul"})
_CELL = frozenset({"td", "th"})
_SPACE = re.compile(r"[\t\n\r\f][ \t\n\r\f]*| [ \t\n\r\f]+")
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff\r\0")) | {0xA0: " "}
_WHITE_SPACE = re.compile(r"white-space(?:-collapse)?\s*:\s*([\w-]+)", re.IGNORECASE)
_KEEPS_SPACE = ("pre", "break-spaces")
_MARGIN = re.compile(r"(?:^|[;\s])margin(-top|-bottom)?\s*:\s*([^;!]+)", re.IGNORECASE)
_NO_MARGIN = 0.05
"""Word writes `.0001pt` for none."""
_WINGDINGS = str.maketrans({"J": "☺", "K": "😐", "L": "☹", "à": "→", "ß": "←", "ü": "✓"})
"""Outlook's own replacements of `:)` and `->` as one types."""


def render(node: LexborNode) -> str:
    """The text of a tree as a reader sees it: paragraphs, line breaks, list items."""
    renderer = Renderer(looks=Looks.of(node))
    for part, opens in walk(node, renderer.looks):
        renderer.draw(part, opens=opens)
    return renderer.writer.text()


def walk(root: LexborNode, looks: Looks) -> Iterator[tuple[LexborNode, bool]]:
    """Each node that is seen, in order, and whether it opens; texts only open."""
    above: list[LexborNode] = []
    node: LexborNode | None = root
    while node is not None:
        enters = _is_seen(node, looks)
        child = None
        if enters:
            yield node, True
            whole = node.mem_id in looks.leaves or node.mem_id in looks.bullets
            child = None if whole or node.tag == "-text" else node.child
        if child is not None:
            above.append(node)
            node = child
            continue
        if enters and node.tag != "-text":
            yield node, False
        while above and node.next is None:
            node = above.pop()
            yield node, False
        node = node.next if above else None


def _is_seen(node: LexborNode, looks: Looks) -> bool:
    tag = node.tag or ""
    if tag == "-text":
        return True
    return tag not in _SILENT and tag[0] not in "-_!" and node.mem_id not in looks.hidden


# --- looks ------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class Looks:
    """What style sheets and attributes say of elements, by their `mem_id`."""

    hidden: set[int] = field(default_factory=set)
    spaced: dict[int, bool] = field(default_factory=dict)
    """Whether white space is kept."""
    unseen: dict[int, bool] = field(default_factory=dict)
    """Whether text has no size."""
    painted_over: dict[int, bool] = field(default_factory=dict)
    """Whether text has the colour of its ground."""
    tight: dict[int, bool] = field(default_factory=dict)
    """Whether a paragraph has no space around it."""
    leaves: dict[int, str] = field(default_factory=dict)
    """Elements that are drawn as this text."""
    bullets: set[int] = field(default_factory=set)
    """Word's signs of list items, of which each is drawn as a whole."""

    @classmethod
    def of(cls, root: LexborNode) -> Looks:
        looks = cls()
        looks._read_sheets(root)
        for node, style in by_sheets(root.parser) if root.parser is not None else ():
            looks._read_style(node, style)
        looks.painted_over = painted_over(root)
        for node in root.css("[hidden]"):
            looks.hidden.add(node.mem_id)
        for node in root.css("[style]"):
            looks._read_style(node, node.attributes.get("style") or "")
        for node in root.css("img[alt]"):
            looks.leaves[node.mem_id] = _emoji(node.attributes.get("alt") or "")
        for node in root.css('[face*="wingdings" i], [style*="wingdings" i]'):
            child = node.child
            if child is not None and len(child.text_content or "") == 1:
                looks.leaves[node.mem_id] = (child.text_content or "").translate(_WINGDINGS)
        looks.bullets = {n.mem_id for n in root.css('[style*="mso-list:ignore" i]')}
        return looks

    def _read_sheets(self, root: LexborNode) -> None:
        """Margins of paragraphs, where the page's own style sheet gives them."""
        margins: dict[str, bool] = {"p.mso": True}
        parser = root.parser
        for sheet in parser.css("style") if parser is not None else ():
            for rule in sheet.text().replace("<!--", "").split("}"):
                selectors, _, declared = rule.rpartition("{")
                tight = _is_tight(declared[:1000])
                for selector in selectors.rpartition("{")[2].lower()[:1000].split(","):
                    if tight is not None and selector.strip() in {"p", "p.msonormal"}:
                        margins[selector.strip()] = tight
        for node in root.css("p"):
            of_word = (node.attributes.get("class") or "").lower().startswith("mso")
            word = margins.get("p.msonormal", margins["p.mso"])
            self.tight[node.mem_id] = word if of_word else margins.get("p", False)

    def _read_style(self, node: LexborNode, style: str) -> None:
        if hides(style):
            self.hidden.add(node.mem_id)
        unseen = sized(style)
        if unseen is not None:
            self.unseen[node.mem_id] = unseen
        space = _WHITE_SPACE.findall(style)
        if space:
            self.spaced[node.mem_id] = space[-1].lower().startswith(_KEEPS_SPACE)
        tight = _is_tight(style)
        if tight is not None:
            self.tight[node.mem_id] = tight


def _is_tight(declared: str) -> bool | None:
    """Whether these declarations leave no space above and below; None where they say nothing."""
    edges: dict[str, str] = {}
    for side, value in _MARGIN.findall(declared):
        values = value.split()
        if side:
            edges[side.lower()] = value
        elif values:
            edges = {"-top": values[0], "-bottom": values[2 if len(values) > 2 else 0]}
    if not all(map(_is_nothing, edges.values())):
        return False
    return True if len(edges) == 2 else None


def _is_nothing(length: str) -> bool:
    number = re.match(r"\s*([\d.]{1,12})", length)
    try:
        return number is not None and float(number[1]) < _NO_MARGIN
    except ValueError:
        return False


def _emoji(alt: str) -> str:
    """An image's text where it is a sign, as of an emoji; words describe what is not text."""
    alt = alt.strip()
    is_sign = len(alt) <= 16 and not any(map(str.isalpha, alt)) and any(c > "\u2000" for c in alt)
    return alt if is_sign else ""


def _bullet(text: str) -> str:
    """Word's bullet or number of a list item: a letter of a symbol font, or what it looks like."""
    text = text.replace("\u00a0", " ").strip()
    return f"{text} " if len(text) > 1 else "- "


# --- drawing ----------------------------------------------------------------------------------


@dataclass(slots=True)
class Writer:
    """Text as it is drawn, line by line."""

    pieces: list[str] = field(default_factory=list)
    newlines: int = 2
    """How many end the text; at its beginning there are as many as one may want."""
    spaced: bool = True
    """Whether a space here would not be seen."""
    at_item: bool = False
    """Whether a list item's sign was written, which the item's first paragraph follows."""

    def write(self, text: str) -> None:
        """Add text whose white space is collapsed."""
        if _SPACE.search(text):
            text = _SPACE.sub(" ", text)
        if self.spaced:
            text = text.removeprefix(" ")
        if text:
            self.write_as_is(text)

    def write_item(self, sign: str) -> None:
        self.write_as_is(sign)
        self.at_item = True

    def write_as_is(self, text: str) -> None:
        self.pieces.append(text)
        self.at_item = False
        self.spaced = text.endswith((" ", "\n"))
        if self.spaced:
            lines = len(text) - len(text.rstrip("\n"))
            if lines == len(text):
                self.newlines += lines
            elif lines or text.strip(" \t"):
                self.newlines = lines
        else:
            self.newlines = 0

    def end_line(self, newlines: int) -> None:
        """End the line, and leave a blank one for 2, unless that is done."""
        if self.newlines < newlines and not self.at_item:
            self.write_as_is("\n" * (newlines - self.newlines))

    def text(self) -> str:
        text = "".join(self.pieces).translate(_INVISIBLE)
        text = "\n".join(line.rstrip() for line in text.split("\n"))
        return re.sub(r"\n{3,}", "\n\n", text).strip("\n ")


@dataclass(slots=True, kw_only=True)
class Renderer:
    """Draws the nodes of a walk on `writer`, which may be changed between two nodes."""

    looks: Looks
    writer: Writer = field(default_factory=Writer)
    _spaced: list[bool] = field(default_factory=lambda: [False])
    _unseen: list[bool] = field(default_factory=lambda: [False])
    _over: list[bool] = field(default_factory=lambda: [False])
    _lists: list[Iterator[str]] = field(default_factory=list)

    def draw(self, node: LexborNode, *, opens: bool) -> None:
        tag = node.tag or ""
        if tag == "-text":
            self._draw_text(node.text_content or "")
        elif tag == "br":
            if opens:
                self.writer.write_as_is("\n")
        elif opens:
            self._open(node, tag)
        else:
            self._close(node, tag)

    def _draw_text(self, text: str) -> None:
        if self._unseen[-1] or self._over[-1]:
            return
        if self._spaced[-1]:
            self.writer.write_as_is(text.replace("\r\n", "\n"))
        else:
            self.writer.write(text)

    def _open(self, node: LexborNode, tag: str) -> None:
        self._break(node, tag)
        key = node.mem_id
        keeps = self.looks.spaced.get(key, tag in {"pre", "textarea"} or self._spaced[-1])
        self._spaced.append(keeps)
        self._unseen.append(self.looks.unseen.get(key, self._unseen[-1]))
        self._over.append(self.looks.painted_over.get(key, self._over[-1]))
        if tag in _LIST:
            self._lists.append(_numbers(node) if tag == "ol" else _dashes())
        elif tag == "li":
            indent = "  " * (min(len(self._lists), 20) - 1)
            self.writer.write_item(indent + next(self._lists[-1] if self._lists else _dashes()))
        elif tag == "q":
            self.writer.write_as_is("“")
        if key in self.looks.bullets:
            self.writer.write_item(_bullet(node.text()))
        else:
            self.writer.write(self.looks.leaves.get(key, ""))

    def _close(self, node: LexborNode, tag: str) -> None:
        self._spaced.pop()
        self._unseen.pop()
        self._over.pop()
        if tag in _LIST:
            self._lists.pop()
        elif tag == "q":
            self.writer.write_as_is("”")
        elif tag in _CELL:
            self.writer.write(" ")
        elif tag == "li":
            self.writer.at_item = False
        self._break(node, tag)

    def _break(self, node: LexborNode, tag: str) -> None:
        if tag in _PARAGRAPH:
            alone = not self.looks.tight.get(node.mem_id) and not (tag in _LIST and self._lists)
            self.writer.end_line(2 if alone else 1)
        elif tag in _BLOCK:
            self.writer.end_line(1)


def _dashes() -> Iterator[str]:
    while True:
        yield "- "


def _numbers(node: LexborNode) -> Iterator[str]:
    start = node.attributes.get("start") or ""
    number = int(start) if start.isascii() and start.isdigit() and len(start) < 6 else 1
    letters = {"a": "abcdefghijklmnopqrstuvwxyz", "A": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    signs = letters.get(node.attributes.get("type") or "", "")
    while True:
        yield f"{signs[number - 1] if 0 < number <= len(signs) else number}. "
        number += 1
