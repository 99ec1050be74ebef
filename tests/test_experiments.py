"""Experiments as plans: what each needs, what is shared, and which figures follow."""

from dataclasses import replace
from datetime import timedelta

import pytest
from teaching_examples import a_lesson
from training_examples import JANUARY

from mlx_agent.evaluate import systems
from mlx_agent.evaluate.experiments import (
    NAMES,
    RANKS,
    Making,
    Name,
    Person,
    plan,
    strategies_of,
    trained_on,
)
from mlx_agent.evaluate.figures import (
    CONTRADICTED,
    CONTROLLED,
    TIED,
    WIN,
    figure,
    scores_of,
)
from mlx_agent.evaluate.questions import night_names, questions
from mlx_agent.evaluate.records import Figure, Judgement, Question, Trial
from mlx_agent.evaluate.systems import FALLBACK, SHOTS, Arm, random_examples, trial_id, written
from mlx_agent.evaluate.tables import cell
from mlx_agent.large.answers import Choice
from mlx_agent.records import Rule, Strategy
from mlx_agent.teach.dataset import Splits

MAKING = Making(settings="pocket, 4 epochs")
RULES = (Rule(aspect="greeting", instruction="none"),)


def a_person(name: str, lessons: int = 60, *, hand: bool = False) -> Person:
    """With R1 and R2 lessons of the same mails."""
    every = [
        replace(
            a_lesson(number),
            id=f"{name}-{number}",
            sample_id=f"mail-{number}",
            account=name,
            own_text=f"text {number} of {name}",
            sent_at=JANUARY + timedelta(days=number),
            thread=f"{number}",
        )
        for number in range(lessons + 8)
    ]
    strategies: tuple[Strategy, ...] = ("R3", "R1", "R2")
    by_strategy = {
        strategy: [
            replace(
                one,
                id=f"{one.id}-{strategy}",
                strategy=strategy,
                rules=(Rule(aspect="tone", instruction=f"as {strategy} says"),),
                thinking="It is short.",
            )
            for one in every
        ]
        for strategy in strategies
    }
    return Person(
        name=name,
        lessons={
            strategy: Splits(
                train=tuple(found[:lessons]),
                valid=tuple(found[lessons : lessons + 4]),
                test=tuple(found[lessons + 4 :]),
            )
            for strategy, found in by_strategy.items()
        },
        hand_written=RULES if hand else (),
    )


ADA, BEN = a_person("ada", hand=True), a_person("ben", 120)


