"""Sync and parse, timed and weighed against mbsync in one run (`make bench-mail`).

Bounds are ratios where a machine's speed would tell more than the code's. mbsync runs with
`FSync no`, its faster setting, and fetches each message whole, as any client does that knows of no
structure. Both go through the same proxy, in its own process, from a mailbox that no client has
read before, and take turns. Both times end with the last message on disk as it came; ours to parse
and cut it is the next stage, told beside it. Ends with 1 where a bound is missed. What the disk
costs varies most: TMPDIR=/dev/shm leaves it out for both.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from dovecot_server import PASSWORD, Dovecot, running_dovecot
from proxy import Counts, running_proxy_process
from rich.console import Console
from rich.table import Table

from benchmarks.mailbox import fill, messages, small_messages
from benchmarks.once import Sync
from daemon.mailbox.parse import parse
from daemon.mailbox.text import cut

COUNT, MANY = 5_000, 100_000
RUNS = 3
STORE = "trimtab.db"
ROOT = Path(__file__).parent.parent
KEAN = ROOT.parent / "shared" / "mail" / "people" / "kean"
TOOLS = {"dovecot": "dovecot-imapd", "mbsync": "isync"}
MBSYNC = """
FSync no

IMAPAccount bench
Host 127.0.0.1
Port {port}
User {user}
Pass {password}
SSLType None
AuthMechs PLAIN

IMAPStore far
Account bench

MaildirStore near
Path {directory}/mail/
Inbox {directory}/inbox

