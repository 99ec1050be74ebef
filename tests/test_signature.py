"""What is cut off the end of a mail as its signature, and the sign-off that stays."""

import pytest

from daemon.mailbox.text import cut

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
        "Sent from my iPhone",
        "Sent from Mail for Windows",
        "Get Outlook for iOS<https://aka.ms/o0ukef>",
        "Get [Outlook for Android](https://aka.ms/ghei36)",
        "(Sent from a phone)",
        "Von meinem iPhone gesendet",
        "Gesendet von Mail für Windows",
        "Envoyé de mon iPhone",
        "Enviado desde mi iPhone",
        "Inviato da iPhone",
        "Verzonden vanaf mijn iPhone",
        "Sendt fra min iPad",
        "从我的 iPhone 发送",
        "Sent from my phone\n\nGet Outlook for iOS",
    ],
)
def test_a_device_says_where_a_mail_was_written(line: str) -> None:
    """In each language; several such lines are one signature."""
    signed(line, "a device's line")


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


def test_a_legal_notice_is_a_signature() -> None:
    """The last paragraph, if it speaks as lawyers do; one word of theirs is not enough."""
    notice = (
        "This e-mail is confidential and intended only for its recipient. If you received this\n"
        "message in error, any disclosure or copying of it is forbidden. Please delete it at once."
    )
    signed(notice, "a legal notice")
    text = "The offer is confidential, please tell nobody before we have spoken with the yard, " * 3
    assert own(f"Hi,\n\n{text.strip()}") == f"Hi,\n\n{text.strip()}"


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
