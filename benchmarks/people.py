"""Four people's mail as an ordinary home of trimtab; never copied into the repository.

Three gave their mails as JSON lines without a recipient, which is taken from the greeting; of the
fourth there are whole messages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import tomli_w

from daemon import config
from daemon.config import Config, Paths
from daemon.mailbox.importing import import_path
from daemon.store.database import Database

FOLDER = Path(__file__).parent.parent.parent / "shared" / "mail" / "people"
ADDRESSES = {
    "david": ["david@sea.example"],
    "isabel": ["isabel@sea.example"],
    "marcus": ["marcus@sea.example"],
    "kean": ["steven.kean@enron.com"],
}
_GREETED = re.compile(
    r"(?:dear|hi|hello|hey)\b[ ,]*(?:prof|dr|mr|mrs|ms)?\.? ?([A-Z][\w-]+)", re.IGNORECASE
)


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
    folder = home / "given" / who
    folder.mkdir(parents=True)
    lines = (FOLDER / f"{who}.jsonl").read_text("utf-8").splitlines()
    for number, line in enumerate(lines):
        message = _message(who, number, json.loads(line))
        (folder / f"{number:04}.eml").write_bytes(message.as_bytes())
    return folder


def _message(who: str, number: int, stored: dict[str, str]) -> EmailMessage:
    greeted = _GREETED.match(stored["email"])
    name = greeted[1] if greeted else "Rob"
    message = EmailMessage()
    message["From"] = f"{who.capitalize()} Ek <{ADDRESSES[who][0]}>"
    message["To"] = f"{name} Stone <{name.lower()}@land.example>"
    message["Subject"] = " ".join((stored.get("subject") or "").split())
    message["Message-ID"] = f"<{number}.{who}@sea.example>"
    message["Date"] = f"Mon, 02 Mar 2026 {number // 60 % 24:02}:{number % 60:02}:00 +0000"
    message.set_content(stored["email"].replace("\r\n", "\n"))
    return message
