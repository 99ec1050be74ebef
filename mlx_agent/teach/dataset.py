"""Data sets: lessons to splits, and splits to a directory in mlx-lm's chat format.

Splits are chronological and thread-disjoint: a random split would put one thread on both sides. The
manifest is written last; a directory without one does not exist. The same lessons and settings give
the same bytes, and the hash of those bytes is the data set's name.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlx_agent.records import Lesson, RenderSettings, Split
from mlx_agent.render import lesson_messages

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

    A thread belongs where its first lesson falls, whole. Two lessons of one sample count once, the
    later one, as when a prompt has changed.
    """
    by_sample = {lesson.sample_id: lesson for lesson in lessons}
    ordered = sorted(by_sample.values(), key=lambda one: (one.sent_at, one.id))
    total = len(ordered)
    held_out = [min(max(SMALLEST, round(total * share)), total // 4) for share in shares[1:]]
    train_end = total - sum(held_out)
    valid_end = total - held_out[1]
    names: dict[str, Split] = {}
    parts: dict[Split, list[Lesson]] = {"train": [], "valid": [], "test": []}
    for position, lesson in enumerate(ordered):
        here: Split = (
            "train" if position < train_end else "valid" if position < valid_end else "test"
        )
        parts[names.setdefault(lesson.thread, here)].append(lesson)
    return Splits(
        train=tuple(parts["train"]), valid=tuple(parts["valid"]), test=tuple(parts["test"])
    )


def write_dataset(root: Path, account: str, splits: Splits, render: RenderSettings) -> Dataset:
    """Write the splits under `root/<hash>`; a complete one that is there already is used."""
    files = {
        f"{name}.jsonl": _lines(getattr(splits, name), render)
        for name in ("train", "valid", "test")
    }
    digest = hashlib.sha256(account.encode())
    for name, text in sorted(files.items()):
        digest.update(f"{name}\x00{text}".encode())
    dataset = Dataset(path=root / digest.hexdigest()[:16], hash=digest.hexdigest())
    if (dataset.path / "manifest.json").exists():
        return dataset
    files["manifest.json"] = _manifest(account, dataset.hash, splits, render)
    _write(dataset.path, files)
    return dataset


def _lines(lessons: Sequence[Lesson], render: RenderSettings) -> str:
    return "".join(f"{_line(lesson, render)}\n" for lesson in lessons)


def _line(lesson: Lesson, render: RenderSettings) -> str:
    messages = lesson_messages(lesson.x, lesson.rules, render)
    data = {"messages": [{"role": m.role, "content": m.content} for m in messages]}
    return json.dumps(data, ensure_ascii=False)


def _manifest(account: str, digest: str, splits: Splits, render: RenderSettings) -> str:
    data = {
        "account": account,
        "hash": digest,
        "render": {"context_words": render.context_words, "recipient": render.recipient},
        "lessons": {
            name: [lesson.id for lesson in getattr(splits, name)]
            for name in ("train", "valid", "test")
        },
    }
    return json.dumps(data, indent=2) + "\n"


def _write(path: Path, files: dict[str, str]) -> None:
    building = path.with_name(f".{path.name}.{os.getpid()}")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True, mode=0o700)
    for name, text in files.items():
        (building / name).write_text(text, "utf-8")
        (building / name).chmod(0o600)
    shutil.rmtree(path, ignore_errors=True)
    building.rename(path)
