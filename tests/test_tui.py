"""What `status` shows, as text at 80 columns: each picture lies in tests/data/status."""

import re
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from status_pictures import NOW, STATES, VIEWS, account, job, picture, state

from daemon.tui import ago, span, time_left

PICTURES = Path(__file__).parent / "data" / "status"


@pytest.mark.parametrize("name", STATES)
def test_the_picture_of_a_state(name: str) -> None:
    """As a person found it good to read; whatever it holds, 80 columns hold it."""
    shown = picture(STATES[name], VIEWS.get(name))
    assert shown == (PICTURES / f"{name.replace(' ', '-')}.txt").read_text("utf-8")
    assert max(map(cell_len, shown.splitlines())) <= 80


@pytest.mark.parametrize("name", STATES)
def test_any_width_holds_a_picture(name: str) -> None:
    """None is refused; in a wide one no line is cut."""
    for width in (20, 40, 200):
        assert picture(STATES[name], VIEWS.get(name), width)
    assert "…" not in picture(STATES["everything"], width=300)


def test_marks_of_a_markup_are_text() -> None:
    """A server's words or a name may hold what rich takes for a style."""
    failed = job("sync", "failed", error="[bold]no[/bold] such folder [red]")
    shown = picture(state(account("[b]work"), jobs=[failed | {"account": "[b]work"}]))
    assert "[bold]no[/bold] such folder [red]" in shown
    assert "[b]work" in shown


def test_a_job_under_way_says_where_it_is() -> None:
    """With a bar where the whole is known; its first moments have none."""
    running = job("sync", "running")
    sync: dict[str, Any] = {"step": "sync", "done": 3, "total": None, "note": "Sent"}
    assert "sync: 3 Sent" in picture(state(jobs=[running], progress=sync))
    done = sync | {"total": 3}
    assert "[########################] 100%, 3 of 3\n" in picture(
        state(jobs=[running], progress=done)
    )
    assert "sync of work, since 09:30" in picture(state(jobs=[running]))


def test_the_time_left_is_as_the_job_has_gone_so_far() -> None:
    """Nothing is said before something is done, nor by a clock that was set back."""
    half = {"done": 10, "total": 30}
    assert time_left(half, "2026-03-03T09:32:00+01:00", NOW) == "about 20 min left"
    assert time_left(half, "2026-03-03T09:52:00+01:00", NOW) == ""
    assert time_left({"done": 0, "total": 30}, "2026-03-03T09:32:00+01:00", NOW) == ""
    assert time_left(half, None, NOW) == ""


def test_times_are_told_in_their_largest_unit() -> None:
    """What comes next is no time ago."""
    told = [span(seconds) for seconds in (0, 59, 60, 3599, 3600, 172799, 172800)]
    assert told == ["0 s", "59 s", "1 min", "59 min", "1 h", "47 h", "2 days"]
    assert ago(None, NOW) == "never"
    assert ago("2026-03-03T09:43:00+01:00", NOW) == "just now"


def test_nothing_is_told_by_colour_alone() -> None:
    """The text says it all, and holds nothing but text."""
    assert not re.search(r"\x1b", "".join(map(picture, STATES.values())))
