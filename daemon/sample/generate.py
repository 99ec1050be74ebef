"""Write the sample mailbox: `python -m daemon.sample.generate`. Seeded: always the same bytes."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from random import Random

from daemon.sample.cast import CAST, SamplePerson
from daemon.sample.manners import write
from daemon.sample.messages import message, odd_ones
from daemon.sample.situations import situations

SEED = 20261123
_FROM = re.compile(rb"^(>*From )", re.MULTILINE)


def truth(person: SamplePerson) -> list[str]:
    """The own text of each mail of the person that teaches, oldest first."""
    return [text for _, text in _mails(person)]


def messages(person: SamplePerson, seed: int = SEED) -> list[bytes]:
    """All raw messages of the person: those that teach, a copy of one, and the odd ones.

    Another seed gives other mails of the same person.
    """
    found = [raw for raw, _ in _mails(person, seed)]
    copy = found[10].replace(f"<{person.key}.10@".encode(), f"<{person.key}.10.copy@".encode())
    return [*found, copy, *odd_ones(person, situations(person, seed)[-1])]


def _mails(person: SamplePerson, seed: int = SEED) -> list[tuple[bytes, str]]:
    random = Random(f"{seed}:{person.key}:text")
    found = []
    for mail in situations(person, seed):
        own_text = write(random, person.key, mail)
        found.append((message(random, person, mail, own_text), own_text))
    return found


def packed(person: SamplePerson) -> bytes:
    """The person's Sent folder as a gzipped mbox."""
    box = b"".join(
        b"From trimtab Thu Jan  1 00:00:00 1970\n"
        + _FROM.sub(rb">\1", raw.replace(b"\r\n", b"\n"))
        + b"\n"
        for raw in messages(person)
    )
    return gzip.compress(box, mtime=0)


def main() -> None:
    """Write the files beside this script."""
    for person in CAST:
        (Path(__file__).parent / f"{person.key}.mbox.gz").write_bytes(packed(person))


if __name__ == "__main__":
    main()