def trials_of(arms: tuple[Arm, ...], people: tuple[Person, ...]) -> dict[Arm, dict[str, Trial]]:
    tests = {person.name: person.splits.test for person in people}
    return {
        arm: {
            lesson.sample_id: Trial(
                id=f"{arm.name}|{arm.agent_of}|{lesson.id}",
                person=arm.person,
                mail=lesson.sample_id,
                lesson=lesson.id,
                system=arm.system,
                agent_of=arm.agent_of,
                writer="offline",
                text="",
            )
            for lesson in tests[arm.person]
        }
        for arm in arms
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_pair_is_written_for(name: Name) -> None:
    """Both sides of a comparison are arms of the plan, and about the same person's mail."""
    found = plan(name, [ADA, BEN], MAKING)
    assert found.arms
    for one, other in found.pairs:
        assert {one, other} <= set(found.arms)
        assert one.person == other.person


def test_the_table_has_every_system_once() -> None:
    """For each person; rules by hand only where there are some."""
    found = plan("table", [ADA, BEN], MAKING)
    of_ada = [arm.system for arm in found.arms if arm.person == "ada"]
    everything = {
        systems.REAL,
        *(systems.ZERO_SHOT, systems.FEW_SHOT_NEAR, systems.FEW_SHOT_RANDOM, systems.STYLE_CARD),
        *(systems.NEAREST_RULES, systems.HAND_WRITTEN, systems.SMALL, systems.NAIVE),
        *(systems.THINKING, *systems.STRATEGIES.values()),
    }
    assert sorted(of_ada) == sorted(everything)
    of_ben = {arm.system for arm in found.arms if arm.person == "ben"}
    assert of_ben == everything - {systems.HAND_WRITTEN}


def test_what_several_experiments_need_is_trained_once() -> None:
    """All of them together need fewer trainings than each by itself."""
    each = [plan(name, [ADA, BEN], MAKING).trainings for name in NAMES if name != "all"]
    together = plan("all", [ADA, BEN], MAKING).trainings
    assert {one.id for one in together} == {one.id for some in each for one in some}
    assert len(together) == len({one.id for one in together}) < sum(map(len, each))
    # by person: R1, R2, R3, thinking, naive, two ranks, three nights; and 25, 50 and 100 lessons
    assert len(together) == 2 * 10 + 2 + 3


def test_a_training_is_known_by_all_that_it_follows_from() -> None:
    """Another setting, seed, person or lesson is another training."""
    ids = [
        MAKING.training(ADA).id,
        MAKING.training(BEN).id,
        MAKING.training(ADA, rank=4).id,
        MAKING.training(ADA, target="text").id,
        MAKING.training(ADA, strategy="R1").id,
        MAKING.training(ADA, lessons=30).id,
        MAKING.training(ADA, lessons=30, part="night 1").id,
        replace(MAKING, seed=2).training(ADA).id,
        replace(MAKING, settings="other").training(ADA).id,
    ]
    assert len(set(ids)) == len(ids)
    assert MAKING.training(ADA, rank=16).id == MAKING.training(ADA).id


def test_what_is_taught_alike_is_trained_once() -> None:
    """By whatever strategy; and without thoughts there is nothing more to learn."""
    silent = {
        strategy: Splits(
            train=tuple(replace(one, thinking="", rules=RULES) for one in splits.train),
            valid=splits.valid,
            test=splits.test,
        )
        for strategy, splits in ADA.lessons.items()
    }
    ada = replace(ADA, lessons=silent | {"R2": silent["R1"]})
    assert MAKING.training(ada, strategy="R1").id == MAKING.training(ada, strategy="R2").id
    assert MAKING.training(ada, target="thinking").id == MAKING.training(ada).id
    assert MAKING.training(ada, target="thinking").target == "rules"
    assert len(plan("strategies", [ada], MAKING).trainings) == 2


def test_a_size_is_of_the_latest_and_a_night_of_the_oldest() -> None:
    """And what is held out stays what it is."""
    latest = trained_on(ADA, MAKING.training(ADA, lessons=25))
    assert latest.train == ADA.splits.train[-25:]
    night = trained_on(ADA, MAKING.training(ADA, lessons=25, part="night 1"))
    assert night.train == ADA.splits.train[:25]
    assert latest.test == night.test == ADA.splits.test
    r1 = trained_on(ADA, MAKING.training(ADA, strategy="R1"))
    assert {one.strategy for one in r1.train} == {"R1"}
    assert r1.test == ADA.splits.test


def test_sizes_end_with_all_lessons_and_nights_with_the_agent() -> None:
    """As many as there are, and no more."""
    sizes = [arm.name for arm in plan("sizes", [ADA], MAKING).arms]
    assert sizes == ["agent R3 of 25 lessons", "agent R3 of 50 lessons", "agent R3"]
    nights = [arm.name for arm in plan("nightly", [ADA], MAKING).arms]
    assert tuple(nights) == night_names()
    ranks = [arm.training.rank for arm in plan("ranks", [ADA], MAKING).arms if arm.training]
    assert tuple(ranks) == RANKS


def test_only_what_compares_strategies_needs_their_lessons() -> None:
    """Teaching costs."""
    assert strategies_of("swap") == ("R3",)
    assert strategies_of("all") == ("R3", "R1", "R2")


def test_the_figures_of_a_table() -> None:
    """Each system's, each rival's, by person and over all, of the trials that they name."""
    people = (ADA, BEN)
    found = plan("table", people, MAKING)
    asked = questions(found, people, trials_of(found.arms, people))
    by_name = {one.name: one for one in asked}
    assert len(by_name) == len(asked)
    own = by_name["distance/agent R3/all"]
    assert len(own.of) == 8
    assert set(by_name["distance/agent R3/ada"].of) < set(own.of)
    win = by_name["win/agent R3/style card/ben"]
    assert len(win.of) == len(win.against) == 4
    assert all("style card" in one for one in win.against)
    assert "win/agent R3/hand-written/ben" not in by_name
    assert len(by_name["win/agent R3/hand-written/all"].of) == 4
    assert not any(name.startswith("swap/") for name in by_name)


def test_the_figures_of_a_swap() -> None:
    """A matrix of owners and people, and the own agents against the others'."""
    people = (ADA, BEN)
    found = plan("swap", people, MAKING)
    asked = {one.name: one for one in questions(found, people, trials_of(found.arms, people))}
    cells = {name for name in asked if name.startswith("swap/distance/")}
    assert cells == {f"swap/distance/{a}/{b}" for a in ("ada", "ben") for b in ("ada", "ben")}
    other = asked["nearer/agent R3/another's agent/ada"]
    assert all("|ada|" in one for one in other.of)
    assert all("|ben|" in one for one in other.against)


def test_a_mail_that_a_system_did_not_write_is_left_out() -> None:
    """Of both sides of a comparison, for it is about the same mails."""
    found = plan("table", [ADA], MAKING)
    trials = trials_of(found.arms, (ADA,))
    card = next(arm for arm in found.arms if arm.system == systems.STYLE_CARD)
    del trials[card]["mail-65"]
    asked = {one.name: one for one in questions(found, [ADA], trials)}
    win = asked["win/agent R3/style card/ada"]
    assert len(win.of) == len(win.against) == 3
    assert len(asked["win/agent R3/zero-shot/ada"].of) == 4


def test_random_examples_are_the_same_for_the_same_seed() -> None:
    """And others for another one."""
    x, known = ADA.splits.test[0].x, ADA.splits.train
    one = random_examples(known, x, 1)
    assert one == random_examples(known, x, 1)
    assert len(set(one)) == SHOTS
    assert len({random_examples(known, x, seed) for seed in range(20)}) > 10
    assert len(random_examples(known[:2], x, 1)) == 2


def test_a_trial_is_known_by_what_it_follows_from() -> None:
    """A seed counts for chance alone."""
    arm, lesson = Arm(person="ada", system=systems.ZERO_SHOT), ADA.splits.test[0]
    key = {"writer": "offline", "prompt": "v1", "data": "", "seed": 1}
    ids = [
        trial_id(arm, lesson, **key),
        trial_id(arm, ADA.splits.test[1], **key),
        trial_id(replace(arm, system=systems.FEW_SHOT_RANDOM), lesson, **key),
        *(trial_id(arm, lesson, **key | {name: "x"}) for name in ("writer", "prompt", "data")),
    ]
    assert len(set(ids)) == len(ids)
    assert trial_id(arm, lesson, **key | {"seed": 2}) == ids[0]


def test_what_is_no_mail_has_a_text_all_the_same() -> None:
    """So that it is measured, and loses."""
    x = ADA.splits.test[0].x
    assert written(" \n", x) == FALLBACK
    assert written("Hi Tim,\n\nI come.", x) == "Hi Tim,\n\nI come."


def test_a_tie_and_a_place_that_decides_are_told_apart() -> None:
    """Both count half; only of the second each order named another draft."""
    said: list[tuple[Choice, Choice]] = [("first", "first"), ("tie", "tie"), ("first", "second")]
    judged = [
        Judgement(judge="one", first=f"a{n}", second=f"b{n}", forward=f, backward=b, prompt="v2")
        for n, (f, b) in enumerate(said)
    ]
    judged.append(replace(judged[0], forward="second", backward="second", prompt="v1"))
    of, against = ("a0", "a1", "a2"), ("b0", "b1", "b2")
    scores = scores_of(judged, "one", "v2")
    found = {}
    for measure in (WIN, TIED, CONTRADICTED):
        asked = Question(name=measure, measure=measure, of=of, against=against)
        there = figure("run", asked, {}, scores, 1)
        back = figure("run", replace(asked, of=against, against=of), {}, scores, 1)
        assert there is not None
        assert back is not None
        found[measure] = there.value, back.value
    assert found[WIN] == (pytest.approx(2 / 3), pytest.approx(1 / 3))
    assert found[TIED] == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert found[CONTRADICTED] == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert scores_of(judged, "other") == {}


def test_a_rate_at_equal_length_that_cannot_be_told_is_not_told() -> None:
    """Where one of the two is always the longer one."""
    known = Figure(run="r", name="n", value=0.0, low=0.0, high=1.0, measure=CONTROLLED, of=("a",))
    assert cell(known, CONTROLLED) == "cannot be told"
    assert cell(replace(known, value=0.5, low=0.4, high=0.6), CONTROLLED) == "50% (40% to 60%)"
    assert cell(known, WIN) == "0% (0% to 100%)"
