"""A whole night, watched in `trimtab status` in a real terminal, with a clock that is turned."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from command import TRIMTAB, trimtab
from kernels import scratch_in
from running_daemon import Running, a_home, wait_until_ready
from terminal import Terminal

from daemon import sample
from daemon.paths import find_paths

ADA = sample.people()[0]
CONFIG = f"""
[accounts.work]
name = "Ada Lindqvist"
addresses = ["{ADA.address.address}"]

[schedule]
night_at = "02:30"
ends_at = "06:00"

[train]
min_lessons = 20
epochs = 1
"""
LEARNED = r"teach .*work: \d+ new lessons"
TRAINED = r"train .*work: (A new agent is in use|The agent in use stays)"
LIMIT_S = 200.0
"""A real training and the gate, on a machine with other work; a minute on one without."""


@contextmanager
def a_daemon(home: Path, ahead: Path) -> Iterator[Running]:
    """A daemon whose clock is as far ahead as the file says."""
    said = home / "said"
    environment = os.environ | {
        "TRIMTAB_HOME": str(home),
        "AHEAD": str(ahead),
        "PYTHONPATH": str(Path(__file__).parent),
    }
    with said.open("ab") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "night_daemon"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stderr=stderr,
        )
    try:
        yield Running(paths=find_paths(str(home)), port=0, process=process, said=said)
    finally:
        process.terminate()
        process.wait(60)


def until(screen: Terminal, pattern: str) -> str:
    """What the screen shows, once it shows that."""
    end = time.monotonic() + LIMIT_S
    while not re.search(pattern, shown := screen.shown()):
        assert time.monotonic() < end, shown
        time.sleep(0.2)
    return shown


@pytest.mark.skipif(sys.platform == "darwin", reason="a laptop on battery has no night")
def test_a_night_is_watched_from_evening_to_morning(tmp_path: Path) -> None:
    """Nothing before its hour; then teaching, a real training and the gate, each with a sentence.

    Each is run once, and in the morning the next night is the one that is told.
    """
    mails, ahead = tmp_path / "mails", tmp_path / "ahead"
    mails.mkdir()
    for number, raw in enumerate(sample.load("ada")[:40]):
        (mails / f"{number:03}.eml").write_bytes(raw)
    tomorrow = datetime.now().astimezone().date() + timedelta(days=1)

    def turn_to(clock: str) -> None:
        wanted = datetime.fromisoformat(f"{tomorrow}T{clock}").astimezone()
        new = ahead.with_suffix(".new")
        new.write_text(str((wanted - datetime.now().astimezone()).total_seconds()))
        new.replace(ahead)

    with a_home(CONFIG) as home:
        trimtab("import", mails, home=home)
        scratch_in(find_paths(str(home)).run)
        turn_to("02:20:00")
        environment = {"TRIMTAB_HOME": str(home), "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}
        screen = Terminal(f"night-{os.getpid()}", environment, (80, 45))
        try:
            with a_daemon(home, ahead) as daemon:
                wait_until_ready(daemon)
                screen.start([str(TRIMTAB), "status"])
                evening = until(screen, r"next night .*02:30, until 06:00")
                assert "teach" not in evening
                turn_to("02:30:01")
                until(screen, LEARNED)
                until(screen, r"Running\n(.|\n)*train of work")
                over = until(screen, TRAINED)
                turn_to("06:00:01")
                morning = until(screen, r"next night .*02:30, until 06:00")
                for picture in (over, morning):
                    assert len(re.findall(LEARNED, picture)) == 1
                    assert len(re.findall(TRAINED, picture)) == 1
                screen.type("q")
        finally:
            screen.end()
