"""HTML bodies: the quotes and signatures that programs mark, and the own text around them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tools import absent

from daemon.mailbox.cutting.html import Page, Piece, read_html, render
from daemon.mailbox.cutting.tree import parse
from daemon.mailbox.text import cut

CORPUS = Path(__file__).parent.parent.parent / "shared" / "mail" / "quotes" / "html"
WROTE = "On Tue, 3 Mar 2026 at 09:30, Ben Holm &lt;ben@yard.example&gt; wrote:"
SHOWN = "On Tue, 3 Mar 2026 at 09:30, Ben Holm <ben@yard.example> wrote:"
HEADER = "<b>From:</b> Ben Holm<br><b>Sent:</b> 3 March 2026 09:30<br><b>To:</b> Ada<br>"
FIELDS = "From: Ben Holm\nSent: 3 March 2026 09:30\nTo: Ada"
DRAWN = "border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in"
ASIDE = "border-left:1px solid #0857A6;margin:10px;padding:0 0 0 10px"


def text(html: str) -> str:
    return read_html(html).text


def pieces(html: str) -> list[tuple[str, str]]:
    return [(piece.what, piece.text) for piece in read_html(html).pieces]


QUOTES = {
    "apple": f"<div><br><blockquote type=cite><div>{WROTE}</div>When?</blockquote></div>",
    "iphone": (
        f"<div><br><blockquote type=cite>{WROTE}<br><br></blockquote></div>"
        "<blockquote type=cite><div>When?</div></blockquote>"
    ),
    "gmail": (
        f"<div class='gmail_quote gmail_quote_container'><div class='gmail_attr'>{WROTE}<br></div>"
        "<blockquote class='gmail_quote' style='border-left:1px solid'>When?</blockquote></div>"
    ),
    "android": (
        f"<div class='gmail_quote'>{WROTE}<br>"
        "<blockquote class='gmail_quote'>When?</blockquote></div>"
    ),
    "thunderbird": (
        f"<div class='moz-cite-prefix'>{WROTE}<br></div>\n"
        "<blockquote type='cite' cite='mid:1@yard.example'>When?</blockquote>"
    ),
    "roundcube": f"<p id='reply-intro'>{WROTE}</p><blockquote type='cite'>When?</blockquote>",
    "airmail": f"<p class='airmail_on'>{WROTE}</p><blockquote class='clean_bq'>When?</blockquote>",
    "yahoo": f"<div class='ydp1a2byahoo_quoted'><div>{WROTE}</div><div>When?</div></div>",
    "proton": (
        f"<div class='protonmail_quote'>{WROTE}<br>"
        "<blockquote class='protonmail_quote' type='cite'>When?</blockquote></div>"
    ),
    "tutanota": f"{WROTE}<br><blockquote class='tutanota_quote'>When?</blockquote>",
    "spark": (
        f"<div name='messageReplySection'>{WROTE}<br>"
        "<blockquote type='cite' class='spark_quote'>When?</blockquote></div>"
    ),
    "front": f"{WROTE}<br><blockquote type='cite' class='front-blockquote'>When?</blockquote>",
    "zoho": (
        f"<div class='zmail_extra'><div id='Zm-_Id_-Sgn1'>{WROTE}</div>"
        "<blockquote id='blockquote_zmail'>When?</blockquote></div>"
    ),
    "missive": f"{WROTE}<blockquote class='missive_quote'>When?</blockquote>",
    "mail.ru": (
        "<br>Вторник, 3 марта 2026, 9:30 +03:00 от Ben Holm &lt;ben@yard.example&gt;:<br>"
        f"<blockquote style='{ASIDE}'><div>When?</div></blockquote>"
    ),
    "yandex": (
        '<div>03.03.2026, 09:30, "Ben Holm" &lt;ben@yard.example&gt;:</div>'
        "<blockquote><p>When?</p></blockquote>"
    ),
    "rainloop": f"<p>{WROTE}</p><blockquote><p>When?</p></blockquote>",
    "zimbra": (
        f"<hr id='zwchr' data-marker='__DIVIDER__'><div data-marker='__HEADERS__'>{HEADER}</div>"
        "<div data-marker='__QUOTED_TEXT__'>When?</div>"
    ),
    "outlook": (
        f"<div><div style='{DRAWN}'><p class=MsoNormal>{HEADER}</p></div></div>"
        "<p class=MsoNormal>When?</p>"
    ),
    "outlook, indented": (
        "<div style='border:none;border-left:solid blue 1.5pt;padding:0in 0in 0in 4.0pt'>"
        f"<div><div style='{DRAWN}'><p class=MsoNormal>{HEADER}</p></div></div>"
        "<p class=MsoNormal>When?</p></div>"
    ),
    "outlook in german": (
        f"<div style='{DRAWN}'><p class=MsoNormal><b>Von:</b> Ben Holm<br><b>Gesendet:</b>"
        " Dienstag, 3. März 2026 09:30<br><b>An:</b> Ada<br></p></div><p class=MsoNormal>When?</p>"
    ),
    "outlook, any language": (
        f"<div style='{DRAWN}'><p class=MsoNormal><b>Oddo:</b> ben@yard.example<br><b>Poslo:</b> 3."
        " 3. 2026 09:30<br><b>Kommu:</b> Ada<br></p></div><p class=MsoNormal>When?</p>"
    ),
    "outlook on the web": (
        f"<div id='appendonsend'></div><hr><div id='divRplyFwdMsg'>{HEADER}</div><div>When?</div>"
    ),
    "outlook on a phone": (
        "<div id='mail-editor-reference-message-container'>"
        f"<hr><div id='divRplyFwdMsg'>{HEADER}</div><div>When?</div></div>"
    ),
    "outlook for mac": (
        "<span id='OLK_SRC_BODY_SECTION'><div style='BORDER-TOP: #b5c4df 1pt solid'>"
        f"{HEADER}</div><div>When?</div></span>"
    ),
    "hotmail": f"<hr id='stopSpelling'>{HEADER}When?",
    "windows mail": (
        "<div style='border-top-color:rgb(229,229,229);border-top-width:1px;"
        f"border-top-style:solid'>{HEADER}</div><div>When?</div>"
    ),
    "outlook express": f"<div class=OutlookMessageHeader>{HEADER}</div><div>When?</div>",
    "gmx": f"<div name='quote' style='border-left:2px solid'><div>{HEADER}</div>When?</div>",
    "a rule above a header": f"<hr>{HEADER}<b>Cc:</b> cleo@yard.example<br><div>When?</div>",
    "163": f"<div>{WROTE}</div><blockquote id='isReplyContent'>When?</blockquote>",
}


@pytest.mark.parametrize("quote", QUOTES.values(), ids=QUOTES)
def test_each_program_marks_its_quotes(quote: str) -> None:
    """The quote goes whole, with what introduces it; own text stays."""
    page = read_html(f"<html><body><div>Tuesday.</div><div><br></div>{quote}</body></html>")
    assert page.text == "Tuesday."
    taken = "\n".join(piece.text for piece in page.pieces)
    assert taken.endswith("When?")
    assert "Ben Holm" in taken or "ben@yard.example" in taken
    assert {piece.what for piece in page.pieces} == {"context"}


@pytest.mark.parametrize("client", sorted(QUOTES.keys() - {"outlook, any language"}))
def test_who_is_quoted_and_when_is_told(client: str) -> None:
    """The line that introduces a quote comes first in it, so its author and date are read."""
    quote = QUOTES[client]
    (message,) = cut(None, f"<p>Tuesday.</p>{quote}").context
    assert message.author.name == "Ben Holm"
    assert message.sent_at is not None
    assert message.sent_at.date().isoformat() == "2026-03-03"
    assert message.text.endswith("When?")


@pytest.mark.parametrize(
    "quote",
    [
        "<blockquote type='cite'><p>When?</p></blockquote>",
        "<blockquote class='gmail_quote'>When?</blockquote>",
        "<div class='gmail_quote'>When?</div>",
        "<div class='yahoo_quoted'>When?</div>",
        "<div class='zmail_extra'>When?</div>",
    ],
)
def test_a_mark_alone_is_enough(quote: str) -> None:
    """Without a line that introduces it."""
    html = f"<p>Tuesday.</p>{quote}"
    assert (text(html), pieces(html)) == ("Tuesday.", [("context", "When?")])


def test_quotes_within_a_quote_are_marked() -> None:
    """As in plain text, so that each level can be told from the others."""
    deep = f"{WROTE}<blockquote type=cite>c<br>d</blockquote>"
    html = f"<p>own</p>{WROTE}<blockquote type=cite>a<blockquote type=cite>b {deep}</blockquote>"
    page = read_html(html)
    assert page.text == "own"
    assert [piece.text for piece in page.pieces] == [
        f"{SHOWN}\na\n\n> b {SHOWN}\n>\n> > c\n> > d",
    ]


@pytest.mark.parametrize(
    "quote",
    [
        "<blockquote type=cite>{}</blockquote>",
        f"<blockquote style='{ASIDE}'>{{}}</blockquote>",
        "<blockquote>{}</blockquote>",
    ],
)
def test_answers_between_quotes_stay_in_order(quote: str) -> None:
    """An answer below each question; what looks like the first quote is one, too."""
    html = (
        f"<p>Hi Ben,</p><p>{WROTE}</p>{quote.format('When?')}<p>Tuesday.</p>"
        f"{quote.format('Where?')}<p>At the yard.</p>"
    )
    assert text(html) == "Hi Ben,\n\nTuesday.\n\nAt the yard."
    assert pieces(html) == [("context", f"{SHOWN}\nWhen?"), ("context", "Where?")]


def test_answers_within_gmails_quote_stay() -> None:
    """Gmail keeps them in the element that it marks as the quote."""
    quote = "<blockquote class=gmail_quote>{}</blockquote>"
    html = (
        f"<div>Hi Ben,</div><div class=gmail_quote><div class=gmail_attr>{WROTE}<br></div>"
        f"{quote.format('When?')}<div>Tuesday.</div>{quote.format('Where?')}<div>Here.</div></div>"
    )
    assert text(html) == "Hi Ben,\n\nTuesday.\n\nHere."
    assert pieces(html) == [("context", f"{SHOWN}\nWhen?"), ("context", "Where?")]


def test_text_below_a_quote_stays() -> None:
    """Some write below what they answer."""
    html = f"<p>{WROTE}</p><blockquote type=cite>When?</blockquote><p>Tuesday.</p>"
    assert text(html) == "Tuesday."


@pytest.mark.parametrize(
    "html",
    [
        "<p>As agreed:</p><blockquote>at noon</blockquote>",
        "<p>As agreed:</p><blockquote style='margin:0 0 0 40px;border:none'>at noon</blockquote>",
        "<p>As agreed:</p><div style='border-left:3px solid red'>at noon</div>",
        "<p>As agreed:</p><blockquote cite='https://yard.example'>at noon</blockquote>",
        "<p>As agreed:</p><hr><p>at noon</p>",
        "<p>As agreed:</p><p style='border-top:1px solid'>at noon</p>",
        "<p>As agreed:</p><div style='border-top:1px solid'>at noon</div>",
    ],
)
def test_an_own_quotation_stays(html: str) -> None:
    """A bare quotation, an indented paragraph or a drawn line that nothing introduces."""
    assert read_html(html) == Page(text="As agreed:\n\nat noon")


ALL_QUOTED = "<div><blockquote class=gmail_quote>{}</blockquote><div id=Signature></div></div>"


@pytest.mark.parametrize(
    "quote", [ALL_QUOTED, "<blockquote type=cite>{}</blockquote>"], ids=["gmail", "cite"]
)
def test_a_quotation_that_is_all_there_is_stays_whole(quote: str) -> None:
    """Nobody can tell whose it is, nor where it ends; so it is kept, and teaches nothing."""
    found = cut(None, quote.format(f"Tuesday.<p>{WROTE}</p><blockquote>When?</blockquote>"))
    assert found.own_text == f"Tuesday.\n\n{SHOWN}\n\nWhen?"
    assert (found.context, found.is_unsure) == ((), True)
    assert [reason.why for reason in found.cuts] == ["a quote that is all there is"]


@pytest.mark.parametrize(
    "html",
    [
        ALL_QUOTED.format(f"{WROTE}<br>When?"),
        ALL_QUOTED.format(f"{HEADER}When?"),
        ALL_QUOTED.format(f"Begin forwarded message:<br><br>{HEADER}When?"),
        f"<p>{WROTE}</p>{ALL_QUOTED.format('When?')}",
        f"<div class=gmail_quote>{ALL_QUOTED.format('When?')}</div>",
        ALL_QUOTED.format("When?") * 2,
    ],
    ids=["introduced", "headed", "forwarded", "introduced above", "gmail's frame", "two"],
)
def test_a_quote_that_is_all_there_is_and_says_whose_it_is_goes(html: str) -> None:
    """A reply or a forward without a word of its sender's."""
    found = cut(None, html)
    assert (found.own_text, found.is_unsure) == ("", False)


