"""Pictures of an evaluation, as SVG: from its figures and trainings, and from plain sequences.

Whiskers are bootstrap 95 % intervals.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlx_agent.evaluate.curves import Curve
from mlx_agent.evaluate.drawing import INK, Kind, sheet, style


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A value with its interval; NaN ends have no whiskers."""

    label: str
    value: float
    low: float = math.nan
    high: float = math.nan

    @property
    def whiskers(self) -> tuple[float, float]:
        """How far the interval reaches below and above the value, never less than 0."""
        ends = self.value - self.low, self.high - self.value
        return (0.0, 0.0) if any(map(math.isnan, ends)) else (max(ends[0], 0), max(ends[1], 0))


def shares(series: Mapping[str, Sequence[Dot]], *, label: str, kind: Kind = "svg") -> bytes:
    """Shares (0 to 1) as dots with whiskers, a row for each label, a line at 50 %."""
    rows = list(dict.fromkeys(dot.label for dots in series.values() for dot in dots))
    with sheet(1.2 + 0.38 * len(rows), kind=kind) as drawn:
        (axes,) = drawn.panels
        axes.axvline(50, color=INK, linewidth=0.8, linestyle="--")
        for number, (name, dots) in enumerate(series.items()):
            shift = 0.24 * (number - (len(series) - 1) / 2)
            axes.errorbar(
                [100 * dot.value for dot in dots],
                [rows.index(dot.label) + shift for dot in dots],
                xerr=[[100 * dot.whiskers[side] for dot in dots] for side in (0, 1)],
                label=name,
                capsize=3,
                **{**style(number), "linestyle": "none"},
            )
        axes.set_xlim(-3, 103)
        axes.set_xticks(range(0, 101, 25))
        axes.set_xlabel(label)
        axes.set_yticks(range(len(rows)), rows)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        drawn.figure.legend(loc="outside upper right", ncols=len(series))
    return drawn.bytes


def heat(
    cells: Mapping[tuple[str, str], float],
    people: Sequence[str],
    *,
    title: str,
    percent: bool,
    kind: Kind = "svg",
) -> bytes:
    """A matrix, agents down and mails across, its numbers in its cells, the diagonal framed.

    `cells` are by whose agent it is and whose mail; what is missing or NaN is left blank.
    """
    values = [[cells.get((owner, who), math.nan) for who in people] for owner in people]
    with sheet(1.6 + 0.42 * len(people), kind=kind) as drawn:
        from matplotlib.colors import LinearSegmentedColormap
        from matplotlib.patches import Rectangle

        (axes,) = drawn.panels
        pale = LinearSegmentedColormap.from_list("pale", ["#ffffff", "#8fbce6"])
        top = 1.0 if percent else None
        axes.pcolormesh(values, cmap=pale, vmin=0, vmax=top, edgecolors="#777777", linewidth=0.5)
        for row, of_owner in enumerate(values):
            for column, value in enumerate(of_owner):
                _cell(axes, row, column, value, percent=percent)
            axes.add_patch(Rectangle((row, row), 1, 1, fill=False, edgecolor="#000000", lw=2.5))
        middles = [place + 0.5 for place in range(len(people))]
        turned = {"rotation": 35, "ha": "right"} if max(map(len, people)) * len(people) > 60 else {}
        axes.set_xticks(middles, people, **turned)
        axes.set_yticks(middles, people)
        axes.invert_yaxis()
        axes.tick_params(length=0)
        axes.set(xlabel="mail of", ylabel="agent of", title=title)
    return drawn.bytes


def _cell(axes: object, row: int, column: int, value: float, *, percent: bool) -> None:
    if not math.isnan(value):
        said = f"{value:.0%}" if percent else f"{value:.2f}"
        axes.text(  # type: ignore[attr-defined]  # of matplotlib, which has no types here
            column + 0.5, row + 0.5, said, ha="center", va="center", color="#000000"
        )


def losses(curves: Mapping[str, Curve], *, kind: Kind = "svg") -> bytes:
    """Loss over the training, above what was trained on, below what was held out."""
    held = any(curve.valid for curve in curves.values())
    with sheet(5.4 if held else 3.2, panels=2 if held else 1, kind=kind) as drawn:
        for number, (name, curve) in enumerate(curves.items()):
            for axes, points in zip(drawn.panels, (curve.train, curve.valid), strict=False):
                across = [100 * at for at, _ in points]
                down = [loss for _, loss in points]
                axes.plot(
                    across, down, label=name, markevery=max(1, len(points) // 6), **style(number)
                )
        for axes, said in zip(drawn.panels, ("training", "validation"), strict=False):
            axes.set(title=f"On the {said} lessons", ylabel="loss (nats a token)", xlim=(0, 102))
        drawn.panels[-1].set_xlabel("% of the training's steps")
        _legend(drawn.panels[0], len(curves))
    return drawn.bytes


def lines(
    panels: Sequence[tuple[Mapping[str, Sequence[Dot]], str, bool]],
    *,
    across: str,
    kind: Kind = "svg",
) -> bytes:
    """Panels below each other with the same labels across.

    A panel is its lines, what it measures with the unit, and whether it has a line at 0. A name
    looks the same in all of them.
    """
    every = [dot.label for series, _, _ in panels for dots in series.values() for dot in dots]
    labels = list(dict.fromkeys(every))
    names = list(dict.fromkeys(name for series, _, _ in panels for name in series))
    with sheet(0.6 + 2.7 * len(panels), panels=len(panels), kind=kind) as drawn:
        for axes, (series, down, zero) in zip(drawn.panels, panels, strict=True):
            if zero:
                axes.axhline(0, color=INK, linewidth=0.8, linestyle="--")
            for number, (name, dots) in enumerate(series.items()):
                shift = 0.06 * (number - (len(series) - 1) / 2)
                axes.errorbar(
                    [labels.index(dot.label) + shift for dot in dots],
                    [dot.value for dot in dots],
                    yerr=[[dot.whiskers[side] for dot in dots] for side in (0, 1)],
                    label=name,
                    capsize=3,
                    **style(names.index(name)),
                )
            axes.set_xticks(range(len(labels)), labels)
            axes.set_xlim(-0.5, len(labels) - 0.5)
            axes.set_ylabel(down)
            _legend(axes, len(series))
        drawn.panels[-1].set_xlabel(across)
    return drawn.bytes


def lengths(pairs: Mapping[str, Sequence[tuple[float, float]]], *, kind: Kind = "svg") -> bytes:
    """Words of drafts (down) against those of the real mails (across), with the diagonal.

    `pairs` are by whose drafts they are: words of the real mail, and of the draft.
    """
    every = [words for some in pairs.values() for pair in some for words in pair]
    top = 1.08 * max([*every, 1])
    with sheet(4.6, kind=kind) as drawn:
        (axes,) = drawn.panels
        axes.plot([0, top], [0, top], color=INK, linewidth=0.8, linestyle="--")
        for number, (name, some) in enumerate(pairs.items()):
            axes.plot(
                [real for real, _ in some],
                [draft for _, draft in some],
                label=name,
                markerfacecolor="none",
                **{**style(number), "linestyle": "none"},
            )
        axes.set(xlabel="words of the real mail", ylabel="words of the draft")
        axes.set(xlim=(0, top), ylim=(0, top), aspect="equal")
        axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1))
    return drawn.bytes


def _legend(axes: object, count: int) -> None:
    if count > 1:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))  # type: ignore[attr-defined]
