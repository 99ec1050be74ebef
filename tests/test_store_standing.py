"""Standing rules: replaced as a whole, account by account."""

from pathlib import Path

import pytest
from draft_examples import opened

from daemon.records import StandingRules
from daemon.store.standing import set_standing_rules, standing_rules
from mlx_agent.records import Rule

PINNED = Rule(aspect="greeting", instruction='open with "Hello" and a comma')
SAID = StandingRules(pinned=(PINNED,), banned=frozenset({"exclamation", "tone"}))


async def test_nothing_is_said_at_first(tmp_path: Path) -> None:
    """Neither pinned nor banned."""
    async with opened(tmp_path) as database:
        assert await database.read(standing_rules, "home") == StandingRules()


async def test_what_was_said_last_holds(tmp_path: Path) -> None:
    """Whole, and for its account alone."""
    async with opened(tmp_path) as database:
        await database.write(set_standing_rules, "home", StandingRules(banned=frozenset({"marks"})))
        await database.write(set_standing_rules, "home", SAID)
        assert await database.read(standing_rules, "home") == SAID
        assert await database.read(standing_rules, "work") == StandingRules()


@pytest.mark.parametrize("said", [SAID, StandingRules()])
async def test_saying_it_twice_is_saying_it_once(tmp_path: Path, said: StandingRules) -> None:
    """A repeat is harmless."""
    async with opened(tmp_path) as database:
        await database.write(set_standing_rules, "home", said)
        await database.write(set_standing_rules, "home", said)
        assert await database.read(standing_rules, "home") == said
