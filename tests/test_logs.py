"""The log: private, bounded, quiet about others, and no obstacle when it cannot be written."""

import logging
from pathlib import Path

import pytest

from daemon.logs import BYTES, KEPT, logging_to

log = logging.getLogger("daemon.jobs.runner")


def test_what_the_daemon_says_is_written(tmp_path: Path) -> None:
    """With its time and level; after the block nothing more is."""
    with logging_to(tmp_path / "logs"):
        log.info("job 1 began")
    log.warning("not here")
    lines = (tmp_path / "logs" / "trimtab.log").read_text("utf-8").splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == ["INFO job 1 began"]


def test_of_other_libraries_only_a_warnings_place_is_told(tmp_path: Path) -> None:
    """Some log what they carry."""
    with logging_to(tmp_path):
        logging.getLogger("imapclient").info("a body")
        logging.getLogger("imapclient").warning("a body, %s", "a subject")
        try:
            int("a body")
        except ValueError:
            logging.getLogger("asyncio").exception("a body")
    first, second = (tmp_path / "trimtab.log").read_text("utf-8").splitlines()
    assert "WARNING a library warned library=imapclient from=test_logs.py:" in first
    assert "ERROR a library warned library=asyncio from=test_logs.py:" in second
    assert "error=ValueError at=test_logs.py:" in second
    assert "body" not in first + second


def test_it_is_the_users_alone_and_does_not_grow(tmp_path: Path) -> None:
    """The first file and those after a rotation are 0600, and the oldest go."""
    with logging_to(tmp_path):
        for _ in range(6 * BYTES // 100_000):
            log.info("%s", "x" * 100_000)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 1 + KEPT
    assert all(file.stat().st_size <= BYTES + 200 for file in files)
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_it_is_said_aloud_where_that_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """For `trimtab run` in the foreground."""
    with logging_to(tmp_path, aloud=True):
        log.warning("the disk is full")
    assert capsys.readouterr().err.endswith("WARNING the disk is full\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_loses_lines_and_nothing_else(tmp_path: Path) -> None:
    """Neither while it is written nor when it is closed."""
    (tmp_path / "trimtab.log").symlink_to("/dev/full")
    with logging_to(tmp_path):
        log.info("lost")
    assert log.getEffectiveLevel() == logging.WARNING
