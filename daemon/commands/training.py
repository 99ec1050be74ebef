"""How a training is shown: a live bar over its loss curve, JSON lines, and the curve afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from daemon.commands.output import LABELS, console
from daemon.sparkline import losses, sparkline, valid_losses
from mlx_agent import codec
from mlx_agent.train.records import TrainEvent

WIDTH = 24
"""Columns of a curve, so that a line of it fits 80."""

Show = Callable[[dict[str, Any]], None]


def curve_lines(events: Sequence[TrainEvent], width: int = WIDTH) -> list[str]:
    """The curves of both losses, each with its first and last value; none where none is known."""
    found = []
    for name, points in (
        ("training loss", losses(events)),
        ("validation loss", valid_losses(events)),
    ):
        if points:
            bounds = f"{points[0][1]:.3f} to {points[-1][1]:.3f}"
            found.append(f"{name:<16}{sparkline(points, width):<{width}}  {bounds}")
    return found


def progress_lines(events: Sequence[TrainEvent]) -> list[str]:
    """What is known in the midst of a training, in at most 80 columns; then its last note."""
    if not events:
        return []
    last = events[-1]
    left = max(0, round(last.seconds_left))
    pace = f"{last.tokens_per_second:,.0f} tokens/s, {last.peak_memory_mb:,.0f} MB"
    ends = f"about {left // 60}:{left % 60:02} left"
    notes = [event.note for event in events if event.note][-1:]
    return [*curve_lines(events), f"{'epoch ' + str(last.epoch):<16}{pace}, {ends}", *notes]


class LiveTraining:
    """The bars of a job's steps, and below them the curve of the training."""

    def __init__(self) -> None:
        self._bars = Progress(
            TextColumn("{task.description:<12}"),
            BarColumn(bar_width=32),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
        )
        self._lines: list[str] = []

    def show(self, progress: dict[str, Any]) -> None:
        """Take a job's progress as the socket gives it."""
        step = progress["step"]
        task = next((t for t in self._bars.tasks if t.fields["step"] == step), None)
        if task is None:
            self.fill()
            label = LABELS.get(step, step.capitalize())
            self._bars.add_task(label, total=None, step=step)
            task = self._bars.tasks[-1]
        self._bars.update(task.id, completed=progress["done"], total=progress["total"])
        self._lines = progress_lines(told(progress)) or self._lines

    def fill(self) -> None:
        """Whatever has a bar is over."""
        for task in self._bars.tasks:
            whole = task.total or 1
            self._bars.update(task.id, completed=whole, total=whole)

    def __rich__(self) -> RenderableType:
        """The bars as they are now."""
        return Group(self._bars, *(Text(line, no_wrap=True) for line in self._lines))


@contextmanager
def live_training(screen: Console = console) -> Iterator[Show]:
    """Draw a job's progress on standard output; nothing where that is no terminal."""
    if not screen.is_terminal:
        yield lambda _: None
        return
    shown = LiveTraining()
    with Live(shown, console=screen, refresh_per_second=8):
        yield shown.show
        shown.fill()


class EventLines:
    """Writes each event of a training once, as a line of JSON."""

    def __init__(self, screen: Console = console) -> None:
        self._screen = screen
        self._step = 0

    def show(self, progress: dict[str, Any]) -> None:
        """Write what is new in a job's progress."""
        self.write(told(progress))

    def write(self, events: Sequence[TrainEvent]) -> None:
        """Write the events that were not written yet."""
        for event in events:
            if event.step > self._step:
                self._step = event.step
                self.line({"event": codec.to_data(event)})

    def line(self, data: dict[str, Any]) -> None:
        """Write one object."""
        self._screen.file.write(json.dumps(data, ensure_ascii=False) + "\n")
        self._screen.file.flush()


def told(progress: dict[str, Any]) -> tuple[TrainEvent, ...]:
    """The curve in a job's progress; empty while there is none."""
    return codec.from_data(tuple[TrainEvent, ...], progress.get("curve", []))