def test_own_details_below_a_rule_stay() -> None:
    """Labelled lines are a header only if they tell of a message."""
    html = "<p>We meet.</p><hr>Day: 3 March 2026<br>Place: the yard<br>Bring: rope<br>"
    assert read_html(html) == Page(
        text="We meet.\n\nDay: 3 March 2026\nPlace: the yard\nBring: rope"
    )


def test_messages_below_one_another_are_apart() -> None:
    """Outlook draws a line above each."""
    header = f"<div style='{DRAWN}'><p class=MsoNormal>{HEADER}</p></div>"
    html = f"<p>Tuesday.</p>{header}<p>When?</p>{header}<p>Soon?</p>"
    assert pieces(html) == [
        ("context", f"{FIELDS}\n\nWhen?"),
        ("context", f"{FIELDS}\n\nSoon?"),
    ]


def test_marked_lines_in_outlooks_element_are_left_to_the_text() -> None:
    """Who answers between marked lines does so within it."""
    html = (
        "<p>Hi,</p><div id='mail-editor-reference-message-container'>"
        f"<div>{WROTE}</div><div>&gt; When?</div><div>Tuesday.</div></div>"
    )
    assert read_html(html) == Page(text=f"Hi,\n\n{SHOWN}\n> When?\nTuesday.")
    assert cut(None, html).own_text == "Hi,\n\nTuesday."


