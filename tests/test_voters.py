"""Who has a say on which draft is nearer, and how far they agree."""

from mlx_agent.evaluate.agreement import Vote
from mlx_agent.evaluate.records import BlindPair, Judgement
from mlx_agent.evaluate.voters import DISTANCE, PERSON, agreements, voters
from mlx_agent.large.answers import Choice

VALUES = {f"a{n}": {"distance": 0.1} for n in range(4)} | {
    f"b{n}": {"distance": (0.2, 0.3, 0.05, 0.1)[n]} for n in range(4)
}


def judged(judge: str, *said: Choice) -> list[Judgement]:
    """A judgement on each pair, both orders alike."""
    return [
        Judgement(judge=judge, first=f"a{n}", second=f"b{n}", forward=one, backward=one)
        for n, one in enumerate(said)
    ]


def blind(number: int, choice: str) -> BlindPair:
    return BlindPair(
        session="s",
        number=number,
        left=f"b{number}",
        right=f"a{number}",
        choice=choice,  # type: ignore[arg-type]
    )


def test_everybody_has_their_votes() -> None:
    """Judges, the person by where the drafts stood, and the distance on what was judged."""
    found = voters(judged("one", "first", "tie"), VALUES, [blind(0, "right"), blind(2, "left")])
    assert found["judge one"][1] == Vote(first="a1", second="b1", choice="tie")
    assert found[PERSON][0] == Vote(first="b0", second="a0", choice="second")
    by_distance = {(vote.first, vote.second): vote.choice for vote in found[DISTANCE]}
    assert by_distance[("a0", "b0")] == "first"
    assert by_distance[("b2", "a2")] == "first"


def test_a_pair_without_a_distance_has_no_vote_by_it() -> None:
    """As where a trial was never measured."""
    found = voters(judged("one", "first"), {"a0": {"distance": 0.1}}, [])
    assert DISTANCE not in found


def test_agreement_is_told_for_each_two() -> None:
    """On the pairs that both had a say on, whatever their order."""
    judges = [*judged("one", "first", "first", "second", "tie"), *judged("two", "first", "second")]
    table = agreements(voters(judges, VALUES, [blind(0, "right"), blind(1, "left")]), seed=1)
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["judge one and style distance"][:2] == ("4", "100% (100% to 100%)")
    assert rows["judge one and judge two"][0] == "2"
    assert rows["judge one and judge two"][1].startswith("50%")
    assert rows["judge one and you, blindly"][1].startswith("50%")
    assert rows["judge two and you, blindly"][1].startswith("100%")
