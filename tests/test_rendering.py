"""HTML as the text that a reader sees, whatever the HTML is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.mailbox.cutting.rendering import render
from daemon.mailbox.cutting.tree import parse


def text(html: str) -> str:
    tree = parse(html)
    return render(tree.body) if tree.body is not None else ""


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("<div>one</div><div><br></div><div>two</div>", "one\n\ntwo"),
        ("<div>one</div><br><div>two</div>", "one\n\ntwo"),
        ("<div>one<br></div><div>two</div>", "one\ntwo"),
        ("one<br>two<br/><br>three", "one\ntwo\n\nthree"),
        ("<h1>Plan</h1>text", "Plan\n\ntext"),
        ("so <b>very</b> <i>glad</i>", "so very glad"),
        ("10<sup>th</sup> of <q>May</q>", "10th of “May”"),
        ("one\n   line\t only", "one line only"),
        ("<b>one </b> two", "one two"),
        ("<a href='https://yard.example/x'>the yard</a>", "the yard"),
        ("a&nbsp;&amp;&nbsp;b &lt;c&gt; &eacute;&#8364;", "a & b <c> é€"),
        ("one.&nbsp; Two", "one.  Two"),
        ("soft\u00adware \ufeffzero\u200bwidth", "software zerowidth"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<table><tr><td>a<td>b<tr><td>c</table>", "a b\nc"),
        ("<div><div><div>deep</div></div></div>", "deep"),
        ("<p>one</p>\n\n\n<p></p>\n<p>two</p>", "one\n\ntwo"),
        ("<p>Grüße 🙂</p>", "Grüße 🙂"),
        ("plain text, no tags", "plain text, no tags"),
        ("", ""),
        ("<html></html>", ""),
    ],
)
def test_a_page_is_read_as_a_person_sees_it(html: str, expected: str) -> None:
    """Paragraphs are apart, lines end where they end, white space is one space."""
    assert text(html) == expected


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<ul><li>one</li><li>two</li></ul>", "- one\n- two"),
        ("<ul><li>one<li>two</ul>after", "- one\n- two\n\nafter"),
        ("<ol><li>one</li><li>two</li></ol>", "1. one\n2. two"),
        ("<ol start=3><li>one</li><li>two</li></ol>", "3. one\n4. two"),
        ("<ol type=a><li>one</li><li>two</li></ol>", "a. one\nb. two"),
        ("<ul><li><p>one</p></li><li><div>two</div></li></ul>", "- one\n\n- two"),
        ("<ul><li>one<ul><li>in it</li></ul></li><li>two</li></ul>", "- one\n  - in it\n- two"),
        ("<ul><li></li><li>two</li></ul>", "-\n- two"),
    ],
)
def test_lists_have_their_signs(html: str, expected: str) -> None:
    """Numbers where they are drawn, and a list within a list is indented."""
    assert text(html) == expected


WORD = "<p class=MsoNormal>{}<o:p></o:p></p>"


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (WORD.format("one") + WORD.format("two"), "one\ntwo"),
        (WORD.format("one") + WORD.format("&nbsp;") + WORD.format("two"), "one\n\ntwo"),
        (WORD.format("one<br>two"), "one\ntwo"),
        (
            "<style>p.MsoNormal {margin-bottom:8.0pt}</style>"
            + WORD.format("one")
            + WORD.format("two"),
            "one\n\ntwo",
        ),
        ("<style>P {margin-top:0;margin-bottom:0}</style><p>one</p><p>two</p>", "one\ntwo"),
        ("<p style='margin:0cm 0cm .0001pt'>one</p><p style='margin: 0'>two</p>", "one\ntwo"),
        (
            (
                "<p class=MsoListParagraph><![if !supportLists]><span style='mso-list:Ignore'>·"
                "<span>&nbsp;&nbsp; </span></span><![endif]>one</p>"
                "<p class=MsoListParagraph><span style='mso-list:Ignore'>2.<span>&nbsp; </span>"
                "</span>two</p>"
            ),
            "- one\n2. two",
        ),
        ("so glad <span style='font-family:Wingdings'>J</span>", "so glad ☺"),
    ],
)
def test_word_is_read_as_it_is_drawn(html: str, expected: str) -> None:
    """Its paragraphs are lines, unless a style sheet parts them; its bullets are drawn by hand."""
    assert text(html) == expected


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<pre>Dear Ben,\n\n  - one\n  - two\n</pre>", "Dear Ben,\n\n  - one\n  - two"),
        ("<div style='white-space: pre-wrap'>one\n  two</div>", "one\n  two"),
        (
            "<div style='white-space:pre'>one\n<b style='white-space:normal'>two\nthree</b></div>",
            "one\ntwo three",
        ),
    ],
)
def test_preformatted_text_keeps_its_lines(html: str, expected: str) -> None:
    """A plain mail that a program wrapped in `pre` is still the plain mail."""
    assert text(html) == expected


@pytest.mark.parametrize(
    "hidden",
    [
        "<style>p { color: red }</style>",
        "<script>alert(1)</script>",
        "<head><title>title</title></head>",
        "<title>title</title>",
        "<select><option>red<option>blue</select>",
        "<!-- a comment --><!--[if mso]><p>for Word</p><![endif]-->",
        "<xml><w:WordDocument>100</w:WordDocument></xml>",
        "<p style='display: none'>hidden</p>",
        "<p style='DISPLAY:NONE;color:red'>hidden</p>",
        "<div style='color:red;display:none !important'><p>hidden</p></div>",
        "<p style='visibility:hidden'>hidden</p>",
        "<p style='font-size:0'>hidden</p>",
        "<p style='font-size: 0px; color: red'>hidden</p>",
        "<p style='font-size:1px;line-height:1px'>hidden</p>",
        "<p style='max-height:0;overflow:hidden'>hidden</p>",
        "<p style='opacity:0'>hidden</p>",
        "<p hidden>hidden</p>",
        "<img src=x alt=''>",
        "<img src=x alt='the logo of the yard'>",
    ],
)
def test_what_a_reader_does_not_see_is_left_out(hidden: str) -> None:
    """Styles, scripts, comments, and preview texts that a style hides."""
    assert text(f"{hidden}<p>seen</p>") == "seen"


@pytest.mark.parametrize(
    "html",
    [
        "<p style='font-size:0.9em'>seen</p>",
        "<p style='font-size: 0.8rem;'>seen</p>",
        "<p style='font-size:.5em'>seen</p>",
        "<p style='font-size:1em'>seen</p>",
        "<table><tr><td style='font-size:0'><div style='font-size:13px'>seen</div></table>",
        "<p style='line-height:0; border: none'>seen</p>",
        "<![if !mso]><p style='mso-hide:all'>seen</p><![endif]>",
    ],
)
def test_small_text_is_seen(html: str) -> None:
    """Nine tenths of a size are not nothing, and what is within may have a size of its own."""
    assert text(html) == "seen"


@pytest.mark.parametrize("emoji", ["🙂", "👍🏽", "❤️", "🇸🇪"])
def test_an_emoji_may_be_an_image(emoji: str) -> None:
    """As Gmail and Outlook send it."""
    assert text(f"well done <img class=emoji src='cid:1' alt='{emoji}'>") == f"well done {emoji}"


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 3000 + "deep" + "</div>" * 3000,
        "<blockquote>" * 50_000 + "deep",
        "<p>" + "".join(f"<b a={n}>" for n in range(3000)) + "</p>" + "<i></i>" * 3000 + "deep",
        "<p " + " ".join(f"a{n}=1" for n in range(30_000)) + ">deep",
        "<select>" + "<option>" * 30_000 + "</select>deep",
        "<style>" + "p{" * 50_000 + "</style>deep",
        "<span style='mso-list:ignore'>" * 5000 + "deep",
        "<div>" * 50_000 + "<script>alert(1)</script>deep",
    ],
)
def test_hostile_pages_are_read(html: str) -> None:
    """Deeper than any stack, with elements left open, with thousands of attributes."""
    assert text(html).strip("- ") == "deep"


@given(st.text(st.sampled_from("ab <>/&;\"'=\n-!") | st.characters(), max_size=200))
def test_any_text_is_a_page(html: str) -> None:
    """Nothing raises, and no white space is left at the ends or in heaps."""
    found = text(html)
    assert found == found.strip("\n ")
    assert "\n\n\n" not in found
