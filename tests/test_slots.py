"""So many requests at once, one after the other, and no slot that is ever lost."""

import asyncio

import pytest

from daemon.slots import Slots


async def hold(slots: Slots, until: asyncio.Event, begun: list[float]) -> None:
    async with slots:
        begun.append(asyncio.get_running_loop().time())
        await until.wait()


async def test_so_many_are_in_flight_and_no_more() -> None:
    """The next one begins when one has ended."""
    slots, begun = Slots(2, gap_s=0.0), list[float]()
    events = [asyncio.Event() for _ in range(4)]
    tasks = [asyncio.create_task(hold(slots, event, begun)) for event in events]
    for _ in range(9):
        await asyncio.sleep(0)
    assert len(begun) == 2
    events[0].set()
    await tasks[0]
    for _ in range(9):
        await asyncio.sleep(0)
    assert len(begun) == 3
    for event in events:
        event.set()
    await asyncio.gather(*tasks)
    assert len(begun) == 4


async def test_none_begins_with_another() -> None:
    """A burst is spread out, by the loop's own clock."""
    slots, begun, free = Slots(5, gap_s=0.02), list[float](), asyncio.Event()
    free.set()
    await asyncio.gather(*(hold(slots, free, begun) for _ in range(5)))
    assert len(begun) == 5
    assert begun[-1] - begun[0] >= 3 * 0.02


async def test_a_slot_comes_back_from_whatever_happens() -> None:
    """An error, and a cancellation while it waits for its turn."""
    slots = Slots(1, gap_s=0.0)
    with pytest.raises(ValueError, match="no"):
        async with slots:
            raise ValueError("no")
    slow = Slots(1, gap_s=3600.0)
    async with slow:
        pass
    waiting = asyncio.create_task(slow.__aenter__())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert slow._free == 1  # not by way of its door, which opens in an hour
    async with slots:
        queued = asyncio.create_task(slots.__aenter__())
        await asyncio.sleep(0)
        queued.cancel()
        with pytest.raises(asyncio.CancelledError):
            await queued
    async with asyncio.timeout(5), slots:
        pass
