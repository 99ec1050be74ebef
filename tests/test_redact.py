"""Redaction: what tells of people does not leave, and comes back into what a model answers."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teaching_examples import KIM, NORA, TIM

from mlx_agent import names
from mlx_agent.characters import folded, visible
from mlx_agent.findings import Checks, Unsupported
from mlx_agent.ordinary import NAMES_TOO, ORDINARY
from mlx_agent.records import (
    Address,
    BaselineTask,
    ContextMessage,
    DraftTask,
    Example,
    FewShotTask,
    IntentTask,
    JudgeTask,
    Metadata,
    Recipient,
    RedraftTask,
    RepairTask,
    Rule,
    RulesTask,
    Task,
    X,
)
from mlx_agent.redact import Placeholders, redact
from mlx_agent.render import messages
from mlx_agent.task_texts import people, texts

METADATA = Metadata(
    sender=NORA,
    to=(TIM,),
    subject="The mast",
    recipient=Recipient(greeting="Hi {first},", sign_off="Bye,\nNora"),
)


def written(text: str, **changes: object) -> tuple[str, Placeholders]:
    """An own text of Nora's to Tim, redacted."""
    metadata = replace(METADATA, **changes)  # type: ignore[arg-type]
    task, placeholders = redact(IntentTask(own_text=text, metadata=metadata))
    return task.own_text, placeholders


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Hi Tim,\n\nsee you.\n\nNora", "Hi NAME_2,\n\nsee you.\n\nNAME_1"),
        ("Dear Mr Oduya, regards, Nora Falk", "Dear Mr SURNAME_2, regards, NAME_1 SURNAME_1"),
        ("Tim's mast, Tim’s (Tim), *Tim*", "NAME_2's mast, NAME_2’s (NAME_2), *NAME_2*"),
        ("hi tim, TIM", "hi name_2, NAME_3"),
        ("ask Zoë or zoë", "ask NAME_3 or zoë"),
        ("Zoë knows. Ask Zoë.", "NAME_3 knows. Ask NAME_3."),
        ("Timber, time, falkor", "Timber, time, falkor"),
        ("I think I'll come on Friday, 3 May", "I think I'll come on Friday, NUMBER_1 May"),
        ("We saw Dr. Zoë. Then we left", "We saw Dr. NAME_3. Then we left"),
        ("The plan:\n\n- Bring sails\n- Ask Zoë", "The plan:\n\n- Bring sails\n- Ask NAME_3"),
        ("Cheers,\nZoë Hill", "Cheers,\nNAME_3 NAME_4"),
        ("Zoë,\n\nhow are you?", "NAME_3,\n\nhow are you?"),
        ("wrapped by\nZoë the mate", "wrapped by\nNAME_3 the mate"),
        ("pay €1,500.00 by 12.3.", "pay NUMBER_1 by NUMBER_2."),
        ("+44 20 7946-0958 (0171)", "NUMBER_1 NUMBER_2 NUMBER_3 (NUMBER_4)"),
        ("5 and 5 and 15: 5!", "NUMBER_1 and NUMBER_1 and NUMBER_2: NUMBER_1!"),
        ("Q3 at 5pm, IBAN GB82WEST1234", "NUMBER_1 at NUMBER_2, NAME_3 NUMBER_3"),
        ("tim@oduya.example, <kim@x.example>", "ADDRESS_2, <ADDRESS_3>"),
        ("see https://a.example/b?c=1.", "see LINK_1."),
        ("see www.a.example or sub.ab.com/x", "see LINK_1 or LINK_2"),
        ("i.e. this, e.g. that", "i.e. this, e.g. that"),
        ("on @timber", "on ADDRESS_3"),
        ("five hundred", "five hundred"),
    ],
)
def test_a_text_is_redacted(text: str, redacted: str) -> None:
    """Numbers, addresses, links and names go; the words and marks around them stay."""
    found, placeholders = written(text)
    assert found == redacted
    assert placeholders.restore(found) == text


