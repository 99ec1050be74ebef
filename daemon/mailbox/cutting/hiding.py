"""What of a page nobody sees: by a style of its own, by a style sheet, by its colours. Pure.

Whoever writes a mail that a model may read can put words into it that no person reads. The usual
ways to do so are known here; a page's other ways to the same end are not its text's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

_NOTHING = r"[01]?(?:\.0*)?(?:px|pt|em|%)?"
_HIDDEN = re.compile(
    r"(?:^|[;\s])(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)"
    r"|max-height\s*:\s*0(?:\.0+)?(?:px|pt|em)?\s*(?:[;!]|$)"
    r"|opacity\s*:\s*0?(?:\.0\d*)?%?\s*(?:[;!]|$)"
    r"|(?:left|right|top|bottom|text-indent|margin-left|margin-top)\s*:\s*-\d{3,6}"
    rf"|clip\s*:\s*rect\(\s*(?:{_NOTHING}[\s,]*){{4}}\)|clip-path\s*:\s*(?:inset\(\s*(?:[5-9]\d|100)%"
    r"|circle\(\s*0)|transform\s*:\s*scale\(\s*0?(?:\.0\d*)?\s*[,)])",
    re.IGNORECASE,
)
_NO_BOX = re.compile(
    rf"(?:^|[;\s])(?:max-)?(?:width|height)\s*:\s*{_NOTHING}\s*(?:[;!]|$)", re.IGNORECASE
)
_CUT = re.compile(r"overflow(?:-[xy])?\s*:\s*(?:hidden|clip)", re.IGNORECASE)
_SHOWN = re.compile(r"(?:^|[;\s])display\s*:\s*(?!none)\w", re.IGNORECASE)
_SIZE = re.compile(r"(?:^|[;\s])font(?:-size)?\s*:([^;!]{1,200})", re.IGNORECASE)
_UNSEEN = re.compile(
    r"(?:^|\s)(?:0(?:\.0\d*)?(?:px|pt|em|rem|%)?|0?\.\d+(?:px|pt|%)|\.0\d*r?em|1px)(?:[\s/]|$)",
    re.IGNORECASE,
)
"""A size at which text is hidden, unless an element within has another one, as in many layouts."""
_COMMENT = re.compile(r"/\*.*?\*/|<!--|-->", re.DOTALL)
_INK = re.compile(r"(?:^|[;\s])color\s*:\s*([^;!]{1,60})", re.IGNORECASE)
_PAPER = re.compile(r"(?:^|[;\s])background(?:-color)?\s*:\s*([^;!]{1,200})", re.IGNORECASE)
_COLOUR = re.compile(
    r"#([0-9a-f]{3,8})\b|rgba?\(([^()]{1,60})\)|\b(white|black|transparent|snow|ivory)\b",
    re.IGNORECASE,
)
_NAMED = {"white": (255, 255, 255), "snow": (255, 250, 250), "ivory": (255, 255, 240)}
_NAMED |= {"black": (0, 0, 0)}
_NEAR = 10
"""Steps of 256 by which two colours may differ and still look the same."""
_RULES = 60
"""Rules of style sheets that hide something and are followed; no mail program writes as many."""
_HIGHEST = 60
"""Elements above one in which its colours are sought."""

Colour = tuple[int, int, int] | str
"""Red, green and blue; or `transparent`, or `unknown`."""


def hides(style: str) -> bool:
    """Whether these declarations hide an element with all that is in it."""
    return bool(_HIDDEN.search(style)) or bool(_NO_BOX.search(style) and _CUT.search(style))


def sized(style: str) -> bool | None:
    """Whether text has no size by these declarations; None where they say nothing of it."""
    sizes = _SIZE.findall(style)
    return bool(_UNSEEN.search(sizes[-1])) if sizes else None


def by_sheets(parser: LexborHTMLParser) -> Iterator[tuple[LexborNode, str]]:
    """Each element that a rule of a style sheet hides, and the rule's declarations."""
    rules = (rule for sheet in parser.css("style") for rule in _rules(sheet.text()))
    hiding = [(selector, said) for selector, said in rules if hides(said) or sized(said)]
    for selector, said in hiding[:_RULES]:
        try:
            found = parser.css(selector)
        except SelectolaxError:
            continue
        for node in found:
            if not _SHOWN.search(node.attributes.get("style") or ""):
                yield node, said


