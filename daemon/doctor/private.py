"""What of a text is nobody else's business, and the text without it. Pure.

Private is every text and name of the config that is no word of trimtab's own, in whole and in
pieces: whoever the user is, writes to, and logs in to is in there. Besides, whatever looks like an
address, a link, a host or a path, wherever it came from.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from daemon.config import Config
from mlx_agent import bases, offers

SHORTEST = 3
"""Letters of a piece that is replaced; a whole value is replaced however short."""
DISTINCT = 6
"""Letters of a value that is replaced within other words, too, for it may be glued to some."""
FILES = frozenset(
    "config.toml trimtab.db trimtab.db-wal trimtab.db-shm trimtab.sock trimtab.lock trimtab.log "
    "worker.log token manifest.json adapters datasets logs run plugin trimtab.json trimtab.xpi "
    "native-host model.safetensors config.json tokenizer.json".split()
)
_SUFFIXES = frozenset("toml db py json xpi log sock safetensors jinja model txt lock".split())
_ADDRESS = re.compile(r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;]+")
_LINK = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s<>\"')]+", re.IGNORECASE)
_NUMBERS = re.compile(
    r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\b(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{1,4}\b", re.IGNORECASE
)
_HOST = re.compile(r"(?<![\w./-])(?:[^\W_][\w-]*\.)+[^\W\d_]{2,}(?![\w/])")
_PATH = re.compile(r"(?:<[a-z]+(?: \d+)?>|~|\.{1,2})?(?<![\w])(?:/[^\s'\",;:()<>`]+)+")


def words_of_config(text: str) -> frozenset[str]:
    """The private texts and names of a config, be it valid, invalid, or no TOML at all."""
    try:
        found = set(_texts(tomllib.loads(text)))
    except tomllib.TOMLDecodeError:
        lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
        found = set(re.findall(r"[^\s\"'=\[\],{}#]+", "\n".join(lines)))
        found |= {one for pair in re.findall(r"\"([^\"\n]*)\"|'([^'\n]*)'", text) for one in pair}
    whole = {one.strip() for one in found} - _public()
    pieces = {piece for one in whole for piece in re.split(r"[\W_]+", one)}
    return frozenset({one for one in whole if one} | {p for p in pieces if _is_private(p)})


def _is_private(piece: str) -> bool:
    return len(piece) >= SHORTEST and piece not in _public() and not piece.isdigit()


def _texts(data: Any) -> Iterator[str]:
    """Every text in the data, and every key."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield key
            yield from _texts(value)
    elif isinstance(data, list):
        for value in data:
            yield from _texts(value)


@cache
def _public() -> frozenset[str]:
    """The words of the config's own schema, and the models that trimtab knows."""
    return frozenset({*_vocabulary(Config.model_json_schema()), *offers.KNOWN, bases.POCKET, ""})


def _vocabulary(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for one in schema:
            yield from _vocabulary(one)
    if not isinstance(schema, dict):
        return
    yield from schema.get("properties", {})
    told = [*schema.get("enum", ()), schema.get("const"), schema.get("default")]
    yield from (one for one in told if isinstance(one, str))
    for one in schema.values():
        yield from _vocabulary(one)


class Scrubber:
    """Replaces what is private, the same by the same, so that a report can still be followed."""

    def __init__(self, words: Iterable[str], places: dict[str, str]) -> None:
        """`places` are paths and names of this machine, and what stands for them."""
        self._named = {place.casefold(): name for place, name in places.items() if place}
        for number, word in enumerate(sorted(set(words)), 1):
            self._named.setdefault(word.casefold(), f"<private {number}>")
        longest_first = sorted(self._named, key=lambda one: (-len(one), one))
        patterns = "|".join(map(_pattern, longest_first))
        self._known = re.compile(patterns, re.IGNORECASE) if patterns else None

    def __call__(self, text: str) -> str:
        """The text without it."""
        text = _ADDRESS.sub("<address>", _LINK.sub("<link>", text))
        if self._known is not None:
            text = self._known.sub(self._name, text)
        text = _PATH.sub(_path, text)
        text = _NUMBERS.sub("<number>", text)
        return _HOST.sub(_host, text)

    def _name(self, found: re.Match[str]) -> str:
        return self._named.get(found[0].casefold(), "<private>")


def _pattern(word: str) -> str:
    escaped = re.escape(word)
    return escaped if len(word) >= DISTINCT else rf"(?<![^\W_]){escaped}(?![^\W_])"


def _path(found: re.Match[str]) -> str:
    last = Path(found[0].rstrip(".")).name
    return f"<path>/{last}" if last in FILES else "<path>"


def _host(found: re.Match[str]) -> str:
    labels = found[0].split(".")
    ours = labels[-1] in _SUFFIXES or all(label in _public() for label in labels)
    return found[0] if ours else "<host>"
