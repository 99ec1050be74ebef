"""How pictures look: one style, SVG with text as text, the same bytes for the same data.

Nothing is loaded from outside, and nothing is told by colour alone: lines differ by dash and
marker, cells hold their number. matplotlib is an extra of ours and loaded when first drawn with.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from mlx_agent.errors import extra_needed

Kind = Literal["svg", "png"]

INK = "#111111"
"""Of lines and words. Whoever sets a picture into a page may put the page's own in its place."""
COLOURS = ("#0b5fa5", "#b3450b", "#2f7d32", "#7a3e9d", "#8a6d00", "#5b6770")
DASHES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)))
MARKERS = ("o", "s", "^", "D", "v", "X")
WIDTH = 7.0
"""Inches, of 72 points: an SVG of 672 px."""

_STYLE: Any = {  # of keys that matplotlib lists one by one
    "svg.hashsalt": "trimtab",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.parse_math": False,  # a name may hold a dollar sign
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
}
_METADATA = re.compile(r" *<metadata>.*?</metadata>\n", re.DOTALL)
_DOCTYPE = re.compile(r"<!DOCTYPE[^>]*>\n")


class Sheet:
    """A figure of one or more panels, below each other; `bytes` is the picture once drawn."""

    def __init__(self, figure: Any, panels: list[Any]) -> None:
        self.figure, self.panels = figure, panels
        self.bytes = b""


@contextmanager
def sheet(height: float, *, panels: int = 1, kind: Kind = "svg") -> Iterator[Sheet]:
    """A sheet to draw on, `height` inches high, made bytes when the block ends.

    ExtraMissing without matplotlib.
    """
    with extra_needed("matplotlib", "eval"):
        from matplotlib import rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    with rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(panels, 1, squeeze=False)[:, 0]
        drawn = Sheet(figure, list(axes))
        yield drawn
        out = io.BytesIO()
        figure.savefig(
            out, format=kind, transparent=kind == "svg", dpi=144, metadata=_dateless(kind)
        )
        drawn.bytes = out.getvalue() if kind == "png" else _plain(out.getvalue())


def needed() -> None:
    """Raise ExtraMissing where nothing can be drawn."""
    with extra_needed("matplotlib", "eval"):
        import matplotlib as mpl  # noqa: F401  # only whether it is there


def style(number: int) -> dict[str, Any]:
    """The look of a line, by its number: no two of the first six share dash or marker."""
    at = number % len(COLOURS)
    return {"color": COLOURS[at], "linestyle": DASHES[at], "marker": MARKERS[at]}


def _dateless(kind: Kind) -> dict[str, Any]:
    return {"Date": None} if kind == "svg" else {"Software": None}


def _plain(svg: bytes) -> bytes:
    """Without the block that says who drew it, and without the address of a document type."""
    return _DOCTYPE.sub("", _METADATA.sub("", svg.decode())).encode()
