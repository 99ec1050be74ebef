"""A body cut into own text, context, signature and forwarded part. Every example is our own.

The lines above quotes have tests of their own (`test_attributions`, `test_header_blocks`), and so
have quotes within quotes (`test_quoted_context`).
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.mailbox.text import Cut, CutReason, cut, uncited

OWN = "Hi Ben,\n\nTuesday suits.\n\nThanks,\nAda"
ON = "On Tue, 3 Mar 2026 at 09:30, Ben <ben@yard.example> wrote:"


def own(text: str) -> str:
    return cut(text, None).own_text


def below(quote: str) -> Cut:
    """The cut of a mail that ends with this."""
    found = cut(f"{OWN}\n\n{quote}\n", None)
    assert found.own_text == OWN
    return found


def quoted(found: Cut) -> list[str]:
    return [message.text for message in found.context]


def why(found: Cut) -> list[tuple[str, str, int]]:
    return [(reason.what, reason.why, reason.line) for reason in found.cuts]


# --- marked quotes ----------------------------------------------------------------------------


def test_a_quote_goes_and_its_introduction_with_it() -> None:
    """The cut is told with its reason and line."""
    found = below(f"{ON}\n\n> When can you come?\n> Ben")
    assert quoted(found) == ["When can you come?\nBen"]
    assert why(found) == [("context", "a line that introduces a quote", 8)]
    assert why(below("> When?")) == [("context", "quoted lines", 8)]


def test_an_answer_below_its_quote_is_kept() -> None:
    """What a program put above it is no own text."""
    assert own(f"{ON}\n> When can you come?\n>\n> Ben\n\n{OWN}\n") == OWN


def test_answers_between_quotes_are_kept() -> None:
    """The quotes are the context; each cut has its line in the body."""
    text = "Hi Ben,\n\n> When?\n\nTuesday.\n\n> Where?\n>\n> Ben\n\nAt the yard.\n\nAda"
    found = cut(text, None)
    assert found.own_text == "Hi Ben,\n\nTuesday.\n\nAt the yard.\n\nAda"
    assert quoted(found) == ["When?\n\nWhere?\n\nBen"]
    assert [reason.line for reason in found.cuts] == [3, 7]
    tight = "> When?\nTuesday.\n> Where?\nAt the yard.\n"
    assert own(tight) == "Tuesday.\nAt the yard."


@pytest.mark.parametrize("sign", ["> ", ">", " > ", "| ", "BH> ", "B> "])
def test_other_signs_mark_a_quote_too(sign: str) -> None:
    """A bar or initials, on two lines or more."""
    assert quoted(below(f"{ON}\n\n{sign}When?\n{sign.rstrip()}\n{sign}Ben")) == ["When?\n\nBen"]


@pytest.mark.parametrize("sign", [": ", "} ", "% "])
def test_a_sign_of_no_letters_marks_where_a_line_introduces_it(sign: str) -> None:
    """As the news programs of old did; alone, it is own text."""
    lines = f"{sign}When?\n{sign}Ben"
    assert quoted(below(f"Ben (ben@yard.example) wrote:\n{lines}")) == ["When?\nBen"]
    assert own(f"Hi,\n\n{lines}\n\nAda") == f"Hi,\n\n{lines}\n\nAda"


@pytest.mark.parametrize(
    "lines",
    ["| a | b |\n| c | d |", "PS> dir\nPS C:\\> dir", "| one line", "x -> y", "2 > 1", "SQL> go"],
)
def test_a_table_or_a_prompt_is_no_quote(lines: str) -> None:
    """One line with a bar or initials neither."""
    assert own(f"Hi,\n\n{lines}\n\nAda") == f"Hi,\n\n{lines}\n\nAda"


def test_the_rest_of_a_wrapped_quoted_line_is_quoted() -> None:
    """A program that wraps marks the first of two lines only."""
    long = "> We would be glad if you could come to the yard on Tuesday at the latest or send"
    assert own(f"Yes.\n\n{long}\nsomebody\n> in your place.\n>\n> Ben") == "Yes."
    assert own("Yes.\n\n> When?\nsoon\n> Where?\nhere") == "Yes.\n\nsoon\nhere"


def test_an_escaped_line_is_own_text_unless_it_is_within_a_quote() -> None:
    """`>From ` is how an mbox writes a line that begins with `From `."""
    assert own(">From Monday on I am away.") == "From Monday on I am away."
    found = cut("Fine.\n\n> Hello\n>From me", None)
    assert (found.own_text, quoted(found)) == ("Fine.", ["Hello\nFrom me"])


def test_a_lists_trailer_below_the_quote_is_no_own_text() -> None:
    """A mailing list puts it at the end of all."""
    trailer = "_" * 47 + "\nYard mailing list\nyard@lists.example\nhttps://lists.example/yard"
    found = cut(f"{OWN}\n\n{ON}\n> When?\n\n{trailer}\n", None)
    assert found.own_text == OWN
    assert found.signature.endswith("https://lists.example/yard")


# --- what nobody can tell ---------------------------------------------------------------------


def test_a_passage_that_the_user_cites_stays_marked() -> None:
    """No program introduces it, and it opens the mail; it is of the context as well."""
    found = cut("> The sea is the same.\n\nSo they say.\n\nAda", None)
    assert found.own_text == "> The sea is the same.\n\nSo they say.\n\nAda"
    assert (quoted(found), found.cuts) == (["The sea is the same."], ())
    assert uncited(found.own_text) == "So they say.\n\nAda"
    assert own("> The sea is the same.") == "> The sea is the same."
    assert uncited("> The sea is the same.") == ""


@pytest.mark.parametrize(
    "opening",
    [
        f"{ON}\n> When?",
        f"> {ON}\n> When?",
        "> From: Ben <b@y.example>\n> To: Ada\n> Subject: x\n>\n> x",
        "> -------- Forwarded Message --------\n> From: Eve\n>\n> When?",
    ],
)
def test_a_quote_that_a_program_put_first_is_no_citation(opening: str) -> None:
    """It says so, above the marks or within them."""
    found = cut(f"{opening}\n\nTuesday.\n", None)
    assert (found.own_text, found.forwarded) == ("Tuesday.", "")


def test_own_text_without_citations_is_itself() -> None:
    """What is not marked stays as it is, tables too."""
    for text in (OWN, "2 > 1", "| a | b |\n| c | d |", ""):
        assert uncited(text) == text


def test_a_mail_whose_marks_were_lost_keeps_its_text() -> None:
    """It opens with an introduction: nobody can tell where the quote ends, so nothing else goes."""
    earlier = ON.replace("Tue, 3", "Mon, 2")
    found = cut(f"{ON}\n\nWhen?\n\n{earlier}\n> Soon.\n\nTuesday.\n", None)
    assert found.own_text == "When?\n\n> Soon.\n\nTuesday."
    assert why(found)[0] == ("context", "a line that introduces a quote whose marks are lost", 1)
    assert own(f"Sent from my iPhone\n\n{ON}\n\nWhen?\n") == ""


# --- forwards ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "---------- Forwarded message ---------",
        "-------- Forwarded Message --------",
        "-------- Weitergeleitete Nachricht --------",
        "-------- Message transféré --------",
        "-------- Mensaje reenviado --------",
        "-------- Messaggio inoltrato --------",
        "-------- Mensagem encaminhada --------",
        "-------- Doorgestuurd bericht --------",
        "-------- Vidarebefordrat meddelande --------",
        "-------- Videresendt melding --------",
        "-------- Välitetty viesti --------",
        "---------- Przekazana wiadomość ----------",
        "-------- Přeposlaná zpráva --------",
        "-------- Továbbított üzenet --------",
        "-------- Пересылаемое сообщение --------",
        "-------- Переслане повідомлення --------",
        "---------- Προωθημένο μήνυμα ---------",
        "---------- İletilen ileti ---------".replace("İ", "i"),
        "-------- 転送メッセージ --------",
        "---------- 转发的邮件 ---------",
        "---------- 전달된 메일 ----------",
        "---------------------- Forwarded by Ada Lindqvist/FLD/Field on 03/03/2026",
        "----- Weitergeleitet von Ada Lindqvist/FLD am 03.03.2026 09:30 -----",
        "Begin forwarded message:",
        "Anfang der weitergeleiteten Nachricht:",
        "Début du message réexpédié :",
        "Inicio del mensaje reenviado:",
        "Inizio messaggio inoltrato:",
        "Vidarebefordrat brev:",
        "Начало переадресованного сообщения:",
        "転送されたメッセージ：",
    ],
)
def test_a_forwarded_message_is_cut_off(line: str) -> None:
    """It is nobody's context, and the note above it is own text."""
    found = below(f"{line}\nFrom: Ben\n\nWhen?")
    assert found.forwarded == f"{line}\nFrom: Ben\n\nWhen?"
    assert found.context == ()
    assert why(found) == [("forwarded", "a forwarded message", 8)]


