"""The budget: what large models have cost, and whether one more request stays within the caps.

The caps are for teaching: drafts are the user's own word, so they count and are never refused. A
request is taken into account with the most that it can cost until its cost is known, so that no cap
is ever passed. The sums come from the ledger, and are kept here as long as the night lasts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Literal

from daemon.config import Budget
from daemon.errors import BudgetSpent, PriceUnknown
from daemon.records import LedgerEntry
from daemon.store import ledger
from daemon.store.database import Database

Period = Literal["night", "month"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """USD spent in this night and month, reservations included, and what remains of each cap."""

    night_usd: float
    month_usd: float
    night_left_usd: float
    month_left_usd: float


def night_start(now: datetime) -> datetime:
    """The last noon: a night is from noon to noon, in the time zone of `now`."""
    noon = datetime.combine(now.date(), time(12), now.tzinfo)
    return (
        noon
        if now >= noon
        else datetime.combine(now.date() - timedelta(days=1), time(12), now.tzinfo)
    )


def month_start(now: datetime) -> datetime:
    """The first moment of the calendar month, in the time zone of `now`."""
    return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


@dataclass(slots=True)
class Purse:
    """One per app. `local_clock` gives aware local time."""

    budget: Budget
    database: Database
    local_clock: Callable[[], datetime]
    _starts: dict[Period, datetime] = field(default_factory=dict)
    _spent: dict[Period, float] = field(default_factory=dict)
    _in_flight: set[str] = field(default_factory=set)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def standing(self) -> Standing:
        """How the budget stands now."""
        async with self._changed:
            await self._load()
            night, month = self._spent["night"], self._spent["month"]
        return Standing(
            night_usd=night,
            month_usd=month,
            night_left_usd=max(0.0, self.budget.night_usd - night),
            month_left_usd=max(0.0, self.budget.month_usd - month),
        )

    async def take(self, entry: LedgerEntry, *, within: bool) -> None:
        """Reserve the most that a request can cost; to be called before its entry is written.

        `within` the caps: where there is no room, waits for what other requests give back. Raises
        BudgetSpent where they will give nothing back, and PriceUnknown.
        """
        if within and entry.cost_usd is None:
            raise PriceUnknown(entry.model)
        async with self._changed:
            await self._load()
            while within and (error := self._over(entry.cost_usd or 0.0)) is not None:
                if not self._in_flight:
                    raise error
                await self._changed.wait()
                await self._load()
            self._add(entry.cost_usd or 0.0, entry.at)
            self._in_flight.add(entry.request)

    async def take_first(self, entries: Sequence[LedgerEntry]) -> int:
        """Reserve for the first of these requests, as many as there is room for; how many.

        Raises BudgetSpent where there is room for none, and PriceUnknown.
        """
        taken = 0
        async with self._changed:
            await self._load()
            for entry in entries:
                if entry.cost_usd is None:
                    raise PriceUnknown(entry.model)
                if (error := self._over(entry.cost_usd)) is not None:
                    if not taken:
                        raise error
                    break
                self._add(entry.cost_usd, entry.at)
                taken += 1
        return taken

    async def settle(self, sent: LedgerEntry, cost: float | None) -> None:
        """A request that was taken has ended: it cost so much, or the most if that is unknown."""
        async with self._changed:
            self._in_flight.discard(sent.request)
            if sent.cost_usd is not None and cost is not None:
                self._add(cost - sent.cost_usd, sent.at)
            self._changed.notify_all()

    def _over(self, most: float) -> BudgetSpent | None:
        if self._spent["month"] + most > self.budget.month_usd:
            return BudgetSpent("month", self.budget.month_usd)
        if self._spent["night"] + most > self.budget.night_usd:
            return BudgetSpent("night", self.budget.night_usd)
        return None

    def _add(self, usd: float, at: datetime) -> None:
        """To the sums of the periods in which the request was sent."""
        for period, start in self._starts.items():
            self._spent[period] += usd if at >= start else 0.0

    async def _load(self) -> None:
        """The sums of this night and month, from the ledger when another one has begun."""
        now = self.local_clock()
        starts: dict[Period, datetime] = {"night": night_start(now), "month": month_start(now)}
        if starts != self._starts:
            for period, start in starts.items():
                self._spent[period] = (await self.database.read(ledger.spent, start)).usd
            self._starts = starts
