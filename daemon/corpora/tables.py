"""CSV files of gigabytes as a stream of rows: the file is never in memory, and no row stops it.

Fields are read by their columns' names, wherever these stand: All the News 2.0 comes with two
columns of row numbers in front of those that are documented, and without.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from daemon.corpora.records import Name, Skipped
from daemon.research_errors import CorpusUnreadable

FIELD = 32 * 1024 * 1024
"""Characters of one field. More means a quote that is never closed; the row is left out then."""
BROKEN, SHORT = "a row that is no CSV", "a row with too few fields"

Row = dict[str, str]


def rows(corpus: Name, path: Path, columns: Sequence[str]) -> Iterator[Row | Skipped]:
    """Each row's fields of these columns; raises CorpusUnreadable for the file itself."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            yield from _rows(csv.reader(file), corpus, path, columns)
    except OSError as error:
        raise CorpusUnreadable(corpus, path, error.strerror or "unreadable") from error


def _rows(
    reader: Iterator[list[str]], corpus: Name, path: Path, columns: Sequence[str]
) -> Iterator[Row | Skipped]:
    csv.field_size_limit(FIELD)  # of the module, and far above what anybody else here needs
    header = next(_read(reader), None)
    names = [] if header is None else [name.strip().lower() for name in header]
    if missing := [name for name in columns if name not in names]:
        raise CorpusUnreadable(corpus, path, f"it has no column {missing[0]}")
    places = {name: names.index(name) for name in columns}
    for row in _read(reader):
        if row is None:
            yield Skipped(BROKEN)
        elif len(row) <= max(places.values()):
            if row:  # a blank line is none
                yield Skipped(SHORT)
        else:
            yield {name: row[place] for name, place in places.items()}


def _read(reader: Iterator[list[str]]) -> Iterator[list[str] | None]:
    """Each row, None for one that cannot be read."""
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield None
