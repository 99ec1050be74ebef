"""Bytes to characters, by whatever name a program calls them. Total, and linear in their number."""

from __future__ import annotations

import base64
import codecs
import re
from functools import lru_cache

_ALIASES = {
    "unicode-1-1-utf-7": "utf-7",
    "utf8mb4": "utf-8",
    "cp-850": "cp850",
    "iso-8859-8-i": "iso-8859-8",
    "x-sjis": "cp932",
    "x-gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "windows-874": "cp874",
}
_SUPERSETS = {
    "ascii": "utf-8",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
}
"""What programs write under these names (WHATWG Encoding Standard, section 4.2)."""
_NO_CHARSETS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape"})
"""Codecs of other things; one of them takes quadratic time."""
_SURROGATES = re.compile("[\ud800-\udfff]")
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64) - set(b"="))


def decode(data: bytes, charset: str, *, whole: bool = True) -> str:
    """Bytes in a charset as text; the last character of what is not `whole` may be in halves.

    What is not in its charset is UTF-8 where it is that. Else it is read as far as it can be, and
    where no other charset is known line by line: mails are put together of texts in several.
    """
    name = _codec(charset)
    if name.startswith(("utf-16", "utf-32")) and b"\x00" not in data:
        name = "utf-8"  # the name lies: a space or a line's end has a zero in them
    for candidate in ("utf-8", name) if name == "cp1252" else (name, "utf-8"):
        try:
            return _sound(data.decode(candidate), candidate)
        except UnicodeDecodeError as error:
            if not whole and len(data) - error.start < 4:
                return data[: error.start].decode(candidate, "replace")
    if name not in {"utf-8", "cp1252"}:
        return _sound(data.decode(name, "replace"), name)
    return "\n".join(_guessed(line) for line in data.split(b"\n"))


def decode_base64(data: bytes) -> bytes:
    """Base64 as it comes: with line ends, with a stray or missing end, in several pieces."""
    pieces = data.translate(None, _NOT_BASE64).split(b"=")
    whole = (piece[: len(piece) - (len(piece) % 4 == 1)] for piece in pieces if piece)
    return b"".join(base64.b64decode(piece + b"=" * (-len(piece) % 4)) for piece in whole)


def _sound(text: str, name: str) -> str:
    """Without halves of characters, which UTF-7 lets through and nothing else can store."""
    return text if name in {"utf-8", "cp1252"} else _SURROGATES.sub("\ufffd", text)


def _guessed(line: bytes) -> str:
    for candidate in ("utf-8", "cp1252"):
        try:
            return line.decode(candidate)
        except UnicodeDecodeError:
            continue
    return line.decode("latin-1")


@lru_cache(maxsize=256)
def _codec(charset: str) -> str:
    """Python's name of a charset, or of one that holds all of it; UTF-8 for an unknown one."""
    name = charset.strip(" \t\r\n\"'").lower()[:60]
    try:
        found = codecs.lookup(_ALIASES.get(name, name)).name
        bytes(4).decode(found)  # a codec of bytes, such as zlib, says here that it is no charset
    except (LookupError, ValueError):
        return "utf-8"
    return "utf-8" if found in _NO_CHARSETS else _SUPERSETS.get(found, found)
