"""One line for each thing that happened, and nothing private in it. Pure but for the formatter.

    2026-03-03T09:30:00.123+01:00 INFO job ended job=12 kind=sync account=work state=done added=3

Time, level, what happened, then logfmt: `key=value`, quoted as in JSON where it holds a space. The
eye reads it, `grep` finds in it, and a program splits it; JSON lines are hard on the eye.

Only code of our own is taken at its word, and it hands in counts, names and classes. Of another
library's record its name, its place and the class of its error are told, never its text, for some
say what they carry. Of an error no text is told, whosever it is. What looks like an address is
taken out of everything.
"""

from __future__ import annotations

import json
import logging
import os
import re
import stat
import sys
import threading
import traceback
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType

BYTES = 1_000_000
"""Size of a log's file."""
OURS = ("daemon", "mlx_agent", "plugin")
_WORD = r"[^\s\"'<>=@]"
_ADDRESS = re.compile(rf"(?<!{_WORD}){_WORD}++@{_WORD}+")
"""It is looked for from the start of each word alone, so that a long line takes no longer."""
_PLAIN = re.compile(r"[^\s\"=\\]+\Z")
_SHOWN_FRAMES = 3


class LineFormatter(logging.Formatter):
    """A record as its line. `told`, given by `extra`, holds the fields."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever the record holds."""
        at = datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds")
        return line(at, record.levelname, *_what(record))


def told(**fields: object) -> dict[str, dict[str, object]]:
    """The fields of a record, as its `extra`; what is None is left out."""
    return {"told": fields}


def line(at: str, level: str, what: str, fields: dict[str, object]) -> str:
    """The parts as one line."""
    said = " ".join(what.split())
    told = [f"{key}={_value(value)}" for key, value in fields.items() if value is not None]
    return without_addresses(" ".join([at, level, said, *told]))


def without_addresses(text: str) -> str:
    """The text with a mark where it held an e-mail address."""
    return _ADDRESS.sub("[address]", text)


def place(error: BaseException) -> str:
    """Where it was raised, innermost first: code only, for an exception's text may quote mail."""
    frames = reversed(traceback.extract_tb(error.__traceback__)[-_SHOWN_FRAMES:])
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)


def bound(descriptor: int) -> None:
    """Empty a log file that has grown, whose writer has it open for appending; else do nothing.

    For what another program opened, such as a service manager, and nobody else rotates.
    """
    with suppress(OSError):
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode) and found.st_size > BYTES:
            os.ftruncate(descriptor, 0)


def guard_standard_error() -> None:
    """Have this process tell of errors on standard error by such lines, and of no text of theirs.

    For a process whose standard error is a log file.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter())
    logging.getLogger().addHandler(handler)
    log = logging.getLogger(__name__)

    def tell(error: BaseException) -> None:
        fields = told(error=type(error).__name__, at=place(error))
        log.error("the process failed", extra=fields)

    def on_error(_: type[BaseException], error: BaseException, __: TracebackType | None) -> None:
        tell(error)

    def on_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            tell(args.exc_value)

    sys.excepthook = on_error
    threading.excepthook = on_thread


def _what(record: logging.LogRecord) -> tuple[str, dict[str, object]]:
    fields: dict[str, object] = {}
    if record.name.split(".")[0] in OURS:
        what = record.getMessage()
        fields |= getattr(record, "told", {})
    else:
        what = "a library warned"
        fields["library"] = record.name
        fields["from"] = f"{record.filename}:{record.lineno}"
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        fields |= {"error": type(error).__name__, "at": place(error)}
    return what, fields


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    seen = text.isprintable()  # what is not could end the line, or play with the terminal
    return text if seen and _PLAIN.match(text) else json.dumps(text, ensure_ascii=not seen)
