"""Pieces of HTML: every text escaped, every number under its name. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from daemon.report.drawn import Picture
from daemon.report.records import Number
from daemon.report.words import with_interval
from mlx_agent.differences import changes, words_of

Numbers = Mapping[str, Number]


def paragraph(text: str, *, kind: str = "") -> str:
    """A paragraph of plain words; what stands between backticks is code."""
    said = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
    return f'<p class="{kind}">{said}</p>' if kind else f"<p>{said}</p>"


def number(numbers: Numbers, name: str) -> str:
    """The number of that name, marked with it; nothing where there is none."""
    found = numbers.get(name)
    if found is None:
        return ""
    marked = escape(name, quote=True)
    title = escape(f"{name}: {found.how}", quote=True)
    said, bracket, interval = with_interval(found).partition(" (")
    if bracket:
        said += f" <small>({interval}</small>"
    return f'<span class="n" data-name="{marked}" title="{title}">{said}</span>'


def table(
    caption: str, header: Sequence[str], rows: Iterable[Sequence[str]], *, note: str = ""
) -> str:
    """A table whose first column names its rows. The cells of `rows` are HTML."""
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in header)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>\n'
        for first, *rest in rows
    )
    return (
        f'<div class="wide" tabindex="0"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>"
        + (paragraph(note, kind="note") if note else "")
    )


def picture(shown: Picture) -> str:
    """A picture with what it shows in words."""
    said = escape(shown.said, quote=True)
    svg = shown.svg.replace("<svg", f'<svg role="img" aria-label="{said}"', 1)
    return f'<figure tabindex="0">{svg}<figcaption>{escape(shown.said)}</figcaption></figure>'


def marked(draft: str, real: str) -> str:
    """The draft's words, what the real mail has not struck, what it has instead underlined."""
    words, done, out = words_of(draft), 0, []
    for change in changes(draft, real):
        out += [escape(word) for word in words[done : change.at]]
        if change.removed:
            out.append(f"<del>{escape(change.removed)}</del>")
        if change.put:
            out.append(f"<ins>{escape(change.put)}</ins>")
        done = change.at + len(change.removed.split())
    return " ".join([*out, *(escape(word) for word in words[done:])])
