"""`trimtab eval --blind` as a user runs it: a process that serves a page until it was answered."""

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from blind_examples import PATIENT, evaluated, trials
from command import TRIMTAB, sentence, trimtab
from running_daemon import a_home

from daemon.store.database import Database


@pytest.fixture
def home() -> Iterator[Path]:
    with a_home() as home:
        yield home


async def _fill(file: Path) -> None:
    database = await Database.open(file)
    await database.write(evaluated, trials(4))
    await database.close()


def fill(home: Path) -> None:
    """An evaluation of 4 mails."""
    asyncio.run(_fill(home / "trimtab.db"))


@contextmanager
def at_work(
    home: Path, *options: str, as_json: bool = True, opens: str = ""
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command, and the link that it printed, beside JSON on standard error."""
    more = ["--json"] * as_json + ["--no-open"] * (not opens)
    process = subprocess.Popen(
        [TRIMTAB, "eval", "--blind", *options, *more],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TRIMTAB_HOME": str(home), "BROWSER": opens},
    )
    try:
        stream = process.stderr if as_json else process.stdout
        assert stream
        lines = iter(stream.readline, "")
        yield process, next(line.strip() for line in lines if line.startswith("http://"))
    finally:
        process.kill()
        process.communicate()


def enter(http: httpx.Client, link: str) -> None:
    http.base_url = httpx.URL(link).join(http.get(link).headers["location"])


def choose(http: httpx.Client, index: int, choice: str) -> dict[str, Any]:
    return dict(http.post(f"blind/pairs/{index}", json={"choice": choice}).json())


def test_it_is_cut_off_goes_on_and_ends_by_itself(home: Path) -> None:
    """Ctrl-C says how far it was; the result is printed as JSON alone."""
    fill(home)
    with at_work(home, "--pairs", "3") as (process, link), httpx.Client(timeout=PATIENT) as http:
        enter(http, link)
        assert choose(http, 0, "left")["next"] == 1
        process.send_signal(signal.SIGINT)
        printed, said = process.communicate(timeout=60)
        assert (process.returncode, said) == (130, "")
    begun = json.loads(printed)
    assert (begun["answered"], begun["pairs"], begun["result"]) == (1, 3, None)
    with at_work(home) as (process, link), httpx.Client(timeout=PATIENT) as http:
        enter(http, link)
        choose(http, 1, "tie")
        choose(http, 2, "right")
        http.post("blind/result", json={})
        printed, _ = process.communicate(timeout=60)
        assert process.returncode == 0
    ended = json.loads(printed)
    assert (ended["session"], ended["answered"]) == (begun["session"], 3)
    assert ended["result"]["pairs"] == 3
    assert ended["result"]["systems"][0]["system"] == "agent R3"


def test_the_result_is_printed_for_people(home: Path) -> None:
    """In words and as a table; before the end, how far it is, and nothing that tells systems."""
    fill(home)
    with at_work(home, as_json=False) as (process, link), httpx.Client(timeout=PATIENT) as http:
        enter(http, link)
        choose(http, 0, "left")
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60)[0] == "1 answered, 7 to go; run it again to go on.\n"
    with at_work(home, as_json=False) as (process, link), httpx.Client(timeout=PATIENT) as http:
        enter(http, link)
        for index in range(1, 8):
            choose(http, index, "tie")
        http.post("blind/result", json={})
        printed, said = process.communicate(timeout=60)
    assert said == ""
    assert "Of 4 pairs you chose agent R3 in " in printed
    assert "win rate (95 %)" in printed


def test_the_browser_is_opened_with_the_link(home: Path, tmp_path: Path) -> None:
    """The user's own, by BROWSER or however the system knows it."""
    fill(home)
    told = tmp_path / "told"
    browser = tmp_path / "browser"
    browser.write_text(
        f'#!/bin/sh\nprintf %s "$1" > "{told}.new"; mv "{told}.new" "{told}"\n', "utf-8"
    )
    browser.chmod(0o755)
    with at_work(home, opens=str(browser)) as (_, link):
        until = time.monotonic() + 60
        while not told.exists() and time.monotonic() < until:
            time.sleep(0.05)
        assert told.read_text("utf-8") == link


def test_without_an_evaluation_it_says_what_to_run_first(home: Path) -> None:
    """One sentence."""
    done = trimtab("eval", "--blind", "--no-open", home=home, code=1)
    assert sentence(done) == (
        "There is nothing to compare for account 'work': no evaluation of it that has ended has "
        "two systems on the same mails, with different texts; run `trimtab eval table` first."
    )


@pytest.mark.parametrize("systems", ["agent R3", "", "agent R3,agent R3"])
def test_one_system_alone_cannot_be_compared(home: Path, systems: str) -> None:
    """That is a wrong use."""
    done = trimtab("eval", "--blind", "--systems", systems, home=home, code=2)
    assert "name at least two different systems" in done.stderr
