"""`trimtab logs`: the last lines, by time and level, and those that come."""

import logging
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from command import TRIMTAB, sentence, trimtab

from daemon.commands.logs import last, parse_span, wanted
from daemon.errors import SinceUnreadable
from daemon.logs import BYTES, KEPT, logging_to

LINES = [
    "2026-03-03T09:00:00.000+01:00 DEBUG a",
    "2026-03-03T10:00:00.000+01:00 INFO b",
    "  File nowhere, of no line of the log",
    "2026-03-03T11:00:00.000+01:00 WARNING c",
    "2026-03-03T12:00:00.000+01:00 ERROR d",
    "2026-03-03T13:00:00.000+01:00 CRITICAL e",
]
LIMIT_S = 60
log = logging.getLogger("daemon.jobs.runner")


def ends(level: str = "info", after: datetime | None = None) -> str:
    return "".join(line[-1] for line in wanted(LINES, level=level, after=after))


def test_lines_are_chosen_by_level_and_time() -> None:
    """The level and graver; what is no line of the log is not told."""
    assert ends() == "bcde"
    assert ends(level="debug") == "abcde"
    assert ends(level="warning") == "cde"
    assert ends(level="error") == "de"
    assert ends(after=datetime.fromisoformat("2026-03-03T10:30:00+00:00")) == "de"


def test_the_last_lines_are_kept() -> None:
    """0 is all of them."""
    assert list(last("abc", 2)) == ["b", "c"]
    assert list(last("abc", 0)) == ["a", "b", "c"]


def test_a_span_is_a_number_and_a_unit() -> None:
    """Nothing else is."""
    assert parse_span("90s") == timedelta(seconds=90)
    assert parse_span(" 15m") == timedelta(minutes=15)
    assert parse_span("1h") == timedelta(hours=1)
    assert parse_span("2d") == timedelta(days=2)
    for text in ("", "h", "1", "1 year", "-1h", "1h30m", "9999999d"):
        with pytest.raises(SinceUnreadable):
            parse_span(text)


def test_a_span_that_is_none_is_told(tmp_path: Path) -> None:
    """In a sentence."""
    said = sentence(trimtab("logs", "--since", "soon", home=tmp_path, code=1))
    assert said.startswith("'soon' is no span of time; give a number and s, m, h or d")


def test_the_log_is_read_over_its_rotations(tmp_path: Path) -> None:
    """The oldest line first; with no log there is nothing to say."""
    assert trimtab("logs", home=tmp_path).stdout == ""
    with logging_to(tmp_path / "logs"):
        for number in range(3):
            log.info("%d%s", number, "x" * (BYTES * 2 // 3))
        log.warning("the disk is full; trying again")
    shown = trimtab("logs", "--lines", "0", home=tmp_path).stdout.splitlines()
    assert [line.split()[2][0] for line in shown] == ["0", "1", "2", "t"]
    grave = trimtab("logs", "--level", "warning", "--since", "1h", home=tmp_path).stdout
    assert grave.endswith("WARNING the disk is full; trying again\n")
    assert len(grave.splitlines()) == 1


@contextmanager
def following(home: Path) -> Iterator["subprocess.Popen[str]"]:
    """`trimtab logs -f` of a home, killed at the block's end."""
    process = subprocess.Popen(
        [TRIMTAB, "logs", "-f"],
        env=os.environ | {"TRIMTAB_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
    )
    alarm = threading.Timer(LIMIT_S, process.kill)  # no line is waited for for ever
    alarm.start()
    try:
        yield process
    finally:
        alarm.cancel()
        process.kill()
        process.communicate()


def test_what_comes_is_followed_over_rotations(tmp_path: Path) -> None:
    """Each line once, in order, though the files change their names."""
    with logging_to(tmp_path / "logs"):
        log.info("before")
        with following(tmp_path) as process:
            assert process.stdout is not None
            assert process.stdout.readline().endswith("INFO before\n")
            for number in range(2 * KEPT):
                log.info("%d%s", number, "x" * (BYTES * 2 // 3))
                assert process.stdout.readline().split()[2].rstrip("x") == str(number)
            assert (tmp_path / "logs" / f"trimtab.log.{KEPT}").exists()