Channel sent
Far :far:{folder}
Near :near:sent
Sync PullNew
Create Near
SyncState {directory}/state/
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured figure and its bound; without one, it is only told."""

    what: str
    value: float
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the figure is within its bound."""
        low = self.at_least is None or self.value >= self.at_least
        return low and (self.at_most is None or self.value <= self.at_most)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a program through the proxy. `whole_s`: with its start and end.

    `sync` is what ours told of itself; a run that was killed told nothing.
    """

    seconds: float
    whole_s: float
    counts: Counts
    sync: Sync | None = None

    @property
    def moved(self) -> int:
        """Bytes in both directions."""
        return self.counts.down + self.counts.up


Program = Callable[[Dovecot, Path, str, int], Run]


def main() -> int:
    """Measure, print the table, and say by the exit status whether every bound holds."""
    parser = argparse.ArgumentParser(description="Sync and parse, against mbsync.")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    parser.add_argument("--brief", action="store_true", help=f"leave out the {MANY:,} messages")
    asked = parser.parse_args()
    missing = [f"{tool} (Debian: {name})" for tool, name in TOOLS.items() if not _has(tool)]
    if missing:
        sys.exit(f"bench-mail needs {' and '.join(missing)}")
    console = Console()
    figures = list(_measure(console, brief=asked.brief))
    console.print(_table(figures))
    if asked.json:
        data = [{**asdict(figure), "holds": figure.holds} for figure in figures]
        asked.json.write_text(json.dumps(data, indent=2) + "\n", "utf-8")
    return int(not all(figure.holds for figure in figures))


def _measure(console: Console, *, brief: bool) -> Iterator[Figure]:
    with (
        running_dovecot() as dovecot,
        tempfile.TemporaryDirectory(prefix="bench-mail-") as scratch,
        console.status("") as status,
    ):
        directory, mails = Path(scratch), list(messages(COUNT))
        for round_trip_ms, bound in ((0, 1.5), (40, 0.8)):
            status.update(f"{COUNT:,} messages at {round_trip_ms} ms, {RUNS} times with each")
            yield from _against_mbsync(dovecot, directory, mails, round_trip_ms, bound)
        status.update("a sync with nothing new")
        yield from _nothing_new(dovecot, directory, mails)
        if not brief:
            status.update(f"{MANY:,} messages")
            yield from _many(dovecot, directory)
        status.update("parse and text")
        yield from _parse(console)


def _against_mbsync(
    dovecot: Dovecot, directory: Path, mails: list[bytes], round_trip_ms: int, bound: float
) -> Iterator[Figure]:
    """An initial sync with each in turn, each from a mailbox of its own."""
    runs: dict[Program, list[Run]] = {_mbsync: [], _trimtab: []}
    for turn in range(RUNS):
        for program in sorted(runs, key=lambda program: (program is _mbsync) == turn % 2):
            user = f"{program.__name__}{round_trip_ms}x{turn}"
            fill(dovecot, user, mails)
            runs[program].append(program(dovecot, directory / user, user, round_trip_ms))
            assert program is _mbsync or _stored(directory / user) == COUNT
            _forget(dovecot, user)
    ours, theirs = runs[_trimtab], runs[_mbsync]
    if round_trip_ms == 0:
        yield _bytes(theirs, ours)
    seconds = [statistics.median(run.seconds for run in some) for some in (ours, theirs)]
    reading = statistics.median(_told(run).read_seconds for run in ours)
    whole = statistics.median(run.whole_s for run in ours)
    yield Figure(
        what=f"initial sync at {round_trip_ms} ms round trip: time, of mbsync's",
        value=seconds[0] / seconds[1],
        at_most=bound,
        note=f"{seconds[0]:.2f} s of {seconds[1]:.2f} s (reading afterwards {reading:.2f} s, "
        f"whole process {whole:.2f} s)",
    )


def _bytes(theirs: list[Run], ours: list[Run]) -> Figure:
    moved = [statistics.median(run.moved for run in runs) for runs in (ours, theirs)]
    return Figure(
        what=f"initial sync of {COUNT:,} messages: bytes, of mbsync's",
        value=moved[0] / moved[1],
        at_most=0.22,
        note=f"{moved[0] / 1e6:.1f} MB of {moved[1] / 1e6:.1f} MB, "
        f"{ours[0].counts.round_trips} round trips",
    )


def _nothing_new(dovecot: Dovecot, directory: Path, mails: list[bytes]) -> Iterator[Figure]:
    user = "again"
    fill(dovecot, user, mails)
    _trimtab(dovecot, directory / user, user)
    again = _trimtab(dovecot, directory / user, user).counts
    yield Figure(
        what="a sync with nothing new: bytes",
        value=again.down + again.up,
        unit="B",
        at_most=1024,
        note=f"{again.down} down, {again.up} up",
    )
    yield Figure(what="a sync with nothing new: round trips", value=again.round_trips, at_most=6)


def _many(dovecot: Dovecot, directory: Path) -> Iterator[Figure]:
    """Memory of a long first sync, and that one which is killed half-way goes on from there."""
    user, halves = "many", directory / "halves"
    fill(dovecot, user, small_messages(MANY))
    whole = _trimtab(dovecot, directory / "whole", user)
    yield Figure(
        what=f"initial sync of {MANY:,} messages: peak memory",
        value=_told(whole).peak_mb,
        unit="MB",
        at_most=150,
        note=f"{whole.seconds:.0f} s, {MANY / whole.seconds:.0f} mails a second",
    )
    _trimtab(dovecot, halves, user, kill_at=MANY // 2)
    rest = _trimtab(dovecot, halves, user)
    yield Figure(
        what="the same, killed at the half: mails missing after a second run",
        value=MANY - _stored(halves),
        at_most=0,
        note=f"the second run: {_told(rest).added:,} mails, peak {_told(rest).peak_mb:.0f} MB",
    )
    yield Figure(
        what="bytes of that second run, of an undisturbed one's",
        value=rest.moved / whole.moved,
        at_most=0.55,
        note=f"{rest.moved / 1e6:.1f} MB of {whole.moved / 1e6:.1f} MB",
    )


def _parse(console: Console) -> Iterator[Figure]:
    if not KEAN.is_dir():
        console.print(f"Parse and text are not measured: the mail at {KEAN} is missing.")
        return
    raw = [file.read_bytes() for file in sorted(KEAN.glob("*.eml"))]
    now = datetime.now(UTC)
    speeds = []
    for _ in range(RUNS):
        start = time.process_time()
        for message in raw:
            parsed = parse(message, now)
            cut(parsed.plain, parsed.html)
        speeds.append(len(raw) / (time.process_time() - start))
    yield Figure(
        what="parse and text of real mail, on one core",
        value=statistics.median(speeds),
        unit="mails/s",
        at_least=500,
        note=f"{len(raw)} mails",
    )


def _trimtab(
    dovecot: Dovecot,
    directory: Path,
    user: str,
    round_trip_ms: int = 0,
    kill_at: int | None = None,
) -> Run:
    """A sync into the store in this directory, ended by SIGKILL where `kill_at` is given."""
    directory.mkdir(exist_ok=True)
    killed = [] if kill_at is None else ["--kill-at", str(kill_at)]
    with running_proxy_process(dovecot.port, round_trip_ms=round_trip_ms) as proxy:
        program = [sys.executable, "-m", "benchmarks.once"]
        asked = [str(directory / STORE), str(proxy.port), user, *killed]
        start = time.perf_counter()
        ended = subprocess.run([*program, *asked], cwd=ROOT, stdout=subprocess.PIPE, check=False)
        whole_s = time.perf_counter() - start
        counts = proxy.counts()
    if ended.returncode != (-signal.SIGKILL if killed else 0):
        sys.exit(f"the sync ended with {ended.returncode}")
    sync = None if killed else Sync(**json.loads(ended.stdout))
    return Run(seconds=sync.seconds if sync else whole_s, whole_s=whole_s, counts=counts, sync=sync)


def _told(run: Run) -> Sync:
    assert run.sync is not None
    return run.sync


def _stored(directory: Path) -> int:
    with contextlib.closing(sqlite3.connect(directory / STORE)) as connection:
        return int(connection.execute("SELECT count(*) FROM mail").fetchone()[0])


def _mbsync(dovecot: Dovecot, directory: Path, user: str, round_trip_ms: int) -> Run:
    for name in ("mail", "state"):
        (directory / name).mkdir(parents=True)
    config = directory / "mbsyncrc"
    with running_proxy_process(dovecot.port, round_trip_ms=round_trip_ms) as proxy:
        text = MBSYNC.format(
            port=proxy.port,
            user=user,
            password=PASSWORD,
            directory=directory,
            folder=dovecot.sent,
        )
        config.write_text(text, "utf-8")
        start = time.perf_counter()
        subprocess.run(["mbsync", "-q", "-c", config, "sent"], check=True)
        seconds = time.perf_counter() - start
        counts = proxy.counts()
    pulled = sum(1 for _ in (directory / "mail" / "sent" / "new").iterdir())
    assert pulled == COUNT, f"mbsync pulled {pulled}"
    shutil.rmtree(directory)
    return Run(seconds=seconds, whole_s=seconds, counts=counts)


def _forget(dovecot: Dovecot, user: str) -> None:
    link = dovecot.connect(user)
    link.delete(dovecot.sent)
    link.logout()


def _has(tool: str) -> bool:
    return shutil.which(tool) is not None or Path("/usr/sbin", tool).exists()


def _table(figures: list[Figure]) -> Table:
    table = Table("measure", "figure", "bound", "", "", title="Mail in, against mbsync (FSync no)")
    for figure in figures:
        table.add_row(
            figure.what,
            f"{figure.value:,.{2 if figure.value < 10 and not figure.unit else 0}f} {figure.unit}",
            _bound(figure),
            "[green]pass[/]" if figure.holds else "[red]FAIL[/]",
            figure.note,
        )
    return table


def _bound(figure: Figure) -> str:
    if figure.at_least is not None:
        return f"at least {figure.at_least:g}"
    return f"at most {figure.at_most:g}" if figure.at_most is not None else ""


if __name__ == "__main__":
    sys.exit(main())
