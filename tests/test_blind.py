"""The blind test's pairs, and what the choices say."""

from collections import Counter
from dataclasses import replace

import pytest
from blind_examples import SYSTEMS, TRAINING, a_trial, trials

from daemon.blind import words
from mlx_agent.bootstrap import interval
from mlx_agent.evaluate import blind
from mlx_agent.evaluate.records import BlindPair, Trial

TRAININGS = {"training-1": TRAINING, "small": replace(TRAINING, id="small", lessons=25)}


def drawn(some: list[Trial], count: int = 40, seed: int = 1) -> tuple[BlindPair, ...]:
    wrote = blind.written(some, TRAININGS)
    return blind.draw("s", wrote, blind.compared(wrote, ()), count=count, seed=seed)


def answered(some: list[Trial], favourite: str, seed: int = 1) -> list[BlindPair]:
    """Every pair, with the favourite chosen; a tie where it is not in."""
    by_id = {trial.id: trial for trial in some}
    pairs = []
    for pair in drawn(some, 1000, seed):
        systems = {"left": by_id[pair.left].system, "right": by_id[pair.right].system}
        choice = next((side for side, name in systems.items() if name == favourite), "tie")
        pairs.append(replace(pair, choice=choice))  # type: ignore[arg-type]
    return pairs


def rivals(pairs: tuple[BlindPair, ...]) -> Counter[str]:
    return Counter(side.partition("/")[2] for pair in pairs for side in (pair.left, pair.right))


def test_the_agent_meets_each_rival_as_often() -> None:
    """One pair more at the most, and never twice on the same mail."""
    pairs = drawn(trials(20), 15)
    assert [pair.number for pair in pairs] == list(range(15))
    assert rivals(pairs) == {"agent R3": 15, "style card": 8, "zero-shot": 7}
    assert len({frozenset((pair.left, pair.right)) for pair in pairs}) == 15


def test_no_mail_comes_again_as_long_as_there_are_others() -> None:
    """Reading one mail twice tells less than reading two."""
    pairs = drawn(trials(10), 10)
    assert len({pair.left.partition("/")[0] for pair in pairs}) == 10


def test_order_and_sides_are_the_seed_s() -> None:
    """The same seed, the same test; and the agent stands on either side."""
    some = trials(30)
    assert drawn(some) == drawn(list(reversed(some)))
    assert drawn(some) != drawn(some, seed=2)
    left = sum(pair.left.endswith("agent R3") for pair in drawn(some))
    assert 10 < left < 30
    mails = [pair.left.partition("/")[0] for pair in drawn(some)]
    assert mails != sorted(mails)


def test_drafts_that_are_alike_are_left_out() -> None:
    """There is nothing to choose, white space aside."""
    same = [replace(one, text="Same  \n") if "/agent" in one.id else one for one in trials(3)]
    same = [replace(one, text="Same") if one.system == "zero-shot" else one for one in same]
    assert rivals(drawn(same)) == {"agent R3": 3, "style card": 3}


def test_others_agents_and_other_trainings_are_left_out() -> None:
    """So that one text stands for one system; where two are left, neither does."""
    swapped = a_trial(1, "agent R3", id="swapped", agent_of="home")
    small = a_trial(1, "agent R3", id="small", training="small")
    twice = a_trial(1, "zero-shot", id="twice")
    real = a_trial(1, "real mail", id="real")
    wrote = blind.written([*trials(1), swapped, small, twice, real], TRAININGS)
    assert {name: [one.id for one in by.values()] for name, by in wrote.items()} == {
        "agent R3": ["01/agent R3"],
        "style card": ["01/style card"],
    }


def test_named_systems_must_all_be_there() -> None:
    """The first is set against the others; unnamed, it is the agent against the usual ones."""
    assert blind.compared(("agent R1", *SYSTEMS), ()) == SYSTEMS
    assert blind.compared(("hand-written", "agent R1"), ()) == ("agent R1", "hand-written")
    assert blind.compared(("hand-written", "agent R3"), ()) == ("agent R3", "hand-written")
    assert blind.compared(SYSTEMS, ("zero-shot", "agent R3")) == ("zero-shot", "agent R3")
    assert blind.compared(SYSTEMS, ("zero-shot", "agent R1")) == ()
    assert blind.compared(SYSTEMS, ()) == ("agent R3", "style card", "zero-shot")


