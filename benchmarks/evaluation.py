"""The paper's experiments on four real people, with the pocket base (`make bench-eval`).

    PYTHONPATH=tests python -m benchmarks.evaluation [--out FOLDER] [--home FOLDER] [--mails N]

All experiments by one command, `trimtab eval all`, in a home of their own: the offline model
teaches, writes and judges; of each person the latest N mails count (120). Tables, figures and
pictures go to one folder. Needs the people's mail beside the repository; ends with 1 where a bound
is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import people

MINUTES = 30
HAND_WRITTEN = Path(__file__).parent / "hand_written"
AHEAD = ("zero-shot", "another's agent")
"""What the agent must be nearer than, beyond chance, over all people."""
SHOWN = (*AHEAD, "style card", "nearest rules", "few-shot near", "hand-written")


def run(home: Path, out: Path, mails: int, names: list[str]) -> float:
    """Run all experiments; the minutes they took."""
    if not (home / "config.toml").exists():
        asyncio.run(people.fill(home, {}, iter(names)))
    command = [sys.executable, "-m", "daemon", "eval", "all", "--mails", str(mails)]
    command += ["--hand-written", str(HAND_WRITTEN), "--out", str(out), "--yes"]
    started = time.monotonic()
    subprocess.run(command, check=True, env=os.environ | {"TRIMTAB_HOME": str(home)})
    return (time.monotonic() - started) / 60


def figures(out: Path) -> dict[str, dict[str, str]]:
    """What was found, by name."""
    with (out / "figures.csv").open(encoding="utf-8", newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def told(out: Path, minutes: float) -> bool:
    """Print the bounds and what they are set against; whether all of them are met."""
    found = figures(out)
    met = [minutes <= MINUTES]
    print(f"{minutes:.1f} minutes (bound {MINUTES}) {_verdict(met=met[0])}")
    for rival in SHOWN:
        row = found[f"nearer/agent R3/{rival}/all"]
        ahead = float(row["low"]) > 0.5
        interval = f"{float(row['low']):.0%} to {float(row['high']):.0%}"
        bound = f" {_verdict(met=ahead)}" if rival in AHEAD else ""
        print(f"nearer than {rival}: {float(row['value']):.0%} ({interval}){bound}")
        met += [ahead] if rival in AHEAD else []
    return all(met)


def _verdict(*, met: bool) -> str:
    return "met" if met else "MISSED"


def main() -> None:
    """Run, print, and end with 1 where a bound is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("evaluation"))
    parser.add_argument("--home", type=Path, help="a home to go on in, which is kept")
    parser.add_argument("--mails", type=int, default=120)
    parser.add_argument("--people", nargs="*", default=list(people.ADDRESSES))
    chosen = parser.parse_args()
    if not people.FOLDER.is_dir():
        print(f"there is no mail in {people.FOLDER}", file=sys.stderr)
        sys.exit(1)
    with tempfile.TemporaryDirectory() as scratch:
        home = chosen.home or Path(scratch)
        minutes = run(home, chosen.out, chosen.mails, chosen.people)
    sys.exit(not told(chosen.out, minutes))


if __name__ == "__main__":
    main()
