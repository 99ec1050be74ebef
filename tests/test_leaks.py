"""The independent checker of stored lessons: it finds what is planted, and nothing else."""

import ast
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from teaching_examples import a_lesson

from benchmarks import leaks
from daemon.store import lessons as lesson_store
from daemon.store.database import Database
from mlx_agent import codec
from mlx_agent.records import Lesson, Rule

OWN_TEXT = "Hello Tim,\n\nhope you had a great weekend in Hamburg. Ask Ann at noon.\n\nNory"


def lesson(*rules: tuple[str, str], **changes: Any) -> Lesson:
    made = tuple(Rule(aspect=aspect, instruction=said) for aspect, said in rules)
    return replace(a_lesson(), own_text=OWN_TEXT, rules=made, **changes)


def lines(*lessons: Lesson) -> str:
    return "".join(f"{codec.dumps(one)}\n" for one in lessons)


def found(instruction: str, **changes: Any) -> set[str]:
    """What leaks in one rule of the lesson."""
    data = json.loads(codec.dumps(lesson(("tone", instruction), **changes)))
    read = leaks.Lesson(data["x"], data["rules"], data["own_text"], data["baseline"] or "")
    return leaks.leaks(read, instruction)


@pytest.mark.parametrize(
    ("instruction", "kinds"),
    [
        ("greet Wilhelmina too", {"name"}),
        ("Ann is asked", {"name"}),
        ('sign as "Nory"', set()),
        ("mention invoice 4711", {"number"}),
        ("answer by Monday", {"date"}),
        ("answer by noon", {"date"}),
        ("on the fifth of may", {"date"}),
        ("write to ann@sea.example", {"address"}),
        ("write to tim@oduya.example", {"address"}),
        ("see https://sea.example", {"link"}),
        ("attach plan.pdf", {"file"}),
        ("offer $40", {"amount"}),
        ("offer twenty euros", {"amount"}),
        ('say "hope you had a great weekend"', {"run"}),
        ("hope you had a great time", {"run"}),
        ("say Hope you had a...", set()),
        ('say "hope you had a..."', set()),
        ("as Nora does to Tim", set()),
        ("say that The boat is ready on Friday", set()),
        ("about 20 words, two sentences", set()),
        ("name boat 1", set()),
        ("name boat 12", {"number"}),
        ('open with "Hello", the recipient\'s first name and a comma', set()),
    ],
)
def test_a_planted_leak_is_found(instruction: str, kinds: set[str]) -> None:
    """By its kind; style, and what x holds, is none."""
    assert found(instruction) == kinds


def test_a_run_of_the_baseline_is_found() -> None:
    """As one of the mail itself."""
    said = "I hope this message finds you well"
    assert found(f'never "{said}"') == set()
    assert found(f'never "{said}"', baseline=f"Dear Tim,\n\n{said}.") == {"run"}


@pytest.mark.parametrize(
    ("rules", "flaw"),
    [
        ([("mood", "so")], "unknown aspect"),
        ([("tone", "so\nso")], "more than one line"),
        ([("tone", " ")], "empty or too long"),
        ([("tone", "s" * 241)], "empty or too long"),
        ([("tone", "so"), ("tone", "not so")], "repeated"),
        ([(aspect, "so") for aspect in leaks.ASPECTS[:13]], "over twelve"),
    ],
)
def test_an_invalid_rule_is_found(
    rules: list[tuple[str, str]], flaw: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the checker then fails."""
    path = tmp_path / "lessons.jsonl"
    path.write_text(lines(lesson(*rules)), "utf-8")
    assert leaks.main([str(path)]) == 1
    shown = {line.strip() for line in capsys.readouterr().out.splitlines()}
    assert f"leaked 0 of {len(rules)}, invalid {len(rules)} of {len(rules)}" in shown
    assert f"{flaw:<20}{len(rules):>5}  100.00%" in shown


def test_clean_lessons_pass_and_are_sampled_by_a_seed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a directory, whatever the depth."""
    (tmp_path / "deep").mkdir()
    for number in range(3):
        one = lesson(("tone", "dry"), ("length", f"{number}0 words"), ("marks", "use dots"))
        (tmp_path / "deep" / f"{number}.jsonl").write_text(lines(one, one), "utf-8")
    assert leaks.main([str(tmp_path), "--sample", "5"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("5 of 18 rules of 6 lessons, seed 1\n")
    assert said.endswith("leaked 0 of 5, invalid 0 of 5\n")
    read = [*leaks.read(tmp_path)]
    chosen = [leaks.look(read, 5, seed) for seed in (1, 1, 2)]
    assert chosen[0] == chosen[1]


def test_a_leak_among_many_rules_is_counted_and_shown_on_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Mail text is printed for nobody who does not ask."""
    planted = lesson(("tone", "dry"), ("phrases", "name Hamburg"))
    (tmp_path / "a.jsonl").write_text(lines(lesson(("tone", "dry")), planted), "utf-8")
    assert leaks.main([str(tmp_path)]) == 1
    assert "Hamburg" not in (quiet := capsys.readouterr().out)
    assert "leaked 1 of 3, invalid 0 of 3" in quiet
    assert leaks.main([str(tmp_path), "--show"]) == 1
    assert "  name: name Hamburg\n" in capsys.readouterr().out


async def test_lessons_are_read_from_a_store(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it keeps them."""
    database = await Database.open(tmp_path / "trimtab.db")
    await database.write(lesson_store.add_lesson, lesson(("phrases", "name Hamburg")))
    await database.close()
    assert leaks.main([str(tmp_path)]) == 1
    assert "leaked 1 of 1" in capsys.readouterr().out


def test_no_rules_are_no_proof(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty directory does not pass."""
    assert leaks.main([str(tmp_path)]) == 2
    assert capsys.readouterr().out == "no rules found\n"


def test_it_shares_no_code_with_what_it_checks() -> None:
    """A mistake there is not repeated here."""
    tree = ast.parse(Path(str(leaks.__file__)).read_text("utf-8"))
    modules = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    modules |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    assert not any(str(m).startswith(("mlx_agent", "daemon", "plugin")) for m in modules)