@pytest.mark.parametrize(
    ("name", "text", "redacted"),
    [
        ("Hollis, Ben", "Hi Ben Hollis", "Hi NAME_2 SURNAME_2"),
        ("BEN HOLLIS (Sea)", "Hi Ben, dear Mr HOLLIS", "Hi NAME_2, dear Mr NAME_3"),
        ("Ben de la Mare", "Ben de la Mare", "NAME_2 de la SURNAME_2"),
        ("Jörg Müßig", "Jorg, jörg, Mussig", "NAME_3, name_2, NAME_4"),
        ("Will Long", "will it be long, Will? Long?", "will it be long, NAME_2? SURNAME_2?"),
        ("June Best", "come, June\n\nBest regards", "come, NAME_2\n\nBest regards"),
        ("Tim Falk", "Tim Falk", "NAME_2 SURNAME_1"),
        ("Falk Tim", "Falk Tim", "SURNAME_1 SURNAME_2"),
        ("山田 太郎", "山田さん、5時に", "NAME_2さん、NUMBER_1時に"),
        ("", "bo.jansen wrote to Bo Jansen", "name_2.surname_2 wrote to NAME_2 SURNAME_2"),
    ],
)
def test_a_persons_name_is_known_in_all_its_forms(name: str, text: str, redacted: str) -> None:
    """The first and the last by one number; a family has one last name."""
    who = Address(name=name, address="b@sea.example" if name else "bo.jansen@sea.example")
    found, placeholders = written(text, to=(who,))
    assert found == redacted
    assert placeholders.restore(found) == text


def test_the_local_part_of_an_address_tells_a_name() -> None:
    """Unless it is an ordinary word, as in `info@`."""
    both = (Address(name="A", address="bjansen@x.example"), Address(address="info@x.example"))
    assert written("ask bjansen for info", to=both)[0] == "ask name_3 for info"


def test_people_are_shown_by_placeholders_alone() -> None:
    """Names in their order of speaking, addresses as one word; nobody stays nobody."""
    to = (Address(name="Dr. Hollis, Ben", address="b@x.example"), Address(address="4@x.example"))
    task, _ = redact(BaselineTask(x=X(intent=("go",), metadata=replace(METADATA, to=to))))
    assert task.x.metadata.to == (
        Address(name="NAME_2 SURNAME_2", address="ADDRESS_2"),
        Address(name="", address="ADDRESS_3"),
    )
    nobody, _ = redact(BaselineTask(x=X(intent=(), metadata=Metadata(sender=Address()))))
    assert nobody.x.metadata.sender == Address()


def test_numbers_that_stand_in_a_text_are_skipped() -> None:
    """So that a model cannot mix up what was there and what was put there."""
    text = "NUMBER_1, name_1, NAME_1 and 7"
    found, placeholders = written(text)
    assert found == "NUMBER_2, NUMBER_3, NUMBER_4 and NUMBER_5"
    assert "NAME_1" not in placeholders.values
    assert placeholders.restore(found) == text


def test_what_style_is_about_stays() -> None:
    """Lengths in rules and instructions, the counts of bullets, an absent baseline."""
    x = X(intent=("bring 4 sails", "go"), metadata=METADATA)
    rules = (Rule(aspect="length", instruction="about 20 words, 2-3 sentences, not 7 like Zoë"),)
    task, _ = redact(DraftTask(x=x, rules=rules, instruction="under 100 words, by 5pm"))
    assert task.rules[0].instruction == ("about 20 words, 2-3 sentences, not NUMBER_2 like NAME_3")
    assert task.instruction == "under 100 words, by NUMBER_3"
    assert task.x.metadata.recipient == replace(
        METADATA.recipient,  # type: ignore[type-var]
        sign_off="Bye,\nNAME_1",
    )
    assert "Size: 2 points, 4 words" in messages(task)[1].content
    assert redact(RulesTask(x=x, own_text="", baseline=None))[0].baseline is None


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Hi NAME_1,", "Hi Ben,"),
        ("hi name_1, Name_1", "hi ben, Ben"),
        ("**NAME_1**, NAME_1's, NAME_1’s, (NAME_1)", "**Ben**, Ben's, Ben’s, (Ben)"),
        (r"NAME\_1", "Ben"),
        ("NAME_1s and NAME_12 and NAME_123", "Bens and Ann and NAME_123"),
        ("SURNAME_1 is not SUR NAME_1", "Hill is not SUR Ben"),
        ("number_1 NUMBER_2", "Q5 NUMBER_2"),
        ("NAME_ 1, NAME-1, NAME 1, NAME_01", "NAME_ 1, NAME-1, NAME 1, NAME_01"),
    ],
)
def test_a_placeholder_is_known_as_models_write_it(said: str, meant: str) -> None:
    """In small letters too; only whole, and only if it was given."""
    placeholders = Placeholders(
        {"NAME_1": "Ben", "NAME_12": "Ann", "SURNAME_1": "Hill", "NUMBER_1": "Q5"}
    )
    assert placeholders.restore(said) == meant


