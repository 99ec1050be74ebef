"""A text of a corpus as the bytes of a message, so that it goes the way of all mail."""

from __future__ import annotations

import base64
import re
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, formataddr

from mlx_agent.records import Address

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")


def message(
    *,
    sender: Address,
    to: Address | None,
    subject: str,
    sent_at: datetime | None,
    message_id: str,
    text: str,
) -> bytes:
    """A message of one text part; any texts do, and the own text comes out as it went in.

    Half characters, which no file can hold, are replaced.
    """
    fields = [("From", _shown(sender))]
    fields += [("To", _shown(to))] if to else []
    fields += [("Subject", _encoded(subject)), ("Message-ID", f"<{message_id}>")]
    fields += [("Date", format_datetime(sent_at))] if sent_at else []
    fields += [
        ("MIME-Version", "1.0"),
        ("Content-Type", 'text/plain; charset="utf-8"'),
        ("Content-Transfer-Encoding", "base64"),
    ]
    header = "".join(f"{name}: {value}\n" for name, value in fields)
    body = base64.encodebytes(text.encode("utf-8", "replace"))
    return header.encode("ascii", "replace") + b"\n" + body


def one_line(text: str) -> str:
    """Without line ends, controls, half characters and outer blanks."""
    return " ".join(_CONTROLS.sub(" ", text).split())


def _shown(address: Address) -> str:
    return formataddr((one_line(address.name), address.address))


def _encoded(text: str) -> str:
    line = one_line(text)
    return line if line.isascii() else Header(line, "utf-8").encode(linesep="\n")
