"""`trimtab status`, live, in a real terminal: keys, a job that runs and ends, and the way out."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from command import TRIMTAB, trimtab
from running_daemon import a_home, started, wait_until_ready
from terminal import Terminal, eventually

from daemon import sample

ADA = sample.people()[0]
CONFIG = f"""
[accounts.work]
name = "Ada Lindqvist"
addresses = ["{ADA.address.address}"]

[accounts.private]
name = "Ada Lindqvist"
addresses = ["ada@home.example"]

[train]
min_lessons = 100
"""
SCRIPT = """trap : INT
stty -g > before
sh -c 'echo $$ > pid; exec "$0" status' "$TRIMTAB"
echo "ended with $?"
stty -g > after
exec sleep 600
"""


@contextmanager
def a_terminal(home: Path, directory: Path) -> Iterator[Terminal]:
    """The live status of a home at 80 columns; `before` and `after` it, how the terminal was."""
    environment = {"TRIMTAB_HOME": str(home), "TRIMTAB": str(TRIMTAB), "LC_ALL": "C.UTF-8"}
    screen = Terminal(f"status-{os.getpid()}", environment, (80, 45))
    try:
        script = f"cd '{directory}'\n{SCRIPT}"
        screen.start(["sh", "-c", script])
        yield screen
    finally:
        screen.end()


def assert_left(screen: Terminal, directory: Path, code: int) -> None:
    """The status has gone, and the terminal is as it was."""
    screen.until(f"ended with {code}")
    assert eventually(lambda: (directory / "after").exists() and read(directory, "after") != "")
    assert read(directory, "after") == read(directory, "before")
    assert "q quit" not in screen.shown()
    assert "Traceback" not in screen.shown()


def read(directory: Path, name: str) -> str:
    return (directory / name).read_text()


def until_any(screen: Terminal, pattern: str) -> None:
    assert eventually(lambda: bool(re.search(pattern, screen.shown()))), screen.shown()


def test_a_night_is_run_and_watched(tmp_path: Path) -> None:
    """Each key does what it says; when the daemon goes, that is said, and one can still leave."""
    mails = tmp_path / "mails"
    mails.mkdir()
    for number, raw in enumerate(sample.load("ada")[:30]):
        (mails / f"{number:03}.eml").write_bytes(raw)
    with a_home(CONFIG) as home:
        trimtab("import", mails, "--account", "work", home=home)
        with started(home) as daemon, a_terminal(home, tmp_path) as screen:
            wait_until_ready(daemon)
            until_any(screen, r">\s+work\s+30 ")
            screen.type("Tab")
            until_any(screen, r">\s+private")
            screen.type("Up")
            until_any(screen, r">\s+work")
            screen.type("b")
            screen.until("Roll the agent of work back to the one before? y/n")
            screen.type("n")
            screen.until("Nothing was changed.")
            screen.type("b", "y")
            screen.until("work: no agent is used from now on.")
            screen.type("p")
            until_any(screen, "no nights to pause|nights are paused")
            screen.type("r")
            screen.until("work: sync, teach, train are queued.")
            until_any(screen, r"teach +done +work +.*lessons")
            until_any(screen, "the last train failed: ")
            daemon.end()
            screen.until("No daemon is running")
            screen.type("r")
            screen.until("No daemon answers at")
            screen.type("q")
            assert_left(screen, tmp_path, 0)


@pytest.mark.parametrize("way", ["Ctrl-C", "SIGTERM"])
def test_the_terminal_is_put_back_however_it_ends(tmp_path: Path, way: str) -> None:
    """Also with no daemon, where the status is what is stored."""
    with a_home(CONFIG) as home, a_terminal(home, tmp_path) as screen:
        screen.until("No daemon is running")
        if way == "Ctrl-C":
            screen.type("C-c")
        else:
            os.kill(int(read(tmp_path, "pid")), signal.SIGTERM)
        assert_left(screen, tmp_path, 130 if way == "Ctrl-C" else 0)


def test_a_daemon_that_comes_is_noticed(tmp_path: Path) -> None:
    """The live status holds nothing that a daemon needs."""
    with a_home(CONFIG) as home, a_terminal(home, tmp_path) as screen:
        screen.until("No daemon is running")
        with started(home) as daemon:
            wait_until_ready(daemon)
            assert eventually(lambda: "No daemon is running" not in screen.shown())
            screen.type("q")
            assert_left(screen, tmp_path, 0)


def test_a_simple_terminal_gets_it_once(tmp_path: Path) -> None:
    """Plain text and the end, as where there is no terminal; no colour where none is wanted."""
    with a_home(CONFIG) as home:
        once = trimtab("status", home=home).stdout
        assert "No daemon is running" in once
        assert "\x1b" not in once
        forced = trimtab("status", "--once", home=home, FORCE_COLOR="1", NO_COLOR="1").stdout
        assert not re.search("\x1b\\[[0-9;]*3[0-9]", forced)
        screen = Terminal(f"dumb-{os.getpid()}", {"TRIMTAB_HOME": str(home)}, (80, 45))
        try:
            screen.start(["sh", "-c", f"TERM=dumb '{TRIMTAB}' status; echo ended; sleep 600"])
            screen.until("ended")
            assert "No daemon is running" in screen.shown()
        finally:
            screen.end()
