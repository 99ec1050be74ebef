"""What is cut off the end of a mail as its signature, and the sign-off that stays."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from signature_examples import (
    BLOCKS,
    DEVICES,
    FOOTERS,
    NO_NOTICES,
    NOTICES,
    OWN_LINES,
    OWN_TEXTS,
)
from tools import absent

from daemon.mailbox.cutting.closings import is_name, is_sign_off
from daemon.mailbox.cutting.contacts import weigh
from daemon.mailbox.cutting.footers import notice
from daemon.mailbox.cutting.signature import signature_start
from daemon.mailbox.text import cut

PEOPLE = Path(__file__).parent.parent.parent / "shared" / "mail" / "people"

SEPARATOR = "a signature separator"
DEVICE = "a device's line"
OWN = "Hi Ben,\n\nTuesday suits.\n\nThanks,\nAda"


def own(text: str) -> str:
    return cut(text, None).own_text


def signed(signature: str, reason: str) -> None:
    """A mail that ends so is cut there, and its sign-off stays."""
    found = cut(f"{OWN}\n\n{signature}\n", None)
    assert (found.own_text, found.signature) == (OWN, signature)
    cuts = [(one.what, one.why, one.line) for one in found.cuts]
    assert cuts == [("signature", reason, 8)]


@pytest.mark.parametrize("separator", ["-- ", "--", "__", "________________", "—", "***"])
def test_a_separator_begins_a_signature(separator: str) -> None:
    """The standard one, and those of people."""
    signed(f"{separator}\nAda Lindqvist\nField & Sons", "a signature separator")


def test_a_separator_far_above_the_end_is_none() -> None:
    """More than twenty-five lines of signature are a text."""
    text = f"{OWN}\n--\n" + "\n".join(f"line {n}" for n in range(30))
    assert own(text) == text


def test_a_mail_may_be_a_signature_alone() -> None:
    """As is what remains of a forward without a note."""
    found = cut("-- \nAda Lindqvist", None)
    assert (found.own_text, found.signature) == ("", "-- \nAda Lindqvist")


@pytest.mark.parametrize(
    "line",
    [
        *DEVICES,
        "Get Outlook for iOS<https://aka.ms/o0ukef>",
        "Get [Outlook for Android](https://aka.ms/ghei36)",
        "(Sent from a phone)",
        "Sent from my phone\n\nGet Outlook for iOS",
        "From my iPhone 6",
        "\u1427",
    ],
)
def test_a_device_says_where_a_mail_was_written(line: str) -> None:
    """In each language; several such lines are one signature."""
    signed(line, "a device's line")


def test_what_stands_with_a_device_line_goes_with_it() -> None:
    """An excuse, or a shorter line of the kind."""
    signed("Sent from my phone\nPlease excuse any typos\nAda from mobile\nSent via mobile", DEVICE)


@pytest.mark.parametrize("line", OWN_LINES)
def test_an_own_line_is_no_device_line(line: str) -> None:
    """Things are sent, fetched and excused in sentences, too."""
    for text in (f"Hi Ben,\n\nTuesday suits.\n\n{line}", f"{OWN}\n\n{line}"):
        assert own(text) == text


def test_a_device_line_goes_with_the_contact_block_above_it() -> None:
    """They are one signature, and both are cut."""
    block = "Ada Lindqvist\nField & Sons\n+46 70 123 45 67\nwww.field.example\n\nSent from my pad"
    signed(block, "a contact block")


@pytest.mark.parametrize(
    "block",
    [
        "Ada Lindqvist\nField & Sons\n+46 70 123 45 67\nada@field.example",
        "Ada Lindqvist | Field & Sons\nTel. (555) 123-4567\nhttps://field.example",
        "Field & Sons\n12 Harbour Street\n+46 70 123 45 67",
    ],
)
def test_a_contact_block_is_a_signature(block: str) -> None:
    """Its first lines, which name a person and a place, go with the numbers below them."""
    signed(block, "a contact block")


def test_the_name_that_signs_stays() -> None:
    """`Thanks,` and a name are style, also where the block begins with the name."""
    close = cut("Tuesday.\n\nThanks,\nAda\nField & Sons\n+46 70 123 45 67\na@field.example", None)
    assert close.own_text == "Tuesday.\n\nThanks,\nAda"
    apart = cut("Tuesday.\n\nThanks,\n\nAda\nField & Sons\n+46 70 123 45 67\na@field.example", None)
    assert apart.own_text == "Tuesday.\n\nThanks,\n\nAda"


@pytest.mark.parametrize(
    "text",
    [
        "Tuesday suits.\n\nThanks,\nAda",
        "Call me on +46 70 123 45 67.\n\nAda",
        "It is all on https://field.example/yard and on\nhttps://yard.example, have a look.\n\nAda",
        (
            "Ben is at 555 123 4567 until noon and in the afternoon,\nand Cleo is at "
            "555 123 4568 all day long, I think."
        ),
        "Ben 555 123 4567\nCleo 555 123 4568",
        "I sent from my own account what you sent by mail, twice, to be sure of it all.\n\nAda",
    ],
)
def test_own_text_is_no_signature(text: str) -> None:
    """A sign-off, a number in a sentence, a mail that is a list of numbers."""
    assert own(text) == text


@pytest.mark.parametrize(("closing", "block"), BLOCKS)
def test_contact_blocks_of_many_countries_go(closing: str, block: str) -> None:
    """Right below the name that signs or apart from it; the sign-off and the name stay."""
    for gap in ("\n", "\n\n"):
        found = cut(f"Hi Ben,\n\nTuesday suits.\n\n{closing}{gap}{block}", None)
        assert found.own_text == f"Hi Ben,\n\nTuesday suits.\n\n{closing}"
        assert found.signature == block


@pytest.mark.parametrize("text", OWN_TEXTS)
def test_own_text_is_no_contact_block(text: str) -> None:
    """Lists of numbers and links, agendas, sums, somebody else's address."""
    assert signature_start(text.split("\n")) is None


