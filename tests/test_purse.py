"""The budget: no cap is ever passed, and nothing waits that could go on."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from daemon.config import Budget
from daemon.errors import BudgetSpent, PriceUnknown
from daemon.purse import Purse, month_start, night_start
from daemon.records import LedgerEntry, LedgerEvent
from daemon.store import ledger
from daemon.store.database import Database

LISBON = timezone(timedelta(hours=1))
EVENING = datetime(2026, 3, 2, 21, 0, tzinfo=LISBON)


def an_entry(number: int = 1, usd: float | None = 1.0, **changes: Any) -> LedgerEntry:
    values: dict[str, Any] = {
        "request": f"r{number}",
        "event": "sent",
        "at": EVENING.astimezone(UTC),
        "account": "home",
        "role": "teacher",
        "model": "claude-sonnet-5-5",
        "host": "api.anthropic.com",
        "prompt": "intent",
        "about": "m001",
        "characters": 1200,
        "cost_usd": usd,
    }
    return LedgerEntry(**(values | changes))


class Clock:
    def __init__(self, now: datetime = EVENING) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def a_purse(database: Database, clock: Clock | None = None, **caps: float) -> Purse:
    return Purse(Budget(**caps), database, clock or Clock())


@pytest.mark.parametrize(
    ("now", "start"),
    [
        (datetime(2026, 3, 2, 21, 0, tzinfo=LISBON), datetime(2026, 3, 2, 12, 0, tzinfo=LISBON)),
        (datetime(2026, 3, 2, 12, 0, tzinfo=LISBON), datetime(2026, 3, 2, 12, 0, tzinfo=LISBON)),
        (datetime(2026, 3, 1, 3, 0, tzinfo=LISBON), datetime(2026, 2, 28, 12, 0, tzinfo=LISBON)),
    ],
)
def test_a_night_is_from_noon_to_noon(now: datetime, start: datetime) -> None:
    """So that what runs after midnight belongs to the evening before."""
    assert night_start(now) == start


def test_a_month_is_the_calendars() -> None:
    """In the user's own time zone, as on the provider's bill."""
    assert month_start(EVENING) == datetime(2026, 3, 1, tzinfo=LISBON)


async def test_what_is_under_way_counts_with_the_most_it_can_cost(database: Database) -> None:
    """Or two requests could pass a cap together."""
    purse = a_purse(database, night_usd=2.5)
    await purse.take(an_entry(1), within=True)
    await purse.take(an_entry(2), within=True)
    standing = await purse.standing()
    assert (standing.night_usd, standing.night_left_usd) == (2.0, 0.5)
    await purse.settle(an_entry(1), 0.1)
    assert (await purse.standing()).night_usd == pytest.approx(1.1)


async def test_a_request_waits_for_what_others_may_give_back(database: Database) -> None:
    """A reservation is far above the usual cost: the cap must not end the night too soon."""
    purse = a_purse(database, night_usd=1.5)
    await purse.take(an_entry(1), within=True)
    second = asyncio.create_task(purse.take(an_entry(2), within=True))
    await asyncio.sleep(0)
    assert not second.done()
    await purse.settle(an_entry(1), 0.1)
    await asyncio.wait_for(second, 5)


async def test_where_nothing_can_be_given_back_the_budget_is_spent(database: Database) -> None:
    """The error names the cap."""
    purse = a_purse(database, night_usd=1.5, month_usd=20)
    await purse.take(an_entry(1), within=True)
    second = asyncio.create_task(purse.take(an_entry(2), within=True))
    await asyncio.sleep(0)
    await purse.settle(an_entry(1), 0.9)
    with pytest.raises(BudgetSpent) as caught:
        await asyncio.wait_for(second, 5)
    assert (caught.value.period, caught.value.cap_usd) == ("night", 1.5)


async def test_the_months_cap_holds_over_nights(database: Database) -> None:
    """What earlier nights cost stands in the ledger."""
    before = EVENING.astimezone(UTC) - timedelta(days=1)
    await database.write(ledger.add, [an_entry(1, 2.0, at=before)])
    await database.write(ledger.add, [an_entry(1, 1.9, at=before, event="answered")])
    purse = a_purse(database, night_usd=5, month_usd=2.5)
    with pytest.raises(BudgetSpent) as caught:
        await purse.take(an_entry(2), within=True)
    assert caught.value.period == "month"
    assert (await purse.standing()).night_usd == 0


async def test_drafts_are_counted_and_never_refused(database: Database) -> None:
    """They are the user's own word."""
    purse = a_purse(database, night_usd=0.5)
    await purse.take(an_entry(1), within=False)
    await purse.take(an_entry(2, None), within=False)
    assert (await purse.standing()).night_usd == 1.0


