"""How `init` asks: each question with a default, and again until the answer can be."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import typer

from daemon.commands.output import say

Check = Callable[[str], str]
"""What is wrong with an answer, as a sentence; empty for nothing."""


def anything(_: str) -> str:
    """The check that every answer passes."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Asks on the terminal. One that is `silent` takes every default, and asks nothing."""

    silent: bool = False

    def text(
        self, question: str, default: str | None = None, *, check: Check = anything, flag: str = ""
    ) -> str:
        """A line. Without a default there has to be one; `flag` is how else it could be given."""
        if self.silent:
            return self._taken(question, default, check, flag)
        while True:
            shown = bool(default)
            answer = str(typer.prompt(question, default=default, show_default=shown)).strip()
            if not (wrong := check(answer)):
                return answer
            say(wrong)

    def number(self, question: str, default: int, *, least: int = 1, most: int = 65535) -> int:
        """A whole number within bounds."""
        wrong = f"Say a number from {least} to {most}."

        def check(text: str) -> str:
            fits = text.isascii() and text.isdecimal() and len(text) < 10
            return "" if fits and least <= int(text) <= most else wrong

        return int(self.text(question, str(default), check=check))

    def choice(self, question: str, choices: Sequence[str], default: str) -> str:
        """One of these words."""
        wrong = f"Say {', '.join(choices[:-1])} or {choices[-1]}."
        return self.text(question, default, check=lambda text: "" if text in choices else wrong)

    def whether(self, question: str, *, default: bool) -> bool:
        """Yes or no."""
        return default if self.silent else bool(typer.confirm(question, default=default))

    def secret(self, question: str) -> str:
        """What is typed is not shown; empty for nothing."""
        if self.silent:
            return ""
        return str(typer.prompt(question, default="", show_default=False, hide_input=True)).strip()

    def _taken(self, question: str, default: str | None, check: Check, flag: str) -> str:
        if default is None:
            raise typer.BadParameter(f"--yes asks nothing, so {flag or question} has to be given")
        if wrong := check(default):
            raise typer.BadParameter(wrong)
        return default


def typed_secret() -> str:
    """The first line of standard input, without its end."""
    return sys.stdin.readline().rstrip("\r\n")