# --- signatures -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mark",
    [
        "class='moz-signature'",
        "class='gmail_signature' data-smartmail='gmail_signature'",
        "class='protonmail_signature_block'",
        "class='k9mail-signature'",
        "class='ydp1a2bsignature'",
        "id='Signature'",
        "id='x_Signature'",
        "id='ms-outlook-mobile-signature'",
        "id='composer_signature'",
        "id='bloop_sign'",
        "id='_rc_sig'",
        "name='messageSignatureSection'",
        "data-marker='__SIG_PRE__'",
        "data-signatureblock='true'",
    ],
)
def test_a_marked_signature_goes(mark: str) -> None:
    """Where the program says that it is one."""
    html = f"<p>Tuesday.</p><div {mark}>Ada Lindqvist<br>Field &amp; Sons</div>"
    assert text(html) == "Tuesday."
    assert pieces(html) == [("signature", "Ada Lindqvist\nField & Sons")]


def test_an_iphones_signature_goes() -> None:
    """Its mark is the line break above it."""
    html = "Tuesday.<br id='lineBreakAtBeginningOfSignature'><div>Ada, from the yard</div>"
    assert (text(html), pieces(html)) == ("Tuesday.", [("signature", "Ada, from the yard")])


@pytest.mark.parametrize(
    "html",
    [
        "<div id='AppleMailSignature'>Tuesday.</div>",
        "<div class='no-signature-here'>Tuesday.</div>",
        "<div class='signature-list'>Tuesday.</div>",
    ],
)
def test_other_names_are_no_marks(html: str) -> None:
    """Apple Mail gives that one to what the user wrote below, too."""
    assert read_html(html) == Page(text="Tuesday.")


