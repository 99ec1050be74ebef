"""The lines that introduce a quote, in the languages and programs that write them."""

import textwrap
from datetime import UTC, datetime

import pytest

from daemon.mailbox.text import cut
from mlx_agent.records import Address, ContextMessage

OWN = "Hi Ben,\n\nTuesday suits.\n\nThanks,\nAda"
AT = datetime(2026, 3, 3, 9, 30, tzinfo=UTC)

DATED = [
    "On Tue, 3 Mar 2026 at 09:30, Ben Høllis <ben@yard.example> wrote:",
    "On Mar 3, 2026, at 9:30 AM, Ben Høllis <ben@yard.example> wrote:",
    "On 3/3/26 9:30 AM, Ben Høllis wrote:",
    'On 3/3/26, 9:30 AM, "Ben Høllis" <ben@yard.example> wrote:',
    "On Tuesday, 3 March 2026 09:30:00 CET Ben Høllis wrote:",
    "At 09:30 AM 3/3/2026 +0000, Ben Høllis wrote:",
    "Am 03.03.26 um 09:30 schrieb Ben Høllis:",
    "Am Di., 3. März 2026 um 09:30 Uhr schrieb Ben Høllis <ben@yard.example>:",
    "Am Dienstag, den 03.03.2026, 09:30 +0000 schrieb Ben Høllis:",
    "Ben Høllis <ben@yard.example> hat am 03.03.2026 09:30 geschrieben:",
    "Le 03/03/2026 à 09:30, Ben Høllis a écrit :",
    "Le mar. 3 mars 2026 à 09:30, Ben Høllis <ben@yard.example> a écrit :",
    "El mar, 3 mar 2026 a las 9:30, Ben Høllis (<ben@yard.example>) escribió:",
    "Em ter., 3 de mar. de 2026 às 09:30, Ben Høllis <ben@yard.example> escreveu:",
    "No dia 3 de março de 2026, às 09:30, Ben Høllis <ben@yard.example> escreveu:",
    "Il giorno mar 3 mar 2026 alle ore 09:30 Ben Høllis <ben@yard.example> ha scritto:",
    "Op di 3 mrt 2026 om 09:30 schreef Ben Høllis <ben@yard.example>:",
    "Op 3 mrt. 2026, om 09:30 heeft Ben Høllis <ben@yard.example> het volgende geschreven:",
    "Den tis 3 mars 2026 kl 09:30 skrev Ben Høllis <ben@yard.example>:",
    "Den 3. mar. 2026 kl. 09.30 skrev Ben Høllis <ben@yard.example>:",
    "ti 3. maalisk. 2026 klo 9.30 Ben Høllis (ben@yard.example) kirjoitti:",
    "Ben Høllis kirjoitti 3.3.2026 klo 9.30:",
    "W dniu 3.03.2026 o 09:30, Ben Høllis pisze:",
    "wt., 3 mar 2026 o 09:30 Ben Høllis <ben@yard.example> napisał(a):",
    "Wiadomość napisana przez Ben Høllis <ben@yard.example> w dniu 3 mar 2026, o godz. 09:30:",
    "út 3. 3. 2026 v 9:30 odesílatel Ben Høllis <ben@yard.example> napsal:",
    "Ben Høllis <ben@yard.example> ezt írta (időpont: 2026. márc. 3., K, 9:30):",
    "În mar., 3 mar. 2026 la 09:30, Ben Høllis <ben@yard.example> a scris:",
    "вт, 3 мар. 2026 г. в 09:30, Ben Høllis <ben@yard.example>:",
    "3 мар. 2026 г., в 9:30, Ben Høllis <ben@yard.example> написал(а):",
    "Tue, 3 Mar 2026 09:30:51 +0000 от Ben Høllis <ben@yard.example>:",
    "вт, 3 бер. 2026 р. о 09:30 Ben Høllis <ben@yard.example> пише:",
    "На вт, 3.03.2026 г. в 9:30 Ben Høllis <ben@yard.example> написа:",
    "Στις Τρί 3 Μαρ 2026 στις 9:30 π.μ., ο χρήστης Ben Høllis <ben@yard.example> έγραψε:",
    "Ben Høllis <ben@yard.example>, 3 Mar 2026 Sal, 09:30 tarihinde şunu yazdı:",
    "\u202b3 במרץ 2026 ב-9:30 מאת \u202aBen Høllis\u202c <\u202aben@yard.example\u202c>:\u202c",
    "في الثلاثاء، 3 مارس 2026 في 9:30 ص تمت كتابة ما يلي بواسطة Ben Høllis <ben@yard.example>:",
    "2026年3月3日(火) 9:30 Ben Høllis <ben@yard.example>:",
    "2026/03/03 9:30、Ben Høllis <ben@yard.example>のメール:",
    "Ben Høllis <ben@yard.example> 于2026年3月3日周二 09:30写道：",
    '在 2026-03-03 09:30:00，"Ben Høllis" <ben@yard.example> 写道：',
    "2026년 3월 3일 (화) 오전 9:30, Ben Høllis <ben@yard.example>님이 작성:",
    "Vào Th 3, 3 thg 3, 2026 vào lúc 09:30 Ben Høllis <ben@yard.example> đã viết:",
    "Pada tanggal Sel, 3 Mar 2026 pukul 09.30 Ben Høllis <ben@yard.example> menulis:",
    "uto, 3. ožu 2026. u 09:30 Ben Høllis <ben@yard.example> napisao je:",
    "Missatge de Ben Høllis <ben@yard.example> del dia dt., 3 de març 2026 a les 9:30:",
    "Kuupäev T, 3. märts 2026 kell 09:30 kirjutas Ben Høllis <ben@yard.example>:",
    "2026-03-03 9:30 GMT+00:00 Ben Høllis <ben@yard.example>:",
    "2026-03-03 09:30 GMT+00:00 Ben Høllis:",
    "---- On Tue, 03 Mar 2026 09:30:00 +0000 Ben Høllis <ben@yard.example> wrote ----",
    "* Ben Høllis <ben@yard.example> [2026-03-03 09:30]:",
    "Ben Høllis <ben@yard.example> wrote on 03/03/2026 09:30:12 AM:",
    '>>> "Ben Høllis" <ben@yard.example> 03.03.2026 09:30 >>>',
]  # fmt: skip
UNDATED = [
    "Ben Høllis <ben@yard.example> writes:",
    "In article <a1@news.example>, Ben Høllis <ben@yard.example> wrote:",
]
MARKED_ONLY = [
    "Quoting Ben Høllis <ben@yard.example>:",
    "Zitat von Ben Høllis <ben@yard.example>:",
    "Ben Høllis wrote:",
    "Ben Høllis schrieb:",
    "Ben Høllis a écrit :",
]


