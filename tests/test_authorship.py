"""Whose is a text: masking, attribution and verification, on invented people and on real ones."""

import re
import sys
from functools import cache
from itertools import product
from random import Random

import pytest
from authors import generic, real, real_authors, sample_authors
from hypothesis import given
from hypothesis import strategies as st

from mlx_agent.errors import ExtraMissing, TooFewAuthors, TooFewTexts
from mlx_agent.evaluate.attribution import (
    FEWEST,
    MACHINE,
    Attributor,
    Written,
    attributed,
    share_attributed,
    train,
    written,
)
from mlx_agent.evaluate.masking import Mode, evened, hide, mask, prepared
from mlx_agent.evaluate.verification import Verifier, verify
from mlx_agent.large.offline import rules_for, write
from mlx_agent.records import Address, Lesson

NORA = Address(name="Nora Falk", address="nora@falk.example")
TIM = Address(name="Tim Oduya", address="tim@oduya.example")
MODES: tuple[Mode, ...] = ("shape", "raw")

# --- masking -----------------------------------------------------------------------------------


def test_names_are_masked_in_their_case() -> None:
    """The sender's and the reader's are told apart; part of another word is no name."""
    text = "Hi Tim,\n\nTIM'S boat and nora's, timber too.\n\nNora Falk"
    assert mask(text, NORA, [TIM]) == (
        "Hi Reader,\n\nREADER'S boat and sender's, timber too.\n\nSender Sender"
    )


@pytest.mark.parametrize(
    ("last", "masked"), [("N.", "S."), ("n", "s"), ("NF", "SS"), ("-N.F.", "-S.S."), ("T.", "T.")]
)
def test_initials_below_a_mail_are_masked(last: str, masked: str) -> None:
    """They are a name as well; another's stay."""
    assert mask(f"On its way, N. says.\n\n{last}", NORA) == f"On its way, N. says.\n\n{masked}"


def test_content_words_are_hidden_and_manner_is_not() -> None:
    """Case and digits leave their shape, function words and courtesy stay, and so do all marks."""
    text = "Hi Reader -- pls  send 25 copies of the Harbour PLAN by 10:30, don't wait!\n\nThx,\ns"
    assert hide(text) == "Hi Reader -- pls  w 9 w of the W WW by 9:9, don't w!\n\nThx,\nw"


def test_a_contraction_of_a_content_word_shows_nothing_of_it() -> None:
    """What is contracted stays."""
    assert hide("Jim's boat's here, it's late, she’ll come") == "W's w's here, it's w, she’ll w"


def test_mails_of_one_shape_cannot_be_told_apart_by_their_matter() -> None:
    """The same sentence about other things is the same."""
    assert hide("I moved the roof 40 centimetres to Berlin.") == hide(
        "I painted the door 7 times to Rome."
    )


def test_function_words_of_another_language_stay() -> None:
    """Of the language that the text is in."""
    assert hide("Der Anwalt kommt nicht, aber wir haben noch die Akte und das Buch.") == (
        "Der W w nicht, aber wir haben noch die W und das W."
    )


WORDS = st.sampled_from("Nora FALK tim oduya's Noras boat I'm n NF -- 25 . , \n".split(" "))


@given(st.lists(WORDS | st.text(max_size=5), max_size=20))
def test_no_name_and_no_content_word_is_left(words: list[str]) -> None:
    """In any text."""
    text = " ".join(words)
    seen = prepared(text, NORA, [TIM], "shape")
    assert not {"nora", "falk", "tim", "oduya"} & set(
        re.findall(r"\w+", mask(text, NORA, [TIM]).lower())
    )
    assert "boat" not in seen.lower()
    assert not re.search(r"\d\d", seen)


def test_a_name_is_masked_with_any_apostrophe() -> None:
    """Mail programs exchange it."""
    for name in ("Ann O'Neil", "Ann O’Neil"):
        for text in ("Dear Ms O'Neil,", "Dear Ms O’Neil,"):
            seen = prepared(text, NORA, [Address(name=name)], "raw")
            assert seen == "Dear Ms Reader,"


