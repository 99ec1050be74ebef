"""Speculative decoding says what plain decoding says, whatever is proposed."""

import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from training_examples import Trained, lessons_of

from mlx_agent import pocket
from mlx_agent.chat import encode
from mlx_agent.decoding import TOLERANCE, Decoder, Propose, nothing
from mlx_agent.engine import load, mx
from mlx_agent.records import RenderSettings
from mlx_agent.render import agent_messages
from mlx_agent.rules import format_rules
from mlx_agent.speculation import Phrasebook

from mlx_lm.models.cache import make_prompt_cache  # isort: skip  # after the engine

pytestmark = pytest.mark.mlx
LESSONS = lessons_of(24)
RENDER = RenderSettings(context_words=25)
MOST = 120


class Asked:
    """A model, its tokenizer, and prompts read for it."""

    def __init__(self, base: Path, adapter: Path | None = None) -> None:
        self.model, self.tokenizer = load(base, adapter)

    def prompt(self, number: int) -> list[int]:
        messages = agent_messages(LESSONS[number].x, RENDER)
        chat = [{"role": one.role, "content": one.content} for one in messages]
        return encode(self.tokenizer, chat, answering=True)

    def decoder(self, number: int) -> Decoder:
        cache = make_prompt_cache(self.model)
        self.model(mx.array([self.prompt(number)[:-1]]), cache=cache)
        ends = frozenset(self.tokenizer.eos_token_ids)
        return Decoder(model=self.model, cache=cache, ends=ends, most=MOST, check=lambda: None)

    @cache  # noqa: B019  # as long as the module's fixtures
    def plain(self, number: int) -> list[int]:
        """What plain decoding says."""
        return self.said(number)[0]

    def said(self, number: int, propose: Propose = nothing) -> tuple[list[int], int]:
        """The tokens, and in how many passes."""
        decoder = self.decoder(number)
        tokens = list(decoder.greedy(self.prompt(number)[-1], propose))
        return tokens, decoder.passes

    def book(self, number: int) -> Phrasebook:
        """Of the other lessons' rules."""
        texts = [format_rules(one.rules) for one in LESSONS[:number] + LESSONS[number + 1 :]]
        lists = [self.tokenizer.encode(text, add_special_tokens=False) for text in texts[:9]]
        return Phrasebook(lists, self.prompt(number))


@pytest.fixture(scope="module")
def agent(trained: Trained) -> Asked:
    return Asked(pocket.path(), trained.path)


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """The pocket base in 16 bits, where near ties are many."""
    base = shutil.copytree(pocket.path(), tmp_path_factory.mktemp("bases") / "half")
    weights: Any = mx.load(str(base / "model.safetensors"))
    rounded = {name: value.astype(mx.bfloat16) for name, value in weights.items()}
    mx.save_safetensors(str(base / "model.safetensors"), rounded, metadata={"format": "mlx"})
    return Asked(base)


def test_the_users_lists_save_passes_and_change_nothing(agent: Asked) -> None:
    """On a few dozen mails; twice as many tokens as passes, and more."""
    tokens = passes = 0
    for number in range(len(LESSONS)):
        fast, fewer = agent.said(number, agent.book(number).propose)
        assert fast == agent.plain(number)
        tokens, passes = tokens + len(fast), passes + fewer
    assert tokens >= 2 * passes


def test_in_sixteen_bits_near_ties_are_read_plainly(half: Asked) -> None:
    """So that the answer is the same here too."""
    for number in range(4):
        plain = half.plain(number)
        assert half.said(number, half.book(number).propose)[0] == plain


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(number=st.integers(0, 5), seed=st.integers(0, 10**6), right=st.floats(0, 1))
def test_no_proposal_changes_an_answer(agent: Asked, number: int, seed: int, right: float) -> None:
    """Be it right in part, of any length, or nonsense."""
    plain = agent.plain(number)
    random = Random(seed)

    def propose(said: Sequence[int], count: int) -> list[int]:
        ahead = plain[len(said) :][: random.randint(0, count)]
        return [one if random.random() < right else random.randrange(1024) for one in ahead]

    assert agent.said(number, propose)[0] == plain


def test_where_all_is_a_tie_every_token_is_read_plainly(
    agent: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worst case: a pass for each token, and one for each proposal that told nothing."""
    plain = agent.plain(0)
    monkeypatch.setitem(TOLERANCE, mx.float32, 1e9)
    tokens, passes = agent.said(0, agent.book(0).propose)
    assert tokens == plain
    assert len(plain) < passes <= 2 * len(plain)


def test_an_answer_ends_at_its_bound(agent: Asked) -> None:
    """A proposal does not carry it beyond."""
    plain = agent.plain(0)
    decoder = agent.decoder(0)
    decoder.most = 5
    tokens = list(decoder.greedy(agent.prompt(0)[-1], agent.book(0).propose))
    assert tokens == plain[:5]


def test_a_seed_draws_the_same_and_disturbs_nobody(agent: Asked) -> None:
    """Other draws of the process go on as if there had been none."""
    state: Any = mx.random.state
    before = state[0].tolist()
    drawn = [list(agent.decoder(0).sampled(agent.prompt(0)[-1], 1.5, seed)) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert state[0].tolist() == before