async def test_a_cap_cannot_be_kept_without_a_price(database: Database) -> None:
    """It is said, rather than guessed."""
    with pytest.raises(PriceUnknown):
        await a_purse(database).take(an_entry(1, None), within=True)


async def test_of_a_batch_as_much_goes_as_there_is_room_for(database: Database) -> None:
    """The rest is for another night; none at all is an error."""
    purse = a_purse(database, night_usd=2.5)
    entries = [an_entry(number) for number in range(4)]
    assert await purse.take_first(entries) == 2
    with pytest.raises(BudgetSpent):
        await purse.take_first(entries[2:])


async def test_a_new_night_begins_anew(database: Database) -> None:
    """And what was sent in the old one is not given back to the new."""
    clock = Clock()
    purse = a_purse(database, clock, night_usd=1.5)
    sent = an_entry(1)
    await purse.take(sent, within=True)
    await database.write(ledger.add, [sent])
    clock.now += timedelta(days=1)
    assert (await purse.standing()).night_usd == 0
    await purse.settle(sent, 0.2)
    standing = await purse.standing()
    assert standing.night_usd == 0
    assert standing.month_usd == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("event", "cost", "spent"),
    [("answered", 0.3, 0.3), ("answered", None, 1.0), ("unpaid", 0.0, 0.0), ("lost", 1.0, 1.0)],
)
async def test_the_ledger_knows_what_each_end_cost(
    database: Database, event: LedgerEvent, cost: float | None, spent: float
) -> None:
    """What may have been paid counts as paid; what failed before it counts nothing."""
    await database.write(ledger.add, [an_entry(1), an_entry(1, cost, event=event)])
    found = await database.read(ledger.spent, EVENING - timedelta(days=1))
    assert (found.usd, found.requests) == (spent, 1)
    assert found.reserved == 0


async def test_what_has_no_end_yet_is_reserved(database: Database) -> None:
    """A process that died cannot say what its last requests cost."""
    await database.write(ledger.add, [an_entry(1)])
    found = await database.read(ledger.spent, EVENING - timedelta(days=1))
    assert (found.usd, found.reserved) == (1.0, 1.0)
    assert (await database.read(ledger.spent, EVENING + timedelta(days=1))).usd == 0


@pytest.mark.parametrize(
    "statement", ["UPDATE ledger SET cost_usd = 0", "DELETE FROM ledger", "REPLACE INTO ledger "]
)
async def test_the_ledger_is_never_changed(database: Database, statement: str) -> None:
    """Whoever writes to it can only add."""
    await database.write(ledger.add, [an_entry(1)])
    if statement.startswith("REPLACE"):
        statement += "SELECT * FROM ledger"
    with pytest.raises(Exception, match="the ledger is never changed"):
        await database.write(lambda connection: connection.execute(statement))
    assert len(await database.read(ledger.entries, account=None, since=EVENING, limit=9)) == 1


async def test_the_ledger_is_read_by_account_and_time(database: Database) -> None:
    """Oldest first, and of many the last."""
    entries = [an_entry(n, account="work" if n % 2 else "home") for n in range(6)]
    await database.write(ledger.add, entries)
    found = await database.read(ledger.entries, account="work", since=EVENING, limit=2)
    assert found == [entries[3], entries[5]]
    later = EVENING + timedelta(hours=1)
    assert await database.read(ledger.entries, account=None, since=later, limit=9) == []
