"""Whatever a mail says, it is read, and nothing more: it changes neither parsing nor control flow.

Each hostile mail goes the whole way: bytes, own text and context, every task of a large model, the
agent's question, the answers. Wherever something is decided, its harmless twin decides the same.
"""

import re
import unicodedata
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hostile_mails import CANARY, HOSTILE, Hostile
from teaching_examples import Teacher, recipient_after

from daemon.learning import trace
from daemon.mailbox.parse import build, parse
from daemon.records import Tails
from mlx_agent import bases, render
from mlx_agent.characters import visible
from mlx_agent.chat import encode
from mlx_agent.errors import AnswerMalformed
from mlx_agent.findings import Checks, Uncovered, Unsupported
from mlx_agent.language import NAMES
from mlx_agent.large.answers import parse_mail, parse_points, parse_rules_answer, parse_verdict
from mlx_agent.large.offline import Offline, answer
from mlx_agent.recipients import metadata_of
from mlx_agent.records import (
    ASPECTS,
    BaselineTask,
    DraftTask,
    Example,
    FewShotTask,
    IntentTask,
    JudgeTask,
    Lesson,
    Mail,
    RedraftTask,
    RenderSettings,
    Rule,
    RulesTask,
    Strategy,
    Task,
    X,
)
from mlx_agent.redact import redact
from mlx_agent.render import agent_messages, lesson_messages, messages, prompt_name
from mlx_agent.rules import filter_facts, format_rules
from mlx_agent.teach.desk import make_lesson
from mlx_agent.teach.lessons import Recipe, SetAside, TeachItem
from mlx_agent.teach.select import SelectSettings, select

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SETTINGS = RenderSettings()
FENCES = {"intent": 2, "baseline": 1, "rules_direct": 2, "rules_thinking": 2, "rules_distill": 3}
FENCES |= {"draft": 4, "few_shot": 2, "judge": 4, "redraft": 5}
_FENCE = re.compile(r"<(data-[0-9a-f]{16})>\n(.*?)\n</\1>", re.DOTALL)
_MARKS = re.compile(
    r"<[|｜]\w|\[/?(?:INST|TOOL_CALLS|AVAILABLE_TOOLS)\]|</?(?:s|eos|bos|think|tool_call)>"
    r"|<(?:start|end)_of_turn>|<</?SYS>>"
)
"""Marks of chat templates."""
each = pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.name)


def mail_of(raw: bytes) -> Mail:
    return build("home", parse(raw, NOON)).mail


def x_of(mail: Mail) -> X:
    """What the offline model makes of a mail."""
    metadata = metadata_of(mail, recipient_after(mail.sender, mail.to, (mail,), mail.context))
    words = answer(IntentTask(own_text=mail.own_text, metadata=metadata, context=mail.context))
    points: tuple[str, ...] = ()
    with suppress(AnswerMalformed):
        points = parse_points(words)
    return X(intent=points, metadata=metadata, context=mail.context)


def tasks_of(mail: Mail) -> list[Task]:
    """Every task, with the mail's words wherever words can be."""
    x, text = x_of(mail), mail.own_text
    said = "\n".join([text, *(message.text for message in mail.context)])
    rules = (Rule(aspect="tone", instruction=" ".join(said.split())),)
    strategies: tuple[Strategy, ...] = ("R1", "R2", "R3")
    fact = Unsupported(kind="name", text=said, start=0, end=len(said))
    found = Checks(
        uncovered=tuple(Uncovered(position=n, facts=(said,)) for n in range(len(x.intent))),
        unsupported=(fact,),
    )
    return [
        IntentTask(own_text=text, metadata=x.metadata, context=x.context),
        BaselineTask(x=x),
        *(RulesTask(x=x, own_text=text, baseline=said, strategy=s) for s in strategies),
        DraftTask(x=x, rules=rules, instruction=said),
        DraftTask(x=x),
        RedraftTask(task=DraftTask(x=x, rules=rules), text=said, checks=found),
        JudgeTask(x=x, truth=said, first=said, second=said),
        FewShotTask(x=x, examples=(Example(x=x, own_text=text),)),
    ]


def ours(prompt: str) -> str:
    """What is not fenced of a prompt, with the language left out that its text shows."""
    words, found, language = _FENCE.sub("", prompt).partition("\nLanguage:\n")
    assert not found or language in {*NAMES.values(), render._NO_LANGUAGE}
    return words


