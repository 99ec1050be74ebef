"""x -> rules: a base with an adapter, loaded, and greedy decoding of a whole list.

The x is rendered by the renderer that training used, with the settings that the adapter's manifest
holds. One x is answered as fast as can be: what is known of its prompt is not read again, what the
user's past lists hold is proposed, and each rule is told as soon as it is decoded. Many are decoded
together. What an agent thinks before its list is dropped. A list that does not parse, or that does
not end, is asked for once more; then it is an invalid answer and not an error: the caller goes down
the ladder.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from mlx_agent.chat import encode
from mlx_agent.decoding import Decoder, nothing
from mlx_agent.engine import load
from mlx_agent.foresight import losses
from mlx_agent.prefixes import Shelf
from mlx_agent.reading import Check, Reading, common
from mlx_agent.records import Address, AgentAnswer, Kind, Metadata, RenderSettings, Rule, X
from mlx_agent.render import agent_messages, lesson_messages
from mlx_agent.rules import RulesMalformed, filter_facts, most_telling, parse_rules
from mlx_agent.speculation import Phrasebook
from mlx_agent.thoughts import without_thinking

from mlx_lm.generate import BatchGenerator, wired_limit  # isort: skip  # after the engine
from mlx_lm.models.cache import KVCache, make_prompt_cache  # isort: skip

MAX_TOKENS = 260
"""Tokens in a list of rules; a longer answer has lost its way."""
THINKING_TOKENS = 500
"""Tokens before it, of an agent that thinks first."""
BATCH = 32
"""Answers decoded together."""
RETRY_TEMPERATURE, RETRY_SEED = 0.3, 1
"""How an answer is drawn after an invalid one, which greedy decoding would give again."""

OnAnswer = Callable[[int, AgentAnswer], None]
OnRule = Callable[[Rule], None]


class Agent:
    """M_A: a loaded base with a loaded adapter, or the bare base.

    `shelf` keeps on disk what prompts begin with.
    """

    def __init__(self, base: Path, adapter: Path | None, shelf: Shelf | None = None) -> None:
        """Load both; raises BaseDamaged and AdapterDamaged."""
        self._model, self._tokenizer = load(base, adapter)
        self._ends = frozenset(self._tokenizer.eos_token_ids)
        self._trims = all(type(layer) is KVCache for layer in self._new_cache())
        self._reading = Reading(self._model, self._new_cache, shelf)
        self._prefixes: dict[tuple[Kind, RenderSettings], list[int]] = {}

    def rules(
        self,
        xs: Sequence[X],
        settings: RenderSettings,
        on_answer: OnAnswer | None = None,
        *,
        on_rule: OnRule | None = None,
        hints: Sequence[str] | None = (),
        check: Check = lambda: None,
    ) -> list[AgentAnswer]:
        """The rules for each x; `on_answer` hears of each with its position.

        `on_rule` hears of each rule of a single x as soon as it is there; the answer counts. What
        `hints`, rule lists of the user's, the likeliest first, change is the time it takes; with
        None nothing is proposed at all. `check` is called before each pass, and ends the work by
        raising.
        """
        answers: list[AgentAnswer] = []
        for start in range(0, len(xs), BATCH):
            chunk = xs[start : start + BATCH]
            with wired_limit(self._model):
                if len(xs) == 1:
                    found = [self._alone(xs[0], settings, on_rule, hints, check)]
                else:
                    found = self._together(chunk, settings, check)
            for answer in found:
                if on_answer is not None:
                    on_answer(len(answers), answer)
                answers.append(answer)
        return answers

    def warm(self, x: X, settings: RenderSettings, check: Check = lambda: None) -> int:
        """Read what is known of x, for the answer to come; how many tokens of it there are."""
        prompt = self._prompt(x, settings)
        with wired_limit(self._model):
            self._read(prompt, x.kind, settings, check)
        return len(prompt)

    def losses(
        self,
        lessons: Sequence[tuple[X, Sequence[Rule]]],
        settings: RenderSettings,
        max_tokens: int,
        check: Check = lambda: None,
    ) -> list[float]:
        """What of each list it does not foresee, in nats a token; see `foresight.losses`."""
        chats = (lesson_messages(x, rules, settings) for x, rules in lessons)
        with wired_limit(self._model):
            return losses(self._model, self._tokenizer, chats, max_tokens, check)

    def write(
        self, xs: Sequence[X], settings: RenderSettings, most: int, check: Check = lambda: None
    ) -> list[str]:
        """The mails themselves, as M_S or M_F writes them, each of at most so many tokens."""
        texts: list[str] = []
        with wired_limit(self._model):
            for start in range(0, len(xs), BATCH):
                chunk = xs[start : start + BATCH]
                prompts = [self._prompt(x, settings, "writer") for x in chunk]
                texts += map(self._tokenizer.decode, self._generate(prompts, most, check))
        return texts

    # --- one x --------------------------------------------------------------------------------

    def _alone(
        self,
        x: X,
        settings: RenderSettings,
        on_rule: OnRule | None,
        hints: Sequence[str] | None,
        check: Check,
    ) -> AgentAnswer:
        started = time.perf_counter()
        prompt = self._prompt(x, settings)
        decoder = self._decoder(prompt, x.kind, settings, check)
        proposes = self._trims and hints is not None
        propose = self._phrasebook(hints or (), prompt).propose if proposes else nothing
        told = _Told(x, on_rule)
        tokens: list[int] = []
        for token in decoder.greedy(prompt[-1], propose):
            tokens.append(token)
            told.hear(without_thinking(self._tokenizer.decode(tokens)))
        answer = self._answer(x, settings, self._said(tokens), time.perf_counter() - started)
        answer = replace(answer, passes=decoder.passes)
        return answer if answer.valid else self._again(x, settings, answer, check)

    def _again(
        self, x: X, settings: RenderSettings, first: AgentAnswer, check: Check
    ) -> AgentAnswer:
        """A drawn answer if that one is valid, else the first one."""
        started = time.perf_counter()
        prompt = self._prompt(x, settings)
        decoder = self._decoder(prompt, x.kind, settings, check)
        tokens = list(decoder.sampled(prompt[-1], RETRY_TEMPERATURE, RETRY_SEED))
        seconds = first.seconds + time.perf_counter() - started
        second = self._answer(x, settings, self._said(tokens), seconds)
        kept = second if second.valid else replace(first, seconds=seconds)
        return replace(kept, passes=first.passes + decoder.passes)

    def _decoder(
        self, prompt: list[int], kind: Kind, settings: RenderSettings, check: Check
    ) -> Decoder:
        return Decoder(
            model=self._model,
            cache=self._read(prompt, kind, settings, check),
            ends=self._ends,
            most=_most(settings),
            check=check,
        )

    def _read(
        self, prompt: list[int], kind: Kind, settings: RenderSettings, check: Check
    ) -> list[object]:
        return self._reading.read(prompt, self._prefix(prompt, kind, settings), check)

    def _prefix(self, prompt: Sequence[int], kind: Kind, settings: RenderSettings) -> int:
        """How many tokens all prompts of that kind begin with; 0 where this one does not.

        0 too for models whose caches cannot be trimmed at any length.
        """
        if not self._trims:
            return 0
        if (kind, settings) not in self._prefixes:
            one, other = (self._prompt(_empty(kind, name), settings) for name in ("A", "z"))
            self._prefixes[(kind, settings)] = one[: common(one, other)]
        shared = self._prefixes[(kind, settings)]
        return len(shared) if common(shared, prompt[:-1]) == len(shared) else 0

    def _phrasebook(self, hints: Iterable[str], prompt: Sequence[int]) -> Phrasebook:
        end = min(self._ends, default=-1)
        lists = [[*self._tokenizer.encode(hint, add_special_tokens=False), end] for hint in hints]
        return Phrasebook(lists, prompt)

    def _new_cache(self) -> list[object]:
        return list(make_prompt_cache(self._model))

    # --- many ---------------------------------------------------------------------------------

    def _together(
        self, xs: Sequence[X], settings: RenderSettings, check: Check
    ) -> list[AgentAnswer]:
        started = time.perf_counter()
        prompts = [self._prompt(x, settings) for x in xs]
        decoded = self._generate(prompts, _most(settings), check)
        each = (time.perf_counter() - started) / len(xs)
        pairs = zip(xs, decoded, strict=True)
        answers = [self._answer(x, settings, tokens, each) for x, tokens in pairs]
        return [
            answer if answer.valid else self._again(x, settings, answer, check)
            for x, answer in zip(xs, answers, strict=True)
        ]

    def _generate(self, prompts: list[list[int]], most: int, check: Check) -> list[list[int]]:
        """Greedy tokens after each prompt, without the end token."""
        ends = [[token] for token in self._ends]
        generator = BatchGenerator(self._model, max_tokens=most, stop_tokens=ends)
        try:
            numbers = generator.insert(prompts, [most] * len(prompts))
            said: dict[int, list[int]] = {number: [] for number in numbers}
            while responses := generator.next_generated():
                check()
                for response in responses:
                    if response.finish_reason != "stop":
                        said[response.uid].append(response.token)
        finally:
            generator.close()
        return [said[number] for number in numbers]

    # --- both ---------------------------------------------------------------------------------

    def _prompt(self, x: X, settings: RenderSettings, prompt: str = "agent") -> list[int]:
        asked = agent_messages(x, settings, prompt)
        chat = [{"role": m.role, "content": m.content} for m in asked]
        return encode(self._tokenizer, chat, answering=True)

    def _said(self, tokens: list[int]) -> list[int]:
        return tokens[:-1] if tokens and tokens[-1] in self._ends else tokens

    def _answer(
        self, x: X, settings: RenderSettings, tokens: list[int], seconds: float
    ) -> AgentAnswer:
        text = without_thinking(self._tokenizer.decode(tokens))
        rules: tuple[Rule, ...] = ()
        valid = len(tokens) < _most(settings)
        if valid:
            try:
                kept, _ = filter_facts(parse_rules(text), x)
                rules = most_telling(kept)
            except RulesMalformed:
                valid = False
        return AgentAnswer(rules=rules, text=text, valid=valid, tokens=len(tokens), seconds=seconds)


class _Told:
    """Tells each rule of a growing text when its line is complete, and what may be said of it."""

    def __init__(self, x: X, on_rule: OnRule | None) -> None:
        self._x = x
        self._on_rule = on_rule
        self._lines = 0

    def hear(self, text: str) -> None:
        complete = text.split("\n")[self._lines : -1]
        self._lines += len(complete)
        for line in complete:
            self._tell(line)

    def _tell(self, line: str) -> None:
        if self._on_rule is None:
            return
        try:
            rules, _ = filter_facts(parse_rules(line), self._x)
        except RulesMalformed:
            self._on_rule = None  # the answer will be invalid: nothing more is told of it
            return
        for rule in rules:
            self._on_rule(rule)


def _most(settings: RenderSettings) -> int:
    return MAX_TOKENS + (THINKING_TOKENS if settings.thinking else 0)


def _empty(kind: Kind, name: str) -> X:
    sender = Address(name=name, address=f"{name}@example.com")
    return X(intent=(), metadata=Metadata(sender=sender, subject=name), kind=kind)
