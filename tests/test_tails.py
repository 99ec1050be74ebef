"""What recurs at the end of an account's mails, and is no style."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tools import absent

from daemon.mailbox.cutting.tails import learn_tails, split_tail
from daemon.records import Tails

PEOPLE = Path(__file__).parent.parent.parent / "shared" / "mail" / "people"
WORDS = (
    "the mast sail yard rope boat tide pier crew hull wind paint plan order crane is was".split()
)
GREETINGS = ("Hi Tom,\n\n", "Dear Ben,\n\n", "Tom,\n\n", "Hello all,\n\n", "")
CLOSINGS = ("Best,\nAda", "Thanks,\nAda", "Cheers\nAda", "Ada", "Kind regards,\nAda Lindqvist")


def sentence(chance: random.Random) -> str:
    words = [chance.choice(WORDS) for _ in range(chance.randint(4, 14))]
    return " ".join(words).capitalize() + chance.choice("..?!")


def account(end: Callable[[int, random.Random], str], count: int = 60) -> list[str]:
    """Invented mails, each with a text of its own above its end."""
    chance = random.Random(7)
    mails = []
    for n in range(count):
        body = "\n\n".join(sentence(chance) for _ in range(chance.randint(1, 5)))
        mails.append(f"{GREETINGS[n % 5]}{body}\n\n{end(n, chance)}")
    return mails


def signed(block: str) -> list[str]:
    """Mails that end in one of five closings, and below it in the block."""
    return account(lambda n, _: f"{CLOSINGS[n % 5]}\n\n{block}")


def tails_of(mails: list[str]) -> set[str]:
    tails = learn_tails(mails)
    return {split_tail(mail, tails)[1] for mail in mails}


@pytest.mark.parametrize(
    "block",
    [
        "Ropes and blocks, upper yard\nField & Sons\nwe splice since 1921",
        "Head of Procurement\nField & Sons Ltd",
        "Field & Sons Ltd",
        "We splice what others cut.",
        "*** Visit us at the boat fair, hall 4, stand 12! ***",
        "+46 70 123 45 67\nwww.field.example",
        "Fair winds, whatever the forecast says.\n-- an old sailor",
        "Поле и сыновья\nКанаты с 1921 года",
        "田野绳索厂，始于一九二一年的好绳子",
        "縄と帆の店、創業大正十年、港の前にて",
        "Seilerei Feld, gegründet 1921",
    ],
)
def test_a_block_below_the_name_is_a_tail(block: str) -> None:
    """A title, a firm, a slogan, a banner; the sign-off and the name above it stay."""
    mails = signed(block)
    tails = learn_tails(mails)
    for n, mail in enumerate(mails):
        own, tail = split_tail(mail, tails)
        assert tail == block
        assert own.endswith(CLOSINGS[n % 5])
        assert own == mail[: len(own)]


@pytest.mark.parametrize(
    "close",
    [
        "Thanks,\nAda",
        "Best,\nAda Lindqvist",
        "--Ada",
        "Ada",
        "Thank you very much,\nAda Lindqvist",
        "love\nada\nxx",
        "Have a great day!\nAda",
        "Ada\n\nHave a great day!",
        "Mit freundlichen Grüßen\nAda Lindqvist",
        "С уважением,\nАда",
        "此致\n敬礼\n林雅",
        "よろしくお願いいたします。\n林",
        "Please call me if you would like to discuss.",
        "Let me know if you have any questions.\n\nBest,\nAda",
        "Looking forward to hearing from you.\n\nKind regards,\n\nAda",
        "thanks",
        "fyi",
    ],
)
def test_a_sign_off_is_never_a_tail(close: str) -> None:
    """However often it comes: it is style, and so is what stands above it."""
    assert learn_tails(account(lambda *_: close, count=200)) == Tails()


@pytest.mark.parametrize("close", ["Ada", "Best,\nAda", "ada l"])
def test_a_number_above_the_name_stays(close: str) -> None:
    """The same dial-in for every meeting is what the mail says."""
    mails = account(lambda *_: f"Dial in: +46 70 123 45 67\n\n{close}")
    assert tails_of(mails) == {""}


def test_who_only_signs_keeps_everything() -> None:
    """Also in five ways."""
    assert learn_tails(account(lambda n, _: CLOSINGS[n % 5])) == Tails()


def test_two_signatures_are_two_tails() -> None:
    """One for work and one for the club, in turn."""
    blocks = ("Field & Sons, ropes and more", "Head of ropes\nThe upper yard")
    mails = account(lambda n, _: f"{CLOSINGS[n % 5]}\n\n{blocks[n % 2]}")
    assert tails_of(mails) == set(blocks)


def test_a_signature_of_other_days_is_one() -> None:
    """Twenty mails are no chance, though they are few of two thousand."""
    mails = account(
        lambda n, _: CLOSINGS[n % 5] + ("\n\nThe old loft, by the canal" if n < 20 else ""),
        count=2000,
    )
    assert tails_of(mails) == {"", "The old loft, by the canal"}


def test_what_changes_below_a_frame_goes_with_it() -> None:
    """A quotation of the day has another text each day."""
    mails = account(
        lambda n, chance: f"{CLOSINGS[n % 5]}\n\nField & Sons\nThe sea says:\n{sentence(chance)}"
    )
    tails = learn_tails(mails)
    for n, mail in enumerate(mails):
        own, tail = split_tail(mail, tails)
        assert own.endswith(CLOSINGS[n % 5])
        assert tail.startswith("Field & Sons\nThe sea says:\n")


def test_text_below_a_block_stays() -> None:
    """A postscript below a block that is no frame."""
    mails = signed("Ropes and blocks, upper yard\nField & Sons")
    late = f"{mails[0]}\n\nP.S. The mast is here."
    assert split_tail(late, learn_tails(mails)) == (late, "")


def test_a_second_name_is_of_the_block() -> None:
    """Who has signed does not sign again."""
    block = "Ada Lindqvist\nRopes and blocks, upper yard\nField & Sons"
    assert tails_of(account(lambda n, _: f"{CLOSINGS[n % 4]}\n\n{block}")) == {block}
    close = "Best,\nAda Lindqvist\nRopes and blocks, upper yard\nField & Sons"
    assert tails_of(account(lambda *_: close)) == {"Ropes and blocks, upper yard\nField & Sons"}


def test_a_rule_above_a_block_goes_with_it() -> None:
    """It separates nothing any more."""
    assert tails_of(signed("_____\nField & Sons\nsince 1921, by the canal")) == {
        "_____\nField & Sons\nsince 1921, by the canal"
    }


def test_a_recurring_text_is_no_tail() -> None:
    """The same note to many, and a letter of which only a name and a number change."""
    letter = "Dear {},\n\nPlease find attached the invoice {}.\nKindly pay within a week.\n\n{}"
    mails = [letter.format(WORDS[n % 9], n, CLOSINGS[n % 5]) for n in range(100)]
    assert learn_tails(mails) == Tails()
    assert learn_tails(["The yard is closed.\n\nField & Sons Ltd"] * 100) == Tails()


def test_notes_to_a_helper_are_no_tails() -> None:
    """A name above a wish that recurs does not sign it."""
    mails = account(
        lambda n, _: "Cleo\nplease print this for me" if n % 3 else "Cleo\nany news yet"
    )
    mails += account(lambda *_: "Ada")
    assert learn_tails(mails) == Tails()


def test_three_mails_are_the_fewest() -> None:
    """Of two, nothing is learned."""
    mails = signed("Field & Sons\nwe splice since 1921")
    assert learn_tails(mails[:2]) == Tails()
    assert learn_tails(mails[:3]) != Tails()


def test_the_order_of_mails_is_nothing() -> None:
    """And white space within lines neither."""
    mails = signed("Field  &  Sons\nwe splice since 1921")
    tails = learn_tails(mails)
    random.Random(1).shuffle(mails)
    assert learn_tails(mails) == tails
    assert split_tail("Tuesday.\n\nAda\n\n Field & Sons \nwe splice  since 1921", tails) == (
        "Tuesday.\n\nAda",
        " Field & Sons \nwe splice  since 1921",
    )


LINE = st.one_of(
    st.sampled_from(
        ["", "Best,", "Ada", "Field & Sons Ltd", "We splice what others cut.", "--", "P.S."]
    ),
    st.text(max_size=30),
)
TEXTS = st.lists(st.lists(LINE, max_size=8).map("\n".join), max_size=12)


@given(TEXTS, st.lists(LINE, max_size=20).map("\n".join))
def test_any_texts_can_be_learned_from(texts: list[str], text: str) -> None:
    """Nothing raises, and of a text nothing is lost but blank lines at the cut."""
    own, tail = split_tail(text, learn_tails(texts))
    assert text.startswith(own)
    assert "".join((own + tail).split()) == "".join(text.split())


@pytest.mark.parametrize(
    "text",
    [
        "\n" * 200_000,
        "x" * 500_000,
        "a\n" * 100_000,
        " \n" * 100_000 + "Ada",
        "Ada\n" + " " * 500_000,
    ],
)
def test_hostile_texts_are_read(text: str) -> None:
    """Only the last lines of each are."""
    learn_tails([text, f"{text}\nb", f"{text}\nc"] * 5)
    assert split_tail(text, Tails(lines=frozenset({"x"}))) == (text, "")


@pytest.mark.parametrize("person", ["david", "isabel", "marcus"])
def test_real_people_lose_nothing(person: str) -> None:
    """Their mails end in sign-offs and names."""
    file = PEOPLE / f"{person}.jsonl"
    if not file.is_file():
        absent("the mail corpus beside the repository")
    mails = [json.loads(line)["email"] for line in file.read_text("utf-8").splitlines()]
    assert learn_tails(mails) == Tails()
