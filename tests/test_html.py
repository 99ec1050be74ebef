"""HTML bodies: what a reader sees as text, and the quotes and signatures that programs mark."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser
from tools import absent

from daemon.mailbox.html import Page, Piece, read_html, render
from daemon.mailbox.text import cut

CORPUS = Path(__file__).parent.parent.parent / "shared" / "mail" / "quotes" / "html"


def text(html: str) -> str:
    return read_html(html).text


def pieces(html: str) -> list[tuple[str, str]]:
    return [(piece.what, piece.text) for piece in read_html(html).pieces]


# --- rendering --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("<div>one</div><div><br></div><div>two</div>", "one\n\ntwo"),
        ("one<br>two<br/><br>three", "one\ntwo\n\nthree"),
        ("<h1>Plan</h1>text", "Plan\n\ntext"),
        ("<ul><li>one</li><li>two</li></ul>", "- one\n- two"),
        ("so <b>very</b> <i>glad</i>", "so very glad"),
        ("one\n   line\t only", "one line only"),
        ("<b>one </b> two", "one two"),
        ("a&nbsp;&amp;&nbsp;b &lt;c&gt;", "a & b <c>"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<div><div><div>deep</div></div></div>", "deep"),
        ("<p>one</p>\n\n\n<p></p>\n<p>two</p>", "one\n\ntwo"),
        ("<p>Grüße 🙂</p>", "Grüße 🙂"),
        ("plain text, no tags", "plain text, no tags"),
        ("", ""),
        ("<html></html>", ""),
        ("<frameset><frame src=x></frameset>", ""),
    ],
)
def test_a_page_is_read_as_a_person_sees_it(html: str, expected: str) -> None:
    """Paragraphs are apart, lines end where they end, white space is one space."""
    assert text(html) == expected


def test_preformatted_text_keeps_its_lines() -> None:
    """A plain mail that a program wrapped in `pre` is still the plain mail."""
    assert text("<pre>Dear Ben,\n\n  - one\n  - two\n</pre>") == "Dear Ben,\n\n  - one\n  - two"


@pytest.mark.parametrize(
    "hidden",
    [
        "<style>p { color: red }</style>",
        "<script>alert(1)</script>",
        "<head><title>title</title></head>",
        "<!-- a comment -->",
        "<p style='display: none'>hidden</p>",
        "<p style='DISPLAY:NONE;color:red'>hidden</p>",
        "<p style='visibility:hidden'>hidden</p>",
        "<p style='font-size:0'>hidden</p>",
        "<p style='font-size: 0px; color: red'>hidden</p>",
        "<p hidden>hidden</p>",
        "<img src=x alt=''>",
    ],
)
def test_what_a_reader_does_not_see_is_left_out(hidden: str) -> None:
    """Styles, scripts, comments, and preview texts that a style hides."""
    assert text(f"{hidden}<p>seen</p>") == "seen"


@pytest.mark.parametrize("style", ["font-size:0.9em", "font-size: 0.8rem;", "font-size:.5em"])
def test_small_text_is_seen(style: str) -> None:
    """Nine tenths of a size are not nothing."""
    assert text(f"<p style='{style}'>seen</p>") == "seen"


def test_deep_pages_are_read() -> None:
    """Deeper than Python's stack."""
    assert text("<div>" * 3000 + "deep" + "</div>" * 3000) == "deep"


@given(st.text(st.sampled_from("ab <>/&;\"'=\n") | st.characters(), max_size=200))
def test_any_text_is_a_page(html: str) -> None:
    """Nothing raises, and no white space is left at the ends or in heaps."""
    found = text(html)
    assert found == found.strip("\n ")
    assert "\n\n\n" not in found


