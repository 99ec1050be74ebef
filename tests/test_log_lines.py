"""A line of the log: readable, to be split by a program, and private."""

import logging
import subprocess
import sys
from datetime import datetime

from mlx_agent.log_lines import LineFormatter, line, told


def test_a_line_reads_as_time_level_event_and_fields() -> None:
    """What is None is left out; what holds a space or a quote is quoted."""
    fields: dict[str, object] = {"job": 3, "ok": True, "s": 1.25, "at": "a b", "x": None, "q": '"'}
    said = line("2026-03-03T09:30:00.123+01:00", "INFO", "job ended", fields)
    assert said == (
        '2026-03-03T09:30:00.123+01:00 INFO job ended job=3 ok=yes s=1.25 at="a b" q="\\""'
    )


def test_one_thing_is_one_line() -> None:
    """Whatever is in it."""
    fields: dict[str, object] = {"x": "c\nd", "y": "e\u2028f\x85g"}
    assert len(line("now", "INFO", "a\nb", fields).splitlines()) == 1


def test_an_address_is_taken_out_wherever_it_stands() -> None:
    """Users name accounts after their addresses."""
    said = line("now", "INFO", "of ada@field.example", {"account": "ada@field.example", "n": 1})
    assert said == "now INFO of [address] account=[address] n=1"


def test_the_time_is_that_of_the_record_with_its_zone() -> None:
    """To the millisecond."""
    record = logging.LogRecord("daemon.x", logging.INFO, __file__, 1, "it began", (), None)
    when = datetime.fromisoformat(LineFormatter().format(record).partition(" ")[0])
    assert when.tzinfo is not None
    assert abs(when.timestamp() - record.created) < 0.002


def test_fields_are_given_as_extra() -> None:
    """By `told`."""
    record = logging.LogRecord("daemon.x", logging.INFO, __file__, 1, "it began", (), None)
    record.__dict__.update(told(job=1))
    assert LineFormatter().format(record).endswith(" INFO it began job=1")


def test_a_guarded_process_tells_no_words_of_its_errors() -> None:
    """Neither of one that ends it, nor of one on a thread, nor of what a library says."""
    code = """
import logging, threading
from mlx_agent.log_lines import guard_standard_error
guard_standard_error()
def fail():
    raise ValueError("Dear Ms Hollis")
thread = threading.Thread(target=fail)
thread.start()
thread.join()
logging.getLogger("transformers").warning("Dear Ms Hollis")
fail()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert [each.split(" ", 1)[1].partition(" at=")[0] for each in lines] == [
        "ERROR the process failed error=ValueError",
        "WARNING a library warned library=transformers from=<string>:10",
        "ERROR the process failed error=ValueError",
    ]
    assert "Hollis" not in done.stderr
