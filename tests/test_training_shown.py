"""How a training is shown: at 80 columns, without colour, as JSON lines, and not at all."""

import io
import json
from dataclasses import replace
from typing import Any

from rich.console import Console
from store_samples import an_event

from daemon.commands.training import (
    EventLines,
    LiveTraining,
    curve_lines,
    live_training,
    progress_lines,
)
from mlx_agent import codec
from mlx_agent.train.records import TrainEvent


def events(count: int, **changes: Any) -> list[TrainEvent]:
    """A falling loss, measured on held-out lessons at every tenth step."""
    return [
        replace(
            an_event(step, loss=3.0 - step / count),
            valid_loss=2.5 - step / count if step % 10 == 0 else None,
            steps=count,
            **changes,
        )
        for step in range(1, count + 1)
    ]


def progress(found: list[TrainEvent], step: str = "train", **changes: Any) -> dict[str, Any]:
    """A job's progress as the socket gives it."""
    curve = [codec.to_data(event) for event in found]
    return {"step": step, "done": len(found), "total": 40, "note": "", "curve": curve} | changes


def terminal(**options: Any) -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=80, **options)


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_curve_says_where_both_losses_began_and_ended() -> None:
    """A line each."""
    training, validation = curve_lines(events(40))
    assert training.startswith("training loss   █")
    assert training.endswith("▁  2.975 to 2.000")
    assert validation.startswith("validation loss █▆▃▁ ")
    assert validation.endswith("2.250 to 1.500")


def test_nothing_is_drawn_of_nothing() -> None:
    """An adapter of an earlier trimtab has no curve; one may end before it is measured."""
    assert curve_lines([]) == []
    assert progress_lines([]) == []
    assert len(curve_lines(events(3))) == 1


def test_every_line_fits_eighty_columns() -> None:
    """Also where all the numbers are long."""
    long = events(4000, tokens_per_second=123456.7, peak_memory_mb=98765.4, seconds_left=359999.0)
    assert max(map(len, progress_lines(long))) <= 80


def test_the_last_note_stands_below() -> None:
    """What was decided on the way, until something else is."""
    found = [an_event(1, note="2 layers"), an_event(2, note="half the rate"), an_event(3)]
    assert progress_lines(found)[-1] == "half the rate"


def test_the_live_view_has_the_bars_and_the_curve() -> None:
    """It can be read without colour, and the step before is over when the next begins."""
    shown, console = LiveTraining(), terminal(no_color=True)
    shown.show(progress(events(20)))
    shown.show(progress(events(40), step="gate", done=0, total=None))
    console.print(shown)
    lines = printed(console).splitlines()
    assert "Training" in lines[0]
    assert "40/40" in lines[0]
    assert "Judging" in lines[1]
    assert [line.split()[0] for line in lines[2:]] == ["training", "validation", "epoch"]
    assert all(len(line) <= 80 for line in lines)
    assert not any(colour in printed(console) for colour in ("[31m", "[32m", "[38;5"))


def test_a_step_without_a_curve_keeps_what_was_drawn() -> None:
    """A queued job, or one that has not begun to train, has none yet."""
    shown, console = LiveTraining(), terminal()
    shown.show({"step": "train", "done": 0, "total": None, "note": ""})
    shown.show(progress(events(10)))
    shown.show(progress([], step="gate"))
    console.print(shown)
    assert "training loss" in printed(console)


def test_nothing_is_drawn_where_nobody_looks() -> None:
    """Standard output that is no terminal is for what is said at the end."""
    console = Console(file=io.StringIO(), width=80)
    with live_training(console) as show:
        show(progress(events(10)))
    assert printed(console) == ""


def test_a_terminal_gets_the_curve() -> None:
    """And keeps the last state of it, when the job is over."""
    console = terminal()
    with live_training(console) as show:
        show(progress(events(10)))
    last = printed(console).rpartition("Training")[2].splitlines()
    assert "40/40" in last[0]
    assert last[1].startswith("training loss   █")


def test_as_json_each_event_is_a_line_and_stands_there_once() -> None:
    """Though a look at the job shows the earlier ones again."""
    console = Console(file=io.StringIO())
    lines, found = EventLines(console), events(6)
    for known in (2, 2, 5):
        lines.show(progress(found[:known]))
    lines.show({"step": "gate", "done": 0, "total": None, "note": ""})
    lines.write(found)
    lines.line({"outcome": {"promoted": True}})
    told = [json.loads(line) for line in printed(console).splitlines()]
    assert [one["event"]["step"] for one in told[:-1]] == [1, 2, 3, 4, 5, 6]
    assert told[-1] == {"outcome": {"promoted": True}}
    assert codec.from_data(TrainEvent, told[0]["event"]) == found[0]
