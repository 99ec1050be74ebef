"""Texts of a corpus into the store, by the same way as mail from files; a repeat adds nothing."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from daemon.agents import select_settings
from daemon.config import Config
from daemon.corpora.people import Person
from daemon.corpora.records import Corpus, Text
from daemon.mailbox.importing import add_messages
from daemon.mailbox.parsing.mail_files import FileMessage
from daemon.mailbox.reading import settle_cuts
from daemon.records import Progress
from daemon.store import mail as mail_store
from daemon.store.database import Database
from mlx_agent.teach.select import counts, select

CHUNK, CHUNK_BYTES = 200, 1_000_000
"""Messages of one person that are held before they are stored."""

Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What a person's account got and has: texts new and known, those that teach, and why not."""

    account: str
    added: int
    known: int
    unreadable: int
    teaching: int
    left_out: dict[str, int]


async def load(
    corpus: Corpus,
    people: Sequence[Person],
    texts: Iterable[tuple[Person, Text]],
    *,
    settings: Config,
    database: Database,
    report: Report,
) -> list[Loaded]:
    """Store the texts, in the order of the people; raises what the corpus' reader raises."""
    chunks = _chunks(texts)
    sums = {person.account: [0, 0, 0] for person in people}
    done, total = 0, sum(person.texts for person in people)
    while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
        account, messages = chunk
        result = await add_messages(iter(messages), account, database, _quiet, corpus.flags)
        for place, count in enumerate((result.added, result.known, result.quarantined)):
            sums[account][place] += count
        done += len(messages)
        report(Progress(step="import", done=done, total=total))
    return [await _settled(name, sums[name], settings, database, report) for name in sums]


async def _settled(
    account: str, sums: list[int], settings: Config, database: Database, report: Report
) -> Loaded:
    await settle_cuts(account, database, report)
    mails = await database.read(mail_store.mails, account)
    chosen = select_settings(settings, account, frozenset())
    selection = await asyncio.to_thread(select, mails, chosen)
    return Loaded(
        account=account,
        added=sums[0],
        known=sums[1],
        unreadable=sums[2],
        teaching=len(selection.chosen),
        left_out=counts(selection.left_out),
    )


def _chunks(texts: Iterable[tuple[Person, Text]]) -> Iterator[tuple[str, list[FileMessage]]]:
    held: dict[str, list[FileMessage]] = defaultdict(list)
    sizes: dict[str, int] = defaultdict(int)
    for person, text in texts:
        name, message = person.account, text.message()
        held[name].append(message)
        sizes[name] += len(message.raw)
        if len(held[name]) >= CHUNK or sizes[name] >= CHUNK_BYTES:
            yield name, held.pop(name)
            del sizes[name]
    yield from held.items()


def _quiet(at: Progress) -> None:
    """The whole's progress is told, not each chunk's."""
