"""What the nearest lessons say, as an agent is shown it."""

from dataclasses import replace

import pytest
from training_examples import lessons_of

from daemon.habits import seen, shown, with_habits
from mlx_agent.few_shot import NEIGHBOURS, habits
from mlx_agent.records import Habit, Lesson, Rule
from mlx_agent.teach.dataset import Splits, split

GREETING = Rule(aspect="greeting", instruction='open with "Hi" and a comma')
OTHER = Rule(aspect="greeting", instruction='open with "Hello" and a comma')
BLOCK = Rule(aspect="layout", instruction="one block")


def saying(*rules: tuple[Rule, ...]) -> list[Lesson]:
    """Lessons with these lists of rules."""
    made = lessons_of(len(rules))
    return [replace(one, rules=said) for one, said in zip(made, rules, strict=True)]


def test_a_habit_tells_how_many_are_of_one_mind() -> None:
    """Those that ask for something else, and those that are silent, are none of them."""
    near = saying((GREETING,), (GREETING,), (OTHER,), ())
    assert habits(near, near[0].x) == (Habit(rule=GREETING, said=2, of=4),)


def test_what_fewer_than_a_third_speak_of_is_no_habit() -> None:
    """Of ten, four do and three do not."""
    spoken = [(GREETING, BLOCK)] * 3 + [(GREETING,)] + [()] * 6
    near = saying(*spoken)
    assert [habit.rule for habit in habits(near, near[0].x)] == [GREETING]


def test_what_models_word_alike_counts_as_one() -> None:
    """The same phrases in much the same words."""
    longer = Rule(aspect="greeting", instruction='open the mail with "Hi" and a comma')
    near = saying((GREETING,), (longer,), (OTHER,))
    assert habits(near, near[0].x)[0].said == 2


def test_a_fact_that_x_does_not_hold_is_no_habit() -> None:
    """Whoever the nearest lessons were about."""
    fact = Rule(aspect="closing", instruction="mention Invoice4711")
    near = saying((fact,), (fact,), (fact,))
    assert habits(near, near[0].x) == ()


def test_what_is_held_out_sees_what_is_trained_on() -> None:
    """And nothing else, be it ever so near."""
    lessons = lessons_of(40)
    splits = split(lessons)
    shown = with_habits(splits)
    blind = with_habits(replace(splits, valid=splits.valid[:1], test=()))
    assert shown.valid[0] == blind.valid[0]
    assert shown.valid[0].x.habits
    alone = with_habits(Splits(train=(), valid=splits.valid, test=splits.test))
    assert not any(lesson.x.habits for lesson in (*alone.valid, *alone.test))


@pytest.mark.parametrize("akin", [{"thread": "<same>"}, {"own_text": "Come on Tuesday."}])
def test_a_lesson_does_not_see_what_is_akin_to_it(akin: dict[str, str]) -> None:
    """Neither its own thread nor its own words, which it would only have to copy."""
    lessons = [replace(lesson, **akin) for lesson in saying((GREETING,), (GREETING,))]
    assert not any(lesson.x.habits for lesson in shown(lessons, lessons))


def test_a_new_mail_sees_the_nearest_alone() -> None:
    """As many as the rules of the nearest lessons are made of."""
    near = saying(*[(GREETING,)] * NEIGHBOURS, (BLOCK,))
    assert seen(near[0].x, near).habits == habits(near[:NEIGHBOURS], near[0].x)