def below(quote: str) -> tuple[ContextMessage, ...]:
    """The context of a mail that ends with this."""
    found = cut(f"{OWN}\n\n{quote}\n", None)
    assert found.own_text == OWN
    return found.context


@pytest.mark.parametrize("line", [*DATED, *UNDATED, *MARKED_ONLY])
def test_a_line_above_marked_text_introduces_it(line: str) -> None:
    """It goes with the quote, and tells who wrote that, and when."""
    (message,) = below(f"{line}\n\n> When can you come?\n> Ben")
    assert message.text == "When can you come?\nBen"
    assert message.author.name == "Ben Høllis"
    assert message.author.address == ("ben@yard.example" if "ben@yard" in line else "")
    assert message.sent_at == (AT if line in DATED else None)


@pytest.mark.parametrize("line", [*DATED, *UNDATED])
def test_a_sure_line_needs_no_marks(line: str) -> None:
    """All below it is quoted, as Outlook's mobile program and others write it."""
    (message,) = below(f"{line}\n\nWhen can you come?\n\nBen")
    assert (message.author.name, message.text) == ("Ben Høllis", "When can you come?\n\nBen")


@pytest.mark.parametrize("line", [line for line in (*DATED, *UNDATED) if line[0] != ">"])
@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_a_wrapped_line_is_read_as_one(line: str, gap: str) -> None:
    """At whatever column, and though no blank line parts it from the user's name above."""
    line = line.replace("Ben Høllis", "Ben Olof Høllis (the Yard)")
    for width in range(60, 81):
        wrapped = "\n".join(textwrap.wrap(line, width, break_on_hyphens=False))
        found = cut(f"{OWN}{gap}{wrapped}\n\n> When?\n", None)
        assert (width, found.own_text) == (width, OWN)


