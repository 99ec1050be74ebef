"""The large model's stand-in: the same tasks, the same forms, no network."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teaching_examples import NORA, OWN_TEXTS, TIM

from mlx_agent.findings import Checks, Uncovered
from mlx_agent.large import LargeModel
from mlx_agent.large.answers import parse_mail, parse_points, parse_rules_answer, parse_verdict
from mlx_agent.large.offline import Offline, answer, baseline, intent_points, rules_for, write
from mlx_agent.large.offline_rules import OF_LETTERS
from mlx_agent.records import (
    Answer,
    BaselineTask,
    DraftTask,
    Example,
    FewShotTask,
    IntentTask,
    JudgeTask,
    Kind,
    Metadata,
    RedraftTask,
    RepairTask,
    Rule,
    RulesTask,
    Task,
    X,
)

METADATA = Metadata(sender=NORA, to=(TIM,), subject="The boat")
AN_X = X(intent=("The boat is ready", "Bring the keys"), metadata=METADATA)
RULES = (
    Rule(aspect="greeting", instruction='open with "Ahoy" and an exclamation mark'),
    Rule(aspect="layout", instruction="a numbered list"),
)
CHECKS = Checks(uncovered=(Uncovered(position=1),))
TASKS: tuple[Task, ...] = (
    IntentTask(own_text=OWN_TEXTS[0], metadata=METADATA),
    BaselineTask(x=AN_X),
    RulesTask(x=AN_X, own_text=OWN_TEXTS[0], baseline=baseline(AN_X)),
    DraftTask(x=AN_X, rules=RULES),
    JudgeTask(x=AN_X, truth=OWN_TEXTS[0], first=OWN_TEXTS[1], second=baseline(AN_X)),
    RedraftTask(task=DraftTask(x=AN_X, rules=RULES), text="Ahoy!", checks=CHECKS),
    FewShotTask(x=AN_X, examples=(Example(x=AN_X, own_text=OWN_TEXTS[0]),)),
)
SWAPPED = {"first": "second", "second": "first", "tie": "tie"}
TEXTS = st.text(min_size=1).filter(str.strip)


def verdict(truth: str, first: str, second: str) -> str:
    return parse_verdict(answer(JudgeTask(x=AN_X, truth=truth, first=first, second=second)))


def test_it_is_a_large_model_of_this_machine() -> None:
    """Named `offline`, never remote, so that no permission is asked for."""
    model: LargeModel = Offline()
    assert (model.name, model.remote) == ("offline", False)


def test_an_intent_is_answered_in_its_form() -> None:
    """One bullet a line between the tags."""
    assert answer(TASKS[0]) == (
        "<points>\n- The boat is ready on Friday\n- Can you bring the keys?\n</points>"
    )


def test_a_draft_is_the_mail_alone() -> None:
    """As it is sent."""
    assert answer(TASKS[3]) == (
        "Ahoy!\n\nI hope this message finds you well.\n\n"
        "1. The boat is ready.\n2. Please bring the keys.\n\n"
        "Please do not hesitate to contact me.\n\nKind regards,\nNora Falk"
    )


def test_rules_are_answered_in_their_form() -> None:
    """One rule a line between the tags, in the fixed order."""
    assert answer(TASKS[2]).splitlines() == [
        "<rules>",
        'Greeting: open with "Hello", the recipient\'s first name and a comma',
        "Opening: go straight to the point",
        "Length: about 15 words",
        "Closing: add no closing line",
        'Sign-off: sign off with "Cheers" and a comma',
        "Signature: sign with the first name",
        "</rules>",
    ]


@given(TEXTS)
def test_every_answer_is_parsed(text: str) -> None:
    """Whatever the mail says; the parsed answer is what the functions behind it gave."""
    points = parse_points(answer(IntentTask(own_text=text, metadata=METADATA)))
    assert points == intent_points(text, METADATA)
    x = X(intent=points, metadata=METADATA)
    generic = parse_mail(answer(BaselineTask(x=x)), x)
    assert generic == baseline(x)
    for before in (None, generic):
        rules = parse_rules_answer(answer(RulesTask(x=x, own_text=text, baseline=before)))
        assert rules == rules_for(x, text, before)
        assert parse_mail(answer(DraftTask(x=x, rules=rules)), x) == write(x, rules).strip("\n ")


@given(TEXTS, TEXTS, TEXTS)
def test_the_judge_does_not_mind_the_order(truth: str, first: str, second: str) -> None:
    """Swapped drafts get the swapped verdict."""
    assert verdict(truth, second, first) == SWAPPED[verdict(truth, first, second)]


@given(TEXTS, TEXTS)
def test_the_truth_never_loses(truth: str, other: str) -> None:
    """Against itself it is a tie."""
    assert verdict(truth, truth, truth) == "tie"
    assert verdict(truth, truth, other) in {"first", "tie"}


def test_the_judge_looks_at_the_manner() -> None:
    """The author's other mail is nearer than the generic one; names are no manner."""
    assert verdict(OWN_TEXTS[0], OWN_TEXTS[1], baseline(AN_X)) == "first"
    named = OWN_TEXTS[0].replace("Tim", "Oduya").replace("Nora", "Falk")
    assert verdict(OWN_TEXTS[0], OWN_TEXTS[0], named) == "tie"