def _rules(sheet: str) -> Iterator[tuple[str, str]]:
    """Selector and declarations of each rule that holds on any screen."""
    above: list[str] = []
    text = ""
    for piece in re.split(r"([{}])", _COMMENT.sub("", sheet)):
        if piece == "{":
            above.append(text.strip())
        elif piece == "}":
            selector = above.pop() if above else ""
            if text and all(re.fullmatch(r"@media\s+(?:all|screen)", one) for one in above):
                yield selector[:1000], text[:1000]
            text = ""
            continue
        text = "" if piece in "{}" else piece


def painted_over(root: LexborNode) -> dict[int, bool]:
    """Of the elements that have colours of their own, whether their text has that of its ground.

    Nothing, if that were so of all text: a program that writes on black sends its letters white.
    """
    coloured = [
        node
        for node in root.css("[style*='color' i], [style*='background' i], [bgcolor], [color]")
        if _ink(node) or _paper(node)
    ]
    over = {node.mem_id: _is_painted_over(node) for node in coloured}
    hidden = [node for node in coloured if over[node.mem_id]]
    said = sum(len("".join((node.text() or "").split())) for node in hidden)
    return over if said < len("".join((root.text() or "").split())) else {}


def _is_painted_over(node: LexborNode) -> bool:
    ink, paper = _nearest(node, _ink), _nearest(node, _paper) or (255, 255, 255)
    if ink == "transparent":
        return True
    if ink is None or isinstance(ink, str) or isinstance(paper, str):
        return False
    return all(abs(a - b) <= _NEAR for a, b in zip(ink, paper, strict=True))


def _nearest(node: LexborNode, read: Callable[[LexborNode], Colour | None]) -> Colour | None:
    """The colour of an element, or of the nearest above that has one."""
    above: LexborNode | None = node
    for _ in range(_HIGHEST):
        if above is None:
            return None
        if found := read(above):
            return found
        above = above.parent
    return "unknown"


def _ink(node: LexborNode) -> Colour | None:
    said = _INK.findall(node.attributes.get("style") or "")
    return _colour(said[-1] if said else (node.attributes.get("color") or ""))


def _paper(node: LexborNode) -> Colour | None:
    said = _PAPER.findall(node.attributes.get("style") or "")
    found = _colour(said[-1] if said else (node.attributes.get("bgcolor") or ""))
    return None if found == "transparent" else found


def _colour(said: str) -> Colour | None:
    """The colour that a value names; None for no value, or one that leaves it as it is."""
    said = said.strip().lower()
    if not said or said in {"inherit", "initial", "none", "auto", "windowtext"}:
        return None
    match = _COLOUR.search(said)
    if match is None or "url(" in said or "gradient" in said:
        return "unknown"
    if match[3]:
        return _NAMED.get(match[3], "transparent")
    return _of_digits(match[1]) if match[1] else _of_parts(match[2])


def _of_digits(digits: str) -> Colour:
    if len(digits) < 6:
        digits = "".join(2 * digit for digit in digits)
    red, green, blue = (int(digits[i : i + 2] or "0", 16) for i in (0, 2, 4))
    return "transparent" if digits[6:] == "00" else (red, green, blue)


def _of_parts(said: str) -> Colour:
    parts = [float(part) for part in re.findall(r"\d{1,3}(?:\.\d{1,4})?|\.\d{1,4}", said)]
    if len(parts) < 3:
        return "unknown"
    red, green, blue = map(round, parts[:3])
    return "transparent" if len(parts) > 3 and parts[3] < 0.1 else (red, green, blue)