def test_text_below_a_signature_stays() -> None:
    """The signature goes with its separator, and what was written below it does not."""
    html = "<p>Tuesday.</p>-- <br><div class='gmail_signature'>Ada</div><p>P.S. Not Monday.</p>"
    assert text(html) == "Tuesday.\n\nP.S. Not Monday."
    assert pieces(html) == [("signature", "Ada")]


# --- forwards ---------------------------------------------------------------------------------


def test_a_marked_forward_goes() -> None:
    """It is no context: nobody is answered."""
    html = "<p>FYI</p><div class='moz-forward-container'>-------- Forwarded<br>When?</div>"
    assert text(html) == "FYI"
    assert pieces(html) == [("forwarded", "-------- Forwarded\nWhen?")]


@pytest.mark.parametrize(
    "forward",
    [
        (
            "<div class='gmail_quote'><div class='gmail_attr'>---------- Forwarded message "
            f"---------<br>{HEADER}</div>When?"
            "<blockquote type=cite>Soon?</blockquote></div>"
        ),
        (
            "<div><br>Begin forwarded message:<br><br></div>"
            f"<blockquote type=cite>{HEADER}<br></blockquote>"
            "<blockquote type=cite>When?<br>Soon?</blockquote>"
        ),
        (
            "<div class='moz-forward-container'><br>-------- Forwarded Message --------"
            f"<table><tr><th>Subject:</th><td>x</td></tr></table>{HEADER}When? Soon?</div>"
        ),
    ],
    ids=["gmail", "apple", "thunderbird"],
)
def test_a_forward_is_no_context(forward: str) -> None:
    """It goes whole, with the quotes in it."""
    found = cut(None, f"<p>FYI</p>{forward}")
    assert (found.own_text, found.context) == ("FYI", ())
    assert "When?" in found.forwarded
    assert "Soon?" in found.forwarded


# --- any page ---------------------------------------------------------------------------------


