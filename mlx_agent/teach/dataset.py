"""Data sets: lessons to splits, and splits to a directory in mlx-lm's chat format.

Splits are chronological and thread-disjoint: a random split would put one thread on both sides, and
so would a text that was sent twice. What is learned from x is the target: the rules (the agent), or
the mail itself (M_F, the naive rival). The manifest is written last; a directory without one does
not exist. The same lessons and settings give the same bytes, and the hash of those bytes, the
manifest's among them, is the data set's name.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mlx_agent import codec
from mlx_agent.errors import no_room_told
from mlx_agent.records import Lesson, Message, RenderSettings, Split
from mlx_agent.render import agent_messages, lesson_messages

Target = Literal["rules", "text"]

SPLITS: tuple[Split, ...] = ("train", "valid", "test")
IDS = "splits.json"
"""Beside what the hash is of: the lessons of each split, those rendered alike included."""
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

    Threads stand in the order of their first lessons and stay whole, together with those that hold
    a text of theirs once more; from the newest on they go to the test split until it has its share,
    then to the validation split, and the oldest thread always trains. Two lessons of one sample
    count once, the last one given.
    """
    by_sample = {lesson.sample_id: lesson for lesson in lessons}
    total = len(by_sample)
    oldest_first = _together(_by_time(by_sample.values()))
    valid_size, test_size = (
        min(max(SMALLEST, round(total * share)), total // 4) for share in shares[1:]
    )
    test = _take_newest(oldest_first, test_size)
    valid = _take_newest(oldest_first, valid_size)
    train = [lesson for thread in oldest_first for lesson in thread]
    return Splits(train=_by_time(train), valid=_by_time(valid), test=_by_time(test))


def folded(lesson: Lesson) -> str:
    """The own text by which two lessons say the same: without case and white space."""
    return " ".join(lesson.own_text.lower().split())


def _together(oldest_first: Sequence[Lesson]) -> list[list[Lesson]]:
    """Lessons that share a thread or an own text, be it by way of others, in one list each."""
    above: dict[str, str] = {}

    def top(name: str) -> str:
        while name in above:
            name = above[name]
        return name

    for lesson in oldest_first:
        text = folded(lesson)
        if text and (one := top(f"text {text}")) != (other := top(f"thread {lesson.thread}")):
            above[one] = other
    together: dict[str, list[Lesson]] = {}
    for lesson in oldest_first:
        together.setdefault(top(f"thread {lesson.thread}"), []).append(lesson)
    return list(together.values())


def _take_newest(threads: list[list[Lesson]], size: int) -> list[Lesson]:
    """Take whole threads off the end, all but the first, until there are `size` lessons."""
    taken: list[Lesson] = []
    while len(taken) < size and len(threads) > 1:
        taken += threads.pop()
    return taken


def _by_time(lessons: Iterable[Lesson]) -> tuple[Lesson, ...]:
    return tuple(sorted(lessons, key=lambda lesson: (lesson.sent_at, lesson.id)))


@no_room_told()
def write_dataset(
    root: Path, account: str, splits: Splits, render: RenderSettings, target: Target = "rules"
) -> Dataset:
    """Write the splits under `root/<hash>`; a complete one that is there already is used.

    Of lessons that are rendered alike the first counts, whatever split it stands in. Raises
    DiskFull, with nothing that a reader would take for a data set.
    """
    lines = _lines(splits, render, target)
    files = {f"{name}.jsonl": "".join(lines[name].values()) for name in SPLITS}
    manifest: dict[str, object] = {
        "account": account,
        "render": codec.to_data(render),
        "lessons": {name: list(lines[name]) for name in SPLITS},
    }
    if target != "rules":  # which goes without saying, as it did before there was a choice
        manifest["target"] = target
    digest = hashlib.sha256(json.dumps(manifest).encode())
    for name, text in files.items():
        digest.update(f"{name}\x00{text}".encode())
    dataset = Dataset(path=root / digest.hexdigest()[:16], hash=digest.hexdigest())
    if not (dataset.path / "manifest.json").exists():
        manifest["hash"] = dataset.hash
        ids = {name: [lesson.id for lesson in getattr(splits, name)] for name in SPLITS}
        told = {IDS: json.dumps(ids), "manifest.json": json.dumps(manifest, indent=2) + "\n"}
        _write(dataset.path, files | told)
    return dataset


def splits_of(path: Path, lessons: Iterable[Lesson]) -> Splits | None:
    """The splits that a data set was written from; None if one of their lessons is gone."""
    known = {lesson.id: lesson for lesson in lessons}
    try:
        ids = json.loads((path / IDS).read_text("utf-8"))
        found = {name: tuple(known[one] for one in ids[name]) for name in SPLITS}
    except (OSError, ValueError, KeyError):
        return None
    return Splits(train=found["train"], valid=found["valid"], test=found["test"])


def kept(root: Path) -> list[tuple[str, Dataset, frozenset[str]]]:
    """The complete data sets under `root`, each with its account and the ids of its lessons."""
    found = []
    for path in sorted(root.glob("*/manifest.json")):
        try:
            manifest = json.loads(path.read_bytes())
            ids = frozenset(one for name in SPLITS for one in manifest["lessons"][name])
            dataset = Dataset(path=path.parent, hash=manifest["hash"])
            found.append((str(manifest["account"]), dataset, ids))
        except (OSError, ValueError, LookupError, TypeError):
            continue  # no data set of ours, or a damaged one, which nothing is trained on
    return found


def remove(root: Path, hashes: Collection[str]) -> list[Path]:
    """Remove the data sets of these hashes; what was removed."""
    gone = [root / one[:16] for one in hashes if (root / one[:16]).is_dir()]
    for path in gone:
        shutil.rmtree(path)
    return gone


def _lines(splits: Splits, render: RenderSettings, target: Target) -> dict[Split, dict[str, str]]:
    """For each split, the line of each lesson by its id; no line occurs twice in all of them."""
    seen: set[str] = set()
    lines: dict[Split, dict[str, str]] = {name: {} for name in SPLITS}
    for name in SPLITS:
        for lesson in getattr(splits, name):
            line = _line(lesson, render, target)
            if line not in seen:
                lines[name][lesson.id] = line
                seen.add(line)
    return lines


def _line(lesson: Lesson, render: RenderSettings, target: Target) -> str:
    messages = _messages(lesson, render, target)
    # In ASCII: mail holds line ends beyond the line feed (U+2028), at which a reader may split.
    content = {"messages": [{"role": m.role, "content": m.content} for m in messages]}
    return f"{json.dumps(content)}\n"


def _messages(lesson: Lesson, render: RenderSettings, target: Target) -> tuple[Message, ...]:
    if target == "rules":
        return lesson_messages(lesson.x, lesson.rules, render, lesson.thinking)
    answer = Message(role="assistant", content=lesson.own_text)
    return (*agent_messages(lesson.x, render, prompt="writer"), answer)


def _write(path: Path, files: dict[str, str]) -> None:
    building = path.with_name(f".{path.name}.{os.getpid()}")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True, mode=0o700)
    for name, text in files.items():
        (building / name).write_text(text, "utf-8")
        (building / name).chmod(0o600)
    shutil.rmtree(path, ignore_errors=True)
    building.rename(path)