def test_pieces_are_told_as_soon_as_they_can_be() -> None:
    """Only what may go on as a placeholder that was given is held back."""
    restorer = Placeholders({"NAME_1": "Ben", "NUMBER_4": "5"}).restorer()
    pieces = ["Hi N", "AME", "_1", ", ", "nu", " ", "LI", "NU", "MB", "ER_4", "2 NAME_1"]
    told = [restorer.feed(piece) for piece in pieces]
    assert told == ["Hi ", "", "", "Ben, ", "", "nu ", "LI", "", "", "", "NUMBER_42 "]
    assert (restorer.end(), restorer.end()) == ("Ben", "")


def test_what_placeholders_stand_for_is_in_no_log() -> None:
    """They are written without their values."""
    assert "Tim" not in repr(written("Hi Tim")[1])


# --- any text ---------------------------------------------------------------------------------

PARTS = "Ben Hollis Zoë O'Neil Ng Anne-Marie Łukasz Дмитрий de van 山田 김철수 Will Dr".split()
WORDS = st.sampled_from(
    [
        *PARTS,
        *("ben", "ZOË", "the", "Best", "mast", "5", "3.4.", "+44", "€1,500", "12-Ben", "_Ben_"),
        *("a@b.example", "<tim@x.example>", "http://x.example/Ben?a=1", "www.y.example"),
        *("NAME_1", "name_2", r"NUMBER\_1", "SURNAME", "Tim's", '"Ng"', "(Ng)", "-", ">", "Mr."),
    ]
)
GAPS = st.sampled_from([" ", " ", "\n", "\n\n", ". ", ", ", "", "\u2028", "\u200b"])
TEXTS = st.one_of(
    st.lists(st.tuples(WORDS, GAPS), max_size=12).map(lambda parts: "".join(map("".join, parts))),
    st.text(max_size=60),
)
PEOPLE = st.builds(
    Address,
    name=st.one_of(
        st.lists(st.sampled_from(PARTS), max_size=3).map(" ".join), st.text(max_size=10)
    ),
    address=st.sampled_from(["", "ben.hollis@x.example", "zoe7@y.example", "ng"]),
)
METADATAS = st.builds(
    Metadata,
    sender=PEOPLE,
    to=st.lists(PEOPLE, max_size=2).map(tuple),
    cc=st.lists(PEOPLE, max_size=1).map(tuple),
    subject=TEXTS,
    recipient=st.one_of(st.none(), st.builds(Recipient, greeting=TEXTS, sign_off=TEXTS)),
)
CONTEXTS = st.lists(st.builds(ContextMessage, author=PEOPLE, text=TEXTS), max_size=2).map(tuple)
XS = st.builds(
    X, intent=st.lists(TEXTS, max_size=2).map(tuple), metadata=METADATAS, context=CONTEXTS
)
RULES = st.lists(st.builds(Rule, aspect=st.just("tone"), instruction=TEXTS), max_size=2)
ONCE = (
    st.builds(IntentTask, own_text=TEXTS, metadata=METADATAS, context=CONTEXTS)
    | st.builds(BaselineTask, x=XS)
    | st.builds(RulesTask, x=XS, own_text=TEXTS, baseline=st.none() | TEXTS)
    | st.builds(DraftTask, x=XS, rules=RULES.map(tuple), instruction=TEXTS)
    | st.builds(
        RedraftTask,
        task=st.builds(DraftTask, x=XS, rules=RULES.map(tuple), instruction=TEXTS),
        text=TEXTS,
        checks=st.builds(
            Checks,
            uncovered=st.just(()),
            unsupported=st.lists(
                st.builds(Unsupported, kind=st.just("name"), text=TEXTS), max_size=2
            ).map(tuple),
        ),
    )
    | st.builds(JudgeTask, x=XS, truth=TEXTS, first=TEXTS, second=TEXTS)
    | st.builds(
        FewShotTask,
        x=XS,
        examples=st.lists(st.builds(Example, x=XS, own_text=TEXTS), min_size=1, max_size=2).map(
            tuple
        ),
    )
)
TASKS = ONCE | st.builds(RepairTask, task=ONCE, answer=TEXTS, reason=st.just("empty"))


@given(TASKS)
def test_what_is_redacted_comes_back(task: Task) -> None:
    """Every text as a reader saw it, with as many words on the way."""
    redacted, placeholders = redact(task)
    for before, after in zip(texts(task), texts(redacted), strict=True):
        assert placeholders.restore(after) == visible(before)
        assert len(after.split()) == len(visible(before).split())


