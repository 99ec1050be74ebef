"""How commands print: tables and bars for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

console = Console()
progress_console = Console(stderr=True)

LABELS = {
    "sync": "Syncing",
    "import": "Importing",
    "teach": "Teaching",
    "train": "Training",
    "gate": "Judging",
}


def say(text: str) -> None:
    """A line for people on standard output; where it is no terminal, it is not cut into lines."""
    console.print(text, soft_wrap=not console.is_terminal, markup=False, highlight=False)


def print_json(data: Any) -> None:
    """One JSON document on standard output, and nothing else there."""
    console.file.write(json.dumps(data, indent=2, ensure_ascii=False) + "\n")


@contextmanager
def progress_bar() -> Iterator[Callable[[dict[str, Any]], None]]:
    """A live bar fed by a job's progress as the socket gives it (`step`, `done`, `total`, `note`).

    It is drawn on standard error, and only on a terminal. A step is over when the next one begins,
    for a job's last report may fall between two looks at it.
    """
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(bar_width=32),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}", style="dim"),
    )
    silent = not progress_console.is_terminal
    with Progress(*columns, console=progress_console, disable=silent) as bars:
        tasks: dict[str, TaskID] = {}

        def show(progress: dict[str, Any]) -> None:
            step = progress["step"]
            if step not in tasks:
                _fill(bars)
                label = LABELS.get(step, step.capitalize())
                tasks[step] = bars.add_task(label, total=None, note="")
            bars.update(
                tasks[step],
                completed=progress["done"],
                total=progress["total"],
                note=progress.get("note", ""),
            )

        yield show
        _fill(bars)


def _fill(bars: Progress) -> None:
    for task in bars.tasks:
        bars.update(task.id, total=task.total or 1, completed=task.total or 1)
