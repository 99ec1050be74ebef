"""`eval --blind`: the user chooses between drafts, in a browser, without knowing whose they are."""

from __future__ import annotations

import asyncio
import threading
import webbrowser
from collections.abc import Callable
from typing import Any

from rich.table import Table

from daemon.blind.serving import serve_page
from daemon.blind.sitting import Sitting, Wishes, sit_down
from daemon.blind.words import COLUMNS, rows, sentences
from daemon.commands.output import console, print_json, progress_console, say
from daemon.commands.session import choose_account, load
from daemon.logs import logging_to
from daemon.store.database import Database
from mlx_agent import codec
from mlx_agent.evaluate.blind import Result


async def blind(account: str | None, wishes: Wishes, *, browser: bool, as_json: bool) -> None:
    """Serve the page until its result was shown, or Ctrl-C; what was chosen is kept.

    Raises BlindTestUnready.
    """
    paths, settings = load()
    name = choose_account(settings, account)
    database = await Database.open(paths.database)
    try:
        with logging_to(paths.logs):
            sitting = await sit_down(database, name, wishes)
            try:
                await _serve(sitting, browser=browser, tell=_teller(as_json=as_json))
            except asyncio.CancelledError:  # Ctrl-C
                _report(sitting, as_json=as_json)
                raise
            _report(sitting, as_json=as_json)
    finally:
        await database.close()


def _teller(*, as_json: bool) -> Callable[[str], None]:
    """A line for people; beside JSON it goes to standard error."""

    def tell(text: str) -> None:
        progress_console.print(text, soft_wrap=True, markup=False, highlight=False)

    return tell if as_json else say


async def _serve(sitting: Sitting, *, browser: bool, tell: Callable[[str], None]) -> None:
    async with serve_page(sitting) as page:
        place = sitting.place()
        done = f"; {place.answered} are answered" if place.answered else ""
        tell(f"Choose between {place.pairs} pairs of drafts{done}. Ctrl-C ends; it goes on there.")
        tell("Open this address in a browser of this machine; it works once:")
        tell(page.link)
        if browser:  # in a thread, for it may block as long as the browser runs
            threading.Thread(target=webbrowser.open, args=(page.link,), daemon=True).start()
        await page.over.wait()


def _report(sitting: Sitting, *, as_json: bool) -> None:
    place, found = sitting.place(), sitting.result()
    if as_json:
        told = {"session": sitting.pairs[0].session, "pairs": place.pairs}
        return print_json(told | {"answered": place.answered, "result": _data(found)})
    if found is None:
        left = place.pairs - place.answered
        return say(f"{place.answered} answered, {left} to go; run it again to go on.")
    for sentence in sentences(found):
        say(sentence)
    return console.print(_table(found))


def _data(found: Result | None) -> Any:
    return None if found is None else codec.to_data(found)


def _table(found: Result) -> Table:
    table = Table(*COLUMNS)
    for row in rows(found):
        table.add_row(*row)
    return table