def test_empty_marks_are_no_pieces() -> None:
    """Programs leave them behind."""
    html = "<p>Tuesday.</p><div class='gmail_quote'></div><div id='appendonsend'></div>"
    assert read_html(html) == Page(text="Tuesday.")


def test_a_page_may_have_no_body() -> None:
    """Its text is what is left without tags."""
    assert read_html("<frameset><frame src=x></frameset>") == Page(text="")


MARKED = (
    "p",
    "div",
    "blockquote",
    "blockquote type=cite",
    "div class=gmail_quote",
    "div class=moz-cite-prefix",
    "div class=moz-forward-container",
    "div id=Signature",
    "div id=divRplyFwdMsg",
    "div id=mail-editor-reference-message-container",
    "div style='border-left:1px solid'",
    "div style='border-top:1px solid'",
    "hr",
    "ul",
    "li",
)
WORDS = st.sampled_from(
    ["rope", "On Tue, 3 Mar 2026, Ben wrote:", "> mast", "To: a@b.example", "--"]
)
TREES = st.recursive(
    WORDS,
    lambda inner: st.tuples(st.sampled_from(MARKED), st.lists(inner, max_size=4)),
    max_leaves=25,
)


def written(tree: object, words: list[str]) -> str:
    """The HTML of a tree, in which each word is told from the others by its number."""
    if isinstance(tree, str):
        words.append(f"w{len(words)}w")
        return f"{tree} {words[-1]}<br>"
    assert isinstance(tree, tuple)
    inner = "".join(written(child, words) for child in tree[1])
    return f"<{tree[0]}>{inner}</{tree[0].split()[0]}>"


@given(st.lists(TREES, max_size=4))
def test_nothing_is_lost_and_nothing_is_doubled(trees: list[object]) -> None:
    """Each word of a page is in its own text or in one piece, once."""
    words: list[str] = []
    page = read_html("".join(written(tree, words) for tree in trees))
    everything = "\n".join([page.text, *(piece.text for piece in page.pieces)])
    assert [everything.count(word) for word in words] == [1] * len(words)
    assert all(piece.text.strip() for piece in page.pieces)


@pytest.mark.parametrize(
    "page",
    [
        "<p>Hi</p><blockquote type=cite>When</blockquote>" * 5000,
        "<p>Hi</p>" + "<blockquote type=cite>When</blockquote>" * 5000,
        "<p>Hi</p>" + "<div class=gmail_signature>Ada</div>" * 5000,
        "<p>Hi</p>" + "<div id=divRplyFwdMsg>When</div>" * 5000,
        "<p>Hi</p>" + "<hr>a: 1<br>" * 5000,
        "<p>Hi</p>" + "<blockquote type=cite>" * 5000 + "When",
        "<p>Hi</p>" + "<div class=gmail_quote>" * 5000 + "When",
    ],
    ids=["answers", "quotes", "signatures", "borders", "rules", "levels", "frames"],
)
def test_pages_of_thousands_of_marks_are_read(page: str) -> None:
    """In time that grows with their length alone."""
    assert text(page).startswith("Hi")


def test_real_replies_are_cut() -> None:
    """Of 23 real pages, 20 have exactly the own text that people marked, and one a line less.

    That is a device's line, which is a signature here. In the two others people left what another
    wrote, above and between answers; cut off the marked text as well, 22 are equal.
    """
    if not CORPUS.is_dir():
        absent("the mail corpus beside the repository")
    exact = with_signature = equal = total = 0
    for wanted in sorted(CORPUS.glob("*_stripped.html")):
        page = wanted.with_name(wanted.name.replace("_stripped", "")).read_text("utf-8")
        body = parse(wanted.read_text("utf-8")).body
        parts = cut(None, page)
        found, marked = parts.own_text.split(), render(body).split() if body is not None else []
        exact += found == marked
        with_signature += found != marked and found + parts.signature.split() == marked
        equal += found == cut(None, wanted.read_text("utf-8")).own_text.split()
        total += 1
    assert total == 23
    assert exact >= 20
    assert exact + with_signature >= 21
    assert equal >= 22


def test_pieces_say_why() -> None:
    """Each cut can be explained."""
    html = (
        "<p>own</p><div class=gmail_signature>Ada</div><blockquote type=cite>When?</blockquote>"
        f"<p>and</p><div id=divRplyFwdMsg>{HEADER}</div>Soon?"
    )
    assert read_html(html).pieces == (
        Piece(what="signature", why="a signature's mark", text="Ada"),
        Piece(what="context", why="a quote", text="When?"),
        Piece(what="context", why="an original message below", text=f"{FIELDS}\nSoon?"),
    )