@pytest.mark.parametrize("text", NOTICES.values(), ids=NOTICES)
def test_a_legal_notice_is_a_signature(text: str) -> None:
    """In each language: it speaks of the message, of whom it is for, and of mistakes."""
    signed(text, "a legal notice")


def test_a_notice_in_two_languages_goes_whole() -> None:
    """Its title, too, and the lines drawn around it; a contact block above it is found."""
    for banner in (
        f"{NOTICES['fr']}\n\n{NOTICES['en']}",
        f"CONFIDENTIALITY NOTICE\n\n{NOTICES['en']}\n\n{NOTICES['de']}\n--------------------",
        f"Disclaimer:\n{NOTICES['it']}\n\nThank you.",
    ):
        signed(banner, "a legal notice")
        signed(f"Ada Lindqvist\nField & Sons\n+46 70 123 45 67\n\n{banner}", "a contact block")


def test_a_notice_right_below_own_text_goes_alone() -> None:
    """Without a blank line between them."""
    found = cut(f"{OWN}\n{NOTICES['en']}", None)
    assert (found.own_text, found.signature) == (OWN, NOTICES["en"])


@pytest.mark.parametrize(("why", "footer"), FOOTERS)
def test_programs_footers_go(why: str, footer: str) -> None:
    """Of mailing lists and of scanners, and requests not to print."""
    signed(footer, why)
    signed(f"_______________________________________________\n{footer}", "a signature separator")


@pytest.mark.parametrize("text", NO_NOTICES)
def test_a_sentence_of_such_words_is_no_notice(text: str) -> None:
    """A secret, a mail gone astray, a printer."""
    assert notice(text) == ""
    assert own(f"Hi,\n\n{text}") == f"Hi,\n\n{text}"


def test_a_mail_that_is_a_notice_stays() -> None:
    """There is nothing above it."""
    assert own(NOTICES["en"]) == NOTICES["en"]


def test_rules_between_sections_stay() -> None:
    """A rule that comes again divides a text, and one above many short lines does."""
    text = "One\n____________________\n" + "\n".join(f"Line {n}" for n in range(9))
    assert own(text) == text
    text = "One\n***\nTwo\n***\nThree"
    assert own(f"Zero\n***\n{text}").endswith("Three")


def test_what_is_pasted_below_a_long_rule_goes() -> None:
    """It is another's text."""
    pasted = (
        "The yard has the pleasure of announcing to each of its many friends and customers that it"
    )
    signed(f"______________________________\n{pasted}\n{pasted}\na\nb\nc\nd\ne", SEPARATOR)


def test_a_signature_above_a_quote_is_found() -> None:
    """The quote is cut first; the line of each cut is that of the body."""
    text = "> When?\n\nTuesday.\n-- \nAda\n\nOn Tue, 3 Mar 2026, Ben wrote:\n> When?"
    found = cut(text, None)
    assert (found.own_text, found.signature) == ("Tuesday.", "-- \nAda")
    assert [(reason.what, reason.line) for reason in found.cuts] == [
        ("context", 1),
        ("context", 7),
        ("signature", 4),
    ]


