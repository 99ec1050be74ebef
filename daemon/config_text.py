"""The text of `config.toml`: made from the example's, and changed with all else left as it is.

Pure. The user's comments, order and spacing stay, and so does every table that is not named. What
was changed is read again and compared with what was meant, so that no layout, however unusual,
can end as another config.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from importlib import resources
from typing import Any

import tomli_w
import tomlkit
from tomlkit.exceptions import TOMLKitError

Changes = Mapping[tuple[str, ...], Any]
"""New values by their TOML paths."""
_ACCOUNT = "work"
"""The account in the example."""
_OPTIONAL = ("imap", "smtp", "oauth")
UNSET = object()
"""No value; equal to nothing that TOML has."""


class LayoutUnknown(Exception):
    """The text cannot be changed here without losing something of it."""


def fresh(account: str, tables: frozenset[str]) -> str:
    """The example for a first account of that name, with these of its optional tables in use."""
    return _with_account(_example(), account, tables)


def with_account(text: str, account: str, tables: frozenset[str]) -> str:
    """A config's text, and after it the example's part for one more account."""
    example = _example()
    start = example.index(f"[accounts.{_ACCOUNT}]")
    part = example[start : example.index("\n# ---", start)].rstrip()
    before = text.rstrip("\n")
    return f"{before}\n\n{_with_account(part, account, tables)}\n".lstrip("\n")


def changed(text: str, changes: Changes) -> str:
    """The text with these values; raises LayoutUnknown, and tomllib's error if it is no TOML."""
    old = tomllib.loads(text)
    try:
        wanted = _applied(old, changes)
        differing = {
            path: value
            for path, value in changes.items()
            if value_at(old, path) != value_at(wanted, path)
        }
        new = _edited(text, differing)
        if tomllib.loads(new) == wanted:
            return new
    except (TOMLKitError, tomllib.TOMLDecodeError, TypeError, AttributeError) as error:
        raise LayoutUnknown from error
    raise LayoutUnknown


def value_at(data: Any, path: tuple[str, ...]) -> Any:
    """The value at a TOML path; UNSET where there is none."""
    for name in path:
        if not isinstance(data, Mapping) or name not in data:
            return UNSET
        data = data[name]
    return data


def _example() -> str:
    return (resources.files("daemon") / "config.example.toml").read_text("utf-8")


def _with_account(text: str, account: str, tables: frozenset[str]) -> str:
    for table in _OPTIONAL:
        if table not in tables:
            text = _commented_out(text, f"accounts.{_ACCOUNT}.{table}")
    for mark in ("accounts.", '"'):  # headers, remarks, and the entry of the keychain
        text = text.replace(f"{mark}{_ACCOUNT}.", f"{mark}{account}.")
        text = text.replace(f"{mark}{_ACCOUNT}]", f"{mark}{account}]")
        text = text.replace(f"{mark}{_ACCOUNT}/", f"{mark}{account}/")
    return text


def _commented_out(text: str, table: str) -> str:
    """The text with a table's lines as comments, from its header to the next blank line."""
    lines = re.compile(rf"^\[{re.escape(table)}\]\n(?:[^\n]+(?:\n|$))*", re.MULTILINE)
    return lines.sub(lambda found: "".join(map(_comment, found[0].splitlines(True))), text)


def _comment(line: str) -> str:
    return line if line.startswith("#") else f"# {line}"


# --- changing -------------------------------------------------------------------------------------


def _edited(text: str, changes: Changes) -> str:
    document = tomlkit.parse(text)
    missing: dict[tuple[str, ...], dict[str, Any]] = {}
    for path, value in changes.items():
        table = _table_at(document, path[:-1])
        if table is None:
            missing.setdefault(path[:-1], {})[path[-1]] = value
        else:
            table[path[-1]] = value
    new = tomlkit.dumps(document)
    for part in _written(missing):
        new = f"{new.rstrip()}\n\n{part}".lstrip("\n")
    return new


def _written(tables: Mapping[tuple[str, ...], Mapping[str, Any]]) -> Iterator[str]:
    """Tables that are not there yet, as text for the file's end."""
    for path, values in tables.items():
        nested: Mapping[str, Any] = values
        for name in reversed(path):
            nested = {name: nested}
        yield tomli_w.dumps(nested)


def _table_at(document: Any, path: tuple[str, ...]) -> Any:
    found = value_at(document, path)
    return None if found is UNSET else found


def _applied(data: Mapping[str, Any], changes: Changes) -> dict[str, Any]:
    new: dict[str, Any] = deepcopy(dict(data))
    for path, value in changes.items():
        table = new
        for name in path[:-1]:
            table = table.setdefault(name, {})
        table[path[-1]] = value
    return new
