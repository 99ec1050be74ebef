"""What teaching would ask and cost, before anything is spent.

What is asked second depends on what is answered first, so the offline model's answers stand in for
those that are not there yet: the prompts come out near to what they would be, in form and in size.
Tokens are estimated from characters; prices are in `mlx_agent.large.prices`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from mlx_agent import render
from mlx_agent.large import offline
from mlx_agent.large.prices import priced
from mlx_agent.records import Answer, Price, Usage
from mlx_agent.teach.lessons import Answered, Ask, Recipe, TeachItem, advance, lesson_id

CHARS_PER_TOKEN = 3.7
"""Of our prompts over 1,127 real mails: 3.7 by an older Claude's tokenizer, 4.0 by DeepSeek's."""
THINKING_TOKENS = {"intent": 150, "rules_thinking": 350, "rules_distill": 350}
"""What a model is assumed to think before it answers, where it is asked to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """A question that teaching would ask, and an answer of about the size to expect."""

    ask: Ask
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The size of a run of teaching; `cost_usd` is None where the price is unknown."""

    mails: int
    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None


def foresee(
    items: Iterable[TeachItem], recipe: Recipe, kept: Mapping[str, tuple[Answered, ...]]
) -> Iterator[Foreseen]:
    """What teaching would ask; `kept` are the answers that there are already, by lesson."""
    for item in items:
        answered = kept.get(lesson_id(item, recipe), ())
        while isinstance(ask := advance(item, recipe, answered), Ask):
            text = offline.answer(ask.task)
            yield Foreseen(ask=ask, answer=text)
            answered += (ask.answered(Answer(text=text, model="", usage=Usage())),)


def estimate(foreseen: Iterable[Foreseen], price: Price | None, *, batch: bool) -> Estimate:
    """The calls, tokens and price of these questions."""
    samples = set()
    calls = read = written = 0
    for one in foreseen:
        samples.add(one.ask.sample_id)
        calls += 1
        read += sum(len(message.content) for message in render.messages(one.ask.task))
        written += len(one.answer)
        name = render.prompt_name(one.ask.task)
        written += round(THINKING_TOKENS.get(name, 0) * CHARS_PER_TOKEN)
    usage = Usage(
        input_tokens=round(read / CHARS_PER_TOKEN), output_tokens=round(written / CHARS_PER_TOKEN)
    )
    return Estimate(
        mails=len(samples),
        calls=calls,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost_usd=priced(usage, price, batch=batch).cost_usd,
    )
