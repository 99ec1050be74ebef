"""x -> rules: a base with an adapter, loaded, and greedy decoding of a whole list.

The x is rendered by the renderer that training used, with the settings that the adapter's manifest
holds. A list that does not parse, or that does not end, is an invalid answer and not an error: the
caller goes down the ladder.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from mlx_agent.chat import encode
from mlx_agent.engine import load
from mlx_agent.records import AgentAnswer, RenderSettings, Rule, X
from mlx_agent.render import agent_messages
from mlx_agent.rules import RulesMalformed, filter_facts, most_telling, parse_rules

from mlx_lm.generate import batch_generate  # isort: skip  # after the engine

MAX_TOKENS = 260
"""Tokens in a list of rules; a longer answer has lost its way."""
BATCH = 32
"""Answers decoded together."""

OnAnswer = Callable[[int, AgentAnswer], None]


class Agent:
    """M_A: a loaded base with a loaded adapter, or the bare base."""

    def __init__(self, base: Path, adapter: Path | None) -> None:
        """Load both; raises BaseDamaged and AdapterDamaged."""
        self._model, self._tokenizer = load(base, adapter)

    def rules(
        self, xs: Sequence[X], settings: RenderSettings, on_answer: OnAnswer | None = None
    ) -> list[AgentAnswer]:
        """The rules for each x; `on_answer` hears of each with its position."""
        answers: list[AgentAnswer] = []
        for start in range(0, len(xs), BATCH):
            chunk = xs[start : start + BATCH]
            for answer in self._decode(chunk, settings):
                if on_answer is not None:
                    on_answer(len(answers), answer)
                answers.append(answer)
        return answers

    def _decode(self, xs: Sequence[X], settings: RenderSettings) -> list[AgentAnswer]:
        started = time.perf_counter()
        prompts = [self._prompt(x, settings) for x in xs]
        decoded = self._generate(prompts)
        seconds = (time.perf_counter() - started) / len(xs)
        return [self._answer(x, tokens, seconds) for x, tokens in zip(xs, decoded, strict=True)]

    def _prompt(self, x: X, settings: RenderSettings) -> list[int]:
        chat = [{"role": m.role, "content": m.content} for m in agent_messages(x, settings)]
        return encode(self._tokenizer, chat, answering=True)

    def _generate(self, prompts: list[list[int]]) -> list[list[int]]:
        """Greedy tokens after each prompt, without the end token."""
        done = batch_generate(
            self._model, self._tokenizer, prompts, max_tokens=MAX_TOKENS, return_token_ids=True
        )
        return [list(tokens) for tokens in done.token_ids]

    def _answer(self, x: X, tokens: list[int], seconds: float) -> AgentAnswer:
        text = self._tokenizer.decode(tokens)
        rules: tuple[Rule, ...] = ()
        valid = len(tokens) < MAX_TOKENS
        if valid:
            try:
                kept, _ = filter_facts(parse_rules(text), x)
                rules = most_telling(kept)
            except RulesMalformed:
                valid = False
        return AgentAnswer(rules=rules, text=text, valid=valid, tokens=len(tokens), seconds=seconds)
