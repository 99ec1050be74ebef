"""A body cut into own text, context, signature and forwarded part. Every example is our own."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.mailbox.text import Cut, CutReason, cut
from mlx_agent.records import Address, ContextMessage

OWN = "Hi Ben,\n\nTuesday suits.\n\nThanks,\nAda"


def own(text: str) -> str:
    return cut(text, None).own_text


def below(quote: str) -> Cut:
    """The cut of a mail that ends with this."""
    found = cut(f"{OWN}\n\n{quote}\n", None)
    assert found.own_text == OWN
    return found


def why(found: Cut) -> list[tuple[str, str, int]]:
    return [(reason.what, reason.why, reason.line) for reason in found.cuts]


# --- quotes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "introduction",
    [
        "On Tue, 3 Mar 2026 at 09:30, Ben Høllis <ben@yard.example> wrote:",
        "On Mar 3, 2026, at 9:30 AM, Ben Høllis <ben@yard.example> wrote:",
        "On Tue, Mar 3, 2026 at 9:30 AM Ben Høllis\n<ben@yard.example> wrote:",
        "On Tue, 3 Mar 2026 at 09:30,\nBen Høllis of the yard\n<ben@yard.example> wrote:",
        "Am 03.03.2026 um 09:30 schrieb Ben Høllis:",
        "Ben Høllis <ben@yard.example> schrieb am Di., 3. März\n2026 um 09:30:",
        "Le mar. 3 mars 2026 à 09:30, Ben Høllis <ben@yard.example> a\nécrit :",
        "El mar, 3 mar 2026 a las 9:30, Ben Høllis (<ben@yard.example>) escribió:",
        "Il giorno mar 3 mar 2026 alle ore 09:30 Ben Høllis <ben@yard.example> ha scritto:",
        "Op di 3 mrt. 2026 om 09:30 schreef Ben Høllis <ben@yard.example>:",
        'Op 3 mrt. 2026 09:30 schreef "ben" <ben@yard.example> het\nvolgende geschreven:',
        "Den 3. mar. 2026 kl. 09.30 skrev Ben <ben@yard.example<mailto:ben@yard.example>>:",
        "2026-03-03 09:30 GMT+01:00 Ben Høllis <ben@yard.example>:",
        "2026/3/3 Ben Høllis <ben@yard.example>",
        "вт, 3 мар. 2026 г. в 09:30, Ben <ben@yard.example>:",
        "---- On Tue, 03 Mar 2026 09:30:00 +0100 Ben <ben@yard.example> wrote ----",
        "Ben Høllis wrote:",
    ],
)  # fmt: skip
def test_the_line_that_introduces_a_quote_goes_with_it(introduction: str) -> None:
    """In each language and program, on up to three lines."""
    found = below(f"{introduction}\n\n> When can you come?\n> Ben")
    assert [message.text for message in found.context] == ["When can you come?\nBen"]
    assert why(found) == [("context", "a line that introduces a quote", 8)]


@pytest.mark.parametrize(
    "introduction",
    [
        "On Tue, 3 Mar 2026 at 09:30, Ben Høllis <ben@yard.example> wrote:",
        "Ben Høllis <ben@yard.example> wrote:",
        "---- On Tue, 03 Mar 2026 09:30:00 +0100 Ben <ben@yard.example> wrote ----",
        "Am 03.03.2026 um 09:30 schrieb Ben Høllis <ben@yard.example>:",
        '03.03.2026, 09:30, "Ben Høllis" <ben@yard.example>:',
        "Tue, 3 Mar 2026 09:30:51 +0100 от Ben Høllis <ben@yard.example>:",
    ],
)
def test_a_quote_without_marks_ends_with_the_text(introduction: str) -> None:
    """Where the line is sure enough, all below it is quoted."""
    found = below(f"{introduction}\n\nWhen can you come?\n\nBen")
    assert [message.text for message in found.context] == ["When can you come?\n\nBen"]


@pytest.mark.parametrize(
    "line",
    [
        "As I wrote:",
        "Here is what Ben wrote: he comes at 10:30 and stays.",
        "We meet on 3 March 2026 at 09:30:",
        "From: the yard, To: the sea",
        "Note: bring the keys",
        "-- well --",
    ],
)
def test_own_lines_are_no_introductions(line: str) -> None:
    """A sentence that ends in a colon stays, and what follows it."""
    assert own(f"Hi Ben,\n\n{line}\n\none\ntwo") == f"Hi Ben,\n\n{line}\n\none\ntwo"


def test_the_line_above_an_introduction_stays() -> None:
    """Even where no blank line is between them."""
    text = "I shall come.\nOn Tue, 3 Mar 2026 at 09:30, Ben wrote:\n> When?"
    assert own(text) == "I shall come."


def test_answers_between_quotes_are_kept() -> None:
    """The quotes are the context, in order; each cut has its line in the body."""
    text = "Hi Ben,\n\n> When?\n\nTuesday.\n\n> Where?\n>\n> Ben\n\nAt the yard.\n\nAda"
    found = cut(text, None)
    assert found.own_text == "Hi Ben,\n\nTuesday.\n\nAt the yard.\n\nAda"
    assert [message.text for message in found.context] == ["When?", "Where?\n\nBen"]
    assert [reason.line for reason in found.cuts] == [3, 7]


def test_quotes_of_quotes_are_one() -> None:
    """Whatever their depth and the blank lines between them."""
    found = below("> When?\n>> Soon\n>>> How soon?\n\n> Ben")
    assert [message.text for message in found.context] == ["When?\nSoon\nHow soon?\n\nBen"]


def test_an_escaped_line_is_own_text_unless_it_is_within_a_quote() -> None:
    """`>From ` is how an mbox writes a line that begins with `From `."""
    assert own(">From Monday on I am away.") == "From Monday on I am away."
    found = cut("Fine.\n\n> Hello\n>From me", None)
    assert found.own_text == "Fine."
    assert [message.text for message in found.context] == ["Hello\nFrom me"]


OUTLOOK = (
    "From: Ben Høllis <ben@yard.example>\nSent: Tuesday, 3 March 2026 09:30\n"
    "To: Ada <ada@field.example>\nSubject: the yard\n\nWhen can you come?\n\nBen"
)


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (OUTLOOK, "a header block"),
        (f"-----Original Message-----\n{OUTLOOK}", "an original message below"),
        (f"________________________________\n{OUTLOOK}", "a header block"),
        (f" ------------------------------\n\n{OUTLOOK}", "a header block"),
        (f"-------- Ursprüngliche Nachricht --------\n{OUTLOOK}", "an original message below"),
        (OUTLOOK.replace("From:", "*From:*").replace("To:", "*To:*"), "a header block"),
        (
            (
                "Von: Ben <ben@yard.example>\nGesendet: Dienstag, 3. März 2026 09:30\n"
                "An: Ada\nBetreff: die Werft\n\nWhen can you come?\n\nBen"
            ),
            "a header block",
        ),
    ],
)
def test_a_header_block_begins_a_quote(block: str, reason: str) -> None:
    """The rule drawn above it goes too; the headers are not of the quoted text."""
    found = below(block)
    assert [message.text for message in found.context] == ["When can you come?\n\nBen"]
    assert found.context[0].author.address in {"ben@yard.example", ""}
    assert why(found)[0][:2] == ("context", reason)


def test_a_header_block_may_begin_with_its_date() -> None:
    """As Hotmail writes it; three such lines without a sender are own text."""
    block = "Date: Tue, 3 Mar 2026 09:30:00 +0100\nSubject: the yard\nFrom: ben@y.example\nTo: Ada"
    assert [message.text for message in below(f"{block}\n\nWhen?").context] == ["When?"]
    plan = "Date: Tuesday at noon\nPlace: the yard\nSubject: the new sails"
    assert own(plan) == plan


@pytest.mark.parametrize("words", ["Original Message", "Mensaje original", "Message d'origine"])
def test_an_original_message_needs_no_headers(words: str) -> None:
    """The words alone say it, in their language, bold or not."""
    assert [m.text for m in below(f"-------- {words} --------\n\nWhen?").context] == ["When?"]
    assert [m.text for m in below(f"*-------- {words} --------*\n\nWhen?").context] == ["When?"]


NOTES_TO = "To: Ada Lindqvist/FLD/Field@Field\ncc:  \n\nSubject: the yard"


@pytest.mark.parametrize(
    "header",
    [
        f"Ben Hollis@YARD\n03/03/2026 09:30 AM\n{NOTES_TO}",
        f"Ben Hollis\n03/03/26 09:30 AM\n{NOTES_TO}",
        f'"Ben Hollis" <ben@yard.example> on 03/03/2026 09:30:12 AM\n{NOTES_TO}',
        f"ben@y.example on 03/03/2026 09:30:12 AM\nPlease respond to ben@y.example\n\n{NOTES_TO}",
        f"From: Ben Hollis on 03/03/2026 09:30 AM\n{NOTES_TO}",
        f"From: Ben Hollis on 03/03/2026 09:30 AM\n\n{NOTES_TO}",
        f"03/03/2026 09:30 AM\nBen Hollis\nBen Hollis\n03/03/2026 09:30 AM\n{NOTES_TO}",
        f"Sent by: Cleo Marsh@YARD\n{NOTES_TO}",
        f"\tYard and Sons\n\t\n\tFrom:  Ben Hollis       03/03/2026 09:30 AM\n\t\n\n\n{NOTES_TO}",
        f"\tBen Hollis\n\t03/03/2026 09:30 AM\n\t\t \n\t\t {NOTES_TO}",
        "To: Ada Lindqvist/FLD/Field@Field, Crew of\nthe Yard/YRD@YRD\ncc: Cleo@YRD\nSubject: it",
    ],
)  # fmt: skip
def test_a_notes_header_begins_a_quote(header: str) -> None:
    """A name and a date above `To:`, in any order, or `To:`, `cc:` and `Subject:` alone."""
    found = below(f"\n\n{header}\n\nWhen can you come?\n")
    assert found.context[0].text.endswith("When can you come?")
    assert why(found)[0][:2] == ("context", "a Notes header")


def test_a_list_of_recipients_in_own_text_stays() -> None:
    """`To:` alone is a word like others."""
    text = "Please print the label:\n\nTo: Ben, the yard\nby Friday."
    assert own(text) == text


def test_the_author_and_date_of_a_quote_are_read() -> None:
    """From the line that introduces it or its headers; where they are not told, nothing is."""
    at = datetime(2026, 3, 3, 17, 30, tzinfo=UTC)
    ben = Address(name="Ben Høllis", address="ben@yard.example")
    line = "On Tue, 3 Mar 2026 at 17:30, Ben Høllis <ben@yard.example> wrote:"
    american = "On Tue, Mar 3, 2026 at 5:30 PM Ben Høllis\n<ben@yard.example> wrote:"
    expected = (ContextMessage(author=ben, sent_at=at, text="When?"),)
    assert below(f"{line}\n> When?").context == expected
    assert below(f"{american}\n> When?").context == expected
    assert below("> When?").context == (ContextMessage(author=Address(), text="When?"),)
    assert below(OUTLOOK).context[0].author == ben


# --- forwards ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "---------- Forwarded message ---------",
        "-------- Forwarded Message --------",
        "-------- Weitergeleitete Nachricht --------",
        "-------- Message transféré --------",
        "-------- Mensaje reenviado --------",
        "---------------------- Forwarded by Ada Lindqvist/FLD/Field on 03/03/2026",
        "Begin forwarded message:",
    ],
)
def test_a_forwarded_message_is_cut_off(line: str) -> None:
    """It is nobody's context, and the note above it is own text."""
    found = below(f"{line}\nFrom: Ben\n\nWhen?")
    assert found.forwarded == f"{line}\nFrom: Ben\n\nWhen?"
    assert found.context == ()
    assert why(found) == [("forwarded", "a forwarded message", 8)]


