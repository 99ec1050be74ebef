"""How values become columns and back: times as text, floats that may be NaN.

Pure. Fails with ValueError for a naive time: the store holds aware UTC only.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime


def to_text(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds, so that text order is time order; ValueError if naive."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def to_moment(text: str) -> datetime:
    """The aware UTC time that `to_text` wrote."""
    return datetime.fromisoformat(text)


def to_optional_moment(text: str | None) -> datetime | None:
    """As `to_moment`; None stays None."""
    return None if text is None else to_moment(text)


def to_float(value: float | None) -> float:
    """SQLite stores NaN as NULL; this reads it back."""
    return math.nan if value is None else value
