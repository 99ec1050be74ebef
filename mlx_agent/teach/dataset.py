"""Data sets: lessons to splits, and splits to a directory in mlx-lm's chat format.

Splits are chronological and thread-disjoint: a random split would put one thread on both sides. The
manifest is written last; a directory without one does not exist. The same lessons and settings give
the same bytes, and the hash of those bytes, the manifest's among them, is the data set's name.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlx_agent import codec
from mlx_agent.errors import no_room_told
from mlx_agent.records import Lesson, RenderSettings, Split
from mlx_agent.render import lesson_messages

SPLITS: tuple[Split, ...] = ("train", "valid", "test")
SHARES = (0.7, 0.1, 0.2)
SMALLEST = 4
"""Lessons in the validation and in the test split, at least, where there are enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Splits:
    """Lessons for training, for the gate, and for evaluation; each oldest first."""

    train: tuple[Lesson, ...]
    valid: tuple[Lesson, ...]
    test: tuple[Lesson, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A complete data set on disk."""

    path: Path
    hash: str


def split(lessons: Sequence[Lesson], shares: tuple[float, float, float] = SHARES) -> Splits:
    """The oldest threads for training, later ones for the gate, the latest for evaluation.

    Threads stand in the order of their first lessons and stay whole; from the newest on they go to
    the test split until it has its share, then to the validation split, and the oldest thread
    always trains. Two lessons of one sample count once, the last one given.
    """
    by_sample = {lesson.sample_id: lesson for lesson in lessons}
    total = len(by_sample)
    threads: dict[str, list[Lesson]] = {}
    for lesson in _by_time(by_sample.values()):
        threads.setdefault(lesson.thread, []).append(lesson)
    oldest_first = list(threads.values())
    valid_size, test_size = (
        min(max(SMALLEST, round(total * share)), total // 4) for share in shares[1:]
    )
    test = _take_newest(oldest_first, test_size)
    valid = _take_newest(oldest_first, valid_size)
    train = [lesson for thread in oldest_first for lesson in thread]
    return Splits(train=_by_time(train), valid=_by_time(valid), test=_by_time(test))


def _take_newest(threads: list[list[Lesson]], size: int) -> list[Lesson]:
    """Take whole threads off the end, all but the first, until there are `size` lessons."""
    taken: list[Lesson] = []
    while len(taken) < size and len(threads) > 1:
        taken += threads.pop()
    return taken


def _by_time(lessons: Iterable[Lesson]) -> tuple[Lesson, ...]:
    return tuple(sorted(lessons, key=lambda lesson: (lesson.sent_at, lesson.id)))


@no_room_told()
def write_dataset(root: Path, account: str, splits: Splits, render: RenderSettings) -> Dataset:
    """Write the splits under `root/<hash>`; a complete one that is there already is used.

    Raises DiskFull, with nothing that a reader would take for a data set.
    """
    files = {f"{name}.jsonl": _lines(getattr(splits, name), render) for name in SPLITS}
    manifest = _manifest(account, splits, render)
    digest = hashlib.sha256(json.dumps(manifest).encode())
    for name, text in files.items():
        digest.update(f"{name}\x00{text}".encode())
    dataset = Dataset(path=root / digest.hexdigest()[:16], hash=digest.hexdigest())
    if not (dataset.path / "manifest.json").exists():
        manifest["hash"] = dataset.hash
        _write(dataset.path, files | {"manifest.json": json.dumps(manifest, indent=2) + "\n"})
    return dataset


def _lines(lessons: Sequence[Lesson], render: RenderSettings) -> str:
    return "".join(f"{_line(lesson, render)}\n" for lesson in lessons)


def _line(lesson: Lesson, render: RenderSettings) -> str:
    messages = lesson_messages(lesson.x, lesson.rules, render)
    # In ASCII: mail holds line ends beyond the line feed (U+2028), at which a reader may split.
    return json.dumps({"messages": [{"role": m.role, "content": m.content} for m in messages]})


def _manifest(account: str, splits: Splits, render: RenderSettings) -> dict[str, object]:
    return {
        "account": account,
        "render": codec.to_data(render),
        "lessons": {name: [lesson.id for lesson in getattr(splits, name)] for name in SPLITS},
    }


def _write(path: Path, files: dict[str, str]) -> None:
    building = path.with_name(f".{path.name}.{os.getpid()}")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True, mode=0o700)
    for name, text in files.items():
        (building / name).write_text(text, "utf-8")
        (building / name).chmod(0o600)
    shutil.rmtree(path, ignore_errors=True)
    building.rename(path)
