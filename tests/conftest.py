"""Fixtures that many tests share, and the loud line about tools that are missing."""

import itertools
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from dovecot_server import PASSWORD, Dovecot, running_dovecot
from hypothesis import settings
from keychains import keychain  # noqa: F401  # a fixture
from store_samples import opened
from tools import MISSING
from training_examples import trained  # noqa: F401  # a fixture, once for the whole run

from daemon import config
from daemon.config import Config, Paths
from daemon.store.database import Database

# No test is timed: these machines are shared. Continuous integration tries the same examples twice.
settings.register_profile("trimtab", deadline=None, derandomize=os.environ.get("CI") == "true")
settings.load_profile("trimtab")

_users = itertools.count(1)


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """One Dovecot for the whole run."""
    with running_dovecot() as server:
        yield server


@pytest.fixture
def user() -> str:
    """A mailbox that no other test has used."""
    return f"user{next(_users)}"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """A fresh TRIMTAB_HOME, which the command finds by the environment."""
    monkeypatch.setenv("TRIMTAB_HOME", str(tmp_path))
    paths = config.find_paths()
    config.make_directories(paths)
    return paths


@pytest.fixture
def write_config(home: Paths) -> Callable[[str], Config]:
    """Writes config.toml and loads it."""

    def write(text: str) -> Config:
        home.config.write_text(text, "utf-8")
        return config.load(home.config)

    return write


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """A store in memory, for the functions of one connection."""
    connection = opened()
    yield connection
    connection.close()


@pytest.fixture
async def database(home: Paths) -> AsyncIterator[Database]:
    """The home's store."""
    opened = await Database.open(home.database)
    yield opened
    await opened.close()


def account_toml(
    name: str, address: str, port: int, user: str, password: str = PASSWORD, **more: str
) -> str:
    """An account with a server on this machine, as the user would write it."""
    extra = "".join(f'{key} = "{value}"\n' for key, value in more.items())
    return f"""
[accounts.{name}]
name = "Ada Lindqvist"
addresses = ["{address}"]
[accounts.{name}.imap]
host = "127.0.0.1"
port = {port}
security = "plain"
user = "{user}"
password = "{password}"
{extra}"""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the very end what was missing."""
    for what in sorted(MISSING):
        terminalreporter.write_line(f"NOT TESTED, because it is missing: {what}", yellow=True)