def test_a_forward_alone_has_no_own_text() -> None:
    """Nothing of it is the user's."""
    found = cut(f"---------- Forwarded message ---------\nFrom: Ben\n\n{OWN}\n", None)
    assert (found.own_text, found.context) == ("", ())
    assert found.forwarded.endswith(OWN)


def test_a_marked_forward_ends_with_its_marks() -> None:
    """Apple Mail marks it, so that text may follow."""
    found = cut("See below.\n\nBegin forwarded message:\n\n> From: Ben\n>\n> Hi\n\nAda\n", None)
    assert found.own_text == "See below.\n\nAda"
    assert found.forwarded == "Begin forwarded message:\n\n> From: Ben\n>\n> Hi"


@pytest.mark.parametrize(
    "line",
    [
        "Please see the forwarded message:",
        "I forwarded the message to Ben:",
        "-- forwarded to Ben",
        "---- as forwarded",
    ],
)
def test_own_words_about_a_forward_are_none(line: str) -> None:
    """Only a program's line is."""
    assert own(f"Hi,\n\n{line}\n\none\ntwo") == f"Hi,\n\n{line}\n\none\ntwo"


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
    assert quoted(found) == ["When?"]


def test_blank_lines_and_ends_are_tidied() -> None:
    """Line ends of any kind, hard spaces, heaps of blank lines."""
    assert own("\r\nHi\u00a0Ben,\r\n\r\n\r\n\r\nTuesday.  \r\n") == "Hi Ben,\n\nTuesday."