# --- parts of it ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "Thanks,",
        "Thanks a lot!",
        "Best",
        "With kind regards,",
        "Yours sincerely,",
        "Cheers -",
        "Mit freundlichen Grüßen",
        "Viele Grüsse",
        "LG",
        "Bien cordialement,",
        "Un saludo,",
        "Um abraço,",
        "Cordiali saluti",
        "Met vriendelijke groet,",
        "Med vänlig hälsning",
        "Venlig hilsen",
        "Ystävällisin terveisin",
        "Pozdrawiam",
        "S pozdravem",
        "Üdvözlettel,",
        "Cu stimă,",
        "С уважением,",
        "З повагою",
        "Με εκτίμηση,",
        "Saygılarımla,",
        "此致",
        "よろしくお願いいたします。",
        "감사합니다.",
        "בברכה,",
        "مع التحية",
        "Trân trọng,",
        "Zdrávstvuj,",
    ],
)
def test_a_sign_off_is_known(line: str) -> None:
    """By its words, or as a short line that ends in a comma."""
    assert is_sign_off(line)


@pytest.mark.parametrize(
    "line",
    [
        "Tuesday suits.",
        "",
        "See page 12,",
        "ada@field.example,",
        "the best rope that we have ever had",
    ],
)
def test_other_lines_are_no_sign_offs(line: str) -> None:
    """Numbers, addresses, sentences."""
    assert not is_sign_off(line)


@pytest.mark.parametrize(
    "name", ["Ben", "-- Ben H.", "Dr. Ada de Vries", "BH", "林雅", "Ада", "O'Hara"]
)
def test_a_name_can_sign(name: str) -> None:
    """In any script, with a title, a dash or an initial."""
    assert is_name(name)


@pytest.mark.parametrize(
    "line", ["see you", "Field & Sons", "Room 12", "A long line of Five Words", ""]
)
def test_other_lines_are_no_names(line: str) -> None:
    """Small words, signs, numbers, many words."""
    assert not is_name(line)


@pytest.mark.parametrize(
    ("line", "kinds"),
    [
        ("+46 70 123 45 67", {"phone"}),
        ("Tel. (555) 123-4567 ext. 12", {"phone", "label tel"}),
        ("713-853-3064 direct", {"phone"}),
        ("ada@field.example", {"email"}),
        ("https://field.example/", {"site"}),
        ("https://field.example/a/long/path?to=something", set()),
        ("field.example.com", {"site"}),
        ("12 Harbour Street", {"place"}),
        ("Hafenstraße 12, 20457 Hamburg", {"place", "postcode"}),
        ("Head of Procurement, Field & Sons Ltd", {"title", "firm"}),
        ("3 March 2026, 10:00", set()),
        ("05.07.01", set()),
        ("12,345,678 $", set()),
        ("the sail is here", set()),
        ("HRB 12345", {"register"}),
    ],
)
def test_a_line_is_weighed(line: str, kinds: set[str]) -> None:
    """By the numbers, addresses, titles and firms in it; dates and sums are none of them."""
    assert weigh(line).kinds == kinds


LINES = st.lists(
    st.one_of(
        st.sampled_from(
            ["", "--", "____", "Thanks,", "Ada", "+46 70 123 45 67", "a@b.example", *DEVICES]
        ),
        st.sampled_from(list(NOTICES.values())),
        st.text(max_size=80),
    ),
    max_size=40,
)


@given(LINES)
def test_any_lines_have_a_place_for_a_signature(lines: list[str]) -> None:
    """Nothing raises; what is found is a line of the mail, and not a blank one."""
    found = signature_start(lines)
    if found is not None:
        start, why = found
        assert 0 <= start < len(lines)
        assert lines[start].strip()
        assert why


@pytest.mark.parametrize(
    "lines",
    [
        ["Sent from my iPhone"] * 50_000,
        ["Ada Lindqvist", "Field & Sons", "+44 113 496 0123", ""] * 20_000,
        [NOTICES["en"], ""] * 20_000,
        ["-" * 100] * 50_000,
        ["1 " * 200_000],
        ["a@" * 200_000],
        ["sent from " * 20_000],
        ["https://" * 20_000],
        [" " * 500_000 + "x"],
    ],
)
def test_hostile_lines_are_read(lines: list[str]) -> None:
    """In time that grows with their length alone, whatever repeats."""
    found = signature_start(["Tuesday.", "", *lines])
    assert found is None or found[0] > 0


def test_mails_without_signatures_stay_whole() -> None:
    """526 mails that three people gave, each its own text already."""
    if not PEOPLE.is_dir():
        absent("the mail corpus beside the repository")
    mails = [
        json.loads(line)["email"]
        for file in sorted(PEOPLE.glob("*.jsonl"))
        for line in file.read_text("utf-8").splitlines()
    ]
    assert len(mails) == 526
    assert [mail for mail in mails if signature_start(mail.splitlines())] == []