def test_a_forward_within_a_quote_is_of_the_quote() -> None:
    """Whoever forwarded it, it was not the user, who answers below."""
    found = cut("> -------- Forwarded Message --------\n> From: Eve\n\nNo.\n\nAda", None)
    assert (found.own_text, found.forwarded) == ("No.\n\nAda", "")


def test_a_forward_in_html_is_a_forward() -> None:
    """Gmail marks it as it marks a quote; its first line tells."""
    html = (
        "<p>FYI</p><div class='gmail_quote'><div class='gmail_attr'>"
        "---------- Forwarded message ---------<br>From: Ben</div>When?</div>"
    )
    found = cut(None, html)
    assert (found.own_text, found.context) == ("FYI", ())
    assert found.forwarded == "---------- Forwarded message ---------\nFrom: Ben\nWhen?"


# --- the whole --------------------------------------------------------------------------------


def test_text_is_preferred_to_html() -> None:
    """HTML counts where there is no text, or white space only."""
    assert cut("text", "<p>html</p>").own_text == "text"
    assert cut(" \n", "<p>html</p>").own_text == "html"
    assert cut(None, "<p>html</p>").own_text == "html"
    nothing = Cut(own_text="", context=(), signature="", forwarded="", cuts=())
    assert cut(None, None) == nothing
    assert cut("", "") == nothing


