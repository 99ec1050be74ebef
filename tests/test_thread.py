"""The thread of a connection: in order, with its failures, and never waited for."""

import subprocess
import sys
import threading

import pytest

from daemon.mailbox.thread import OwnThread

DEAD_LINE_S = 10
"""A hang fails the test instead of the whole run."""


def test_work_is_done_in_order_on_one_thread() -> None:
    """That of its name, and no other; then it ends."""
    thread = OwnThread("imap-work")
    done: list[int] = []
    for number in range(100):
        last = thread.submit(done.append, number)
    name = thread.submit(threading.current_thread)
    thread.shutdown()
    last.result(DEAD_LINE_S)
    assert done == list(range(100))
    assert name.result(DEAD_LINE_S).name == "imap-work"
    name.result().join(DEAD_LINE_S)
    assert not name.result().is_alive()


def test_a_failure_is_for_who_waits() -> None:
    """And the next piece of work is done."""
    thread = OwnThread("imap-work")
    failed, done = thread.submit(lambda: 1 / 0), thread.submit(lambda: 1)
    thread.shutdown()
    with pytest.raises(ZeroDivisionError):
        failed.result(DEAD_LINE_S)
    assert done.result(DEAD_LINE_S) == 1


def test_work_that_was_called_off_is_not_begun() -> None:
    """What runs goes on to its end."""
    thread, go_on = OwnThread("imap-work"), threading.Event()
    thread.submit(go_on.wait, DEAD_LINE_S)
    called_off = thread.submit(pytest.fail, "was begun")
    assert called_off.cancel()
    go_on.set()
    assert thread.submit(lambda: 1).result(DEAD_LINE_S) == 1
    thread.shutdown()


def test_the_process_ends_without_it() -> None:
    """Though it is in the middle of something."""
    code = "import threading\nfrom daemon.mailbox.thread import OwnThread\n"
    code += "OwnThread('imap-work').submit(threading.Event().wait)\n"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=True).returncode == 0