@pytest.mark.parametrize("systems", [(), ("agent R3",), ("agent R3", "unheard of")])
def test_without_two_systems_there_are_no_pairs(systems: tuple[str, ...]) -> None:
    """Nor an error: somebody else says what to do."""
    wrote = blind.written(trials(2), TRAININGS)
    assert blind.draw("s", wrote, systems, count=9, seed=1) == ()


def test_a_session_goes_on_at_the_first_gap() -> None:
    """And back from there, or from the end, to the one before."""
    pairs = [replace(pair, choice="tie") for pair in drawn(trials(4), 4)]
    assert (blind.answered(pairs), blind.following(pairs)) == (4, None)
    assert blind.preceding(pairs, None) == 3
    pairs[1] = replace(pairs[1], choice=None)
    assert (blind.answered(pairs), blind.following(pairs)) == (3, 1)
    assert blind.preceding(pairs, 1) == 0
    assert blind.preceding(pairs, 0) is None


def test_who_is_always_chosen_wins_all() -> None:
    """Its rivals lose all, and the interval knows no doubt."""
    some = trials(12)
    found = blind.result(answered(some, "agent R3"), {one.id: one for one in some})
    assert (found.pairs, found.mails) == (24, 12)
    assert [(one.system, one.rate.mean, one.rate.low) for one in found.systems] == [
        ("agent R3", 1.0, 1.0),
        ("style card", 0.0, 0.0),
        ("zero-shot", 0.0, 0.0),
    ]
    assert [(one.system, one.rival, one.won) for one in found.rivals] == [
        ("agent R3", "style card", 12),
        ("agent R3", "zero-shot", 12),
    ]


def test_a_tie_is_half_and_a_mail_counts_once() -> None:
    """A mail that was in two pairs is one value, their mean."""
    some = trials(12)
    found = blind.result(answered(some, "style card"), {one.id: one for one in some})
    agent, card, zero = found.systems
    assert (agent.won, agent.tied, agent.lost, agent.mails) == (0, 12, 12, 12)
    assert agent.rate == interval([0.25] * 12)
    assert (card.rate.mean, zero.rate.mean) == (1.0, 0.5)


def test_the_interval_is_as_wide_as_the_mails_are_few() -> None:
    """By the bootstrap over mails."""
    some = [one for one in trials(10) if one.system != "zero-shot"]
    pairs = answered(some, "agent R3")
    mixed = [replace(pair, choice="tie") if pair.number < 5 else pair for pair in pairs]
    found = blind.result(mixed, {one.id: one for one in some})
    rate = found.systems[0].rate
    assert rate.mean == 0.75
    assert 0.5 <= rate.low < 0.65
    assert 0.85 < rate.high <= 1.0
    assert rate == found.rivals[0].rate
    assert 1 - found.systems[1].rate.mean == rate.mean


def standing(won: int, tied: int, lost: int) -> blind.Standing:
    scores = [1.0] * won + [0.5] * tied + [0.0] * lost
    return blind.Standing(
        system="agent R3",
        rival="style card",
        mails=len(scores),
        won=won,
        tied=tied,
        lost=lost,
        rate=interval(scores),
    )


@pytest.mark.parametrize(
    ("won", "tied", "lost", "sure"),
    [(1, 0, 0, False), (5, 0, 0, False), (6, 0, 0, True), (0, 3, 9, True), (12, 4, 8, False)],
)
def test_a_few_mails_that_go_one_way_prove_nothing(
    won: int, tied: int, lost: int, sure: bool
) -> None:
    """Five heads in a row come once in sixteen times, on either side."""
    assert blind.beyond_chance(standing(won, tied, lost)) is sure


def test_the_words_tell_the_win_rate_its_interval_and_the_doubt() -> None:
    """And what so few mails do not say."""
    few = blind.Result(pairs=2, mails=2, systems=(), rivals=(standing(2, 0, 0),))
    found, limits = words.sentences(few)
    assert found == (
        "Of 2 pairs you chose agent R3 in 2, style card in 0, and neither in 0: agent R3's win "
        "rate is 100 % (95 % interval 100 to 100 %). So few mails do not say which of them is "
        "better."
    )
    assert limits == (
        "This rests on 2 mails and on one person's choices. The interval says how far chance in "
        "the choice of mails may move a win rate, not what another reader would say; a mail that "
        "was shown more than once counts once."
    )
    lost = blind.Result(pairs=9, mails=9, systems=(), rivals=(standing(0, 1, 8),))
    assert words.sentences(lost)[0].endswith(
        "win rate is 6 % (95 % interval 0 to 17 %). That is more than chance: style card sounds "
        "more like you."
    )