def test_html_is_cut_as_text_is() -> None:
    """What no mark tells is found in the rendered text."""
    html = (
        "<p>Tuesday.</p><p>-- <br>Ada Lindqvist</p><div>On Tue, 3 Mar 2026 at 17:30, Ben "
        "&lt;ben@yard.example&gt; wrote:</div><blockquote type='cite'>When?</blockquote>"
    )
    found = cut(None, html)
    assert found.own_text == "Tuesday."
    assert found.signature == "--\nAda Lindqvist"
    assert CutReason(what="context", why="a quote", line=0) in found.cuts
    assert [message.text for message in found.context] == ["When?"]


def test_blank_lines_and_ends_are_tidied() -> None:
    """Line ends of any kind, hard spaces, heaps of blank lines."""
    assert own("\r\nHi\u00a0Ben,\r\n\r\n\r\n\r\nTuesday.  \r\n") == "Hi Ben,\n\nTuesday."


@pytest.mark.parametrize(
    "line",
    [" " * 20_000, "-" * 20_000 + "x", "--" + " " * 20_000 + "x", "x" * 50_000, "か" * 20_000,
     "> " + "x" * 50_000, "x@" * 20_000, "1/" * 20_000, "wrote " * 5_000, "<" * 20_000],
)  # fmt: skip
def test_a_long_line_is_read_at_once(line: str) -> None:
    """No search here grows with the square of a line: hours, for one that a program wrote."""
    assert own(f"Tuesday.\n{line}\n\nAda").startswith("Tuesday.\n")


