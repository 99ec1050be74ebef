"""Four people's mail as an ordinary home of trimtab; never copied into the repository.

Three gave their mails as JSON lines without a recipient, which is taken from the greeting; of the
fourth there are whole messages.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import tomli_w

from daemon import config
from daemon.config import Config, Paths
from daemon.corpora import panza
from daemon.mailbox.importing import import_path
from daemon.store.database import Database
from mlx_agent.records import Address

FOLDER = Path(__file__).parent.parent.parent / "shared" / "mail" / "people"
ADDRESSES = {
    "david": ["david@sea.example"],
    "isabel": ["isabel@sea.example"],
    "marcus": ["marcus@sea.example"],
    "kean": ["steven.kean@enron.com"],
}


async def fill(
    home: Path, settings: dict[str, object], people: Iterator[str] | None = None
) -> tuple[Paths, Config]:
    """A home whose store holds the mail of these people, or of all; `settings` go on top."""
    chosen = tuple(people or ADDRESSES)
    paths = config.find_paths(str(home))
    config.make_directories(paths)
    accounts = {who: {"addresses": ADDRESSES[who], "cloud": "all"} for who in chosen}
    paths.config.write_text(tomli_w.dumps({"accounts": accounts} | settings), "utf-8")
    database = await Database.open(paths.database)
    try:
        for who in chosen:
            source = FOLDER / who if who == "kean" else _as_files(home, who)
            await import_path(source, who, database, lambda _: None)
    finally:
        await database.close()
    return paths, config.load(paths.config)


def _as_files(home: Path, who: str) -> Path:
    """Without their dates, which only one of the three told: they stand in the file's order."""
    folder = home / "given" / who
    folder.mkdir(parents=True)
    sender = Address(name=f"{who.capitalize()} Ek", address=ADDRESSES[who][0])
    lines = (FOLDER / f"{who}.jsonl").read_text("utf-8").splitlines()
    for number, line in enumerate(lines):
        stored = json.loads(line) | {"date": None}
        message = panza.mail(stored, sender, number)
        (folder / f"{number:04}.eml").write_bytes(message.raw)
    return folder
