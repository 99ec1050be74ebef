"""`rules`: what holds for every draft of an account, whatever its agent says."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from daemon.commands.output import print_json, say
from daemon.commands.session import choose_account, daemon_client, load
from mlx_agent.records import ASPECTS, Rule
from mlx_agent.rules import RulesMalformed, format_rules, parse_rules


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChanges:
    """What the command line says: rules to pin, aspects to ban, and aspects left alone again."""

    pin: tuple[str, ...]
    ban: tuple[str, ...]
    free: tuple[str, ...]


async def rules(account: str | None, changes: RuleChanges, *, as_json: bool) -> None:
    """Change what is asked for, then show what holds."""
    paths, settings = load()
    name = choose_account(settings, account)
    pinned, banned, free = read_rules(changes.pin), aspects(changes.ban), aspects(changes.free)
    async with daemon_client(paths, settings) as client:
        standing = await client.rules(name)
        if pinned or banned or free:
            standing = changed(standing, pinned, banned, free)
            await client.set_rules(name, standing)
    if as_json:
        return print_json(standing)
    for line in shown(standing):
        say(line)
    return None


def changed(
    standing: dict[str, Any], pinned: Iterable[Rule], banned: frozenset[str], free: frozenset[str]
) -> dict[str, Any]:
    """The standing rules as they are then; the last word on an aspect holds."""
    said = {rule["aspect"]: rule["instruction"] for rule in standing["pinned"]}
    no = set(standing["banned"]) - free
    said = {aspect: text for aspect, text in said.items() if aspect not in free | banned}
    said |= {rule.aspect: rule.instruction for rule in pinned}
    return {
        "pinned": [{"aspect": aspect, "instruction": text} for aspect, text in said.items()],
        "banned": sorted((no | banned) - said.keys()),
    }


def shown(standing: dict[str, Any]) -> list[str]:
    """A line for each, in words."""
    lines = [format_rules((Rule(**rule),)) for rule in standing["pinned"]]
    lines += [f"{aspect.capitalize()}: never a rule" for aspect in standing["banned"]]
    return lines or ["Nothing is pinned or banned; your agent's rules hold as they are."]


def read_rules(texts: Iterable[str]) -> tuple[Rule, ...]:
    """Rules such as `Greeting: open with "Hello"`, one aspect once; ends the command otherwise."""
    try:
        return parse_rules("\n".join(texts)) if any(texts) else ()
    except RulesMalformed as error:
        known = ", ".join(ASPECTS)
        sys.exit(f"A rule is written 'Aspect: instruction' ({error.reason}); aspects are {known}.")


def aspects(names: Iterable[str]) -> frozenset[str]:
    """Known aspects, in any case; ends the command where one is unknown."""
    found = frozenset(name.strip().lower() for name in names)
    if not found <= set(ASPECTS):
        sys.exit(f"An aspect is one of {', '.join(ASPECTS)}.")
    return found
