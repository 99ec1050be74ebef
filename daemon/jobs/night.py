"""The nights, decided: which hours they have, what holds one up, and what it does next.

Pure: the time, the machine's power and the jobs of the night come in, one step goes out. A night is
named by the local date on which it begins, so that none comes twice or is left out when the clocks
change. An account's steps follow each other, and one account the other; the account that has gone
longest without a training is first, or a long training of one could keep another from its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from daemon.config import Config, Schedule
from daemon.power import Power
from daemon.records import Job, JobKind, Night, Wait

TRIES = 3
"""So often a step is begun in one night, where a crash or a power cut has ended it."""
GO_ON = timedelta(minutes=10)
"""How often a provider is asked for the answers to a batch."""
PATIENCE = 0.5
"""After so much of the night, training waits no longer for a provider's answers."""
MISSED = 31
"""So many nights at the most are told as missed, after a long time without the daemon."""


def hours(day: date, schedule: Schedule, zone: tzinfo | None = None) -> Night:
    """The night that begins on a local day; the machine's own time zone with None.

    A time that the clocks leave out comes as long after midnight as ever; of two that they show,
    the first counts. Hours that are left out altogether are made up for afterwards.
    """
    begins, ends = time.fromisoformat(schedule.night_at), time.fromisoformat(schedule.ends_at)
    until = datetime.combine(day if begins < ends else day + timedelta(days=1), ends)
    since = datetime.combine(day, begins)
    first, last = _moment(since, zone), _moment(until, zone)
    if last <= first:
        last = first + (until - since)
    return Night(date=day.isoformat(), starts=first, ends=last)


def night_at(now: datetime, schedule: Schedule, zone: tzinfo | None = None) -> Night:
    """The night that is on, or else the next one."""
    day = now.astimezone(zone).date() - timedelta(days=1)
    while (night := hours(day, schedule, zone)).ends <= now:
        day += timedelta(days=1)
    return night


def is_on(night: Night, now: datetime) -> bool:
    """Whether it has begun and not ended."""
    return night.starts <= now < night.ends


def missed(
    last: Night, now: datetime, schedule: Schedule, zone: tzinfo | None = None
) -> list[Night]:
    """The nights after the `last` one of which something is known that are over, oldest first."""
    first = date.fromisoformat(last.date) + timedelta(days=1)
    latest = date.fromisoformat(night_at(now, schedule, zone).date)
    days = range(max(0, (latest - first).days - MISSED), (latest - first).days)
    return [hours(first + timedelta(days=number), schedule, zone) for number in days]


def hindrances(power: Power, schedule: Schedule, *, paused: bool) -> tuple[Wait, ...]:
    """What forbids to work now; what is not known of the machine forbids nothing."""
    idle_s = power.idle_s
    in_use = idle_s is not None and idle_s < schedule.idle_minutes * 60
    found: dict[Wait, bool] = {
        "paused": paused,
        "battery": schedule.only_on_mains and power.mains is False,
        "low_power": schedule.not_in_low_power and power.low_power is True,
        "in_use": in_use,
    }
    return tuple(wait for wait, holds in found.items() if holds)


# --- what comes next --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A job to be queued."""

    kind: JobKind
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of an account in a night.

    `jobs` are the night's, oldest first; `under_way`: one of the account's is open, whoever asked
    for it; `trained_at` is when its last training ended.
    """

    account: str
    steps: tuple[JobKind, ...]
    jobs: tuple[Job, ...] = ()
    under_way: bool = False
    trained_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The step to take now, and else what the night waits for: for nothing once it is complete."""

    step: Step | None = None
    waits: tuple[Wait, ...] = ()


def standings(
    config: Config,
    jobs: Sequence[Job],
    open_jobs: Iterable[Job],
    trained: dict[str, datetime],
) -> list[Standing]:
    """How each account stands, from a night's jobs, what is open, and the last trainings."""
    busy = {job.account for job in open_jobs}
    return [
        Standing(
            account=name,
            steps=("sync", "teach", "train") if account.imap else ("teach", "train"),
            jobs=tuple(job for job in jobs if job.account == name),
            under_way=name in busy,
            trained_at=trained.get(name),
        )
        for name, account in config.accounts.items()
    ]


def decide(now: datetime, night: Night, accounts: Iterable[Standing]) -> Decision:
    """What a night that is on does next, where nothing hinders it."""
    never = datetime.min.replace(tzinfo=UTC)
    waits: set[Wait] = set()
    for account in sorted(accounts, key=lambda each: each.trained_at or never):
        if account.under_way:
            return Decision(waits=("busy",))
        kind, waiting = _next(now, night, account)
        if kind is not None:
            return Decision(step=Step(kind=kind, account=account.account))
        if waiting:
            waits.add("answers")
    return Decision(waits=tuple(waits))


def _next(now: datetime, night: Night, account: Standing) -> tuple[JobKind | None, bool]:
    """The account's next step, and whether there is none yet because a provider has to answer."""
    for kind in account.steps:
        tries = [job for job in account.jobs if job.kind == kind]
        if not tries or _goes_on(tries):
            return kind, False
        if kind == "teach" and _is_waiting(tries[-1]) and now < _patience(night):
            asked = tries[-1].finished_at or now
            return ("teach", False) if now - asked >= GO_ON else (None, True)
    return None, False


def _goes_on(tries: Sequence[Job]) -> bool:
    """Whether a step that was begun is to be gone on with."""
    if tries[-1].state == "interrupted":
        return sum(job.state == "interrupted" for job in tries) < TRIES
    return tries[-1].state == "done" and tries[-1].outcome.get("stopped") == "asked"


def _is_waiting(job: Job) -> bool:
    return job.state == "done" and bool(job.outcome.get("waiting"))


def _patience(night: Night) -> datetime:
    return night.starts + PATIENCE * (night.ends - night.starts)


def _moment(local: datetime, zone: tzinfo | None) -> datetime:
    """A time of the clock on the wall in UTC: the first that fits, else the later of those near.

    Asked for both folds, since Python and its time zones differ about times that do not exist.
    """
    both = [local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    fit = [one for one in both if one.astimezone(zone).replace(tzinfo=None) == local]
    return min(fit) if fit else max(both)