PIECES = [" ", "-", "_", "=", ">", "> ", "<", "x@", "a@b.", "1/", "1.", "wrote ", "3 Mar ",
          "On 1:10 ", ":", "か", "写道", "From: ", "napisał(a)", "*", "["]  # fmt: skip


@pytest.mark.parametrize("piece", PIECES)
def test_a_long_line_is_read_at_once(piece: str) -> None:
    """No search here grows with the square of a line: hours, for a megabyte of one."""
    line = (piece * (1_000_000 // len(piece)))[:999_999] + "x"
    assert "Tuesday." in own(f"Tuesday.\n{line}\n\nAda\n")


MARKS = [
    "> quoted", "> > deep", "| bar", "BH> initials", ">From me", ">>> Ben 3/3/26 9:30 >>>",
    "> wrote:", ON, "On Tue, 3 Mar 2026 at 09:30, Ben", "<ben@yard.example>", "<",
    "From: Ben <b@y.example>",
    "Sent: 3 March 2026 09:30", "To: Ada", "To", "cc: ", "Subject: it", "Subject", "	Ben",
    "03/03/2026 09:30 AM", "-----Original Message-----", "---- Forwarded by Ada", "______",
    "Begin forwarded message:", "", "Tuesday suits.", "Thanks,", "Ada", "-- ",
    "Sent from my iPhone", "+46 70 123 45 67",
]  # fmt: skip


@pytest.mark.parametrize("line", MARKS)
def test_very_many_lines_are_read_at_once(line: str) -> None:
    """No search here grows with the square of their number."""
    found = cut("\n".join(["Tuesday.", *[line] * 10_000]), None)
    assert found.own_text.startswith("Tuesday.")


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
def test_a_quote_below_own_text_never_stays(lines: list[str]) -> None:
    """What is left of a mail that opens with own text holds no quoted line."""
    kept = own("\n".join(["Tuesday.", *lines]))
    assert not any(line.startswith("> ") for line in kept.split("\n"))


PARTS = [
    "> quoted",
    "> > deep",
    "| bar",
    "BH> initials",
    "Tuesday suits.",
    "",
    "-- ",
    "______",
    "Thanks,",
]


@given(st.lists(st.sampled_from(PARTS), max_size=25))
def test_nothing_is_lost(lines: list[str]) -> None:
    """Each word of a body is in one of its parts, in whichever."""
    marks = [line[: line.rfind(" ") + 1] if line[:1] in {">", "|", "B"} else "" for line in lines]
    text = "\n".join(f"{line}\n{marks[i]}word{i}" for i, line in enumerate(lines))
    found = cut(text, None)
    parts = [found.own_text, found.signature, found.forwarded, *quoted(found)]
    kept = {word for part in parts for word in part.split()}
    assert kept >= {f"word{i}" for i in range(len(lines))}
