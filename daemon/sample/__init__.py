"""The sample mailbox: three invented people, their Sent folders, and what they really wrote.

Everything here is invented, and made by a seeded script (`python -m daemon.sample.generate`). Each
person has a manner that depends on the mail; `people` says how in one line. The demo and the tests
live on it.
"""

from __future__ import annotations

import gzip
import mailbox
import tempfile
from importlib import resources
from pathlib import Path

from daemon.sample.cast import CAST, SamplePerson

__all__ = ["SamplePerson", "load", "people"]


def people() -> tuple[SamplePerson, ...]:
    """The people, in a fixed order."""
    return CAST


def load(key: str) -> tuple[bytes, ...]:
    """A person's raw messages, oldest first, from the file that ships with the project."""
    packed = (resources.files("daemon.sample") / f"{key}.mbox.gz").read_bytes()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "sent.mbox"
        path.write_bytes(gzip.decompress(packed))
        box = mailbox.mbox(path, create=False)
        try:
            return tuple(box.get_bytes(key) for key in box.iterkeys())
        finally:
            box.close()