def test_there_are_many_of_them() -> None:
    """Of all kinds, each by its own name."""
    assert len({hostile.name for hostile in HOSTILE}) == len(HOSTILE) >= 200


@each
def test_a_fence_is_closed_once_and_by_its_own_name(hostile: Hostile) -> None:
    """No content opens or closes one, or looks as if it did, and our words stay ours."""
    pairs = zip(tasks_of(mail_of(hostile.raw)), tasks_of(mail_of(hostile.twin)), strict=True)
    for task, tame in pairs:
        system, user = messages(task)
        tame_system, tame_user = messages(tame)
        assert (system.role, user.role) == ("system", "user")
        assert system == tame_system
        assert ours(user.content) == ours(tame_user.content)
        found = _FENCE.findall(user.content)
        assert len(found) == len({name for name, _ in found}) == FENCES[prompt_name(task)]
        for name, content in found:
            assert user.content.count(f"<{name}>") == user.content.count(f"</{name}>") == 1
            folded = unicodedata.normalize("NFKC", content)
            assert not re.search(r"</?(?:data|points|rules|verdict)\b", folded)


@each
def test_content_is_what_a_reader_sees_without_marks(hostile: Hostile) -> None:
    """Nothing unseen, no half of a pair, no mark of a chat template, in no message of any kind."""
    mail = mail_of(hostile.raw)
    said = [message.content for task in tasks_of(mail) for message in messages(task)[1:]]
    for content in said:
        assert not _MARKS.search(content)
    said += [message.content for message in agent_messages(x_of(mail), SETTINGS)]
    for content in said:
        assert content == visible(content)
        content.encode()


@each
def test_the_agents_question_keeps_its_form(hostile: Hostile) -> None:
    """Its lines are ours, each in its place, however many lines a mail has."""
    x = x_of(mail_of(hostile.raw))
    system, user = agent_messages(x, SETTINGS)
    assert system.content == "Write the rules for this mail."
    form = r"From: .*\nTo: .*\n(?:Cc: \d+\n)?Subject: .*\nMail: (?:reply|new), [\w ]+\n"
    form += r"Recipient: .*(?:\nAnswering .*:\n> .*)*"
    form += rf"\nSize: .*\nPoints:(?:\n- .*){{{len(x.intent)}}}"
    assert re.fullmatch(form, user.content)
    assert user.content.count("\n") == len(user.content.splitlines()) - 1


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    from mlx_agent.engine import load

    return load(bases.find("pocket"))[1]


@pytest.mark.mlx
def test_no_mail_ends_its_turn(tokenizer: Any) -> None:
    """Tokens of control are as many as in the harmless chat, in training and in use."""
    control = set(tokenizer.added_tokens_decoder)
    rules = (Rule(aspect="tone", instruction="warm"),)

    def turns(raw: bytes) -> list[int]:
        x = x_of(mail_of(raw))
        asked = [{"role": m.role, "content": m.content} for m in agent_messages(x, SETTINGS)]
        whole = [
            {"role": m.role, "content": m.content} for m in lesson_messages(x, rules, SETTINGS)
        ]
        tokens = encode(tokenizer, asked, answering=True) + encode(tokenizer, whole)
        return [token for token in tokens if token in control]

    for hostile in HOSTILE:
        assert turns(hostile.raw) == turns(hostile.twin), hostile.name


# --- control flow -----------------------------------------------------------------------------


def reason_of(mail: Mail) -> str:
    """Why a mail does not teach, or that it does."""
    settings = SelectSettings(
        min_words=3,
        max_words=1000,
        limit=10,
        addresses=frozenset({"ada@lind.example"}),
        unchanged=trace([mail], [], {}, [], Tails())[1],
    )
    left_out = select([mail], settings).left_out
    return left_out[0].reason if left_out else "teaches"


async def lesson_of(mail: Mail) -> Lesson | SetAside:
    item = TeachItem(mail=mail, recipient=None)
    return await make_lesson(item, Teacher(Offline()), Recipe(model="offline"))


