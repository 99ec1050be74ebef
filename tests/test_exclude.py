"""What the user has excluded never leaves this machine."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teaching_examples import KIM, QUESTION, TIM, a_mail

from mlx_agent.findings import Checks
from mlx_agent.recipients import metadata_of
from mlx_agent.records import (
    Address,
    BaselineTask,
    ContextMessage,
    DraftTask,
    Example,
    FewShotTask,
    IntentTask,
    JudgeTask,
    RedraftTask,
    RepairTask,
    Rule,
    RulesTask,
    Task,
    X,
)
from mlx_agent.teach.exclude import Excluded, Exclusions, excluded_mail, excluded_task

MAIL = a_mail(1, cc=(KIM,), context=(QUESTION,))
AN_X = X(intent=("come on Tuesday",), metadata=metadata_of(MAIL, None), context=MAIL.context)


def by_address(*entries: str, of: str = "ann@mail.bank.example") -> Excluded | None:
    """What becomes of a mail to `of`."""
    mail = a_mail(1, to=(Address(name="Ann", address=of),))
    return excluded_mail(mail, Exclusions(addresses=entries))


def by_word(entry: str, text: str) -> Excluded | None:
    return excluded_mail(a_mail(1, own_text=text), Exclusions(words=(entry,)))


def test_nothing_is_excluded_until_somebody_says_so() -> None:
    """Nor by entries that say nothing."""
    for nothing in (Exclusions(), Exclusions(addresses=("", " ", "@"), words=("", " "))):
        assert excluded_mail(MAIL, nothing) is None
        assert excluded_task(BaselineTask(x=AN_X), nothing) is None


@pytest.mark.parametrize(
    "entry",
    [
        "ann@mail.bank.example",
        "Ann@Mail.Bank.EXAMPLE",
        " <ann@mail.bank.example> ",
        "@mail.bank.example",
        "@bank.example",
        "bank.example",
        "@bank.example.",
        "*@mail.bank.example",
        "*@*.bank.example",
        "*.bank.example",
        "@*.example",
        "ann*@*",
        "*ann@mail.bank.*",
    ],
)
def test_an_address_is_excluded(entry: str) -> None:
    """By itself, by its domain or a domain above, by a pattern."""
    assert by_address(entry) == "address"


@pytest.mark.parametrize(
    "entry",
    [
        "nn@mail.bank.example",
        "ann@bank.example",
        "*@bank.example",
        "@ank.example",
        "@k.example",
        "ann@",
        "a.n@mail.bank.example",
        "*@*.mail.bank.example",
    ],
)
def test_another_address_is_not(entry: str) -> None:
    """A part of an address is none, a dot is a dot, and a pattern names all of it."""
    assert by_address(entry) is None


@pytest.mark.parametrize(
    ("entry", "of"),
    [
        ("@müller.example", "ann@xn--mller-kva.example"),
        ("@xn--mller-kva.example", "ann@MÜLLER.example"),
        ("jörg@sea.example", "JORG@sea.example"),
        ("@xn--ü.example", "ann@xn--ü.example"),
    ],
)
def test_a_domain_is_the_same_in_both_its_forms(entry: str, of: str) -> None:
    """And accents do not matter, for nobody is sure to type them."""
    assert by_address(entry, of=of) == "address"


@pytest.mark.parametrize("field", ["sender", "to", "cc", "context"])
def test_everybody_who_has_to_do_with_a_mail_counts(field: str) -> None:
    """Who wrote it, who gets it, whom it answers."""
    ann = Address(name="Ann", address="ann@bank.example")
    quoted = ContextMessage(author=ann, text="When?")
    value = {"sender": ann, "context": (QUESTION, quoted)}.get(field, (TIM, ann))
    mail = replace(MAIL, **{field: value})  # type: ignore[arg-type]
    exclusions = Exclusions(addresses=("@bank.example",))
    assert excluded_mail(MAIL, exclusions) is None
    assert excluded_mail(mail, exclusions) == "address"
    x = X(intent=("go",), metadata=metadata_of(mail, None), context=mail.context)
    assert excluded_task(BaselineTask(x=x), exclusions) == "address"


def test_an_address_in_a_name_counts() -> None:
    """Lists put the writer's own there, and send under theirs."""
    via = Address(name="'Ann (ann@bank.example)' via Boats", address="boats@list.example")
    assert excluded_mail(a_mail(1, to=(via,)), Exclusions(addresses=("@bank.example",))) == (
        "address"
    )


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("salary", "About my salary: no."),
        ("Salary", "SALARY"),
        ("cafe", "in the Café."),
        ("CAFÉ", "in the cafe"),
        ("straße", "in der STRASSE 5"),
        ("Łódź", "to lodz"),
        ("project blue whale", "our Project\n> Blue-Whale!"),
        ("blue  whale", "blue_whale.pdf"),
        ("o'neil", "O'Neil's"),
        ("o'neil", "to O'NEIL"),
        ("c++", "in C++, not C"),
        ("salary", "sal\u00adary, sa\u200blary"),
        ("salary", "ｓａｌａｒｙ"),
        ("給料", "私の給料です"),
    ],
)
def test_a_word_is_excluded(entry: str, text: str) -> None:
    """Whatever its case, its accents, and what stands between the words of a phrase."""
    assert by_word(entry, text) == "word"


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("art", "start the party, artist"),
        ("c++", "in C, or c+"),
        ("blue whale", "a whale, blue"),
        ("blue whale", "blue big whale"),
        ("blue whale", "blue whales"),
        ("a.c", "abc"),
    ],
)
def test_another_word_is_not(entry: str, text: str) -> None:
    """A part of a word is none, and a phrase has its order."""
    assert by_word(entry, text) is None


