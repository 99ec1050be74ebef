"""The token that a client on 127.0.0.1 has to show: 32 random bytes in a file of the user's alone.

Made when it is first needed, and kept, so that a client reads it once. One that others could have
read, or that is no token, is replaced. The caller holds the home's lock.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import stat
from contextlib import suppress
from pathlib import Path

BYTES = 32
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
"""32 bytes in base64url, without padding."""

log = logging.getLogger(__name__)


def load_token(path: Path) -> str:
    """The home's token; raises OSError where the file cannot be written."""
    kept = read_token(path)
    if kept is not None:
        return kept
    if path.is_symlink() or path.exists():
        log.warning("the token was replaced: others could read it, or it was none")
    return _make(path)


def read_token(path: Path) -> str | None:
    """The token in the file, None where there is none that can be trusted."""
    with suppress(OSError):  # a link is not followed
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "r", encoding="ascii", errors="replace") as file:
            about = os.fstat(file.fileno())
            text = file.read(1024).strip()
        private = about.st_uid == os.geteuid() and stat.S_IMODE(about.st_mode) & 0o077 == 0
        if private and _TOKEN.fullmatch(text):
            return text
    return None


def _make(path: Path) -> str:
    token = secrets.token_urlsafe(BYTES)
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(token + "\n")
    new.replace(path)  # whole or not at all, wherever the process is killed
    return token
