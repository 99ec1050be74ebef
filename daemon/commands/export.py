"""`export`: all that trimtab knows of the user, in files that a person and a program can read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from daemon import ownership
from daemon.commands.output import print_json, say
from daemon.commands.session import load
from daemon.errors import FolderTaken
from daemon.files import refusals
from daemon.store import snapshot
from daemon.store.database import Connection, Database

README = """\
All that trimtab knows of you, one JSON object a line (UTF-8).

mail        your mails: subject, recipients, your own text, what it answers, your signature
source      what each was cut from, as it was fetched: header, text, HTML
lesson      what was taught of each mail: points, metadata, rules, and what that cost
answer      a teacher's answers that are no lesson yet; batch: what it was asked together;
            set_aside: mails that gave no lesson, and why
draft       your bullets, the rules, the text, and how it was made; delivery: where it went
edit        what you made of each draft; taken_back: what you said is not to be learned from
standing_rule   rules that you pinned or banned
adapter     your agents; verdict: the gate's word on each; training: how it went
evaluation  experiments; evaluation_training: agents that were trained for them;
            trial (evaluation_trial): what each system wrote for a mail of yours; trial_measure,
            judgement, figure: how it was compared; blind_pair: what you chose, not knowing whose
ledger      what left this machine, when, to whom, why, and at what price
job         what trimtab did, and how it ended
folder, uid_link, fetched, quarantine, tombstone, excluded, excluded_by, cut_rules
            how your Sent folder stands, what could not be read, what is gone or stays here
config.json your settings, without secrets

Not here: the agents' weights and training data, which `trimtab backup` holds, and the passwords and
keys, which are in your system's keychain.
"""


async def export(folder: Path, *, as_json: bool) -> None:
    """Write everything to a folder (absolute), which comes into being whole; raises FolderTaken."""
    paths, settings = load()
    _refuse_taken(folder)
    building = folder.with_name(f".{folder.name}.new")
    database = await Database.open(paths.database)
    try:
        with refusals(folder):
            shutil.rmtree(building, ignore_errors=True)
            building.mkdir(parents=True, mode=0o700)
            counts = await database.read(_write_tables, building)
            data = ownership.without_secrets(settings.model_dump(mode="json", exclude_unset=True))
            _write(building / "config.json", json.dumps(data, indent=2, ensure_ascii=False) + "\n")
            _write(building / "README.txt", readme(counts))
            building.rename(folder)
    finally:
        await database.close()
        shutil.rmtree(building, ignore_errors=True)
    if as_json:
        return print_json({"folder": str(folder), "rows": counts})
    mails, lessons = counts["mail"], counts["lesson"]
    return say(f"Wrote all that is known of you to {folder}: {mails} mails, {lessons} lessons.")


def _refuse_taken(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderTaken(folder, forcible=False)


def readme(tables: Iterable[str]) -> str:
    """What is in the files; those that it does not tell of are at least named."""
    others = [name for name in tables if name not in README]
    return README + (f"\nWhat else is kept: {', '.join(others)}.\n" if others else "")


def _write_tables(connection: Connection, folder: Path) -> dict[str, int]:
    """A file for each table; how many rows it has."""
    counts = {}
    for table in snapshot.tables(connection):
        with (folder / f"{table}.jsonl").open("x", encoding="utf-8") as file:
            counts[table] = 0
            for row in snapshot.rows(connection, table):
                file.write(_line(row))
                counts[table] += 1
        (folder / f"{table}.jsonl").chmod(0o600)
    return counts


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")
