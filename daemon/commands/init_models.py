"""`init`'s questions about models: which large one, what may leave for it, and the small one."""

from __future__ import annotations

from functools import partial
from typing import Any, get_args

import psutil
from pydantic import ValidationError

from daemon.commands.asking import Asker
from daemon.commands.init_records import Options, Part, Secret
from daemon.commands.output import say
from daemon.config import OFFLINE, Cloud, Config, Large
from daemon.large_models import entry, settings_of
from daemon.mailbox.auth import keychain
from daemon.price_ahead import price_ahead
from mlx_agent import bases
from mlx_agent.errors import BaseNotFound
from mlx_agent.large.prices import as_of, price_of
from mlx_agent.teach.lessons import Recipe

CLOUD: tuple[str, ...] = get_args(Cloud)
CLAUDE, SERVER = "claude", "server"
CLAUDE_MODEL = "claude-sonnet-5-5"
_GB = 1 << 30
_PER = 100
"""So many mails the price is for, where it is not known how many there are."""
_ROLES = ("teacher", "writer", "judge")


def ask_large(asker: Asker, settings: Config) -> Part:
    """Which large model plays the roles, with the key for the keychain."""
    before = settings.models.teacher
    choices = tuple(dict.fromkeys([OFFLINE, CLAUDE, SERVER, *settings.large]))
    if not asker.silent:
        _say_choices(settings)
    chosen = asker.choice("Your choice", choices, before)
    part = Part()
    if chosen == CLAUDE:
        part = _claude(asker, settings.large.get(CLAUDE))
    elif chosen == SERVER:
        part = _server(asker, settings.large.get(SERVER))
    if chosen == before and asker.silent:
        return Part()
    roles = {} if chosen == before else {("models", role): chosen for role in _ROLES}
    return Part(changes=roles | dict(part.changes), secrets=part.secrets)


def _say_choices(settings: Config) -> None:
    say("Which large model works out what makes your mails yours, and writes the drafts?")
    say("  offline  plain code on this machine: no key, no network; not a language model")
    say("  claude   Anthropic's, with a key of yours")
    say("  server   any that speaks OpenAI's protocol, such as Ollama on this machine")
    for name in settings.large.keys() - {CLAUDE, SERVER}:
        say(f"  {name:<8} from your config")


def _claude(asker: Asker, before: Large | None) -> Part:
    model = before.model if before else CLAUDE_MODEL
    changes: dict[tuple[str, ...], Any] = {}
    if before is None or before.provider != "anthropic":
        changes = {("large", CLAUDE, "provider"): "anthropic", ("large", CLAUDE, "model"): model}
    return Part(changes=changes, secrets=_ask_key(asker, CLAUDE))


def _server(asker: Asker, before: Large | None) -> Part:
    url = asker.text(
        "Its address",
        before.base_url if before else "http://127.0.0.1:11434/v1",
        check=_check_url,
    )
    model = asker.text("The model's name there", before.model if before else None)
    values = {"provider": "openai", "model": model, "base_url": url}
    changes: dict[tuple[str, ...], Any] = {
        ("large", SERVER, key): value for key, value in values.items()
    }
    return Part(changes=changes, secrets=_ask_key(asker, SERVER))


def _check_url(url: str) -> str:
    try:
        Large(provider="openai", model="any", base_url=url)
    except ValidationError as error:
        return f"The address {error.errors()[0]['msg'].removeprefix('Value error, ')}."
    return ""


def _ask_key(asker: Asker, name: str) -> tuple[Secret, ...]:
    typed = asker.secret("Its key, for the system's keychain (Enter: none, or leave it as it is)")
    if not typed:
        return ()
    keep = partial(keychain.keep, name, entry(name))
    return (Secret(what="key", value=typed, keep=keep, tables=(("large", name),)),)


# --- what may leave -------------------------------------------------------------------------------


def ask_cloud(
    asker: Asker, options: Options, settings: Config, before: str, mails: int | None
) -> str:
    """What may leave this machine; nothing, unless the user says so."""
    if options.cloud is not None:
        return options.cloud
    name = settings.models.teacher
    chosen = settings.large.get(name)
    if chosen is None or not chosen.leaves:
        say(f"With {name!r} nothing leaves this machine.")
        return before
    if asker.silent:
        return before
    say(f"What may be sent to {chosen.model}, which is not on this machine?")
    say("  never   nothing")
    say("  drafts  the drafts that you ask for, with the mail you answer")
    say(f"  all     your sent mails too, for teaching: {teaching_price(settings, mails)}")
    return asker.choice("Your choice", CLOUD, before)


def teaching_price(settings: Config, mails: int | None) -> str:
    """What teaching so many mails would cost, in words; an unknown price is said to be unknown."""
    name = settings.models.teacher
    chosen = settings.large[name]
    count = _PER if mails is None else min(mails, settings.teach.limit)
    recipe = Recipe(model=name, strategy=settings.teach.strategy, seed=settings.teach.seed)
    batch = chosen.batch and chosen.provider == "anthropic"
    cost = price_ahead(count, recipe, price_of(settings_of(chosen)), batch=batch).cost_usd
    which = f"for each {count} mails" if mails is None else f"for {count} mails at the most"
    if cost is None:
        return f"an unknown price {which}"
    return f"about {cost:.2f} USD {which} (prices of {as_of()})"


# --- the small model ------------------------------------------------------------------------------


def say_base(settings: Config) -> None:
    """Which base the machine gets, and why."""
    base = bases.named(settings.train.base)
    try:
        bases.find(base)
    except BaseNotFound:
        there = False
    else:
        there = True
    memory = psutil.virtual_memory().total
    auto = settings.train.base == bases.AUTO
    say(base_sentence(base, memory, fast=bases.is_fast(), auto=auto, there=there))


def base_sentence(base: str, memory: int, *, fast: bool, auto: bool, there: bool) -> str:
    """The base's name and reason. Pure; `memory` in bytes."""
    why = "as your config says"
    if auto:
        why = (
            f"for this machine has {memory / _GB:.0f} GB of memory"
            if fast
            else "for this machine is no Apple Silicon; it ships with trimtab"
        )
    missing = "" if there else " It is not on this machine yet, and training waits for it."
    return f"Your small model grows from {base!r}, {why}.{missing}"