def test_what_a_mail_program_made_of_a_text_is_undone() -> None:
    """Wrapped lines, curly quotes, blanks at line ends; what its writer made of it stays."""
    plain = (
        "Hi Tim,\n\nI've put the boat into the shed that you told me of, so that it is dry when "
        "you come, and the mast as well. Let me know what you think of it all.\n\nBest,\nNora"
    )
    wrapped = (
        "Hi Tim, \n\n\nI’ve put the boat into the shed that you told me of, so that it is \n"
        "dry when you come, and the mast as well. Let me know what you think of \nit all.\n\n"
        "Best,\nNora\n"
    )
    assert evened(wrapped) == evened(plain) == plain
    lines = (
        "The mast is here.\nThe sail is not.\n"
        "- one rope, of which we had said that it is to be new\n- paint"
    )
    assert evened(lines) == lines
    sign_off = "I will come to the harbour on Friday to look at the boat,\nNora"
    assert evened(sign_off) == sign_off


@given(st.lists(WORDS | st.sampled_from(["a" * 30, "\n\n", "’", "- "]), max_size=20))
def test_no_word_is_lost_with_a_wrapped_line(words: list[str]) -> None:
    """Nor moved, whatever the lines are like."""
    text = " ".join(words)
    assert evened(text).split() == text.replace("’", "'").split()


# --- invented people ---------------------------------------------------------------------------


AUTHORS = {"sample": sample_authors, "real": real_authors}


@cache
def trained(which: str, mode: Mode) -> Attributor:
    authors = AUTHORS[which]()
    machine = [text for author in authors.values() for text in generic(author.train)]
    return train({who: author.known for who, author in authors.items()}, machine, mode)


@pytest.fixture(params=MODES)
def known(request: pytest.FixtureRequest) -> Attributor:
    return trained("sample", request.param)


@pytest.fixture
def by_shape() -> Attributor:
    return trained("sample", "shape")


def test_later_mails_go_to_their_authors(known: Attributor) -> None:
    """Measured .99 for each of the three; chance is .25, for the machine is one more."""
    assert known.authors == (MACHINE, "ada", "bruno", "cleo")
    for who, author in sample_authors().items():
        found = share_attributed(known.attribute_all(author.unknown), who)
        assert found.mean >= 0.9
        assert 0.75 < found.low <= found.mean <= found.high <= 1


def test_machine_text_goes_to_the_machine(known: Attributor) -> None:
    """Though it says what the person said."""
    for author in sample_authors().values():
        found = known.attribute_all(generic(author.held_out))
        assert share_attributed(found, MACHINE).mean >= 0.95


def test_without_a_class_for_it_machine_text_is_somebodys() -> None:
    """Which is why it has one."""
    authors = sample_authors()
    attributor = train({who: author.known for who, author in authors.items()})
    assert attributor.authors == tuple(authors)
    assert set(attributor.attribute(generic(authors["ada"].held_out)[0])) == set(authors)


def in_the_manner_of(lesson: Lesson, other: Lesson) -> Written:
    """The lesson's matter under the other's rules."""
    return written(write(lesson.x, rules_for(other.x, other.own_text, None)), lesson.x)


def test_a_draft_goes_to_whose_manner_it_has_not_to_whose_matter(by_shape: Attributor) -> None:
    """Swapped rules: each person's mails, written as each of them would.

    Measured: .97 to 1.0 where both are one's, .65 to .93 where they are two people's.
    """
    authors = sample_authors()
    for who, other in product(authors, authors):
        mails = zip(authors[who].held_out, authors[other].held_out, strict=True)
        found = by_shape.attribute_all([in_the_manner_of(*pair) for pair in mails])
        to = {author: share_attributed(found, author).mean for author in by_shape.authors}
        assert to[other] == max(to.values())
        assert to[other] >= (0.9 if who == other else 0.5)


def test_shuffled_authors_cannot_be_told() -> None:
    """What is found above is not found where there is nothing."""
    authors = sample_authors()
    texts = [text for author in authors.values() for text in author.known]
    Random(1).shuffle(texts)
    third = len(texts) // 3
    mixed = {who: texts[n * third : (n + 1) * third] for n, who in enumerate(authors)}
    attributor = train(mixed)
    for who, author in authors.items():
        assert share_attributed(attributor.attribute_all(author.unknown), who).mean < 0.6


