"""`corpus`: other people's texts into a home for research, and what it holds in numbers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from daemon import config
from daemon.commands.output import print_json, progress_bar, say
from daemon.config import Config, Paths
from daemon.corpora import home
from daemon.corpora.articles import articles
from daemon.corpora.enron import ENRON
from daemon.corpora.loading import Loaded
from daemon.corpora.loading import load as load_texts
from daemon.corpora.panza import PANZA
from daemon.corpora.people import Person, Survey, chosen, survey, wanted
from daemon.corpora.records import Corpus, Found, Name, Text
from daemon.corpora.reviews import REVIEWS
from daemon.lock import HomeLock
from daemon.records import Progress
from daemon.store.database import Database
from mlx_agent import codec

OFTEN = 5000
"""Texts read between two reports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """What the command line says of a corpus and of whom to take from it."""

    corpus: Name
    paths: tuple[Path, ...]
    people: str
    seed: int
    per_person: int | None
    least: int | None
    publication: str
    only_list: bool


async def load(options: LoadOptions, *, as_json: bool) -> None:
    """Choose people, write their accounts, and store their texts.

    A running daemon must be stopped first: it owns the store.
    """
    paths = config.find_paths()
    corpus = _corpus(options)
    if not options.only_list:
        home.check(paths, corpus)
    stop = threading.Event()
    try:
        with progress_bar() as show:
            read = told(corpus.read(options.paths), lambda at: show(_data(at)), stop)
            found = await asyncio.to_thread(survey, corpus, read)
        if options.only_list:
            return _list(found, as_json=as_json)
        people = chosen(
            corpus, found.people, who=_who(options.people), seed=options.seed, least=corpus.least
        )
        config.make_directories(paths)
        with HomeLock(paths.lock):
            settings = home.settle(paths, corpus, people)
            read = told(corpus.read(options.paths), lambda _: None, stop)
            texts = wanted(read, people, seed=options.seed, most=options.per_person)
            loaded = await _stored(corpus, people, texts, paths=paths, settings=settings)
    finally:
        stop.set()
    return _print(found, people, loaded, as_json=as_json)


async def _stored(
    corpus: Corpus,
    people: Sequence[Person],
    texts: Iterable[tuple[Person, Text]],
    *,
    paths: Paths,
    settings: Config,
) -> list[Loaded]:
    database = await Database.open(paths.database)
    try:
        with progress_bar() as show:
            return await load_texts(
                corpus,
                people,
                texts,
                settings=settings,
                database=database,
                report=lambda at: show(_data(at)),
            )
    finally:
        await database.close()


def _corpus(options: LoadOptions) -> Corpus:
    named = {"enron": ENRON, "reviews": REVIEWS, "panza": PANZA}
    found = named.get(options.corpus) or articles(options.publication)
    return replace(found, least=options.least) if options.least else found


def told(
    found: Iterable[Found], report: Callable[[Progress], None], stop: threading.Event
) -> Iterator[Found]:
    """The same, while a reading of gigabytes shows how far it is, and ends when it is stopped.

    It goes on in a thread, which a cancelled command would wait for.
    """
    for number, each in enumerate(found, 1):
        if stop.is_set():
            return
        if number % OFTEN == 0:
            report(Progress(step="read", done=number))
        yield each


def _who(text: str) -> int | Sequence[str]:
    """`15` as a number of people, all else as their names."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    return max(1, int(text)) if text.strip().isascii() and text.strip().isdigit() else names


def _list(found: Survey, *, as_json: bool) -> None:
    by_texts = sorted(found.people.items(), key=lambda each: (-each[1].texts, each[0]))
    if as_json:
        people = {name: person.texts for name, person in by_texts}
        return print_json({"people": people, "skipped": found.skipped})
    for name, person in by_texts:
        say(f"{name}: {person.texts} texts")
    _say_skipped(found)
    return None


def _print(
    found: Survey, people: Sequence[Person], loaded: Sequence[Loaded], *, as_json: bool
) -> None:
    if as_json:
        data = [codec.to_data(one) for one in loaded]
        return print_json({"people": data, "skipped": found.skipped, "of": len(found.people)})
    for one in loaded:
        say(
            f"{one.account}: {one.added} new, {one.known} known, {one.unreadable} unreadable; "
            f"{one.teaching} teach."
        )
        if one.left_out:
            reasons = ", ".join(f"{count} {reason}" for reason, count in one.left_out.items())
            say(f"  Left out: {reasons}.")
    say(f"{len(people)} of {len(found.people)} people are accounts of this home now.")
    _say_skipped(found)
    return None


def _say_skipped(found: Survey) -> None:
    if found.skipped:
        reasons = "; ".join(f"{count} times {reason}" for reason, count in found.skipped.items())
        say(f"Passed over in the whole corpus: {reasons}.")


def _data(at: Progress) -> dict[str, object]:
    return {"step": at.step, "done": at.done, "total": at.total, "note": at.note}