# --- cutting ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quote", "shown"),
    [
        ("<blockquote type='cite'><p>When?</p></blockquote>", "When?"),
        (
            (
                "<div class='gmail_quote'><div class='gmail_attr'>On Tue Ben wrote:<br></div>"
                "<blockquote class='gmail_quote'>When?</blockquote></div>"
            ),
            "On Tue Ben wrote:\n\nWhen?",
        ),
        ("<div class='gmail_quote gmail_quote_container'>When?</div>", "When?"),
        ("<div class='yahoo_quoted'>When?</div>", "When?"),
        ("<div class='protonmail_quote'>When?</div>", "When?"),
        ("<div class='zmail_extra'>When?</div>", "When?"),
        (
            (
                "<div class='moz-cite-prefix'>On Tue Ben wrote:</div>\n"
                "<blockquote type='cite'>When?</blockquote>"
            ),
            "On Tue Ben wrote:\nWhen?",
        ),
        ("<div id='appendonsend'></div><hr><div>When?</div>", "When?"),
        (
            "<div id='divRplyFwdMsg'><b>From:</b> Ben</div><div>When?</div>",
            "From: Ben\nWhen?",
        ),
    ],
)
def test_each_program_marks_its_quotes(quote: str, shown: str) -> None:
    """The quote goes whole, with the line that introduces it; own text stays."""
    html = f"<html><body><p>Tuesday.</p>{quote}</body></html>"
    assert text(html) == "Tuesday."
    assert pieces(html) == [("context", shown)]


def test_quotes_within_a_quote_go_with_it() -> None:
    """One piece, not one for each depth."""
    deep = "<blockquote type=cite>c</blockquote>"
    html = f"<p>own</p><blockquote type=cite>a<blockquote type=cite>b{deep}</blockquote>"
    assert read_html(html) == Page(
        text="own", pieces=(Piece(what="context", why="a quote", text="a\n\nb\n\nc"),)
    )


def test_own_text_around_quotes_stays() -> None:
    """An answer below each question."""
    html = (
        "<p>Hi Ben,</p><blockquote type=cite>When?</blockquote><p>Tuesday.</p>"
        "<blockquote type=cite>Where?</blockquote><p>At the yard.</p>"
    )
    assert text(html) == "Hi Ben,\n\nTuesday.\n\nAt the yard."
    assert pieces(html) == [("context", "When?"), ("context", "Where?")]


def test_an_indented_paragraph_is_no_quote() -> None:
    """A bare blockquote is how some programs indent."""
    assert text("<p>As agreed:</p><blockquote>at noon</blockquote>") == "As agreed:\n\nat noon"


@pytest.mark.parametrize(
    "mark",
    ["class='moz-signature'", "class='gmail_signature'", "id='Signature'"],
)
def test_a_marked_signature_goes(mark: str) -> None:
    """Where the program says that it is one."""
    html = f"<p>Tuesday.</p><div {mark}>Ada Lindqvist<br>Field &amp; Sons</div>"
    assert text(html) == "Tuesday."
    assert pieces(html) == [("signature", "Ada Lindqvist\nField & Sons")]


def test_a_marked_forward_goes() -> None:
    """It is no context: nobody is answered."""
    html = "<p>FYI</p><div class='moz-forward-container'>-------- Forwarded<br>When?</div>"
    assert text(html) == "FYI"
    assert pieces(html) == [("forwarded", "-------- Forwarded\nWhen?")]


def test_empty_marks_are_no_pieces() -> None:
    """Programs leave them behind."""
    html = "<p>Tuesday.</p><div class='gmail_quote'></div><div id='appendonsend'></div>"
    assert read_html(html) == Page(text="Tuesday.")


def test_real_replies_are_cut() -> None:
    """Of 23 real HTML replies at least 16 have exactly the own text that people marked."""
    if not CORPUS.is_dir():
        absent("the mail corpus beside the repository")
    exact = total = 0
    for wanted in sorted(CORPUS.glob("*_stripped.html")):
        page = wanted.with_name(wanted.name.replace("_stripped", "")).read_text("utf-8")
        body = LexborHTMLParser(wanted.read_text("utf-8")).body
        expected = "".join(render(body).split()) if body is not None else ""
        exact += "".join(cut(None, page).own_text.split()) == expected
        total += 1
    assert total == 23
    assert exact >= 16