def test_probabilities_add_up_and_a_repeat_says_the_same(by_shape: Attributor) -> None:
    """Whether one text is asked about or many, and by another training with the same seed."""
    text = sample_authors()["ada"].unknown[0]
    found = by_shape.attribute(text)
    assert sum(found.values()) == pytest.approx(1)
    many = by_shape.attribute_all([text, *sample_authors()["cleo"].unknown[:3]])
    assert many[0] == pytest.approx(found)
    assert trained.__wrapped__("sample", "shape").attribute(text) == found
    assert by_shape.attribute_all([]) == []


def test_a_name_gives_nobody_away(known: Attributor) -> None:
    """Whoever signs, and whoever is greeted."""
    bruno = sample_authors()["bruno"].held_out[0].x.metadata.sender
    text = "Hi {},\n\nthe boat is ready, {} says so.\n\nBest,\n{}"
    own = Written(text=text.format("Tim", bruno.name, bruno.name), sender=bruno, to=(TIM,))
    other = Written(text=text.format("Nora", TIM.name, TIM.name), sender=TIM, to=(NORA,))
    assert known.attribute(own) == pytest.approx(known.attribute(other))


def test_each_person_can_be_verified(by_shape: Attributor) -> None:
    """On later mails, with the threshold that the training texts gave; drafts of the machine fail.

    Measured: area .999 and more, equal error .014 and less.
    """
    authors = sample_authors()
    for who, author in authors.items():
        others = [text for name in authors if name != who for text in authors[name].unknown]
        verifier = Verifier(by_shape, who)
        found = verify(verifier, author.unknown, others)
        assert (found.person, found.own, found.others) == (who, 69, 138)
        assert found.auc >= 0.98
        assert found.equal_error <= 0.05
        assert found.accepted.mean >= 0.9
        assert found.falsely.mean <= 0.1
        assert verifier.accepted(generic(author.held_out)).mean <= 0.1


def test_verification_of_nobody_is_refused(by_shape: Attributor) -> None:
    """Only whom the attributor was trained on can be verified; no texts have no scores."""
    with pytest.raises(ValueError, match="no such author"):
        Verifier(by_shape, "dora")
    assert Verifier(by_shape, "ada").scores([]) == []


def test_too_few_people_or_mails_are_told() -> None:
    """One person cannot be told from anybody; a handful of mails shows no manner."""
    author = sample_authors()["ada"]
    with pytest.raises(TooFewAuthors) as alone:
        train({"ada": author.known}, generic(author.train))
    assert (alone.value.have, alone.value.need) == (1, 2)
    with pytest.raises(TooFewTexts) as few:
        train({"ada": author.known, "bruno": author.known[: FEWEST - 1]})
    assert (few.value.account, few.value.have, few.value.need) == ("bruno", FEWEST - 1, FEWEST)


def test_without_scikit_learn_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of the program does without it."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "sklearn"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ExtraMissing) as missing:
        train({who: author.known for who, author in sample_authors().items()})
    assert (missing.value.package, missing.value.extra) == ("scikit-learn", "eval")


# --- real people -------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_real_mails_go_to_their_authors(mode: Mode) -> None:
    """178 held-out mails of four people: measured .94 in both modes; chance is .20."""
    authors, attributor = real_authors(), trained("real", mode)
    right = [
        goes
        for who, author in authors.items()
        for goes in attributed(attributor.attribute_all(author.unknown), who)
    ]
    assert len(right) == 178
    assert sum(right) / len(right) >= 0.88
    machine = [text for author in authors.values() for text in generic(author.held_out)]
    assert share_attributed(attributor.attribute_all(machine), MACHINE).mean >= 0.95


def test_real_people_can_be_verified() -> None:
    """Measured: areas of .98 to .997, equal errors of .028 to .079."""
    authors, attributor = real_authors(), trained("real", "shape")
    for who, author in authors.items():
        others = [real(one) for name in authors if name != who for one in authors[name].held_out]
        found = verify(Verifier(attributor, who), author.unknown, others)
        assert found.auc >= 0.95
        assert found.equal_error <= 0.12
