"""When an account is tried again: pure decisions from what has happened to it.

Failures in a row space the tries out, from seconds to a quarter of an hour, and only a sync that
succeeds brings them together again. What a provider asks for is kept to. What only the user can
mend is looked at four times an hour, for a password that is refused again and again gets the
account locked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from daemon.errors import ServerBusy, UserError

FIRST_S, GROWTH, CAP_S = 2.0, 1.5, 900.0
LONGEST_S = 3600.0
"""A provider that asks for more is asked again after this."""
STEADY_S = 60.0
"""A connection that lived this long was a good one: its end is no failure in a row."""
_TRIES_TO_CAP = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """A sync succeeded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A sync failed."""

    error: Exception


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """The connection that waits for news was lost after so many seconds, or never came about."""

    error: Exception
    lasted_s: float = 0.0


Event = Synced | Failed | Dropped


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Failures in a row: of syncs, and of the connection that waits for news."""

    failures: int = 0
    drops: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Seconds until the next sync is due. `firm`: by the provider's word, so never cut short."""

    seconds: float
    firm: bool = False


def next_wait(state: State, event: Event, *, poll_s: float, draw: float) -> tuple[State, Wait]:
    """What `event` makes of `state`, and how long to wait. `draw` is random, from [0, 1)."""
    if isinstance(event, Synced):
        return replace(state, failures=0), Wait(seconds=poll_s)
    if isinstance(event, Failed):
        state = replace(state, failures=state.failures + 1)
        return state, _wait(event.error, state.failures, draw)
    drops = 1 if event.lasted_s >= STEADY_S else state.drops + 1
    return replace(state, drops=drops), _wait(event.error, drops, draw)


def backoff(tries: int, draw: float) -> float:
    """Seconds before the next of `tries` in a row: at most double, at least half of each other."""
    growth = GROWTH ** min(tries - 1, _TRIES_TO_CAP)
    return min(CAP_S, FIRST_S * growth) * (1 - draw / 2)


def _wait(error: Exception, tries: int, draw: float) -> Wait:
    if isinstance(error, UserError):
        return Wait(seconds=CAP_S)
    seconds = backoff(tries, draw)
    if isinstance(error, ServerBusy):
        return Wait(seconds=min(LONGEST_S, max(error.delay_s, seconds)), firm=True)
    return Wait(seconds=seconds)
