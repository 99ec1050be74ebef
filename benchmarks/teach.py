"""Teaching timed, weighed, killed and priced (`make bench-teach`).

Claude stands behind a server on this machine that speaks the real wire format, in a process of its
own. Prints one table and ends with 1 where a bound is missed. `--only` takes one section:

    throughput  live requests, against a server with answers in 300 ms and 50 in flight at the most
    memory      resident memory over 10,000 samples
    people      four people's mail with the offline teacher: lessons, reasons, leaks, time
    killed      the same mail with Claude, killed ten times at random, in batches and live
    cost        tokens and USD of a mail, for the default models

The last three need people's mail, which is no part of this repository; without it they say so.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import teach_killed, teach_people, teach_speed
from benchmarks.mail import Figure
from benchmarks.people import FOLDER

Section = Callable[[Path, bool], Iterator[Figure]]

SECTIONS: dict[str, Section] = {
    "throughput": teach_speed.throughput,
    "memory": teach_speed.memory,
    "people": teach_people.people,
    "killed": teach_killed.killed,
    "cost": teach_people.cost,
}
OF_PEOPLE = ("people", "killed", "cost")


def main() -> int:
    """Measure, print the table, and say by the exit status whether every bound holds."""
    parser = argparse.ArgumentParser(description="Teaching timed, weighed, killed and priced.")
    parser.add_argument("--only", choices=SECTIONS, help="one section")
    parser.add_argument("--brief", action="store_true", help="smaller sizes")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    asked = parser.parse_args()
    console = Console()
    figures = list(_measure(console, [asked.only] if asked.only else [*SECTIONS], asked.brief))
    console.print(_table(figures))
    if asked.json:
        data = [{**asdict(figure), "holds": figure.holds} for figure in figures]
        asked.json.write_text(json.dumps(data, indent=2) + "\n", "utf-8")
    return int(not all(figure.holds for figure in figures))


def _measure(console: Console, sections: list[str], brief: bool) -> Iterator[Figure]:
    for name in sections:
        if name in OF_PEOPLE and not FOLDER.is_dir():
            console.print(f"{name} is not measured: the mail at {FOLDER} is missing.")
            continue
        with (
            tempfile.TemporaryDirectory(prefix="bench-teach-") as scratch,
            console.status(name),
        ):
            yield from SECTIONS[name](Path(scratch), brief)


def _table(figures: list[Figure]) -> Table:
    table = Table("measure", "figure", "bound", "", "", title="Teaching")
    for figure in figures:
        bounded = figure.at_least is not None or figure.at_most is not None
        verdict = "[green]pass[/]" if figure.holds else "[red]FAIL[/]"
        table.add_row(
            figure.what,
            f"{_told(figure.value)} {figure.unit}",
            _bound(figure),
            verdict if bounded else "",
            figure.note,
        )
    return table


def _told(value: float) -> str:
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3f}" if abs(value) >= 0.1 else f"{value:.2g}"


def _bound(figure: Figure) -> str:
    if figure.at_least is not None:
        return f"at least {figure.at_least:g}"
    return f"at most {figure.at_most:g}" if figure.at_most is not None else ""


if __name__ == "__main__":
    sys.exit(main())