@pytest.mark.parametrize("field", ["subject", "own_text", "context", "to", "address"])
def test_a_word_is_sought_wherever_it_would_leave(field: str) -> None:
    """In the names too, which are shown."""
    changes = {
        "context": {"context": (QUESTION, ContextMessage(author=TIM, text="Blue whale?"))},
        "to": {"to": (TIM, Address(name="Blue Whale Team"))},
        "address": {"cc": (Address(address="blue.whale@sea.example"),)},
    }.get(field, {field: "The blue whale."})
    exclusions = Exclusions(words=("blue whale",))
    assert excluded_mail(MAIL, exclusions) is None
    assert excluded_mail(replace(MAIL, **changes), exclusions) == "word"  # type: ignore[arg-type]


def test_what_never_leaves_excludes_nothing() -> None:
    """A signature with the usual threats, and a forwarded part."""
    mail = a_mail(1, signature="This mail is confidential.", forwarded="confidential")
    assert excluded_mail(mail, Exclusions(words=("confidential",))) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"message_id": "<a@x.example>"},
        {"in_reply_to": "<a@x.example>"},
        {"references": ("<b@x.example>", "<a@x.example>")},
    ],
)
def test_a_mail_of_an_excluded_folder_takes_its_thread_along(changes: dict[str, object]) -> None:
    """Itself, its answers, and what stands below it."""
    mail = a_mail(1, **changes)
    for name in ("<a@x.example>", "a@x.example"):
        exclusions = Exclusions(message_ids=frozenset({name}))
        assert excluded_mail(mail, exclusions) == "folder or label"
        assert excluded_mail(MAIL, exclusions) is None


def test_a_mail_without_a_message_id_is_in_no_thread() -> None:
    """An empty one names nothing."""
    exclusions = Exclusions(message_ids=frozenset({"", "<>"}))
    assert excluded_mail(a_mail(1, message_id=""), exclusions) is None


def test_the_first_reason_is_told() -> None:
    """Address, then thread, then word."""
    everything = Exclusions(
        addresses=(TIM.address,), words=("boat",), message_ids=frozenset({MAIL.message_id})
    )
    assert excluded_mail(MAIL, everything) == "address"
    assert excluded_mail(MAIL, replace(everything, addresses=())) == "folder or label"
    words = replace(everything, addresses=(), message_ids=frozenset())
    assert excluded_mail(MAIL, words) == "word"


SECRET = "the Blue Whale"
TASKS: tuple[Task, ...] = (
    IntentTask(own_text=SECRET, metadata=AN_X.metadata),
    BaselineTask(x=replace(AN_X, intent=("go", SECRET))),
    BaselineTask(x=replace(AN_X, context=(ContextMessage(author=TIM, text=SECRET),))),
    RulesTask(x=AN_X, own_text=SECRET, baseline=None),
    RulesTask(x=AN_X, own_text="no", baseline=SECRET),
    DraftTask(x=AN_X, rules=(Rule(aspect="tone", instruction=SECRET),)),
    DraftTask(x=AN_X, instruction=SECRET),
    FewShotTask(x=AN_X, examples=(Example(x=AN_X, own_text=SECRET),)),
    FewShotTask(x=AN_X, examples=(Example(x=replace(AN_X, intent=(SECRET,)), own_text=""),)),
    JudgeTask(x=AN_X, truth=SECRET, first="", second=""),
    JudgeTask(x=AN_X, truth="", first=SECRET, second=""),
    JudgeTask(x=AN_X, truth="", first="", second=SECRET),
    RedraftTask(task=DraftTask(x=AN_X), text=SECRET, checks=Checks()),
    RedraftTask(task=DraftTask(x=AN_X, instruction=SECRET), text="", checks=Checks()),
    RepairTask(task=BaselineTask(x=AN_X), answer=SECRET, reason="empty"),
    RepairTask(task=BaselineTask(x=replace(AN_X, intent=(SECRET,))), answer="", reason="empty"),
)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: type(task).__name__)
def test_every_text_of_a_task_is_looked_at(task: Task) -> None:
    """Whatever is asked of a model."""
    assert excluded_task(task, Exclusions(words=("blue whale",))) == "word"
    assert excluded_task(task, Exclusions(words=("grey whale",))) is None


def test_a_draft_in_an_excluded_thread_stays_here() -> None:
    """Its task holds no Message-IDs: they are given beside it."""
    exclusions = Exclusions(message_ids=frozenset({"<a@x.example>"}))
    task = DraftTask(x=AN_X)
    assert excluded_task(task, exclusions) is None
    assert excluded_task(task, exclusions, ("<a@x.example>",)) == "folder or label"


@given(st.text(), st.text(), st.text())
def test_any_entry_is_read(entry: str, address: str, text: str) -> None:
    """Whatever stands in the config or in a mail; what it names itself it finds."""
    exclusions = Exclusions(addresses=(entry,), words=(entry,))
    excluded_mail(a_mail(1, to=(Address(name=text, address=address),), own_text=text), exclusions)
    own = Exclusions(addresses=(f"a{entry}@x.example",))
    mail = a_mail(1, to=(Address(address=f"a{entry}@x.example"),))
    assert excluded_mail(mail, own) == "address"


@given(st.lists(st.text("abcäß給 -.", min_size=1).filter(lambda w: w.strip(" -.")), min_size=1))
def test_a_phrase_finds_itself(words: list[str]) -> None:
    """Between other words, in capitals."""
    phrase = " ".join(words)
    assert by_word(phrase, f"x {phrase.upper()} y") == "word"
