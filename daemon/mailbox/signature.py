"""Where a signature begins among a mail's own lines. Pure and total.

A separator, a device's line, a legal notice or a contact block at the end is one. Sign-offs are
style and stay, and so does the name that signs.
"""

from __future__ import annotations

import re

_DASHES = re.compile(r"^(?:--|— ?|__+|\*\*+)\s*$")
_PHONE_LINE = re.compile(
    r"^[\s\-_*(<\[]*(?:sent (?:from|via|by|with)|get \[?outlook for|gesendet (?:von|mit)"
    r"|von meinem|envoyé (?:de|depuis)|inviato da|enviado (?:desde|do|de|a partir)"
    r"|verzonden (?:vanaf|met)|skickat från|sendt fra|отправлено с|wysłane z|lähetetty"
    r"|从我的|從我的|iphoneから送信)(?:\b|(?<=的)).{0,90}$",
    re.IGNORECASE,
)
_LEGAL = re.compile(
    r"confidential|intended (?:only |solely )?(?:for|recipient)|privileged|unauthori[sz]ed|disclos|"
    r"received this (?:e-?mail|message) in error|vertraulich|confidentiel|riservat",
    re.IGNORECASE,
)
_CONTACT = re.compile(
    r"\+?\(?\d[\d\s().\-/]{6,}\d"
    r"|https?://|www\.|\S+@\S+\.\w+|\b(?:street|avenue|suite|floor|blvd|road)\b",
    re.IGNORECASE,
)


def signature_start(lines: list[str]) -> tuple[int, str] | None:
    """The line where the signature begins, and why it is one; None where there is none."""
    for i, line in enumerate(lines):
        if (i or line.startswith("--")) and _DASHES.match(line) and len(lines) - i <= 25:
            return i, "a signature separator"
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    first = end
    for i in range(end - 1, max(-1, end - 8), -1):
        if lines[i].strip() and not _PHONE_LINE.match(lines[i]):
            break
        first = i if lines[i].strip() else first
    found = _legal_start(lines, first) or _contact_start(lines, first)
    return found or ((first, "a device's line") if first < end else None)


def _legal_start(lines: list[str], end: int) -> tuple[int, str] | None:
    """The last paragraph, if it speaks as a legal notice does."""
    start = end
    while start and lines[start - 1].strip():
        start -= 1
    text = " ".join(lines[start:end])
    legal = len(text.split()) > 20 and len({m.lower() for m in _LEGAL.findall(text)}) >= 2
    return (start, "a legal notice") if legal and start else None


def _contact_start(lines: list[str], end: int) -> tuple[int, str] | None:
    """A block of at least two contact lines at the end, below a line of the mail."""
    while end and not lines[end - 1].strip():
        end -= 1
    start = end
    while start > 1 and lines[start - 1].strip() and len(lines[start - 1]) < 90 and end - start < 8:
        start -= 1
    contact = [i for i in range(start, end) if _is_contact(lines[i])]
    if len(contact) < 2:
        return None
    first = contact[0]
    while first > start and _is_short(lines[first - 1]):
        first -= 1
    above = next((line.strip() for line in reversed(lines[:first]) if line.strip()), "")
    if above.endswith(",") and first < contact[0]:
        first += 1  # the name below a sign-off, which signs
    return (first, "a contact block") if above else None


def _is_contact(line: str) -> bool:
    return bool(_CONTACT.search(line)) and len(line.split()) <= 8


def _is_short(line: str) -> bool:
    return len(line.split()) <= 6 and not line.rstrip().endswith(tuple(",.!?:"))