@given(TASKS)
def test_equal_tasks_are_redacted_equally(task: Task) -> None:
    """The answers of a batch are restored after a restart, by the same placeholders."""
    assert redact(task) == redact(task)


@given(TASKS)
def test_no_redacted_value_leaves(task: Task) -> None:
    """Not in any message, as a whole word; only what our own prompts say besides."""
    redacted, placeholders = redact(task)
    said = "\n".join(message.content for message in messages(redacted))
    ours = "\n".join(message.content for message in messages(_empty(task)))
    said = re.sub(r"</?data-\w+>|^(?:Size|Mail|Cc|Recipient|To): .*$", "", said, flags=re.MULTILINE)
    for name, value in placeholders.values.items():
        if name in said.upper() and value not in ours and folded(value) not in ORDINARY:
            assert not re.search(rf"(?<!\w){re.escape(value)}(?!\w)", said), name


@given(TASKS)
def test_nobody_is_named_and_no_number_told(task: Task) -> None:
    """Names in any case, but for words that are ordinary in small letters."""
    redacted, _ = redact(task)
    left = " ".join(texts(redacted)) + " ".join(
        f"{person.name} {person.address}" for person in people(redacted)
    )
    left = re.sub(r"(?i)(?:SURNAME|NAME|NUMBER|ADDRESS|LINK)_\d+", "", left)
    kept = re.sub(r"(?i)\d+(?:-\d+)? (?:words|lines)", "", left)
    assert not re.search(r"\d|@\w|://", kept)
    known = {part for person in people(task) for part in re.findall(r"\w+", _name(person))}
    for part in known - {"de", "van", "Dr"}:
        small = folded(part) in NAMES_TOO | ORDINARY
        pattern = rf"(?<!\w){re.escape(part)}(?!\w)"
        if len(part) > 1 and part.isalpha() and folded(part) not in ORDINARY:
            assert not re.search(pattern, left, 0 if small else re.IGNORECASE), part


def _name(person: Address) -> str:
    return " ".join(names.words(person))


def _empty(task: Task) -> Task:  # noqa: PLR0911  # a case for each task
    """The same question about nothing."""
    x = X(intent=(), metadata=Metadata(sender=Address()))
    match task:
        case IntentTask():
            return IntentTask(own_text="", metadata=x.metadata)
        case RulesTask():
            return RulesTask(x=x, own_text="", baseline=None)
        case RepairTask():
            return replace(task, task=_empty(task.task), answer="")  # type: ignore[arg-type]
        case JudgeTask():
            return JudgeTask(x=x, truth="", first="", second="")
        case FewShotTask():
            return FewShotTask(x=x, examples=())
        case RedraftTask():
            return RedraftTask(task=replace(task.task, x=x), text="", checks=Checks())
        case _:
            return replace(task, x=x)


@given(st.text("NAMEURLK_1234\\ sx"), st.lists(st.integers(0, 40)))
def test_a_text_in_pieces_is_restored_like_a_whole_one(text: str, cuts: list[int]) -> None:
    """Wherever it is cut."""
    placeholders = Placeholders(
        {"NAME_1": "Ben", "NAME_12": "NAME_2", "SURNAME_1": "", "LINK_4": "x", "NUMBER_3": "NA"}
    )
    ends = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    restorer = placeholders.restorer()
    told = [restorer.feed(text[a:b]) for a, b in pairwise(ends)]
    assert "".join([*told, restorer.end()]) == placeholders.restore(text)


@given(TASKS, st.integers(1, 5))
def test_a_draft_in_pieces_comes_back(task: Task, size: int) -> None:
    """What a model copies word for word is what it was."""
    redacted, placeholders = redact(task)
    said, meant = " ".join(texts(redacted)), " ".join(map(visible, texts(task)))
    restorer = placeholders.restorer()
    told = [restorer.feed(said[i : i + size]) for i in range(0, len(said), size)]
    assert "".join([*told, restorer.end()]) == meant


def test_everybody_of_a_task_is_found() -> None:
    """The sender, those who get it, and whom it answers."""
    x = X(
        intent=("go",),
        metadata=replace(METADATA, cc=(KIM,)),
        context=(ContextMessage(author=Address(name="Zoë"), text="When?"),),
    )
    for task in (BaselineTask(x=x), RepairTask(task=BaselineTask(x=x), answer="", reason="empty")):
        assert people(task) == (NORA, TIM, KIM, Address(name="Zoë"))
        assert {"go", "The mast", "When?"} <= set(texts(task))
