"""The home's lock, against real other processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.errors import HomeInUse
from daemon.lock import HomeLock

ROOT = Path(__file__).parent.parent
HOLD = """
import sys
from pathlib import Path
from daemon.lock import HomeLock
with HomeLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


def hold(path: Path) -> subprocess.Popen[str]:
    """A process that holds the lock until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_refused_at_once(tmp_path: Path) -> None:
    """And succeeds when the first has ended in order."""
    path = tmp_path / "trimtab.lock"
    with hold(path) as process:
        assert path.read_text() == f"{process.pid}\n"
        with pytest.raises(HomeInUse) as raised, HomeLock(path):
            pass
        process.communicate("\n", timeout=60)
    assert raised.value.home == tmp_path
    with HomeLock(path):
        assert path.read_text() == f"{os.getpid()}\n"


def test_a_killed_process_leaves_no_obstacle(tmp_path: Path) -> None:
    """The file stays, the kernel lets go of the lock."""
    path = tmp_path / "trimtab.lock"
    with hold(path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    assert path.exists()
    with HomeLock(path):
        pass


def test_a_stale_file_is_no_obstacle(tmp_path: Path) -> None:
    """Whatever it says."""
    path = tmp_path / "trimtab.lock"
    path.write_text("1\nmuch more than a process id\n")
    with HomeLock(path):
        assert path.read_text() == f"{os.getpid()}\n"


def test_a_home_is_held_once_in_one_process_too(tmp_path: Path) -> None:
    """The one that was refused takes nothing from the holder."""
    path = tmp_path / "trimtab.lock"
    with HomeLock(path):
        for _ in range(2):
            with pytest.raises(HomeInUse), HomeLock(path):
                pass
    with HomeLock(path):
        pass


def test_a_child_process_does_not_inherit_the_lock(tmp_path: Path) -> None:
    """A worker that outlives the daemon does not keep the home."""
    path = tmp_path / "trimtab.lock"
    with HomeLock(path):
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with child, HomeLock(path):
        assert child.poll() is None
        child.communicate(b"\n", timeout=60)


def test_the_lock_can_be_read_by_the_user_alone(tmp_path: Path) -> None:
    """As every file of the home."""
    path = tmp_path / "trimtab.lock"
    with HomeLock(path):
        assert path.stat().st_mode & 0o777 == 0o600
