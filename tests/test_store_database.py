"""The connection: one thread, whole transactions, a full disk, and the file's mode."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from store_samples import a_batch, a_mail, add_cut

from daemon.errors import StoreDamaged, StoreFull
from daemon.store import mail
from daemon.store.database import Database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path / "trimtab.db")
    yield database
    await database.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB; needs Linux and the right to mount one."""
    mount = tmp_path / "disk"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mount)]
    if sys.platform != "linux" or subprocess.run(command, check=False).returncode:
        pytest.skip("may not mount a small file system here")
    yield mount
    subprocess.run(["umount", str(mount)], check=True)


def set_page_limit(connection: sqlite3.Connection, pages: int) -> int:
    """The disk as SQLite sees it has room for so many pages; the pages now in use for 0."""
    limit: int = connection.execute(f"PRAGMA max_page_count = {pages}").fetchone()[0]
    return limit


def fill(path: Path) -> None:
    """Write until the disk is full."""
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    assert shutil.disk_usage(path.parent).free == 0


async def count(database: Database) -> int:
    return len(await database.read(mail.mails, "work"))


async def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    """A store outlives the process."""
    path = tmp_path / "trimtab.db"
    database = await Database.open(path)
    await database.write(add_cut, a_batch(1, 2))
    await database.close()
    again = await Database.open(path)
    assert await again.read(mail.mails, "work") == [a_mail(1), a_mail(2)]
    await again.close()


async def test_only_the_user_can_read_the_files(tmp_path: Path) -> None:
    """Mail lies in the WAL too; an existing file that others could read is mended."""
    path = tmp_path / "trimtab.db"
    path.touch(mode=0o644)
    old = os.umask(0)
    try:
        database = await Database.open(path)
        await database.write(add_cut, a_batch(1))
    finally:
        os.umask(old)
    modes = {entry.name: entry.stat().st_mode & 0o777 for entry in os.scandir(tmp_path)}
    await database.close()
    assert modes == dict.fromkeys(("trimtab.db", "trimtab.db-wal", "trimtab.db-shm"), 0o600)


async def test_durability_is_set_up(database: Database) -> None:
    """A commit is on the disk when it returns, and references hold."""
    expected: dict[str, object] = dict.fromkeys(
        ("foreign_keys", "fullfsync", "recursive_triggers"), 1
    )
    expected |= {"journal_mode": "wal", "synchronous": 2}
    found = await database.read(
        lambda c: {name: c.execute(f"PRAGMA {name}").fetchone()[0] for name in expected}
    )
    assert found == expected


