"""An experiment's folder: its tables as Markdown, its figures as CSV, its pictures as SVG.

It holds no text of anybody's mail: names of accounts, of systems, and numbers.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from daemon.files import write_whole
from mlx_agent.evaluate import gallery
from mlx_agent.evaluate.records import Figure, Run, Training
from mlx_agent.evaluate.tables import Table, markdown

TABLES, FIGURES = "tables.md", "figures.csv"


def write(
    folder: Path,
    run: Run,
    figures: Sequence[Figure],
    tables: Sequence[Table],
    trainings: Mapping[str, Training],
) -> list[Path]:
    """Write all of it, in place of what was there; the files.

    Raises OSError, and ExtraMissing when all but the pictures is written and cannot be drawn.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    contents = {
        TABLES: _tables(run, tables).encode(),
        FIGURES: _figures(figures).encode(),
    }
    for name, content in contents.items():
        write_whole(folder / name, content)
    drawn = gallery.of_run(figures, trainings, run.people)
    for name, content in drawn.items():
        write_whole(folder / name, content)
    return [folder / name for name in (*contents, *drawn)]


def _tables(run: Run, tables: Sequence[Table]) -> str:
    settings = ", ".join(f"{name} {value}" for name, value in run.settings.items())
    head = f"# {run.experiment}\n\nRun {run.id}, seed {run.seed}: {settings}.\n"
    return "\n".join([head, *map(markdown, tables)])


def _figures(figures: Sequence[Figure]) -> str:
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(("name", "value", "low", "high", "mails", "measure"))
    rows.writerows((f.name, f.value, f.low, f.high, f.mails, f.measure) for f in figures)
    return out.getvalue()