MARKS = ["> quoted", "On Tue, 3 Mar 2026 at 09:30, Ben wrote:", "-- ", "From: Ben <b@y.example>",
         "Sent: 3 March", "To: Ada", "cc: ", "Subject: it", "", "Tuesday suits.", "Thanks,", "Ada",
         "-----Original Message-----", "Sent from my iPhone", "+46 70 123 45 67",
         "---- Forwarded by Ada", "03/03/2026 09:30 AM", "______", "\tBen", "> > deep"]  # fmt: skip


@given(st.lists(st.sampled_from(MARKS) | st.text(max_size=30), max_size=25))
def test_every_line_of_own_text_is_the_users(lines: list[str]) -> None:
    """Nothing raises, and own text is a part of the body, in order; each cut has a line of it."""
    text = "\n".join(lines)
    found = cut(text, None)
    body = iter(text.replace("\r\n", "\n").replace("\u00a0", " ").split("\n"))
    for line in filter(str.strip, found.own_text.split("\n")):
        assert any(line in candidate for candidate in body)
    assert all(1 <= reason.line <= len(text.split("\n")) for reason in found.cuts)


@given(st.lists(st.sampled_from(MARKS) | st.text(max_size=30), max_size=25))
def test_own_text_is_not_cut_twice(lines: list[str]) -> None:
    """What is left holds no quoted line."""
    kept = own("\n".join(lines))
    assert not any(line.startswith("> ") for line in kept.split("\n"))
