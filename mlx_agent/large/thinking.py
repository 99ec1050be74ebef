"""Thinking that a model writes into its answer, told from the text. Pure.

Reasoning models write `<think>` ... `</think>` before they answer; where a server does not take
that out, it stands in the text. Only such blocks at the very start are thinking: a mail may speak
of the tag. What is thought is dropped, and so are the blank lines that follow it.
"""

from __future__ import annotations

from mlx_agent.records import IntentTask, RulesTask, Task

OPEN = "<think>"
CLOSE = "</think>"


def is_called_for(task: Task) -> bool:
    """Whether a model that can think should before it answers: where a prompt says to think."""
    match task:
        case IntentTask():
            return True
        case RulesTask():
            return task.strategy != "R1"
        case _:
            return False


class Splitter:
    """Takes an answer in pieces of any cut and gives back its text as soon as it is known.

    `thinking`: the answer begins inside a block, which the chat template has opened. Some models
    have other marks than the usual.
    """

    def __init__(
        self, *, thinking: bool = False, opening: str = OPEN, closing: str = CLOSE
    ) -> None:
        self._opening, self._closing = opening, closing
        self._held = ""  # what may yet be a mark, or blank before one
        self._thinking = thinking
        self._thought = False  # a block has ended
        self._begun = False  # the text has; nothing after it is thinking

    def feed(self, piece: str) -> str:
        """The text that is certain with this piece; empty while the model thinks."""
        if self._begun:
            return piece
        self._held += piece
        while self._block_ended() if self._thinking else self._block_began():
            pass
        if self._thinking or self._opening.startswith(self._held.lstrip()):
            return ""
        self._begun = True
        return self.end()

    def end(self) -> str:
        """What was held back, at the end of the answer; a block left open has no text."""
        held, self._held = self._held, ""
        if self._thinking:
            return ""
        return held.lstrip() if self._thought else held

    def _block_began(self) -> bool:
        found = self._held.lstrip()
        if not found.startswith(self._opening):
            return False
        self._held, self._thinking = found.removeprefix(self._opening), True
        return True

    def _block_ended(self) -> bool:
        _, mark, rest = self._held.partition(self._closing)
        if not mark:
            self._held = self._held[1 - len(self._closing) :]  # a mark may be cut in two
            return False
        self._held, self._thinking, self._thought = rest, False, True
        return True