@pytest.mark.parametrize("task", TASKS, ids=lambda task: type(task).__name__)
async def test_the_same_task_has_the_same_answer(task: Task) -> None:
    """And costs nothing, which is counted all the same."""
    answers = [await Offline().complete(task) for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0].text == answer(task)
    assert answers[0].model == "offline"
    assert answers[0].usage.cost_usd == 0
    assert answers[0].usage.output_tokens == len(answer(task).split())
    assert answers[0].usage.input_tokens > len(answer(task).split())


@pytest.mark.parametrize("task", TASKS, ids=lambda task: type(task).__name__)
async def test_the_pieces_of_a_stream_join_to_the_whole(task: Task) -> None:
    """Which comes last."""
    *pieces, whole = [piece async for piece in Offline().stream(task)]
    assert isinstance(whole, Answer)
    assert whole == await Offline().complete(task)
    assert all(isinstance(piece, str) for piece in pieces)
    assert "".join(map(str, pieces)) == whole.text


async def test_a_malformed_answer_of_its_own_is_mended_the_same_way() -> None:
    """It has but one answer to a question."""
    repair = RepairTask(task=TASKS[0], answer="Hm.", reason="no tag")
    assert (await Offline().complete(repair)).text == (await Offline().complete(TASKS[0])).text


async def test_closing_it_changes_nothing() -> None:
    """Nothing is held."""
    model = Offline()
    await model.close()
    assert (await model.complete(TASKS[1])).text == baseline(AN_X)


def test_it_writes_as_its_examples_were_written() -> None:
    """The greeting and the sign-off that they share, and what is to be said now."""
    said = "Hey Tim!\n\nThe mast is here.\n\nCheers,\nNora"
    examples = (Example(x=AN_X, own_text=said), Example(x=AN_X, own_text=said))
    text = answer(FewShotTask(x=AN_X, examples=examples))
    assert text.startswith("Hey Tim!")
    assert "Cheers" in text
    assert "mast is here" not in text


ARTICLE = (
    "Hello, harbor. On Monday the mast came back.\n\nIt's as good as new; the yard was proud! "
    "Let me know if you see it.\n\nThanks,\nNora"
)


@pytest.mark.parametrize("kind", ["article", "review"])
async def test_a_text_to_nobody_is_no_letter(kind: Kind) -> None:
    """All of it is core; neither rules nor texts speak of greetings and signatures."""
    about = Metadata(sender=NORA, subject="The harbor")
    asked = await Offline().complete(IntentTask(own_text=ARTICLE, metadata=about, kind=kind))
    points = parse_points(asked.text)
    assert points[0] == "Hello, harbor"
    assert points[-1] == "Thanks, Nora"
    x = X(intent=points, metadata=about, kind=kind)
    generic = (await Offline().complete(BaselineTask(x=x))).text
    assert generic.startswith("Hello, harbor.")
    assert not {"Dear", "regards", "hesitate"} & set(generic.split())
    for shown in (generic, None):
        question = RulesTask(x=x, own_text=ARTICLE, baseline=shown)
        rules = parse_rules_answer((await Offline().complete(question)).text)
        assert not {rule.aspect for rule in rules} & OF_LETTERS
        assert {"length", "layout"} <= {rule.aspect for rule in rules}
    greeting = Rule(aspect="greeting", instruction='open with "Hi" and a comma')
    sign_off = Rule(aspect="sign-off", instruction='sign off with "Best" and a comma')
    formal = DraftTask(x=x, rules=(greeting, *rules, sign_off), instruction="more formal")
    text = (await Offline().complete(formal)).text
    assert text.startswith("Hello, harbor.")
    assert not {"Best,", "Regards,"} & set(text.split())
