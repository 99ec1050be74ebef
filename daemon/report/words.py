"""Numbers of the report as people read them, and their explanations. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator

from daemon.report.records import Explanation, Number, Row, Unit

_FORMATS: dict[Unit, str] = {
    "count": "{:.0f}",
    "share": "{:.0%}",
    "distance": "{:.3f}",
    "usd": "{:.4f} USD",
    "loss": "{:.3f}",
    "words": "{:.0f}",
    "seconds": "{:.0f} s",
}


def said(value: float, unit: Unit) -> str:
    """A number with its unit; what is none, as a dash."""
    return "-" if math.isnan(value) else _FORMATS[unit].format(value)


def with_interval(number: Number) -> str:
    """The number, and its interval where it has one."""
    text = said(number.value, number.unit)
    if number.low is None or number.high is None or math.isnan(number.low):
        return text
    return f"{text} ({said(number.low, number.unit)} to {said(number.high, number.unit)})"


def explained(found: Explanation) -> Iterator[str]:
    """The explanation, line by line."""
    number = found.number
    yield f"{number.name}: {with_interval(number)}"
    yield f"  It is {number.how}."
    if number.run:
        yield f"  Run {number.run}."
    yield f"  Rows: {len(found.rows)}."
    yield from (f"    {_row(row)}" for row in found.rows)
    if found.lost:
        yield f"  Trials that are there no more: {', '.join(found.lost)}."
    yield f"  {_verdict(found)}"


def _row(row: Row) -> str:
    about = " ".join(part for part in (row.person, row.mail, row.system) if part)
    values = ", ".join(f"{value:.6g}" for value in row.values)
    parts = [
        f"{row.kind} {row.id}",
        f"against {row.against}" if row.against else "",
        about,
        f"[{values}]" if values else "",
    ]
    return " ".join(part for part in parts if part) + f": {row.adds:.6g}"


def _verdict(found: Explanation) -> str:
    if found.again is None:
        return "No row is left to compute it from, so that it cannot be confirmed."
    ends = f" ({found.low:.6g} to {found.high:.6g})" if found.low is not None else ""
    again = f"Computed again from them: {found.again:.6g}{ends}"
    if found.agrees:
        return f"{again}, which agrees."
    return f"{again}, which DISAGREES with {found.number.value:.6g}."
