"""Pre-train the pocket base: `python -m mlx_agent.pocket.pretrain --out DIR`.

A Llama of under a million parameters learns, from invented people only, what a list of rules looks
like and that it may depend on x. Seeded: the same seed on the same machine gives the same weights.
The log is written beside the weights.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, TextIO

from mlx_agent import blas

blas.load()

import mlx.core as mx  # noqa: E402  # after the BLAS
import mlx.optimizers as optim  # noqa: E402
from mlx import nn  # noqa: E402
from mlx.utils import tree_flatten  # noqa: E402
from mlx_lm.models import llama  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402

from mlx_agent import codec, render  # noqa: E402
from mlx_agent.pocket.personas import lessons  # noqa: E402
from mlx_agent.pocket.tokenizer import save_tokenizer, train_tokenizer  # noqa: E402
from mlx_agent.records import RenderSettings  # noqa: E402

RENDER = RenderSettings(context_words=25)
"""How x was rendered for this base; agents trained on it render alike."""

ARCHITECTURE: dict[str, Any] = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 128,
    "num_hidden_layers": 4,
    "intermediate_size": 352,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "rms_norm_eps": 1e-5,
    "vocab_size": 1024,
    "rope_theta": 10000.0,
    "max_position_embeddings": 2048,
    "tie_word_embeddings": True,
    "attention_bias": False,
    "mlp_bias": False,
    "bos_token_id": None,
    "eos_token_id": 1,
    "pad_token_id": 0,
    "torch_dtype": "float32",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long and how fast: steps of `batch` lessons each, cosine decay from `rate`."""

    steps: int = 1400
    batch: int = 8
    rate: float = 3e-3
    warm_up: int = 20
    seed: int = 20261123
    tokenizer_lessons: int = 3000


Item = tuple[list[int], int]
"""The tokens of a lesson, and the offset of its answer."""


def chat(tokenizer: Tokenizer, x: Any, rules: Any) -> Item:
    """A lesson as tokens, by the chat template that the base ships with."""
    *asked, answer = render.lesson_messages(x, rules, RENDER)
    prompt = "".join(f"<|{m.role}|>{m.content}<|end|>" for m in asked) + "<|assistant|>"
    head = tokenizer.encode(prompt).ids
    return head + tokenizer.encode(f"{answer.content}<|end|>").ids, len(head)


def items(tokenizer: Tokenizer, seed: int) -> Iterator[Item]:
    """An endless stream of tokenised lessons."""
    for x, rules in lessons(seed):
        yield chat(tokenizer, x, rules)


def batches(stream: Iterator[Item], size: int, seed: int) -> Iterator[list[Item]]:
    """Batches of like lengths, in a seeded order."""
    random = Random(seed)
    while True:
        pool = sorted(islice(stream, size * 32), key=lambda item: len(item[0]))
        cut = [pool[i : i + size] for i in range(0, len(pool), size)]
        random.shuffle(cut)
        yield from cut


def arrays(batch: list[Item]) -> tuple[mx.array, mx.array, mx.array]:
    """Inputs, targets (batch x length) and the mask of the answers' tokens."""
    longest = max(len(tokens) for tokens, _ in batch)
    rows = [tokens + [0] * (longest - len(tokens)) for tokens, _ in batch]
    mask = [
        [float(offset <= position + 1 < len(tokens)) for position in range(longest - 1)]
        for tokens, offset in batch
    ]
    tokens = mx.array(rows)
    return tokens[:, :-1], tokens[:, 1:], mx.array(mask)


def loss(model: nn.Module, inputs: mx.array, targets: mx.array, mask: mx.array) -> mx.array:
    """The mean cross-entropy of the answers' tokens, in nats."""
    losses: mx.array = nn.losses.cross_entropy(model(inputs), targets)
    mean: mx.array = (losses * mask).sum() / mask.sum()
    return mean


def build(seed: int) -> nn.Module:
    """The model with random weights."""
    mx.random.seed(seed)
    model = llama.Model(llama.ModelArgs.from_dict(ARCHITECTURE))
    mx.eval(model.parameters())
    return model


def pretrain(tokenizer: Tokenizer, plan: Plan, log: TextIO) -> nn.Module:
    """Train from nothing; one line of the log every fifty steps."""
    model = build(plan.seed)
    warm = optim.linear_schedule(0, plan.rate, plan.warm_up)
    decay = optim.cosine_decay(plan.rate, max(1, plan.steps - plan.warm_up), plan.rate / 50)
    optimizer = optim.AdamW(optim.join_schedules([warm, decay], [plan.warm_up]), betas=[0.9, 0.98])
    step_of = nn.value_and_grad(model, loss)
    held_out = [arrays(b) for b in islice(batches(items(tokenizer, plan.seed + 1), 8, 1), 16)]
    stream = batches(items(tokenizer, plan.seed), plan.batch, plan.seed)
    started, tokens = time.perf_counter(), 0
    for step, batch in enumerate(islice(stream, plan.steps), 1):
        value, gradient = step_of(model, *arrays(batch))
        gradient, _ = optim.clip_grad_norm(gradient, 1.0)
        optimizer.update(model, gradient)
        mx.eval(model.parameters(), optimizer.state, value)
        tokens += sum(len(item) for item, _ in batch)
        if step % 50 == 0 or step == plan.steps:
            seconds = time.perf_counter() - started
            say = partial(print, file=log, flush=True)
            line = f"step {step:5} loss {value.item():.3f} tokens {tokens:8} {seconds:6.0f} s"
            if step % 250 == 0 or step == plan.steps:
                mean = sum(loss(model, *one).item() for one in held_out) / len(held_out)
                line += f" held-out {mean:.3f}"
            say(line)
    return model


def save(model: nn.Module, tokenizer: Tokenizer, out: Path) -> None:
    """Write a model directory that mlx-lm loads."""
    weights = dict(tree_flatten(model.parameters()))
    mx.save_safetensors(str(out / "model.safetensors"), weights, metadata={"format": "mlx"})
    (out / "config.json").write_text(json.dumps(ARCHITECTURE, indent=2) + "\n", "utf-8")
    (out / "trimtab.json").write_text(codec.dumps(RENDER) + "\n", "utf-8")
    save_tokenizer(tokenizer, out)


def texts(seed: int, count: int) -> Iterator[str]:
    """What the tokenizer is trained on."""
    for x, rules in islice(lessons(seed), count):
        yield from (message.content for message in render.lesson_messages(x, rules, RENDER))


def main() -> None:
    """Pre-train and write the model directory."""
    parser = argparse.ArgumentParser(description="Pre-train the pocket base on invented people.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=Plan().steps)
    parser.add_argument("--seed", type=int, default=Plan().seed)
    chosen = parser.parse_args()
    plan = Plan(steps=chosen.steps, seed=chosen.seed)
    chosen.out.mkdir(parents=True, exist_ok=True)
    tokenizer = train_tokenizer(
        texts(plan.seed + 2, plan.tokenizer_lessons), ARCHITECTURE["vocab_size"]
    )
    with (chosen.out / "pretrain.log").open("w", encoding="utf-8") as log:
        print(f"mlx {metadata.version('mlx')} {plan}", file=log, flush=True)
        model = pretrain(tokenizer, plan, log)
    save(model, tokenizer, chosen.out)


if __name__ == "__main__":
    main()
