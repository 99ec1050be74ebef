"""Do rules hold facts that x does not? Counted from stored lessons, by code that shares none.

    PYTHONPATH=tests .venv/bin/python -m benchmarks.leaks DIRECTORY_OR_FILE... [--show]

Lessons are read from JSON lines (`*.jsonl`) and from stores (`*.db`). A seeded sample of their
rules is looked through for names, numbers, dates, addresses, links, files, amounts, runs of five
words of the mail (or of its baseline) and for what makes a rule or its list invalid. Nothing is
imported from `mlx_agent`, so that a mistake there is not repeated here. Ends with 1 where a rule
leaks or is invalid.
"""

from __future__ import annotations

import argparse
import json
import re
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

ASPECTS = (
    "greeting opening length sentences tone contractions requests exclamation capitals subject "
    "layout shorthand marks phrases closing sign-off signature"
).split()
MOST_RULES, MOST_CHARACTERS, RUN = 12, 240, 5
KINDS = ("name", "number", "date", "address", "link", "file", "amount", "run")
FLAWS = ("unknown aspect", "more than one line", "empty or too long", "over twelve", "repeated")

_COUNTED = (
    "one two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty "
    "fifty sixty hundred thousand million dozen"
).replace(" ", "|")
_MONEY = "dollars?|euros?|pounds?|francs?|cents?|bucks|percent|per cent|usd|eur|gbp|chf"
_UNITS = "words?|sentences?|paragraphs?|lines?|bullets?|points?|items?|characters?"
_DAYS = "mon|tues|wednes|thurs|fri|satur|sun"
_MONTHS = "january|february|april|june|july|august|september|october|november|december"
_SIZE = re.compile(
    rf"\b(?:\d+(?: ?(?:-|–|to|and|or) ?\d+)?|(?:{_COUNTED}))[ -](?:[a-z]+ )?(?:{_UNITS})\b",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\S+@\S+\.\w+")
_LINK = re.compile(r"\bhttps?://\S+|\bwww\.\S+")
_FILE = re.compile(
    r"\b[\w-]+\.(?:pdf|docx?|xlsx?|pptx?|csv|txt|zip|png|jpe?g|md|html?)\b", re.IGNORECASE
)
_AMOUNT = re.compile(
    rf"[$€£]\s?\d[\d.,]*|(?:\d[\d.,]*|\b(?:{_COUNTED}))[ -]?(?:%|[$€£]|(?:{_MONEY})\b)",
    re.IGNORECASE,
)
_DATE = re.compile(
    rf"\b(?:(?:{_DAYS})days?|{_MONTHS}|noon|midnight|o'clock)\b"
    r"|\b[a-z]+(?:st|nd|rd|th) of (?:may|march)\b"
    r"|(?-i:\b(?:Mon|Tue|Tues|Wed|Thu|Thurs|Fri|Sat|Sun|Jan|Feb|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)"
    r"\b|(?<=\w )(?:May|March)\b)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[^\s\"'“”‘’(]*\d[^\s\"'“”‘’)]*")
_CAPITAL = re.compile(r"(?<![\w'’])[A-Z][\w'’-]+")
_SHORTENED = re.compile(r"n't$|'(?:m|d|re|ve|ll)$")
_AROUND = ".,;:!?()[]<>\"'“”‘’-–"
_WORD = re.compile(r"\w+(?:['’]\w+)*")
_START = re.compile(r"(?:^|[^\s]|[.!?…:;\"'“”‘’(\[/<*•–—-]\s+|^\s*)$")
"""What stands before a word that begins something, so that its capital says nothing."""
_NO_NAME = frozenset(
    "i i'm i'd i'll i've mr mrs ms miss dr prof sir madam english british american regards "
    "wishes morning afternoon evening day thanks all everyone team there best kind hi hello "
    "hey dear ok okay fyi asap btw ps p.s re eta tbd tba imo am pm oxford thank you yours "
    "good cheers new year let hope hoping looking please sorry could would can just yes no "
    "what how if we it that this the my your our is are do happy christmas easter "
    "faithfully sincerely truly greetings warm warmest love see soon talk hugs".split()
)


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is read of a lesson: x and the rules as plain data, the mail, and its baseline."""

    x: dict[str, Any]
    rules: list[dict[str, str]]
    own_text: str
    baseline: str


def read(path: Path) -> Iterator[Lesson]:
    """The lessons of a file, or of all files under a directory, in the order of their names."""
    if path.is_dir():
        for inner in sorted(p for p in path.rglob("*") if p.suffix in {".jsonl", ".db"}):
            yield from read(inner)
    elif path.suffix == ".db":
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            rows = connection.execute("SELECT x, rules, own_text, baseline FROM lesson ORDER BY id")
            for x, rules, own_text, baseline in rows.fetchall():
                yield Lesson(json.loads(x), json.loads(rules), own_text, baseline or "")
        connection.close()
    else:
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            x, rules = (_data(row[name]) for name in ("x", "rules"))
            yield Lesson(x, rules, row["own_text"], row.get("baseline") or "")


def leaks(lesson: Lesson, instruction: str) -> set[str]:
    """The kinds of fact in an instruction that the lesson's x does not hold."""
    said, people = known(lesson.x)
    small = said.lower()
    rest, found = _SIZE.sub(" ", instruction), set()
    for kind, pattern in (
        ("address", _ADDRESS),
        ("link", _LINK),
        ("file", _FILE),
        ("amount", _AMOUNT),
        ("date", _DATE),
        ("number", _NUMBER),
    ):
        for match in pattern.findall(rest):
            found |= set() if _whole(match.lower().strip(_AROUND), small) else {kind}
        rest = pattern.sub(" ", rest)
    mails = f"{lesson.own_text}\n{lesson.baseline}"
    named = {part for name in _names(instruction, mails) for part in re.findall(r"\w+", name)}
    found |= {"name"} if named - people - words(small) else set()
    copied = runs(instruction) & (runs(lesson.own_text) | runs(lesson.baseline)) - runs(said)
    return found | ({"run"} if copied else set())


def flaws(lesson: Lesson, rule: dict[str, str]) -> set[str]:
    """What makes a rule, or the list that it stands in, invalid."""
    instruction = rule["instruction"]
    wrong = {
        "unknown aspect": rule["aspect"] not in ASPECTS,
        "more than one line": len(instruction.splitlines()) > 1,
        "empty or too long": not 0 < len(instruction.strip()) <= MOST_CHARACTERS,
        "over twelve": len(lesson.rules) > MOST_RULES,
        "repeated": sum(one["aspect"] == rule["aspect"] for one in lesson.rules) > 1,
    }
    return {flaw for flaw, is_so in wrong.items() if is_so}


def known(x: dict[str, Any]) -> tuple[str, set[str]]:
    """What x says, a part a line, and the words of its people's names in small letters."""
    about = x["metadata"]
    people = [about["sender"], *about["to"], *about["cc"]]
    people += [message["author"] for message in x["context"]]
    last = about.get("recipient") or {}
    said = [about["subject"], *x["intent"], *(m["text"] for m in x["context"])]
    said += [person["name"] for person in people]
    said += [last.get("greeting") or "", last.get("sign_off") or ""]
    named = [f"{person['name']} {person['address'].partition('@')[0]}" for person in people]
    return "\n".join(said), words(re.sub(r"[._+\d]", " ", " ".join(named)).lower())


def words(text: str) -> set[str]:
    """The words of a text, and those of its joined ones."""
    return {*_WORD.findall(text), *re.findall(r"\w+", text)}


def runs(text: str) -> set[tuple[str, ...]]:
    """Every run of RUN words, in small letters, wherever its lines end."""
    said = [word.lower().replace("’", "'") for word in _WORD.findall(text)]
    return {tuple(said[i : i + RUN]) for i in range(len(said) - RUN + 1)}


def _names(instruction: str, mails: str) -> Iterator[str]:
    """What looks like a name, in small letters: inside a sentence, or in the mails."""
    small = words(mails)
    for match in _CAPITAL.finditer(instruction):
        word = re.sub(r"['’]s?$", "", match.group().replace("’", "'"))
        if word.lower() in _NO_NAME or _SHORTENED.search(word) or _DATE.fullmatch(word):
            continue
        inside = not _START.search(instruction[: match.start()])
        if inside or (_inside(word, mails) and word.lower() not in small):
            yield word.lower()


def _inside(word: str, text: str) -> bool:
    found = re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", text)
    return any(re.search(r"[a-z,] $", text[: match.start()]) for match in found)


def _whole(fact: str, said: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(fact)}(?!\w)", said) is not None


def _data(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Found:
    """The counts of a sample: rules by kind of leak and by flaw, and the rules at fault."""

    lessons: int
    rules: int
    sampled: int
    kinds: Counter[str]
    bad: list[tuple[set[str], str]]


def look(lessons: list[Lesson], sample: int, seed: int) -> Found:
    """Look through a seeded sample of the lessons' rules."""
    rules = [(lesson, rule) for lesson in lessons for rule in lesson.rules]
    chosen = Random(seed).sample(rules, min(sample, len(rules)))
    seen = [(leaks(a, r["instruction"]) | flaws(a, r), r["instruction"]) for a, r in chosen]
    bad = [(wrong, instruction) for wrong, instruction in seen if wrong]
    kinds = Counter(kind for wrong, _ in bad for kind in wrong)
    return Found(len(lessons), len(rules), len(chosen), kinds, bad)


def main(arguments: list[str] | None = None) -> int:
    """Print the shares; 1 where a rule leaks or is invalid, 2 where there is no rule at all."""
    parser = argparse.ArgumentParser(description="Count facts in rules that x does not hold.")
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--sample", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", action="store_true", help="print the rules at fault")
    asked = parser.parse_args(arguments)
    lessons = [lesson for path in asked.paths for lesson in read(path)]
    found = look(lessons, asked.sample, asked.seed)
    if not found.sampled:
        print("no rules found")
        return 2
    print(f"{found.sampled} of {found.rules} rules of {found.lessons} lessons, seed {asked.seed}")
    for kind in (*KINDS, *FLAWS):
        print(f"  {kind:<20}{found.kinds[kind]:>5}  {found.kinds[kind] / found.sampled:7.2%}")
    leaked = sum(bool(wrong & {*KINDS}) for wrong, _ in found.bad)
    invalid = sum(bool(wrong & {*FLAWS}) for wrong, _ in found.bad)
    print(f"leaked {leaked} of {found.sampled}, invalid {invalid} of {found.sampled}")
    for wrong, instruction in found.bad if asked.show else []:
        print(f"  {', '.join(sorted(wrong))}: {instruction}")
    return 1 if found.bad else 0


if __name__ == "__main__":
    sys.exit(main())
