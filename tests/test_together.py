"""Writes that share a transaction: each whole or not at all, whatever becomes of the others."""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from daemon.store.database import Connection, Database
from daemon.together import Together


class Counting(Database):
    """A store that counts its transactions."""

    transactions = 0

    async def write(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        self.transactions += 1
        return await super().write(fn, *args, **kwargs)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Counting]:
    database = await Counting.open(tmp_path / "trimtab.db")
    await database.write(lambda c: c.execute("CREATE TABLE number (n INTEGER)"))
    database.transactions = 0
    yield database
    await database.close()


def adding(number: int) -> Callable[[Connection], object]:
    return lambda connection: connection.execute("INSERT INTO number VALUES (?)", (number,))


def refused(_: Connection) -> None:
    raise ValueError("no")


async def numbers(database: Database) -> list[int]:
    return await database.read(
        lambda c: [row["n"] for row in c.execute("SELECT n FROM number ORDER BY rowid")]
    )


async def test_what_comes_at_once_is_one_transaction(database: Counting) -> None:
    """In the order in which it came."""
    together = Together(database)
    await asyncio.gather(*(together.write(adding(n)) for n in range(50)))
    assert await numbers(database) == list(range(50))
    assert database.transactions == 1


async def test_what_comes_during_a_transaction_shares_the_next(database: Counting) -> None:
    """And is committed when its write returns."""
    together, begun, may_end = Together(database), threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        begun.set()
        may_end.wait()
        adding(0)(connection)

    first = asyncio.create_task(together.write(slow))
    await asyncio.to_thread(begun.wait)
    others = [asyncio.create_task(together.write(adding(n))) for n in range(1, 9)]
    await asyncio.sleep(0)
    may_end.set()
    await asyncio.gather(first, *others)
    assert await numbers(database) == list(range(9))
    assert database.transactions == 2
    await together.write(adding(9))
    assert database.transactions == 3


async def test_one_that_fails_takes_no_other_with_it(database: Counting) -> None:
    """Its own error is raised where it came from, and nothing of it stays."""
    together = Together(database)

    def half(connection: Connection) -> None:
        adding(99)(connection)
        refused(connection)

    writes = [adding(1), half, adding(2)]
    results = await asyncio.gather(*map(together.write, writes), return_exceptions=True)
    assert [type(result) for result in results] == [type(None), ValueError, type(None)]
    assert await numbers(database) == [1, 2]
    with pytest.raises(ValueError, match="no"):
        await together.write(refused)


async def test_one_that_is_cancelled_is_written_all_the_same(database: Counting) -> None:
    """An answer that was paid for is kept, whoever still waits for it."""
    together = Together(database)
    writes = [asyncio.create_task(together.write(adding(n))) for n in range(3)]
    await asyncio.sleep(0)
    writes[1].cancel()
    results = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(result) for result in results] == [
        type(None),
        asyncio.CancelledError,
        type(None),
    ]
    await together.write(adding(3))
    assert await numbers(database) == [0, 1, 2, 3]


async def test_what_fails_when_nobody_waits_is_not_complained_of(
    database: Counting, caplog: pytest.LogCaptureFixture
) -> None:
    """The loop would print it, and what it says, on the user's terminal."""
    together = Together(database)
    write = asyncio.create_task(together.write(refused))
    await asyncio.sleep(0)
    write.cancel()
    await asyncio.gather(write, return_exceptions=True)
    await together.write(adding(1))
    gc.collect()
    assert await numbers(database) == [1]
    assert caplog.records == []