async def test_what_nobody_waits_for_the_disk_for_is_committed(tmp_path: Path) -> None:
    """Another process sees it at once; the next write waits for the disk again."""
    path = tmp_path / "trimtab.db"
    database = await Database.open(path)
    assert await database.write_unsynced(add_cut, a_batch(1)) == 1
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT count(*) FROM mail").fetchone() == (1,)
    with pytest.raises(ZeroDivisionError):
        await database.write_unsynced(lambda _: 1 // 0)
    assert await database.read(lambda c: c.execute("PRAGMA synchronous").fetchone()[0]) == 2
    await database.close()


async def test_all_access_is_on_one_thread_that_is_not_the_loops(database: Database) -> None:
    """SQLite never blocks the event loop, and needs no lock."""
    calls = (database.read, database.write, database.read)
    threads = {await call(lambda _: threading.get_ident()) for call in calls}
    assert len(threads) == 1
    assert threads != {threading.get_ident()}


async def test_a_transaction_that_raises_leaves_nothing(database: Database) -> None:
    """What was written before the error is undone, and the next one goes on."""

    def half(connection: sqlite3.Connection) -> None:
        add_cut(connection, a_batch(1))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.write(half)
    assert await count(database) == 0
    await database.write(add_cut, a_batch(2))
    assert await count(database) == 1


async def test_a_reader_cannot_write(database: Database) -> None:
    """A write in a read would otherwise depend on who calls."""
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await database.read(add_cut, a_batch(1))
    assert await database.write(add_cut, a_batch(1)) == 1


async def test_an_iterator_over_rows_is_refused(database: Database) -> None:
    """It would run outside its transaction and on the wrong thread."""
    with pytest.raises(TypeError, match="iterator"):
        await database.read(lambda connection: iter(connection.execute("SELECT 1")))


async def test_a_cancelled_caller_leaves_no_transaction_open(database: Database) -> None:
    """The thread ends what it began, whole; the next transaction starts on its own."""
    begun, go_on = threading.Event(), threading.Event()

    def slow(connection: sqlite3.Connection) -> None:
        begun.set()
        assert go_on.wait(5)
        add_cut(connection, a_batch(1))

    writing = asyncio.create_task(database.write(slow))
    waiting = asyncio.create_task(database.write(add_cut, a_batch(2)))
    await asyncio.to_thread(begun.wait, 5)
    writing.cancel()
    waiting.cancel()
    await asyncio.wait([writing, waiting])
    assert writing.cancelled()
    go_on.set()
    stored = [found.id for found in await database.read(mail.mails, "work")]
    assert stored == [a_mail(1).id]  # the one that had begun; the other never did
    assert await database.write(add_cut, a_batch(3)) == 1


async def test_a_second_process_reads_while_the_first_one_writes(tmp_path: Path) -> None:
    """`trimtab adapters` answers while the daemon syncs."""
    first = await Database.open(tmp_path / "trimtab.db")
    second = await Database.open(tmp_path / "trimtab.db")
    begun, go_on = threading.Event(), threading.Event()

    def slow(connection: sqlite3.Connection) -> None:
        add_cut(connection, a_batch(1))
        begun.set()
        assert go_on.wait(5)

    writing = asyncio.create_task(first.write(slow))
    await asyncio.to_thread(begun.wait, 5)
    assert await count(second) == 0
    go_on.set()
    await writing
    assert await count(second) == 1
    await second.close()
    await first.close()


async def test_without_room_nothing_is_lost_and_nothing_half_written(database: Database) -> None:
    """StoreFull names the file; with room again the same write succeeds."""
    await database.write(add_cut, a_batch(1))
    in_use = await database.read(set_page_limit, 1)
    big = a_batch(*range(2, 500))
    with pytest.raises(StoreFull) as raised:
        await database.write(add_cut, big)
    assert raised.value.path.name == "trimtab.db"
    assert isinstance(raised.value.__cause__, sqlite3.OperationalError)
    assert await count(database) == 1
    await database.read(set_page_limit, in_use + 1000)
    assert await database.write(add_cut, big) == 498


async def test_a_full_disk_at_commit_loses_nothing(small_disk: Path, tmp_path: Path) -> None:
    """The same on a real disk: what was committed is there, also for another process."""
    path = small_disk / "trimtab.db"
    database = await Database.open(path)
    await database.write(add_cut, a_batch(1))
    await asyncio.to_thread(fill, small_disk / "other")
    big = a_batch(*range(2, 120))
    with pytest.raises(StoreFull):
        await database.write(add_cut, big)
    assert await count(database) == 1
    assert await database.read(integrity) == "ok"
    (small_disk / "other").unlink()
    assert await database.write(add_cut, big) == 118
    await database.close()
    again = await Database.open(path)
    assert await count(again) == 119
    assert await again.read(integrity) == "ok"
    await again.close()


async def test_a_store_on_a_full_disk_cannot_be_made(small_disk: Path) -> None:
    """Opening says so too, and a later opening starts anew."""
    await asyncio.to_thread(fill, small_disk / "other")
    with pytest.raises(StoreFull):
        await Database.open(small_disk / "trimtab.db")
    (small_disk / "other").unlink()
    database = await Database.open(small_disk / "trimtab.db")
    assert await count(database) == 0
    await database.close()


def integrity(connection: sqlite3.Connection) -> str:
    result: str = connection.execute("PRAGMA integrity_check").fetchone()[0]
    return result


async def test_a_broken_store_is_told_as_such(tmp_path: Path) -> None:
    """Pages that hold something else are found when they are read, at opening or later."""
    path = tmp_path / "trimtab.db"
    await (await Database.open(path)).close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    with pytest.raises(StoreDamaged) as raised:
        await _all_jobs(path)
    assert raised.value.path == path


async def _all_jobs(path: Path) -> list[sqlite3.Row]:
    database = await Database.open(path)
    try:
        return await database.read(lambda c: c.execute("SELECT * FROM job").fetchall())
    finally:
        await database.close()
