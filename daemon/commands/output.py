"""How commands print: tables and bars for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

console = Console()
progress_console = Console(stderr=True)

LABELS = {"sync": "Syncing", "import": "Importing", "teach": "Teaching", "train": "Training"}


def print_json(data: Any) -> None:
    """One JSON document on standard output, and nothing else there."""
    console.file.write(json.dumps(data, indent=2, ensure_ascii=False) + "\n")


@contextmanager
def progress_bar() -> Iterator[Callable[[dict[str, Any]], None]]:
    """A live bar fed by a job's progress as the socket gives it (`step`, `done`, `total`, `note`).

    It is drawn on standard error, and only on a terminal.
    """
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(bar_width=32),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}", style="dim"),
    )
    with Progress(*columns, console=progress_console) as bars:
        tasks: dict[str, Any] = {}

        def show(progress: dict[str, Any]) -> None:
            step = progress["step"]
            if step not in tasks:
                label = LABELS.get(step, step.capitalize())
                tasks[step] = bars.add_task(label, total=None, note="")
            bars.update(
                tasks[step],
                completed=progress["done"],
                total=progress["total"],
                note=progress.get("note", ""),
            )

        yield show
