"""Every error of the tree becomes a sentence that says what to do."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

import daemon.errors
import mlx_agent.errors
from daemon.explain import explain
from mlx_agent.errors import TrimtabError

BRANCHES = {"SampleError", "TransientError", "TrimtabError", "UserError"}
VALUES = {
    "Literal['sent', 'drafts', 'excluded']": "sent",
    "Literal['drafts', 'all']": "all",
    "Literal['night', 'month']": "night",
    "int": 3,
    "float": 2.5,
    "Path": Path("/x"),
    "bool": False,
    "float | None": None,
    "int | None": None,
    "str | None": None,
    "Usage | None": None,
}


def leaves() -> Iterator[type[TrimtabError]]:
    for module in (mlx_agent.errors, daemon.errors):
        for name, value in vars(module).items():
            defined_here = getattr(value, "__module__", "") == module.__name__
            if name in BRANCHES or not (defined_here and isinstance(value, type)):
                continue
            if issubclass(value, TrimtabError):
                yield value


def example(kind: type[TrimtabError]) -> TrimtabError:
    values = {
        field.name: () if str(field.type).startswith("tuple") else VALUES.get(str(field.type), "x")
        for field in dataclasses.fields(kind)  # type: ignore[arg-type]  # all are dataclasses
    }
    return kind(**values)


@pytest.mark.parametrize("kind", list(leaves()), ids=lambda kind: kind.__name__)
def test_every_error_has_a_sentence_of_its_own(kind: type[TrimtabError]) -> None:
    """None falls through to the words for a bug."""
    sentence = explain(example(kind))
    assert "bug in trimtab" not in sentence
    assert sentence.endswith((".", ":"))


def test_a_refused_token_is_no_refused_password() -> None:
    """Another app password would not help."""
    password = explain(daemon.errors.LoginRefused("work", "mail.example"))
    token = explain(daemon.errors.LoginRefused("work", "mail.example", "xoauth2"))
    assert "app password" in password
    assert "password" not in token
    assert "`trimtab login --account work`" in token


def test_a_bug_says_its_class_and_nothing_of_its_text() -> None:
    """An exception's text may quote mail; it never reaches the user or a log."""
    sentence = explain(ValueError("Dear Ms Hollis"))
    assert "ValueError" in sentence
    assert "Hollis" not in sentence


def test_a_config_lists_every_problem_with_its_place() -> None:
    """One look at the sentence is enough to correct the file."""
    problems = (
        daemon.errors.ConfigProblem(where="accounts.work.imap.port", what="is missing"),
        daemon.errors.ConfigProblem(where="trian", what="is not a setting of trimtab"),
    )
    sentence = explain(daemon.errors.ConfigInvalid(Path("/c.toml"), problems))
    assert sentence == (
        "/c.toml has 2 problems; correct and try again:\n"
        "  accounts.work.imap.port: is missing\n"
        "  trian: is not a setting of trimtab"
    )
