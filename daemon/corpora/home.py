"""The home for research: an account for each person, in a config that may be there already.

A home with the user's own mail is refused: its figures would mix with theirs, and what is shown of
an experiment would show their mail.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from daemon import config
from daemon.config import Config, Paths
from daemon.config_text import LayoutUnknown, changed
from daemon.corpora.people import Person
from daemon.corpora.records import Corpus
from daemon.errors import ConfigInvalid, ConfigProblem
from daemon.files import write_whole
from daemon.research_errors import HomeTaken

_HEAD = "# A home for research, made by `trimtab corpus load`.\n"


def check(paths: Paths, corpus: Corpus) -> None:
    """Raises HomeTaken for a home of the user's own, and ConfigInvalid."""
    _config(paths, _text(paths.config), corpus)


def settle(paths: Paths, corpus: Corpus, people: Iterable[Person]) -> Config:
    """Write the people's accounts into the config, all else as it is; the config then.

    Raises HomeTaken, ConfigInvalid and FileRefused.
    """
    text = _text(paths.config)
    known = _config(paths, text, corpus).accounts
    changes: dict[tuple[str, ...], Any] = {}
    for person in people:
        old = known.get(person.account)
        if old is not None and old.corpus != corpus.name:
            raise HomeTaken(paths.config.parent, person.account, corpus.name)
        fields: dict[str, Any] = {"name": person.name} if person.name else {}
        fields |= {"addresses": list(person.addresses), "kind": corpus.kind}
        fields |= {"corpus": corpus.name}
        changes |= {("accounts", person.account, key): value for key, value in fields.items()}
    try:
        new = changed(text or _HEAD, changes)
    except LayoutUnknown as error:
        what = "is laid out in a way that cannot be changed here; name another home"
        raise ConfigInvalid(paths.config, (ConfigProblem(where="file", what=what),)) from error
    settings = config.validate(tomllib.loads(new), paths.config)
    if new != text:
        write_whole(paths.config, new.encode())
    return settings


def _text(path: Path) -> str:
    if not path.exists():
        return ""
    config.load(path)  # which says what is wrong with it
    return path.read_text("utf-8")


def _config(paths: Paths, text: str, corpus: Corpus) -> Config:
    settings = config.validate(tomllib.loads(text), paths.config)
    for name, account in settings.accounts.items():
        if not account.corpus:
            raise HomeTaken(paths.config.parent, name, corpus.name)
    return settings