@each
async def test_a_mail_teaches_as_its_twin_does(hostile: Hostile) -> None:
    """Or does not, for the same reason; a sample is named by the mail's own hash."""
    mail, twin = mail_of(hostile.raw), mail_of(hostile.twin)
    assert re.fullmatch(r"mail1:[0-9a-f]{40}", mail.id)
    assert mail.flags == twin.flags
    assert reason_of(mail) == reason_of(twin)
    made, tame = await lesson_of(mail), await lesson_of(twin)
    assert type(made) is type(tame) is Lesson
    assert isinstance(made, Lesson)
    assert (made.sample_id, made.account, made.own_text) == (mail.id, "home", mail.own_text)
    assert {rule.aspect for rule in made.rules} <= set(ASPECTS)
    assert CANARY not in format_rules(made.rules)


@each
def test_a_draft_is_a_mail_and_a_verdict_is_fair(hostile: Hostile) -> None:
    """The stand-in obeys the rules, and the judge compares texts."""
    mail = mail_of(hostile.raw)
    x, text = x_of(mail), mail.own_text
    rules = parse_rules_answer(answer(RulesTask(x=x, own_text=text, baseline=None)))
    assert parse_mail(answer(DraftTask(x=x, rules=rules)), x)
    verdict = answer(JudgeTask(x=x, truth=text, first="", second=text))
    assert parse_verdict(verdict) == "second"


# --- answers ----------------------------------------------------------------------------------

PARSED = {
    "points": (parse_points, "\n- the real one\n"),
    "rules": (parse_rules_answer, "\nTone: the real one\n"),
    "verdict": (parse_verdict, "tie"),
}


@each
@pytest.mark.parametrize("tag", PARSED)
def test_an_echo_of_a_mail_is_never_the_answer(hostile: Hostile, tag: str) -> None:
    """Before the model's own words, whole or cut off, or alone: those count, or none do."""
    parse_answer, words = PARSED[tag]
    mail = mail_of(hostile.raw)
    raw = "\n".join([mail.subject, mail.own_text, *(m.text for m in mail.context)])
    shown = "\n".join(
        content
        for task in tasks_of(mail)
        for _, content in _FENCE.findall(messages(task)[1].content)
    )
    real = f"<{tag}>{words}</{tag}>"
    for echo in (raw, shown):
        with suppress(AnswerMalformed):
            assert parse_answer(f"It says: {echo}\n\n{real}") == parse_answer(real)
        with pytest.raises(AnswerMalformed):
            parse_answer(f"It says: {echo}\n\n<{tag}>{words}")
    assert parse_answer(f"It says: {shown}\n\n{real}") == parse_answer(real)
    with pytest.raises(AnswerMalformed):
        parse_answer(f"It says: {shown}")


@each
def test_rules_that_quote_a_mail_are_filtered(hostile: Hostile) -> None:
    """What the mail's answer must hold by itself is no rule's to say."""
    mail = mail_of(hostile.raw)
    bare = X(intent=("go",), metadata=replace(x_of(mail).metadata, subject="", to=(), cc=()))
    rules = tuple(
        Rule(aspect=aspect, instruction=f"write {words}")
        for aspect, words in zip(
            ASPECTS, (CANARY, f"to {CANARY}@evil.example", "warmly"), strict=False
        )
    )
    kept, _ = filter_facts(rules, bare)
    assert CANARY not in format_rules(kept)


# --- what no reader sees ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "hostile", [one for one in HOSTILE if one.unseen], ids=lambda hostile: hostile.name
)
def test_what_no_reader_sees_is_in_no_text(hostile: Hostile) -> None:
    """Neither of the user's own nor of the mail that is answered; what is seen is."""
    mail = mail_of(hostile.raw)
    assert CANARY not in repr(mail)
    assert "the mast is ready on Friday" in mail.own_text


@each
def test_a_hostile_mail_is_redacted_and_comes_back(hostile: Hostile) -> None:
    """Whatever it is made of."""
    for task in tasks_of(mail_of(hostile.raw)):
        redacted, placeholders = redact(task)
        if isinstance(task, IntentTask) and isinstance(redacted, IntentTask):
            assert placeholders.restore(redacted.own_text) == visible(task.own_text)
        assert all(CANARY not in message.content for message in messages(redacted))


def test_what_is_attached_is_no_text() -> None:
    """Not its words, and not its name."""
    attached = next(hostile for hostile in HOSTILE if hostile.name == "attachments")
    assert CANARY not in repr(mail_of(attached.raw))
