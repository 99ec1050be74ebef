"""The mailbox that `benchmarks.mail` syncs: invented words, the same for the same seed."""

from __future__ import annotations

import base64
import itertools
import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from dovecot_server import Dovecot

FIRST = datetime(2025, 1, 6, 8, 0, tzinfo=UTC)
ATTACHMENT_BYTES = 150_000
_SYLLABLES = "ba de fi go lu ma ne pi ro su ta ve wi zo kan dor mel pir tun sel".split()
_OUTER, _INNER = "=_outer", "=_inner"


def messages(count: int, seed: int = 1) -> Iterator[bytes]:
    """Of twenty messages, 11 are plain and 8 multipart/alternative, of 3.4 KB; 1 has a file."""
    rng = random.Random(seed)
    words = sorted({"".join(rng.choices(_SYLLABLES, k=rng.randint(1, 4))) for _ in range(4000)})
    for number in range(count):
        header = _header(number, rng, words)
        if number % 20 < 11:
            yield _joined(header, _leaf("plain", _text(rng, words, 2850, number)))
        elif number % 20 < 19:
            yield _joined(header, _alternative(rng, words, number))
        else:
            yield _joined(header, _with_file(rng, words, number))


def small_messages(count: int, seed: int = 2) -> Iterator[bytes]:
    """Plain messages of about 600 bytes."""
    rng = random.Random(seed)
    words = sorted({"".join(rng.choices(_SYLLABLES, k=rng.randint(1, 4))) for _ in range(4000)})
    for number in range(count):
        text = _lines(rng, words, 150)
        yield _joined(_header(number, rng, words), _leaf("plain", text))


def fill(dovecot: Dovecot, user: str, mails: Iterable[bytes]) -> None:
    """Put messages into the user's Sent folder, some at a time, for memory's sake."""
    left = iter(mails)
    while some := list(itertools.islice(left, 1000)):
        dovecot.append(user, some)


def _header(number: int, rng: random.Random, words: list[str]) -> str:
    date = format_datetime(FIRST + timedelta(minutes=37 * number))
    to = f"{rng.choice(words)}.{rng.choice(words)}@example.org"
    return "\r\n".join(
        [
            "Return-Path: <ada@example.com>",
            f"Received: from desk.example.com (desk.example.com [192.0.2.7]) id {number:08x};",
            f"\t{date}",
            "From: Ada Lindqvist <ada@example.com>",
            f"To: {to.split('@', maxsplit=1)[0].replace('.', ' ').title()} <{to}>",
            f"Subject: Re: {' '.join(rng.choices(words, k=5))}",
            f"Date: {date}",
            f"Message-ID: <{number:06d}.{rng.getrandbits(48):012x}@example.com>",
            f"In-Reply-To: <{rng.getrandbits(64):016x}@example.org>",
            "User-Agent: Invented Mail 1.0",
            "MIME-Version: 1.0",
        ]
    )


def _joined(header: str, body: str) -> bytes:
    return f"{header}\r\n{body}".encode("ascii")


def _leaf(subtype: str, text: str) -> str:
    kind = f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: 7bit"
    return f"{kind}\r\n\r\n{text}\r\n"


def _alternative(rng: random.Random, words: list[str], number: int) -> str:
    text = _text(rng, words, 1150, number)
    page = f"<html><body>\r\n{_html(text)}\r\n</body></html>"
    return _multipart("alternative", _INNER, [_leaf("plain", text), _leaf("html", page)])


def _html(text: str) -> str:
    own, _, quoted = text.replace("> ", "").partition("wrote:")
    below = f'<blockquote type="cite">{_paragraphs(quoted)}</blockquote>' if quoted else ""
    return _paragraphs(own + "wrote:" if quoted else own) + below


def _paragraphs(text: str) -> str:
    return "\r\n".join(f"<p>{line}</p>" for line in text.split("\r\n") if line)


def _with_file(rng: random.Random, words: list[str], number: int) -> str:
    encoded = base64.encodebytes(rng.randbytes(ATTACHMENT_BYTES)).decode().replace("\n", "\r\n")
    file = (
        "Content-Type: application/octet-stream\r\n"
        f'Content-Disposition: attachment; filename="{rng.choice(words)}.bin"\r\n'
        f"Content-Transfer-Encoding: base64\r\n\r\n{encoded}"
    )
    return _multipart("mixed", _OUTER, [_alternative(rng, words, number), file])


def _multipart(subtype: str, boundary: str, parts: list[str]) -> str:
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    return (
        f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n\r\n{body}--{boundary}--\r\n'
    )


def _text(rng: random.Random, words: list[str], size: int, number: int) -> str:
    """A text of about `size` bytes; every other one has the mail that it answers below."""
    if number % 2:
        return _lines(rng, words, size)
    date = f"{FIRST + timedelta(minutes=37 * number):%a, %d %b %Y at %H:%M}"
    quoted = _lines(rng, words, size // 2).replace("\r\n", "\r\n> ")
    return f"{_lines(rng, words, size // 2)}\r\n\r\nOn {date}, Bruno wrote:\r\n> {quoted}"


def _lines(rng: random.Random, words: list[str], size: int) -> str:
    lines: list[str] = []
    while size > 0:
        line = " ".join(rng.choices(words, k=10)).capitalize() + "."
        lines.append(line[:size])
        size -= len(line) + 2
    return "\r\n".join(lines)