def test_a_short_line_can_be_broken_where_programs_break_it() -> None:
    """Behind the date, and around the address."""
    claws = "On Tue, 3 Mar 2026 09:30:00 +0000\nBen Høllis <ben@yard.example> wrote:"
    discourse = (
        "On Tue, 3 Mar 2026 at 9:30 Ben Høllis\n\n<\nmailto:Ben <ben@yard.example>\n> wrote:"
    )
    for line in (claws, discourse):
        (message,) = below(f"{line}\n\nWhen?")
        assert (message.author.address, message.sent_at) == ("ben@yard.example", AT)


def test_a_quote_that_follows_on_the_same_line_is_one() -> None:
    """Yahoo's mobile program breaks no line after its introduction."""
    (message,) = below("  On Tue, 3 Mar 2026 at 9:30, Ben<ben@yard.example> wrote:   When?\nBen")
    assert message.text == "When?\nBen"
    own = "On 3 March Ben <ben@yard.example> said: come."
    assert cut(own, None).own_text == own


@pytest.mark.parametrize(
    "line",
    [
        "As I wrote:",
        "As Ben wrote:",
        "Here is what Ben wrote: he comes at 10:30 and stays.",
        "We meet on 3 March 2026 at 09:30:",
        "On 3 March I wrote you that we need the following:",
        "On Tuesday at 10:30 we need:",
        "What I wrote on 3 March at 9:30 still holds. Please bring:",
        "Please write to ben@yard.example by 3 March 2026 at 09:30 with:",
        "Ben said on 3/3/2026 09:30:",
        "He wrote a book in 2019, and two in 2020:",
        "Ada's list of what Ben wrote in 2019-2021:",
        "Ich schrieb am 3.3.2026:",
        "J'ai écrit le 3 mars 2026 :",
        "Le 3 mars 2026 à 10:30 il nous faut :",
    ],
)
def test_own_lines_introduce_nothing(line: str) -> None:
    """A sentence that ends in a colon stays, and what follows it."""
    text = f"Hi Ben,\n\n{line}\n\none\ntwo\n\nThanks,\nAda"
    assert cut(text, None).own_text == text


def test_a_sentence_above_is_no_part_of_the_line() -> None:
    """Even where no blank line parts them."""
    text = "I shall come.\nOn Tue, 3 Mar 2026 at 09:30, Ben wrote:\n> When?"
    assert cut(text, None).own_text == "I shall come."


def test_the_name_may_be_in_quotes_or_missing() -> None:
    """What is not told is empty."""
    (named,) = below('On 3 Mar 2026 09:30, "Høllis, Ben" <ben@yard.example> wrote:\n> When?')
    assert named.author == Address(name="Høllis, Ben", address="ben@yard.example")
    (bare,) = below("In a message dated 3/3/2026 9:30:51 A.M. EST, ben@yard.example writes:\nWhen?")
    assert (bare.author, bare.sent_at) == (Address(address="ben@yard.example"), AT)
    (own,) = below("On 3 Mar 2026 09:30, you wrote:\n> When?")
    assert own.text == "When?"
